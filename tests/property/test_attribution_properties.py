"""Attribution and metrics over arbitrary histories: sums are exact, the order of fills does not matter."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.accounting.attribution import assess
from pfmm.accounting.metrics import max_drawdown
from pfmm.model.order import Fill, Liquidity, Side
from tests.examples import examples
from tests.plain_accounting import attribute, edge, markouts_bps, mean_inventory, realized_spread

prices = st.integers(1, 10**7).map(lambda n: Decimal(n).scaleb(-2))
fills = st.builds(
    lambda side, price, size, fee, time_ms: Fill(
        "f", "o", None, "M", side, price, Decimal(size).scaleb(-3), Decimal(fee).scaleb(-8), Liquidity.MAKER, time_ms
    ),
    st.sampled_from(Side),
    prices,
    st.integers(1, 10**5),
    st.integers(-(10**9), 10**9),
    st.integers(0, 400_000),
)
histories = st.lists(fills, max_size=12)
series = st.dictionaries(st.integers(-5_000, 800_000), prices, max_size=60).map(lambda mids: sorted(mids.items()))
amounts = st.integers(-(10**12), 10**12).map(lambda n: Decimal(n).scaleb(-8))


@examples(50, 100)
@given(histories, series, amounts, amounts)
def test_the_parts_sum_to_the_total(
    history: list[Fill], mids: list[tuple[int, Decimal]], total: Decimal, funding: Decimal
) -> None:
    parts = attribute(assess(history, mids), total=total, funding=funding)
    explained = Fraction(parts.spread_capture) + Fraction(parts.adverse_selection) + Fraction(parts.inventory)
    assert explained - Fraction(parts.fees) + Fraction(parts.funding) == Fraction(total)


@examples(50, 100)
@given(histories, series)
def test_capture_and_markout_chain_to_the_mid_at_the_horizon(
    history: list[Fill], mids: list[tuple[int, Decimal]]
) -> None:
    """capture + markout is the move from the fill price to the later mid, found here by a plain search."""
    for judged in assess(history, mids):
        fill = judged.fill
        before = [(time_ms, mid) for time_ms, mid in mids if time_ms < fill.time_ms]
        assert judged.mid == (before[-1][1] if before and fill.time_ms - before[-1][0] <= 10_000 else None)
        for seconds, markout in zip((1, 5, 30, 300), judged.markouts, strict=True):
            if markout is not None:
                later = [mid for time_ms, mid in mids if time_ms <= fill.time_ms + seconds * 1_000][-1]
                assert judged.capture + markout == fill.side.sign * (later - fill.price) * fill.size


@examples(40, 100)
@given(histories, series)
def test_the_other_side_of_every_fill_has_the_opposite_outcome(
    history: list[Fill], mids: list[tuple[int, Decimal]]
) -> None:
    mirror = [replace(one, side=one.side.opposite, fee=-one.fee) for one in history]
    ours, theirs = list(assess(history, mids)), list(assess(mirror, mids))
    for one, other in zip(ours, theirs, strict=True):
        assert (one.edge is None) is (other.edge is None)
        assert one.edge is None or one.edge == -other.edge
    for key, value in markouts_bps(ours).items():
        assert value is None or value == -markouts_bps(theirs)[key]
    for be, mirrored in zip(edge(ours), edge(theirs), strict=True):
        assert (be.bps is None) is (mirrored.bps is None)
        assert be.bps is None or be.bps == pytest.approx(-mirrored.bps)


@examples(40, 100)
@given(histories, st.randoms(use_true_random=False), series)
def test_the_order_of_the_fills_does_not_matter(
    history: list[Fill], random: object, mids: list[tuple[int, Decimal]]
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    one, other = (attribute(assess(fills, mids), total=Decimal(1), funding=Decimal(0)) for fills in (history, shuffled))
    assert one == other


@examples(50, 100)
@given(histories)
def test_a_realized_spread_lies_between_the_best_and_the_worst_trade(history: list[Fill]) -> None:
    spread = realized_spread(history)
    bought = [fill.price for fill in history if fill.side is Side.LONG]
    sold = [fill.price for fill in history if fill.side is Side.SHORT]
    assert (spread is None) is not (bool(bought) and bool(sold))
    if spread is not None:
        assert (spread > 0) <= (max(sold) > min(bought))
        assert (spread < 0) <= (min(sold) < max(bought))
        assert abs(spread) <= 200  # (sell - buy) / ((sell + buy) / 2)


@examples(50, 100)
@given(histories)
def test_mean_inventory_lies_between_nothing_and_the_largest_value_held(history: list[Fill]) -> None:
    ordered = sorted(history, key=lambda fill: fill.time_ms)
    mean = mean_inventory(ordered, {}, 0, 400_000)
    bound = sum(fill.size for fill in history) * max((fill.price for fill in history), default=Decimal(0))
    assert 0 <= mean <= bound


@examples(50, 100)
@given(st.lists(prices, min_size=1, max_size=30), st.integers(1, 50))
def test_drawdown_is_a_share_of_the_peak_and_has_no_scale(curve: list[Decimal], factor: int) -> None:
    deepest = max_drawdown(list(enumerate(curve)))
    worst = max(
        (Fraction(peak - later) / Fraction(peak) for i, peak in enumerate(curve) for later in curve[i:]),
        default=Fraction(0),
    )
    assert abs(Fraction(deepest) - worst * 100) <= Fraction(1, 10**6)
    assert max_drawdown([(time_ms, value * factor) for time_ms, value in enumerate(curve)]) == deepest
