"""The venue's words of refusal, as recorded and documented, become codes that the engine and flatten act on."""

from __future__ import annotations

import pytest

from pfmm.errors import AuthenticationError, CannotDoThis, OutcomeUnknown, RateLimited, VenueRefused
from pfmm.venue.hyperliquid.refusals import item_refusal, request_error


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Order must have minimum value of $10. asset=173", "below_minimum"),
        ("Order was never placed, already canceled, or filled. asset=173", "order_not_found"),
        ("Post only order would have immediately matched, bbo was 1@2. asset=0", "post_only_would_cross"),
        ("L1 error: Price must be divisible by tick size. asset=1", "price_off_tick"),
        ("Order has zero size.", "size_off_step"),
        ("Insufficient margin to place order. asset=5", "insufficient_balance"),
        ("Reduce only order would increase position. asset=5", "reduce_only_would_increase"),
        ("Order could not immediately match against any resting orders. asset=5", "no_liquidity"),
        ("Cannot modify canceled or filled order", "order_not_open"),
        ("Order price cannot be more than 80% away from the reference price", "price_too_far"),
        ("Order would push open interest over its cap", "open_interest_cap"),
        ("Only post-only orders allowed immediately after a network upgrade", "post_only_period"),
        ("the moon is full", "venue_refused"),
    ],
)
def test_the_words_of_one_item(words: str, code: str) -> None:
    found = item_refusal(words)
    assert (found.code, found.message) == (code, words)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("User or API Wallet 0x281abb829ea0b0291ceaa3b14b5b5d893070e8d5 does not exist.", AuthenticationError),
        ("Must deposit before performing actions. User: 0x", AuthenticationError),
        ("Vault not registered: 0x", AuthenticationError),
        ("Invalid nonce: duplicate nonce 1735689600123", OutcomeUnknown),
        ("Invalid nonce: too low", VenueRefused),
        ("Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $0.", RateLimited),
        ("Cannot set scheduled cancel time until enough volume traded", CannotDoThis),
        ("Action already expired", VenueRefused),
    ],
)
def test_the_words_of_a_whole_request(words: str, kind: type[Exception]) -> None:
    found = request_error(words, "POST /exchange")
    assert type(found) is kind
    assert words in found.message
