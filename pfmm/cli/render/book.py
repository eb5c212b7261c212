"""A book as a ladder of prices: asks above, bids below, our own orders marked. Layer: cli."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.cli.render.tables import table
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.book import BookLevel, BookResult, OwnOrderRow

MARK = "<"
BESIDE = 12  # lines of a screen beside the prices
FEWEST = 3  # prices a side
_WORDS = {"long": "buy", "short": "sell"}
Cells = tuple[str, ...]


def render(result: BookResult, width: int | None, height: int | None = None) -> str:
    """Draw the book with the best prices in the middle. Narrow terminals lose the sums and the distance first, and
    those of few lines (`height`, None: any number) the prices that are furthest from the middle on both sides, which
    are counted."""
    headers = ("", "price", "bps", "size", "USD", "sum USD", "yours" if result.own_orders is not None else "")
    bids, more_bids = _side("bid", result.bids, _own(result, "long"))
    asks, more_asks = _side("ask", result.asks, _own(result, "short"))
    most = len(asks) + len(bids) if height is None else max((height - BESIDE) // 2, FEWEST)
    further = (len(asks[most:]), len(bids[most:]))
    rows = [*reversed(asks[:most]), _middle(result), *bids[:most]]
    drawn = table(headers, rows, right=range(1, 7), spare=(5, 2, 4), width=width)
    lines = [f"{result.market}  {result.venue}  {result.time}", "", drawn, "", _pressure(result)]
    if any(further):
        lines.insert(3, f"further prices not shown: {further[0]} of asks, {further[1]} of bids")
    return "\n".join([*lines, *_count(result), *_deeper([*reversed(more_asks), *more_bids])])


def _own(result: BookResult, side: str) -> list[OwnOrderRow]:
    return [one for one in result.own_orders or () if one.side == side]


def _side(name: str, levels: Sequence[BookLevel], own: Sequence[OwnOrderRow]) -> tuple[list[Cells], list[OwnOrderRow]]:
    """Build the rows of a side, best first, with our orders that lie between its levels; also return those that lie
    beyond."""
    at_level = {level.price for level in levels}
    apart = [one for one in own if one.price not in at_level]
    last = max((_far(level) for level in levels), default=Decimal(0))
    between = [one for one in apart if _far(one) <= last]
    rows = [(_far(level), _cells(name, level)) for level in levels]
    rows += [
        (_far(one), (name, plain(one.price), _bps(one), "", "", "", f"{MARK} {plain(one.remaining)}"))
        for one in between
    ]
    beyond = sorted((one for one in apart if _far(one) > last), key=_far)
    return [cells for _, cells in sorted(rows, key=lambda row: row[0])], beyond


def _far(one: BookLevel | OwnOrderRow) -> Decimal:
    """Tell how far from the mid a price is, to sort by."""
    return abs(Decimal(str(one.distance_bps or 0)))


def _cells(side: str, level: BookLevel) -> Cells:
    mine = f"{MARK} {plain(level.own_size)}" if level.own_size else ""
    usd, total = f"{level.notional:,}", f"{level.total_notional:,}"
    return (side, plain(level.price), _bps(level), plain(level.size), usd, total, mine)


def _bps(one: BookLevel | OwnOrderRow) -> str:
    return "" if one.distance_bps is None else f"{one.distance_bps:+.2f}"


def _middle(result: BookResult) -> Cells:
    if result.mid is None:
        return ("", "no bid" if not result.bids else "no ask", "", "", "", "", "")
    return ("mid", plain(result.mid), "", "", "", "", "")


def _pressure(result: BookResult) -> str:
    """Say spread and imbalance in a sentence."""
    if result.imbalance is None or result.spread is None:
        return "one side is empty: no spread, no imbalance"
    shown = round(result.imbalance, 2)
    heavier = "bids heavier" if shown > 0 else "asks heavier" if shown < 0 else "even"
    levels = max(len(result.bids), len(result.asks))
    return (
        f"spread {plain(result.spread)} USD ({result.spread_bps:.2f} bps)\n"
        f"imbalance {shown:+z.2f} over {levels} levels ({heavier}), {result.imbalance_top or 0:+z.2f} at best"
    )


def _count(result: BookResult) -> list[str]:
    if result.own_orders is None:
        return []
    count = len(result.own_orders)
    return [f"{count} orders of this account" if count else "no order of this account rests"]


def _deeper(orders: Sequence[OwnOrderRow]) -> list[str]:
    if not orders:
        return []
    rows = [
        (_WORDS[one.side], plain(one.price), plain(one.remaining), _bps(one), one.strategy or "not of pfmm")
        for one in orders
    ]
    return ["deeper than shown:", table(("", "price", "size", "bps", "of"), rows, right=(1, 2, 3))]
