"""kill -9 in the middle of a grid and of a quote that trade in the second dialect, over a socket and in real time."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.app.session import Session
from pfmm.config.resolve import load_settings
from pfmm.model.plan import OwnStatus
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.dialects import POSTED, fill_id, need_signing
from tests.e2e.driver import Running, run

ACCOUNT = "main"
# lines of output after which the process is killed: while it starts, in the first cycle, and later
KILL_AFTER_LINES = (1, 2, 3, 12, 13, 25)


class Place:
    """A served exchange and the environment of somebody who trades there."""

    def __init__(self, exchange: Exchange, url: str, home: Path) -> None:
        from pfmm.paper.wire import hyperliquid_keys as keys

        self.exchange, self.home = exchange, home
        self.env = {
            "PFMM_VENUE": "hyperliquid",
            "PFMM_BASE_URL": url,
            "PFMM_ACCOUNT": keys.address(ACCOUNT),
            "PFMM_API_KEY": keys.test_key(ACCOUNT),
        }

    def session(self) -> Session:
        return Session(load_settings({**self.env, "PFMM_HOME": str(self.home)}))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    need_signing()
    path = tmp_path / "x.sqlite3"
    exchange = Exchange.open(path, lambda _: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000)
    exchange.open_account(ACCOUNT)
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        yield Place(exchange, server.url, tmp_path / "home")
    exchange.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("grid", "--range-pct", "0.1"), ("quote", "--model", "fixed")], ids=["grid", "quote"]
)
def test_a_killed_run_goes_on_without_duplicate_or_orphan(place: Place, words: tuple[str, ...]) -> None:
    kind, *options = words
    begin = (kind, "start", "BTC-PERP", *options, "--interval", "0.3", "--yes")
    for lines in KILL_AFTER_LINES:
        with Running(*begin, home=place.home, env=place.env) as running:
            for _ in range(lines):
                running.wait_for("{")
            running.process.send_signal(signal.SIGKILL)
            assert running.end() == -signal.SIGKILL
        _one_live_order_a_slot(place)
    done = run(*begin, "--cycles", "8", home=place.home, env=place.env)
    assert done.code == 0, done.err
    assert place.exchange.orders(ACCOUNT) == ()
    _books_agree(place)


def _one_live_order_a_slot(place: Place) -> None:
    """What the exchange has open is what the journal holds for live, and no slot of the run has two. What the dead one
    had on its way may still arrive: it counts as live until its expiry."""
    session = place.session()
    try:
        live = {o.client_order_id: o for o in session.journal.live_orders()}
        resting = [o for o in session.venue.open_orders() if o.client_order_id is not None]
        orphans = [o.client_order_id for o in resting if o.client_order_id not in live]
        assert not orphans, f"orders that rest without an owner: {orphans}"
        slots = [live[o.client_order_id or ""].slot for o in resting]
        assert len(slots) == len(set(slots)), f"two orders rest in one slot: {sorted(slots)}"
        assert all(o.status is not OwnStatus.REJECTED for o in live.values())
    finally:
        session.close()


def _books_agree(place: Place) -> None:
    """Every execution of the exchange is in the journal once, and both come to the same position."""
    session = place.session()
    try:
        ours = [item.fill for item in session.journal.fills()]
        theirs = place.exchange.fills(ACCOUNT, limit=100_000).fills
        assert sorted(f.fill_id for f in ours) == sorted(fill_id(POSTED, f) for f in theirs)
        held = {p.market: p.size_base for p in place.exchange.positions(ACCOUNT)}
        assert sum(f.signed_size for f in ours) == sum(held.values())
        assert all(item.run_id is not None for item in session.journal.fills()), "a fill lost its run"
        assert session.journal.live_orders() == ()
    finally:
        session.close()
