"""Why a venue refuses an order action, in words that are the same on every venue. Layer: model."""

from __future__ import annotations

from enum import StrEnum


class RefusalReason(StrEnum):
    """The reasons that pfmm tells apart; what a venue says beside them is OTHER, with the venue's own words."""

    POST_ONLY_WOULD_CROSS = "post_only_would_cross"
    BELOW_MINIMUM = "below_minimum"
    PRICE_OFF_TICK = "price_off_tick"
    PRICE_TOO_FAR = "price_too_far"
    SIZE_OFF_STEP = "size_off_step"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    OPEN_INTEREST_CAP = "open_interest_cap"
    REDUCE_ONLY_WOULD_INCREASE = "reduce_only_would_increase"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_NOT_OPEN = "order_not_open"
    REPLACEMENT_REFUSED = "replacement_refused"  # of a replaced order: the old one is gone, and no new one stands
    NO_LIQUIDITY = "no_liquidity"
    POST_ONLY_PERIOD = "post_only_period"  # after an upgrade a venue takes post-only orders alone for a while
    EXPIRED = "expired"
    NOT_SENT = "not_sent"
    OUTCOME_UNKNOWN = "outcome_unknown"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    INTERNAL = "internal"
    OTHER = "venue_refused"

    @classmethod
    def of(cls, code: str) -> RefusalReason:
        """Return the reason behind an adapter's word; OTHER for a word that is none of these."""
        try:
            return cls(code)
        except ValueError:
            return cls.OTHER

    @property
    def passing(self) -> bool:
        """True where the refusal says nothing about the order: the same one may well be taken a moment later."""
        return self in _PASSING

    @property
    def gone(self) -> bool:
        """True where the venue no longer has the order that was to be changed open."""
        return self in (
            RefusalReason.ORDER_NOT_FOUND, RefusalReason.ORDER_NOT_OPEN, RefusalReason.REPLACEMENT_REFUSED
        )  # fmt: skip


_PASSING = frozenset(
    {
        RefusalReason.NO_LIQUIDITY,
        RefusalReason.POST_ONLY_PERIOD,
        RefusalReason.EXPIRED,
        RefusalReason.NOT_SENT,
        RefusalReason.OUTCOME_UNKNOWN,
        RefusalReason.RATE_LIMITED,
        RefusalReason.BUSY,
        RefusalReason.INTERNAL,
    }
)
