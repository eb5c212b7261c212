"""The report's pieces one by one: thinning, text, the page's extra, late fills, and what the journal is asked."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.accounting.metrics import max_drawdown
from pfmm.cli.plain_characters import HANDLER, register
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents
from pfmm.report.block import in_units
from pfmm.report.charts import drawdown
from pfmm.report.csv_rows import COLUMNS, CsvFill, write_csv
from pfmm.report.data import ReportData, report_data, sample_times
from pfmm.report.html import Page, page
from pfmm.report.inputs import FillRow, MidSeries, OrderCounts, OutOfOrder
from pfmm.report.text import plot, report_text
from pfmm.report.thinning import extremes, means

ROWS = [
    FillRow(10_000, "A", "r1", "long", "99.9", "2", "-0.04"),
    FillRow(70_000, "A", "r1", "short", "100.3", "1", "-0.02"),
]
# at 10 s and 70 s it already shows what filled: the mids of the fills are those of a ms before
MIDS = {
    "A": MidSeries(
        [9_999, 10_000, 40_000, 69_999, 70_000, 100_000],
        [Decimal(mid) for mid in ("100", "99.7", "99.8", "100", "100.2", "101")],
    )
}


def small(rows: list[FillRow] | None = None, **more: object) -> ReportData:
    base: dict[str, object] = {
        "start_ms": 0, "end_ms": 100_000, "fills": ROWS if rows is None else rows, "funding": (), "mids": MIDS,
        "equity": [(0, Decimal(1_000)), (100_000, Decimal("1001.76"))], "orders": OrderCounts(4, 2),
        "strategies": {"r1": "grid"},
    }  # fmt: skip
    return report_data(**{**base, **more})


def test_two_fills_by_hand() -> None:
    found = small()
    # -199.8 + 100.3 + 1 * 101 + 0.06
    assert found.pnl.total == Decimal("1.56")
    assert found.pnl.spread_capture == Decimal("0.5")  # 0.1 * 2 + 0.3
    assert found.pnl.adverse_selection == Decimal("-1.4")  # -0.2 * 2, sold 1 before +1
    assert found.pnl.inventory == Decimal("2.4")  # 1.2 * 2 bought at 99.8, and nothing after the sale's 101


def test_what_is_held_and_not_traded_slows_the_turnover() -> None:
    """A day: 1 at 100 bought at hour 5 and sold at hour 17, 50 USD on average; 10 at 95 held of before, 950 USD."""
    hour = 3_600_000
    traded = [FillRow(hour * at, "BTC", "r", side, "100", "1", "0") for at, side in ((29, "long"), (41, "short"))]
    found = report_data(
        start_ms=24 * hour, end_ms=48 * hour, funding=[], equity=[], orders=OrderCounts(),
        fills=[FillRow(0, "ETH", "r", "short", "100", "10", "0"), *traded],
        mids={"ETH": MidSeries([23 * hour, 30 * hour], ["95", "90"])},
    )  # fmt: skip
    turnover = next(metric for metric in found.metrics if metric.name == "inventory_turnover")
    assert (turnover.value, turnover.n) == (Decimal("0.2"), 2)  # 200 / (50 + 950)


def test_marks_of_the_venue_go_before_the_last_mid() -> None:
    assert small(marks={"A": Decimal("101.5")}).pnl.total == Decimal("2.06")


def test_the_curve_of_a_part_ends_at_what_the_part_earned() -> None:
    """At the last moment as at the venue's mark, 101.5; just before as at the last mid."""
    found = small(marks={"A": Decimal("101.5")}, own_curve=True)
    assert found.equity[-1] == (100_000, 1_000 + found.pnl.total)
    assert found.equity[-2][1] == Decimal("1000.76")  # -199.8 + 100.3 + 1 * 100.2 + 0.06


def test_a_market_without_mids_is_valued_at_its_last_trade_and_has_no_capture() -> None:
    found = small(mids={})
    assert found.pnl.total == found.pnl.inventory - found.pnl.fees == Decimal("0.86")  # 1 left at 100.3
    assert set(found.markouts_bps.values()) == {None}
    assert [one.bps for one in found.edge.break_even] == [None, None, None]
    assert (found.edge.net_bps, found.edge.mid_age_ms) == (None, None)


@pytest.mark.parametrize("field", [1, 4, 5, 6])
def test_rows_may_hold_text_or_decimals(field: int) -> None:
    rows = [row if field == 1 else FillRow(*row[:field], Decimal(row[field]), *row[field + 1 :]) for row in ROWS]
    assert small(rows) == small()


def test_late_fills_are_refused_and_a_reversed_period_too() -> None:
    with pytest.raises(OutOfOrder, match="10000 ms follows one at 70000 ms"):
        small(ROWS[::-1])
    with pytest.raises(ValueError, match="end_ms -1 is before start_ms 0"):
        small(end_ms=-1)


def test_a_fill_of_before_the_period_that_is_told_within_it_is_refused_too() -> None:
    """Sorted, the purchase at 5 s and the sale at 7 s leave nothing held when the period begins."""
    told = [(5_000, "long"), (20_000, "long"), (7_000, "short"), (40_000, "short")]
    rows = [FillRow(time_ms, "A", "r1", side, "100", "1", "0") for time_ms, side in told]
    with pytest.raises(OutOfOrder, match="7000 ms follows one at 20000 ms"):
        small(rows, start_ms=10_000)
    assert small(sorted(rows), start_ms=10_000).fills == 2


def test_holdings_of_before_the_period_may_be_finer_than_what_trades_in_it() -> None:
    """0.5 is held all along, and a whole unit bought at 100 and sold at 101 half a minute later."""
    told = [(5_000, "long", "100", "0.5"), (40_000, "long", "100", "1"), (70_000, "short", "101", "1")]
    rows = [FillRow(time_ms, "A", "r1", side, price, size, "0") for time_ms, side, price, size in told]
    figures = {one.name: one.value for one in small(rows, start_ms=10_000, end_ms=86_410_000).metrics}
    assert figures["realized_spread"] == Decimal("0.995025")  # (101 - 100) / 100.5
    # 201 USD traded in a day; for 30 s 0.5 at 100, for 30 s 1.5 at 100, for 86,340 s 0.5 at 101:
    # 201 * 86,400 / (1,500 + 4,500 + 4,360,170)
    assert figures["inventory_turnover"] == Decimal("3.977491")


def test_sampled_moments() -> None:
    assert sample_times(5, 5) == [5]
    assert sample_times(0, 6) == [0, 1, 2, 3, 4, 5, 6]
    assert len(sample_times(0, 10**9)) == 601
    assert sample_times(0, 10**9)[-1] == 10**9


curves = st.lists(st.integers(1, 10**6).map(Decimal), max_size=200).map(lambda values: list(enumerate(values)))


@given(curves, st.integers(4, 50))
def test_thinning_keeps_ends_highs_and_lows(curve: list[tuple[int, Decimal]], at_most: int) -> None:
    thin = extremes(curve, at_most)
    assert len(thin) <= at_most
    assert set(thin) <= set(curve)
    assert [time_ms for time_ms, _ in thin] == sorted({time_ms for time_ms, _ in thin})
    if curve:
        values = [value for _, value in curve]
        assert (thin[0], thin[-1]) == (curve[0], curve[-1])
        assert {max(values), min(values)} <= {value for _, value in thin}
        fall, thin_fall = max_drawdown(curve), max_drawdown(thin)
        assert fall is not None
        assert thin_fall is not None
        assert thin_fall <= fall


def test_thinning_refuses_less_than_four_points() -> None:
    with pytest.raises(ValueError, match="at_most must be 4 or more, not 3"):
        extremes([], 3)


def test_means_of_stretches() -> None:
    assert means([1.0, 3.0, 5.0, 7.0], 2) == [2.0, 6.0]


def test_a_plot_by_hand() -> None:
    # eight levels a line: 0 lies lowest, 10 highest, 5 rounds to level 8 of 0…15, the lowest of the upper line
    assert plot([0.0, 5.0, 10.0], 10, 2) == "10.00 ┤ ▁█\n 0.00 ┤▁"
    assert plot([3.0, 3.0], 10, 1) == "3.00 ┤▅▅"
    # equal values have one label, beside their marks; close ones as many decimals as tell them apart
    assert plot([3.0, 3.0], 10, 2) == "3.00 ┤▁▁\n     ┤"
    assert plot([3.0, 3.0 + 1e-12], 10, 2) == plot([3.0, 3.0], 10, 2)  # a mean's own error is no move
    assert plot([3.0, 3.0004], 10, 3) == "3.0004 ┤ █\n3.0002 ┤\n3.0000 ┤▁"
    with pytest.raises(ValueError, match="nothing to plot"):
        plot([], 10, 2)


def test_the_text_says_what_it_cannot_know() -> None:
    found = small(mids={}, equity=[])
    text = report_text(found, heading="paper/x")
    assert "fewer than two readings" in text
    assert "break-even maker fee: n/a: no maker fill has a mid before and 5 s after it" in text
    assert "1s n/a" in text


def test_wide_amounts_stay_within_a_hundred_columns() -> None:
    rows = [FillRow(10_000, "VERYLONGNAME-PERP", "r1", "long", "65000.5", "999", "-12345.6789")]
    text = report_text(small(rows), heading="paper/x")
    assert max(map(len, text.splitlines())) <= 100


def test_ordinary_amounts_fit_eighty_columns() -> None:
    rows = [FillRow(10_000, f"{name}-PERP", "r1", "long", "65.5", "9", "-12.3456") for name in ("BTC", "DOGE")]
    equity = [(n * 1_000, Decimal(1_000_000 + n)) for n in range(100)]
    text = report_text(small(rows, equity=equity), heading="paper/x")
    assert max(map(len, text.splitlines())) <= 80


def test_a_narrow_terminal_gets_a_narrower_report() -> None:
    rows = [FillRow(10_000, f"{name}-PERP", "r1", "long", "65.5", "9", "-12.3456") for name in ("BTC", "DOGE")]
    equity = [(n * 1_000, Decimal(10_000 + n)) for n in range(100)]
    text = report_text(small(rows, equity=equity), heading="paper/x", width=60)
    drawn = [line for line in text.splitlines() if "┤" in line or "  " in line.strip()]
    assert max(map(len, drawn)) <= 60, "curves and tables; sentences are broken where they are printed"
    assert "hidden columns (terminal too narrow): fills, funding" in text


def test_a_line_of_the_inventory_is_as_long_in_plain_characters_as_it_is_drawn() -> None:
    register()
    rows = [FillRow(10_000, "BTC-PERP", "r1", "long", "65", "9", "-1")]
    text = report_text(small(rows, mids={"BTC-PERP": MidSeries([9_000, 90_000], ["64", "66"])}), heading="h")
    (line,) = (one for one in text.splitlines() if one.startswith("BTC"))
    assert re.search(r"  \S+ to \S+, now \S+$", line)
    assert len(line.encode("ascii", HANDLER)) == len(line) <= 80


def test_the_parts_by_market_are_told_from_the_same_sum_by_strategy() -> None:
    rows = [
        FillRow(10_000, f"{name}-PERP", run, "long", "65", "9", "-1") for name, run in (("BTC", "r1"), ("ETH", "r2"))
    ]
    text = report_text(small(rows, strategies={"r1": "grid", "r2": "quote"}), heading="h")
    heads = [found[1] for found in re.finditer(r"^  ((?:by )?[\w-]+) +\d+ ", text, re.MULTILINE)]
    assert heads == ["BTC-PERP", "ETH-PERP", "by grid", "by quote"]


def test_a_verdict_that_is_not_given_says_what_it_needs() -> None:
    text = report_text(small(), heading="paper/x")
    assert "unjudged fill rate, realised spread, max drawdown: 2 of 30 fills needed" in text
    assert "unjudged inventory turnover, daily P&L / capital: under a day of data (1.7 min)" in text


def test_the_page_has_each_fill_by_its_id_and_escapes_what_it_shows() -> None:
    shown = Page("<script>alert(1)</script>\nfees maker -2", [fill(1, 10_000, None)], all_fills=2)
    text = page(small(), shown)
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "1 of 2, evenly chosen" in text
    assert '<tr id="fill-f1">' in text
    assert "<title>f1: bought 2 at 99.9</title>" in text


def test_the_page_says_the_days_that_it_is_about_and_what_a_fill_did() -> None:
    shown = Page("backtest of grid on BTC", [fill(1, 10_000, None)])
    text = page(small(), shown)
    assert "1970-01-01T00:00:00Z to 1970-01-01T00:01:40Z" in text
    assert text.count("1970-01-01T00:00:00Z to") == 1
    assert (
        page(small(), Page("1970-01-01T00:00:00Z to 1970-01-01T00:01:40Z", [])).count(":00Z to 1970") == 2
    )  # and title
    assert "<td>bought</td>" in text
    assert "<td>by grid</td>" in text
    assert "<h2>Equity, USD: net" in text


def test_what_was_deposited_is_said_beside_the_curve_that_is_without_it() -> None:
    flows = [(1, Decimal(10_500)), (2, Decimal("-150.5")), (3, Decimal(-50))]
    title = "equity, USD, without the period's deposits +10,500.00 and withdrawals -200.50"
    found = small(cash_flows=flows)
    assert title in report_text(found, heading="h").splitlines()
    assert "deposits" not in report_text(small(), heading="h")
    assert "deposits +10,500.00 and withdrawals -200.50" in page(found, Page("h", []))
    assert "deposits" not in page(small(), Page("h", []))


def test_the_page_draws_the_drawdown_of_the_money_that_was_there() -> None:
    """1,000, then 1,900 with 1,000 deposited: 5 % down, and not the 10 % that the curve's 900 would be."""
    curve = [(0, Decimal(1_000)), (100_000, Decimal(900))]
    drawn = drawdown(curve, [(50_000, Decimal(1_000))])
    assert ">-4</text>" in drawn  # the axis ends a little below -5
    assert ">-6</text>" not in drawn


def fill(number: int, time_ms: int, client_order_id: str | None) -> Fill:
    amounts = (Decimal("99.9"), Decimal(2), Decimal("-0.04"))
    return Fill(f"f{number}", f"v{number}", client_order_id, "A", Side.LONG, *amounts, Liquidity.MAKER, time_ms)


def test_csv_of_a_fill_with_and_without_mids() -> None:
    out = io.StringIO()
    rows = [CsvFill(fill(1, 10_000, "c"), "grid", "r1", "bid"), CsvFill(fill(2, 90_000, None), "other", None, None)]
    assert write_csv(out, rows, MIDS, str) == 2
    header, first, second = out.getvalue().splitlines()
    assert header == ",".join(COLUMNS)
    # edge 0.2 - 0.4 + 0.04 = -0.16 USD on 199.8 USD
    assert first == "10000,A,grid,r1,bid,f1,v1,c,long,maker,99.9,2,199.8,-0.04,100,0.2,,,-0.4,,-0.16,-8.008008"
    assert second == "90000,A,other,,,f2,v2,,long,maker,99.9,2,199.8,-0.04,,,,,,,,"


def test_what_the_journal_answers_for_a_report(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.sqlite3", venue="paper", account="x", nonce="n") as journal:
        assert journal.span_ms() is None
        assert list(journal.fill_rows()) == []
        run = journal.start_run("grid", "A", {}, time_ms=0, wall_ms=0, pid=None)
        amounts = (Decimal(100), Decimal(1), Decimal(0))

        def place(_: object, first: int) -> Intents:
            return Intents(
                tuple(
                    OwnOrder(f"n-{n}", run.run_id, "A", f"s{n}", Side.LONG, *amounts, OwnStatus.SENDING, False, n, n)
                    for n in range(first, first + 4)
                )
            )

        placed = journal.commit_intents(place, time_ms=0).place
        refused = OwnOrder(
            placed[3].client_order_id, run.run_id, "A", "s4", Side.LONG, *amounts, OwnStatus.REJECTED, False, 4, 4
        )
        journal.update_orders([refused], time_ms=5)
        journal.absorb(fills=[fill(1, 7_000, "n-2"), fill(2, 8_000, None)], funding=(), cursors=Cursors())
        journal.record_mids([("A", time_ms, Decimal(100 + time_ms)) for time_ms in (1, 2, 3)])
        journal.record_equity(9_000, Decimal(5), None)
        assert journal.order_counts(since_ms=0) == (3, 1)
        assert journal.order_counts(since_ms=3) == (1, 0)
        assert journal.order_counts(since_ms=0, market="A", kind="grid") == (3, 1)
        assert journal.order_counts(since_ms=0, market="B") == journal.order_counts(since_ms=0, kind="quote") == (0, 0)
        assert [row[:4] for row in journal.fill_rows(market="A")] == [
            (7_000, "A", run.run_id, "long"), (8_000, "A", "", "long"),
        ]  # fmt: skip
        assert list(journal.fill_rows(market="B")) == []
        assert journal.mid_columns("A", 2) == ([2, 3], ["102", "103"])
        assert journal.mid_columns("A", 99) == ([3], ["103"])
        assert journal.mid_columns("B", 0) == ([], [])
        assert journal.span_ms() == (7_000, 9_000)


@pytest.mark.parametrize(
    ("amounts", "units"),
    [
        (["99.90", "-0.05", "100.25"], ([9_990, -5, 10_025], 2)),  # every point at the same place
        (["99.9", "2", "-0.125"], ([99_900, 2_000, -125], 3)),
        (["1.5", "10.25"], ([150, 1_025], 2)),
        (["1.25", "1000"], ([125, 100_000], 2)),
        (["12", "7"], ([12, 7], 0)),
        ([Decimal("1.50"), "2.25"], ([150, 225], 2)),
        (["2.25", Decimal("1E+3")], ([225, 100_000], 2)),
        ([Decimal("1E+3")], ([1_000], 0)),
        ([], ([], 0)),
    ],
)
def test_amounts_in_units_of_their_last_decimal(amounts: list[str | Decimal], units: tuple[list[int], int]) -> None:
    assert in_units(amounts) == units


def test_prices_sizes_and_fees_may_grow_finer_on_the_way() -> None:
    """1 at 100, 0.5 at 100.25 and 0.125 at 100.125 for fees of 0.1, 0.125 and 0.120000005 (0.12 to 1e-8)."""
    rows = [
        FillRow(10_000, "A", "r1", "long", "100", "1", "0.1"),
        FillRow(10_000, "A", "r1", "long", "100.25", "0.5", "0.125"),
        FillRow(10_000, "A", "r1", "long", "100.125", "0.125", "0.120000005"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pfmm.report.block.CHUNK_ROWS", 1)
        apart = small(rows).pnl
    # at a mid of 100: -0.25 * 0.5 - 0.125 * 0.125
    assert (apart.spread_capture, apart.fees) == (Decimal("-0.140625"), Decimal("0.345"))
    assert small(rows).pnl == apart
