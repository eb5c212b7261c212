"""From a strategy's name and the settings to the run that the engine takes: the same for start, dry run and backtest.

What the strategy needs measured is measured on the venue first, and again while the run goes on. Fitted numbers live
in the run's saved memory, so that a loop, a restart and `--once` from cron all quote with them and ask for trades again
only when they are old. Layer: app.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from pfmm.engine.account_limits import AccountLimits
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import VenueRefused, VenueUnreachable
from pfmm.strategy.base import Kind, Measured
from pfmm.venue.recent import SPAN_MS, recent_trades

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.config.values import MarketSettings, RunSettings, Settings, StrategySettings
    from pfmm.engine.engine import Engine
    from pfmm.model.market import Instrument, Ticker
    from pfmm.model.plan import MarketView
    from pfmm.model.run import Run
    from pfmm.ports import Strategy, Venue
    from pfmm.strategy.base import AtStart, Needs
    from pfmm.strategy.calibration import Calibration


FRESH_MS = 60_000  # fitted numbers older than this, in venue time, are fitted again; so is a market without a fit
FITS_AT_START = 10  # further markets are fitted one a cycle: no start waits for hundreds of reads


class Place(Protocol):
    """Where runs trade, and with which settings: a session, or the simulated venue of a backtest."""

    @property
    def venue(self) -> Venue: ...
    @property
    def settings(self) -> Settings: ...


def run_spec(settings: StrategySettings, kind: Kind, market: str, measured: Measured) -> RunSpec:
    """Build the run of a strategy on one market; `config` keeps the settings that its resting orders stand for."""
    built = kind.assembled(market, settings.values, measured)
    run = settings.run
    limits = Limits(
        max_inventory_usd=run.max_inventory_usd,
        max_loss_usd=run.max_loss_usd,
        stale_after_ms=round(run.stale_after_s * 1000),
        tolerance=built.tolerance,
        keep_on_bad_data=kind.keep_on_bad_data,
    )
    return RunSpec(
        built.strategy,
        built.config,
        limits,
        built.defaults,
        kind.free,
        kind.replaced,
        adopts=run.position == "adopt",
        account=AccountLimits(run.max_total_usd, run.max_margin_pct, run.max_drawdown_pct, run.max_daily_loss_usd),
    )


@dataclass(slots=True)
class Runs:
    """Builds the runs of one start, or of one backtest, and keeps what is fitted for them young."""

    _kind: Kind
    _fitted: int = 0
    _fits: dict[str, Calibration | None] = field(default_factory=dict)
    _tried_ms: dict[str, int] = field(default_factory=dict)

    def spec(self, place: Place, instrument: Instrument, run: Run | None) -> tuple[RunSpec, tuple[str, ...]]:
        """Build the market's run as the engine takes it, with notes on what it will do other than its settings say;
        `run` is the open run to carry on, None for a new one.

        Raises RiskRefused for a new run that its own limits could never let work, before anything is sent.
        """
        kind, market, venue = self._kind, instrument.market, place.venue
        settings = place.settings.for_run(kind, market)
        needs = kind.needs(settings.values)
        look = venue.state([market]) if run is None and (kind.checks_start or any(needs)) else None
        now_ms = look.time.time_ms if look is not None else venue.time().time_ms if needs.fit else 0
        # a run that is carried on has its range already: its volatility is not measured again
        sigma = _volatility(venue, settings, market, now_ms) if needs.volatility and run is None else None
        measured = Measured(sigma, self._first_fit(venue, market, run, now_ms) if needs.fit else None)
        spec = run_spec(settings, kind, market, measured)
        spec = replace(spec, strategy=_in_session(spec.strategy, settings.run))
        if look is None or not kind.checks_start:
            return spec, ()
        found = at_start(kind, spec, instrument, look.tickers[0], look.account.equity)
        if found.refusal is not None:
            raise found.refusal
        return spec, found.notes

    def _first_fit(self, venue: Venue, market: str, run: Run | None, now_ms: int) -> Calibration | None:
        """Return what the market's quotes start with; at most FITS_AT_START markets are asked for a new fit."""
        found = _remembered(run)
        if _is_old(found, now_ms) and self._fitted < FITS_AT_START:
            self._fitted += 1
            self._tried_ms[market] = now_ms
            found = _fit(venue, market, now_ms) or found
        self._fits[market] = found
        return found

    def tend(self, place: Place, engine: Engine, now_ms: int) -> None:
        """Fit anew the market that has waited longest, if one is due: at most one between two cycles. `now_ms` is when
        the last cycle looked at the market."""
        due = self._due(place.venue, now_ms)
        if due is None:
            return
        market, calibration = due
        settings = place.settings.for_run(self._kind, market)
        fitted = self._kind.build(market, settings.values, Measured(calibration=calibration))
        engine.replace_strategy(_in_session(fitted, settings.run))

    def _due(self, venue: Venue, now_ms: int) -> tuple[str, Calibration] | None:
        """Fit anew the market that has waited longest; None where none is due or can be had."""
        due = [
            market
            for market, known in self._fits.items()
            if _is_old(known, now_ms) and now_ms - self._tried_ms.get(market, 0) >= FRESH_MS
        ]
        if not due:
            return None
        market = min(due, key=lambda name: self._tried_ms.get(name, 0))
        self._tried_ms[market] = now_ms
        found = _fit(venue, market, now_ms)
        if found is None:
            return None
        self._fits[market] = found
        return market, found


def _in_session(strategy: Strategy[Any], run: RunSettings) -> Strategy[Any]:
    """Return the strategy, kept to the hours of a market that closes. Raises UsageError for hours that are none."""
    if not run.sessions:
        return strategy
    from pfmm.strategy.sessions import InSession, hours_of

    hours = hours_of(run.sessions, run.holidays)
    return strategy if hours is None else InSession(strategy, hours)


def at_start(kind: Kind, spec: RunSpec, instrument: Instrument, ticker: Ticker, equity: Decimal | None) -> AtStart:
    """Say why a new run could never work within its own limits or the account's equity (USD), and what it would do
    other than its settings say.

    The one home of what stands in the way of a start: `start`, its dry run, a preview and a backtest ask here.
    """
    return kind.at_start(spec.strategy, view_without_inventory(instrument, ticker, spec.limits), equity)


def view_without_inventory(instrument: Instrument, ticker: Ticker, limits: Limits) -> MarketView:
    """Make the view of a run that has not traded yet."""
    from pfmm.model.plan import MarketView

    return MarketView(
        time_ms=ticker.time_ms,
        instrument=instrument,
        ticker=ticker,
        inventory=Decimal(0),
        net_position=Decimal(0),
        max_inventory_usd=limits.max_inventory_usd,
    )


def open_run(session: Session, name: str, market: str) -> Run | None:
    """Return the market's open run; None without one. Makes no journal."""
    return session.journal.open_run(name, market) if session.has_journal else None


def measured_now(
    venue: Venue, settings: MarketSettings, market: str, needs: Needs, run: Run | None, now_ms: Callable[[], int]
) -> Measured:
    """Measure, from one look, what a computation needs that is only shown.

    A fit that the open run remembers is taken while it is young, else a new one; the old one where none can be had.
    """
    sigma = _volatility(venue, settings, market, now_ms()) if needs.volatility else None
    known = _remembered(run) if needs.fit else None
    if needs.fit and _is_old(known, now_ms()):
        known = _fit(venue, market, now_ms()) or known
    return Measured(sigma, known, one_look=True)


def _volatility(venue: Venue, settings: MarketSettings, market: str, now_ms: int) -> float:
    """Measure the market's volatility over the last half hour of public trades, a fraction a year; by its candles where
    the trades are too few, and by the profile where both are."""
    from pfmm.strategy.history import volatility_of_candles, volatility_of_trades

    unknown = 0.0
    found = volatility_of_trades(recent_trades(venue, market, now_ms), unknown)
    if found != unknown:
        return found
    return volatility_of_candles(venue.candles(market, now_ms - SPAN_MS), settings.volatility.default_annual_pct / 100)


def _fit(venue: Venue, market: str, now_ms: int) -> Calibration | None:
    """Fit a calibration to the venue's recent trades; None when it serves none."""
    from pfmm.strategy.calibration import calibrate, implied_mids

    try:
        trades = recent_trades(venue, market, now_ms)
    except (VenueRefused, VenueUnreachable):
        return None  # the profile's numbers hold, and the source says so
    return replace(calibrate(trades, implied_mids(trades)), at_ms=now_ms)


def _remembered(run: Run | None) -> Calibration | None:
    """Return the calibration that an open run last quoted with."""
    from pfmm.strategy.calibration import load

    raw = None if run is None or run.memory is None else run.memory.get("calibration")
    return None if raw is None else load(raw)


def _is_old(calibration: Calibration | None, now_ms: int) -> bool:
    """Tell whether it is time for a new fit."""
    if calibration is None:
        return True
    return not 0 <= now_ms - calibration.at_ms < FRESH_MS
