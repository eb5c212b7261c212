"""One whole cycle of many markets over a line with 20 ms of latency, against the bare time of its round trips.

Run with -m bench -s. The venue is served by a process of its own, as a real one is. The bare time is that of the same
requests (one state, the same number of amendments in batches of 100) sent by hand: bodies made beforehand, answers read
and thrown away; what the venue needs to answer is in both.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pfmm.engine.engine import Engine
from pfmm.engine.report import Limits, RunSpec
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, Snapshot
from pfmm.model.order import Batch, BatchAnswer, NewOrder, Order, Side
from pfmm.model.plan import Tolerance
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from pfmm.venue.client import HttpClient
from pfmm.venue.purpleflea import PurpleFlea

pytestmark = pytest.mark.bench

LATENCY_MS = 20
NOW_MS = 1_750_000_000_000
SERVER = """
import sys
from pathlib import Path
from pfmm.paper.wire.wsgi import make_app
from pfmm.paper.exchange import Exchange
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.feeds.synthetic import SyntheticFeed
exchange = Exchange.open(Path(sys.argv[1]), lambda config: SyntheticFeed(7), lambda: int(sys.argv[2]),
                         first_feed={"kind": "synthetic", "seed": 7, "speed": 0})
server = PaperServer(make_app(exchange), "127.0.0.1", 0, latency_ms=int(sys.argv[3]))
with server.running():
    print(server.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path / "venue.sqlite3"), str(NOW_MS), str(LATENCY_MS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


class Counted:
    """The venue with its requests that a cycle makes counted."""

    def __init__(self, inner: PurpleFlea) -> None:
        self._inner = inner
        self.reads = 0
        self.batches: list[Batch] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def snapshot(self, markets: Any, cursors: Cursors) -> Snapshot:
        self.reads += 1
        return self._inner.snapshot(markets, cursors)

    def submit(self, batch: Batch) -> BatchAnswer:
        self.batches.append(batch)
        return self._inner.submit(batch)


@pytest.mark.parametrize("count", [50, 275])
def test_a_cycle_is_its_round_trips(url: str, tmp_path: Path, count: int) -> None:
    with closing(PurpleFlea(HttpClient(url, key=lambda: "paper-main"), name="paper", account="main")) as inner:
        instruments = {each.market: each for each in inner.markets()[:count]}
        venue = Counted(inner)
        specs = [
            RunSpec(
                QuoteStrategy(market, QuoteConfig(model="fixed", half_spread_bps=30, sigma_annual=0.5, drift_bps=0)),
                {},
                Limits(Decimal(500), tolerance=Tolerance(Decimal(0))),
            )
            for market in instruments
        ]
        journal = Journal.open(tmp_path / "journal.sqlite3", venue="paper", account="main", nonce="bench")
        engine = Engine(venue, journal, specs, instruments, wall_ms=lambda: NOW_MS, pid=1)
        engine.cycle()  # connects, begins the runs and places the first orders
        cycles = []
        for number in range(1, 6):
            inner.advance(NOW_MS + number * 3000)
            venue.reads, venue.batches = 0, []
            started = time.perf_counter()
            engine.cycle()
            took = time.perf_counter() - started
            actions = sum(len(batch) for batch in venue.batches)
            cycles.append((took, venue.reads + -(-actions // 100), actions))
        took, trips, actions = min(cycles)
        bare = min(_by_hand(inner, url, list(instruments), actions) for _ in range(3))
        shortest = trips * min(_timed(inner.time) for _ in range(5))
        naive = _timed(lambda: _one_by_one(inner, list(instruments)[:10])) * count / 10
        print(
            f"\n{count} markets: cycle {took * 1000:.0f} ms in {trips} round trips ({actions} order actions), the same "
            f"requests by hand {bare * 1000:.0f} ms, {trips} empty requests {shortest * 1000:.0f} ms; "
            f"one request at a time: {naive * 1000:.0f} ms, {naive / took:.0f} x as long"
        )
        assert trips <= (2 if count == 50 else 1 + -(-2 * count // 100))
        assert took <= 2 * bare
        journal.close()


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _by_hand(venue: PurpleFlea, url: str, markets: list[str], actions: int) -> float:
    """Seconds that the requests of a cycle take without anything that pfmm does around them."""
    headers = {"Authorization": "Bearer paper-main", "Content-Type": "application/json"}
    amends = [
        {"client_order_id": order.client_order_id, "price": float(_further(order)), "size_base": float(order.size)}
        for order in venue.open_orders()
        if order.client_order_id is not None
    ][:actions]
    bodies = [json.dumps({"amend": amends[first : first + 100]}).encode() for first in range(0, len(amends), 100)]
    line = http.client.HTTPConnection(urlsplit(url).netloc)
    line.connect()
    started = time.perf_counter()
    line.request("GET", f"/api/state?markets={','.join(markets)}", headers=headers)
    line.getresponse().read()
    for body in bodies:
        line.request("POST", "/api/orders/batch", body=body, headers=headers)
        line.getresponse().read()
    took = time.perf_counter() - started
    line.close()
    return took


def _further(order: Order) -> Decimal:
    """A price a little further from the market, on any tick: significant figures cut off."""
    assert order.price is not None
    moved = order.price * (1 - order.side.sign * Decimal("0.002"))
    return moved.quantize(Decimal(1).scaleb(moved.adjusted() - 2))


def _one_by_one(venue: PurpleFlea, markets: list[str]) -> None:
    """The article's loop: a ticker, then an order a side, market by market."""
    for number, market in enumerate(markets):
        ticker = venue.tickers([market])[0]
        assert ticker.bid is not None
        assert ticker.ask is not None
        for side, price in ((Side.LONG, ticker.bid), (Side.SHORT, ticker.ask)):
            size = Decimal(int(60 / price * 100_000)) / 100_000
            order = NewOrder(f"naive-{number}-{side}", market, side, size, price)
            venue.submit(Batch(place=(order,)))
