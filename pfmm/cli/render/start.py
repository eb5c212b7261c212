"""What a start did, would do, or began in the background, as text. Layer: cli."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pfmm.app import strategies
from pfmm.cli.live.reasons import absences, holding, places
from pfmm.cli.render.left import Left, left_lines
from pfmm.cli.render.tables import table
from pfmm.model.text import counted

if TYPE_CHECKING:
    from pfmm.app.detaching import Detached
    from pfmm.app.dry_run import Action, DryRunResult, PlannedRun
    from pfmm.app.once import OnceResult, OnceRow

_SIGNS = {"place": "+", "cancel": "-", "amend": "~", "keep": " "}


def _state(run: OnceRow) -> str:
    """Tell what rests, what is held and what was filled; a quote has no round trips to count."""
    parts = [
        f"{run.resting} resting ({run.placed} placed, {run.amended} amended, {run.cancelled} cancelled)",
        f"inventory {run.inventory:f}",
        counted(run.fills, "fill"),
    ]
    if strategies.kind(run.strategy).layout == "lines":
        parts.append(counted(run.round_trips, "round trip"))
    return ", ".join(parts)


def render_once(result: OnceResult, width: int | None) -> str:  # noqa: ARG001 - one line a market, for cron mails
    """Tell what was done and what rests now, and what is not wanted and why."""
    lines = []
    for run in result.runs:
        lines.append(f"{run.market} {run.strategy}: {run.problem or _state(run)}")
        why = [*holding((held.slot, held.reason) for held in run.held), *absences(run.absent)]
        lines += [f"  {line}" for line in why]
        if run.close is not None:
            left = Left(run.market, run.strategy, run.inventory, run.pnl, run.close)
            lines += [f"  {line}" for line in left_lines([left])]
    return "\n".join(lines)


def render_dry_run(result: DryRunResult, width: int | None) -> str:
    """Draw the plan as a diff, highest price first as in a book: `+` places, `-` cancels, `~` amends; what stays is
    counted."""
    return "\n".join(line for run in result.runs for line in _planned(run, width))


def _planned(run: PlannedRun, width: int | None) -> list[str]:
    lines = [
        f"{run.market}  {'no mid' if run.mid is None else f'mid {run.mid}'}"
        + (f"  {run.problem}" if run.problem else "")
    ]
    if run.settings_differ:
        lines.append(f"begun with other settings: {', '.join(run.settings_differ)}")
        lines.append(
            "A start is refused. `--on-restart cancel` ends that run and begins afresh, as shown; while a process runs "
            "it, only `stop` does."
        )
    changes = [action for action in run.actions if action.action != "keep"]
    changes.sort(key=lambda action: action.price, reverse=True)
    if changes:
        lines.append(
            table(("", "place", "side", "price", "size", ""), _cells(changes), right=(3, 4), spare=(2,), width=width)
        )
    lines += holding((held.slot, held.reason) for held in run.held)
    lines += absences(run.absent)
    return [*lines, f"{len(changes)} to change, {len(run.actions) - len(changes)} kept. Nothing was sent."]


def _cells(actions: Sequence[Action]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each; every price has as many decimals as the finest needs, whatever the venue wrote."""
    decimals = max(0, *(-int(one.price.normalize().as_tuple().exponent) for one in actions))
    for one in actions:
        before = f"from {one.from_price:f} x {one.from_size:f}" if one.action == "amend" else ""
        side = "buy" if one.side.sign > 0 else "sell"
        price = f"{one.price:.{decimals}f}"
        yield (_SIGNS[one.action], places([one.slot]), side, price, f"{one.size:f}", before)


def render_detached(result: Detached, width: int | None) -> str:  # noqa: ARG001 - three sentences
    """Say where it runs, where its log is, and how it is watched and ended."""
    return (
        f"{result.strategy} runs on {', '.join(result.markets)} in the background (pid {result.pid}).\n"
        f"Log: {result.log}\n"
        f"`pfmm {result.strategy} status` shows it, `pfmm {result.strategy} stop` ends it,\n"
        f"`pfmm events --follow` tells what happens."
    )
