"""From a strategy's name and the settings to the run that the engine takes: the same for start, dry run and backtest.

What the strategy needs measured is measured first, and again while the run goes on. Layer: app.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from pfmm.app.measuring import Measurements
from pfmm.engine.report import Limits, RunSpec
from pfmm.strategy.base import Kind, Measured

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.config.values import Settings, StrategySettings
    from pfmm.engine.engine import Engine
    from pfmm.model.market import Instrument, Ticker
    from pfmm.model.plan import MarketView
    from pfmm.model.run import Run
    from pfmm.ports import Venue
    from pfmm.strategy.base import AtStart


class Place(Protocol):
    """Where runs trade, and with which settings: a session, or the simulated venue of a backtest."""

    @property
    def venue(self) -> Venue: ...
    @property
    def settings(self) -> Settings: ...


def run_spec(settings: StrategySettings, kind: Kind, market: str, measured: Measured) -> RunSpec:
    """The run of a strategy on one market; `config` keeps the settings that its resting orders stand for."""
    built = kind.assembled(market, settings.values, measured)
    run = settings.run
    limits = Limits(
        max_inventory_usd=run.max_inventory_usd,
        max_loss_usd=run.max_loss_usd,
        stale_after_ms=round(run.stale_after_s * 1000),
        tolerance=built.tolerance,
        keep_on_bad_data=kind.keep_on_bad_data,
    )
    adopts = run.position == "adopt"
    return RunSpec(built.strategy, built.config, limits, built.defaults, kind.free, kind.replaced, adopts)


class Runs:
    """Builds the runs of one start, or of one backtest, and keeps what is fitted for them young."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._measurements = Measurements()

    def spec(self, place: Place, instrument: Instrument, run: Run | None) -> tuple[RunSpec, tuple[str, ...]]:
        """The market's run as the engine takes it, and what it will do other than its settings say; `run` is the open
        run to carry on, None for a new one.

        Raises RiskRefused for a new run that its own limits could never let work, before anything is sent.
        """
        kind, market, venue = self._kind, instrument.market, place.venue
        settings = place.settings.for_run(kind, market)
        needs = kind.needs(settings.values)
        look = venue.state([market]) if run is None and (kind.checks_start or any(needs)) else None
        now_ms = look.time.time_ms if look is not None else venue.time().time_ms if needs.fit else 0
        measured = self._measurements.first(venue, settings, market, needs, run, now_ms)
        spec = run_spec(settings, kind, market, measured)
        if look is None or not kind.checks_start:
            return spec, ()
        found = at_start(kind, spec, instrument, look.tickers[0], look.account.equity)
        if found.refusal is not None:
            raise found.refusal
        return spec, found.notes

    def tend(self, place: Place, engine: Engine, now_ms: int) -> None:
        """Between two cycles, of which the last one looked at the market at `now_ms`: a new fit for the market that has
        waited longest, if any is due; at most one."""
        due = self._measurements.due(place.venue, now_ms)
        if due is None:
            return
        market, calibration = due
        values = place.settings.for_run(self._kind, market).values
        engine.replace_strategy(self._kind.build(market, values, Measured(calibration=calibration)))


def at_start(kind: Kind, spec: RunSpec, instrument: Instrument, ticker: Ticker, equity: Decimal | None) -> AtStart:
    """Why a new run could never work within its own limits or the account's equity, USD, and what it would do other
    than its settings say.

    The one home of what stands in the way of a start: `start`, its dry run, a preview and a backtest ask here.
    """
    return kind.at_start(spec.strategy, view_without_inventory(instrument, ticker, spec.limits), equity)


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


def open_run(session: Session, name: str, market: str) -> Run | None:
    """The market's open run; None without one. Makes no journal."""
    return session.journal.open_run(name, market) if session.has_journal else None
