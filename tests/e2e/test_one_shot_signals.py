"""A signal at any moment of `stop` and of `start --once`: the request in flight is finished, and what is not done is
said, with the signal's exit code; a second signal ends them at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import PATIENCE_S, environment, run
from tests.e2e.homes import open_exchange, still_home
from tests.e2e.test_flatten_interrupted import Signalling
from tests.e2e.test_interrupted_again import hanging
from tests.held import answer_of

WORDS = ("interrupted", "terminated", "hung_up")
EXITS = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}
GRID = ("grid", "start", "BTC", "--once", "--json")


@contextmanager
def exchange_at(home: Path) -> Iterator[Exchange]:
    still_home(home)
    exchange = open_exchange(home / "state")
    try:
        yield exchange
    finally:
        exchange.close()


def signalled(exchange: Exchange, home: Path, line: tuple[str, ...], moment: tuple[int, str, signal.Signals]) -> Any:
    """Runs a command that gets a signal at one of its requests; its exit code and its answer."""
    app = Signalling(make_app(exchange), *moment)
    with PaperServer(app, "127.0.0.1", 0).running() as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "pfmm", *line],
            env=environment(home, {"PFMM_BASE_URL": server.url}),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        app.pid = process.pid
        app.started.set()
        out, err = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err, err
    return process.returncode, answer_of(out), app.requests


def served(exchange: Exchange, home: Path, *line: str) -> Any:
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        return run(*line, home=home, env={"PFMM_BASE_URL": server.url})


def interrupted_once(tmp_path: Path, moment: tuple[int, str, signal.Signals]) -> None:
    with exchange_at(tmp_path / "venue") as exchange:
        home = tmp_path / "home"
        code, answer, _ = signalled(exchange, home, GRID, moment)
        assert code == EXITS[moment[2]]
        assert answer["error"]["code"] in WORDS
        resting = {order.client_order_id for order in exchange.orders("default")}
        rows = served(exchange, home, "grid", "status", "--json").data["runs"]
        assert {order["client_order_id"] for row in rows for order in row["orders"]} == resting
        if "sent nothing" not in answer["error"]["message"] and "data" in answer:
            (row,) = answer["data"]["runs"]
            assert row["placed"] in (0, len(resting))
        assert served(exchange, home, "grid", "stop", "--json").code == 0
        assert exchange.orders("default") == ()


def interrupted_stop(tmp_path: Path, moment: tuple[int, str, signal.Signals]) -> None:
    with exchange_at(tmp_path / "venue") as exchange:
        home = tmp_path / "home"
        assert served(exchange, home, *GRID).code == 0
        code, answer, requests = signalled(exchange, home, ("grid", "stop", "--json"), moment)
        if requests < moment[0]:
            assert code == 0
            return
        assert code == EXITS[moment[2]]
        assert answer["error"]["code"] in WORDS
        resting = exchange.orders("default")
        (row,) = answer["data"]["runs"]
        if row["state"] == "stopped":
            assert (resting, row["orders_left"]) == ((), 0)
            assert "everything that was asked for was done" in answer["error"]["message"]
        else:
            assert row["state"] == "unknown"
            assert len(resting) <= row["orders_left"] <= 10
        assert served(exchange, home, "grid", "stop", "--json").code == 0
        assert exchange.orders("default") == ()


MOMENTS = [
    (at, moment, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[at % 3])
    for at in range(1, 6)
    for moment in ("before", "after")
]
SHORT = [MOMENTS[2]]


@pytest.mark.parametrize("moment", SHORT)
def test_a_signal_ends_once_and_stop_with_what_is_not_done(
    tmp_path: Path, moment: tuple[int, str, signal.Signals]
) -> None:
    interrupted_once(tmp_path / "once", moment)
    interrupted_stop(tmp_path / "stop", moment)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [one for one in MOMENTS if one not in SHORT])
def test_a_signal_at_any_moment_of_once_and_stop(tmp_path: Path, moment: tuple[int, str, signal.Signals]) -> None:
    interrupted_once(tmp_path / "once", moment)
    interrupted_stop(tmp_path / "stop", moment)


@pytest.mark.parametrize(("second", "code", "word"), [(signal.SIGTERM, 143, "terminated")])
def test_a_second_signal_ends_a_command_at_once(tmp_path: Path, second: signal.Signals, code: int, word: str) -> None:
    """The venue hangs: the first signal waits for the request in flight, the second does not."""
    still_home(tmp_path / "venue")
    with hanging(tmp_path / "venue") as (venue, url):
        venue.free.clear()
        process = subprocess.Popen(
            [sys.executable, "-m", "pfmm", "flatten", "BTC", "--json"],
            env=environment(tmp_path / "home", {"PFMM_BASE_URL": url}),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert venue.asked.wait(PATIENCE_S)
        process.send_signal(signal.SIGINT)
        process.send_signal(second)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err, answer_of(out)["error"]["code"]) == (code, "", word)
