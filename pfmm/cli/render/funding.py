"""Funding rates as tables. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.cli.render.spans import in_words
from pfmm.cli.render.tables import table
from pfmm.model.encoding import ABSENT

if TYPE_CHECKING:
    from pfmm.app.funding import FundingResult, FundingRow


def render(result: FundingResult, width: int | None) -> str:
    """Draw one line a market, below it the settled rates where they were asked for."""
    rows = result.markets
    if not rows:
        return "No market is beyond the rate that was asked for."
    headers = ("market", "rate", "8 h", "a year", "next payment", "in", "advice")
    lines = [table(headers, [_cells(row) for row in rows], right=(1, 2, 3, 5), spare=(4, 1), width=width)]
    past = [row for row in rows if row.history is not ABSENT]
    if past:
        columns = ("market", "mean 8 h", "deviation", "positive", "rates", f"since {past[0].history.since[:10]}")
        lines += [
            "",
            table(columns, [_history_cells(row) for row in past], right=(1, 2, 3, 4), spare=(3, 4), width=width),
        ]
    return "\n".join(lines)


def _cells(row: FundingRow) -> tuple[str, ...]:
    if row.rate is None:
        rate, bps_8h, year = "n/a", "n/a", "n/a"
    else:
        rate = f"{row.rate_bps:+.4f} bps/{row.interval_hours}h"
        bps_8h, year = f"{row.rate_8h_bps:+.4f} bps", f"{_signed(row):+.2f} %"
    left = row.seconds_to_funding
    return (
        row.market, rate, bps_8h, year,
        "n/a" if row.next_funding_at is None else f"{row.next_funding_at[:16].replace('T', ' ')}Z",
        "n/a" if left is None else in_words(left),
        row.action.replace("_", " ") + (" (estimated)" if row.source == "estimated" else ""),
    )  # fmt: skip


def _signed(row: FundingRow) -> Decimal:
    """Give the rate a year its sign, so that it reads as the rate beside it; the field is its size."""
    size, rate = row.annualized_pct, row.rate
    return Decimal(0) if size is None or rate is None else size.copy_sign(rate)


def _history_cells(row: FundingRow) -> tuple[str, ...]:
    past = row.history
    mean, deviation, share = past.mean_8h_bps, past.deviation_8h_bps, past.share_positive
    return (
        row.market,
        "n/a" if mean is None else f"{mean:+.4f} bps",
        "n/a" if deviation is None else f"{deviation:.4f} bps",
        "n/a" if share is None else f"{share:.0%}",
        str(past.count),
        past.sparkline,
    )
