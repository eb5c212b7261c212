"""The runs of a strategy as text. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.app import strategies
from pfmm.cli.render.tables import table
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.status import RunRow, StatusResult

HEADERS = ("market", "state", "orders", "fills", "trips", "inventory", "realised", "unreal.", "fees", "funding")


def render(kind: str, result: StatusResult, width: int | None) -> str:
    """Draw one line a market, and below why nothing may add risk, where that is so."""
    if not result.runs:
        return f"No {kind} has run on this account. `pfmm {kind} start BTC-PERP` starts one."
    trips = strategies.kind(kind).layout == "lines"  # a quote has none to count
    rows = [_cells(row, trips=trips) for row in result.runs]
    shown = table(HEADERS, rows, right=range(2, 10), spare=(9, 4, 8, 2, 3), width=width)
    held = [f"{row.market}: {row.no_new_risk}" for row in result.runs if row.no_new_risk is not None]
    return "\n".join([shown, *held])


def _cells(row: RunRow, *, trips: bool) -> tuple[str, ...]:
    return (
        row.market,
        row.state.replace("_", " ") + (f" ({row.pid})" if row.pid else ""),
        str(len(row.orders)),
        str(row.fills),
        str(row.round_trips) if trips else "-",
        plain(row.inventory),
        *(_usd(value) for value in (row.realized_pnl, row.unrealized_pnl, row.fees_effect, row.funding)),
    )


def _usd(value: Decimal | None) -> str:
    return "n/a" if value is None else f"{value:+.4f}"
