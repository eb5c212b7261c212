"""What a run leaves as it ends, in a line or two: what it holds, what it earned, how to close it. Layer: cli."""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.text import plain


def left_line(market: str, strategy: str, inventory: Decimal, pnl: Decimal | None, close: str | None) -> str:
    """Say what a run leaves, of its own book alone: the account may hold more, or less, on the market."""
    earned = "P&L n/a" if pnl is None else f"P&L {pnl:+.4f} USD"
    if close is None:
        return f"{market} {strategy}: holds nothing; {earned}."
    return f"{market} {strategy}: leaves {plain(inventory)}; {earned}.\n  `{close}` closes all that is held there."
