"""The account and its positions as text. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.cli.render.tables import table
from pfmm.model.text import adding_up, plain

if TYPE_CHECKING:
    from pfmm.app.inventory import InventoryResult, PositionRow

UNREALISED = 0  # of the parts of a profit, the one that takes the rounding


def render(result: InventoryResult, width: int | None) -> str:
    """Show the account, then positions against their limits, then what they earned."""
    account, rows = result.account, result.positions
    peak = account.peak_equity
    fallen = "" if peak is None else f"   peak {peak:.4f} (drawdown {account.drawdown_pct:.2f} %)"
    lines = [
        f"{result.venue}/{account.account_id}   {result.time[:19]}Z",
        f"equity {account.equity:.4f} USD{fallen}",
        f"cash {account.cash:.4f}   margin used {account.margin_used:.4f}   free {account.free_margin:.4f}",
        "",
    ]
    if not rows:
        return "\n".join([*lines, "No position, no order, no past trade."])
    headers = ("market", "side", "size", "USD", "of limit", "state", "entry", "mark", "liquidation", "bids", "asks")
    profits = ("market", "total", "unrealised", "realised", "fees", "funding")
    right = (2, 3, 4, 6, 7, 8, 9, 10)
    return "\n".join([
        *lines,
        table(headers, [_cells(row) for row in rows], right=right, spare=(7, 6, 10, 9, 5), width=width),
        "",
        table(profits, [_profit_cells(row) for row in rows], right=range(1, 6), width=width),
    ])  # fmt: skip


def _cells(row: PositionRow) -> tuple[str, ...]:
    distance = row.liquidation_distance_pct
    return (
        str(row.market),
        row.side,
        plain(abs(row.size)),
        f"{row.notional:+.2f}",
        f"{row.ratio:+z.0%}",
        row.state,
        _price(row.entry_price),
        _price(row.mark_price),
        "-" if distance is None else f"{distance:.1f} % off" if distance >= 0 else f"{-distance:.1f} % past",
        f"{row.open_bids:.2f}",
        f"{row.open_asks:.2f}",
    )


def _price(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.7g}"


def _profit_cells(row: PositionRow) -> tuple[str, ...]:
    parts = (row.unrealized_pnl, row.realized_pnl, row.fees_effect, row.funding)
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return (str(row.market), "n/a", *("n/a" if part is None else f"{part:+.4f}" for part in parts))
    *words, total = adding_up(sum(known, Decimal(0)), known, UNREALISED)
    return (str(row.market), total, *words)
