"""Show every run of one strategy: what runs, what rests, what it earned. Layer: app.

Reads through the same observation as the engine, so that orders that filled while nothing ran are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.app.session import unlisted
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import ConfigError, PfmmError, VenueUnreachable
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.model.order import Side
    from pfmm.model.plan import OwnOrder, OwnStatus
    from pfmm.model.run import Run
    from pfmm.runner.locks import Holder


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """Which strategy; `market` None: on every market with a run."""

    strategy: str
    market: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order of a run that could still fill: base units, the total and what is filled of it."""

    slot: str
    side: Side
    price: Decimal
    size: Decimal
    filled: Decimal
    status: OwnStatus
    client_order_id: str
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    """The newest run of one market. Profits in USD, inventory in base units, signed.

    `state` is running, between_runs, stopped, stale, halted or absent. `unrealized_pnl` is None without a price. `fees`
    are positive where paid, and `fees_effect` what they do to the profit: a rebate is a plus. `no_new_risk` says why
    the last cycle of an open run let only what reduces be sent.
    """

    market: str
    strategy: str
    state: str = "absent"
    pid: int | None = None
    started_at: str | None = None
    orders: tuple[OrderRow, ...] = ()
    fills: int = 0
    round_trips: int = 0
    realized_pnl: Decimal = Decimal(0)
    unrealized_pnl: Decimal | None = None
    fees: Decimal = Decimal(0)
    fees_effect: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)
    inventory: Decimal = Decimal(0)
    last_cycle_at: str | None = None
    stop_reason: str | None = None
    no_new_risk: str | None = None


@dataclass(frozen=True, slots=True)
class StatusResult:
    """One row a market, of every run that is not ended and of the last one that is."""

    venue: str
    account: str
    runs: tuple[RunRow, ...]
    warnings: tuple[str, ...] = ()


def status(request: StatusRequest, *, session: Session) -> StatusResult:
    """Read the runs of one strategy. A venue that does not answer leaves the journal's own view, with a warning.

    Raises UnknownMarket, ConfigError for a journal that cannot be used, with what the venue shows, and VenueUnreachable
    for a market that never ran here while the venue does not answer.
    """
    kind, market = request.strategy, named_market(session, request.market)
    try:
        runs = _newest(session.journal.runs(kind=kind, market=market))
    except ConfigError as error:  # the journal cannot be used: what the venue shows is said all the same
        told = "; ".join(_unknown(session, kind, market)) or "the venue shows no order with pfmm's ids there"
        raise ConfigError(f"{error.message}; {told}", hint=error.hint) from error
    holders = {(h.market, h.strategy): h for h in session.locks.holders()}
    marks: dict[str, Decimal] = {}
    speed = 1.0
    warnings: tuple[str, ...] = ()
    silent = False
    if runs:
        try:
            marks, speed, warnings = _brought_up(session, runs, holders)
        except VenueUnreachable as error:
            silent = True
            warnings = (f"{error.message}; this is the journal's own view, without what happened since",)
    if not silent:
        warnings += _unknown(session, kind, market)
    warnings += _unwatched(session, kind, holders)
    rows = [_row(session, run, holders.get((run.market, kind)), marks.get(run.market), speed) for run in runs]
    if market is not None and not rows:
        rows = [RunRow(market, kind)]
    return StatusResult(session.venue_name, session.account, tuple(rows), warnings)


def _unwatched(session: Session, kind: str, holders: Mapping[tuple[str, str], Holder]) -> tuple[str, ...]:
    """Warn of each loop whose watchdog is gone."""
    from pfmm.app.watchdog import is_there

    return tuple(
        f"the watchdog of the {kind} on {holder.market} (pid {holder.pid}) is gone: nothing cancels its orders if it "
        f"dies; `pfmm {kind} stop {holder.market}` and a new start begin another"
        for holder in holders.values()
        if holder.strategy == kind and holder.watched and not is_there(session.locks, holder.market, kind)
    )


def _unknown(session: Session, kind: str, market: str | None) -> tuple[str, ...]:
    """Warn where orders rest with pfmm's ids that this journal does not know, or where that cannot be told."""
    from pfmm.app.unknown_orders import resting_unknown, words_of

    try:
        found = resting_unknown(session, market)
    except VenueUnreachable:
        return ("whether orders rest that this journal does not know could not be read",)
    except PfmmError as error:
        return (f"whether orders rest that this journal does not know could not be read: {error.message}",)
    return (words_of(found, kind),) if found else ()


def named_market(session: Session, spelling: str | None) -> str | None:
    """Find the market that `spelling` means; None stands for all. One that ran here needs no venue to be known by, so
    that its runner can be stopped while the venue does not answer. Raises UnknownMarket and VenueUnreachable."""
    if spelling is None:
        return None
    try:
        return session.known_market(spelling)
    except VenueUnreachable:
        found = session.remembered_market(spelling)
        if found is None:
            raise
        return found


def _newest(runs: Sequence[Run]) -> list[Run]:
    """Return the newest run of each market."""
    newest: dict[str, Run] = {}
    for run in runs:
        if run.market not in newest or run.number > newest[run.market].number:
            newest[run.market] = run
    return sorted(newest.values(), key=lambda run: run.market)


def _brought_up(
    session: Session, runs: Sequence[Run], holders: dict[tuple[str, str], Holder]
) -> tuple[dict[str, Decimal], float, tuple[str, ...]]:
    """Bring the journal up to the venue: the mark price of each market, the venue's speed, and warnings."""
    from pfmm.engine.observe import observe_listed

    markets = [run.market for run in runs]
    # a live runner settles its own orders: only it knows what it has in flight
    left = [run.run_id for run in runs if (run.market, run.kind) not in holders]
    snapshot, gone = observe_listed(session.venue, session.journal, markets, left)
    return {one.market: one.mark for one in snapshot.tickers}, snapshot.time.speed, tuple(unlisted(gone))


def _row(session: Session, run: Run, holder: Holder | None, mark: Decimal | None, speed: float) -> RunRow:
    from pfmm.accounting.ledger import mark as mark_ledger

    book = session.journal.book(run.market, run.run_id)
    ledger = book.ledger
    return RunRow(
        market=run.market,
        strategy=run.kind,
        state=_state(run, holder, session, speed),
        pid=holder.pid if holder is not None else None,
        started_at=iso(run.started_ms),
        orders=tuple(_order(order) for order in session.journal.live_orders(run_id=run.run_id)),
        fills=book.fills,
        round_trips=int((run.memory or {}).get("_round_trips", 0)),
        realized_pnl=ledger.realized,
        unrealized_pnl=mark_ledger(ledger, mark) if mark is not None else None,
        fees=ledger.fees,
        fees_effect=0 - ledger.fees,
        funding=ledger.funding,
        inventory=ledger.size,
        last_cycle_at=iso(run.last_cycle_ms) if run.last_cycle_ms is not None else None,
        stop_reason=run.stop_reason,
        no_new_risk=None if run.ended_ms is not None else (run.memory or {}).get("_no_new_risk"),
    )


def _order(order: OwnOrder) -> OrderRow:
    return OrderRow(
        order.slot, order.side, order.price, order.size, order.filled, order.status, order.client_order_id,
        order.trigger_price,
    )  # fmt: skip


def _state(run: Run, holder: Holder | None, session: Session, speed: float) -> str:
    """Tell the state, from the lock that is held and what the run last wrote.

    The interval is the runner's own, which a flag may have set, in seconds of a venue that runs at `speed`."""
    if run.ended_ms is not None:
        return "halted" if run.status == "halted" else "stopped"
    if holder is None:
        if session.locks.halted() is not None:
            return "halted"
        return "between_runs" if run.status == "between_runs" else "stale"
    last = run.wall_last_cycle_ms
    if last is not None and wall_ms() - last > holder.silent_after_ms(speed):
        return "stale"
    return "running"
