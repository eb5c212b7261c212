"""The runs of a strategy as text. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.cli.render.tables import table
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.status import RunRow, StatusResult

HEADERS = ("market", "state", "orders", "fills", "trips", "inventory", "realised", "unreal.", "fees", "funding")


def render(kind: str, result: StatusResult, width: int | None) -> str:
    """One line a market."""
    if not result.runs:
        return f"No {kind} has run on this account. `pfmm {kind} start BTC-PERP` starts one."
    rows = [_cells(row) for row in result.runs]
    return table(HEADERS, rows, right=range(2, 10), spare=(9, 4, 8), width=width)


def _cells(row: RunRow) -> tuple[str, ...]:
    return (
        row.market,
        row.state + (f" ({row.pid})" if row.pid else ""),
        str(len(row.orders)),
        str(row.fills),
        str(row.round_trips),
        plain(row.inventory),
        *(_usd(value) for value in (row.realized_pnl, row.unrealized_pnl, row.fees_effect, row.funding)),
    )


def _usd(value: Decimal | None) -> str:
    return "n/a" if value is None else f"{value:+.4f}"
