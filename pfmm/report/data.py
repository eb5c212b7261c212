"""The report's figures from plain sequences of fills, funding, mids and equity: the same for a journal and a backtest.

Pure: no journal, no clock, no rendering. The sums are exact; where the mids do not tell, a figure is None.
Layer: report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple, Protocol

from pfmm.accounting.attribution import BPS, HORIZONS_S, Attribution, ratio
from pfmm.accounting.edge import Edge, edge_of
from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.accounting.metrics import DAY_MS, PERCENT, Amount, Figures, Metric, capital_days, max_drawdown, verdicts
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import Move
from pfmm.model.quick import quick
from pfmm.report.block import MidLine, by_market
from pfmm.report.fold import MarketFold, Sample, Share
from pfmm.report.inputs import FillRow, MidSeries, OrderCounts
from pfmm.report.markouts import Judge, Judgement
from pfmm.report.minutes import MinuteInputs, MinuteMarket, judgement_of

SAMPLES = 600
UNATTRIBUTED = "other"  # the strategy of fills that no run of ours placed


@quick(frozen=True, slots=True)
class Part:
    """One market's or strategy's part of the profit: its name, its fills and where its profit came from."""

    name: str
    fills: int
    pnl: Attribution


@quick(frozen=True, slots=True)
class ReportData:
    """Everything that a report says. Times in ms, money in USD; the parts of each Attribution sum to its total.
    `equity` is without the deposits (> 0) and withdrawals (< 0) of the period, which are `cash_flows`."""

    start_ms: int
    end_ms: int
    fills: int
    metrics: tuple[Metric, ...]
    pnl: Attribution
    equity: Sequence[Amount]
    cash_flows: Sequence[Amount]
    markouts_bps: Mapping[str, Decimal | None]
    edge: Edge
    markets: tuple[Part, ...]
    strategies: tuple[Part, ...]
    samples: Mapping[str, tuple[Sample, ...]]


@quick(frozen=True, slots=True)
class Later:
    """The fills that follow, which somebody else judges meanwhile: `judgements` waits for that, by market."""

    fills: Iterable[FillRow]
    judgements: Callable[[], Mapping[str, Judgement]]


class _Earned(NamedTuple):
    """What one run, or nobody's, earned on one market, from so many fills."""

    market: str
    strategy: str
    fills: int
    pnl: Attribution


class MarketFigures(Protocol):
    """What a market's fills came to: a fold of fills, or of minute rows."""

    start_ms: int
    shares: dict[str, Share]
    samples: list[Sample]
    bought: Decimal
    sold: Decimal
    held_usd_ms: Decimal

    def price_at(self, time_ms: int) -> Decimal | None: ...

    def matched(self) -> tuple[Decimal, Decimal]: ...


@quick(frozen=True, slots=True)
class _Market:
    """What a market's fills came to, and how they fared."""

    fold: MarketFigures
    found: Judgement
    moves: Sequence[Move] = ()

    def add_owners(self, counted: frozenset[str] | None) -> None:
        """Add who took something over or gave it away and never traded, with a share of nothing."""
        for owner in dict.fromkeys(one for move in self.moves for one in (move.giver, move.taker)):
            if owner is not None and owner not in self.fold.shares:
                self.fold.shares[owner] = Share(counted=counted is None or owner in counted)

    def moved(self, owner: str, opening_mark: Decimal, closing_mark: Decimal, until_ms: int) -> Decimal:
        """Work out what the moves up to a time changed of what an owner earned in the period, USD.

        Who took 2 over at 100 has earned 6 at 103, and who gave them has not. Of moves before the period only the price
        since its begin counts.
        """
        total = ZERO
        for move in self.moves:
            if move.time_ms <= until_ms and owner in (move.giver, move.taker):
                size = move.size if owner == move.taker else -move.size
                since = move.price if move.time_ms >= self.fold.start_ms else opening_mark
                total += size * (closing_mark - since)
        return total


Moves = Mapping[str, Sequence[Move]]


def report_data(
    *,
    start_ms: int,
    end_ms: int,
    fills: Iterable[FillRow],
    later: Later | None = None,
    funding: Iterable[FundingPayment],
    mids: Mapping[str, MidSeries],
    equity: Sequence[Amount],
    cash_flows: Sequence[Amount] = (),
    orders: OrderCounts,
    marks: Mapping[str, Decimal] | None = None,
    strategies: Mapping[str, str] | None = None,
    only_strategy: str | None = None,
    own_curve: bool = False,
    moves: Moves | None = None,
) -> ReportData:
    """Build the report of the period from `start_ms` to `end_ms`, both included.

    `fills`, and the `later` ones after them, come in time order, from before the period too: they tell what was held
    when it began (raises OutOfOrder otherwise). `equity` is without the deposits and withdrawals of the period, which
    are `cash_flows`. `marks` value what is held at the end, else the last mid does.
    `strategies` names the strategy of each owner in the rows; with `only_strategy` nothing else counts. `own_curve`,
    for a report on a part of the account, makes the curve the capital at the start plus what the counted fills earned.
    `moves` are what runs adopted, by market: no fills, but what their owners earned depends on them.

    Bought 2 at 99.9, marked at 101, fee -0.04: total 2 * 101 - 199.8 + 0.04 = 2.24.
    """
    if end_ms < start_ms:
        raise ValueError(f"end_ms {end_ms} is before start_ms {start_ms}")
    named, marks = strategies or {}, marks or {}
    counted = counted_owners(named, only_strategy)
    with localcontext(EXACT):
        markets = _markets(fills, later, list(funding), mids, (start_ms, end_ms), counted, moves or {})
        return _report(markets, (start_ms, end_ms), named, marks, orders, equity, cash_flows, own_curve=own_curve)


def report_of_minutes(
    *,
    start_ms: int,
    end_ms: int,
    minutes: Mapping[str, MinuteInputs],
    equity: Sequence[Amount],
    cash_flows: Sequence[Amount] = (),
    orders: OrderCounts,
    marks: Mapping[str, Decimal],
    strategies: Mapping[str, str],
    own_curve: bool = False,
) -> ReportData:
    """Build the `report_data` of everything that happened up to `end_ms`, from the minute rows of each market."""
    with localcontext(EXACT):
        times = sample_times(start_ms, end_ms)
        markets = {
            name: _Market(
                MinuteMarket(inputs, times, start_ms=start_ms, end_ms=end_ms),
                judgement_of(inputs.tables),
                inputs.moves,
            )
            for name, inputs in minutes.items()
        }
        for market in markets.values():
            market.add_owners(None)
        return _report(markets, (start_ms, end_ms), strategies, marks, orders, equity, cash_flows, own_curve=own_curve)


def _report(
    markets: Mapping[str, _Market],
    period: tuple[int, int],
    named: Mapping[str, str],
    marks: Mapping[str, Decimal],
    orders: OrderCounts,
    equity: Sequence[Amount],
    cash_flows: Sequence[Amount],
    *,
    own_curve: bool,
) -> ReportData:
    start_ms, end_ms = period
    earned = list(_earned(markets, named, marks, end_ms))
    pnl = _sum(one.pnl for one in earned)
    funded = capital_days(equity, cash_flows, period)
    curve = equity if not own_curve else _own_curve(markets, equity, pnl.total, period)
    return ReportData(
        start_ms=start_ms,
        end_ms=end_ms,
        fills=sum(one.fills for one in earned),
        metrics=verdicts(_figures(markets, orders, curve, pnl.total, funded, end_ms - start_ms, cash_flows)),
        pnl=pnl,
        equity=curve,
        cash_flows=cash_flows,
        markouts_bps=_markouts(markets),
        edge=edge_of([market.found.edge for market in markets.values()]),
        markets=_grouped((one.market, one.fills, one.pnl) for one in earned),
        strategies=_grouped((one.strategy, one.fills, one.pnl) for one in earned),
        samples={name: tuple(market.fold.samples) for name, market in sorted(markets.items())},
    )


def counted_owners(strategies: Mapping[str, str], only_strategy: str | None) -> frozenset[str] | None:
    """Return the owners whose strategy is asked for; None is everybody."""
    if only_strategy is None:
        return None
    return frozenset(owner for owner, name in strategies.items() if name == only_strategy)


def _markets(
    fills: Iterable[FillRow],
    later: Later | None,
    funding: Sequence[FundingPayment],
    mids: Mapping[str, MidSeries],
    period: tuple[int, int],
    counted: frozenset[str] | None,
    moves: Moves,
) -> dict[str, _Market]:
    payments: dict[str, list[FundingPayment]] = {}
    for payment in funding:
        payments.setdefault(payment.market, []).append(payment)
    times = sample_times(*period)
    folds: dict[str, MarketFold] = {}
    judges: dict[str, Judge] = {}

    def begin(name: str) -> None:
        if name not in folds:
            line, paid = MidLine(mids.get(name, MidSeries())), payments.get(name, ())
            folds[name] = MarketFold(line, paid, times, start_ms=period[0], end_ms=period[1], counted_owners=counted)
            judges[name] = Judge(line, counted)

    for name, rows in by_market(fills):
        begin(name)
        block = folds[name].add(rows)
        if block is not None:
            judges[name].add(block)
    if later is not None:
        for name, rows in by_market(later.fills):
            begin(name)
            folds[name].add(rows)
        for name, judgement in later.judgements().items():
            begin(name)
            judges[name].found.add(judgement)
    for name in (*payments, *moves):
        begin(name)
    for fold in folds.values():
        fold.finish()
    markets = {name: _Market(fold, judges[name].found, moves.get(name, ())) for name, fold in folds.items()}
    for market in markets.values():
        market.add_owners(counted)
    return markets


def sample_times(start_ms: int, end_ms: int) -> list[int]:
    """Return at most 601 moments from start to end, both included, evenly apart: 0 to 6 gives 0, 1, …, 6."""
    span = end_ms - start_ms
    steps = min(SAMPLES, span)
    return [start_ms + span * index // steps for index in range(steps + 1)] if steps else [start_ms]


def _earned(
    markets: Mapping[str, _Market], strategies: Mapping[str, str], marks: Mapping[str, Decimal], end_ms: int
) -> Iterator[_Earned]:
    for name, market in sorted(markets.items()):
        for owner, share in market.fold.shares.items():
            if share.counted:
                pnl = _attribution(market, owner, marks.get(name), end_ms)
                yield _Earned(name, strategies.get(owner, UNATTRIBUTED), share.fills, pnl)


def _attribution(market: _Market, owner: str, mark: Decimal | None, end_ms: int) -> Attribution:
    """Attribute what one run earned on one market; inventory is the remainder.

    A mark that is nowhere known belongs to nothing held.
    """
    fold, share, judged = market.fold, market.fold.shares[owner], market.found
    closing = mark or fold.price_at(end_ms) or ZERO
    opening = fold.price_at(fold.start_ms) or ZERO
    total = share.total(opening, closing) + market.moved(owner, opening, closing, end_ms)
    capture, adverse = judged.capture.get(owner, ZERO), judged.adverse.get(owner, ZERO)
    explained = capture + adverse - share.fees + share.funding
    return Attribution(total, capture, adverse, total - explained, share.fees, share.funding, share.rebates)


def _sum(parts: Iterable[Attribution]) -> Attribution:
    total, capture, adverse, inventory, fees, funding, rebates = ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
    for part in parts:
        total += part.total
        capture += part.spread_capture
        adverse += part.adverse_selection
        inventory += part.inventory
        fees += part.fees
        funding += part.funding
        rebates += part.rebates
    return Attribution(total, capture, adverse, inventory, fees, funding, rebates)


def _grouped(parts: Iterable[tuple[str, int, Attribution]]) -> tuple[Part, ...]:
    groups: dict[str, list[tuple[int, Attribution]]] = {}
    for name, count, part in parts:
        groups.setdefault(name, []).append((count, part))
    return tuple(
        Part(name, sum(count for count, _ in found), _sum(part for _, part in found))
        for name, found in sorted(groups.items())
    )


def _own_curve(
    markets: Mapping[str, _Market], equity: Sequence[Amount], total: Decimal, period: tuple[int, int]
) -> list[Amount]:
    """Add what the counted runs earned by each sampled moment to the capital at the start.

    The last moment is at the venue's marks, as the total is. Empty where no equity was read.
    """
    if not equity:
        return []
    capital = equity[0][1]
    earned = dict.fromkeys(sample_times(*period), capital)
    for market in markets.values():
        opening = market.fold.price_at(market.fold.start_ms) or ZERO
        owners = [owner for owner, share in market.fold.shares.items() if share.counted]
        for sample in market.fold.samples:
            moved = sum((market.moved(one, opening, sample.mid, sample.time_ms) for one in owners), ZERO)
            earned[sample.time_ms] += sample.pnl + moved
    earned[period[1]] = capital + total
    return list(earned.items())


def _figures(
    markets: Mapping[str, _Market],
    orders: OrderCounts,
    curve: Sequence[Amount],
    pnl: Decimal,
    funded: Decimal,
    span_ms: int,
    cash_flows: Sequence[Amount],
) -> Figures:
    gained, turned, volume, held = ZERO, ZERO, ZERO, ZERO
    folds = [market.fold for market in markets.values()]
    for fold in folds:
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
        fills=sum(share.fills for fold in folds for share in fold.shares.values() if share.counted),
        judged=sum(market.found.judged for market in markets.values()),
        losing=sum(market.found.losing for market in markets.values()),
        realized_spread=ratio(gained, turned, PERCENT),
        turnover=ratio(volume, mean * days, Decimal(1)),
        daily_pnl=ratio(pnl, max(funded, ZERO), PERCENT),
        max_drawdown=max_drawdown(curve, cash_flows),
        equity_samples=len(curve),
        span_ms=span_ms,
    )


def _markouts(markets: Mapping[str, _Market]) -> dict[str, Decimal | None]:
    found = {}
    for index, seconds in enumerate(HORIZONS_S):
        moved, notional = ZERO, ZERO
        for market in markets.values():
            moved += market.found.moved[index]
            notional += market.found.notional[index]
        found[f"{seconds}s"] = ratio(moved, notional, BPS)
    return found
