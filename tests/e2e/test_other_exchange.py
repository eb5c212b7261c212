"""Two paper exchanges and one PFMM_HOME: what one of them filled must never count as the other's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.paper_admin import reset
from tests.e2e.driver import Completed, run, run_until
from tests.e2e.homes import open_orders, served, still_home

BTC = "BTC-PERP"
GRID = ("grid", "start", BTC, "--range-pct", "0.35")  # no volatility to measure first


def refused(done: Completed) -> dict[str, Any]:
    assert (done.code, done.error["code"]) == (3, "other_exchange"), done.out + done.err
    assert "PFMM_HOME" in done.error["hint"]
    return done.error


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str], dict[str, str], Path]]:
    """A home whose grid rests at the first exchange; the ways to both, and the second exchange's own home."""
    folder = tmp_path_factory.mktemp("two")
    home = folder / "home"
    for name in ("one", "two"):
        still_home(folder / name)
    with served(folder / "one") as one, served(folder / "two") as other:
        assert run(*GRID, "--once", "--json", home=home, env=one).code == 0
        yield home, one, other, folder / "two"


@pytest.mark.parametrize(
    "line",
    [
        (*GRID, "--once"),
        (*GRID, "--dry-run"),
        (*GRID, "--once", "--on-restart", "cancel"),
        ("quote", "start", BTC, "--cycles", "2"),
        pytest.param(("quote", "start", "ETH-PERP", "--detach"), marks=pytest.mark.slow),
        ("grid", "status"),
        ("grid", "stop", BTC),
    ],
)
def test_what_uses_the_journal_refuses_another_exchange(two: Any, line: tuple[str, ...]) -> None:
    home, one, other, other_home = two
    before = run("grid", "status", "--json", home=home, env=one).data["runs"][0]
    if "--detach" in line or "--cycles" in line:
        done = run(*line, "--json", home=home, env=other)
        assert done.code == 3
        assert "paper exchange" in done.out + done.err
    else:
        refused(run(*line, "--json", home=home, env=other))
    assert open_orders(other_home) == [], "nothing was sent"
    after = run("grid", "status", "--json", home=home, env=one).data["runs"][0]
    assert (after["state"], after["orders"], after["fills"]) == (before["state"], before["orders"], before["fills"])


def test_what_only_looks_says_what_it_does_not_know(two: Any) -> None:
    home, one, other, _ = two
    ids = [run("paper", "status", "--json", home=home, env=env).data["exchange_id"] for env in (one, other)]
    assert ids[0] != ids[1]
    done = run("inventory", "--json", home=home, env=other)
    assert (done.code, done.data["account"]["peak_equity"]) == (0, None)
    assert f"exchange {ids[1]} answers" in done.envelope["warnings"][0]
    done = run("doctor", "--json", home=home, env=other)
    refused(done)
    assert [c["name"] for c in done.envelope["data"]["checks"] if c["verdict"] == "fail"] == ["exchange"]
    assert "fail" not in {c["verdict"] for c in run("doctor", "--json", home=home, env=one).data["checks"]}
    done = run("report", "--json", home=home, env=other)
    assert (done.code, "journal's own view" in done.envelope["warnings"][0]) == (0, True)


def test_another_account_name_or_home_is_the_way_out(two: Any) -> None:
    home, _, other, other_home = two
    named = {**other, "PFMM_ACCOUNT": "second"}
    assert run(*GRID, "--once", "--json", home=home, env=named).code == 0
    assert run("grid", "stop", BTC, "--json", home=home, env=named).code == 0
    # the home of the served exchange itself: over the socket and embedded it is one exchange, and one journal
    assert run(*GRID, "--once", "--json", home=other_home, env=other).code == 0
    assert run("grid", "status", "--json", home=other_home).code == 0
    assert run("grid", "stop", BTC, "--json", home=other_home).code == 0


def test_flatten_acts_on_whoever_answers_and_warns(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("one", "two"):
        still_home(tmp_path / name)
    with served(tmp_path / "one") as one, served(tmp_path / "two") as other:
        assert run(*GRID, "--once", "--json", home=home, env=one).code == 0
        resting = len(open_orders(tmp_path / "one"))
        done = run("flatten", "--all", "--json", home=home, env=other)
        assert (done.code, done.data["state"], done.data["halted"]) == (0, "flat", True)
        assert "which was not touched" in done.envelope["warnings"][0]
        assert len(open_orders(tmp_path / "one")) == resting > 0
        # the right one: everything is cancelled and the run ended, without a warning
        done = run("flatten", "--all", "--json", home=home, env=one)
        assert (done.code, done.data["cancelled"], done.envelope["warnings"]) == (0, resting, [])
        assert run("resume", "--json", home=home, env=one).code == 0
        assert run("grid", "status", "--json", home=home, env=one).data["runs"][0]["state"] == "halted"


def test_a_reset_of_the_served_exchange_is_another_exchange_to_its_clients(tmp_path: Path) -> None:
    home, shop = tmp_path / "home", tmp_path / "one"
    still_home(shop)
    with served(shop) as one:
        assert run(*GRID, "--once", "--json", home=home, env=one).code == 0
        assert run("paper", "reset", "--yes", "--json", home=shop).code == 0
        error = refused(run("grid", "status", "--json", home=home, env=one))
        assert "after a reset" in error["message"]


def test_a_loop_ends_when_another_exchange_answers(tmp_path: Path) -> None:
    home, shop = tmp_path / "home", tmp_path / "one"
    line = (*GRID, "--json", "--interval", "0.2")
    with served(shop) as one:
        loop = run_until('"event":"cycle"', partial(reset, shop / "state"), *line, home=home, env=one)
    assert loop.code == 3
    assert loop.events[-1]["error"]["code"] == "other_exchange", loop.events[-3:]
    assert open_orders(shop) == [], "nothing was sent to the other one"


def test_a_reset_of_the_embedded_exchange_goes_on_with_a_fresh_journal(tmp_path: Path) -> None:
    still_home(tmp_path)
    for again in (("paper", "reset", "--yes"), ("paper", "feed", "synthetic", "--seed", "3", "--reset")):
        assert run(*GRID, "--once", "--json", home=tmp_path).code == 0
        assert len(run(*again, "--json", home=tmp_path).data["journals"]) == 1
    (tmp_path / "state" / "paper" / "exchange.sqlite3").write_bytes(b"not a database")
    assert run(*GRID, "--once", "--json", home=tmp_path).code == 3
    assert run("paper", "reset", "--yes", "--json", home=tmp_path).code == 0
    assert run(*GRID, "--once", "--json", home=tmp_path).code == 0
    assert run("grid", "stop", BTC, "--json", home=tmp_path).code == 0
