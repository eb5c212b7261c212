"""A signal at any moment of a flatten: a verdict each time, in the answer and in the log, true of the exchange."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import PlaceRequest
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import PATIENCE_S, environment, run
from tests.e2e.homes import open_exchange, still_home
from tests.held import answer_of

MARKET = "BTC-PERP"


class Signalling:
    """The paper exchange, which signals its client at the n-th request: before it acts, or once it has."""

    def __init__(self, app: Callable[..., Iterable[bytes]], at: int, moment: str, number: signal.Signals) -> None:
        self._app, self._at, self._moment, self._number = app, at, moment, number
        self.started = threading.Event()
        self.pid = 0
        self.requests = 0
        self.placed_after = 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.started.wait(PATIENCE_S)
        self.requests += 1
        if self.requests == self._at and self._moment == "before":
            os.kill(self.pid, self._number)
        answer = list(self._app(environ, start))
        if self.requests == self._at and self._moment == "after":
            os.kill(self.pid, self._number)
        return answer


@contextmanager
def account(home: Path) -> Iterator[Exchange]:
    """Two resting orders and a position."""
    still_home(home)
    exchange = open_exchange(home / "state")
    try:
        exchange.place("default", PlaceRequest(MARKET, "long", "market", size_usd=Decimal(50)))
        for price in ("1000", "1001"):
            exchange.place("default", PlaceRequest(MARKET, "long", "limit", size_usd=Decimal(20), price=Decimal(price)))
        yield exchange
    finally:
        exchange.close()


def a_verdict(tmp_path: Path, at: int, moment: str, number: signal.Signals) -> None:
    venue, home = tmp_path / "venue", tmp_path / "home"
    with account(venue) as exchange:
        app = Signalling(make_app(exchange), at, moment, number)
        with PaperServer(app, "127.0.0.1", 0).running() as server:
            process = subprocess.Popen(
                [sys.executable, "-m", "pfmm", "flatten", MARKET, "--json"],
                env=environment(home, {"PFMM_BASE_URL": server.url}),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            app.pid = process.pid
            app.started.set()
            out, err = process.communicate(timeout=PATIENCE_S)
        assert app.requests >= at, f"only {app.requests} requests"
        resting = len(exchange.orders("default"))
        held = sum((p.size_base for p in exchange.positions("default")), Decimal(0))
    answer = answer_of(out)
    data = answer["data"]
    assert "Traceback" not in err
    assert data["halted"]
    assert resting == 0
    if process.returncode == 0:
        assert (data["state"], held) == ("flat", 0)
    else:
        assert (process.returncode, data["state"], answer["error"]["code"]) == (8, "unknown", "state_unknown")
        assert "interrupted" in answer["error"]["message"]
        if held:
            assert f"position {MARKET} {held:f}" in answer["error"]["message"]
    (line,) = (home / "log" / "flatten.log").read_text("utf-8").splitlines()
    assert json.loads(line) == {"exit_code": process.returncode, **data}
    assert run("grid", "start", "BTC", "--once", home=home, env={"PFMM_BASE_URL": server.url}).code in (5, 75)


MOMENTS = [
    (at, moment, signal.SIGINT if at % 2 else signal.SIGTERM) for at in range(1, 6) for moment in ("before", "after")
]
SHORT = [MOMENTS[0], MOMENTS[5]]


@pytest.mark.parametrize(("at", "moment", "number"), SHORT)
def test_a_signal_lets_no_further_order_leave_and_gets_a_verdict(
    tmp_path: Path, at: int, moment: str, number: signal.Signals
) -> None:
    a_verdict(tmp_path, at, moment, number)


@pytest.mark.slow
@pytest.mark.parametrize(("at", "moment", "number"), [one for one in MOMENTS if one not in SHORT])
def test_a_signal_at_any_moment_gets_a_verdict(tmp_path: Path, at: int, moment: str, number: signal.Signals) -> None:
    a_verdict(tmp_path, at, moment, number)


@pytest.mark.waits
def test_a_hang_up_does_not_end_it_and_a_dead_stdout_costs_no_verdict(tmp_path: Path) -> None:
    venue, home = tmp_path / "venue", tmp_path / "home"
    with account(venue) as exchange:
        app = Signalling(make_app(exchange), 2, "before", signal.SIGHUP)
        with PaperServer(app, "127.0.0.1", 0).running() as server, Path("/dev/full").open("w") as full:
            process = subprocess.Popen(
                [sys.executable, "-m", "pfmm", "flatten", MARKET],
                env=environment(home, {"PFMM_BASE_URL": server.url}),
                stdout=full, stderr=full, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            app.pid = process.pid
            app.started.set()
            assert process.wait(timeout=PATIENCE_S) == 0
        assert (exchange.orders("default"), [p for p in exchange.positions("default") if p.size_base]) == ((), [])
    (line,) = (home / "log" / "flatten.log").read_text("utf-8").splitlines()
    assert (json.loads(line)["state"], json.loads(line)["exit_code"]) == ("flat", 0)
