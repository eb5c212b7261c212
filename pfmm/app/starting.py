"""What every way of starting shares: refuse, build, ask, hold the locks, adopt; and what the way out needs. Layer: app.

A dry run, one cycle, a loop and a detached process are the same start until the engine is built.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from pfmm.app.edge_note import edge_lines
from pfmm.app.ending import end_runs
from pfmm.app.liquidation_check import liquidation_lines
from pfmm.app.runs import Runs
from pfmm.app.wall_clock import wall_ms
from pfmm.engine.engine import Engine
from pfmm.errors import AlreadyRunning, RiskRefused
from pfmm.model.fees import Fees
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED
from pfmm.model.text import iso, plain
from pfmm.runner.locks import Heartbeat
from pfmm.strategy.base import kind_of

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.model.account import Snapshot
    from pfmm.model.deadline import Deadline
    from pfmm.model.run import Run
    from pfmm.runner.leaving import Surroundings

Tell = Callable[[str], None]
CRYPTO = "crypto"  # the category of markets that never close


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Which strategy on which markets. None means that the profile's value holds; `cycles` None: until told to stop.
    `yes_unprotected` takes a venue that grants no protection."""

    strategy: str
    markets: tuple[str, ...]
    on_exit: str | None = None
    on_restart: str | None = None
    cycles: int | None = None
    yes_unprotected: bool = False


@contextmanager
def started(
    request: StartRequest,
    *,
    session: Session,
    confirm: Confirm,
    tell: Tell,
    before_asking: Callable[[Start], None] = lambda _: None,
    before_locks: Callable[[Start], None] = lambda _: None,
) -> Iterator[Start | None]:
    """Build, ask, and hold the locks: within the block this process is the one that runs these markets.

    None where the question about real money was declined. Raises what `Start` raises, and AlreadyRunning.
    """
    begun = Start(request, session, tell)
    before_asking(begun)
    if not begun.confirmed(confirm):
        yield None
        return
    before_locks(begun)
    with begun.holding():
        yield begun


class Start:
    """One start on its way: what it would run, and the engine that it built for that. `tell` is told, a line each, what
    the runs will do other than their settings say."""

    def __init__(self, request: StartRequest, session: Session, tell: Tell, *, trades: bool = True) -> None:
        """Build the engine. `trades` is False for a start that sends nothing.

        Raises what stands in the way: CannotDoThis, Halted, UnknownMarket, RiskRefused, UsageError.
        """
        self.locks = session.locks_to_trade()
        self.request, self.session, self.kind = request, session, request.strategy
        self.runs = Runs(kind_of(request.strategy))
        self.heartbeat = Heartbeat(session.settings.general.run.interval_s)
        self._tell = tell
        self.instruments = list({one.market: one for one in map(session.as_charged, request.markets)}.values())
        self.markets = [instrument.market for instrument in self.instruments]  # in the venue's spelling
        source = session.venue_name
        self.fees = {one.market: Fees(one.maker_bps, one.taker_bps, source) for one in self.instruments}
        self.limits_usd: dict[str, Decimal] = {}  # the most that each market's run may hold
        carried_on = not trades and any(self.locks.run_lock(market, self.kind).holder() for market in self.markets)
        self._open = self._open_runs()
        self.engine = self._engine(settles=not carried_on)

    def _engine(self, *, settles: bool) -> Engine:
        session = self.session
        specs = []
        for instrument, run in zip(self.instruments, self._open, strict=True):
            spec, notes = self.runs.spec(session, instrument, run)
            specs.append(spec)
            self.limits_usd[instrument.market] = spec.limits.max_inventory_usd
            for note in notes:
                self._tell(note)
        return Engine(
            session.venue,
            session.journal,
            specs,
            {**session.instruments, **{one.market: one for one in self.instruments}},
            wall_ms=wall_ms,
            pid=os.getpid(),
            settles=settles,
        )

    def _open_runs(self) -> list[Run | None]:
        """Return the run of each market that this start would carry on; what it needs to begin depends on that."""
        journal = self.session.journal
        return [journal.open_run(self.kind, market) for market in self.markets]

    def confirmed(self, confirm: Confirm) -> bool:
        """Ask before real money moves, after the venue has shown that it serves what trading needs."""
        session = self.session
        if not session.live:
            return True
        for line in session.venue.probe(self.markets):
            self._tell(line)
        self._refuse_unknown_hours()
        new = [market for market, run in zip(self.markets, self._open, strict=True) if run is None]
        if new:
            look = session.venue.state(self.markets)
            self._settle_positions(new, look)
            told = liquidation_lines(session, self.instruments, self.limits_usd, look)
            for line in (*told, *edge_lines(session, self.kind, self.markets, self.fees)):
                self._tell(line)
        self._tell_actions()
        action = f"Start {self.kind} on {', '.join(self.markets)}"
        if not confirm(session.question(action)):
            return False
        session.renew()
        return True

    def _refuse_unknown_hours(self) -> None:
        """Raise RiskRefused where a new run would begin on a market that closes, whose hours nobody has told."""
        for instrument, run in zip(self.instruments, self._open, strict=True):
            hours = self.session.settings.for_market(instrument.market).run.sessions
            if run is None and instrument.category != CRYPTO and not hours:
                raise RiskRefused(
                    f"{instrument.market} ({instrument.category}) closes at times, and its hours are not set; nothing "
                    "was sent",
                    hint="--sessions 'mon-fri 09:30-16:00 America/New_York' (run.holidays for its holidays) ends new "
                    "risk before the close and closes what is held at it; --sessions 24x7 trades on through it",
                )

    def _settle_positions(self, new: Sequence[str], look: Snapshot) -> None:
        """Tell what of the account's position a new run takes over, and what it leaves beside it. Raise RiskRefused
        where no run ever held the latter and `run.position` does not say whose it shall be: it may be a hedge, or
        something that nobody knows of."""
        session = self.session
        left = {market: size for market in new if (size := session.journal.left_by_ended(market))}
        bases = bases_of(session, new, look)
        if left:
            self._tell(f"adopt: {_sizes(left)} that an earlier run left is the new run's, from the mark on")
        if not bases:
            return
        match session.settings.general.run.position:
            case "base":
                told = "base: the account holds {} that no run ever held: counted in the limits, never traded"
            case "adopt":
                told = "adopt: {} that no run ever held is the new run's, from the mark on: it may trade that away"
            case _:
                raise RiskRefused(
                    f"the account holds {_sizes(bases)} that no run of pfmm ever held; nothing was sent",
                    hint="--position base keeps it apart: counted in the limits, never skewed against or reduced; "
                    "--position adopt makes it the new run's, to trade; "
                    f"`pfmm flatten {next(iter(bases))}` closes it",
                )
        self._tell(told.format(_sizes(bases)))

    def _tell_actions(self) -> None:
        """Tell how long the venue's action budget lasts. Raises RiskRefused where it would be empty in a day."""
        from pfmm.app.action_forecast import forecast

        session = self.session
        journal = session.journal if session.has_journal else None
        interval_s = session.settings.general.run.interval_s
        left = session.venue.actions_left()
        told = forecast(left, journal, self.kind, self.markets, interval_s, lambda: self._guessed(interval_s))
        if told is not None:
            self._tell(told)

    def _guessed(self, interval_s: float) -> float | None:
        """Work out the order actions an hour on all markets, by the venue's candles of the last day; None where it
        shows none, and for so many cycles, which empty nothing."""
        if self.request.cycles is not None:
            return None
        from pfmm.app.action_forecast import DAY_MS, worked_out

        venue, kind = self.session.venue, kind_of(self.kind)
        since_ms = venue.time().time_ms - DAY_MS
        found = []
        for market in self.markets:
            follows = kind.follows(self.session.settings.for_run(kind, market).values)
            candles = () if follows is None else venue.candles(market, since_ms)
            found.append(worked_out(candles, follows, interval_s))
        known = [one for one in found if one is not None]
        return sum(known) if len(known) == len(found) else None

    @contextmanager
    def holding(self) -> Iterator[Engine]:
        """Make this process the one that runs these markets, within the block. Raises AlreadyRunning and Halted."""
        with self.locks.running(self.markets, self.kind, self.heartbeat):
            before, self._open = _ids(self._open), self._open_runs()
            if _ids(self._open) != before:  # ended or begun by another since: not the same start
                self.engine = self._engine(settles=True)
            yield self.engine

    def adopt(self) -> int:
        """Apply --on-restart to what an earlier process left; returns how many of its orders are taken over."""
        kind, session, engine = self.kind, self.session, self.engine
        policy = self.request.on_restart or session.settings.general.run.on_restart
        left = [run for run in self._open if run is not None]  # read under the locks: nobody has ended one since
        if not left:
            return 0
        orders = sum(len(session.journal.live_orders(run_id=run.run_id)) for run in left)
        if policy == "abort":
            raise AlreadyRunning(
                f"an earlier {kind} on {', '.join(run.market for run in left)} was not ended and left {orders} orders",
                hint=f"`pfmm {kind} stop` ends it; --on-restart adopt takes its orders over",
            )
        if policy == "cancel":
            run_ids, markets = [run.run_id for run in left], [run.market for run in left]
            with session.leaving() as deadline:
                end_runs(session, run_ids, markets, reason="restarted afresh", deadline=deadline)
            return 0
        engine.adopt()
        return orders

    def surroundings(
        self,
        waiting: Callable[[float], bool],
        running: Callable[[], AbstractContextManager[object]],
        last_interrupt: Callable[[], None],
    ) -> Surroundings:
        """Build what the way out needs of this process; see `Surroundings`."""
        from pfmm.runner.leaving import Surroundings

        session = self.session

        def close(markets: Sequence[str]) -> None:
            from pfmm.app.closing import flatten_markets

            flatten_markets(session, markets)

        return Surroundings(
            venue=session.venue,
            journal=session.journal,
            clock=partial(session.clock, waiting),
            running=running,
            leaving=self.leaving,
            close=close,
            unattended=self.unattended,
            last_interrupt=last_interrupt,
        )

    def leaving(self) -> AbstractContextManager[Deadline]:
        """Bound the session by its time to cancel and prove. The watchdog is told of it: nothing is heard meanwhile,
        nor while positions are closed after it."""
        settings = self.session.settings.general
        self.heartbeat.beat(settings.run.exit_timeout_s + settings.flatten.timeout_s)
        return self.session.leaving()

    def trip(self, reason: str, time_ms: int) -> None:
        """Set the latch of the kill switch."""
        from pfmm.runner.locks import KILL_SWITCH as HALTED_BY

        self.locks.halt(halted_by=HALTED_BY, reason=reason, since=iso(time_ms))

    def unattended(self) -> tuple[str, ...]:
        """Warn where a kill switch leaves orders of other runs that have no process, as cron's: nothing cancels them
        by itself any more, since the HALT refuses their next start."""
        journal, mine = self.session.journal, self.engine.run_ids
        attended = {(holder.market, holder.strategy) for holder in self.locks.holders()}
        left = [
            (run.kind, len(journal.live_orders(run_id=run.run_id)))
            for run in journal.runs(ended=False)
            if run.run_id not in mine and (run.market, run.kind) not in attended
        ]
        kinds = sorted({kind for kind, orders in left if orders})
        if not kinds:
            return ()
        ways = " and ".join(f"`pfmm {kind} stop`" for kind in kinds)
        return (
            f"{sum(orders for _, orders in left)} orders of runs without a process still rest; cancel them with {ways}",
        )


def bases_of(session: Session, markets: Sequence[str], look: Snapshot) -> dict[str, Decimal]:
    """Return what the account holds on these markets that no run ever held, signed base units, by a `look` at the
    venue; only markets with any."""
    held = {one.market: one.size for one in look.positions}
    found = {}
    for market in markets:
        own = (book.ledger.size for book in session.journal.books(market) if book.owner not in (ACCOUNT, UNATTRIBUTED))
        base = held.get(market, Decimal(0)) - sum(own, Decimal(0))
        if base:
            found[market] = base
    return found


def _sizes(found: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{plain(size)} {market}" for market, size in found.items())


def _ids(runs: Sequence[Run | None]) -> list[str | None]:
    return [None if run is None else run.run_id for run in runs]
