"""What a run of a backtest says: the report's own figures, computed from its fills and the tape.

Mids are the tape's, at the fills, at the markout horizons and at the samples of the equity curve; nothing depends on
when the loop happened to look. Layer: backtest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import pairwise

from pfmm.accounting.attribution import HORIZONS_S
from pfmm.accounting.edge import edge_of
from pfmm.accounting.ledger import EXACT, apply, apply_funding
from pfmm.backtest.columns import Columns
from pfmm.backtest.simulation import Clockwork, Outcome
from pfmm.model.account import FundingPayment
from pfmm.model.fees import ARTICLE, PRESETS, Fees
from pfmm.model.ledger import LedgerState
from pfmm.model.market import QUOTE_HOLDS_MS
from pfmm.model.order import Fill
from pfmm.model.quick import quick
from pfmm.paper.conversions import decimal, usd
from pfmm.paper.feeds.settlements import Schedule
from pfmm.paper.ledger import DEFAULT_DEPOSIT
from pfmm.report.data import Later, ReportData, report_data, sample_times
from pfmm.report.inputs import MidSeries, OrderCounts, row_of

CAPITAL = usd(DEFAULT_DEPOSIT)
ADVERSE = "adverse_selection_ratio"
NOT_TOLD = "candles do not tell what happened inside a bar"


@quick(frozen=True, slots=True)
class Scenario:
    """One whole run: the queue model that it ran with, what it did, and what the report says of it.

    `drawdown_usd` is the deepest fall of equity from a peak, at the mids of every quote of the run; of `settlements`
    funding settlements that passed, so many have no rate in the data. `notes` are what a start would have said.
    `bar_ms` is the length of the bars that it ran on, 0 on ticks; the report of bars is `without_fine_figures`.
    """

    queue: str
    outcome: Outcome
    report: ReportData
    drawdown_usd: Decimal
    settlements: int
    without_rate: int
    notes: tuple[str, ...] = ()
    fees: Fees = PRESETS[ARTICLE]
    bar_ms: int = 0

    @property
    def label(self) -> str:
        """Name the scenario by its queue model, or say that it ran on candles, which have none."""
        return "candles" if self.bar_ms else self.queue


def scenario(columns: Columns, outcome: Outcome, clockwork: Clockwork, kind: str) -> Scenario:
    """Make the report of `outcome`, which ran over `columns`."""
    start_ms, end_ms = clockwork.start_ms, outcome.ended_ms
    fills = [item.fill for item in outcome.fills]
    samples = sample_times(start_ms, end_ms)
    horizons = (-1, *(seconds * 1000 for seconds in HORIZONS_S))  # the mid strictly before the fill, and after it
    judged = () if columns.tape.bar_ms else fills  # of bars no fill is
    wanted = [*samples, *(fill.time_ms + horizon for fill in judged for horizon in horizons)]
    # what comes after the end is not known: it may lie in the next fold, or behind the last quote of the data
    wanted = [time_ms for time_ms in wanted if time_ms <= end_ms]
    curve = _equity_curve(columns, outcome, fills, _moments(columns, outcome, samples))
    rows = [row_of(item.fill, item.run_id or "") for item in outcome.fills]
    tape = columns.tape
    report = report_data(
        start_ms=start_ms,
        end_ms=end_ms,
        fills=() if tape.bar_ms else rows,
        later=Later(rows, dict) if tape.bar_ms else None,  # counted, and judged by nobody
        funding=outcome.payments,
        mids={outcome.market: mids_at(columns, wanted)},
        equity=curve,
        orders=OrderCounts(len(outcome.orders), sum(1 for order in outcome.orders if order.filled)),
        marks={outcome.market: outcome.mark},
        strategies={item.run_id: kind for item in outcome.fills if item.run_id is not None},
    )
    if tape.bar_ms:
        report = without_fine_figures(report)
    settlements, without_rate = Schedule(tape.funding, tape.spec.funding_interval_hours).passed(start_ms, end_ms)
    return Scenario(outcome.queue, outcome, report, _drawdown(curve), settlements, without_rate, bar_ms=tape.bar_ms)


def without_fine_figures(report: ReportData) -> ReportData:
    """Return the report of a run on bars: what a bar cannot tell has no figure, and the whole price profit is one.

    Where in its bar a fill lies, and what the mid was then, is invented: capture, adverse selection, markouts and edge
    would be figures about the invention. A total of 5 with fees of -1 is 4 from prices, whatever split was computed.
    """
    return replace(
        report,
        pnl=report.pnl.of_prices(),
        metrics=tuple(
            replace(one, value=None, verdict="n/a", n=0, reason=NOT_TOLD) if one.name == ADVERSE else one
            for one in report.metrics
        ),
        markouts_bps=dict.fromkeys(report.markouts_bps),
        edge=edge_of(()),
        markets=tuple(replace(part, pnl=part.pnl.of_prices()) for part in report.markets),
        strategies=tuple(replace(part, pnl=part.pnl.of_prices()) for part in report.strategies),
    )


def _moments(columns: Columns, outcome: Outcome, samples: Sequence[int]) -> list[int]:
    """Return the samples, every change of what is held, and between these, while something is held, the mid's turns.

    What is held is constant between changes, so that equity goes as the mid does: the deepest fall of all begins and
    ends at one of these moments, and the curve through them has the drawdown of the curve through every quote.
    """
    changes = {one.fill.time_ms for one in outcome.fills} | {one.time_ms for one in outcome.payments}
    edges = sorted({*samples, *(time_ms for time_ms in changes if samples[0] <= time_ms <= samples[-1])})
    moments = set(edges)
    fills = sorted((one.fill.time_ms, one.fill.signed_size) for one in outcome.fills)
    held, taken = Decimal(0), 0
    spans = []
    for start_ms, end_ms in pairwise(edges):
        while taken < len(fills) and fills[taken][0] <= start_ms:
            held += fills[taken][1]
            taken += 1
        if held:
            spans.append((start_ms, end_ms, 1 if held > 0 else -1))
    moments.update(*columns.turning_mids(spans))
    return sorted(moments)


def mids_at(columns: Columns, times: Iterable[int]) -> MidSeries:
    """Return the mids in force at `times`, in time order.

    Each is of the last quote, which may be QUOTE_HOLDS_MS old; a bar's close stands until the next one. A one-sided
    quote has none.
    """
    decimals, bars = columns.tape.spec.price_decimals, columns.tape.bar_ms
    found: dict[int, Decimal] = {}
    asked = sorted(set(times))
    newest = [columns.last_quote_before(after) for after in columns.all_after(asked)]
    for time_ms, index, (bid, ask) in zip(asked, newest, columns.all_shown(newest), strict=True):
        if index < 0 or (not bars and time_ms - columns.times[index] > QUOTE_HOLDS_MS):
            continue
        if bid and ask:
            found[time_ms] = decimal(5 * (bid + ask), decimals + 1)
    return MidSeries.of(found.items())


def _equity_curve(
    columns: Columns, outcome: Outcome, fills: Sequence[Fill], moments: Sequence[int]
) -> list[tuple[int, Decimal]]:
    """Work out capital plus what was earned, at each moment; the last one at the mark that the run ended on."""
    decimals = columns.tape.spec.price_decimals
    ledger, mark, last = LedgerState(), outcome.mark, len(moments) - 1
    flat_worth = CAPITAL  # what the equity is but for size x mark: between two changes it stays
    pending: list[tuple[int, Fill | FundingPayment]] = [
        *((fill.time_ms, fill) for fill in fills),
        *((payment.time_ms, payment) for payment in outcome.payments),
    ]
    pending.sort(key=lambda one: (one[0], isinstance(one[1], FundingPayment)), reverse=True)
    curve = []
    with localcontext(EXACT):
        for number, (time_ms, mid) in enumerate(zip(moments, columns.mids_at(moments), strict=True)):
            while pending and pending[-1][0] <= time_ms:
                happened = pending.pop()[1]
                ledger = apply(ledger, happened) if isinstance(happened, Fill) else apply_funding(ledger, happened)
                basis = ledger.cost_basis if ledger.size >= 0 else -ledger.cost_basis
                flat_worth = CAPITAL + (ledger.realized - basis - ledger.fees + ledger.funding)
            if number == last:
                mark = outcome.mark
            elif mid is not None:
                mark = decimal(mid, decimals)
            curve.append((time_ms, flat_worth + ledger.size * mark if ledger.size else flat_worth))
    return curve


def _drawdown(curve: Sequence[tuple[int, Decimal]]) -> Decimal:
    peak = deepest = Decimal(0)
    for _, value in curve:
        if value > peak:
            peak = value
        elif peak - value > deepest:
            deepest = peak - value
    return deepest
