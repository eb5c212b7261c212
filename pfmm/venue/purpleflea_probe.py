"""Asks the `purpleflea` dialect for every read that trading needs: some of its paths may not exist on a real host.

Layer: venue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pfmm.errors import CannotDoThis, VenueRefused
from pfmm.model.account import Cursors

if TYPE_CHECKING:
    from pfmm.ports import Venue

# what needs no more than some of the reads
WITHOUT_TRADING = (
    ("funding MARKET", {"/api/ticker"}),
    ("markets", {"/api/markets"}),
    ("book MARKET", {"/api/markets", "/api/orderbook"}),
    ("inventory", {"/api/markets", "/api/state"}),
)


def refuse_missing(venue: Venue, market: str) -> None:
    """Ask each read once. Raises CannotDoThis naming those that the venue lacks."""
    reads: tuple[tuple[str, Callable[[], object]], ...] = (
        ("/api/time", venue.time),
        ("/api/markets", venue.markets),
        ("/api/ticker", lambda: venue.tickers([market])),
        ("/api/orderbook", lambda: venue.book(market, 1)),
        ("/api/state", lambda: venue.snapshot([market], Cursors())),
        ("/api/orders", lambda: venue.open_orders(market)),
        ("/api/orders/by-client-id", lambda: venue.order("pfmm-probe")),
        ("/api/account", venue.account_state),
        ("/api/positions", venue.positions),
        ("/api/fills", lambda: venue.fills(market=market)),
    )
    missing = [path for path, read in reads if not _served(read)]
    if missing:
        works = [command for command, needs in WITHOUT_TRADING if not needs & set(missing)]
        verb = "works" if len(works) == 1 else "work"
        without = f"without them {' and '.join(f'`pfmm {one}`' for one in works)} {verb}; " if works else ""
        raise CannotDoThis(
            f"{venue.name} does not serve {', '.join(missing)}, which trading needs; nothing was sent",
            hint=f"{without}`--profile paper` has all of them",
            status=404,
        )


def _served(read: Callable[[], object]) -> bool:
    try:
        read()
    except VenueRefused as error:
        if absent(error):
            return False
        raise
    return True


def absent(error: VenueRefused) -> bool:
    """Tell whether the venue has no such endpoint, in contrast to no such market."""
    return error.status in (404, 405, 501) and error.venue_code != "unknown_market"
