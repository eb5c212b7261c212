"""Quotes with the arithmetic shown, absent sides with their reasons, and what the strategy remembers."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.cli.render.preview import show_text
from pfmm.errors import ConfigError, UnitsError, UsageError
from pfmm.model.encoding import jsonable
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import Side
from pfmm.model.plan import Decision, MarketView, OwnFill
from pfmm.strategy.quote.config import QuoteConfig, choose_sigma
from pfmm.strategy.quote.quoting import COMPONENTS, Quote, QuoteInputs, compute_quote
from pfmm.strategy.quote.strategy import QuoteState, QuoteStrategy, should_requote
from pfmm.strategy.volatility import VolatilityState, load

D = Decimal
INSTRUMENT = Instrument("X-PERP", "crypto", PriceRule(D("0.001")), D("0.001"), D(10), 50, D(-2), D(5), 8)
TICKER = Ticker("X-PERP", 0, D("99.99"), D(3), D("100.01"), D(1), D(100))
INPUTS = QuoteInputs(INSTRUMENT, TICKER, D(0), D(0), D(500), sigma_annual=0.3, regime="low")
FIXED = QuoteConfig(model="fixed")


def holding(size: str, **changes: object) -> QuoteInputs:
    return replace(INPUTS, inventory=D(size), net_position=D(size), **changes)


def prices(quote: Quote) -> tuple[Decimal | None, Decimal | None]:
    return quote.bids[0].price if quote.bids else None, quote.asks[0].price if quote.asks else None


def named(quote: Quote, side: int = 0) -> dict[str, float]:
    level = (quote.bids, quote.asks)[side][0]
    return dict(zip(COMPONENTS, level.components, strict=True))


class TestComputeQuote:
    def test_fixed_flat(self) -> None:
        quote = compute_quote(FIXED, INPUTS)  # 100 ∓ 8 bps
        assert prices(quote) == (D("99.920"), D("100.080"))
        assert quote.bids[0].size == D("0.500")  # 50/99.92 = 0.5004
        assert quote.asks[0].size == D("0.499")  # 50/100.08 = 0.4996
        assert (quote.absent, quote.notes, quote.state) == ({}, (), "ok")

    def test_fixed_long_moves_both_down(self) -> None:
        # 0.5 coins of 100 is 50 of 500 USD, ratio 0.1: shift −100·0.1·0.0008·0.5 = −0.004
        quote = compute_quote(FIXED, holding("0.5"))
        assert prices(quote) == (D("99.916"), D("100.076"))
        assert quote.reservation_price == pytest.approx(99.996)
        assert named(quote)["inventory"] == pytest.approx(-0.4)

    def test_fixed_widens_and_shrinks_with_the_regime(self) -> None:
        quote = compute_quote(FIXED, replace(INPUTS, regime="high"))  # 24 bps, 15 USD
        assert prices(quote) == (D("99.760"), D("100.240"))
        assert quote.bids[0].size == D("0.150")
        assert named(quote)["volatility"] == pytest.approx(-16)

    def test_models_do_not_widen_twice(self) -> None:
        for model in ("as", "glft"):
            config = QuoteConfig(model=model)
            low, high = (compute_quote(config, replace(INPUTS, regime=name)) for name in ("low", "high"))
            assert prices(low) == prices(high)
            assert high.bids[0].size == D("0.150")

    def test_avellaneda_stoikov(self) -> None:
        # Δ 0.5, κ 0.5/0.01 = 50 per USD, σ² = (100·0.3)²/31,536,000 = 2.854e-5, τ 300: σ²τ = 0.0085616
        # half = ½·0.05·0.5·0.0085616 + ln(1 + 0.025/50)/0.025 = 0.000107 + 0.019995 = 0.020102
        config = QuoteConfig(model="as", gamma=0.05)
        quote = compute_quote(config, INPUTS)
        assert quote.half_spread_bps == pytest.approx(2.0102, abs=1e-4)
        assert prices(quote) == (D("99.979"), D("100.021"))
        # four coins long, γσ²τ·q = 0.05·0.0085616·4 = 0.0017123
        assert compute_quote(config, holding("4")).reservation_price == pytest.approx(99.9982877)

    def test_tilt_moves_towards_the_target(self) -> None:
        quote = compute_quote(FIXED, replace(INPUTS, target_ratio=-0.25))  # short wanted: down by 0.25·0.5·8 bps
        assert prices(quote) == (D("99.910"), D("100.070"))
        assert named(quote, 1)["funding_tilt"] == pytest.approx(-1.0)
        at_target = compute_quote(FIXED, holding("-1.25", target_ratio=-0.25))
        assert prices(at_target) == (D("99.920"), D("100.080"))

    def test_microprice_is_its_own_component(self) -> None:
        # (99.99·1 + 100.01·3)/4 = 100.005: half a bp above the mid
        quote = compute_quote(replace(FIXED, fair="microprice"), INPUTS)
        assert quote.fair == pytest.approx(100.005)
        assert named(quote)["fair"] == pytest.approx(0.5)
        assert prices(quote) == (D("99.925"), D("100.085"))
        no_sizes = replace(TICKER, bid_size=None)
        assert compute_quote(replace(FIXED, fair="microprice"), replace(INPUTS, ticker=no_sizes)).fair == 100

    def test_minimum_spread_and_fee_floor(self) -> None:
        narrow = replace(
            FIXED, half_spread_bps=0.2, min_spread_bps=3.0
        )  # 1.5 bps a side, but one tick outside the best
        quote = compute_quote(narrow, INPUTS)
        assert quote.half_spread_bps == pytest.approx(1.5)
        assert named(quote)["minimum_spread"] == pytest.approx(-1.3)
        costly = replace(INSTRUMENT, maker_bps=D("1.5"))  # a round trip pays 2·1.5 bps: at least 1.5 a side
        assert compute_quote(
            replace(FIXED, half_spread_bps=0.2), replace(INPUTS, instrument=costly)
        ).half_spread_bps == pytest.approx(1.5)

    def test_post_only_clamp_is_its_own_component(self) -> None:
        # quoting around a price 20 bps above the market: the bid stops one tick below the best ask
        quote = compute_quote(FIXED, replace(INPUTS, held_fair=100.2))
        assert prices(quote) == (D("100.009"), D("100.280"))
        assert quote.clamped
        assert named(quote)["held"] == pytest.approx(20)
        assert named(quote)["post_only"] == pytest.approx((100.009 - 100.12) / 100 * 1e4)
        assert prices(compute_quote(FIXED, replace(INPUTS, held_fair=99.8))) == (D("99.720"), D("99.991"))

    @pytest.mark.parametrize("model", ["glft", "as", "fixed"])
    @pytest.mark.parametrize("held_fair", [None, 100.2])
    def test_components_add_up_to_the_tick(self, model: str, held_fair: float | None) -> None:
        inputs = holding("1.2", target_ratio=0.1, held_fair=held_fair)
        quote = compute_quote(QuoteConfig(model=model, fair="microprice", min_spread_bps=7.0), inputs)
        for level in (*quote.bids, *quote.asks):
            total = 100 * (1 + math.fsum(level.components) / 1e4)
            assert round(total / 0.001) * D("0.001") == level.price


class TestLimits:
    def test_reduce_keeps_the_way_out(self) -> None:
        quote = compute_quote(FIXED, holding("4.6"))  # 460 of 500 USD
        assert quote.bids == ()
        assert quote.absent == {"bid": "inventory at 92% of the limit: from 90% on only the reducing side"}
        assert quote.asks[0].reduce_only
        assert quote.state == "reducing"
        short = compute_quote(FIXED, holding("-4.6"))
        assert (short.asks, list(short.absent)) == ((), ["ask"])
        assert short.bids[0].reduce_only

    def test_reducing_side_never_flips(self) -> None:
        small = replace(INPUTS, max_inventory_usd=D(30), inventory=D("0.29"), net_position=D("0.29"))
        assert compute_quote(FIXED, small).asks[0].size == D("0.290")  # 50 USD wanted, 29 held

    def test_pause_on_request(self) -> None:
        quote = compute_quote(replace(FIXED, on_limit="pause"), holding("4.6"))
        assert (quote.bids, quote.asks) == ((), ())
        assert quote.absent["ask"] == quote.absent["bid"] == "paused: inventory at 92% of the limit (on_limit pause)"

    def test_size_is_cut_to_the_room_left(self) -> None:
        quote = compute_quote(FIXED, holding("4.3"))  # 70 USD of room; the order of 100 USD shrinks
        big = compute_quote(replace(FIXED, size_usd=D(100)), holding("4.3"))
        assert quote.bids[0].size == D("0.500")
        assert big.bids[0].size == D("0.700")  # 70/max(mark 100, price)
        assert big.asks[0].size == D("0.999")  # 100/100.0x: the position itself closes first

    def test_the_account_binds_the_run_skews(self) -> None:
        # the run is flat, the account is at its limit through another strategy
        quote = compute_quote(FIXED, replace(INPUTS, net_position=D(5)))
        assert quote.inventory_ratio == 0
        assert quote.state == "reducing"
        assert named(quote, 1)["inventory"] == 0

    def test_small_orders_are_raised_to_the_minimum(self) -> None:
        quote = compute_quote(replace(FIXED, size_usd=D(8)), INPUTS)
        assert quote.bids[0].size == D("0.101")  # 0.1·99.92 = 9.99 is not 10 yet
        assert quote.bids[0].size * quote.bids[0].price >= 10
        assert quote.notes[0] == "bid: size raised from 8.00 to 10.09 USD, the smallest order of the market"

    def test_or_absent_where_the_limit_leaves_no_room(self) -> None:
        quote = compute_quote(FIXED, replace(INPUTS, max_inventory_usd=D(9)))
        assert (quote.bids, quote.asks) == ((), ())
        assert quote.absent["bid"] == "the limit leaves 8.99 USD, less than the smallest order of 10.00 USD"


class TestNoQuote:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"bid": None, "ask": None}, "empty book: neither bid nor ask"),
            ({"bid": None}, "one-sided book: no bid"),
            ({"ask": None}, "one-sided book: no ask"),
            ({"bid": D("100.02")}, "crossed book: bid 100.02 and ask 100.01"),
            ({"bid": D("100.01")}, "locked book: bid 100.01 and ask 100.01"),
            ({"bid": D("NaN")}, "bad bid: NaN"),
            ({"ask": D("Infinity")}, "bad ask: Infinity"),
            ({"bid": D(0)}, "bad bid: 0"),
            ({"mark": D(-1)}, "bad mark: -1"),
        ],
    )
    def test_book(self, changes: dict[str, Decimal], reason: str) -> None:
        quote = compute_quote(FIXED, replace(INPUTS, ticker=replace(TICKER, **changes)))
        assert quote.absent == {"bid": reason, "ask": reason}
        assert (quote.bids, quote.asks) == ((), ())

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"sigma_annual": 0.0}, "zero volatility: sigma is 0"),
            ({"sigma_annual": math.nan}, "zero volatility: sigma is nan"),
            ({"sigma_problem": "volatility unknown"}, "volatility unknown"),
            ({"max_inventory_usd": D(0)}, "max_inventory is 0 USD"),
            ({"instrument": replace(INSTRUMENT, price_rule=PriceRule(D(0)))}, "the venue lists no tick for X-PERP (0)"),
            ({"instrument": replace(INSTRUMENT, size_step=D(0))}, "the venue lists no size step for X-PERP (0)"),
        ],
    )
    def test_inputs(self, changes: dict[str, object], reason: str) -> None:
        assert compute_quote(FIXED, replace(INPUTS, **changes)).absent["bid"] == reason

    def test_price_of_one_tick(self) -> None:
        coarse = replace(INSTRUMENT, price_rule=PriceRule(D(1)), size_step=D(1))
        ticker = replace(TICKER, bid=D(1), ask=D(2), mark=D("1.5"))
        quote = compute_quote(FIXED, replace(INPUTS, instrument=coarse, ticker=ticker))
        assert prices(quote) == (D(1), D(2))
        # 0.0001 less 8 bps of 1.5 is below zero; and held at 5 a bid is moved to one tick below the ask of 1, to 0
        low = replace(ticker, bid=D("0.5"), ask=D(1))
        for at, held in ((ticker, 0.5), (ticker, 0.0001), (low, 5.0)):
            below = compute_quote(FIXED, replace(INPUTS, instrument=coarse, ticker=at, held_fair=held))
            assert below.bids == ()
            assert below.absent["bid"] == "the bid would be less than one tick"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "magic"}, "model must be one of glft, as, fixed, not 'magic'"),
        ({"fair": "last"}, "fair"),
        ({"on_limit": "stop"}, "on_limit"),
        ({"gamma": 0.0}, "gamma must be a finite number, more than 0, not 0.0"),
        ({"gamma": math.nan}, "gamma.*nan"),
        ({"kappa_per_bp": -1.0}, "kappa_per_bp.*-1.0"),
        ({"horizon_s": math.inf}, "horizon_s.*inf"),
        ({"size_usd": D("NaN")}, "size_usd.*NaN"),
        ({"size_usd": D(0)}, "size_usd.*0"),
        ({"tilt_max": 2.0}, "tilt_max.*at most 1.*2.0"),
        ({"sigma_annual": -0.1}, "sigma_annual.*-0.1"),
        ({"volatility_window": 2}, r"volatility\.window.*2"),
        ({"min_samples": 0}, "min_samples.*0"),
    ],
)
def test_settings_are_checked_once(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        QuoteConfig(**changes)  # type: ignore[arg-type]


def view(mid: str, time_ms: int, **changes: object) -> MarketView:
    price = D(mid)
    ticker = Ticker("X-PERP", time_ms, price - D("0.01"), D(1), price + D("0.01"), D(1), price)
    base = MarketView(time_ms, INSTRUMENT, ticker, D(0), D(0), D(500))
    return replace(base, **changes)


def decided(strategy: QuoteStrategy, *views: MarketView) -> tuple[QuoteState, Decision]:
    state = strategy.initial(views[0])
    for each in views:
        state, decision = strategy.decide(state, each)
    return state, decision


class TestStrategy:
    quoter = QuoteStrategy("X-PERP", replace(FIXED, sigma_annual=0.3))

    def test_two_orders_and_everything_explained(self) -> None:
        _, decision = decided(self.quoter, view("100", 0))
        assert [(o.slot, o.side, o.price, o.post_only) for o in decision.orders] == [
            ("bid", Side.LONG, D("99.920"), True),
            ("ask", Side.SHORT, D("100.080"), True),
        ]
        explain = jsonable(decision.explain)
        assert (explain["bid"], explain["ask"], explain["mid"]) == ("99.920", "100.080", "100.00")
        assert explain["spread_bps"] == pytest.approx(16)
        assert explain["parameters"]["source"] == "profile"
        assert explain["parameters"]["sigma_source"] == "override"
        assert [c["name"] for c in explain["components"]] == list(COMPONENTS)
        assert sum(c["bid_bps"] for c in explain["components"]) == pytest.approx(-8)
        wanted = {"market", "mid", "reservation_price", "bid", "ask", "bid_size", "ask_size", "half_spread_bps"}
        wanted |= {"spread_bps", "model", "parameters", "components", "absent", "regime", "funding_tilt"}
        assert wanted | {"inventory_ratio"} <= set(explain)

    @pytest.mark.parametrize("model", ["glft", "as", "fixed"])
    @pytest.mark.parametrize("held", ["0.5", "-7"])  # 7 coins are above the limit of 500 USD: the reducing side
    @pytest.mark.parametrize("gamma", [0.05, None])
    def test_a_quote_can_be_computed_by_hand_from_what_explains_it(
        self, model: str, held: str, gamma: float | None
    ) -> None:
        config = QuoteConfig(model=model, gamma=gamma, sigma_annual=0.6, min_spread_bps=0.0)
        now = replace(view("100", 0), inventory=D(held), net_position=D(held))
        tilted = replace(now, ticker=replace(now.ticker, funding_rate=D("0.0008")))
        _, decision = decided(QuoteStrategy("X-PERP", config), tilted)
        shown = jsonable(decision.explain)
        given, numbers = shown["parameters"], shown["inputs"]
        size, kappa, sigma = (numbers[name] for name in ("size_base", "kappa_per_usd", "sigma_usd_per_sqrt_s"))
        half, power = 1 / kappa, math.e  # without risk in a fill: the limit of what follows
        if gamma is not None:
            risk = gamma * size
            half = math.log(1 + risk / kappa) / risk
            power = (1 + risk / kappa) ** (kappa / risk + 1)
        if model == "glft":
            c2 = math.sqrt(given["gamma"] / (2 * given["intensity_per_s"] * size * kappa) * power)
            half, skew = half + size / 2 * sigma * c2, sigma * c2
        elif model == "as":
            skew = given["gamma"] * sigma**2 * given["horizon_s"]
            half += size / 2 * skew
        else:
            half = numbers["mid"] * given["half_spread_bps"] / 10_000 * numbers["spread_multiplier"]
            skew = half / 2 * numbers["mid"] / numbers["max_inventory_usd"]
        assert numbers["skew_usd_per_base"] == pytest.approx(skew)
        assert numbers["target_base"] == pytest.approx(-0.25 * 0.5 * 5)  # 8 bps, 3 at least: half of the tilt of 25 %
        centre = numbers["fair"] - skew * (numbers["inventory_base"] - numbers["target_base"])
        assert shown["reservation_price"] == pytest.approx(centre)
        parts = {part["name"]: part["bid_bps"] for part in shown["components"]}
        away = sum(parts.values()) - parts["rounding"] - parts["post_only"]
        assert 100 * (1 + away / 10_000) == pytest.approx(centre - half)

    def test_a_price_of_six_figures_is_not_shortened_where_it_is_explained(self) -> None:
        _, decision = decided(self.quoter, view("113456.5", 0))
        shown = show_text(decision.explain, (), ladder=False, explain=True)
        assert "input    fair 113456.5" in shown.splitlines()

    def test_where_a_lot_skews_by_more_than_half_of_what_the_model_bears_the_formula_says_so(self) -> None:
        # 10 lots of 50 USD, 1/κ = 2 bps: at 2.4 half-spreads of skew a lot moves by 0.48 bps, κ of which is 0.24
        for skew, exact in ((2.4, False), (5.2, True)):  # 1.04 bps, 0.52
            quoter = QuoteStrategy("X-PERP", QuoteConfig(sigma_annual=0.3, skew_at_limit=skew))
            _, decision = decided(quoter, view("100", 0))
            assert ("exact inside the limit" in decision.explain.formula) is exact

    def test_what_was_not_computed_has_no_inputs(self) -> None:
        seen = view("100", 0)
        one_sided = replace(seen, ticker=replace(seen.ticker, ask=None))
        unknown = QuoteStrategy("X-PERP", FIXED)  # no volatility after one sample
        for quoter, at in ((self.quoter, one_sided), (unknown, seen)):
            _, decision = decided(quoter, at)
            assert (decision.orders, decision.explain.inputs) == ((), None)
        assert decided(self.quoter, seen)[1].explain.inputs is not None

    def test_one_sample_quotes_nothing_two_take_the_default(self) -> None:
        plain = QuoteStrategy("X-PERP", FIXED)
        _, first = decided(plain, view("100", 0))
        assert first.orders == ()
        assert first.absent["bid"] == "volatility unknown: 1 of at least 2 samples seen"
        _, second = decided(plain, view("100", 0), view("100", 3000))
        assert len(second.orders) == 2
        assert second.explain.parameters.sigma_source == "default (2 of 20 samples)"
        assert second.explain.regime == "medium"  # the default of 0.5
        _, shown = decided(QuoteStrategy("X-PERP", replace(FIXED, min_samples=1)), view("100", 0))
        assert len(shown.orders) == 2

    def test_a_full_window_that_never_moved_has_the_volatility_of_one_tick(self) -> None:
        """0.001 of 100 in 57 s: 0.00001/7.5498·5,615.69 = 0.74 % a year."""
        _, decision = decided(QuoteStrategy("X-PERP", FIXED), *(view("100", 3000 * n) for n in range(20)))
        assert len(decision.orders) == 2
        given = decision.explain.parameters
        assert given.sigma_annual_pct == pytest.approx(0.7438, abs=1e-4)
        assert given.sigma_source == "floor of one tick in 20 samples"
        assert decision.notes == (
            "volatility 0.74% a year is below 5%: check its unit (percent a year) and the market",
        )

    def test_fair_is_held_within_the_threshold(self) -> None:
        _, near = decided(self.quoter, view("100", 0), view("100.05", 3000))  # 5 bps is not more than 5
        assert near.explain.reservation_price == 100  # 8 bps of 100.05 around the held 100: 99.91996, 100.08004
        assert [o.price for o in near.orders] == [D("99.919"), D("100.081")]
        _, far = decided(self.quoter, view("100", 0), view("100.06", 3000))
        assert [o.price for o in far.orders] == [D("99.979"), D("100.141")]  # 100.06 ∓ 8 bps = 99.97995, 100.14005

    def test_inventory_acts_while_the_fair_price_is_held(self) -> None:
        _, decision = decided(
            self.quoter, view("100", 0), view("100.02", 3000, inventory=D("2.5"), net_position=D("2.5"))
        )
        # ratio 2.5·100.02/500 = 0.5001, half 0.080016: shift −0.0200; around the held 100, not 100.02
        assert [o.price for o in decision.orders] == [D("99.899"), D("100.061")]

    def test_a_held_price_that_would_take_is_given_up(self) -> None:
        narrow = QuoteStrategy("X-PERP", replace(FIXED, sigma_annual=0.3, half_spread_bps=2.0))
        state, decision = decided(narrow, view("100", 0), view("100.04", 3000))
        # the held ask of 100.02 is below the best bid of 100.03: quote around the new mid instead
        assert [o.price for o in decision.orders] == [D("100.019"), D("100.061")]
        assert state.quoted_mid == 100.04

    def test_a_fill_refreshes(self) -> None:
        state, _ = decided(self.quoter, view("100", 0))
        fill = OwnFill(1, "bid", Side.LONG, D("99.92"), D("0.1"), D(0), 1000)
        state, trips = self.quoter.on_fill(state, fill)
        assert trips == ()
        _, decision = self.quoter.decide(state, view("100.03", 3000))
        assert decision.orders[0].price == D("99.949")  # 100.03 − 8 bps

    def test_jump_is_not_quoted_until_confirmed(self) -> None:
        state, decision = decided(self.quoter, view("100", 0), view("121", 3000))
        assert decision.orders == ()
        assert "jumped +21.0%" in decision.absent["bid"]
        _, confirmed = self.quoter.decide(state, view("121", 6000))
        assert len(confirmed.orders) == 2

    @pytest.mark.parametrize("change", [{"bid": None}, {"bid": D(200)}, {"ask": None, "bid": None}])
    def test_bad_books_teach_the_estimator_nothing(self, change: dict[str, Decimal | None]) -> None:
        good, bad = view("100", 0), view("100", 3000)
        state, decision = decided(self.quoter, good, replace(bad, ticker=replace(bad.ticker, **change)))
        assert decision.orders == ()
        assert set(decision.absent) == {"bid", "ask"}
        assert len(state.volatility.samples) == 1
        assert state.quoted_mid == 100

    def test_funding_tilts_and_estimates_do_not(self) -> None:
        paying = replace(view("100", 0).ticker, funding_rate=D("0.0013"))  # 13 bps: the whole tilt, −0.25
        _, decision = decided(self.quoter, view("100", 0, ticker=paying))
        assert decision.explain.funding_tilt == pytest.approx(-0.25)
        assert [o.price for o in decision.orders] == [D("99.910"), D("100.070")]
        _, plain = decided(self.quoter, view("100", 0, ticker=replace(paying, funding_estimated=True)))
        assert plain.explain.funding_tilt == 0

    def test_absurd_units_stop_the_start_and_only_silence_a_loop(self) -> None:
        absurd = QuoteStrategy("X-PERP", QuoteConfig(model="as", kappa_per_bp=0.00015, sigma_annual=0.5))
        with pytest.raises(UnitsError):
            absurd.initial(view("100", 0))
        one_sided = replace(view("100", 0).ticker, bid=None)  # without a price nothing can be said of it yet
        assert absurd.initial(view("100", 0, ticker=one_sided)) == QuoteState()
        _, decision = absurd.decide(QuoteState(), view("100", 0))
        assert decision.orders == ()
        assert "not in the units of the formula" in decision.absent["bid"]

    def test_state_survives_a_restart(self) -> None:
        state, _ = decided(self.quoter, *(view(str(100 + n % 3), 3000 * n) for n in range(25)))
        saved = json.loads(json.dumps(self.quoter.dump(state)))
        assert self.quoter.load(saved) == state
        assert self.quoter.load(json.loads(json.dumps(self.quoter.dump(QuoteState())))) == QuoteState()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"volatility": None}, "volatility is None"),
            ({"quoted_mid": -1}, "quoted_mid is -1"),
            ({"quoted_fair": None}, "quoted_fair is None"),
            ({"quoted_fair": "1"}, "quoted_fair is '1'"),
        ],
    )
    def test_half_written_state_is_refused(self, change: dict[str, object], words: str) -> None:
        saved = {**self.quoter.dump(QuoteState(VolatilityState(), 100.0, 100.0)), **change}
        with pytest.raises(ConfigError, match=words):
            self.quoter.load(saved)


def test_sigma_prefers_override_then_estimate_then_default() -> None:
    full = load({"samples": [[0, 1.0], [1, 2.0]], "annual": 0.7, "regime": "low"})
    assert choose_sigma(replace(FIXED, sigma_annual=0.2), full).annual == 0.2
    estimated = choose_sigma(FIXED, full)
    assert (estimated.annual, estimated.regime, estimated.source) == (0.7, "low", "estimated (2 samples)")
    default = choose_sigma(FIXED, replace(full, annual=None))
    assert (default.annual, default.regime) == (0.5, "medium")
    assert choose_sigma(replace(FIXED, sigma_annual=0.0), full).problem == "zero volatility: sigma is 0 (override)"


@pytest.mark.parametrize(("mid", "expected"), [(100.05, False), (100.0501, True), (99.94, True), (100.0, False)])
def test_should_requote(mid: float, expected: bool) -> None:
    assert should_requote(mid, 100.0, 5.0) is expected
