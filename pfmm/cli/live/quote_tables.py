"""The live tables of quotes and ladders: one line a market, readable with twenty of them. Rendering only.

Colour repeats what words, signs and bars already say; nothing is wider than the width that is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pfmm.cli.live.tables import profit_line
from pfmm.cli.output import folded
from pfmm.model.text import adding_up

if TYPE_CHECKING:
    from pfmm.app.strategies import Column
    from pfmm.model.cycle import CycleReport, RunReport

WIDE = 96
NARROW = 76
FIGURES = 7  # of a price
BAR_HALF = 4
REASONS_SHOWN = 4


def quotes(
    report: CycleReport, columns: Sequence[Column], width: int
) -> tuple[list[RenderableType], list[RenderableType]]:
    """The markets with bid, ask, spread, inventory, the strategy's own columns and P&L; then what is not quoted and
    why; and apart from them the sums. Narrow screens lose the strategy's own columns but prices and the split of the
    P&L first, then its prices, the spread and the inventory's bar: no number is ever shortened."""
    wide, narrow = width >= WIDE, width < NARROW
    prices = () if narrow else [one for one in columns if one.unit == "USD"]
    others = [one for one in columns if one.unit != "USD"] if wide else ()
    table = Table(width=width, pad_edge=False, box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("market", no_wrap=True)
    for name in (*(one.name for one in prices), "bid", "ask", *(() if narrow else ("bps",))):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("inventory", justify="left", no_wrap=True)
    for one in others:
        table.add_column(one.name, justify="right" if one.unit else "left", no_wrap=True)
    table.add_column("fills", justify="right", no_wrap=True)
    if wide:
        table.add_column("real.", justify="right", no_wrap=True)
        table.add_column("unreal.", justify="right", no_wrap=True)
        table.add_column("fees", justify="right", no_wrap=True)
    table.add_column("total", justify="right", no_wrap=True)
    for run in report.runs:
        table.add_row(*_row(run, prices, others, wide=wide, narrow=narrow))
    return [table, *_reasons(report)], [_sums(report)]


def _row(run: RunReport, prices: Sequence[Column], others: Sequence[Column], *, wide: bool, narrow: bool) -> list[Text]:
    said = None if run.decision is None or not (prices or others) else run.decision.explain
    sides = {"bid": _resting(run, "bid"), "ask": _resting(run, "ask")}
    name = Text(run.market.removesuffix("-PERP"), style="bold" if run.problem is None else "yellow")
    bid, ask = _side(sides["bid"], "green"), _side(sides["ask"], "red")
    if narrow:
        cells = [name, bid, ask, Text(f"{run.ratio:+.0%}")]
    else:
        shown = [Text(_told(one, said)) for one in prices]
        cells = [name, *shown, bid, ask, Text(_spread(sides["bid"], sides["ask"])), _inventory(run)]
    cells += [Text(_told(one, said)) for one in others]
    cells.append(Text(str(run.fills)))
    if wide:
        # with the funding among what is realised, the three columns make the total; the last line splits it
        parts = (run.ledger.realized + run.ledger.funding, run.unrealized, -run.ledger.fees)
        *words, _ = adding_up(run.total, parts, remainder=1, decimals=2)
        cells += [Text(word) for word in words]
    cells.append(_signed(run.total))
    return cells


def _resting(run: RunReport, side: str) -> tuple[Decimal, int] | None:
    """The best resting price of a side, and how many orders it has."""
    prices = [order.price for order in run.orders if order.slot.split(":")[0] == side]
    if not prices:
        return None
    return (max(prices) if side == "bid" else min(prices)), len(prices)


def _side(best: tuple[Decimal, int] | None, style: str) -> Text:
    if best is None:
        return Text("none", style="dim")
    price, count = best
    return Text(f"{price:f}" + (f" x{count}" if count > 1 else ""), style=style)


def _spread(bid: tuple[Decimal, int] | None, ask: tuple[Decimal, int] | None) -> str:
    if bid is None or ask is None:
        return "-"
    return f"{(ask[0] - bid[0]) / (ask[0] + bid[0]) * 20_000:.2f}"


def _told(column: Column, said: Any) -> str:
    """The column's value as its unit is written; "-" where there is none."""
    value = None if said is None else column.value_of(said)
    if value is None:
        return "-"
    if not column.unit:
        return str(value)
    return f"{value:+.0%}" if column.unit == "share" else f"{value:.{FIGURES}g}"


def _inventory(run: RunReport) -> Text:
    """`---#|---- -12%`: the position's share of the limit, short to the left, long to the right."""
    filled = min(BAR_HALF, round(abs(run.ratio) * BAR_HALF))
    left = "-" * BAR_HALF if run.ratio >= 0 else "-" * (BAR_HALF - filled) + "#" * filled
    right = "-" * BAR_HALF if run.ratio <= 0 else "#" * filled + "-" * (BAR_HALF - filled)
    style = "red" if abs(run.ratio) >= 0.9 else "yellow" if abs(run.ratio) >= 0.5 else ""
    return Text(f"{left}|{right} {run.ratio:+4.0%}", style=style)


def _reasons(report: CycleReport) -> list[RenderableType]:
    """Why sides are absent, held or noted; the first few, with how many more there are."""
    lines: list[str] = []
    for run in report.runs:
        name = run.market.removesuffix("-PERP")
        if run.problem is not None:
            lines.append(f"{name}: not quoted, {run.problem}")
            continue
        if run.decision is not None:
            lines += [f"{name} no {reason}" for reason in _absences(run.decision.absent)]
            lines += [f"{name} {note}" for note in run.decision.notes]
        lines += [f"{name} {held.slot} held: {held.reason}" for held in run.plan.held]
    shown: list[RenderableType] = [
        Text(line, style="yellow", no_wrap=True, overflow="ellipsis") for line in lines[:REASONS_SHOWN]
    ]
    if len(lines) > REASONS_SHOWN:
        shown.append(Text(f"and {len(lines) - REASONS_SHOWN} more reasons", style="dim"))
    return shown


def _absences(absent: Mapping[str, str]) -> list[str]:
    """`bid and ask: reason` where one reason holds for both, `bid:5 to bid:9 and ask:5 to ask:9` for levels."""
    by_reason: dict[str, list[str]] = {}
    for slot, reason in absent.items():
        by_reason.setdefault(reason, []).append(slot)
    names = {reason: [name for name, _ in folded(dict.fromkeys(slots, reason))] for reason, slots in by_reason.items()}
    return [f"{' and '.join(slots)}: {reason}" for reason, slots in names.items()]


def _sums(report: CycleReport) -> Text:
    runs = report.runs
    ledgers = [run.ledger for run in runs]
    return profit_line(
        sum((run.total for run in runs), Decimal(0)),
        sum((ledger.realized for ledger in ledgers), Decimal(0)),
        sum((run.unrealized for run in runs), Decimal(0)),
        sum((ledger.fees for ledger in ledgers), Decimal(0)),
        sum((ledger.funding for ledger in ledgers), Decimal(0)),
    )


def _signed(value: Decimal) -> Text:
    return Text(f"{value:+.2f}", style=_style(value))


def _style(value: Decimal) -> str:
    return "green" if value > 0 else "red" if value < 0 else ""
