"""Which orders are sure to stay as they are, and every doubt that leaves that to the whole decision."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pfmm.model.market import Instrument, PriceRule
from pfmm.strategy.inventory import OK, PAUSED, REDUCING, SKEWED
from pfmm.strategy.quiet import Look, Rests, Standing
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.quoting import Aim
from pfmm.strategy.quote.standing import quotes_stay
from pfmm.strategy.quote.strategy import QuoteState, QuoteStrategy

D = Decimal
MARKET = Instrument("X-PERP", "crypto", PriceRule(D("0.001")), D("0.001"), D(10), 50, D(-2), D(5), 8)
WHOLE = replace(MARKET, size_step=D(1), min_notional=D(5))  # a lot is worth 100, more than a smallest order
AIM = Aim(100.0, 0.0, 0.0, OK, 100.0, 0.08, (8.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0))  # 99.92 and 100.08
LOOK = Look(3_000, 99.99, 100.01, 100.0, 100.0, 0.0, D("0.0001"), 8)
BID, ASK = Rests("bid", 1, 99.92, 0.5, False), Rests("ask", -1, 100.08, 0.499, False)  # 50 USD each
STANDING = Standing(MARKET, 0.0, 500.0, 2.0, 0.2, (BID, ASK))


def orders(bid: Rests, ask: Rests) -> dict[str, Any]:
    return {"orders": (bid, ask)}


def sized(bid: float, ask: float) -> dict[str, Any]:
    return orders(BID._replace(remaining=bid), ASK._replace(remaining=ask))


@pytest.mark.parametrize(
    ("aim", "usd", "look", "standing", "stay"),
    [
        ({}, 50, {}, {}, True),
        ({"state": SKEWED}, 50, {}, {}, True),
        ({"state": REDUCING}, 50, {}, {}, False),
        ({"state": PAUSED}, 50, {}, {}, False),
        ({}, 50, {}, {"orders": (BID,)}, False),
        ({}, 50, {}, orders(ASK, BID), True),  # in whatever order they come
        ({}, 50, {}, orders(BID, ASK._replace(slot="stop")), False),
        ({}, 50, {}, orders(BID, BID), False),
        ({}, 50, {}, orders(BID._replace(slot="ask"), ASK._replace(slot="bid")), False),
        ({}, 50, {}, orders(BID._replace(reduce_only=True), ASK), False),
        # 2 bps of a low of 99.919 are 0.01998: a price of 99.901 is 0.02 from the high of 99.921, 99.903 less
        ({}, 50, {}, orders(BID._replace(price=99.901), ASK), False),
        ({}, 50, {}, orders(BID._replace(price=99.903), ASK), True),
        ({"half": 99.9995}, 50, {}, {"price_bps": 1e9}, False),  # a bid of half a tick, or none
        ({}, 50, {"bid": 100.08}, {}, False),  # the ask would meet the market
        ({}, 50, {"ask": 99.92}, {}, False),
        ({}, 50, {}, {"limit_usd": 51.0}, True),
        ({}, 50, {}, {"limit_usd": 49.0}, False),
        ({}, 50, {"position": 4.6}, {}, False),  # the limit leaves 40 USD to the bid
        ({}, 50, {}, sized(0.42, 0.499), True),  # at most 0.5004 x 0.8 = 0.4003
        ({}, 50, {}, sized(0.4, 0.499), False),
        ({}, 50, {}, sized(0.598, 0.499), True),  # at least 0.4994 x 1.2 = 0.5993
        ({}, 50, {}, sized(0.6, 0.499), False),
        # 8 USD are raised to the smallest order of 10, 0.101 lots of it; 10 USD may be raised or not
        ({}, 8, {}, sized(0.101, 0.1), True),
        ({}, 10, {}, sized(0.1, 0.1), False),
        # 50 USD are raised to a whole lot; 100 USD may be one lot or none
        ({}, 50, {}, {"instrument": WHOLE, **sized(1, 1)}, True),
        ({}, 100, {}, {"instrument": WHOLE, **sized(1, 1)}, False),
    ],
)
def test_what_rests_is_sure_to_stay(
    aim: dict[str, Any], usd: int, look: dict[str, Any], standing: dict[str, Any], stay: bool
) -> None:
    assert quotes_stay(AIM._replace(**aim), D(usd), LOOK._replace(**look), STANDING._replace(**standing)) is stay


STATE = QuoteState(quoted_mid=100.0, quoted_fair=100.0)
FIXED = QuoteConfig(model="fixed", sigma_annual=0.3)


@pytest.mark.parametrize(
    ("config", "state", "stay"),
    [
        (FIXED, STATE, True),
        (FIXED, QuoteState(), False),  # nothing is quoted around
        (FIXED, replace(STATE, quoted_mid=99.9), False),  # 10 bps of drift, 5 are left alone
        (replace(FIXED, sigma_annual=0.0), STATE, False),  # no volatility, no quote
        (QuoteConfig(model="as", kappa_per_bp=0.00015, sigma_annual=0.5), STATE, False),  # absurd units
    ],
)
def test_a_state_that_cannot_be_quoted_from_leaves_it_to_the_whole_decision(
    config: QuoteConfig, state: QuoteState, stay: bool
) -> None:
    after = QuoteStrategy("X-PERP", config).stays(state, LOOK, STANDING)
    assert (after is not None) is stay
    if after is not None:
        assert (after.quoted_mid, after.volatility.samples) == (100.0, ((3_000, 100.0),))
