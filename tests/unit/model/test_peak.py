"""The highest equity beside deposits and withdrawals: neither hides a drawdown, neither makes one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.accounting.metrics import capital_days, max_drawdown, peaks
from pfmm.model.peak import next_peak
from pfmm.model.run import EquityReading
from pfmm.report.inputs import of_trading

DAY_MS = 86_400_000


def points(*values: tuple[int, str]) -> list[tuple[int, Decimal]]:
    return [(time_ms, Decimal(value)) for time_ms, value in values]


@pytest.mark.parametrize(
    ("peak", "before", "equity", "cash_flow", "expected"),
    [
        ("100", "90", "95", "0", "100"),
        ("100", "90", "105", "0", "105"),
        # 5 % below the peak before and after: 10,000 * 20,000 / 9,500
        ("10000", "9500", "20000", "10500", "21052.63157895"),
        # 500 lost beside the deposit: it counts as made before, 10,000 * 20,000 / 10,000, which 19,500 is 2.5 % below
        ("10000", "10000", "19500", "10000", "20000"),
        # 5 % below before and after: 10,000 * 1,900 / 9,500
        ("10000", "9500", "1900", "-7600", "2000"),
        # 1,000 earned to a new peak of 11,000, then 10,000 withdrawn: no drawdown
        ("10000", "10000", "1000", "-10000", "1000"),
        # everything withdrawn at 5 % below the peak: nothing left to fall from
        ("10000", "9500", "0", "-9500", "0"),
        # 1,000 withdrawn, and more lost than was left: 9,000 to fall from
        ("10000", "9500", "-10", "-1000", "9000"),
        # nothing was left, or less: what was lost stays lost
        ("10000", "-959", "29041", "30000", "40000"),
        ("10000", "0", "4950", "5000", "15000"),
        # everything had been withdrawn, or nothing ever given: the deposit begins anew
        ("0", "0", "4950", "5000", "5000"),
    ],
)
def test_a_peak_in_the_money_that_is_there_now(
    peak: str, before: str, equity: str, cash_flow: str, expected: str
) -> None:
    assert next_peak(*map(Decimal, (peak, before, equity, cash_flow))) == Decimal(expected)


amounts = st.decimals(1, 10**6, places=2)


@given(amounts, amounts, st.lists(amounts, max_size=20))
def test_money_that_comes_and_goes_changes_no_drawdown(first: Decimal, second: Decimal, held: list[Decimal]) -> None:
    peak, before = max(first, second), second
    share = before / peak
    for now in held:
        peak, before = next_peak(peak, before, now, now - before), now
        assert abs(before / peak - share) < Decimal("0.000001")


def test_the_deepest_fall_beside_a_deposit() -> None:
    """10,000, 9,500 and, with 10,500 deposited, 19,000: 1 - 0.95 * 0.95 = 9.75 %, and not 1,500 of 10,000."""
    curve, cash_flows = points((0, "10000"), (1, "9500"), (3, "8500")), points((2, "10500"))
    assert list(peaks(curve, cash_flows)) == [
        (10_000, 10_000),
        (9_500, 10_000),
        (19_000, Decimal("21052.63157895")),
    ]
    assert max_drawdown(curve, cash_flows) == Decimal("9.75")
    assert max_drawdown(curve) == 15


def test_flows_between_two_readings_count_together() -> None:
    """100, and 40 in and 10 out later 126: 4 of 130 lost, 3.076923 %."""
    curve, cash_flows = points((0, "100"), (5, "96")), points((2, "40"), (5, "-10"))
    assert list(peaks(curve, cash_flows)) == [(100, 100), (126, 130)]
    assert max_drawdown(curve, cash_flows) == Decimal("3.076923")


def test_readings_without_their_deposits() -> None:
    told = [("100", None), ("100", "100"), ("150", "140"), ("149", None), ("120", "110"), ("121", "110")]
    readings = [
        EquityReading(time_ms, Decimal(equity), None if deposits is None else Decimal(deposits))
        for time_ms, (equity, deposits) in enumerate(told)
    ]
    curve, cash_flows = of_trading(readings)
    assert curve == points((0, "100"), (1, "100"), (2, "110"), (3, "109"), (4, "110"), (5, "111"))
    assert cash_flows == points((2, "40"), (4, "-30"))


def test_the_first_deposit_may_come_after_nothing() -> None:
    """A venue that tells of 0 deposited tells of it, too."""
    curve, cash_flows = of_trading([EquityReading(0, Decimal(5), Decimal(0)), EquityReading(1, Decimal(9), Decimal(4))])
    assert (curve, cash_flows) == (points((0, "5"), (1, "5")), points((1, "4")))


def test_capital_counts_for_as_long_as_it_was_there() -> None:
    curve = points((0, "1000"), (1, "7"))
    period = (0, 2 * DAY_MS)
    assert capital_days(curve, (), period) == 2_000
    assert capital_days(curve, points((DAY_MS, "500")), period) == 2_500
    assert capital_days(curve, points((DAY_MS, "-500"), (2 * DAY_MS, "9999")), period) == 1_500
    assert capital_days([], (), period) == 0


@given(amounts, st.decimals(-(10**6), 0, places=2), amounts)
def test_a_deposit_repairs_no_drawdown_from_below_zero(peak: Decimal, before: Decimal, given_now: Decimal) -> None:
    """At least what was lost is still missing, in the money that is there then."""
    equity = before + given_now
    assert next_peak(peak, before, equity, given_now) - equity >= peak - before
