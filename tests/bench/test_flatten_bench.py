"""How many round trips and how long a flatten takes: 3 markets, 30 resting orders each, 20 ms of latency."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.messages import PlaceRequest
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import run

pytestmark = pytest.mark.bench

MARKETS = {"BTC-PERP": "long", "ETH-PERP": "short", "SOL-PERP": "long"}
ORDERS = 30
LATENCY_MS = 20
MOST_ROUND_TRIPS = 8


def fill_up(exchange: Exchange) -> None:
    """A position of 300 USD and 30 resting orders on each market."""
    for market, side in MARKETS.items():
        exchange.place("default", PlaceRequest(market, side, "market", size_usd=Decimal(300)))
        bid = exchange.ticker(market).bid
        assert bid is not None
        price = Decimal(f"{bid * Decimal('0.9'):.2g}")
        orders = [PlaceRequest(market, "long", "limit", size_usd=Decimal(20), price=price) for _ in range(ORDERS)]
        exchange.batch("default", (), (), orders)


def test_round_trips_and_time(tmp_path: Path) -> None:
    exchange = Exchange.open(
        tmp_path / "exchange.sqlite3", lambda _: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000
    )
    with closing(exchange):
        fill_up(exchange)
        assert len(exchange.orders("default")) == ORDERS * len(MARKETS)
        app, asked = make_app(exchange), []

        def counting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
            return app(environ, start_response)

        with PaperServer(counting, "127.0.0.1", 0, latency_ms=LATENCY_MS).running() as server:
            env = {"PFMM_VENUE": "paper", "PFMM_BASE_URL": server.url}
            started_s = time.perf_counter()
            done = run("flatten", "--all", "--json", home=tmp_path / "home", env=env)
            seconds = time.perf_counter() - started_s
        data = done.data
        assert (data["state"], data["cancelled"]) == ("flat", ORDERS * len(MARKETS))
        state = exchange.state("default", [])
        assert (state.orders, [p for p in state.positions if p.size_base]) == ((), [])
    print(
        f"\nflatten of {len(MARKETS)} markets with {ORDERS} orders each at {LATENCY_MS} ms: {len(asked)} round trips "
        f"({', '.join(asked)}), {data['duration_ms']} ms, the whole process {seconds * 1000:.0f} ms"
    )
    assert len(asked) <= MOST_ROUND_TRIPS
