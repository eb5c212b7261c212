"""What `quote` and `ladder` share: a market's quoting settings, their calibration, and the run they make.

Knows the session; computes no price. Fitted numbers live in the run's saved memory, so that a loop, a restart and
`--once` from cron all quote with them and ask the venue for trades again only when they are old.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.cli.output import plain
from pfmm.errors import VenueRefused, VenueUnreachable

if TYPE_CHECKING:
    from pfmm.cli.context import Session
    from pfmm.config.resolve import MarketSettings
    from pfmm.engine.engine import Engine
    from pfmm.engine.report import CycleReport, Limits, RunSpec
    from pfmm.model.market import Instrument, Trade
    from pfmm.strategy.calibration import Calibration
    from pfmm.strategy.ladder.strategy import LadderConfig
    from pfmm.strategy.quote.config import QuoteConfig

QUOTE = "quote"
LADDER = "ladder"
TRADES_SPAN_MS = 1_800_000
PAGE = 1000  # the most trades in one answer
PAGES = 4
FRESH_MS = 600_000  # fitted numbers older than this are fitted again
RETRY_MS = 120_000  # and where the market gave no fit, after this
FITS_AT_START = 10  # further markets are fitted one a cycle: no start waits for hundreds of reads
_OF_GRIDS = frozenset({"volatility.default"})
_REPLACED_IN_LADDERS = frozenset({"quote.size_usd", "quote.drift_bps"})  # by ladder.size_usd and ladder.threshold_bps
# how soon an order follows, not where it rests
_FREE = frozenset({"quote.tolerance_bps", "quote.size_tolerance", "quote.min_order_age_s", "quote.calibrate"})
_FITTED = ("quote.kappa_per_bp", "quote.intensity_per_s")


def quote_config(session: Session, instrument: Instrument, kind: str = QUOTE) -> QuoteConfig:
    """The settings of one market's quotes as the pure model takes them, before any calibration."""
    from pfmm.strategy.quote.config import QuoteConfig

    market = instrument.market
    settings = session.settings.for_market(market)
    quote = settings.quote
    sigma = quote.sigma_annual_pct / 100
    told = session.settings.source("quote.sigma_annual_pct", market) == "flag"
    return QuoteConfig(
        model=quote.model,
        gamma=quote.gamma,
        kappa_per_bp=quote.kappa_per_bp,
        intensity_per_s=quote.intensity_per_s,
        sigma_annual=sigma if told else None,
        horizon_s=quote.horizon_s,
        half_spread_bps=quote.half_spread_bps,
        min_spread_bps=quote.min_spread_bps,
        size_usd=settings.ladder.size_usd if kind == LADDER else quote.size_usd,
        fair=quote.fair,
        on_limit=quote.on_limit,
        drift_bps=settings.ladder.threshold_bps if kind == LADDER else quote.drift_bps,
        funding_min_bps=settings.funding.min_bps,
        tilt_max=settings.funding.tilt_max,
        volatility_window=settings.volatility.window,
        default_sigma_annual=sigma,
        source="flag" if _flagged(session, market, quote.model) else "profile",
    )


def ladder_config(settings: MarketSettings) -> LadderConfig:
    """The settings of a ladder's levels."""
    from pfmm.strategy.ladder.strategy import LadderConfig

    ladder = settings.ladder
    return LadderConfig(levels=ladder.levels, spacing_bps=ladder.spacing_bps, growth=Decimal(repr(ladder.growth)))


def _flagged(session: Session, market: str, model: str) -> bool:
    names = ("quote.half_spread_bps",) if model == "fixed" else _FITTED
    return any(session.settings.source(name, market) == "flag" for name in names)


def wants_fit(session: Session, config: QuoteConfig, market: str) -> bool:
    """True where fitted numbers may be used: κ and A (not for a fixed half-spread) and σ; never over a flag."""
    all_told = config.source == "flag" and config.sigma_annual is not None
    return session.settings.for_market(market).quote.calibrate and not all_told


def fit(session: Session, market: str, now_ms: int) -> Calibration | None:
    """A calibration from the venue's recent trades, in at most 1 + PAGES requests; None when it serves none."""
    from pfmm.strategy.calibration import calibrate, implied_mids

    try:
        trades = _recent_trades(session, market, now_ms)
    except (VenueRefused, VenueUnreachable):
        return None  # the profile's numbers hold, and the source says so
    return replace(calibrate(trades, implied_mids(trades)), at_ms=now_ms)


def _recent_trades(session: Session, market: str, now_ms: int) -> Sequence[Trade]:
    """The newest trades of the span. A busy market's answer ends long before now: its density says where the last
    PAGES pages begin."""
    since_ms = now_ms - TRADES_SPAN_MS
    trades = session.venue.trades(market, since_ms)
    if len(trades) < PAGE:
        return trades
    per_ms = PAGE / max(trades[-1].time_ms - trades[0].time_ms, 1)
    since_ms = max(since_ms, now_ms - round((PAGES - 1) * PAGE / per_ms))
    found: list[Trade] = []
    for _ in range(PAGES):
        page = session.venue.trades(market, since_ms)
        found += page
        if len(page) < PAGE:
            break
        since_ms = page[-1].time_ms + 1
    return found


def remembered_fit(session: Session, kind: str, market: str) -> Calibration | None:
    """The calibration that the market's open run last quoted with."""
    from pfmm.strategy.calibration import load

    run = session.journal.open_run(kind, market)
    raw = None if run is None or run.memory is None else run.memory.get("calibration")
    return None if raw is None else load(raw)


def is_old(calibration: Calibration | None, now_ms: int) -> bool:
    """True when it is time for a new fit."""
    if calibration is None:
        return True
    return not 0 <= now_ms - calibration.at_ms < (FRESH_MS if calibration.fit is not None else RETRY_MS)


class Quoting:
    """Builds the runs of one `start` and keeps their calibration young while the loop waits."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._fitted = 0
        self._settings: dict[str, QuoteConfig] = {}
        self._fits: dict[str, Calibration | None] = {}
        self._tried_ms: dict[str, int] = {}

    def run_spec(self, session: Session, instrument: Instrument) -> RunSpec:
        """The market's run as the engine takes it. The journal keeps its settings, so that a restart can tell
        changed ones."""
        from pfmm.config.settings import SCHEMA
        from pfmm.engine.report import RunSpec
        from pfmm.strategy.quote.config import with_calibration

        market = instrument.market
        settings = session.settings.for_market(market)
        config = quote_config(session, instrument, self._kind)
        names = _kept_names(self._kind)
        kept = {name: _text(session.settings.value(name, market)) for name in names}
        defaults = {name: _text(SCHEMA[name].default) for name in names}
        if wants_fit(session, config, market):
            self._settings[market] = config
            calibration = self._first_fit(session, market)
            self._fits[market] = calibration
            if calibration is not None:
                config = with_calibration(config, calibration)
        strategy = build_strategy(self._kind, market, config, settings)
        return RunSpec(strategy, kept, run_limits(settings), defaults, _FREE)

    def _first_fit(self, session: Session, market: str) -> Calibration | None:
        now_ms = session.venue.time().time_ms
        calibration = remembered_fit(session, self._kind, market)
        if not is_old(calibration, now_ms) or self._fitted >= FITS_AT_START:
            return calibration
        self._fitted += 1
        self._tried_ms[market] = now_ms
        return fit(session, market, now_ms) or calibration

    def tend(self, session: Session, engine: Engine, report: CycleReport) -> None:
        """Between two cycles: a new fit for the market that has waited longest, if any is due; at most one."""
        from pfmm.strategy.quote.config import with_calibration

        now_ms = report.time.time_ms
        due = [
            market
            for market in self._settings
            if is_old(self._fits[market], now_ms) and now_ms - self._tried_ms.get(market, 0) >= RETRY_MS
        ]
        if not due:
            return
        market = min(due, key=lambda name: self._tried_ms.get(name, 0))
        self._tried_ms[market] = now_ms
        calibration = fit(session, market, now_ms)
        if calibration is None:
            return
        self._fits[market] = calibration
        config = with_calibration(self._settings[market], calibration)
        engine.replace_strategy(build_strategy(self._kind, market, config, session.settings.for_market(market)))


def build_strategy(kind: str, market: str, config: QuoteConfig, settings: MarketSettings) -> Any:
    """The pure strategy of a kind on one market."""
    from pfmm.strategy.ladder.strategy import LadderStrategy
    from pfmm.strategy.quote.strategy import QuoteStrategy

    if kind == LADDER:
        return LadderStrategy(market, config, ladder_config(settings))
    return QuoteStrategy(market, config)


def run_limits(settings: MarketSettings) -> Limits:
    """What binds a quoting run; its orders are pulled when data cannot be trusted."""
    from pfmm.engine.report import Limits
    from pfmm.model.plan import Tolerance

    quote = settings.quote
    return Limits(
        max_inventory_usd=settings.run.max_inventory_usd,
        max_loss_usd=settings.run.max_loss_usd,
        stale_after_ms=round(settings.run.stale_after_s * 1000),
        tolerance=Tolerance(
            price_bps=Decimal(repr(quote.tolerance_bps)),
            size_fraction=Decimal(repr(quote.size_tolerance)),
            min_age_ms=round(quote.min_order_age_s * 1000),
        ),
        keep_on_bad_data=False,
    )


def _kept_names(kind: str) -> list[str]:
    """The settings that make a kind's orders, by their full names."""
    from pfmm.config.settings import SCHEMA

    sections = ("quote", "funding", "volatility", *((LADDER,) if kind == LADDER else ()))
    unused = _OF_GRIDS | (_REPLACED_IN_LADDERS if kind == LADDER else frozenset())
    return [name for name in SCHEMA if name.split(".")[0] in sections and name not in unused]


def _text(value: object) -> str | None:
    return None if value is None else plain(value) if isinstance(value, Decimal) else str(value)
