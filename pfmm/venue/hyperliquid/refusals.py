"""What Hyperliquid's words of refusal mean in pfmm's codes and errors. Layer: venue. Pure.

A refusal of a whole request (`status: err`) did not act, unless it says that the nonce was used before: then our own
request may have arrived twice. Texts may begin with `L1 error: ` and end in ` asset=N`, so they are searched.
"""

from __future__ import annotations

from pfmm.errors import AuthenticationError, CannotDoThis, OutcomeUnknown, PfmmError, RateLimited, VenueRefused
from pfmm.model.order import Refusal

BAD_REQUEST = 400
ACTIONS_SPENT_S = 10.0

# in order: the first text that is found decides
_ITEM_CODES = (
    ("during modify", "replacement_refused"),
    ("would have immediately matched", "post_only_would_cross"),
    ("minimum value", "below_minimum"),
    ("divisible by tick size", "price_off_tick"),
    ("invalid price", "price_off_tick"),
    ("invalid size", "size_off_step"),
    ("zero size", "size_off_step"),
    ("insufficient margin", "insufficient_balance"),
    ("reduce only order would increase", "reduce_only_would_increase"),
    ("could not immediately match", "no_liquidity"),
    ("no liquidity available", "no_liquidity"),
    ("never placed, already canceled, or filled", "order_not_found"),
    ("cannot modify canceled or filled order", "order_not_open"),
    ("% away", "price_too_far"),
    ("open interest", "open_interest_cap"),
    ("only post-only orders allowed", "post_only_period"),
    ("action already expired", "expired"),
)
_NO_SUCH_SIGNER = ("user or api wallet", "must deposit before performing actions", "vault not registered")


def item_refusal(words: str) -> Refusal:
    """Translate the refusal of one item of a batch; words that are not known keep the code `venue_refused`.

    "Order must have minimum value of $10. asset=173" is `below_minimum`.
    """
    return Refusal(_code(words) or VenueRefused.code, words, BAD_REQUEST)


def request_error(words: str, what: str) -> PfmmError:
    """Build the error of a request that was refused whole; `what` names it in the message."""
    low = words.lower()
    if any(text in low for text in _NO_SUCH_SIGNER):
        return AuthenticationError(
            f"{what}: {words}",
            hint="the key is another one, was removed or ran out, or belongs to the other network; "
            "`pfmm doctor` shows which",
        )
    if "duplicate nonce" in low:
        return OutcomeUnknown(f"{what}: {words}: an earlier copy of this request may have acted")
    if "nonce" in low:
        return VenueRefused(f"{what}: {words}", venue_code="nonce", status=BAD_REQUEST)
    if "too many cumulative requests" in low:
        return RateLimited(
            f"{what}: {words}",
            retry_after_s=ACTIONS_SPENT_S,
            hint="trading volume earns new actions; cancels still work",
        )
    if "cannot set scheduled cancel" in low:
        return CannotDoThis(f"{what}: {words}", venue_code="dead_man_not_granted", status=BAD_REQUEST)
    return VenueRefused(f"{what}: {words}", venue_code=_code(words) or VenueRefused.code, status=BAD_REQUEST)


def _code(words: str) -> str | None:
    low = words.lower()
    return next((code for text, code in _ITEM_CODES if text in low), None)
