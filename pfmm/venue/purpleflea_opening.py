"""Opens the `purpleflea` dialect for a session, on the real venue and on the paper exchange. Layer: venue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.venue.purpleflea import PurpleFlea
from pfmm.venue.ratelimit import RateBudget

if TYPE_CHECKING:
    from pfmm.venue.opening import Opening


def open_venue(opening: Opening) -> PurpleFlea:
    """Open the adapter over a client that has the account's key."""
    budget = RateBudget() if opening.limited else None
    return PurpleFlea(opening.client(budget), name=opening.name, account=opening.account)
