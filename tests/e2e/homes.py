"""Homes with a stepped embedded exchange, and looks at its own ledger behind pfmm's back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
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

START_MS = 1_760_000_000_000


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
