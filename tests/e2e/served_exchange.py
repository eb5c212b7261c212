"""A paper exchange in this process, and its address for clients that others wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app


def wall_ms() -> int:
    """The local clock in ms since 1970."""
    return time.time_ns() // 1_000_000


@contextmanager
def exchange_of(folder: Path, account: str) -> Iterator[Exchange]:
    """An exchange in a file of its own in `folder`, on the synthetic market of seed 7, with one account."""
    opened = Exchange.open(folder / "exchange.sqlite3", lambda _: SyntheticFeed(7), wall_ms)
    try:
        opened.open_account(account)
        yield opened
    finally:
        opened.close()


@contextmanager
def served(exchange: Exchange) -> Iterator[str]:
    """The address at which the exchange is served meanwhile."""
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        yield f"http://127.0.0.1:{server.server_port}"
