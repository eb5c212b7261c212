"""Levels, sizes and totals of a ladder, and the same machinery as the quote."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.errors import UsageError
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.plan import Decision, MarketView
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy, ladder_levels
from pfmm.strategy.quote.config import QuoteConfig

D = Decimal
INSTRUMENT = Instrument("X-PERP", "crypto", PriceRule(D("0.001")), D("0.0001"), D(10), 50, D(-2), D(5), 8)
FIXED = QuoteConfig(model="fixed", sigma_annual=0.3)


def view(position: str = "0", *, limit: int = 5000, tick: str = "0.001") -> MarketView:
    ticker = Ticker("X-PERP", 0, D("99.99"), D(1), D("100.01"), D(1), D(100))
    instrument = replace(INSTRUMENT, price_rule=PriceRule(D(tick)))
    return MarketView(0, instrument, ticker, D(position), D(position), D(limit))


def decide(strategy: LadderStrategy, at: MarketView) -> Decision:
    return strategy.decide(strategy.initial(at), at)[1]


def test_levels() -> None:
    config = LadderConfig(levels=3)
    assert ladder_levels(config) == ((0.0, D(1)), (10.0, D("1.5")), (20.0, D("2.0")))


def test_prices_and_sizes() -> None:
    orders = decide(LadderStrategy("X-PERP", FIXED, LadderConfig(levels=3)), view()).orders
    # 8, 18 and 28 bps from 100; 50, 75 and 100 USD at their own prices
    assert [(o.slot, o.price, o.size) for o in orders] == [
        ("bid:0", D("99.920"), D("0.5004")),
        ("bid:1", D("99.820"), D("0.7513")),
        ("bid:2", D("99.720"), D("1.0028")),
        ("ask:0", D("100.080"), D("0.4996")),
        ("ask:1", D("100.180"), D("0.7486")),
        ("ask:2", D("100.280"), D("0.9972")),
    ]


def test_levels_share_one_limit() -> None:
    decision = decide(LadderStrategy("X-PERP", FIXED, LadderConfig()), view(limit=300))
    for side in ("bid", "ask"):
        worth = sum(max(o.price, D(100)) * o.size for o in decision.orders if o.slot.startswith(side))
        assert 299 < worth <= 300
        assert decision.absent[f"{side}:4"].startswith("the limit leaves ")
    assert "bid" not in decision.absent


def test_a_side_without_any_level_is_absent_for_the_reason_of_its_first() -> None:
    decision = decide(LadderStrategy("X-PERP", FIXED, LadderConfig(levels=2)), view(limit=9))
    words = {side: decision.absent[side] for side in ("bid", "ask")}
    assert decision.orders == ()
    # 9 USD are 0.09 at a worth of 100 for a bid at 99.92, and 9 / 100.08 for an ask: less than 10 in either case
    assert (
        words["bid"]
        == decision.absent["bid:0"]
        == ("the limit leaves 8.99 USD, less than the smallest order of 10.00 USD")
    )
    assert (
        words["ask"]
        == decision.absent["ask:0"]
        == ("the limit leaves 9.00 USD, less than the smallest order of 10.00 USD")
    )


def test_default_ladder_fits_the_default_limit_nearly_whole() -> None:
    decision = decide(LadderStrategy("X-PERP", FIXED, LadderConfig()), view(limit=500))
    assert len(decision.orders) == 10
    assert not decision.absent


def test_reducing_ladder_never_sells_more_than_is_held() -> None:
    decision = decide(LadderStrategy("X-PERP", FIXED, LadderConfig()), view("2.8", limit=300))
    assert all(o.reduce_only and o.slot.startswith("ask") for o in decision.orders)
    assert sum(o.size for o in decision.orders) <= D("2.8")
    assert "only the reducing side" in decision.absent["bid"]


def test_levels_closer_than_a_tick_are_not_stacked() -> None:
    decision = decide(LadderStrategy("X-PERP", FIXED, LadderConfig(spacing_bps=3)), view(tick="0.1"))
    bids = [o.price for o in decision.orders if o.slot.startswith("bid")]
    # 99.92, 99.89, 99.86, 99.83, 99.80 (rounded down): 99.9, 99.8, 99.8, 99.8, 99.8
    assert bids == [D("99.9"), D("99.8")]
    assert decision.absent["bid:2"] == "same price as bid:1 after rounding: 99.8"


def test_every_level_adds_up() -> None:
    decision = decide(LadderStrategy("X-PERP", FIXED, LadderConfig()), view("0.7"))
    levels = decision.explain.levels
    assert [level.slot for level in levels] == [f"{side}:{i}" for side in ("bid", "ask") for i in range(5)]
    assert decision.explain.bid == levels[0].price
    assert math.fsum(c.bid_bps for c in decision.explain.components) == pytest.approx(
        (float(levels[0].price) - 100) * 100
    )


def test_kind_and_slots_name_the_ladder() -> None:
    one = LadderStrategy("X-PERP", FIXED, LadderConfig(levels=1))
    assert (one.kind, one.market) == ("ladder", "X-PERP")
    assert [o.slot for o in decide(one, view()).orders] == ["bid:0", "ask:0"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"levels": 0}, r"ladder\.levels must be between 1 and 50, not 0"),
        ({"levels": 51}, r"ladder\.levels.*51"),
        ({"spacing_bps": 0.0}, r"ladder\.spacing_bps.*0\.0"),
        ({"spacing_bps": math.nan}, r"ladder\.spacing_bps.*nan"),
        ({"growth": D("-0.1")}, r"ladder\.growth.*-0\.1"),
        ({"growth": D("NaN")}, r"ladder\.growth.*nan"),
    ],
)
def test_bad_settings(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LadderConfig(**changes)  # type: ignore[arg-type]


def test_what_closes_the_position_costs_no_limit() -> None:
    # 2 coins short of a limit of 300 USD: 200 USD of bids close it and 300 more open; all 500 USD of the ladder fit
    decision = decide(LadderStrategy("X-PERP", FIXED, LadderConfig()), view("-2", limit=300))
    assert [o.slot for o in decision.orders if o.slot.startswith("bid")] == [f"bid:{i}" for i in range(5)]
    assert sum(o.size for o in decision.orders if o.slot.startswith("ask")) <= 1  # only 100 USD may still be sold
