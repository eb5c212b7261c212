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
