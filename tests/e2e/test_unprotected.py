"""A live loop on a venue that grants no dead-man switch, nor stops: only by a word of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import run, run_here
from tests.e2e.homes import still_home

LINE = ("quote", "start", "BTC", "--cycles", "1", "--yes")


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A still market whose server knows no dead-man switch."""
    still_home(tmp_path / "exchange")
    exchange = open_exchange(tmp_path / "exchange" / "state")
    whole = make_app(exchange)

    def without(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/api/dead-man":
            return whole(environ, start)  # type: ignore[no-any-return]
        payload = b'{"error":"not_found","message":"no such path"}'
        start("404 Not Found", [("Content-Length", str(len(payload)))])
        return [payload]

    with PaperServer(without, "127.0.0.1", 0).running() as server:
        yield {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": server.url, "PURPLE_FLEA_KEY": "paper-default"}
    exchange.close()


def test_it_is_refused_before_anything_is_sent(tmp_path: Path, env: dict[str, str]) -> None:
    done = run_here(*LINE, "--json", home=tmp_path / "home", env=env)
    assert done.code == 7, done.out
    assert "grants this account no dead-man switch, and no stop can wait there on BTC-PERP" in done.out
    assert "--yes-unprotected starts all the same" in done.out
    assert "placed" not in done.out


@pytest.mark.parametrize("off", [{"PFMM_RUN_ON_EXIT": "keep"}, {"PFMM_RUN_DEAD_MAN_S": "0"}])
def test_so_is_one_whose_switch_the_settings_leave_off(
    tmp_path: Path, env: dict[str, str], off: dict[str, str]
) -> None:
    done = run_here(*LINE, "--json", home=tmp_path / "home", env={**env, **off})
    assert done.code == 7, done.out
    assert "the dead-man switch is off (run.dead_man_s is 0, or the orders are to be kept at the end)" in done.out
    assert "placed" not in done.out


def test_it_is_taken_by_its_word(tmp_path: Path, env: dict[str, str]) -> None:
    done = run(*LINE, "--yes-unprotected", home=tmp_path / "home", env=env)
    assert done.code == 0, done.err
    assert '"event":"placed"' in done.out
