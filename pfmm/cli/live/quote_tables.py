"""The live table of quotes on several markets: one line a market, readable with twenty of them. Rendering only.

Colour repeats what words, signs and bars already say; nothing is wider than the width that is given. Layer: cli.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text

from pfmm.cli.live.colours import BAD, GOOD, NOTE
from pfmm.cli.live.fitting import columns
from pfmm.model.text import adding_up

if TYPE_CHECKING:
    from pfmm.app.strategies import Column
    from pfmm.model.cycle import CycleReport, RunReport

WIDE = 96
NARROW = 76
FIGURES = 7  # of a price
BAR_HALF = 4


def quotes(report: CycleReport, own: Sequence[Column], width: int) -> list[Text]:
    """Draw the markets with bid, ask, spread, inventory, the strategy's own columns and P&L. Narrow screens lose the
    strategy's own columns but prices and the split of the P&L first, then its prices, the spread and the inventory's
    bar: no number is ever shortened."""
    wide, narrow = width >= WIDE, width < NARROW
    prices = () if narrow else [one for one in own if one.unit == "USD"]
    rest = [one for one in own if one.unit != "USD"] if wide else ()
    headers = ["market", *(one.name for one in prices), "bid", "ask", *(() if narrow else ("bps",)), "inventory"]
    at_inventory = len(headers) - 1
    headers += [*(one.name for one in rest), "fills", *(("real.", "unreal.", "fees") if wide else ()), "total"]
    words = [at for at, name in enumerate(headers) if name in {one.name for one in rest if not one.unit}]
    rows = [_row(run, prices, rest, wide=wide, narrow=narrow) for run in report.runs]
    spare = [*words, *(range(1, 1 + len(prices)))]
    return columns(headers, rows, left=(0, at_inventory, *words), spare=spare, width=width)


def _row(run: RunReport, prices: Sequence[Column], others: Sequence[Column], *, wide: bool, narrow: bool) -> list[Text]:
    said = None if run.decision is None or not (prices or others) else run.decision.explain
    sides = {"bid": _resting(run, "bid"), "ask": _resting(run, "ask")}
    name = Text(run.market.removesuffix("-PERP"), style="bold" if run.problem is None else NOTE)
    bid, ask = _side(sides["bid"], GOOD), _side(sides["ask"], BAD)
    if narrow:
        cells = [name, bid, ask, Text(f"{run.ratio:+z.0%}")]
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
    """Find the best resting price of a side, and how many orders it has; None without any."""
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
    """Write the column's value as its unit is written; "-" where there is none."""
    value = None if said is None else column.value_of(said)
    if value is None:
        return "-"
    if not column.unit:
        return str(value)
    return f"{value:+.0%}" if column.unit == "share" else f"{value:.{FIGURES}g}"


def _inventory(run: RunReport) -> Text:
    """Draw the position's share of the limit, short to the left, long to the right: `---#|---- -12%`."""
    filled = min(BAR_HALF, round(abs(run.ratio) * BAR_HALF))
    left = "-" * BAR_HALF if run.ratio >= 0 else "-" * (BAR_HALF - filled) + "#" * filled
    right = "-" * BAR_HALF if run.ratio <= 0 else "#" * filled + "-" * (BAR_HALF - filled)
    style = BAD if abs(run.ratio) >= 0.9 else NOTE if abs(run.ratio) >= 0.5 else ""
    return Text(f"{left}|{right} {run.ratio:+z4.0%}", style=style)


def _signed(value: Decimal) -> Text:
    shown = round(value, 2)  # what is shown as nothing is neither gain nor loss
    return Text(f"{shown:+z.2f}", style=_style(shown))


def _style(value: Decimal) -> str:
    return GOOD if value > 0 else BAD if value < 0 else ""
