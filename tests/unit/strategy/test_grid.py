"""The grid: lines, sizes, plan and refusals; cells, counter-orders, round trips and breakouts, with the arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.errors import ConfigError, StaleData, UsageError
from pfmm.model.encoding import jsonable
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import Side
from pfmm.model.plan import Decision, MarketView, OwnFill
from pfmm.strategy.grid.plan import GridConfig, GridPlan, Layout, OnBreakout, Spacing, plan_grid
from pfmm.strategy.grid.room import GRID
from pfmm.strategy.grid.state import GridState
from pfmm.strategy.grid.strategy import GridStrategy

D = Decimal
LONG, SHORT = Side.LONG, Side.SHORT

COIN = Instrument("COIN-PERP", "crypto", PriceRule(D("0.01")), D("0.001"), D(10), 10, D(0), D(5), 8)
PAYING = replace(COIN, maker_bps=D(2))
CONFIG = GridConfig(levels=4, size_usd=D(100), lower=D(100), upper=D(110))


def view(bid: str, ask: str, *, instrument: Instrument = COIN, inventory: str = "0") -> MarketView:
    ticker = Ticker("COIN-PERP", 0, D(bid), D(1), D(ask), D(1), D(bid))
    return MarketView(0, instrument, ticker, D(inventory), D(inventory), D(500))


def fill(slot: str, price: str, size: str, *, fee: str = "0", side: Side | None = None) -> OwnFill:
    return OwnFill(1, slot, side or (LONG if slot.endswith("bid") else SHORT), D(price), D(size), D(fee), 7)


def started(
    config: GridConfig = CONFIG, *, mid: str = "105", instrument: Instrument = COIN
) -> tuple[GridStrategy, GridState]:
    grid = GridStrategy("COIN-PERP", config)
    return grid, grid.initial(view(mid, str(D(mid) + D("0.02")), instrument=instrument))


def book(decision: Decision) -> dict[str, tuple[str, str]]:
    return {order.slot: (str(order.price), str(order.size)) for order in decision.orders}


def plan(config: GridConfig = CONFIG, *, mid: str = "105", instrument: Instrument = COIN) -> GridPlan:
    return plan_grid(config, instrument=instrument, mid=D(mid))


class TestLayout:
    def test_arithmetic_lines_by_index(self) -> None:
        assert plan().lines == (D(100), D("102.5"), D(105), D("107.5"), D(110))

    def test_geometric_lines_by_index(self) -> None:
        geometric = plan(replace(CONFIG, spacing=Spacing.GEOMETRIC, levels=2, upper=D(121)), mid="110")
        assert geometric.lines == (D(100), D(110), D(121))  # 100 * 1.1^i, exactly

    def test_lines_stay_inside_of_the_range(self) -> None:
        odd = plan(replace(CONFIG, lower=D("100.001"), upper=D("109.999"), levels=3))
        assert odd.lines == (D("100.01"), D("103.33"), D("106.66"), D("109.99"))

    def test_lines_beyond_the_range_continue_the_series(self) -> None:
        layout = Layout(D(100), D(110), 4, Spacing.ARITHMETIC)
        assert [layout.line(i, COIN) for i in (-1, 5)] == [D("97.5"), D("112.5")]
        assert layout.lines_beyond(D(113), D(110)) == 2
        assert Layout(D(100), D(121), 2, Spacing.GEOMETRIC).lines_beyond(D(140), D(121)) == 2  # 133.1 < 140 < 146.41


class TestPlan:
    def test_orders_around_the_empty_line(self) -> None:
        orders = plan().orders
        # 100 USD at each cell's lower line: /100 = 1, /102.5 = 0.975, /105 = 0.952, /107.5 = 0.930
        assert [(str(o.side), str(o.price), str(o.size), o.line) for o in orders] == [
            ("long", "100.00", "1.000", 0),
            ("long", "102.50", "0.975", 1),
            ("short", "107.50", "0.952", 3),
            ("short", "110.00", "0.930", 4),
        ]
        assert orders[1].notional == D("99.9375")

    def test_figures(self) -> None:
        result = plan(instrument=PAYING)
        assert (result.lower, result.upper, result.step) == (D(100), D(110), D("2.5"))
        assert result.step_bps == D("232.5581")  # 2.5 / 107.5
        # top cell: 0.930 * 2.5 = 2.325, fees (107.5 + 110) * 0.930 * 0.0002 = 0.040455
        assert result.fees_per_round_trip == D("0.040455")
        assert result.profit_per_round_trip == D("2.284545")
        # sells: 107.5 * 0.952 + 110 * 0.930 = 102.34 + 102.3; buys: 100 + 99.9375
        assert result.capital_required == D("204.64")

    def test_worst_cases(self) -> None:
        worst = plan(instrument=PAYING).worst_case
        # to 100: buys of 1 at 100 and 0.975 at 102.5: -2.5 * 0.975, fees 199.9375 * 0.0002
        assert worst.at_lower == D("-2.4375") - D("0.0399875")
        # to 110: sells of 0.952 at 107.5 and 0.930 at 110: -2.5 * 0.952, fees 204.64 * 0.0002
        assert worst.at_upper == D("-2.38") - D("0.040928")

    def test_worst_cases_further_out_and_at_liquidation(self) -> None:
        """Mid 105, buys of 1 at 100 and 0.975 at 102.5 (199.9375 in all), no fees but the taker's; 50 USD of equity.

        At 99.75 (−5 %) 1.975·99.75 − 199.9375 = −2.93125; at 94.5 −13.3. Maintenance is 0.5/50 = 1 %:
        50 + 1.975p − 199.9375 = 0.01975p at p = 76.69, where −48.49 and a fee of 5 bps on 151.46 are lost.
        """
        coin = replace(COIN, maker_bps=D(0), taker_bps=D(5), max_leverage=50)
        config = GridConfig(levels=4, size_usd=D(100), lower=D(100), upper=D(110))
        worst = plan_grid(config, instrument=coin, mid=D(105), equity=D(50)).worst_case
        assert (worst.minus_5_pct, worst.minus_10_pct) == (D("-2.93125"), D("-13.3"))
        assert worst.liquidation_below is not None
        assert worst.liquidation_below.price == pytest.approx(D("76.69"), abs=D("0.01"))
        assert worst.liquidation_below.pnl == pytest.approx(D("-48.56"), abs=D("0.01"))
        # sells of 0.952 at 107.5 and 0.930 at 110, 204.64 in all; at 110.25 (+5 %) 204.64 − 1.882·110.25
        assert worst.plus_5_pct == D("204.64") - D("1.882") * D("110.25")
        assert worst.liquidation_above is not None
        assert worst.liquidation_above.price == pytest.approx(D("254.64") / (D("1.882") * D("1.01")), abs=D("0.01"))

    def test_a_price_within_the_range_fills_only_the_orders_on_its_way(self) -> None:
        """100 to 130 around 115: 109.25 (−5 %) has not met the buy at 107.5 nor the one at 100."""
        config = GridConfig(levels=4, size_usd=D(100), lower=D(100), upper=D(130))
        worst = plan_grid(config, instrument=replace(COIN, maker_bps=D(0)), mid=D(115)).worst_case
        assert worst.minus_5_pct == 0
        assert worst.minus_10_pct == (D("103.5") - D("107.5")) * D("0.930")
        assert worst.liquidation_below is None  # the equity is not known

    def test_no_liquidation_where_the_equity_outlasts_a_price_of_zero(self) -> None:
        worst = plan_grid(CONFIG, instrument=COIN, mid=D(105), equity=D(10_000)).worst_case
        assert worst.liquidation_below is None
        assert worst.liquidation_above is not None

    def test_a_default_size_rises_to_the_minimum_and_says_so(self) -> None:
        coin = replace(COIN, min_notional=D(30))
        risen = plan_grid(replace(CONFIG, size_usd=D(20), size_rises=True), instrument=coin, mid=D(105))
        # at the top cell's lower line 107.5: 30 / 107.5 in steps of 0.001 is 0.280, 30.10 USD
        assert risen.size_usd == D("30.10")
        assert risen.notes == (f"size raised from 20 to 30.10 USD, the smallest order of {coin.market}",)
        assert all(order.notional >= 30 for order in risen.orders)
        with pytest.raises(UsageError, match="size 20 USD is below the minimum"):
            plan_grid(replace(CONFIG, size_usd=D(20)), instrument=coin, mid=D(105))

    def test_rebates_are_profit(self) -> None:
        result = plan(instrument=replace(COIN, maker_bps=D(-2)))
        assert result.profit_per_round_trip == D("2.325") + D("0.040455")
        assert result.fees_per_round_trip == D("-0.040455")

    def test_default_range_is_a_minute_of_movement_a_step(self) -> None:
        # 0.5 a year is 0.5 * sqrt(60 / 31,536,000) = 6.897 bps: 43.8 to 46 USD at 65,000 after snapping to 1 USD
        btc = replace(COIN, price_rule=PriceRule(D("0.1"), 5), size_step=D("0.00001"))
        result = plan(GridConfig(), mid="65000", instrument=btc)
        assert all(D(43) <= high - low <= D(46) for low, high in zip(result.lines, result.lines[1:], strict=False))
        assert result.empty_line == 5
        assert len(result.orders) == 10

    def test_default_range_pays_its_fees_and_spans_ticks(self) -> None:
        quiet = GridConfig(sigma_annual=0.0001)
        assert plan(quiet, mid="100").step == D("0.03")  # three ticks
        assert plan(quiet, mid="100", instrument=PAYING).step >= D("0.07")  # twice 2 * 2 bps of 100, less rounding

    def test_range_pct_and_mirrored_bounds(self) -> None:
        free = replace(CONFIG, lower=None, upper=None)
        assert plan(replace(free, range_pct=D(10)), mid="100").lines[::4] == (D(90), D(110))
        assert plan(replace(CONFIG, upper=None)).lines[::4] == (D(100), D(110))
        assert plan(replace(CONFIG, lower=None)).lines[::4] == (D(100), D(110))

    def test_every_mid_inside_is_welcome_even_on_a_bound(self) -> None:
        assert [order.side for order in plan(mid="100").orders] == [SHORT] * 4
        assert [order.side for order in plan(mid="110").orders] == [LONG] * 4

    @pytest.mark.parametrize(
        ("change", "mid", "words"),
        [
            ({"lower": D(110), "upper": D(110)}, "105", "lower 110 must be below upper 110"),
            ({"lower": D(120)}, "105", "lower 120 must be below upper 110"),
            ({"lower": D(120), "upper": None}, "105", "lower 120 must be below the price 105"),
            ({"lower": None, "upper": D(90)}, "105", "upper 90 must be above the price 105"),
            ({"levels": 0}, "105", "levels must be 2 to 500, not 0"),
            ({"levels": 1}, "105", "levels must be 2 to 500, not 1"),
            ({"levels": 10_000}, "105", "levels must be 2 to 500, not 10000"),
            ({"levels": -3}, "105", "levels must be 2 to 500, not -3"),
            ({"size_usd": D("NaN")}, "105", "size must be positive and finite, not NaN"),
            ({"size_usd": D(0)}, "105", "size must be positive and finite, not 0"),
            ({"lower": D("NaN")}, "105", "lower must be positive and finite, not NaN"),
            ({"upper": D("Infinity")}, "105", "upper must be positive and finite, not Infinity"),
            ({"lower": D(-5)}, "105", "lower must be positive and finite, not -5"),
            ({"upper": D("1E+40")}, "105", "upper is absurdly large: 1E+40"),
            ({}, "NaN", "mid must be positive and finite, not NaN"),
            ({"sigma_annual": float("nan")}, "105", "sigma must be positive and finite, not nan"),
            ({"size_usd": D("9.99")}, "105", "size 9.99 USD is below the minimum of COIN-PERP"),
            ({}, "99.99", "the price 99.99 lies outside of the grid's range 100.00 to 110.00"),
            ({}, "110.01", "the price 110.01 lies outside"),
            ({"lower": D("104.99"), "upper": D("105.01"), "levels": 3}, "105", "levels 3 are too many for 104.99"),
            ({"range_pct": D(5)}, "105", "range_pct 5 and a fixed lower or upper exclude each other"),
            ({"range_pct": D(100), "lower": None, "upper": None}, "105", "range_pct must be at most 90, not 100"),
            ({"lower": None, "upper": D(300)}, "105", "lower would be -90"),
        ],
    )
    def test_bad_settings_are_refused_by_name_and_value(self, change: dict[str, object], mid: str, words: str) -> None:
        with pytest.raises(UsageError) as refusal:
            plan(replace(CONFIG, **change), mid=mid)
        assert refusal.value.message.startswith(words)

    def test_too_small_a_size_says_what_would_do(self) -> None:
        coarse = replace(COIN, size_step=D(1))
        with pytest.raises(UsageError) as refusal:
            plan(instrument=coarse, mid="105")
        assert refusal.value.hint == "size 107.50 or more works on every line of this grid"
        assert plan(replace(CONFIG, size_usd=D("107.5")), instrument=coarse).sizes == (D(1),) * 4

    @pytest.mark.parametrize("side", ["bid", "ask"])
    def test_a_start_without_a_price_on_each_side_is_refused(self, side: str) -> None:
        grid, at = GridStrategy("COIN-PERP", CONFIG), view("105", "105.02")
        GRID.at_start(grid, at, None)
        with pytest.raises(StaleData, match="COIN-PERP shows no bid or no ask now: a grid needs a price"):
            GRID.at_start(grid, replace(at, ticker=replace(at.ticker, **{side: None})), None)

    def test_a_step_that_does_not_pay_its_fees_is_refused(self) -> None:
        tight = replace(CONFIG, lower=D("104.96"), upper=D("105.04"), levels=2)  # 0.04 against 0.0420 of fees
        with pytest.raises(UsageError, match=r"from 104.96 to 105.00 earns 0.04 a unit, its fees are 0.041992"):
            plan(tight, instrument=PAYING)
        assert plan(tight).profit_per_round_trip > 0


class TestRoundTrips:
    def test_first_orders_nearest_first(self) -> None:
        grid, state = started()
        _, decision = grid.decide(state, view("105", "105.02"))
        assert [order.slot for order in decision.orders] == ["cell:2:ask", "cell:1:bid", "cell:3:ask", "cell:0:bid"]
        assert all(order.post_only and not order.reduce_only for order in decision.orders)

    def test_buy_then_sell_earns_once_with_both_fees(self) -> None:
        grid, state = started()
        state, trips = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.975", fee="0.02"))
        assert trips == ()
        _, decision = grid.decide(state, view("102.4", "102.6", inventory="0.975"))
        assert book(decision)["cell:1:ask"] == ("105.00", "0.975")  # the base quantity that was filled
        assert "cell:1:bid" not in book(decision)
        state, (trip,) = grid.on_fill(state, fill("cell:1:ask", "105", "0.975", fee="-0.01"))
        assert (trip.size, trip.entry_price, trip.exit_price) == (D("0.975"), D("102.5"), D(105))
        assert trip.gross == D("2.4375")  # 2.5 * 0.975
        assert trip.fees == D("0.01")  # 0.02 - 0.01
        assert (state.round_trips, state.gross, state.fees) == (1, D("2.4375"), D("0.01"))
        assert state.opened == 0

    def test_sell_then_buy_earns_the_same_way(self) -> None:
        grid, state = started()
        state, trips = grid.on_fill(state, fill("cell:2:ask", "107.5", "0.952"))
        assert trips == ()
        assert state.opened == D("-0.952")
        state, (trip,) = grid.on_fill(state, fill("cell:2:bid", "105", "0.952"))
        assert (trip.entry_price, trip.exit_price, trip.gross) == (D("107.5"), D(105), D("2.38"))

    def test_partial_fills_make_one_round_trip(self) -> None:
        grid, state = started()
        for size in ("0.4", "0.575"):
            state, trips = grid.on_fill(state, fill("cell:1:bid", "102.5", size, fee="0.01"))
            assert not trips
        state, trips = grid.on_fill(state, fill("cell:1:ask", "105", "0.3", fee="0.01"))
        assert not trips
        state, (trip,) = grid.on_fill(state, fill("cell:1:ask", "105.4", "0.675", fee="0.01"))
        assert trip.size == D("0.975")
        assert trip.gross == D("0.75") + D("1.9575")  # 2.5 * 0.3 + 2.9 * 0.675
        assert trip.fees == D("0.04")
        assert state.round_trips == 1

    def test_oscillating_parts_are_counted_when_they_add_up_to_a_whole_quantity(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.975"))
        state, none = grid.on_fill(state, fill("cell:1:ask", "105", "0.5"))
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.5"))
        state, (trip,) = grid.on_fill(state, fill("cell:1:ask", "105", "0.475"))
        assert none == ()
        assert (trip.size, trip.gross) == (D("0.975"), D("2.4375"))
        assert state.opened == D("0.5")  # still open from the second buy

    def test_cost_is_removed_exactly(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:1:bid", "100", "0.325"))
        state, _ = grid.on_fill(state, fill("cell:1:bid", "101", "0.65"))
        gross = D(0)
        for _ in range(3):  # 32.5 + 65.65 = 98.15, a third each
            state, trips = grid.on_fill(state, fill("cell:1:ask", "102", "0.325"))
            gross += sum((trip.gross for trip in trips), D(0))
        assert gross == D("99.45") - D("98.15")

    def test_half_filled_cell_rests_on_both_sides(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.4"))
        _, decision = grid.decide(state, view("102.4", "102.6"))
        assert book(decision)["cell:1:bid"][1] == "0.575"
        assert book(decision)["cell:1:ask"] == ("105.00", "0.400")

    def test_leg_below_the_minimum_waits_and_is_merged(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.05"))  # 5.25 USD at 105
        state, decision = grid.decide(state, view("102.4", "102.6"))
        assert decision.absent == {"cell:1:ask": "0.05 (5.25 USD) waits for the venue's minimum of 10 USD"}
        assert decision.explain.waiting[0].slot == "cell:1:ask"
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.05"))
        _, decision = grid.decide(state, view("102.4", "102.6"))
        assert book(decision)["cell:1:ask"][1] == "0.100"
        assert not decision.absent

    def test_two_legs_below_the_minimum_never_get_stuck(self) -> None:
        config = replace(CONFIG, size_usd=D(15))
        grid, state = started(config)
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.073"))  # of 0.146: 7.5 USD on each side
        _, decision = grid.decide(state, view("102.4", "102.6"))
        # the two are equal: the buy grows to 10 / 102.5 = 0.0976, so 0.098
        assert book(decision)["cell:1:bid"] == ("102.50", "0.098")
        assert set(decision.absent) == {"cell:1:ask"}
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.098"))
        _, decision = grid.decide(state, view("102.4", "102.6"))
        assert book(decision)["cell:1:ask"] == ("105.00", "0.171")
        state, (trip,) = grid.on_fill(state, fill("cell:1:ask", "105", "0.171"))
        assert (trip.size, state.opened) == (D("0.171"), D(0))

    def test_more_than_the_quantity_is_sold_again(self) -> None:
        grid, state = started()
        for _ in range(2):
            state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.975"))
        _, decision = grid.decide(state, view("102.4", "102.6"))
        assert book(decision)["cell:1:ask"][1] == "1.950"
        assert "cell:1:bid" not in book(decision)

    def test_crossing_counter_order_rests_at_its_own_best_price_and_returns(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.975"))
        state, decision = grid.decide(state, view("106", "106.2"))
        assert book(decision)["cell:1:ask"][0] == "106.20"  # 105 would cross the bid
        _, decision = grid.decide(state, view("104.9", "105.1"))
        assert book(decision)["cell:1:ask"][0] == "105.00"  # inside of the spread it does not
        state, _ = grid.on_fill(state, fill("cell:2:ask", "107.5", "0.952"))
        _, decision = grid.decide(state, view("104", "104.2"))
        assert book(decision)["cell:2:bid"][0] == "104.00"  # a buy at 105 would cross the ask

    def test_a_missing_side_of_the_book_moves_nothing(self) -> None:
        grid, state = started()
        lone = view("106", "106.2")
        lone = replace(lone, ticker=replace(lone.ticker, ask=None))
        _, decision = grid.decide(state, lone)
        assert len(decision.orders) == 4
        with pytest.raises(StaleData):
            grid.initial(lone)


class TestBreakouts:
    def test_hold_keeps_the_orders_and_says_so(self) -> None:
        grid, state = started()
        after, decision = grid.decide(state, view("111", "111.2"))
        assert after == state
        assert len(decision.orders) == 4
        assert decision.notes == ("price 111.1 is above the range 100.00 to 110.00: holding",)
        assert not decision.close

    def test_flatten_closes_and_stays_out(self) -> None:
        grid, state = started(replace(CONFIG, on_breakout=OnBreakout.FLATTEN))
        for i, (price, size) in enumerate([("100", "1"), ("102.5", "0.975")]):
            state, _ = grid.on_fill(state, fill(f"cell:{i}:bid", price, size, fee="0.01"))
        state, decision = grid.decide(state, view("98", "98.2", inventory="1.975"))
        assert (decision.orders, decision.close) == ((), True)
        assert decision.notes[0].endswith("closing the inventory")
        state, trips = grid.on_fill(state, fill("close", "98", "1.975", fee="0.1", side=SHORT))
        assert trips == ()  # a loss that was cut is no round trip
        assert state.opened == 0
        assert state.closed_gross == D("-2") - D("4.3875")  # 2 * 1 + 4.5 * 0.975
        assert state.closed_fees == D("0.12")
        state, decision = grid.decide(state, view("105", "105.02"))
        assert (decision.orders, decision.close) == ((), False)
        assert "started anew" in decision.absent["grid"]

    def test_closing_more_than_is_open_stays_in_the_books(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:0:bid", "100", "1", fee="0.01"))
        state, _ = grid.on_fill(state, fill("close", "98", "1.4", fee="0.14", side=SHORT))
        # 1 closes with a loss of 2, its fee 0.01 + 0.14 * 1 / 1.4; the other 0.4 is open in the last cell
        assert (state.closed_gross, state.closed_fees) == (D(-2), D("0.11"))
        assert state.opened == D("-0.4")
        assert (state.cells[-1].cost, state.cells[-1].open_fees) == (D("39.2"), D("0.04"))

    def test_closing_reports_what_the_cell_had_earned_before(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:0:bid", "100", "1"))
        state, none = grid.on_fill(state, fill("cell:0:ask", "102.5", "0.6"))
        state, (trip,) = grid.on_fill(state, fill("close", "98", "0.4", side=SHORT))
        assert none == ()
        assert (trip.size, trip.gross) == (D("0.6"), D("1.5"))
        assert (state.round_trips, state.gross, state.closed_gross) == (1, D("1.5"), D("-0.8"))

    def test_late_fill_of_a_cell_that_is_gone_still_counts(self) -> None:
        grid, state = started(replace(CONFIG, on_breakout=OnBreakout.TRAIL))
        state, _ = grid.decide(state, view("114.9", "115.1"))
        assert 0 not in [cell.index for cell in state.cells]
        state, _ = grid.on_fill(state, fill("cell:0:bid", "100", "1"))
        assert state.opened == 1

    def test_trail_moves_by_whole_lines_and_carries_what_is_open(self) -> None:
        grid, state = started(replace(CONFIG, on_breakout=OnBreakout.TRAIL))
        for i, (price, size) in ((2, ("107.5", "0.952")), (3, ("110", "0.930"))):
            state, _ = grid.on_fill(state, fill(f"cell:{i}:ask", price, size))
        state, decision = grid.decide(state, view("114.9", "115.1", inventory="-1.882"))
        # 115 lies two lines of 2.5 above 110: lines 105 to 115; cells 0 and 1 had nothing open and are gone
        assert (state.lower, state.upper) == (D(105), D(115))
        assert [cell.index for cell in state.cells] == [2, 3, 4, 5]
        assert state.opened == D("-1.882")
        assert decision.notes == (
            "price 115.0 is above the range 100.00 to 110.00: moved the grid to 105.00 to 115.00",
        )
        # 115 is the empty line, so the new cells buy first
        assert book(decision) == {
            "cell:5:bid": ("112.50", "0.888"),
            "cell:4:bid": ("110.00", "0.909"),
            "cell:3:bid": ("107.50", "0.930"),
            "cell:2:bid": ("105.00", "0.952"),
        }
        state, decision = grid.decide(state, view("119.9", "120.1", inventory="-1.882"))
        # 110 to 120: cells 2 and 3 are carried with the order that closes them
        assert [cell.index for cell in state.cells] == [2, 3, 4, 5, 6, 7]
        assert book(decision)["cell:2:bid"] == ("105.00", "0.952")
        state, (trip,) = grid.on_fill(state, fill("cell:2:bid", "105", "0.952"))
        assert trip.gross == D("2.38")
        _, decision = grid.decide(state, view("119.9", "120.1", inventory="-0.93"))
        assert not [slot for slot in book(decision) if slot.startswith("cell:2:")]  # closed, does not reopen

    def test_trail_down_and_back_finds_the_same_books(self) -> None:
        grid, state = started(replace(CONFIG, on_breakout=OnBreakout.TRAIL))
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.975", fee="0.02"))
        before = next(cell for cell in state.cells if cell.index == 1)
        state, _ = grid.decide(state, view("89.9", "90.1", inventory="0.975"))
        assert (state.lower, state.upper) == (D(90), D(100))
        assert before in state.cells
        state, _ = grid.decide(state, view("104.9", "105.1", inventory="0.975"))
        assert (state.lower, state.upper) == (D(95), D(105))
        assert before in state.active

    def test_trail_holds_the_price_that_lies_within_the_last_tick(self) -> None:
        # 110.03 in 4 steps from 100: 2.5075, so 115.045 is line 6 = 115.045, snapped to 115.04 and below the price
        grid, state = started(replace(CONFIG, upper=D("110.03"), on_breakout=OnBreakout.TRAIL))
        state, decision = grid.decide(state, view("115.04", "115.05"))
        assert state.lower <= D("115.045") <= state.upper
        assert decision.notes[0].endswith("moved the grid to 107.52 to 117.55")
        assert grid.decide(state, view("115.04", "115.05"))[1].notes == ()

    def test_trail_holds_where_no_grid_can_lie(self) -> None:
        grid, state = started(replace(CONFIG, on_breakout=OnBreakout.TRAIL))
        after, decision = grid.decide(state, view("1", "1.02"))
        assert after == state
        assert "holding, the grid cannot follow: the grid leaves the prices that COIN-PERP allows" in decision.notes[0]


class TestState:
    def test_saved_state_is_json_and_comes_back_exactly(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.333", fee="0.012345678"))
        state, _ = grid.on_fill(state, fill("cell:1:ask", "105", "0.1", fee="-0.00000001"))
        raw = json.loads(json.dumps(grid.dump(state)))
        assert grid.load(raw) == state
        assert grid.dump(grid.load(raw)) == raw

    @pytest.mark.parametrize(
        "damage",
        [
            {"version": 2},
            {"lower": "abc"},
            {"upper": "NaN"},
            {"levels": "4"},
            {"first": True},
            {"cells": [{"index": 0}]},
            {"spacing": "cubic"},
            {"spacing": None},
            {"cells": None},
            {"broken_out": "sideways"},
            {"round_trips": -1},
        ],
    )
    def test_damaged_state_is_a_configuration_error(self, damage: dict[str, object]) -> None:
        grid, state = started()
        with pytest.raises(ConfigError, match=r"the saved grid( cell)? (has version 2|is damaged: \w+ is)"):
            grid.load({**grid.dump(state), **damage})
        raw = dict(grid.dump(state))
        del raw["first"]
        with pytest.raises(ConfigError, match="first is missing"):
            grid.load(raw)
        with pytest.raises(ConfigError, match=r"\d of its 4 cells are there"):
            grid.load({**grid.dump(state), "cells": grid.dump(state)["cells"][:3]})

    @pytest.mark.parametrize(("low", "high"), [("110", "110"), ("111", "110"), ("0", "110"), ("-1", "110")])
    def test_a_saved_cell_without_a_range_above_zero_is_refused(self, low: str, high: str) -> None:
        grid, state = started()
        raw = grid.dump(state)
        cells = [{**cell, "low": low, "high": high} for cell in raw["cells"]]
        with pytest.raises(ConfigError, match=f"the saved grid cell is damaged: low is '{low}', no price below `high`"):
            grid.load({**raw, "cells": cells})

    def test_a_state_of_before_a_field_existed_has_its_default(self) -> None:
        grid, state = started()
        raw = dict(grid.dump(state))
        for name in ("version", "broken_out", "closed_gross", "round_trips"):
            del raw[name]
        raw["cells"] = [{name: v for name, v in cell.items() if name != "closed_fees"} for cell in raw["cells"]]
        assert grid.load({**raw, "of_a_later_release": [1]}) == state

    def test_explain_is_json_and_shows_every_line(self) -> None:
        grid, state = started()
        state, _ = grid.on_fill(state, fill("cell:1:bid", "102.5", "0.975"))
        state, _ = grid.on_fill(state, fill("cell:1:ask", "105", "0.975", fee="0.0375"))
        _, decision = grid.decide(state, view("105", "105.02"))
        shown = jsonable(decision.explain)
        assert [line["price"] for line in shown["lines"]] == ["100.00", "102.50", "105.00", "107.50", "110.00"]
        assert [line["buy"] for line in shown["lines"]] == ["1.000", "0.975", None, None, None]
        assert [line["sell"] for line in shown["lines"]] == [None, None, None, "0.952", "0.930"]
        assert D(shown["realized_grid_profit"]) == D("2.4")
        assert (shown["round_trips"], shown["next_buy"], shown["next_sell"]) == (1, "102.50", "107.50")
