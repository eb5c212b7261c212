"""The report's figures from plain sequences of fills, funding, mids and equity: the same for a journal and a backtest.

Pure: no journal, no clock, no rendering. The sums are exact; where the mids do not tell, a figure is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import islice

from pfmm.accounting.attribution import BPS, HORIZONS_S, Attribution, Edge, edge_of, ratio
from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.accounting.metrics import DAY_MS, PERCENT, Figures, Metric, max_drawdown, verdicts
from pfmm.model.account import FundingPayment
from pfmm.report.fold import MarketFold, Sample, Share
from pfmm.report.inputs import FillRow, MidSeries, OrderCounts

CHUNK_ROWS = 500  # with as many rows in the journal's pages; 4,000 of 2,000 took a quarter longer
SAMPLES = 600
UNATTRIBUTED = "other"  # the strategy of fills that no run of ours placed


@dataclass(frozen=True, slots=True)
class Part:
    """One market's or strategy's part of the profit: its name, its fills and where its profit came from."""

    name: str
    fills: int
    pnl: Attribution


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that a report says. Times in ms, money in USD; the parts of each Attribution sum to its total."""

    start_ms: int
    end_ms: int
    fills: int
    metrics: tuple[Metric, ...]
    pnl: Attribution
    equity: Sequence[tuple[int, Decimal]]
    markouts_bps: Mapping[str, Decimal | None]
    edge: Edge
    markets: tuple[Part, ...]
    strategies: tuple[Part, ...]
    samples: Mapping[str, tuple[Sample, ...]]


def report_data(
    *,
    start_ms: int,
    end_ms: int,
    fills: Iterable[FillRow],
    funding: Iterable[FundingPayment],
    mids: Mapping[str, MidSeries],
    equity: Sequence[tuple[int, Decimal]],
    orders: OrderCounts,
    marks: Mapping[str, Decimal] | None = None,
    strategies: Mapping[str, str] | None = None,
    only_strategy: str | None = None,
    own_curve: bool = False,
) -> ReportData:
    """The report of the period from `start_ms` to `end_ms`, both included.

    `fills` come in time order, from before the period too: they tell what was held when it began (raises OutOfOrder
    otherwise). `marks` value what is held at the end, else the last mid does. `strategies` names the strategy of each
    owner in the rows; with `only_strategy` nothing else counts. `own_curve` makes the equity curve the
    capital at the start plus what the counted fills earned, for a report on a part of the account.

    Bought 2 at 99.9, marked at 101, fee -0.04: total 2 * 101 - 199.8 + 0.04 = 2.24.
    """
    if end_ms < start_ms:
        raise ValueError(f"end_ms {end_ms} is before start_ms {start_ms}")
    named = strategies or {}
    counted = None if only_strategy is None else frozenset(o for o, name in named.items() if name == only_strategy)
    with localcontext(EXACT):
        folds = _fold(fills, list(funding), mids, (start_ms, end_ms), counted)
        parts = [
            (
                market,
                named.get(owner, UNATTRIBUTED),
                share.fills,
                _attribution(fold, share, market, marks or {}, end_ms),
            )
            for market, fold in sorted(folds.items())
            for owner, share in fold.shares.items()
            if share.counted
        ]
        pnl = _sum(part for *_, part in parts)
        capital = next((value for _, value in equity), None)
        curve = equity if not own_curve else _own_curve(folds, capital, (start_ms, end_ms))
        return ReportData(
            start_ms=start_ms,
            end_ms=end_ms,
            fills=sum(count for _, _, count, _ in parts),
            metrics=verdicts(_figures(folds, orders, curve, pnl.total, capital, end_ms - start_ms)),
            pnl=pnl,
            equity=curve,
            markouts_bps=_markouts(folds),
            edge=edge_of([edge for fold in folds.values() for edge in fold.edges_bps]),
            markets=_grouped((market, count, part) for market, _, count, part in parts),
            strategies=_grouped((name, count, part) for _, name, count, part in parts),
            samples={market: tuple(fold.samples) for market, fold in sorted(folds.items())},
        )


def _fold(
    fills: Iterable[FillRow],
    funding: Sequence[FundingPayment],
    mids: Mapping[str, MidSeries],
    period: tuple[int, int],
    counted: frozenset[str] | None,
) -> dict[str, MarketFold]:
    payments: dict[str, list[FundingPayment]] = {}
    for payment in funding:
        payments.setdefault(payment.market, []).append(payment)
    folds: dict[str, MarketFold] = {}
    times = sample_times(*period)

    def fold_of(market: str) -> MarketFold:
        if market not in folds:
            series, paid = mids.get(market, MidSeries()), payments.get(market, ())
            folds[market] = MarketFold(
                series, paid, times, start_ms=period[0], end_ms=period[1], counted_owners=counted
            )
        return folds[market]

    for chunk in _chunks(fills):
        by_market: dict[str, list[FillRow]] = {}
        for row in chunk:
            rows = by_market.get(row[1])
            if rows is None:
                rows = by_market[row[1]] = []
            rows.append(row)
        for market, rows in by_market.items():
            fold_of(market).add(rows)
    for market in payments:
        fold_of(market)
    for fold in folds.values():
        fold.finish()
    return folds


def _chunks(fills: Iterable[FillRow]) -> Iterator[list[FillRow]]:
    rows = iter(fills)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def sample_times(start_ms: int, end_ms: int) -> list[int]:
    """At most 601 moments from start to end, both included, evenly apart: 0 to 6 gives 0, 1, …, 6."""
    span = end_ms - start_ms
    steps = min(SAMPLES, span)
    return [start_ms + span * index // steps for index in range(steps + 1)] if steps else [start_ms]


def _attribution(fold: MarketFold, share: Share, market: str, marks: Mapping[str, Decimal], end_ms: int) -> Attribution:
    """One run on one market; inventory is the remainder. A mark that is nowhere known belongs to nothing held."""
    closing = marks.get(market) or fold.price_at(end_ms) or ZERO
    total = share.total(fold.price_at(fold.start_ms) or ZERO, closing)
    explained = share.capture + share.adverse - share.fees + share.funding
    return Attribution(total, share.capture, share.adverse, total - explained, share.fees, share.funding)


def _sum(parts: Iterable[Attribution]) -> Attribution:
    total, capture, adverse, inventory, fees, funding = ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
    for part in parts:
        total += part.total
        capture += part.spread_capture
        adverse += part.adverse_selection
        inventory += part.inventory
        fees += part.fees
        funding += part.funding
    return Attribution(total, capture, adverse, inventory, fees, funding)


def _grouped(parts: Iterable[tuple[str, int, Attribution]]) -> tuple[Part, ...]:
    groups: dict[str, list[tuple[int, Attribution]]] = {}
    for name, count, part in parts:
        groups.setdefault(name, []).append((count, part))
    return tuple(
        Part(name, sum(count for count, _ in found), _sum(part for _, part in found))
        for name, found in sorted(groups.items())
    )


def _own_curve(
    folds: Mapping[str, MarketFold], capital: Decimal | None, period: tuple[int, int]
) -> list[tuple[int, Decimal]]:
    """The capital at the start plus what the counted runs earned by then, at the sampled moments."""
    if capital is None:
        return []
    earned = dict.fromkeys(sample_times(*period), capital)
    for fold in folds.values():
        for sample in fold.samples:
            earned[sample.time_ms] += sample.pnl
    return list(earned.items())


def _figures(
    folds: Mapping[str, MarketFold],
    orders: OrderCounts,
    equity: Sequence[tuple[int, Decimal]],
    pnl: Decimal,
    capital: Decimal | None,
    span_ms: int,
) -> Figures:
    gained, turned, volume, held = ZERO, ZERO, ZERO, ZERO
    for fold in folds.values():
        cost, proceeds = fold.matched()
        gained += proceeds - cost
        turned += (proceeds + cost) / 2
        volume += fold.bought + fold.sold
        held += fold.held_usd_ms
    days = Decimal(span_ms) / DAY_MS
    mean = held / span_ms if span_ms else ZERO
    return Figures(
        orders_placed=orders.placed,
        orders_filled=orders.filled,
        fills=sum(share.fills for fold in folds.values() for share in fold.shares.values() if share.counted),
        judged=sum(len(fold.edges_bps) for fold in folds.values()),
        losing=sum(fold.losing for fold in folds.values()),
        realized_spread=ratio(gained, turned, PERCENT),
        turnover=ratio(volume, mean * days, Decimal(1)),
        daily_pnl=ratio(pnl, (capital or ZERO) * days, PERCENT),
        max_drawdown=max_drawdown(equity),
        equity_samples=len(equity),
    )


def _markouts(folds: Mapping[str, MarketFold]) -> dict[str, Decimal | None]:
    found = {}
    for index, seconds in enumerate(HORIZONS_S):
        moved, notional = ZERO, ZERO
        for fold in folds.values():
            moved += fold.moved[index]
            notional += fold.notional[index]
        found[f"{seconds}s"] = ratio(moved, notional, BPS)
    return found
