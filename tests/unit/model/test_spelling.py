"""Which market a spelling means, and which it may be a slip for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.model.spelling import each, market_name, near, spelled

LISTED = ("BTC-PERP", "ETH-PERP", "SOL-PERP", "BCH-PERP", "kPEPE-PERP", "xyz:TSLA-PERP", "KAVA-PERP")


@pytest.mark.parametrize(
    "spelling",
    ["BTC", "btc", " btc ", "BTC-PERP", "btc-perp", "BTC_PERP", "BTCPERP", "BTCUSDT", "btcusdt", "BTC-USDC", "BTC-USD",
     "BTC/USDC:USDC", "BTC/USDT", "BTC/USDT:USDT", "BTC-PERPETUAL", "BTC_USDT", "BTC-USDT-SWAP", "BTC-USD-PERP",
     "BTCUSD_PERP", "BTCUSDT.P", "BTCUSD"],
)  # fmt: skip
def test_ways_to_write_one_market(spelling: str) -> None:
    assert spelled(spelling, LISTED) == "BTC-PERP"
    assert market_name(spelling) == "BTC-PERP"


@pytest.mark.parametrize(
    ("spelling", "found"),
    [
        ("kpepe", "kPEPE-PERP"),
        ("KPEPEUSDT", "kPEPE-PERP"),
        ("xyz:tsla", "xyz:TSLA-PERP"),
        ("KAVA_USDT", "KAVA-PERP"),
        ("BTC-PREP", None),  # a slip is asked about, never traded on
        ("BTC-31DEC25", None),
        ("XBT", None),
        ("PEPE", None),  # a contract of another size
        ("ETHBTC", None),
        ("BTC,ETH", None),
        ("USDT", None),
        ("-", None),
        ("", None),
    ],
)
def test_what_a_spelling_means(spelling: str, found: str | None) -> None:
    assert spelled(spelling, LISTED) == found


def test_a_spelling_that_could_mean_two_markets_means_none() -> None:
    both = ("BTC-USDT", "BTC-USDC")
    assert spelled("BTC", both) is None
    assert spelled("btc-usdc", both) == "BTC-USDC"
    assert set(near("BTC", both)) <= set(both)


@pytest.mark.parametrize(
    ("slip", "first"),
    [("BTC-PREP", "BTC-PERP"), ("BTC-31DEC25", "BTC-PERP"), ("XBTUSD", "BTC-PERP"), ("bitcoin", "BTC-PERP"),
     ("PEPEUSDT", "kPEPE-PERP"), ("1000PEPE", "kPEPE-PERP"), ("BTX", "BTC-PERP"), ("SOLL", "SOL-PERP"),
     ("SLO", "SOL-PERP"), ("bitcon", "BTC-PERP"), ("TBC", "BTC-PERP"), ("BT", "BTC-PERP"), ("ETHPREP", "ETH-PERP")],
)  # fmt: skip
def test_the_nearest_markets_by_base_first(slip: str, first: str) -> None:
    assert near(slip, LISTED)[0] == first


@pytest.mark.parametrize("word", ["rate", "history", "xy", "all-of-them"])
def test_a_word_that_is_like_no_market_is_like_none(word: str) -> None:
    assert near(word, LISTED) == ()


def test_the_nearest_slip_comes_first() -> None:
    assert near("ETHH", ("ETHFI-PERP", "ETH-PERP", "MET-PERP")) == ("ETH-PERP",)
    assert near("RATE", ("AZTEC-PERP", "ASTER-PERP", "RUT-PERP")) == ()


def test_words_are_taken_apart_at_commas() -> None:
    assert each(["BTC,ETH", "SOL", "BTC"]) == ("BTC", "ETH", "SOL")
    assert each(["BTC, ETH,"]) == ("BTC", "ETH")
    # a script's unset variable is no list without markets: that would flatten the whole account
    assert [each([text]) for text in ("", ",", " , ")] == [("",), (",",), (" , ",)]


@given(st.text(max_size=20))
def test_no_text_breaks_it_and_only_listed_names_come_out(text: str) -> None:
    assert spelled(text, LISTED) in (None, *LISTED)
    assert set(near(text, LISTED)) <= set(LISTED)
