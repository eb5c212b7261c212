"""The six performance figures on hand-computed histories."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.accounting.attribution import FillQuality
from pfmm.accounting.metrics import Metric, Target, capital_days, max_drawdown, peaks
from pfmm.model.order import Fill, Liquidity, Side
from tests.plain_accounting import Evidence, mean_inventory, metrics, realized_spread

DAY = 86_400_000
NONE = Decimal(0)
TWO_SIDED = (("long", "1", "100", "M"), ("short", "2", "101", "M"))


def fill(side: str, size: str, price: str, time_ms: int = 0, market: str = "M") -> Fill:
    return Fill("f", "o", None, market, Side(side), Decimal(price), Decimal(size), NONE, Liquidity.MAKER, time_ms)


def judged(one: Fill, edge: str | None = "0.01") -> FillQuality:
    after = None if edge is None else Decimal(edge)
    return FillQuality(one, Decimal(100), NONE, (None, None, after, None))


def evidence(qualities: list[FillQuality], **changes: object) -> Evidence:
    base = Evidence(
        start_ms=0,
        end_ms=2 * DAY,
        qualities=qualities,
        orders_placed=100,
        orders_filled=25,
        pnl=Decimal(6),
        capital=Decimal(1_000),
        equity=[(0, Decimal(1_000)), (1, Decimal(900)), (2, Decimal(1_006))],
    )
    return replace(base, **changes)


def found(evidence: Evidence) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics(evidence)}


def test_the_six_figures_of_two_days() -> None:
    # 20 times: buy 1 at 100, half a day later sell 1 at 100.10, all at the same two moments
    bought = [judged(fill("long", "1", "100", DAY // 2)) for _ in range(20)]
    sold = [judged(fill("short", "1", "100.10", DAY), edge="-0.01") for _ in range(20)]
    assert metrics(evidence(bought + sold)) == (
        Metric("fill_rate", Decimal(25), "%", "15-40", "in", 100),
        # 0.10 / 100.05
        Metric("realized_spread", Decimal("0.099950"), "%", ">0.05", "in", 40),
        # (2000 + 2002) / 2 days = 2001 a day; 20 * 100 for half of 2 days = mean 500
        Metric("inventory_turnover", Decimal("4.002"), "x/day", ">5", "below", 40),
        Metric("adverse_selection_ratio", Decimal(50), "%", "<30", "above", 40),
        # 6 / 1000 / 2 days
        Metric("daily_pnl", Decimal("0.3"), "%/day", "0.1-0.5", "in", 40),
        Metric("max_drawdown", Decimal(10), "%", "<10", "above", 3),
    )


def test_below_thirty_fills_there_is_a_value_but_no_verdict() -> None:
    few = found(evidence([judged(fill("long", "1", "100")) for _ in range(29)]))
    assert {metric.verdict for metric in few.values()} == {"n/a"}
    assert few["fill_rate"].value == 25
    assert {metric.reason for name, metric in few.items() if name != "adverse_selection_ratio"} == {
        "29 of 30 fills needed"
    }
    enough = found(evidence([judged(fill("long", "1", "100")) for _ in range(30)]))
    assert enough["fill_rate"].verdict == "in"


@pytest.mark.parametrize(
    ("span_ms", "words"), [(5_400_000, "1.5 h"), (3_600_000, "1.0 h"), (3_599_000, "60.0 min"), (1_800_000, "30.0 min")]
)
def test_how_much_less_than_a_day_is_told(span_ms: int, words: str) -> None:
    daily = found(evidence([], end_ms=span_ms))["daily_pnl"]
    assert daily.reason == f"under a day of data ({words})"


def test_a_figure_that_nothing_measures_says_so() -> None:
    nothing = found(evidence([judged(fill("long", "1", "100")) for _ in range(30)]))["realized_spread"]
    assert (nothing.value, nothing.verdict, nothing.reason) == (None, "n/a", "nothing to measure it by")


@pytest.mark.parametrize(("span_ms", "known"), [(DAY - 1, False), (DAY, True)])
def test_nothing_is_said_per_day_under_a_day_of_data(span_ms: int, *, known: bool) -> None:
    figures = found(evidence([judged(fill("long", "1", "100")) for _ in range(30)], end_ms=span_ms))
    for name in ("inventory_turnover", "daily_pnl"):
        assert (figures[name].value is not None) is known
        assert (figures[name].verdict != "n/a") is known
        assert figures[name].reason == (None if known else "under a day of data (24.0 h)")
    assert figures["fill_rate"].verdict == "in"


def test_the_adverse_ratio_counts_only_fills_that_can_be_judged() -> None:
    qualities = [judged(fill("long", "1", "100"), None) for _ in range(20)]
    qualities += [judged(fill("long", "1", "100"), "-1") for _ in range(29)]
    ratio = found(evidence(qualities))["adverse_selection_ratio"]
    assert (ratio.value, ratio.verdict, ratio.n) == (100, "n/a", 29)


def test_an_empty_period_has_no_figures() -> None:
    empty = evidence([], end_ms=0, orders_placed=0, orders_filled=0, equity=[], capital=NONE)
    assert {metric.value for metric in metrics(empty)} == {None}
    with pytest.raises(ValueError, match="before start_ms"):
        metrics(evidence([], start_ms=5, end_ms=4))


@pytest.mark.parametrize(
    ("target", "text", "verdicts"),
    [
        (Target(Decimal(15), Decimal(40)), "15-40", {"14.9": "below", "15": "in", "40": "in", "40.1": "above"}),
        (Target(low=Decimal(5)), ">5", {"5": "below", "5.1": "in"}),
        (Target(high=Decimal(30)), "<30", {"29.9": "in", "30": "above"}),
    ],
)
def test_targets(target: Target, text: str, verdicts: dict[str, str]) -> None:
    assert str(target) == text
    assert {value: target.verdict(Decimal(value)) for value in verdicts} == verdicts


@pytest.mark.parametrize(
    ("fills", "spread"),
    [
        ([], None),
        ([("long", "1", "100", "M")], None),
        ([("long", "2", "100", "M"), ("short", "1", "101", "M")], "0.995025"),  # 1 / 100.5
        # the first unit bought is matched with the first sold, not the average of all
        ([("long", "1", "100", "M"), ("long", "1", "90", "M"), ("short", "1", "101", "M")], "0.995025"),
        ([("short", "0.5", "99", "M"), ("long", "1", "100", "M")], "-1.005025"),  # -1 / 99.5
        # a buy in one market is not matched with a sell in another
        ([("long", "1", "100", "M"), ("short", "1", "101", "N")], None),
        # (1 + 2) of (100.5 + 11)
        (
            [
                ("long", "1", "100", "M"),
                ("long", "1", "10", "N"),
                ("short", "1", "12", "N"),
                ("short", "1", "101", "M"),
            ],
            "2.690583",
        ),
    ],
)
def test_realized_spread(fills: list[tuple[str, str, str, str]], spread: str | None) -> None:
    history = [fill(side, size, price, market=market) for side, size, price, market in fills]
    assert realized_spread(history) == (None if spread is None else Decimal(spread))


@pytest.mark.parametrize(
    ("fills", "opening", "mean"),
    [
        ([], {}, "0"),
        ([("long", "1", "100", 50)], {}, "50"),
        ([("short", "1", "100", 50)], {}, "50"),
        # held from the start, sold at 40: 2 * 100 for 40 of 100
        ([("short", "2", "100", 40)], {"M": Decimal(2)}, "80"),
        # 1 at 100 from 20 to 60, then at 110 until the end, through a second fill of 1: 4000 + 2 * 110 * 40
        ([("long", "1", "100", 20), ("long", "1", "110", 60)], {}, "128"),
        ([], {"M": Decimal(2)}, "0"),
    ],
)
def test_mean_inventory(fills: list[tuple[str, str, str, int]], opening: dict[str, Decimal], mean: str) -> None:
    history = [fill(*one) for one in fills]
    assert mean_inventory(history, opening, 0, 100) == Decimal(mean)


@pytest.mark.parametrize(
    ("curve", "deepest"),
    [
        ([], None),
        (["100"], "0"),
        (["100", "110", "120"], "0"),
        (["100", "120", "90", "130", "110"], "25"),  # 30 of 120 is deeper than 20 of 130
        (["0", "-5"], None),
    ],
)
def test_max_drawdown(curve: list[str], deepest: str | None) -> None:
    points = [(time_ms, Decimal(value)) for time_ms, value in enumerate(curve)]
    assert max_drawdown(points) == (None if deepest is None else Decimal(deepest))


@pytest.mark.parametrize(
    ("value", "words"),
    [("0.099843", "0.09984 %"), ("999.96", "1000 %"), ("1000", "1,000 %"), ("-1000", "-1,000 %"),
     ("999", "999 %"), ("32339.35999", "32,339 %"), ("-1E+6", "-1,000,000 %"),
     ("0.000018", "0.000018 %"), (None, "n/a")],
)  # fmt: skip
def test_a_value_is_shown_without_an_exponent(value: str | None, words: str) -> None:
    assert Metric("max_drawdown", None if value is None else Decimal(value), "%", "<10", "in", 40).shown == words


def test_a_deposit_restates_the_peak_and_hides_no_drawdown() -> None:
    # 10,000, 9,500, then 8,500 earned with 10,500 deposited: 19,000 held of 10,000 * 20,000 / 9,500
    curve = [(0, Decimal(10_000)), (1, Decimal(9_500)), (2, Decimal(8_500)), (3, Decimal(9_000))]
    found = list(peaks(curve, [(2, Decimal(10_500))]))
    assert found == [
        (Decimal(10_000), Decimal(10_000)),
        (Decimal(9_500), Decimal(10_000)),
        (Decimal(19_000), Decimal("21052.63157895")),
        (Decimal(19_500), Decimal("21052.63157895")),
    ]
    assert max_drawdown(curve, [(2, Decimal(10_500))]) == Decimal("9.75")


def test_a_withdrawal_is_no_fall_and_hides_none() -> None:
    # 500 are taken out of 1,000; then 100 of the 500 are lost
    curve = [(0, Decimal(1_000)), (5, Decimal(1_000)), (6, Decimal(900))]
    assert list(peaks(curve, [(5, Decimal(-500))])) == [(1_000, 1_000), (500, 500), (400, 500)]
    assert max_drawdown(curve, [(5, Decimal(-500))]) == 20
    # a flow of the very moment of a reading is in it, one a moment later is not
    assert list(peaks(curve, [(6, Decimal(-500))]))[1:] == [(1_000, 1_000), (400, Decimal("444.44444444"))]


def test_deposits_before_one_reading_count_together() -> None:
    curve = [(0, Decimal(100)), (10, Decimal(100))]
    flows = [(3, Decimal(40)), (7, Decimal(60)), (11, Decimal(5))]  # the last is of a later reading
    assert list(peaks(curve, flows))[-1] == (Decimal(200), Decimal(200))
    # and deposits before two readings one after the other
    assert [held for held, _ in peaks([*curve, (20, Decimal(100))], flows)] == [100, 200, 205]


def test_capital_counts_for_the_days_that_it_was_there() -> None:
    # 1,000 for 2 days and 500 more for the second
    curve = [(0, Decimal(1_000)), (DAY, Decimal(1_010))]
    assert capital_days(curve, [(DAY, Decimal(500))], (0, 2 * DAY)) == 2_500
    assert capital_days([], [], (0, 2 * DAY)) == 0
    # 1,000 for the third to the fourth day, and 500 more for half of one
    assert capital_days(curve, [(4 * DAY - DAY // 2, Decimal(500))], (2 * DAY, 4 * DAY)) == 2_250
