"""Fees: presets with their date, a choice of options, and what a feed's configuration keeps."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.errors import ConfigError, UsageError
from pfmm.model.encoding import jsonable
from pfmm.model.fees import ARTICLE, PRESETS, FeeChoice, Fees, entry_tier, stored
from pfmm.paper import feed_config
from pfmm.paper.feeds.feed import charged
from pfmm.paper.instruments import Listing
from pfmm.paper.ledger import fee_of

BINANCE = PRESETS["binance"]


@pytest.mark.parametrize(
    ("name", "maker", "taker"),
    [("article", "-2", "5"), ("hyperliquid", "1.5", "4.5"), ("binance", "2", "5"), ("bybit", "2", "5.5"),
     ("okx", "2", "5")],
)  # fmt: skip
def test_the_presets_are_the_published_entry_tiers(name: str, maker: str, taker: str) -> None:
    assert PRESETS[name] == Fees(Decimal(maker), Decimal(taker), name)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (FeeChoice(), BINANCE),
        (FeeChoice("hyperliquid"), PRESETS["hyperliquid"]),
        (FeeChoice(None, Decimal("0.1")), Fees(Decimal("0.1"), Decimal(5), "custom")),
        (FeeChoice("bybit", None, Decimal(3)), Fees(Decimal(2), Decimal(3), "custom")),
    ],
)
def test_a_given_rate_wins_over_the_preset_and_that_over_the_default(choice: FeeChoice, expected: Fees) -> None:
    assert choice.among(BINANCE) == expected


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (FeeChoice("nobody"), "--fees must be one of article"),
        (FeeChoice(None, Decimal("NaN")), "--maker-bps must lie between"),
        (FeeChoice(None, None, Decimal("100.1")), "--taker-bps must lie between"),
        (FeeChoice(None, Decimal("0.00005")), "--maker-bps must be whole in 0.0001"),
    ],
)
def test_fees_that_are_none_are_refused_by_the_option_s_name(choice: FeeChoice, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choice.among(BINANCE)


def test_only_a_known_venue_has_an_entry_tier() -> None:
    assert entry_tier("okx") == PRESETS["okx"]
    assert entry_tier("elsewhere") is None
    assert entry_tier(None) is None


def test_what_is_stored_comes_back() -> None:
    custom = Fees(Decimal("-0.25"), Decimal("1.5"), "custom")
    assert stored(custom.kept()) == custom
    whole = Fees(Decimal(-2), Decimal(5), "article")  # its numbers in JSON are -2.0 and 5.0
    answered = stored(jsonable(whole.data()))
    assert answered == whole
    assert answered.text == whole.text
    assert stored(None) is None


@pytest.mark.parametrize("raw", [{}, {"maker_bps": "x", "taker_bps": "5"}, {"maker_bps": "NaN", "taker_bps": "5"}, []])
def test_a_configuration_with_broken_fees_names_them(raw: object) -> None:
    with pytest.raises(ConfigError, match="fees"):
        feed_config.fees_of({"kind": "synthetic", "fees": raw})


def test_a_configuration_of_before_has_generator_1_and_the_article_s_fees() -> None:
    old = {"kind": "synthetic", "seed": 3}
    assert (feed_config.generator_of(old), feed_config.fees_of(old)) == (1, PRESETS[ARTICLE])
    assert feed_config.renewed(old) == {"kind": "synthetic", "seed": 3, "generator": 2}
    assert feed_config.renewed({"kind": "replay"}) == {"kind": "replay"}


def test_a_charged_market_takes_that_fee_to_the_last_digit() -> None:
    spec = charged(Listing().spec("BTC-PERP"), Fees(Decimal("1.25"), Decimal("5.5"), "custom"))
    # 100 USD at 1.25 bps is 0.0125, at 5.5 bps 0.055
    assert fee_of(100 * 10**8, spec.maker_rate) == 1_250_000
    assert fee_of(100 * 10**8, spec.taker_rate) == 5_500_000
