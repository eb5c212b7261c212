"""One cycle, the only one there is: read, absorb, settle, decide, reconcile, risk, intent, send, record.

The live loop, `--once`, dry runs, paper, backtest and recovery all call it. It is sequence only: no maths, no
adapters, no clock of its own; venue and journal come in as ports, time comes from the venue's snapshot. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pfmm.engine.account_guard import AccountGuard
from pfmm.engine.account_limits import NO_LIMITS
from pfmm.engine.adoption import config_differences
from pfmm.engine.approval import approve
from pfmm.engine.fill_mids import read_mids
from pfmm.engine.folding import FillFolder
from pfmm.engine.guards import only_reducing, refused_by_period, unanswered
from pfmm.engine.observe import observe_listed
from pfmm.engine.position_check import later_fills
from pfmm.engine.protection import StopPlan, without_stops
from pfmm.engine.reconcile import reconcile
from pfmm.engine.report import MarketSnapshot, RunSpec
from pfmm.engine.risk import loss_problem
from pfmm.engine.run_report import report_of
from pfmm.engine.saving import RunSaver
from pfmm.engine.strategy_run import Step, StrategyRun
from pfmm.engine.submit import CLOSE_SLOT, Sender, SendNote
from pfmm.engine.unknown_orders import refuse_second
from pfmm.engine.venue_events import adopted, doubted, of_the_venue
from pfmm.errors import PfmmError, SettingsDiffer, UnknownMarket
from pfmm.model.account import VenueTime
from pfmm.model.cycle import CycleReport
from pfmm.model.event import Event
from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import Order
from pfmm.model.plan import Decision, OwnOrder, OwnStatus, Plan
from pfmm.model.quick import replace
from pfmm.model.refusal import RefusalReason
from pfmm.model.run import Intents, Run, RunLeft
from pfmm.ports import Amend, Journal, Strategy, Venue

_NOTHING = Intents()


class Engine:
    """Runs the cycle for any number of (strategy, market) pairs of one account over one shared client."""

    def __init__(
        self,
        venue: Venue,
        journal: Journal,
        specs: Sequence[RunSpec],
        instruments: Mapping[str, Instrument],
        *,
        wall_ms: Callable[[], int],
        pid: int,
        settles: bool = True,
    ) -> None:
        """Begin with no run taken up; `settles` is False while another process carries the runs on.

        Only that one knows what it has in flight.
        """
        self._venue = venue
        self._account = AccountGuard(specs[0].account if specs else NO_LIMITS, journal)
        self._settles = settles
        self._replaces = venue.capabilities.amend is Amend.REPLACE
        self._journal = journal
        self._runs = [StrategyRun(spec, instruments[spec.strategy.market]) for spec in specs]
        self._saver = RunSaver(journal, wall_ms, pid)
        self._sender = Sender(venue, journal)
        self.markets = tuple(dict.fromkeys(run.market for run in self._runs))
        self._folder = FillFolder(journal, self.markets)
        self._untold: list[Event] = []  # of cycles that ended before their report
        self._not_before_ms = 0
        self._paused: str | None = None
        self._gone: set[str] = set()  # markets that the venue lists no more
        self._lag_ms: Callable[[VenueTime], int] = lambda _: 0
        self._stops: bool | None = None  # whether stops protect the runs; None: they are left as they are
        self._known_live: tuple[OwnOrder, ...] = ()
        self.passed_over: dict[str, tuple[Run, tuple[str, ...]]] = {}  # by market, with what differs
        self._in_flight = _NOTHING

    @property
    def not_before_ms(self) -> int:
        """Venue time before which a snapshot is stale: all that has been seen and acknowledged so far is newer."""
        return max(self._not_before_ms, self._sender.acknowledged_ms)

    def saw(self, time_ms: int) -> None:
        """Take note that the venue's clock has shown `time_ms`: older snapshots are stale from now on."""
        self._not_before_ms = max(self._not_before_ms, time_ms)

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The journal's ids of the runs that have begun."""
        return tuple(run.run.run_id for run in self._runs if run.run is not None)

    @property
    def run_names(self) -> dict[tuple[str, str], str]:
        """The run id of each (market, strategy) that has begun."""
        return {(one.market, one.kind): one.run.run_id for one in self._runs if one.run is not None}

    @property
    def remembered(self) -> tuple[OwnOrder, ...]:
        """The orders of these runs that may rest, from memory alone: as the journal last had them, and what was
        committed since. For the way out when the journal has become unusable."""
        mine = set(self.run_ids)
        known = {o.client_order_id: o for o in (*self._known_live, *self._in_flight.place) if o.run_id in mine}
        return tuple(known.values())

    def pause(self, reason: str | None) -> None:
        """Cancel every run's orders and want none, from the next cycle on, until the pause is lifted (None).

        Fills are absorbed and the loss limit is checked all the same.
        """
        self._paused = reason

    def watch_clock(self, lag_ms: Callable[[VenueTime], int]) -> None:
        """Hold the venue's time against a steady clock: `lag_ms` tells how far an answer's is behind that."""
        self._lag_ms = lag_ms

    def missed(self, now_ms: int) -> None:
        """Take note that a look at about venue time `now_ms` got no usable answer.

        After an outage nothing adds risk for a while: see `guards.judge`.
        """
        for active in self._runs:
            active.guards = unanswered(active.guards, now_ms)

    def protect_by_stops(self, *, wanted: bool) -> None:
        """Let a stop wait at the venue for each run with a loss limit that holds something, or none where not `wanted`.

        It counts from the next cycle on, and is for where nothing else cancels and closes should this machine be gone.
        """
        self._stops = wanted and self._venue.capabilities.trigger_orders

    def replace_strategy(self, strategy: Strategy[Any]) -> None:
        """Go on with other parameters of the same kind and market (a new calibration); the run keeps its state."""
        for active in self._runs:
            if (active.kind, active.market) == (strategy.kind, strategy.market):
                active.spec = replace(active.spec, strategy=strategy)

    def adopt(self, *, pass_over: bool = False) -> tuple[Run, ...]:
        """Take up the runs that the journal holds open for these strategies; call once, before the first cycle.

        Raises SettingsDiffer when an open run's resting orders stand for other settings, ConfigError when what is saved
        of it is damaged or of a newer pfmm. With `pass_over`, for a cycle that sends nothing, such a run is left out as
        if it had been ended first: its orders bind nothing (see `passed_over`).
        """
        adopted = []
        for active in self._runs:
            run = self._journal.open_run(active.kind, active.market)
            if run is None:
                continue
            differences = config_differences(run.config, active.spec)
            if differences and pass_over:
                self.passed_over[active.market] = (run, tuple(differences))
                continue
            if differences:
                raise SettingsDiffer(
                    f"a {active.kind} on {active.market} was begun with other settings: {', '.join(differences)}",
                    hint=f"`pfmm {active.kind} stop {active.market}` ends it, --on-restart cancel ends it and begins "
                    "afresh (--dry-run shows what that changes); with the same settings it goes on",
                )
            active.resume(run, self._journal.book(run.market, run.run_id), self._folder.folded_through)
            self._folder.adopted(active)
            adopted.append(run)
            live = self._journal.live_orders(run_id=run.run_id)
            self._known_live += live
            if self._replaces:  # whether the venue or the earlier process ended these nobody remembers
                self._sender.replaced.update(o.client_order_id for o in live if o.status is OwnStatus.MISSING)
            for order in live:
                self.saw(order.updated_ms)
        return tuple(adopted)

    def cycle(self, *, send: bool = True) -> CycleReport:
        """Run one whole cycle. With `send` False nothing leaves and no run begins: the report's plans say what would.

        Raises what the venue's reads raise; a request that acts and gets no answer is recorded as UNKNOWN and
        reported as an event, never raised.
        """
        seen_through = self._journal.newest_fill()
        seen, absent = self._look()
        events = self._untold  # the list itself: of a cycle that ends before its report, the next or the way out tells
        refuse_second(self._runs, seen, self._journal)
        self._folder.check_positions(self._runs, seen, seen_through)
        if any(active.apart is not None for active in self._runs):
            self._venue.look_anew()  # what counts as a further read of the position must be one
        steps = self._steps(seen, absent)
        if send:
            paused, through = self._paused is not None, self._folder.folded_through
            begun = self._saver.begin_and_save(steps, seen.now_ms, paused=paused, folded_through=through)
            events += adopted(begun, seen.now_ms)
        intents = self._approve_and_commit(steps, seen, seen_through, send=send)
        if send:
            events += _told_of_closings(steps, seen.now_ms)
            self._in_flight = intents
            events += self._send(intents, seen.now_ms)
        self._know(self._journal.live_orders())
        live = _by_run(self._known_live)
        reports = tuple(report_of(step, seen, live.get(step.active.run_id or "", ())) for step in steps)
        fresh = all(r.problem is None or r.problem == self._paused or r.market in self._gone for r in reports)
        if send and read_mids(self._venue, self._journal, seen.now_ms, closed=True):
            self._journal.close_minutes(1)
        self._untold = []
        return CycleReport(seen.time, seen.snapshot.account, reports, tuple(events), fresh=fresh)

    def _look(self) -> tuple[MarketSnapshot, list[OwnOrder]]:
        """Read the venue once and bring the journal and the runs up to it; the events of that become untold ones.

        Returns what was seen, and the orders that the venue knows no more.
        """
        doubts: list[tuple[OwnOrder, PfmmError]] = []
        absent: list[OwnOrder] = []
        dropped: list[tuple[OwnOrder, Order]] = []

        def drop(own: OwnOrder, order: Order) -> None:
            if own.client_order_id not in self._sender.replaced:  # which ended by our own request
                dropped.append((own, order))

        snapshot, gone = observe_listed(
            self._venue,
            self._journal,
            [market for market in self.markets if market not in self._gone],
            self.run_ids if self._settles else (),
            not_before_ms=self.not_before_ms,
            doubt=lambda own, error: doubts.append((own, error)),
            absent=absent.append,
            dropped=drop,
        )
        self._note_gone(gone)
        seen = MarketSnapshot(snapshot)
        seen.lag_ms = self._lag_ms(seen.time)
        # a venue whose clock runs never shows the same moment twice: that would be a cached answer
        self._not_before_ms = seen.now_ms + (seen.time.speed > 0 and seen.time.state == "open")
        self._folder.fold(self._runs, self._untold)
        self._untold += doubted(self._runs, doubts, seen.now_ms)
        self._untold += of_the_venue(self._runs, dropped, seen)
        return seen, absent

    def _steps(self, seen: MarketSnapshot, absent: Sequence[OwnOrder]) -> list[Step]:
        """Let every run decide; an order that is absent, as it was the cycle before, is cancelled to settle it."""
        self._know(self._journal.live_orders())
        live = _by_run(self._known_live)
        self._account.look(seen)
        steps = []
        for active in self._runs:
            own = live.get(active.run_id or "", ())
            step = self._step(active, seen, own)
            lost = tuple(order for order in own if order in absent)  # those that the cycle before had as MISSING
            stops = self._stops_of(step, seen, own)
            step.stop = stops.place
            if lost or stops.cancel:
                step.plan = replace(step.plan, cancel=(*step.plan.cancel, *lost, *stops.cancel))
            steps.append(step)
            self._untold += active.problem_events(seen.now_ms)
        return steps

    def _note_gone(self, gone: Sequence[str]) -> None:
        """Wind down markets that the venue took off its list: their runs want no order any more.

        Raises UnknownMarket where no other is left, which ends the loop by its exit policy.
        """
        self._gone.update(gone)
        if self._gone and self._gone.issuperset(self.markets):
            raise UnknownMarket(f"{self._venue.name} lists {', '.join(self.markets)} no more")

    def _stops_of(self, step: Step, seen: MarketSnapshot, live: Sequence[OwnOrder]) -> StopPlan:
        """Return what keeps the run's stop in step; nothing while its position is doubted, or on its way out."""
        if self._stops is None or step.tripped or step.active.apart:
            return StopPlan()
        return step.active.stops(seen, live, wanted=self._stops)

    def _know(self, live: tuple[OwnOrder, ...]) -> None:
        self._known_live, self._in_flight = live, _NOTHING
        if self._sender.replaced:
            self._sender.replaced.intersection_update(order.client_order_id for order in live)

    def _step(self, active: StrategyRun, seen: MarketSnapshot, live: Sequence[OwnOrder]) -> Step:
        """Look, check the data and the loss, and let the strategy decide."""
        view, active.problem = active.view(seen)
        tripped = active.ended_by
        decision = None
        if active.market in self._gone:
            active.problem = f"{self._venue.name} lists {active.market} no more: its orders are cancelled"
        if active.apart is not None:
            active.problem = f"position: {active.apart.words}"
        if tripped is None and view is not None and active.problem is None:  # one bad mark must not halt an account
            tripped = loss_problem(view.run_pnl_usd, active.spec.limits.max_loss_usd) or self._account.lost(seen)
            active.no_new_risk = active.no_new_risk or self._account.no_new_risk
            if tripped is None and self._paused is None:
                decision = active.decide(view)
                if active.no_new_risk is not None:
                    decision = only_reducing(decision, view.inventory, active.no_new_risk)
                if seen.base(active.market):
                    orders = tuple(active.reducing(seen, desired) for desired in decision.orders)
                    decision = replace(decision, orders=orders)
            elif tripped is None:
                active.problem = self._paused
        return Step(active, view, decision, tripped, self._plan(active, decision, tripped, live, seen.now_ms))

    def _plan(
        self,
        active: StrategyRun,
        decision: Decision | None,
        tripped: str | None,
        live: Sequence[OwnOrder],
        now_ms: int,
    ) -> Plan:
        keeps = active.spec.limits.keep_on_bad_data and self._paused is None and active.market not in self._gone
        if active.apart is not None:  # told a moment late is no reason to lose one's place in the queue
            keeps = active.apart.reads == 1 and self._paused is None
        quotes = without_stops(live)
        if decision is None and tripped is None and keeps:
            return Plan(keep=tuple(quotes))
        return reconcile(
            decision.orders if decision is not None else (),
            quotes,
            tolerance=active.spec.limits.tolerance,
            now_ms=now_ms,
            can_amend=self._venue.capabilities.amend is not Amend.NONE,
        )

    def _approve_and_commit(
        self, steps: Sequence[Step], seen: MarketSnapshot, seen_through: int, *, send: bool
    ) -> Intents:
        """Check the risk and commit the intents in ONE transaction of the account's journal.

        In two, two processes could both pass.
        """

        def decide(live: tuple[OwnOrder, ...], number: int) -> Intents:
            seen.add_fills(later_fills(self._journal, seen, seen_through))
            return approve(
                steps, seen, live, first_number=number, nonce=self._journal.nonce, replaces=self._replaces,
                account=self._account.limits,
            )  # fmt: skip

        closing = any(step.decision is not None and step.decision.close for step in steps)
        if send and (closing or any(step.plan.changes or step.stop is not None for step in steps)):
            return self._journal.commit_intents(decide, time_ms=seen.now_ms)
        ended = {run.run_id for run, _ in self.passed_over.values()}
        return decide(tuple(one for one in self._journal.live_orders() if one.run_id not in ended), 0)

    def _send(self, intents: Intents, now_ms: int) -> list[Event]:
        """Send, and remember per slot how often a post-only order was refused in a row."""
        by_run = {active.run.run_id: active for active in self._runs if active.run is not None}
        events = []
        for note in self._sender.send(intents, now_ms):
            active = by_run[note.run_id]
            if note.post_only_refused:
                active.nudges[note.slot] = active.nudges.get(note.slot, 0) + 1
            elif note.name in ("placed", "amended"):
                active.nudges.pop(note.slot, None)
                active.refused.pop(note.slot, None)
            events.append(Event(note.name, now_ms, active.market, active.kind, note.data))
            if note.data.get("code") == RefusalReason.POST_ONLY_PERIOD:
                active.guards = refused_by_period(active.guards, now_ms)
            if note.counts and active.note_refusal(note.slot, note.data["reason"]):
                events.append(self._stopped(active, note, now_ms))
        return events

    @staticmethod
    def _stopped(active: StrategyRun, note: SendNote, now_ms: int) -> Event:
        """Tell that a slot has stopped; what cannot be closed is for a person to look at, and ends the run."""
        words = active.refused[note.slot].words
        if note.slot == CLOSE_SLOT:
            active.ended_by = f"what the run holds could not be closed: {words}"
        data = {"slot": note.slot, "code": note.data["code"], "reason": words}
        return Event("slot_stopped", now_ms, active.market, active.kind, data)

    def value_by(self, prices: Sequence[Ticker]) -> None:
        """Value what the runs hold by these marks: newer ones than the last cycle's."""
        marks = {ticker.market: ticker.mark for ticker in prices}
        for active in self._runs:
            active.last_mark = marks.get(active.market, active.last_mark)

    def settle_up(self) -> list[Event]:
        """Take in what the journal learned since the last cycle, as on the way out, and return its events."""
        self._folder.fold(self._runs, self._untold)
        events, self._untold = self._untold, []
        return events

    @property
    def left(self) -> tuple[RunLeft, ...]:
        """What each run that has begun leaves if it ends now."""
        return tuple(found for active in self._runs if (found := active.left()) is not None)

    def leave(self, time_ms: int, *, status: str, reason: str | None) -> None:
        """Record how this process leaves its runs.

        The status is `between_runs` (orders may rest) or a final one with its reason, after which the runs are ended.
        """
        self._saver.leave(self._runs, time_ms, status=status, reason=reason)


def _by_run(orders: Sequence[OwnOrder]) -> dict[str, list[OwnOrder]]:
    grouped: dict[str, list[OwnOrder]] = {}
    for order in orders:
        grouped.setdefault(order.run_id, []).append(order)
    return grouped


def _told_of_closings(steps: Sequence[Step], now_ms: int) -> list[Event]:
    """Warn of each run whose closing order waits, or closes at another price than the best one."""
    return [
        Event("warning", now_ms, step.active.market, step.active.kind, {"slot": CLOSE_SLOT, "reason": step.told})
        for step in steps
        if step.told is not None
    ]
