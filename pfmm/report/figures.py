"""A report as JSON `data`, the same for `report` and for `backtest run`. Layer: report. Values only."""

from __future__ import annotations

from typing import Any

from pfmm.accounting.attribution import Attribution
from pfmm.accounting.edge import Edge
from pfmm.accounting.metrics import DAY_MS
from pfmm.model.text import iso
from pfmm.report.data import ReportData
from pfmm.report.thinning import extremes

CURVE_POINTS = 1_000


def report_json(report: ReportData) -> dict[str, Any]:
    """Build the `data` of a report.

    The curve has at most 1,000 points; the lows and highs of what is left out stay.
    """
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
        "edge": edge_json(report.edge, report.pnl),
        "by_market": [{"market": part.name, "fills": part.fills, "pnl": pnl_json(part.pnl)} for part in report.markets],
        "by_strategy": [
            {"strategy": part.name, "fills": part.fills, "pnl": pnl_json(part.pnl)} for part in report.strategies
        ],
    }


def edge_json(edge: Edge, pnl: Attribution) -> dict[str, Any]:
    """Put the break-even maker fee beside what was paid, in bps, and the profit gross of rebates beside these, USD.

    gross + rebates = net profit. None where the data cannot carry a figure.
    """
    headline = edge.headline
    return {
        "horizon_s": headline.horizon_s,
        "break_even_maker_bps": {f"{one.horizon_s}s": _bps(one.bps) for one in edge.break_even},
        "se_bps": {f"{one.horizon_s}s": _bps(one.se_bps) for one in edge.break_even},
        "error_by": headline.error_by,
        "paid_maker_bps": _bps(edge.paid_maker_bps),
        "net_bps": _bps(edge.net_bps),
        "net_after_exits_bps": _bps(edge.net_after_exits_bps),
        "gross_usd": pnl.gross,
        "rebates_usd": pnl.rebates,
        "n_fills": headline.n_fills,
        "n_orders": headline.n_orders,
        "n_blocks": headline.n_blocks,
        "n_sessions": headline.n_sessions,
        "n_exits": edge.exits,
        "mid_age_ms": None if edge.mid_age_ms is None else round(edge.mid_age_ms),
    }


def _bps(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def pnl_json(pnl: Attribution) -> dict[str, Any]:
    """Return the total and its parts, USD: spread_capture + adverse_selection + inventory + fees_effect + funding.

    Fees are positive where paid, their effect is negative then. The first two parts are None where the data cannot tell
    them apart from the third.
    """
    return {
        "total": pnl.total,
        "spread_capture": pnl.spread_capture if pnl.split else None,
        "adverse_selection": pnl.adverse_selection if pnl.split else None,
        "inventory": pnl.inventory,
        "fees": pnl.fees,
        "fees_effect": -pnl.fees,
        "funding": pnl.funding,
    }
