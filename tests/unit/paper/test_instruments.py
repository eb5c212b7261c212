"""The listed markets and the price rule on integers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.errors import UnknownMarket
from pfmm.model.market import PriceRule
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.instruments import Listing, price_step

LISTING = Listing()
BTC = LISTING.spec("BTC-PERP")  # 5 size decimals, hence 1 price decimal; 5 significant figures


def test_at_least_275_markets_of_every_category() -> None:
    specs = [LISTING.spec(name) for name in LISTING.names]
    assert len(specs) >= 275
    assert len({spec.market for spec in specs}) == len(specs)
    assert {spec.category for spec in specs} == {"crypto", "stock", "commodity", "index", "forex"}


@pytest.mark.parametrize("name", LISTING.names)
def test_every_market_is_well_formed(name: str) -> None:
    spec, character = LISTING.spec(name), LISTING.character(name)
    assert spec.price_decimals + spec.size_decimals == 6  # as the rule says; the seam allows 8
    assert (spec.maker_rate, spec.taker_rate, spec.funding_interval_hours) == (-20_000, 50_000, 8)
    assert spec.min_notional == 1_000_000_000  # 10 USD in 1e-8
    assert 1 <= spec.max_leverage <= 100
    assert 0 < character.annual_volatility < 2
    assert character.anchor_usd * 10**spec.price_decimals >= 100  # enough price units to move in
    # one size step is worth a small part of an order of 10 USD (PAXG, as listed elsewhere: 5.19)
    assert character.anchor_usd / 10**spec.size_decimals < (5.5 if name == "PAXG-PERP" else 2.5)


@pytest.mark.parametrize(
    ("price", "step"),
    [
        (707_700, 10),  # 70,770.0: six digits, one too many for 5 figures
        (65_432, 1),  # 6,543.2
        (99_999, 1),
        (100_000, 10),
        (1_234_567, 10),  # 123,456.7 would have a step of 100 = 10 USD, but whole USD are always valid
        (1, 1),
    ],
)
def test_price_step_of_btc(price: int, step: int) -> None:
    assert price_step(BTC, price) == step
    rule = PriceRule(unit=Decimal("0.1"), significant_figures=5)
    assert rule.tick_at(Decimal(price) / 10) == Decimal(step) / 10


def test_a_market_without_significant_figures_has_one_tick() -> None:
    spec = MarketSpec("X-PERP", "crypto", 1, 3, 5, None, 0, 10, 0, 0, 8)
    assert price_step(spec, 10_000_000) == 5


def test_an_unknown_market_names_its_neighbours() -> None:
    with pytest.raises(UnknownMarket) as caught:
        LISTING.spec("DOGGE-PERP")
    assert "DOGGE-PERP" in caught.value.message
    assert caught.value.hint is not None
    assert "DOGE-PERP" in caught.value.hint


def test_the_spx_index_and_the_token_of_that_name_are_two_markets() -> None:
    assert LISTING.spec("SPX-PERP").category == "index"
    assert LISTING.spec("SPX6900-PERP").category == "crypto"
