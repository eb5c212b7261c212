"""From a strategy's name and the settings to the run that the engine takes: the same for start, dry run and backtest.

What the strategy needs measured is measured first. Layer: app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.app.calibrating import Fits
from pfmm.config.tables import table
from pfmm.engine.report import Limits, RunSpec
from pfmm.model.setting import defaults
from pfmm.strategy.base import Kind, Measured, kind_of

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.config.resolve import MarketSettings
    from pfmm.engine.engine import Engine
    from pfmm.errors import PfmmError
    from pfmm.model.cycle import CycleReport
    from pfmm.model.market import Instrument, Ticker
    from pfmm.model.plan import MarketView
    from pfmm.model.setting import Values


def values_of(settings: MarketSettings, kind: Kind) -> Values:
    """The values that the strategy reads on one market."""
    return settings.values((kind.name, *kind.sections))


def run_spec(settings: MarketSettings, kind: Kind, market: str, measured: Measured) -> RunSpec:
    """The run of a strategy on one market; `config` keeps the settings that its resting orders stand for."""
    return _spec_of(settings, kind, market, values_of(settings, kind), measured)


def _spec_of(settings: MarketSettings, kind: Kind, market: str, values: Values, measured: Measured) -> RunSpec:
    usual = defaults(one for section in (kind.name, *kind.sections) for one in table(section).values())
    return RunSpec(
        kind.build(market, values, measured),
        kind.kept(values),
        limits_of(settings, kind, values),
        kind.kept(usual),
        kind.free,
        kind.replaced,
    )


def limits_of(settings: MarketSettings, kind: Kind, values: Values) -> Limits:
    """What binds a run, from the process's own settings and the strategy's."""
    return Limits(
        max_inventory_usd=settings.run.max_inventory_usd,
        max_loss_usd=settings.run.max_loss_usd,
        stale_after_ms=round(settings.run.stale_after_s * 1000),
        tolerance=kind.tolerance(values),
        keep_on_bad_data=kind.keep_on_bad_data,
    )


class Runs:
    """Builds the runs of one start and keeps what is fitted for them young while the loop waits."""

    def __init__(self, name: str) -> None:
        self._kind = kind_of(name)
        self._fits = Fits(name)
        self._notes: tuple[str, ...] = ()

    def spec(self, session: Session, instrument: Instrument, *, new: bool) -> RunSpec:
        """The market's run as the engine takes it; `new` where there is no open run to carry on.

        Raises RiskRefused for a new run that its own limits could never let work, before anything is sent.
        """
        kind, market = self._kind, instrument.market
        settings = session.settings.for_market(market)
        values = values_of(settings, kind)
        sigma = None
        if new and kind.wants_volatility(values):  # an adopted run has its range already
            sigma = session.realized_volatility(market, settings.volatility.default_annual_pct / 100)
        calibration = self._fits.first(session, market) if kind.wants_fit(values) else None
        spec = _spec_of(settings, kind, market, values, Measured(sigma_annual=sigma, calibration=calibration))
        if new and kind.checks_start:
            view = flat_view(session, instrument, spec.limits)
            refusal = start_refusal(kind, spec, view, lambda: session.venue.account_state().equity)
            if refusal is not None:
                raise refusal
            self._notes += kind.notes(spec.strategy, view)
        return spec

    def take_notes(self) -> tuple[str, ...]:
        """What the runs built since the last call will do other than their settings say, to be told once."""
        notes, self._notes = self._notes, ()
        return notes

    def tend(self, session: Session, engine: Engine, report: CycleReport) -> None:
        """Between two cycles: a new fit for the market that has waited longest, if any is due; at most one."""
        due = self._fits.due(session, report.time.time_ms)
        if due is None:
            return
        market, calibration = due
        values = values_of(session.settings.for_market(market), self._kind)
        engine.replace_strategy(self._kind.build(market, values, Measured(calibration=calibration)))


def start_refusal(kind: Kind, spec: RunSpec, view: MarketView, equity: Callable[[], Decimal]) -> PfmmError | None:
    """Why a new run could never work within its own limits or the account's equity, if so.

    The one home of what stands in the way of a start: `start`, its dry run and a backtest ask here. `equity` (USD) is
    asked for only where the limits alone do not refuse.
    """
    if not kind.checks_start:
        return None
    return kind.refusal(spec.strategy, view, None) or kind.refusal(spec.strategy, view, equity())


def flat_view(session: Session, instrument: Instrument, limits: Limits) -> MarketView:
    """The market as a run without inventory sees it now: public data alone, no key needed."""
    (ticker,) = session.venue.tickers([instrument.market])
    return view_without_inventory(instrument, ticker, limits)


def view_without_inventory(instrument: Instrument, ticker: Ticker, limits: Limits) -> MarketView:
    """What a run that has not traded yet sees in this ticker."""
    from pfmm.model.plan import MarketView

    return MarketView(
        time_ms=ticker.time_ms,
        instrument=instrument,
        ticker=ticker,
        inventory=Decimal(0),
        net_position=Decimal(0),
        max_inventory_usd=limits.max_inventory_usd,
    )


def memory_of(session: Session, name: str, market: str) -> Mapping[str, Any] | None:
    """What the market's open run remembers; None without one. Makes no journal."""
    run = session.journal.open_run(name, market) if session.has_journal else None
    return None if run is None else run.memory
