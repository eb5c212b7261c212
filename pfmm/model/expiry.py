"""How long a request may act: the one life of every order action, and how far two clocks may differ. Layer: model.

Life and skew are those of the engine and of flatten alike. A shorter life lets orders expire before they leave where
a venue is read in several requests; a longer one holds a slot, or a half that must not be closed twice, for as long
as an answer is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfmm.model.account import VenueTime

REQUEST_LIFE_MS = 5_000  # of venue time at speed 1; a faster market gets as much wall time
CLOCK_SKEW_MS = 2_000


def valid_until_ms(time: VenueTime) -> int:
    """Give the venue time at which a request decided at `time` expires: 1,000 at speed 1 gives 6,000, at 10 51,000."""
    return time.time_ms + round(REQUEST_LIFE_MS * max(time.speed, 1.0))


def acts_until_ms(expiry_ms: int) -> int:
    """Give the last venue time at which a request with that expiry may act, by our clock: 6,000 gives 8,000."""
    return expiry_ms + CLOCK_SKEW_MS
