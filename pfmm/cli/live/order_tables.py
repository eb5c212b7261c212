"""The tables of own orders on a live screen: a grid's lines, a ladder's levels.

Rendering only. Colour repeats what words and signs already say. Layer: cli.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from pfmm.cli.live.colours import BAD, GOOD
from pfmm.cli.live.fitting import columns
from pfmm.cli.render.spans import in_words
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.strategies import GridExplained, GridLine
    from pfmm.model.cycle import RunReport
    from pfmm.model.plan import OwnOrder

Row = tuple[Text | str, ...]
LINES_FEWEST = 3
LEVELS_BESIDE = 2  # lines of a ladder's table beside its orders: the head and the mid


def grid_table(explain: GridExplained, run: RunReport, now_ms: int, width: int, shown: int) -> list[Text]:
    """Draw the `shown` lines nearest the price, highest first, with the price itself between them; count the others. An
    order stands at its own price: one that would have crossed rests beyond the best price, not on its line."""
    assert run.ticker is not None
    mid = run.ticker.mid or run.ticker.mark
    lines = sorted(explain.lines, key=lambda line: line.price, reverse=True)
    if len(lines) == shown + 1:
        shown += 1  # a line that counts one line saves none
    near = sorted(lines, key=lambda line: abs(line.price - mid))[: max(shown, LINES_FEWEST)]
    resting = {order.slot: order for order in run.orders}
    rows = [row for line in lines if line in near for row in _grid_rows(line, resting, mid, now_ms)]
    rows.sort(key=lambda row: row[0], reverse=True)
    above = [row for price, row in rows if price >= mid]
    below = [row for price, row in rows if price < mid]
    headers = ("line", "price", "side", "size", "USD", "away", "age")
    table = columns(headers, [*above, _price_row(mid, 7), *below], left=(2,), spare=(4, 3), width=width)
    return [*table, *_further(lines, near, mid)]


def _further(lines: Sequence[GridLine], near: Sequence[GridLine], mid: Decimal) -> list[Text]:
    """Tell how many lines are not shown."""
    rest = [line for line in lines if line not in near]
    higher = sum(line.price >= mid for line in rest)
    return not_shown("lines", higher, len(rest) - higher)


def _grid_rows(line: GridLine, resting: dict[str, OwnOrder], mid: Decimal, now_ms: int) -> list[tuple[Decimal, Row]]:
    """Build the rows of a line, each with the price that it shows."""
    rows: list[tuple[Decimal, Row]] = []
    index = str(line.line)
    for side, size, slot, style in (
        ("sell", line.sell, line.sell_slot, BAD),
        ("buy", line.buy, line.buy_slot, GOOD),
    ):
        if size is None:
            continue
        order = resting.get(slot)
        state = Text(side if order else f"{side} (not resting)", style=style)
        price = line.price if order is None or order.price.normalize() == line.price.normalize() else order.price
        cells = (plain(size), f"{size * price:.2f}", distance(price, mid), age(order, now_ms))
        rows.append((price, (index, plain(price), state, *cells)))
    empty = (index, plain(line.price), Text("empty", style="dim"), "", "", distance(line.price, mid), "")
    return rows or [(line.price, empty)]


def levels_table(run: RunReport, now_ms: int, width: int, room: int | None = None) -> list[Text]:
    """Draw the orders of a ladder, sells above the price and buys below it, each with distance and age.

    On few lines (`room`, None: any number) those nearest the price on both sides are drawn, and the others counted."""
    if run.ticker is None:
        return []
    mid = run.ticker.mid or run.ticker.mark
    orders = sorted(run.orders, key=lambda order: order.price, reverse=True)
    above = [_level_row(order, mid, now_ms) for order in orders if order.price >= mid]
    below = [_level_row(order, mid, now_ms) for order in orders if order.price < mid]
    shown_above, shown_below = nearest_rows(len(above), len(below), None if room is None else room - LEVELS_BESIDE)
    middle: Row = ("", Text("mid", style="bold"), Text(plain(mid), style="bold"), "", "", "", "")
    drawn = [*above[len(above) - shown_above :], middle, *below[:shown_below]]
    headers = ("level", "side", "price", "size", "USD", "away", "age")
    if not any(row[0] for row in drawn):  # one order a side has no level
        table = columns(headers[1:], [row[1:] for row in drawn], left=(0,), spare=(3,), width=width)
    else:
        table = columns(headers, drawn, left=(1,), spare=(4, 0), width=width)
    return [*table, *not_shown("orders", len(above) - shown_above, len(below) - shown_below)]


def nearest_rows(above: int, below: int, room: int | None) -> tuple[int, int]:
    """Work out how many rows of each side are shown in `room` lines, the last of which counts the others: of 5 and 5 in
    7 lines 3 and 3. What one side does not need the other has. At least one a side."""
    if room is None or above + below <= room:
        return above, below
    room = max(room - 1, 2)
    first = min(above, max(room // 2, room - below))
    return first, min(below, room - first)


def not_shown(what: str, above: int, below: int) -> list[Text]:
    """Count what there is no room for, on a line; no line where there is room for all."""
    return [Text(f"{what} not shown: {above} above, {below} below", style="dim")] if above or below else []


def _level_row(order: OwnOrder, mid: Decimal, now_ms: int) -> Row:
    _, _, number = order.slot.partition(":")
    buys = order.side.sign > 0
    return (
        str(int(number) + 1) if number.isdecimal() else "",
        Text("buy" if buys else "sell", style=GOOD if buys else BAD),
        plain(order.price),
        plain(order.remaining),
        f"{order.remaining * order.price:.2f}",
        distance(order.price, mid),
        age(order, now_ms),
    )


def distance(price: Decimal, mid: Decimal) -> str:
    """Tell how far a price is from the mid, "+7.40 bps": of one unit, so that a column of them can be compared."""
    return f"{(price - mid) / mid * 10_000:+.2f} bps"


def age(order: OwnOrder | None, now_ms: int) -> str:
    """Tell how long an order has been ours; empty without an order."""
    return "" if order is None else in_words(max(now_ms - order.created_ms, 0) // 1000)


def _price_row(mid: Decimal, count: int) -> Row:
    return (Text(">", style="bold"), Text(plain(mid), style="bold"), Text("mid", style="bold"), *[""] * (count - 3))
