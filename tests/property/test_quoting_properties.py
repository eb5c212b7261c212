"""What holds for every quote, whatever the market, the inventory and the settings."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from pfmm.errors import UnitsError
from pfmm.model.encoding import jsonable
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.plan import MarketView
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.quoting import QuotedLevel, QuoteInputs, compute_quote
from pfmm.strategy.quote.spread import avellaneda_stoikov, fixed, glft
from pfmm.strategy.quote.strategy import QuoteStrategy
from pfmm.strategy.volatility import REGIMES, VolatilityState, dump, load, observe
from tests.examples import examples

D = Decimal
LIMIT = D(500)

models = st.sampled_from(["glft", "as", "fixed"])
positives = st.floats(1e-4, 1e4)


@st.composite
def markets(draw: st.DrawFn) -> tuple[Instrument, Ticker]:
    """A market from fractions of a cent to six figures, with a tick of a tenth to ten bps and a spread of ticks."""
    figures = draw(st.sampled_from([None, 5]))
    magnitude = draw(st.integers(-4, 5))
    unit = D(1).scaleb(magnitude - 4)
    rule = PriceRule(unit, figures)
    start = D(draw(st.integers(10_000, 99_000))) * unit
    tick = rule.tick_at(start)
    bid = start // tick * tick
    ask = bid + tick * draw(st.integers(1, 30))
    step = D(1).scaleb(-magnitude - draw(st.integers(2, 4)))
    maker = D(draw(st.integers(-3, 3)))
    instrument = Instrument("X-PERP", "crypto", rule, step, D(draw(st.sampled_from([0, 1, 10]))), 50, maker, D(5), 8)
    return instrument, Ticker("X-PERP", 0, bid, D(1), ask, D(draw(st.integers(1, 9))), (bid + ask) / 2)


@st.composite
def quotes(draw: st.DrawFn) -> tuple[QuoteConfig, QuoteInputs]:
    instrument, ticker = draw(markets())
    config = QuoteConfig(
        model=draw(models),
        skew_at_limit=draw(st.floats(0.1, 3.0)),
        gamma=draw(st.none() | st.floats(0.001, 1.0)),
        kappa_per_bp=draw(st.floats(0.01, 10.0)),
        intensity_per_s=draw(st.floats(0.01, 100.0)),
        half_spread_bps=draw(st.floats(0.01, 100.0)),
        min_spread_bps=draw(st.floats(0.0, 20.0)),
        fair=draw(st.sampled_from(["mid", "microprice"])),
        size_usd=D(draw(st.integers(1, 400))),
    )
    mid = ticker.mid
    assert mid is not None
    held = draw(st.none() | st.floats(0.995, 1.005))
    inputs = QuoteInputs(
        instrument=instrument,
        ticker=ticker,
        inventory=position(draw(st.floats(-1.5, 1.5)), mid),
        net_position=position(draw(st.floats(-1.2, 1.2)), mid),
        max_inventory_usd=LIMIT,
        sigma_annual=draw(st.floats(0.01, 5.0)),
        regime=draw(st.sampled_from(REGIMES)),
        target_ratio=draw(st.floats(-0.25, 0.25)),
        held_fair=None if held is None else float(mid) * held,
        levels=tuple((10.0 * i, 1 + D(i) / 2) for i in range(draw(st.integers(1, 3)))),
        numbered=True,
    )
    return config, inputs


def position(ratio: float, mid: Decimal) -> Decimal:
    return (D(repr(ratio)) * LIMIT / mid).quantize(D("1e-8"))


def total(level: QuotedLevel) -> float:
    return math.fsum(level.components)


@examples(50, 100)
@given(quotes())
def test_bid_below_ask_and_never_through_the_market(case: tuple[QuoteConfig, QuoteInputs]) -> None:
    quote = compute_quote(*case)
    ticker = case[1].ticker
    assert ticker.bid is not None
    assert ticker.ask is not None
    for bid in quote.bids:
        assert bid.price < ticker.ask
        assert all(bid.price < ask.price for ask in quote.asks)
    for ask in quote.asks:
        assert ask.price > ticker.bid
    for levels, sign in ((quote.bids, -1), (quote.asks, 1)):
        for inner, outer in pairwise(levels):
            assert sign * (outer.price - inner.price) > 0


@examples(50, 100)
@given(quotes())
def test_prices_and_sizes_are_the_venues(case: tuple[QuoteConfig, QuoteInputs]) -> None:
    config, inputs = case
    quote = compute_quote(config, inputs)
    for level in (*quote.bids, *quote.asks):
        assert level.price % inputs.instrument.price_rule.tick_at(level.price) == 0
        assert level.size % inputs.instrument.size_step == 0
        assert level.size > 0
        assert level.size * level.price >= inputs.instrument.min_notional
    for side, levels in (("bid", quote.bids), ("ask", quote.asks)):
        assert levels or quote.absent[side]  # a side that is not there says why


@examples(50, 100)
@given(quotes())
def test_components_add_up_to_the_tick(case: tuple[QuoteConfig, QuoteInputs]) -> None:
    quote = compute_quote(*case)
    assert quote.mid is not None
    for level in (*quote.bids, *quote.asks):
        exact = float(quote.mid) * (1 + total(level) / 1e4)
        tick = case[1].instrument.price_rule.tick_at(level.price)
        assert round(exact / float(tick)) * tick == level.price


@examples(50, 100)
@given(quotes())
def test_rounding_never_improves_a_price_against_us(case: tuple[QuoteConfig, QuoteInputs]) -> None:
    quote = compute_quote(*case)
    for level in quote.bids:
        assert level.components[-1] <= 1e-6  # float noise of 12 figures is 1e-8 bps
    for level in quote.asks:
        assert level.components[-1] >= -1e-6


@examples(50, 100)
@given(quotes())
def test_a_quote_never_passes_the_limit_or_flips_when_reducing(case: tuple[QuoteConfig, QuoteInputs]) -> None:
    config, inputs = case
    quote = compute_quote(config, inputs)
    for levels, sign in ((quote.bids, 1), (quote.asks, -1)):
        along = inputs.net_position * sign
        closing, worth = max(-along, D(0)), max(along, D(0)) * inputs.ticker.mark
        for level in levels:
            closed = min(closing, level.size)
            closing -= closed
            worth += (level.size - closed) * max(level.price, inputs.ticker.mark)
        assert not levels or worth <= inputs.max_inventory_usd
        if any(level.reduce_only for level in levels):
            assert sum(level.size for level in levels) <= -along


@examples(50, 100)
@given(quotes(), st.floats(0.01, 0.5))
def test_both_sides_fall_as_inventory_rises(case: tuple[QuoteConfig, QuoteInputs], more: float) -> None:
    config, inputs = case
    mid = inputs.ticker.mid
    assert mid is not None
    longer = replace(inputs, inventory=inputs.inventory + position(more, mid))
    before, after = compute_quote(config, inputs), compute_quote(config, longer)
    assert before.reservation_price is not None
    assert after.reservation_price is not None
    assert after.reservation_price <= before.reservation_price
    for old, new in ((before.bids, after.bids), (before.asks, after.asks)):
        if old and new:
            assert new[0].price <= old[0].price
    # strictly, before rounding and as long as the article's rule has not reached its end
    if config.model != "fixed" or abs(float(longer.inventory * mid / LIMIT)) < 1 > abs(
        float(inputs.inventory * mid / LIMIT)
    ):
        assert after.reservation_price < before.reservation_price


@examples(50, 100)
@given(quotes())
def test_long_and_short_are_mirror_images(case: tuple[QuoteConfig, QuoteInputs]) -> None:
    config, inputs = case
    config = replace(config, fair="mid")
    inputs = replace(inputs, held_fair=None)
    mirrored = replace(
        inputs, inventory=-inputs.inventory, net_position=-inputs.net_position, target_ratio=-inputs.target_ratio
    )
    one, other = compute_quote(config, inputs), compute_quote(config, mirrored)
    assert one.mid is not None
    assert one.reservation_price is not None
    assert other.reservation_price is not None
    mid = float(one.mid)
    assert math.isclose(one.reservation_price - mid, mid - other.reservation_price, rel_tol=1e-6, abs_tol=1e-9 * mid)
    # the finite solution adds the same terms from the other end: alike but for the last bit
    assert math.isclose(one.half_spread_bps, other.half_spread_bps, rel_tol=1e-12)
    assert one.state == other.state


@examples(50, 100)
@given(positives, positives, positives, positives, st.floats(1.001, 10.0), models)
def test_spread_grows_with_sigma(
    size: float, gamma: float, kappa: float, sigma: float, factor: float, model: str
) -> None:
    try:
        if model == "fixed":
            calm = fixed(mid=100, half_spread_bps=8, multiplier=1.0, limit_usd=500)
            wild = fixed(mid=100, half_spread_bps=8, multiplier=factor, limit_usd=500)
        elif model == "as":
            calm = avellaneda_stoikov(size=size, gamma=gamma, kappa=kappa, sigma=sigma, horizon_s=300)
            wild = avellaneda_stoikov(size=size, gamma=gamma, kappa=kappa, sigma=sigma * factor, horizon_s=300)
        else:
            calm = glft(size=size, gamma=gamma, kappa=kappa, sigma=sigma, intensity=1)
            wild = glft(size=size, gamma=gamma, kappa=kappa, sigma=sigma * factor, intensity=1)
    except UnitsError:
        assume(False)
    assert wild.half >= calm.half
    assert wild.half_volatility > calm.half_volatility
    assert wild.skew > calm.skew


@examples(50, 100)
@given(st.floats(1e-4, 10), st.floats(1e-3, 10), st.floats(1e-2, 100), st.floats(1e-2, 100), st.floats(1.01, 10.0))
def test_spread_grows_with_gamma_where_price_risk_dominates(
    size: float, gamma: float, kappa: float, sigma: float, factor: float
) -> None:
    """γ widens by risk and narrows by (1/γΔ)·ln(1 + γΔ/κ), whose slope in γΔ is at most 1/(2κ²): price risk wins
    for A-S where σ²τ ≥ 1/κ², and for GLFT where σκ²·√(e/(2AΔκγ)) ≥ 2 up to the larger γ. Elsewhere neither model
    promises it; the skew grows everywhere."""
    horizon, intensity = 300.0, 1.0
    wider = gamma * factor
    calm = avellaneda_stoikov(size=size, gamma=gamma, kappa=kappa, sigma=sigma, horizon_s=horizon)
    bold = avellaneda_stoikov(size=size, gamma=wider, kappa=kappa, sigma=sigma, horizon_s=horizon)
    assert bold.skew > calm.skew
    if sigma**2 * horizon * kappa**2 >= 1:
        assert bold.half >= calm.half * (1 - 1e-12)
    calm = glft(size=size, gamma=gamma, kappa=kappa, sigma=sigma, intensity=intensity)
    bold = glft(size=size, gamma=wider, kappa=kappa, sigma=sigma, intensity=intensity)
    assert bold.skew > calm.skew
    if sigma * kappa**2 * math.sqrt(math.e / (2 * intensity * size * kappa * wider)) >= 2:
        assert bold.half >= calm.half * (1 - 1e-12)


@examples(50, 100)
@given(quotes(), st.sampled_from(["sigma", "tick", "step", "bid", "ask", "crossed"]))
def test_what_cannot_be_quoted_says_so_and_never_raises(case: tuple[QuoteConfig, QuoteInputs], broken: str) -> None:
    config, inputs = case
    ticker, instrument = inputs.ticker, inputs.instrument
    changes = {
        "sigma": {"sigma_annual": 0.0},
        "tick": {
            "instrument": replace(instrument, price_rule=PriceRule(D(0), instrument.price_rule.significant_figures))
        },
        "step": {"instrument": replace(instrument, size_step=D(0))},
        "bid": {"ticker": replace(ticker, bid=None)},
        "ask": {"ticker": replace(ticker, ask=None)},
        "crossed": {"ticker": replace(ticker, bid=ticker.ask, ask=ticker.bid)},
    }
    quote = compute_quote(config, replace(inputs, **changes[broken]))
    assert (quote.bids, quote.asks) == ((), ())
    assert all(quote.absent[side] for side in ("bid", "ask"))


@examples(50, 100)
@given(st.lists(st.tuples(st.integers(1, 100_000), st.floats(-0.3, 0.3)), max_size=60), st.integers(3, 25))
def test_estimator_is_a_fold_that_survives_any_restart(steps: list[tuple[int, float]], window: int) -> None:
    time_ms, mid, through, restarted = 0, 100.0, VolatilityState(), VolatilityState()
    for wait_ms, move in steps:
        time_ms += wait_ms
        mid *= 1 + move
        through = observe(through, time_ms, mid, window=window)
        restarted = load(json.loads(json.dumps(dump(observe(restarted, time_ms, mid, window=window)))))
        assert observe(through, time_ms, mid, window=window) == through  # the same look twice teaches nothing
    assert restarted == through
    assert len(through.samples) <= window


@examples(40, 100)
@given(quotes(), st.booleans(), st.floats(-0.004, 0.004), st.floats(-0.8, 0.8))
def test_decide_is_deterministic_and_survives_a_restart(
    case: tuple[QuoteConfig, QuoteInputs], ladder: bool, move: float, ratio: float
) -> None:
    config, inputs = replace(case[0], sigma_annual=0.5), case[1]
    mid = inputs.ticker.mid
    assert mid is not None
    strategy = LadderStrategy("X-PERP", config, LadderConfig(levels=3)) if ladder else QuoteStrategy("X-PERP", config)
    held = position(ratio, mid)
    first = MarketView(0, inputs.instrument, inputs.ticker, held, held, LIMIT)
    state, _ = strategy.decide(strategy.initial(first), first)
    tick = inputs.instrument.price_rule.tick_at(mid)
    shift = D(round(float(mid) * move / float(tick))) * tick
    assert inputs.ticker.bid is not None
    assert inputs.ticker.ask is not None
    moved = replace(inputs.ticker, time_ms=3000, bid=inputs.ticker.bid + shift, ask=inputs.ticker.ask + shift)
    second = replace(first, time_ms=3000, ticker=moved)
    after, decision = strategy.decide(state, second)
    assert strategy.decide(strategy.load(json.loads(json.dumps(strategy.dump(state)))), second) == (after, decision)
    again, repeated = strategy.decide(after, second)  # the same look again wants the same orders
    assert (again, repeated.orders) == (after, decision.orders)
    jsonable(decision.explain)  # raises for NaN and infinity
    for order in decision.orders:
        assert order.post_only
