"""What the batches of every venue share: the lane of a request, and what its failure means for each item. Pure.

Layer: venue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pfmm.errors import PfmmError, StateUnknown, VenueRefused
from pfmm.model.order import AmendOrder, CancelOrder, NewOrder, Refusal
from pfmm.model.refusal import RefusalReason
from pfmm.venue.ratelimit import Lane

OUTCOME_UNKNOWN: Final = RefusalReason.OUTCOME_UNKNOWN.value
NOT_SENT: Final = RefusalReason.NOT_SENT.value


def lane_of(items: Sequence[CancelOrder | AmendOrder | NewOrder]) -> Lane:
    """Choose the lane of a request by the most it adds: only cancels, else beside them only reducing orders, or any."""
    if all(isinstance(item, CancelOrder) for item in items):
        return Lane.CANCEL
    if all(isinstance(item, CancelOrder) or (isinstance(item, NewOrder) and item.reduce_only) for item in items):
        return Lane.FLATTEN
    return Lane.PLACE


def failed_item(error: PfmmError) -> Refusal:
    """Tell what a failed request means for each of its items: unknown, refused, or certainly not sent."""
    if isinstance(error, StateUnknown):
        return Refusal(OUTCOME_UNKNOWN, error.message, 0)
    if isinstance(error, VenueRefused) and error.status:
        return Refusal(error.venue_code, error.message, error.status)
    return Refusal(NOT_SENT, error.message, 0)
