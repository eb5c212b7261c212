"""`start --once` whose request the venue refuses whole: cron must not be told that its orders rest."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.e2e.driver import Running, run
from tests.e2e.homes import open_orders, still_home


def test_a_request_that_did_not_act_is_no_success(tmp_path: Path) -> None:
    still_home(tmp_path / "exchange")
    limits = ("--faults", "rate=1,kinds=http_429,only=POST")
    with Running("paper", "serve", "--port", "0", *limits, home=tmp_path / "exchange") as server:
        env = {"PFMM_BASE_URL": server.wait_for("http://").strip()}
        done = run("grid", "start", "BTC-PERP", "--once", "--json", home=tmp_path / "home", env=env)
        server.process.send_signal(signal.SIGTERM)
        server.end()
    assert (done.code, done.error["code"]) == (6, "rate_limited")
    (row,) = done.envelope["data"]["runs"]
    assert (row["placed"], row["resting"]) == (0, 0), "what was wanted has not happened"
    assert open_orders(tmp_path / "exchange") == []


def test_orders_refused_one_by_one_are_told(tmp_path: Path) -> None:
    """200,000 USD on a side need 40,000 of margin, in a careful regime half of it: the account has 10,000."""
    still_home(tmp_path)
    sizes = ("--size", 200_000, "--max-inventory", 1_000_000)
    done = run("quote", "start", "BTC-PERP", "--once", *sizes, "--json", home=tmp_path)
    refused = [event for event in done.data["events"] if event["event"] == "refused"]
    assert (done.code, done.data["runs"][0]["placed"], len(refused)) == (0, 0, 2)
    (warning,) = done.envelope["warnings"]
    assert warning == f"BTC-PERP: 2 of its order actions refused: {refused[0]['reason']}"
