"""What a funding check costs as a whole process against a served exchange, and how many requests a scan makes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app

pytestmark = pytest.mark.bench

ROOT = Path(__file__).resolve().parents[2]
MAIN = "import sys; sys.argv[0] = 'pfmm'; from pfmm.cli.main import main; main()"
NOW_MS = 1_750_000_000_000
ROUNDS = 20
LIMIT = 18.0  # times `python -c pass`


class Counted:
    """A WSGI application that counts the requests by path."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.paths: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.paths[environ["PATH_INFO"]] += 1
        return self._app(environ, start)


def installed(url: str, cache: Path) -> dict[str, str]:
    """An environment as after an installation: bytecode is kept, as pip leaves it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(cache), "PFMM_BASE_URL": url}


def seconds(env: dict[str, str], *arguments: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def test_a_check_as_a_whole_process(tmp_path: Path, pfmm_home: Path) -> None:
    exchange = Exchange.open(tmp_path / "paper.sqlite3", lambda config: SyntheticFeed(7), lambda: NOW_MS)
    with closing(exchange), PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        env = installed(server.url, tmp_path / "bytecode")
        seconds(env, "-c", MAIN, "funding", "BTC-PERP", "--json")
        empty, check = float("inf"), float("inf")
        for _ in range(ROUNDS):  # round by round, so that a busy moment hits both
            empty = min(empty, seconds(env, "-c", "pass"))
            check = min(check, seconds(env, "-c", MAIN, "funding", "BTC-PERP", "--json"))
    print(f"\npython -c pass {empty * 1e3:.1f} ms, pfmm funding BTC-PERP --json {check * 1e3:.1f} ms", end="")
    print(f" = {check / empty:.1f} x (minimum of {ROUNDS} rounds each)")
    assert check / empty <= LIMIT


def test_a_scan_of_every_market_is_one_request(tmp_path: Path, pfmm_home: Path) -> None:
    exchange = Exchange.open(tmp_path / "paper.sqlite3", lambda config: SyntheticFeed(7), lambda: NOW_MS)
    counted = Counted(make_app(exchange))
    with closing(exchange), PaperServer(counted, "127.0.0.1", 0).running() as server:
        env = installed(server.url, tmp_path / "bytecode")
        took_s = seconds(env, "-c", MAIN, "funding", "--all", "--json")
        assert len(exchange.specs()) >= 275
    print(
        f"\npfmm funding --all --json: {counted.paths.total()} request ({dict(counted.paths)}), {took_s * 1e3:.0f} ms"
    )
    assert counted.paths.total() <= 2
