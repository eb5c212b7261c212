"""The break-even fee: weighted by money, one observation an order, its error by minute or session."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.accounting.edge import BreakEven, EdgeFill, break_even, gain_usd

MINUTE = 60_000


def fill(order: str, minute: float, notional: str, gain: str, session: str = "") -> EdgeFill:
    return EdgeFill(order, round(minute * MINUTE), Decimal(notional), Decimal(gain), session)


def test_gain_is_signed_by_the_side() -> None:
    # side * (mid later - price) * size
    assert gain_usd(1, Decimal("99.9"), Decimal(2), Decimal("100.1")) == Decimal("0.4")
    assert gain_usd(-1, Decimal("99.9"), Decimal(2), Decimal("100.1")) == Decimal("-0.4")


def test_no_fill_has_no_break_even() -> None:
    assert break_even([], 5) == BreakEven(5, None, None, "minute", 0, 0, 0, 0)


def test_one_block_has_no_error() -> None:
    assert break_even([fill("a", 0, "100", "-0.01"), fill("b", 0.5, "100", "-0.03")], 5) == BreakEven(
        5, -2.0, None, "minute", 2, 2, 1, 1
    )


def test_it_is_weighted_by_money_and_has_the_error_of_a_ratio() -> None:
    # -0.04 / 200 = -2 bps; residuals +0.01 and -0.01: sqrt(2 * 2e-4) / 200 = 1 bp
    found = break_even([fill("a", 0, "100", "-0.01"), fill("b", 1, "100", "-0.03")], 5)
    assert (found.bps, found.n_blocks) == (-2.0, 2)
    assert found.se_bps == pytest.approx(1.0)
    # 900 USD at +1 bp and 100 at -9: 0.09 - 0.09 = 0, where the mean over fills would say -4
    assert break_even([fill("a", 0, "900", "0.09"), fill("b", 1, "100", "-0.09")], 5).bps == 0.0


def test_the_error_of_three_blocks() -> None:
    # residuals +0.01, -0.01 and 0: sqrt(3 / 2 * 2e-4) / 300
    found = break_even([fill("a", 0, "100", "-0.01"), fill("b", 1, "100", "-0.03"), fill("c", 2, "100", "-0.02")], 5)
    assert found.se_bps == pytest.approx(math.sqrt(3e-4) / 300 * 10_000)


def test_the_fills_of_one_order_are_one_observation_in_the_minute_of_the_first() -> None:
    pieces = [fill("a", 0.9, "50", "0.01"), fill("a", 1.1, "50", "-0.02"), fill("b", 3, "100", "-0.03")]
    whole = [fill("a", 0.9, "100", "-0.01"), fill("b", 3, "100", "-0.03")]
    one, other = break_even(pieces, 5), break_even(whole, 5)
    assert (one.n_fills, other.n_fills) == (3, 2)
    assert (one.bps, one.se_bps, one.n_orders, one.n_blocks) == (other.bps, other.se_bps, 2, 2)


def test_an_order_lies_in_the_minute_and_session_of_its_first_fill_however_told() -> None:
    # b lies in the minute in which the later half of a was filled
    other = fill("b", 1.5, "100", "-0.03", "s2")
    for pieces in (("s1", "s2"), ("s2", "s1")):
        halves = [fill("a", 0.9 if name == "s1" else 1.1, "50", "0.01", name) for name in pieces]
        found = break_even([*halves, other], 5)
        assert (found.n_blocks, found.n_sessions) == (2, 2)


def test_the_error_is_by_session_from_five_sessions_on() -> None:
    fills = [fill(f"o{i}", i, "100", "0.02" if i % 2 else "-0.02", f"s{i // 2}") for i in range(8)]
    four = break_even(fills, 5)
    assert (four.error_by, four.n_sessions, four.n_blocks) == ("minute", 4, 8)
    assert four.se_bps is not None
    assert four.se_bps > 0
    five = break_even([*fills, fill("x", 20, "100", "-0.02", "s4"), fill("y", 21, "100", "0.02", "s4")], 5)
    assert (five.error_by, five.n_sessions) == ("session", 5)
    assert five.se_bps == 0.0  # within each session the two orders cancel


def test_a_notional_of_zero_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="notional_usd of order a must be above zero, not 0"):
        break_even([fill("a", 0, "0", "0.01")], 5)


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 20), st.integers(1, 10**6), st.integers(-(10**6), 10**6)),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_adding_a_bp_to_every_gain_adds_a_bp_and_leaves_the_error(rows: list[tuple[int, int, int, int]]) -> None:
    fills = [EdgeFill(str(o), t * MINUTE, Decimal(n), Decimal(g)) for o, t, n, g in rows]
    richer = [EdgeFill(f.order, f.time_ms, f.notional_usd, f.gain_usd + f.notional_usd / 10_000) for f in fills]
    one, other = break_even(fills, 5), break_even(richer, 5)
    assert one.bps is not None
    assert other.bps is not None
    assert math.isclose(other.bps - one.bps, 1.0, rel_tol=1e-6, abs_tol=1e-6)
    if one.se_bps is None:
        assert other.se_bps is None
    else:
        assert other.se_bps is not None
        assert math.isclose(one.se_bps, other.se_bps, rel_tol=1e-6, abs_tol=1e-4)
