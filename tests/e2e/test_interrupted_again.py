"""Ctrl-C beside a venue that has stopped answering: the first asks for a proof, later ones give it up and say so."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import PATIENCE_S, Running, run
from tests.e2e.homes import still_home
from tests.held import answer_of


class Hanging:
    """The paper exchange, whose answers wait for `free` to be set."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.free = threading.Event()
        self.free.set()
        self.asked = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if not self.free.is_set():
            self.asked.set()
        self.free.wait()
        return self._app(environ, start)


@contextmanager
def hanging(home: Path) -> Iterator[tuple[Hanging, str]]:
    exchange = open_exchange(home / "state")
    app = Hanging(make_app(exchange))
    try:
        with PaperServer(app, "127.0.0.1", 0).running() as server:
            try:
                yield app, server.url
            finally:
                app.free.set()
    finally:
        exchange.close()


def press_until_it_ends(running: Running) -> None:
    """Ctrl-C, and again where it does not end of it; a press within a second of the one before means nothing."""
    for _ in range(round(PATIENCE_S)):
        running.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(timeout=1.1)
            return


@pytest.mark.waits
def test_ctrl_c_again_leaves_without_the_proof_and_stop_brings_it_later(tmp_path: Path) -> None:
    still_home(tmp_path / "venue")
    home = tmp_path / "home"
    with hanging(tmp_path / "venue") as (venue, url):
        env = {"PFMM_BASE_URL": url}
        with Running("grid", "start", "BTC", "--interval", "0.001", "--json", home=home, env=env) as grid:
            grid.wait_for_event("cycle")
            venue.free.clear()
            assert venue.asked.wait(PATIENCE_S)
            press_until_it_ends(grid)
        assert (grid.process.returncode, grid.errors) == (8, [])
        error = answer_of(grid.lines[-1])["error"]
        assert error["code"] == "state_unknown"
        assert "10 orders of this run may still rest" in error["message"]
        assert "`pfmm grid stop`" in error["hint"]
        assert len(run("paper", "status", "--json", home=tmp_path / "venue").data["open_orders"]) == 10
        venue.free.set()
        (stopped,) = run("grid", "stop", "--json", home=home, env=env).data["runs"]
        assert (stopped["cancelled"], stopped["orders_left"]) == (10, 0)
