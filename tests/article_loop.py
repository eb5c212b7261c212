"""The article's own MarketMaker loop as a baseline: as written, but for what makes it crash or be refused.

Kept as it is: it never cancels, never learns of its fills (so its inventory stays zero and skews nothing), takes
liquidity when its limits cross, scales volatility as if every sample were a minute apart, and believes any price.
Changed: the volatility needs two returns before it is computed (the standard deviation of one crashes), prices are
rounded to the market's tick and sizes to its lot (any other is refused), and a refused order is passed over.
"""

from __future__ import annotations

import math
import statistics
from decimal import Decimal

from pfmm.backtest.columns import Columns, TapeFeed
from pfmm.backtest.simulation import Clockwork, Outcome
from pfmm.backtest.venue import SimulatedVenue
from pfmm.journal.memory import MemoryJournal
from pfmm.model.account import Cursors
from pfmm.model.order import Batch, NewOrder, Order, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents
from pfmm.paper.matching import QueueModel
from pfmm.strategy.ticks import base_size, snap_price

BASE_HALF_SPREAD = 8 / 10_000
WINDOW = 20


class VolatilityAdapter:
    """The article's."""

    def __init__(self) -> None:
        self.prices: list[float] = []

    def update(self, price: float) -> None:
        self.prices.append(price)
        if len(self.prices) > WINDOW:
            self.prices.pop(0)

    def realized_vol(self) -> float:
        if len(self.prices) < 3:
            return 0.5
        returns = [math.log(self.prices[i] / self.prices[i - 1]) for i in range(1, len(self.prices))]
        return statistics.stdev(returns) * math.sqrt(525_600)

    def regime(self) -> str:
        vol = self.realized_vol()
        return "low" if vol < 0.4 else "medium" if vol < 0.8 else "high"


def run_article(
    columns: Columns, clockwork: Clockwork, queue: QueueModel, *, size_usd: float = 50.0, lazy: bool = True
) -> Outcome:
    """The loop over a recorded market: a look at the price, a bid and an ask, every interval."""
    spec = columns.tape.spec
    venue = SimulatedVenue(
        TapeFeed(columns, lazy=lazy), spec, start_ms=clockwork.start_ms, end_ms=clockwork.end_ms,
        latency_ms=clockwork.latency_ms, queue=queue,
    )  # fmt: skip
    rules, adapter = venue.instrument(), VolatilityAdapter()
    numbers = 0
    decisions = range(clockwork.start_ms, clockwork.end_ms + 1, clockwork.interval_ms)
    for due_ms in decisions:
        venue.advance(max(due_ms, venue.now_ms))
        mid = venue.ticker().mid
        if mid is None:
            continue
        adapter.update(float(mid))
        regime = adapter.regime()
        half = BASE_HALF_SPREAD * {"low": 1.0, "medium": 1.5, "high": 3.0}[regime]
        size = size_usd * {"low": 1.0, "medium": 0.7, "high": 0.3}[regime]
        orders = []
        for side, factor in ((Side.LONG, 1 - half), (Side.SHORT, 1 + half)):
            price = snap_price(float(mid) * factor, side, rules.price_rule)
            base = base_size(size, price, rules.size_step)
            numbers += 1
            if base:
                orders.append(NewOrder(f"a-{numbers}", spec.market, side, base, price, post_only=False))
        if orders:
            venue.submit(Batch(place=tuple(orders)))
    venue.advance(clockwork.end_ms)
    return _outcome(venue, columns, clockwork, queue, len(decisions), numbers)


def _outcome(
    venue: SimulatedVenue, columns: Columns, clockwork: Clockwork, queue: QueueModel, decisions: int, numbers: int
) -> Outcome:
    placed = [found for number in range(1, numbers + 1) if (found := venue.order(f"a-{number}")) is not None]
    journal = MemoryJournal("a")
    journal.commit_intents(lambda *_: _intents(placed), time_ms=clockwork.start_ms)
    snapshot = venue.snapshot([columns.tape.spec.market], Cursors())
    journal.absorb(fills=snapshot.fills, funding=snapshot.funding_payments, cursors=snapshot.cursors)
    return Outcome(
        market=columns.tape.spec.market,
        queue=queue,
        fills=tuple(journal.fills()),
        orders=journal.orders(),
        payments=snapshot.funding_payments,
        position=sum((p.size for p in snapshot.positions), Decimal(0)),
        equity=snapshot.account.equity,
        mark=snapshot.tickers[0].mark,
        events=len(columns),
        decisions=decisions,
        cycles=decisions,
        requests=2 * venue.requests,
        round_trips=0,
        wall_s=0.0,
        ended_ms=clockwork.end_ms,
    )


def _intents(orders: list[Order]) -> Intents:
    return Intents(
        place=tuple(
            OwnOrder(
                client_order_id=order.client_order_id or "", run_id="a-r1", market=order.market, slot=order.side,
                side=order.side, price=order.price or Decimal(0), size=order.size, filled=Decimal(0),
                status=OwnStatus.SENDING, reduce_only=False, created_ms=order.created_ms, updated_ms=order.updated_ms,
            )
            for order in orders
        )
    )  # fmt: skip
