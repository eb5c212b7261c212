"""The depth of a market on a live screen, our own orders marked in it. Rendering only. Layer: cli.

The levels are those that the cycle's own read told of; where it told none, the best prices stand alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from pfmm.cli.live.colours import BAD, GOOD
from pfmm.cli.live.fitting import columns
from pfmm.cli.live.order_tables import Row, age, distance, nearest_rows, not_shown
from pfmm.model.market import Level
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.model.cycle import RunReport
    from pfmm.model.plan import OwnOrder

BESIDE = 3  # lines beside the prices: title, head, mid
FEWEST = 4  # prices, however low the screen
OWN = 3  # the column of what is ours


def depth_table(run: RunReport, now_ms: int, width: int, room: int | None = None) -> list[Text]:
    """Draw the prices around the middle with our orders marked, highest first. On few lines (`room`, None: any number)
    the nearest of both sides are drawn, the nearest of ours among them, and the others counted."""
    ticker = run.ticker
    if ticker is None:
        return []
    mid = ticker.mid or ticker.mark
    bids, asks = _sides(run)
    above = _rows("ask", asks, [one for one in run.orders if one.side.sign < 0], mid, now_ms)
    below = _rows("bid", bids, [one for one in run.orders if one.side.sign > 0], mid, now_ms)
    room = None if room is None else max(room - BESIDE, FEWEST)
    shown_above, shown_below = nearest_rows(len(above), len(below), room)
    middle: Row = (Text("mid", style="bold"), Text(plain(mid), style="bold"), "", "", "", "")
    drawn = [*reversed(_kept(above, shown_above)), middle, *_kept(below, shown_below)]
    what = "depth, your orders marked" if run.book is not None else "best prices and your orders"
    table = columns(("", "price", "size", "yours", "away", "age"), drawn, left=(0,), spare=(5, 4), width=width)
    title = Text(f"{run.market}: {what}", style="bold")
    return [title, *table, *not_shown("prices", len(above) - shown_above, len(below) - shown_below)]


def _kept(rows: Sequence[Row], shown: int) -> list[Row]:
    """Choose the nearest rows; where ours is none of them, the nearest of ours has the place of the last one.
    The best price always stays."""
    near = list(rows[:shown])
    if shown > 1 and not any(_is_ours(row) for row in near):
        near[-1:] = [next((row for row in rows[shown:] if _is_ours(row)), near[-1])]
    return near


def _is_ours(row: Row) -> bool:
    cell = row[OWN]
    return isinstance(cell, Text) and bool(cell.plain)


def _sides(run: RunReport) -> tuple[Sequence[Level], Sequence[Level]]:
    """Return bids and asks, best first: of the book, else the best prices alone."""
    if run.book is not None:
        return run.book.bids, run.book.asks
    ticker = run.ticker
    assert ticker is not None
    bid = [] if ticker.bid is None else [Level(ticker.bid, ticker.bid_size or Decimal(0))]
    ask = [] if ticker.ask is None else [Level(ticker.ask, ticker.ask_size or Decimal(0))]
    return bid, ask


def _rows(side: str, levels: Sequence[Level], orders: Sequence[OwnOrder], mid: Decimal, now_ms: int) -> list[Row]:
    """Build the rows of a side, nearest first: its levels, ours marked at them, and ours that lie between or beyond."""
    sizes = {level.price: level.size for level in levels}
    ours: dict[Decimal, list[OwnOrder]] = {}
    for order in orders:
        ours.setdefault(order.price, []).append(order)
    prices = sorted(sizes.keys() | ours.keys(), reverse=side == "bid")
    return [_row(side, price, sizes.get(price), ours.get(price, []), mid, now_ms) for price in prices]


def _row(side: str, price: Decimal, size: Decimal | None, ours: Sequence[OwnOrder], mid: Decimal, now_ms: int) -> Row:
    style = (GOOD if side == "bid" else BAD) if ours else ""
    own = plain(sum((order.remaining for order in ours), start=Decimal(0))) if ours else ""
    oldest = min(ours, key=lambda order: order.created_ms, default=None)
    shown = "" if size is None or not size else plain(size)
    return (
        Text(side, style=style),
        Text(plain(price), style=style),
        shown,
        Text(f"< {own}" if own else "", style=style),
        distance(price, mid),
        age(oldest, now_ms),
    )
