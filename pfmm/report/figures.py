"""A report as JSON `data`, the same for `report` and for `backtest run`. Layer: report. Values only."""

from __future__ import annotations

from typing import Any

from pfmm.accounting.attribution import Attribution
from pfmm.accounting.metrics import DAY_MS
from pfmm.model.text import iso
from pfmm.report.data import ReportData
from pfmm.report.thinning import extremes

CURVE_POINTS = 1_000


def report_json(report: ReportData) -> dict[str, Any]:
    """The `data` of a report. The curve has at most 1,000 points; the lows and highs of what is left out stay."""
    edge = report.edge
    return {
        "period": {
            "start": iso(report.start_ms),
            "end": iso(report.end_ms),
            "days": float((report.end_ms - report.start_ms) / DAY_MS),
        },
        "fills": report.fills,
        "metrics": report.metrics,
        "pnl": pnl_json(report.pnl),
        "equity_curve": [[iso(time_ms), value] for time_ms, value in extremes(report.equity, CURVE_POINTS)],
        "cash_flows": [[iso(time_ms), amount] for time_ms, amount in report.cash_flows],
        "markouts_bps": report.markouts_bps,
        "edge_bps": None if edge.mean_bps is None else round(edge.mean_bps, 6),
        "edge": {"n": edge.n, "t": None if edge.t is None else round(edge.t, 6), "below_zero": edge.below_zero},
        "by_market": [{"market": part.name, "fills": part.fills, "pnl": pnl_json(part.pnl)} for part in report.markets],
        "by_strategy": [
            {"strategy": part.name, "fills": part.fills, "pnl": pnl_json(part.pnl)} for part in report.strategies
        ],
    }


def pnl_json(pnl: Attribution) -> dict[str, Any]:
    """total = spread_capture + adverse_selection + inventory + fees_effect + funding, USD; fees are positive where
    paid, their effect is negative then."""
    return {
        "total": pnl.total,
        "spread_capture": pnl.spread_capture,
        "adverse_selection": pnl.adverse_selection,
        "inventory": pnl.inventory,
        "fees": pnl.fees,
        "fees_effect": -pnl.fees,
        "funding": pnl.funding,
    }
