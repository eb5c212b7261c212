"""The quoting strategy: what to rest now, given what it remembers and one look at the market. Pure.

It remembers the volatility estimator and the price that is being quoted around. Layer: strategy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from pfmm.errors import UnitsError
from pfmm.model.market import Instrument
from pfmm.model.plan import Decision, DesiredOrder, MarketView, OwnFill, RoundTrip
from pfmm.model.quick import quick, replace
from pfmm.strategy import calibration, volatility
from pfmm.strategy.funding import rate_tilt_ratio, ticker_tilt_ratio
from pfmm.strategy.quiet import Look, Standing
from pfmm.strategy.quote.config import QuoteConfig, Sigma, choose_sigma
from pfmm.strategy.quote.model import least_half_bps, model_spread
from pfmm.strategy.quote.quoting import (
    SINGLE_LEVEL,
    Held,
    Quote,
    QuoteInputs,
    aim_at,
    compute_quote,
    no_quote,
    posted_usd,
)
from pfmm.strategy.quote.spread import BPS, require_plausible
from pfmm.strategy.quote.standing import quotes_stay
from pfmm.strategy.saved import Saved, damaged
from pfmm.strategy.ticks import float_of
from pfmm.strategy.volatility import VolatilityState

if TYPE_CHECKING:
    from pfmm.strategy.explained import QuoteExplained


@quick(frozen=True, slots=True)
class QuoteState:
    """What survives between cycles: the estimator, and the mid and fair price (USD) that the resting quotes are
    built around; None when the next decision starts from the current ones."""

    volatility: VolatilityState = field(default_factory=VolatilityState)
    quoted_mid: float | None = None
    quoted_fair: float | None = None


@dataclass(frozen=True, slots=True)
class QuoteStrategy:
    """Quotes one market on both sides. Implements `ports.Strategy`; slots are "bid" and "ask", or "bid:0" and so on
    where the `levels` (extra offset in bps, size factor) are `numbered`."""

    market: str
    config: QuoteConfig
    levels: tuple[tuple[float, Decimal], ...] = SINGLE_LEVEL
    numbered: bool = False
    kind: str = "quote"

    def initial(self, view: MarketView) -> QuoteState:
        """Return the empty state. Raises UnitsError when the settings make no sense at this market's price.

        The error comes at the start, so that it is not met in the loop.
        """
        mid = view.ticker.mid
        if mid is not None and mid.is_finite() and mid > 0 and view.max_inventory_usd > 0:
            sigma = self.config.sigma_annual or self.config.default_sigma_annual
            price, limit = float(mid), float(view.max_inventory_usd)
            least_bps = least_half_bps(self.config, view.instrument)
            model = model_spread(self.config, sigma, volatility.REGIMES[0], price, limit, least_bps)
            require_plausible(model.half, price)
        return QuoteState()

    def on_fill(self, state: QuoteState, fill: OwnFill) -> tuple[QuoteState, tuple[RoundTrip, ...]]:  # noqa: ARG002 - any fill of ours means the same: quote afresh
        """Forget the held price: after a fill the next decision quotes around the current one."""
        return QuoteState(state.volatility), ()

    def decide(self, state: QuoteState, view: MarketView) -> tuple[QuoteState, Decision]:
        """Decide on one quote.

        The fair price is held until the mid has drifted more than `drift_bps` from the quoted mid, a fill, or the held
        price would touch the opposite best; inventory, regime, tilt and limits act at once.
        """
        state, problem = self._observed(state, view)
        sigma = choose_sigma(self.config, state.volatility)
        tilt = ticker_tilt_ratio(view.ticker, min_bps=self.config.funding_min_bps, tilt_max=self.config.tilt_max)
        held = self._held_fair(state, view)
        inputs = self._inputs(view, sigma, tilt, held)
        quote = self._quote(inputs, problem)
        if held is not None and quote.clamped:
            held = None
            inputs = replace(inputs, held_fair=None)
            quote = self._quote(inputs, problem)
        if held is None and quote.fair is not None and quote.mid is not None:
            state = QuoteState(state.volatility, float(quote.mid), quote.fair)
        orders = tuple(
            DesiredOrder(each.slot, each.side, each.price, each.size, each.reduce_only)
            for each in (*quote.bids, *quote.asks)
        )
        explaining = partial(self._explained, sigma, quote, inputs)
        return state, Decision(orders, absent=quote.absent, notes=quote.notes, explaining=explaining)

    def _explained(self, sigma: Sigma, quote: Quote, inputs: QuoteInputs) -> QuoteExplained:
        from pfmm.strategy.quote.explain import explain_quote

        return explain_quote(self.market, self.config, sigma, quote, inputs)

    def dump(self, state: QuoteState) -> Mapping[str, Any]:
        """Write the state as JSON-ready values, with the calibration that is quoted with.

        Whoever builds the strategy again takes it from there while it is young.
        """
        fitted = self.config.calibration
        return {
            "volatility": volatility.dump(state.volatility),
            "quoted_mid": state.quoted_mid,
            "quoted_fair": state.quoted_fair,
            "calibration": None if fitted is None else calibration.dump(fitted),
        }

    def load(self, raw: Mapping[str, Any]) -> QuoteState:
        """Read the state that `dump` wrote. Raises ConfigError naming the field that is missing or wrong."""
        saved = Saved(raw, "quote")
        mid, fair = saved.number("quoted_mid", zero=False), saved.number("quoted_fair", zero=False)
        if (mid is None) != (fair is None):
            raise damaged("quote", f"quoted_mid is {mid} but quoted_fair is {fair}")
        return QuoteState(volatility.load(saved.mapping("volatility")), mid, fair)

    def stays(self, state: QuoteState, look: Look, standing: Standing) -> QuoteState | None:
        """Return the state after a look that surely leaves what rests as it is; None where only `decide` tells."""
        config = self.config
        if self.levels != SINGLE_LEVEL or self.numbered or state.quoted_mid is None or state.quoted_fair is None:
            return None
        if should_requote(look.mid, state.quoted_mid, config.drift_bps):
            return None
        instrument = standing.instrument
        estimator = self._estimator(state, look.time_ms, look.mid, instrument)
        sigma = choose_sigma(config, estimator)
        annual, regime = sigma.annual or 0.0, sigma.regime or volatility.REGIMES[0]
        if estimator.problem is not None or sigma.problem is not None or not 0 < annual < math.inf:
            return None
        tilt = rate_tilt_ratio(
            look.funding_rate, look.funding_interval_hours, min_bps=config.funding_min_bps, tilt_max=config.tilt_max
        )
        least_bps = least_half_bps(config, instrument)
        try:
            model = model_spread(config, annual, regime, look.mid, standing.limit_usd, least_bps)
            require_plausible(model.half, look.mid)
        except UnitsError:
            return None
        held = Held(standing.inventory, look.position, standing.limit_usd, tilt)
        aim = aim_at(
            config, model, held, mid_usd=look.mid, fair=look.mid, held_fair=state.quoted_fair, least_bps=least_bps
        )
        if not quotes_stay(aim, posted_usd(config, regime), look, standing):
            return None
        return QuoteState(estimator, state.quoted_mid, state.quoted_fair)

    def _observed(self, state: QuoteState, view: MarketView) -> tuple[QuoteState, str | None]:
        """Return the state after this look at the mid, and why the mid is not believed, if it is not."""
        ticker = view.ticker
        mid = ticker.mid
        if mid is None or ticker.bid is None or ticker.ask is None or ticker.bid >= ticker.ask:
            return state, None  # no mid to learn from; the quote says what is wrong with the book
        estimator = self._estimator(state, ticker.time_ms, float(mid), view.instrument)
        return QuoteState(estimator, state.quoted_mid, state.quoted_fair), estimator.problem

    def _estimator(self, state: QuoteState, time_ms: int, mid: float, instrument: Instrument) -> VolatilityState:
        """Return the volatility after one more mid, USD."""
        rule = instrument.price_rule
        tick = float_of(rule.unit if rule.significant_figures is None else rule.tick_at(Decimal(repr(mid))))
        return volatility.observe(state.volatility, time_ms, mid, tick=tick, window=self.config.volatility_window)

    def _held_fair(self, state: QuoteState, view: MarketView) -> float | None:
        """Return the fair price still quoted around, or None when the mid has drifted too far from the quoted mid."""
        mid = view.ticker.mid
        if mid is None or state.quoted_mid is None:
            return None
        return None if should_requote(float(mid), state.quoted_mid, self.config.drift_bps) else state.quoted_fair

    def _inputs(self, view: MarketView, sigma: Sigma, tilt: float, held: float | None) -> QuoteInputs:
        return QuoteInputs(
            instrument=view.instrument,
            ticker=view.ticker,
            inventory=view.inventory,
            net_position=view.net_position,
            max_inventory_usd=view.max_inventory_usd,
            sigma_annual=sigma.annual or 0.0,
            regime=sigma.regime or volatility.REGIMES[0],
            target_ratio=tilt,
            held_fair=held,
            levels=self.levels,
            numbered=self.numbered,
            sigma_problem=sigma.problem,
        )

    def _quote(self, inputs: QuoteInputs, problem: str | None) -> Quote:
        if problem is not None:
            return no_quote(problem, inputs.ticker.mid)
        try:
            return compute_quote(self.config, inputs)
        except UnitsError as error:  # a running loop quotes nothing and says why; other markets go on
            return no_quote(error.message, inputs.ticker.mid)


def should_requote(mid: float, quoted_mid: float, threshold_bps: float) -> bool:
    """Tell whether the mid has moved from `quoted_mid` by more than the threshold, bps: the article's rule.

    |mid − quoted_mid|/quoted_mid at 100.06 against 100 is 6 bps: with a threshold of 5, yes.
    """
    return abs(mid - quoted_mid) / quoted_mid * BPS > threshold_bps
