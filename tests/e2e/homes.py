"""Homes with a stepped embedded exchange, and looks at its own ledger behind pfmm's back."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from pfmm.app.embedded import open_exchange
from pfmm.app.session import Session
from pfmm.config.resolve import load_settings
from pfmm.model.market import Instrument, PriceRule
from pfmm.paper.feed_config import synthetic
from pfmm.paper.messages import OrderRecord
from pfmm.paper.server.faults import parse_faults
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.runner.locks import AccountLocks
from tests.e2e.driver import run_here

ABOVE_ANY_PID = 2**22 + 1
START_MS = 1_760_000_000_000
SAVED = Path(__file__).resolve().parents[1] / "golden" / "saved"


def stepped_home(home: Path, *, seed: int, at_ms: int = START_MS, **feed: Any) -> None:
    """Makes the home's exchange a synthetic market whose time moves only when a client steps it."""
    exchange = open_exchange(home / "state")
    config = {**synthetic(seed), "speed": 0, "at_ms": at_ms, **feed}
    try:
        exchange.set_feed(config, reset=True)
    finally:
        exchange.close()


def still_home(home: Path, *, seed: int = 5) -> None:
    """A market that hardly moves (a thousandth of the wall's speed): what a start places is what rests."""
    stepped_home(home, seed=seed, speed=0.001)


@cache
def _with_a_grid(seed: int, speed: float) -> Path:
    folder = Path(mkdtemp(prefix="pfmm-home-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    stepped_home(folder, seed=seed, speed=speed)
    started = run_here("grid", "start", "BTC-PERP", "--once", "--json", home=folder)
    assert (started.code, started.data["runs"][0]["resting"]) == (0, 10), started
    return folder


def resting_grid(home: Path, *, seed: int = 5, speed: float = 0.001) -> None:
    """A home where the ten orders of a grid on BTC rest, left by a start that is over; its market hardly moves.

    A start is made once for each kind of market and copied: most of its time goes into measuring the volatility.
    """
    shutil.copytree(_with_a_grid(seed, speed), home, dirs_exist_ok=True)


def open_orders(home: Path, account: str = "default") -> list[OrderRecord]:
    """The open orders in the exchange's own ledger; none when it has no file yet."""
    if not (home / "state" / "paper" / "exchange.sqlite3").exists():
        return []
    exchange = open_exchange(home / "state")
    try:
        return list(exchange.orders(account))
    finally:
        exchange.close()


@contextmanager
def served(home: Path, *, faults: str | None = None) -> Iterator[dict[str, str]]:
    """The exchange of `home`, served by threads of this process as `paper serve` serves it; the environment that makes
    a client use it."""
    exchange = open_exchange(home / "state")
    plan = None if faults is None else parse_faults(faults)
    try:
        with PaperServer(make_app(exchange), "127.0.0.1", 0, faults=plan).running() as server:
            yield {"PFMM_BASE_URL": server.url}
    finally:
        exchange.close()


@contextmanager
def runner_of(home: Path, kind: str, market: str, *, interval_s: float = 3) -> Iterator[int]:
    """What other commands see of a loop that runs elsewhere: its run's lock, held; and the pid that stands in it, which
    no process has, so that nothing can be sent a signal."""
    lock = AccountLocks(home / "state", "paper", "default").run_lock(market, kind)
    lock.acquire(pid=ABOVE_ANY_PID, started_wall_ms=time.time_ns() // 1_000_000, interval_s=interval_s)
    with lock:
        yield ABOVE_ANY_PID


def as_if_killed(home: Path) -> None:
    """Makes of runs that were left what a kill leaves: runs whose process never said how it went."""
    with closing(sqlite3.connect(home / "state" / "journals" / "paper-default.sqlite3")) as journal, journal:
        journal.execute("UPDATE runs SET status = 'running'")


@contextmanager
def own_session(home: Path) -> Iterator[Session]:
    """A session on the home's paper account, as a command would open it."""
    session = Session(load_settings({"PFMM_HOME": str(home)}))
    try:
        yield session
    finally:
        session.close()


def instrument(market: str, *, maker_bps: Decimal = Decimal(-2)) -> Instrument:
    """A BTC-like instrument."""
    return Instrument(
        market, "crypto", PriceRule(Decimal("0.1")), Decimal("0.00001"), Decimal(10), 40, maker_bps, Decimal(5), 8
    )


def saved_releases() -> list[Path]:
    """List the folders with the saved state of earlier releases."""
    return sorted(folder for folder in SAVED.iterdir() if folder.is_dir())


def restore(home: Path, release: Path) -> None:
    """Make the two files of an earlier release's home from their dumps."""
    for name, place in (("journal", "journals/paper-default.sqlite3"), ("exchange", "paper/exchange.sqlite3")):
        path = home / "state" / place
        path.parent.mkdir(parents=True)
        with closing(sqlite3.connect(path)) as database:
            database.executescript((release / f"{name}.dump.txt").read_text("utf-8"))
