"""The figures of a report, a fill an object and a rule a plain function: what the fast fold must equal.

Formulas as in `pfmm help formulas`. The package does not use this: slow and short on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pfmm.accounting.attribution import BPS, HORIZONS_S, SPLIT, Attribution, FillQuality, ratio
from pfmm.accounting.edge import EDGE_HORIZONS_S, BreakEven, EdgeFill, break_even
from pfmm.accounting.ledger import EXACT, ZERO, rounded
from pfmm.accounting.metrics import DAY_MS, PERCENT, Figures, Metric, max_drawdown, verdicts
from pfmm.model.order import Fill, Liquidity, Side


def attribute(qualities: Iterable[FillQuality], *, total: Decimal, funding: Decimal) -> Attribution:
    """Divides `total` (realised + unrealised - fees + funding, USD) of one or many markets.

    Capture 0.2, a 30 s markout of -0.4, fees -0.04 and funding 0.01 in a total of 1: inventory is
    1 - 0.2 + 0.4 - 0.04 - 0.01 = 1.15. The rebates are 0.04.
    """
    capture, adverse, fees, rebates = ZERO, ZERO, ZERO, ZERO
    for quality in qualities:
        rebates = EXACT.subtract(rebates, min(rounded("fee", quality.fill.fee), ZERO))
        fees = EXACT.add(fees, rounded("fee", quality.fill.fee))
        capture = EXACT.add(capture, quality.capture or ZERO)
        adverse = EXACT.add(adverse, quality.markouts[SPLIT] or ZERO)
    explained = EXACT.add(EXACT.subtract(EXACT.add(capture, adverse), fees), funding)
    return Attribution(total, capture, adverse, EXACT.subtract(total, explained), fees, funding, rebates)


def markouts_bps(qualities: Iterable[FillQuality]) -> dict[str, Decimal | None]:
    """Markouts by horizon ("1s", "5s", …) in bps of the notional that they were measured on; None without any.

    -0.4 USD on a notional of 200 is -20 bps.
    """
    moved, notional = [ZERO] * len(HORIZONS_S), [ZERO] * len(HORIZONS_S)
    for quality in qualities:
        for index, markout in enumerate(quality.markouts):
            if markout is not None and quality.mid is not None:
                moved[index] = EXACT.add(moved[index], markout)
                notional[index] = EXACT.add(notional[index], EXACT.multiply(quality.mid, quality.fill.size))
    return {f"{seconds}s": ratio(moved[index], notional[index], BPS) for index, seconds in enumerate(HORIZONS_S)}


def edge(qualities: Iterable[FillQuality]) -> tuple[BreakEven, ...]:
    """The break-even fees of what made, all in one session: the fills of an order in a minute are one observation.
    Counted are the orders that made in the minutes of which one fill at least is known.

    Gains of -0.01 and -0.03 on 100 USD each, in two minutes: -2 bps +- 1.
    """
    seen = [one for one in qualities if one.fill.liquidity is Liquidity.MAKER]
    minutes = [(one.fill.market, one.fill.time_ms // 60_000, one.fill.order_id) for one in seen]
    found = []
    for seconds in EDGE_HORIZONS_S:
        fills = []
        known = set()
        for one, minute in zip(seen, minutes, strict=True):
            after = one.markouts[HORIZONS_S.index(seconds)]
            if one.mid is None or one.capture is None or after is None:
                continue
            known.add(minute[:2])
            notional = EXACT.multiply(one.mid, one.fill.size)
            fills.append(EdgeFill(str(minute), one.fill.time_ms, notional, EXACT.add(one.capture, after)))
        orders = len({minute for minute in minutes if minute[:2] in known})
        found.append(replace(break_even(fills, seconds), n_orders=orders))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a period left behind: judged fills of all markets in time order, how many orders were placed (an amended
    order counted once) and how many of them filled at all, P&L and capital in USD, the equity curve as (ms, USD),
    and the signed sizes held at its start."""

    start_ms: int
    end_ms: int
    qualities: Sequence[FillQuality]
    orders_placed: int
    orders_filled: int
    pnl: Decimal
    capital: Decimal
    equity: Sequence[tuple[int, Decimal]]
    opening_sizes: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def days(self) -> Decimal:
        """Length of the period in days: 43,200,000 ms is 0.5."""
        return EXACT.divide(Decimal(self.end_ms - self.start_ms), DAY_MS)


def metrics(evidence: Evidence) -> tuple[Metric, ...]:
    """The six figures in their fixed order. Raises ValueError for a period that ends before it starts."""
    if evidence.end_ms < evidence.start_ms:
        raise ValueError(f"end_ms {evidence.end_ms} is before start_ms {evidence.start_ms}")
    fills = [quality.fill for quality in evidence.qualities]
    edges = [found for quality in evidence.qualities if (found := quality.edge) is not None]
    capital_days = EXACT.multiply(evidence.capital, evidence.days)
    return verdicts(
        Figures(
            orders_placed=evidence.orders_placed,
            orders_filled=evidence.orders_filled,
            fills=len(fills),
            judged=len(edges),
            losing=sum(found < 0 for found in edges),
            realized_spread=realized_spread(fills),
            turnover=_turnover(fills, evidence),
            daily_pnl=ratio(evidence.pnl, capital_days, PERCENT),
            max_drawdown=max_drawdown(evidence.equity),
            equity_samples=len(evidence.equity),
            span_ms=evidence.end_ms - evidence.start_ms,
        )
    )


def realized_spread(fills: Sequence[Fill]) -> Decimal | None:
    """(average sell - average buy) / mid in percent over the quantity that was both bought and sold, first in first
    matched, a market at a time; the mid is the middle of the two averages. None where nothing matched.

    Buying 2 at 100 and selling 1 at 101: one unit matched, (101 - 100) / 100.5 = 0.995 %.
    """
    gained, turned = ZERO, ZERO
    sides: dict[str, dict[Side, list[Fill]]] = {}
    for fill in fills:
        sides.setdefault(fill.market, {side: [] for side in Side})[fill.side].append(fill)
    for bought, sold in ((both[Side.LONG], both[Side.SHORT]) for both in sides.values()):
        matched = min(_quantity(bought), _quantity(sold))
        cost, proceeds = _value_of_first(matched, bought), _value_of_first(matched, sold)
        gained = EXACT.add(gained, EXACT.subtract(proceeds, cost))
        turned = EXACT.add(turned, EXACT.divide(EXACT.add(proceeds, cost), Decimal(2)))
    return ratio(gained, turned, PERCENT)


def _quantity(fills: Sequence[Fill]) -> Decimal:
    total = ZERO
    for fill in fills:
        total = EXACT.add(total, fill.size)
    return total


def _value_of_first(quantity: Decimal, fills: Sequence[Fill]) -> Decimal:
    """USD value of the first `quantity` base units."""
    value, left = ZERO, quantity
    for fill in fills:
        taken = min(left, fill.size)
        value = EXACT.add(value, EXACT.multiply(taken, fill.price))
        left = EXACT.subtract(left, taken)
        if not left:
            break
    return value


def _turnover(fills: Sequence[Fill], evidence: Evidence) -> Decimal | None:
    volume = ZERO
    for fill in fills:
        volume = EXACT.add(volume, EXACT.multiply(fill.price, fill.size))
    mean = mean_inventory(fills, evidence.opening_sizes, evidence.start_ms, evidence.end_ms)
    return ratio(volume, EXACT.multiply(mean, evidence.days), Decimal(1))


def mean_inventory(fills: Sequence[Fill], opening_sizes: Mapping[str, Decimal], start_ms: int, end_ms: int) -> Decimal:
    """Mean of |inventory| over time in USD, each market valued at its latest fill price (before its first: at that).

    Holding 1 bought at 100 for half of the period and nothing for the rest: 50. A market that never filled has no
    price and does not count.
    """
    sizes = dict(opening_sizes)
    prices: dict[str, Decimal] = {}
    since: dict[str, int] = {}
    total = ZERO

    def hold(market: str, until_ms: int) -> Decimal:
        held = EXACT.multiply(sizes.get(market, ZERO).copy_abs(), prices[market])
        return EXACT.multiply(held, Decimal(max(until_ms - since.get(market, start_ms), 0)))

    for fill in fills:
        market = fill.market
        prices.setdefault(market, fill.price)
        total = EXACT.add(total, hold(market, fill.time_ms))
        sizes[market] = EXACT.add(sizes.get(market, ZERO), EXACT.multiply(fill.size, Decimal(fill.side.sign)))
        prices[market], since[market] = fill.price, max(fill.time_ms, start_ms)
    for market in prices:
        total = EXACT.add(total, hold(market, end_ms))
    return EXACT.divide(total, Decimal(end_ms - start_ms)) if end_ms > start_ms else ZERO
