"""Attribution on hand-computed fills and mids."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.accounting.attribution import (
    Attribution,
    assess,
    ratio,
)
from pfmm.model.order import Fill, Liquidity, Side
from tests.plain_accounting import attribute, markouts_bps

BUY = Fill(
    "f", "o", None, "M", Side.LONG, Decimal("99.9"), Decimal(2), Decimal("-0.04"), Liquidity.MAKER, time_ms=10_000
)
SELL = replace(BUY, side=Side.SHORT, price=Decimal("100.2"))
# of 1 ms before each second; at the second of the fill it already shows what filled it
EVERY_SECOND = sorted(
    [(second * 1_000 - 1, Decimal(100) + Decimal(second - 10) / 100) for second in range(400)] + [(10_000, Decimal(90))]
)


def series(*rows: tuple[int, str]) -> list[tuple[int, Decimal]]:
    return [(time_ms, Decimal(mid)) for time_ms, mid in rows]


def test_capture_and_markouts_of_a_buy_and_a_sell() -> None:
    # mid 100 just before the fill, rising 0.01 a second: 0.01, 0.05, 0.30 and 3.00 later, times 2
    bought, sold = assess([BUY, SELL], EVERY_SECOND)
    assert (bought.mid, bought.mid_age_ms) == (100, 1)
    assert bought.capture == Decimal("0.2")  # (100 - 99.9) * 2
    assert bought.markouts == (Decimal("0.02"), Decimal("0.10"), Decimal("0.60"), Decimal("6.00"))
    assert bought.edge == Decimal("0.84")  # 0.2 + 0.6 + 0.04
    assert sold.capture == Decimal("0.4")  # -(100 - 100.2) * 2
    assert sold.markouts == (Decimal("-0.02"), Decimal("-0.10"), Decimal("-0.60"), Decimal("-6.00"))
    assert sold.edge == Decimal("-0.16")  # 0.4 - 0.6 + 0.04


def test_a_loop_of_three_seconds_has_no_markout_of_one() -> None:
    polled = [row for row in EVERY_SECOND if (row[0] + 1) % 3_000 == 0]  # 9 s, 12 s, …; the fill is at 10 s
    (judged,) = assess([BUY], polled)
    assert judged.mid == Decimal("99.99")
    assert judged.markouts[0] is None
    assert judged.markouts[1] == Decimal("0.12")  # 15 s against 9 s: 0.06 * 2
    assert judged.markouts[2] == Decimal("0.60")  # 39 s against 9 s


def test_a_stale_start_spoils_a_short_markout_as_a_stale_end_does() -> None:
    (judged,) = assess([BUY], series((9_000, "100"), (11_000, "101"), (15_000, "102")))
    assert judged.markouts[:2] == (None, Decimal(4))  # 1 s old is too old for 1 s, young enough for 5 s


@pytest.mark.parametrize(
    ("mids", "mid", "after_30s"),
    [
        ([], None, None),
        (series((10_000, "100")), None, None),  # nothing strictly before the fill
        (series((9_000, "99"), (10_000, "100"), (40_000, "101")), "99", "4"),  # one of its own ms is after it
        (series((0, "100")), "100", None),  # 10 s old: just young enough
        (series((-1, "100")), None, None),
        (series((9_999, "100"), (30_000, "101")), "100", "2"),  # 10 s before the horizon
        (series((9_999, "100"), (29_999, "101"), (40_001, "102")), "100", None),
        (series((9_999, "100"), (40_000, "99")), "100", "-2"),  # a sample at the horizon itself
    ],
)
def test_a_price_is_never_guessed(mids: list[tuple[int, Decimal]], mid: str | None, after_30s: str | None) -> None:
    (judged,) = assess([BUY], mids)
    assert judged.mid == (None if mid is None else Decimal(mid))
    assert judged.markouts[2] == (None if after_30s is None else Decimal(after_30s))
    assert (judged.edge is None) is (after_30s is None)


def test_the_parts_make_up_the_total_exactly() -> None:
    judged = list(assess([BUY], series((9_999, "100"), (40_000, "99.8"))))
    parts = attribute(judged, total=Decimal(1), funding=Decimal("0.01"))
    # 1 - 0.2 + 0.4 - 0.04 - 0.01: the fee is a rebate
    assert parts == Attribution(
        total=Decimal(1),
        spread_capture=Decimal("0.2"),
        adverse_selection=Decimal("-0.4"),
        inventory=Decimal("1.15"),
        fees=Decimal("-0.04"),
        funding=Decimal("0.01"),
        rebates=Decimal("0.04"),
    )
    assert parts.gross + parts.rebates == parts.total == 1
    assert parts.total == parts.spread_capture + parts.adverse_selection + parts.inventory - parts.fees + parts.funding


def test_what_the_mids_cannot_place_is_inventory() -> None:
    parts = attribute(assess([BUY], []), total=Decimal(3), funding=Decimal(0))
    assert (parts.spread_capture, parts.adverse_selection, parts.inventory) == (0, 0, Decimal("2.96"))


def test_markouts_are_weighted_by_notional() -> None:
    judged = [*assess([BUY], series((9_999, "100"), (40_000, "99.8"))), *assess([BUY], [])]
    judged += assess([replace(BUY, size=Decimal(6))], series((9_999, "100"), (40_000, "100.1")))
    # (-0.4 + 0.6) of 200 + 600 = 2.5 bps; a fill without mids weighs nothing
    assert markouts_bps(judged) == {"1s": None, "5s": None, "30s": Decimal("2.5"), "300s": None}


@pytest.mark.parametrize(("before_ms", "known"), [(9_500, True), (9_499, False)])
def test_a_markout_of_a_second_takes_mids_of_half_a_second(before_ms: int, known: bool) -> None:
    for mids in ((before_ms, 11_000), (9_999, before_ms + 1_000)):
        (judged,) = assess([BUY], series(*((time_ms, "100") for time_ms in mids)))
        assert (judged.markouts[0] == 0) is known


@pytest.mark.parametrize(("horizon", "reach_ms"), [(1, 2_500), (2, 10_000), (3, 10_000)])
def test_a_longer_one_takes_mids_of_half_of_it_and_of_ten_seconds_at_most(horizon: int, reach_ms: int) -> None:
    for age_ms, known in ((reach_ms, True), (reach_ms + 1, False)):
        then_ms = 10_000 + (1, 5, 30, 300)[horizon] * 1_000
        (judged,) = assess([BUY], series((9_999, "100"), (then_ms - age_ms, "101")))
        assert (judged.markouts[horizon] == 2) is known


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        ("1", "4", "25"),
        ("1", "3", "33.333333"),
        ("2", "1", "200"),
        ("0", "7", "0"),
        ("1e30", "1", "1" + "0" * 32),
        ("1e25", "3", "3" * 27 + ".333333"),
    ],
)
def test_a_ratio_reads_plainly(part: str, whole: str, text: str) -> None:
    assert str(ratio(Decimal(part), Decimal(whole), Decimal(100))) == text


def test_where_prices_cannot_be_split_all_that_they_earned_is_in_one() -> None:
    # 0.5 - 0.2 + 4 is 4.3 of prices; -0.1 of fees and +0.04 of funding stay: 4.44 in all
    found = Attribution(*map(Decimal, ("4.44", "0.5", "-0.2", "4", "-0.1", "0.04", "0.1")))
    assert found.of_prices() == Attribution(
        *map(Decimal, ("4.44", "0", "0", "4.3", "-0.1", "0.04", "0.1")), split=False
    )
