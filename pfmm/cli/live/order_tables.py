"""The tables of own orders on a live screen: a grid's lines, a ladder's levels, orders in the book.

Rendering only. Colour repeats what words and signs already say. Layer: cli.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from pfmm.cli.live.fitting import columns
from pfmm.cli.render.spans import in_words
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.strategies import GridExplained, GridLine
    from pfmm.model.cycle import RunReport
    from pfmm.model.plan import OwnOrder

Row = tuple[Text | str, ...]
LINES_FEWEST = 3


def grid_table(explain: GridExplained, run: RunReport, now_ms: int, width: int, shown: int) -> list[Text]:
    """The `shown` lines nearest the price, highest first, with the price itself between them; the others counted."""
    assert run.ticker is not None
    mid = run.ticker.mid or run.ticker.mark
    lines = sorted(explain.lines, key=lambda line: line.price, reverse=True)
    if len(lines) == shown + 1:
        shown += 1  # a line that counts one line saves none
    near = sorted(lines, key=lambda line: abs(line.price - mid))[: max(shown, LINES_FEWEST)]
    resting = {order.slot: order for order in run.orders}
    above = [
        row for line in lines if line in near and line.price >= mid for row in _grid_rows(line, resting, mid, now_ms)
    ]
    below = [
        row for line in lines if line in near and line.price < mid for row in _grid_rows(line, resting, mid, now_ms)
    ]
    headers = ("line", "price", "side", "size", "USD", "away", "age")
    table = columns(headers, [*above, _price_row(mid, 7), *below], left=(2,), spare=(4, 3), width=width)
    return [*table, *_further(lines, near, mid)]


def _further(lines: Sequence[GridLine], near: Sequence[GridLine], mid: Decimal) -> list[Text]:
    """How many lines are not shown."""
    rest = [line for line in lines if line not in near]
    if not rest:
        return []
    higher = sum(line.price >= mid for line in rest)
    return [Text(f"lines not shown: {higher} above, {len(rest) - higher} below", style="dim")]


def _grid_rows(line: GridLine, resting: dict[str, OwnOrder], mid: Decimal, now_ms: int) -> list[Row]:
    rows: list[Row] = []
    index, price, away = str(line.line), plain(line.price), distance(line.price, mid)
    for side, size, slot, style in (
        ("sell", line.sell, line.sell_slot, "red"),
        ("buy", line.buy, line.buy_slot, "green"),
    ):
        if size is None:
            continue
        order = resting.get(slot)
        state = Text(side if order else f"{side} (not resting)", style=style)
        rows.append((index, price, state, plain(size), f"{size * line.price:.2f}", away, age(order, now_ms)))
    return rows or [(index, price, Text("empty", style="dim"), "", "", away, "")]


def levels_table(run: RunReport, now_ms: int, width: int) -> list[Text]:
    """The orders of a ladder, sells above the price and buys below it, each with distance and age."""
    if run.ticker is None:
        return []
    mid = run.ticker.mid or run.ticker.mark
    orders = sorted(run.orders, key=lambda order: order.price, reverse=True)
    rows = [(order.price, _level_row(order, mid, now_ms)) for order in orders]
    middle: Row = ("", Text("mid", style="bold"), Text(plain(mid), style="bold"), "", "", "", "")
    drawn = [row for price, row in rows if price >= mid] + [middle] + [row for price, row in rows if price < mid]
    headers = ("level", "side", "price", "size", "USD", "away", "age")
    return columns(headers, drawn, left=(1,), spare=(4, 0), width=width)


def _level_row(order: OwnOrder, mid: Decimal, now_ms: int) -> Row:
    _, _, number = order.slot.partition(":")
    buys = order.side.sign > 0
    return (
        str(int(number) + 1) if number.isdecimal() else "",
        Text("buy" if buys else "sell", style="green" if buys else "red"),
        plain(order.price),
        plain(order.remaining),
        f"{order.remaining * order.price:.2f}",
        distance(order.price, mid),
        age(order, now_ms),
    )


def distance(price: Decimal, mid: Decimal) -> str:
    """How far a price is from the mid: "+0.16 %", and where that is little "+7.40 bps"."""
    bps = (price - mid) / mid * 10_000
    return f"{bps:+.2f} bps" if abs(bps) < 10 else f"{bps / 100:+.2f} %"


def age(order: OwnOrder | None, now_ms: int) -> str:
    """How long an order has been ours."""
    return "" if order is None else in_words(max(now_ms - order.created_ms, 0) // 1000)


def _price_row(mid: Decimal, count: int) -> Row:
    return (Text(">", style="bold"), Text(plain(mid), style="bold"), Text("mid", style="bold"), *[""] * (count - 3))


def book_table(run: RunReport, now_ms: int, width: int) -> list[Text]:
    """The market's best prices with our orders around them, highest first."""
    ticker = run.ticker
    if ticker is None:
        return []
    mid = ticker.mid or ticker.mark
    rows = [(order.price, _book_row(order, mid, now_ms)) for order in run.orders]
    for name, price, size in (("ask", ticker.ask, ticker.ask_size), ("bid", ticker.bid, ticker.bid_size)):
        if price is not None:
            best: Row = (f"best {name}", plain(price), "" if size is None else plain(size), distance(price, mid), "")
            rows.append((price, best))
    rows.sort(key=lambda row: row[0], reverse=True)
    head = Text(f"{run.market}: best prices and own orders", style="bold")
    return [
        head,
        *columns(("", "price", "size", "away", "age"), [row for _, row in rows], left=(0,), spare=(4, 3), width=width),
    ]


def _book_row(order: OwnOrder, mid: Decimal, now_ms: int) -> Row:
    buys = order.side.sign > 0
    side = Text("your buy" if buys else "your sell", style="green" if buys else "red")
    return (side, plain(order.price), plain(order.remaining), distance(order.price, mid), age(order, now_ms))
