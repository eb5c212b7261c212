"""`start --once` whose request the venue refuses whole: cron must not be told that its orders rest."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.driver import run
from tests.e2e.homes import open_orders, served, still_home

STATED = ("--kappa", "1.5", "--sigma", "40")  # nothing to fit first
GRID = ("grid", "start", "BTC-PERP", "--range-pct", "0.35")


def test_a_request_that_did_not_act_is_no_success(tmp_path: Path) -> None:
    still_home(tmp_path / "exchange")
    with served(tmp_path / "exchange", faults="rate=1,kinds=http_429,only=POST") as env:
        done = run(*GRID, "--once", "--json", home=tmp_path / "home", env=env)
    assert (done.code, done.error["code"]) == (6, "rate_limited")
    (row,) = done.envelope["data"]["runs"]
    assert (row["placed"], row["resting"]) == (0, 0), "what was wanted has not happened"
    assert open_orders(tmp_path / "exchange") == []


def test_orders_refused_one_by_one_are_no_success(tmp_path: Path) -> None:
    """200,000 USD on a side need 40,000 of margin, in a careful regime half of it: the account has 10,000."""
    still_home(tmp_path)
    sizes = ("--size", 200_000, "--max-inventory", 1_000_000)
    done = run("quote", "start", "BTC-PERP", "--once", *sizes, "--json", home=tmp_path)
    data = done.envelope["data"]
    refused = [event for event in data["events"] if event["event"] == "refused"]
    assert (done.code, data["runs"][0]["placed"], len(refused)) == (6, 0, 2)
    assert done.error["code"] == "venue_refused"
    assert "the venue refused every order that the quote wanted" in done.error["message"]
    (warning,) = done.envelope["warnings"]
    assert warning == f"BTC-PERP: 2 of its order actions refused: {refused[0]['reason']}"


def test_orders_that_our_own_limit_holds_one_by_one_are_no_success(tmp_path: Path) -> None:
    """A grid's orders, 80 and 100 USD a side, leave no room below a limit of 50."""
    still_home(tmp_path)
    assert run(*GRID, "--once", "--json", home=tmp_path).data["runs"][0]["resting"] == 10
    done = run("quote", "start", "BTC-PERP", *STATED, "--once", "--max-inventory", 50, "--json", home=tmp_path)
    assert (done.code, done.error["code"]) == (7, "risk_refused")
    (row,) = done.envelope["data"]["runs"]
    assert (row["resting"], [held["slot"] for held in row["held"]]) == (0, ["bid", "ask"])
    assert row["held"][0]["reason"] in done.error["message"]
    assert len(open_orders(tmp_path)) == 10
