"""Show as text what a stop did. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.cli.render.flatten import render_verdict
from pfmm.cli.render.left import Left, left_lines
from pfmm.model.encoding import ABSENT
from pfmm.model.text import counted, plain

if TYPE_CHECKING:
    from pfmm.app.stop import StopResult

WORDS = {"absent": "was not running"}


def render(kind: str, result: StopResult, width: int | None) -> str:
    """Write one line a run, then the verdict about the positions where `--flatten` asked for it."""
    lines = [
        f"{run.market} {run.strategy}: {WORDS.get(run.state, run.state)}, "
        f"{counted(run.cancelled, 'order')} cancelled, {run.orders_left} left"
        for run in result.runs
    ]
    if not lines and not result.unknown_orders:
        lines = [f"No {kind} was running, and none of its orders rests."]
    if result.unknown_cancelled:
        lines.append(f"{result.unknown_cancelled} orders that this journal does not know were cancelled.")
    lines += [
        f"{one.market} {one.side} {plain(one.size)} at {one.price}: "
        f"{one.client_order_id} rests, and this journal does not know it"
        for one in result.unknown_orders
    ]
    lines += left_lines(
        Left(run.market, run.strategy, run.inventory, run.pnl, run.close)
        for run in result.runs
        if run.inventory is not None
    )
    if result.flatten is not ABSENT and result.flatten is not None:
        lines.append(render_verdict(result.flatten, width))
    return "\n".join(lines)
