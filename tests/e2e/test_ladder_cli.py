"""`pfmm ladder` as a real process."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.driver import run
from tests.e2e.homes import open_orders, stepped_home

D = Decimal
STATED = ("--kappa", "1.5", "--sigma", "40")  # nothing to fit first
START = ("ladder", "start", "BTC", *STATED)
FLAT = ("--model", "fixed", "--half-spread-bps", "8", "--sigma", "30")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    stepped_home(tmp_path, seed=11)
    return tmp_path


def test_levels_that_are_absent_for_one_reason_share_a_line(home: Path) -> None:
    args = ("ladder", "show", "BTC", "--levels", 50, "--max-inventory", 100, *FLAT)
    absent = run(*args, "--json", home=home).data["absent"]
    lines = [line for line in run(*args, home=home).out.splitlines() if line.startswith("no ")]
    assert len(absent) > 90
    assert len(lines) < len(set(absent.values()))  # which differ by the amount that is left
    assert re.match(r"no bids \d+ to 50, asks \d+ to 50: the limit leaves [\d.]+ USD at most, ", lines[-1]), lines


def test_levels_are_further_out_and_larger(home: Path) -> None:
    data = run("ladder", "show", "BTC", "--levels", "3", "--spacing-bps", "10", "--growth", "0.5", *FLAT, "--json",
               home=home).data  # fmt: skip
    mid = D(data["mid"])
    levels = {level["slot"]: level for level in data["levels"]}
    assert list(levels) == ["bid:0", "bid:1", "bid:2", "ask:0", "ask:1", "ask:2"]
    for slot, level in levels.items():
        index = int(slot[-1])
        away = abs(D(level["price"]) - mid) / mid * 10_000
        # half-spread 8 bps + 10 a level, rounded away from the mid by at most a tick of about 0.15 bps
        assert 8 + 10 * index <= away + D("0.0001")
        assert away < 8 + 10 * index + D("0.2")
        # 50 USD, 75, 100, rounded down to the size step
        assert D(50) * (1 + D("0.5") * index) - 2 < D(level["notional"]) <= D(50) * (1 + D("0.5") * index)
    drawn = [
        line.split()[:2] for line in run("ladder", "show", "BTC", "--levels", "3", *FLAT, home=home).out.splitlines()
    ]
    levels = [["3", "sell"], ["2", "sell"], ["1", "sell"], ["1", "buy"], ["2", "buy"], ["3", "buy"]]
    assert [words for words in drawn if words in levels] == levels


def test_a_ladder_rests_whole_and_stop_proves_it_gone(home: Path) -> None:
    first = run(*START, "--levels", "4", "--max-inventory", "2000", "--once", "--json", home=home)
    assert first.data["runs"][0]["placed"] == 8
    assert {o.market for o in open_orders(home)} == {"BTC-PERP"}
    again = run(*START, "--levels", "4", "--max-inventory", "2000", "--once", "--json", home=home)
    assert (again.data["runs"][0]["kept"], again.data["runs"][0]["placed"]) == (8, 0)
    assert run("ladder", "status", "BTC", "--json", home=home).data["runs"][0]["state"] == "between_runs"
    stopped = run("ladder", "stop", "BTC", "--json", home=home).data["runs"][0]
    assert (stopped["cancelled"], stopped["orders_left"]) == (8, 0)
    assert open_orders(home) == []


def test_a_change_of_settings_that_a_ladder_does_not_use_refuses_no_restart(home: Path) -> None:
    once = ("ladder", "start", "BTC", "--once", "--json", "--max-inventory", 5000)
    assert run(*once, home=home).code == 0
    for name, value in (("quote.size_usd", 75), ("quote.drift_bps", 9), ("volatility.default_annual_pct", 70)):
        assert run("profile", "set", name, value, home=home).code == 0
    assert run(*once, home=home).data["runs"][0]["kept"] == 10
    assert run("profile", "set", "quote.gamma", 0.06, home=home).code == 0
    other = run(*once, home=home)
    assert other.code == 2
    assert other.error["message"].endswith("was begun with other settings: quote.gamma unset → 0.06")


def test_the_widest_spacing_that_the_settings_take_is_one_that_a_ladder_takes(home: Path) -> None:
    accepted = run("ladder", "show", "BTC", "--spacing-bps", 1000, "--json", home=home)
    assert (accepted.code, len(accepted.data["levels"])) == (0, 10)
    refused = run("profile", "set", "ladder.spacing_bps", 1001, "--json", home=home)
    assert (refused.code, refused.error["message"]) == (
        3, "ladder.spacing_bps must be above 0, at most 1000, not 1001",
    )  # fmt: skip


def test_a_ladder_fits_under_the_limit(home: Path) -> None:
    """5 levels of 50, growing by half, are 500 USD a side: a limit of 200 lets only the first levels rest."""
    done = run(*START, "--max-inventory", "200", "--once", "--json", home=home).data["runs"][0]
    rests = open_orders(home)
    for side in ("long", "short"):
        worth = sum(o.price * o.size_base for o in rests if o.price is not None and o.side == side)
        assert 100 < worth <= 200
    assert any("limit" in reason for reason in done["absent"].values())


def test_a_ladder_runs_beside_a_quote_without_trading_with_it(home: Path) -> None:
    assert run("quote", "start", "BTC", *STATED, "--once", home=home).code == 0
    done = run("ladder", "start", "BTC", "--cycles", "20", "--max-inventory", "800", home=home)
    assert done.code == 0, done.err
    assert {o.market for o in open_orders(home)} <= {"BTC-PERP"}  # the quote's own stay
    cycles = [event for event in done.events if event["event"] == "cycle"]
    assert max(event["orders"] for event in cycles) >= 6
