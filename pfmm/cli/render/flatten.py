"""What a flatten would do, and what it proved, as text. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.model.text import counted, plain

if TYPE_CHECKING:
    from pfmm.app.closing import MarketResult, Verdict
    from pfmm.app.flatten import Flattened, FlattenPlan


def render(result: Flattened, width: int | None) -> str:
    """Tell the verdict, the runners that were stopped for it, and the HALT that stays."""
    lines = [render_verdict(result, width)]
    lines += [f"{one.strategy} on {one.market} (pid {one.pid}) was {one.how}" for one in result.runners_stopped]
    if result.halted:
        lines.append("The account is halted: every start is refused until `pfmm resume`.")
    return "\n".join(lines)


def render_plan(result: FlattenPlan, width: int | None) -> str:  # noqa: ARG001 - one sentence a line
    """Say what would be stopped, cancelled and closed."""
    return "\n".join(result.words())


def render_verdict(result: Verdict, width: int | None) -> str:  # noqa: ARG001 - one sentence a market
    """Say where, when and what was proven, then one line a market."""
    left = "an unknown number" if result.orders_left is None else result.orders_left
    return "\n".join([
        f"{result.venue} account {result.account} at {result.time}: {result.state.upper()}",
        *map(_market, result.markets),
        f"{counted(result.cancelled, 'order')} cancelled, {left} left",
    ])  # fmt: skip


def _market(market: MarketResult) -> str:
    after = "unknown" if market.after is None else plain(market.after)
    line = f"{market.market}: {plain(market.before)} → {after}"
    if market.closed_size:
        line += f", closed {plain(market.closed_size)} at {_price(market.avg_price)}"
        if market.slippage_bps is not None:
            line += f", {plain(market.slippage_bps)} bps from mid"
    return line + (f" ({market.reason})" if market.reason else "")


def _price(price: Decimal | None) -> str:
    return "n/a" if price is None else f"{price:.8g}"
