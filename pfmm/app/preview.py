"""One computation of a strategy from one look at the market, shown and not sent: `grid plan`, `quote show`. Layer: app.

Uses what a running or waiting run has measured and fitted, so that it shows what that run would want now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.app.runs import at_start, measured_now, open_run, run_spec, view_without_inventory
from pfmm.errors import AuthenticationError, ConfigError
from pfmm.strategy.base import Kind, Needs, Preview, kind_of
from pfmm.strategy.volatility import SIZE_MULTIPLIER as SIZE_MULTIPLIER  # noqa: PLC0414 - for the renderer

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.engine.report import RunSpec
    from pfmm.model.account import Snapshot
    from pfmm.model.market import Instrument
    from pfmm.model.plan import MarketView
    from pfmm.model.run import Run


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Which strategy on which market; `inventory_usd` (USD, signed) stands in for the real inventory."""

    strategy: str
    market: str
    inventory_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """What the strategy would want now. `layout` says how its explanation is drawn; `mid` is None without a bid or
    an ask; `refusal` is why a start would be refused, if so."""

    market: str
    strategy: str
    layout: str
    mid: Decimal | None
    shown: Preview
    refusal: str | None = None


def preview(request: PreviewRequest, *, session: Session) -> PreviewResult:
    """Compute what a strategy would rest now.

    Raises UnknownMarket, UsageError for settings that make no sense at this market's price, StaleData without a
    price, and what the venue's reads raise.
    """
    kind = kind_of(request.strategy)
    instrument = session.as_charged(request.market)
    if kind.reads_account:
        return _of_account(request, session, kind, instrument)
    spec = _spec(session, kind, instrument, None, lambda: session.venue.time().time_ms)
    (ticker,) = session.venue.tickers([instrument.market])
    view = view_without_inventory(instrument, ticker, spec.limits)
    shown = kind.preview_of(spec.strategy, view, None, _equity(session))
    refusal = at_start(kind, spec, instrument, ticker, None).refusal
    told = None if refusal is None else f"start would refuse: {refusal.message}"
    return PreviewResult(instrument.market, kind.name, kind.layout, ticker.mid, shown, told)


def _of_account(request: PreviewRequest, session: Session, kind: Kind, instrument: Instrument) -> PreviewResult:
    from pfmm.engine.risk import data_problem

    market = instrument.market
    snapshot = session.venue.state([market])
    ticker = snapshot.tickers[0]
    now_ms = snapshot.time.time_ms
    run = open_run(session, kind.name, market)
    spec = _spec(session, kind, instrument, run, lambda: now_ms)
    problem = data_problem(ticker, now_ms=now_ms, stale_after_ms=spec.limits.stale_after_ms, last_mid=None)
    if problem is not None:
        shown = kind.preview_problem(spec.strategy, problem)
    else:
        view = _view(request, session, instrument, snapshot, spec, run)
        memory = None if run is None else run.memory
        shown = kind.preview_of(spec.strategy, view, memory, snapshot.account.equity)
    return PreviewResult(market, kind.name, kind.layout, ticker.mid, shown)


def _equity(session: Session) -> Decimal | None:
    """Read the account's equity in USD; None without a key, which a preview of public data does not need."""
    try:
        return session.venue.account_state().equity
    except (ConfigError, AuthenticationError):
        return None


def _spec(session: Session, kind: Kind, instrument: Instrument, run: Run | None, now_ms: Callable[[], int]) -> RunSpec:
    """Build the run as a start would, from what is measured now. Public data alone gives no fit."""
    market = instrument.market
    settings = session.settings.for_run(kind, market)
    wanted = kind.needs(settings.values)
    needs = Needs(wanted.volatility, wanted.fit and kind.reads_account)
    return run_spec(settings, kind, market, measured_now(session.venue, settings, market, needs, run, now_ms))


def _view(
    request: PreviewRequest,
    session: Session,
    instrument: Instrument,
    snapshot: Snapshot,
    spec: RunSpec,
    run: Run | None,
) -> MarketView:
    """Build the market's view as the run would see it; `inventory_usd` stands in for the run's share and position
    alike."""
    from pfmm.model.plan import MarketView

    ticker, market = snapshot.tickers[0], instrument.market
    held = next((p.size for p in snapshot.positions if p.market == market), Decimal(0))
    own = held if run is None else session.journal.book(market, run.run_id).ledger.size
    if request.inventory_usd is not None:
        held = own = request.inventory_usd / (ticker.mid or ticker.mark)
    return MarketView(
        time_ms=snapshot.time.time_ms,
        instrument=instrument,
        ticker=ticker,
        inventory=own,
        net_position=held,
        max_inventory_usd=spec.limits.max_inventory_usd,
    )
