"""The figures of a report from the journal's minute rows: without reading a fill that is in one. Layer: app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pfmm.accounting.minutes import MINUTE_MS
from pfmm.journal.journal import Journal
from pfmm.model.order import Fill
from pfmm.model.run import EquityReading
from pfmm.report.data import ReportData, report_of_minutes
from pfmm.report.inputs import OrderCounts, of_trading
from pfmm.report.minutes import COLUMNS, MinuteInputs


def of_minutes(
    journal: Journal,
    period: tuple[int, int],
    market: str | None,
    marks: Mapping[str, Decimal],
    readings: Sequence[EquityReading],
) -> ReportData:
    """Report everything that happened on one market or all from the first record on; `period` in ms."""
    names = journal.markets_booked() if market is None else (market,)
    curve, cash_flows = of_trading(readings)
    return report_of_minutes(
        start_ms=period[0], end_ms=period[1], minutes={name: _inputs(journal, name) for name in names},
        equity=curve, cash_flows=cash_flows,
        orders=OrderCounts(*journal.order_counts(since_ms=period[0], market=market)),
        marks=marks, strategies={run.run_id: run.kind for run in journal.runs()}, own_curve=market is not None,
    )  # fmt: skip


def _inputs(journal: Journal, market: str) -> MinuteInputs:
    def fills_of(minute: int, first_seq: int, last_seq: int) -> list[Fill]:
        found = journal.fills_between(market, first_seq, last_seq)
        inside = [item for item in found if item.fill.time_ms // MINUTE_MS == minute]
        return [i.fill for i in sorted(inside, key=lambda item: (item.fill.time_ms, item.seq), reverse=True)]

    tables, parts = journal.minute_tables(market, COLUMNS), journal.funding_parts(market)
    moves = journal.adoptions(market)
    return MinuteInputs(tables, parts, lambda time_ms: journal.mid_at(market, time_ms), fills_of, moves)
