"""One cycle, the only one there is: read, absorb, settle, decide, reconcile, risk, intent, send, record.

The live loop, `--once`, dry runs, paper, backtest and recovery all call it. It is sequence only: no maths, no
adapters, no clock of its own; venue and journal come in as ports, time comes from the venue's snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pfmm.accounting.ledger import mark
from pfmm.engine.adoption import config_differences, config_to_save
from pfmm.engine.fee_check import FeeCheck
from pfmm.engine.fill_mids import read_mids
from pfmm.engine.observe import observe
from pfmm.engine.outside import taken_from, told_of
from pfmm.engine.position_check import Apart, PositionCheck, later_fills
from pfmm.engine.reconcile import reconcile
from pfmm.engine.report import MarketSnapshot, RunSpec
from pfmm.engine.risk import check, loss_problem
from pfmm.engine.self_trade import hold_crossing
from pfmm.engine.strategy_run import Step, StrategyRun
from pfmm.engine.submit import CLOSE_SLOT, Sender, SendNote, intents_of
from pfmm.engine.unknown_orders import unknown_orders
from pfmm.errors import PfmmError, SettingsDiffer, StateUnknown
from pfmm.model.cycle import CycleReport, RunReport
from pfmm.model.event import Event
from pfmm.model.ledger import ACCOUNT
from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import Fill, Order
from pfmm.model.plan import Decision, DesiredOrder, Held, OwnOrder, Plan
from pfmm.model.quick import replace
from pfmm.model.run import Intents, JournalFill, Run, RunLeft
from pfmm.ports import Amend, Journal, Strategy, Venue


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
        """`settles` is False while another process carries the runs on: only that one knows what it has in flight."""
        self._venue = venue
        self._settles = settles
        self._replaces = venue.capabilities.amend is Amend.REPLACE
        self._journal = journal
        self._runs = [StrategyRun(spec, instruments[spec.strategy.market]) for spec in specs]
        self._wall_ms = wall_ms
        self._pid = pid
        self._sender = Sender(venue, journal)
        self._folded_through = journal.newest_fill()  # every later fill has yet to be given to its run
        booked = {market: journal.book(market, ACCOUNT).ledger.size for market in self.markets}
        self._position_check = PositionCheck(lambda market: booked.get(market, Decimal(0)))
        self._fee_check = FeeCheck()
        self._untold: list[Event] = []  # of cycles that ended before their report
        self._not_before_ms = 0
        self._paused: str | None = None
        self._known_live: tuple[OwnOrder, ...] = ()
        self.passed_over: dict[str, tuple[Run, tuple[str, ...]]] = {}  # by market, with what differs
        self._in_flight = Intents()

    @property
    def not_before_ms(self) -> int:
        """Venue time before which a snapshot is stale: all that has been seen and acknowledged so far is newer."""
        return max(self._not_before_ms, self._sender.acknowledged_ms)

    def saw(self, time_ms: int) -> None:
        """Takes note that the venue's clock has shown `time_ms`: snapshots of before are stale."""
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
        """From the next cycle on every run has its orders cancelled and wants none, until the pause is lifted (None).
        Fills are absorbed and the loss limit is checked all the same."""
        self._paused = reason

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run.market for run in self._runs))

    def replace_strategy(self, strategy: Strategy[Any]) -> None:
        """Goes on with other parameters of the same kind and market (a new calibration); the run keeps its state."""
        for active in self._runs:
            if (active.kind, active.market) == (strategy.kind, strategy.market):
                active.spec = replace(active.spec, strategy=strategy)

    def adopt(self, *, pass_over: bool = False) -> tuple[Run, ...]:
        """Takes up the runs that the journal holds open for these strategies; call once, before the first cycle.

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
                    hint="start it with the same settings, stop it first, or pass --on-restart cancel; --dry-run shows "
                    "what that would change",
                )
            active.resume(run, self._journal.book(run.market, run.run_id), self._folded_through)
            if active.unbooked is not None:
                self._position_check.expect(run.market, active.unbooked, active.apart)
            adopted.append(run)
            live = self._journal.live_orders(run_id=run.run_id)
            self._known_live += live
            for order in live:
                self.saw(order.updated_ms)
        return tuple(adopted)

    def cycle(self, *, send: bool = True) -> CycleReport:
        """One whole cycle. With `send` False nothing leaves and no run begins: the report's plans say what would.

        Raises what the venue's reads raise; a request that acts and gets no answer is recorded as UNKNOWN and
        reported as an event, never raised.
        """
        seen_through = self._last_fill()
        mine = self.run_ids if self._settles else ()
        doubts: list[tuple[OwnOrder, PfmmError]] = []
        absent: list[OwnOrder] = []
        dropped: list[tuple[OwnOrder, Order]] = []
        seen = MarketSnapshot(
            observe(
                self._venue,
                self._journal,
                self.markets,
                mine,
                not_before_ms=self.not_before_ms,
                doubt=lambda own, error: doubts.append((own, error)),
                absent=absent.append,
                dropped=lambda own, order: dropped.append((own, order)),
            )
        )
        # a venue whose clock runs never shows the same moment twice: that would be a cached answer
        self._not_before_ms = seen.now_ms + (seen.time.speed > 0 and seen.time.state == "open")
        self._fold()
        events = self._untold  # the list itself: of a cycle that ends before its report, the next or the way out tells
        events += self._doubted(doubts, seen.now_ms)
        events += self._of_the_venue(dropped, seen)
        self._refuse_second(seen)
        self._check_positions(seen, seen_through)
        self._know(self._journal.live_orders())
        live = _by_run(self._known_live)
        steps = []
        for active in self._runs:
            own = live.get(active.run_id or "", ())
            step = self._step(active, seen, own)
            lost = tuple(order for order in own if order in absent)  # those that the cycle before had as MISSING
            if lost:
                step.plan = replace(step.plan, cancel=(*step.plan.cancel, *lost))
            steps.append(step)
            events += active.problem_events(seen.now_ms)
        if send:
            self._begin_and_save(steps, seen.now_ms)
        intents = self._approve_and_commit(steps, seen, seen_through, send=send)
        if send:
            events += [
                Event("warning", seen.now_ms, s.active.market, s.active.kind, {"slot": CLOSE_SLOT, "reason": s.told})
                for s in steps
                if s.told is not None
            ]
            self._in_flight = intents
            events += self._send(intents, seen.now_ms)
        self._know(self._journal.live_orders())
        live = _by_run(self._known_live)
        reports = tuple(self._report(step, seen, live) for step in steps)
        fresh = all(r.problem is None or r.problem == self._paused for r in reports)
        if send and read_mids(self._venue, self._journal, seen.now_ms, closed=True):
            self._journal.close_minutes(1)
        self._untold = []
        return CycleReport(seen.time, seen.snapshot.account, reports, tuple(events), fresh=fresh)

    def _know(self, live: tuple[OwnOrder, ...]) -> None:
        self._known_live, self._in_flight = live, Intents()

    def _step(self, active: StrategyRun, seen: MarketSnapshot, live: Sequence[OwnOrder]) -> Step:
        """Looks, checks the data and the loss, and lets the strategy decide."""
        view, active.problem = active.view(seen)
        tripped = active.ended_by
        decision = None
        if active.apart is not None:
            active.problem = f"position: {active.apart.words}"
        if tripped is None and view is not None and active.problem is None:  # one bad mark must not halt an account
            tripped = loss_problem(view.run_pnl_usd, active.spec.limits.max_loss_usd)
            if tripped is None and self._paused is None:
                decision = active.decide(view)
                if seen.base(active.market):
                    orders = tuple(active.reducing(seen, desired) for desired in decision.orders)
                    decision = replace(decision, orders=orders)
            elif tripped is None:
                active.problem = self._paused
        return Step(active, view, decision, tripped, self._plan(active, decision, tripped, live, seen.now_ms))

    def _fold(self) -> None:
        """Gives every run the fills that the journal has and it has not, whichever process absorbed them, and its
        book as of the last of them. What that tells is among the untold."""
        by_id = {active.run.run_id: active for active in self._runs if active.run is not None}
        for run_id, active in by_id.items():
            if active.behind:  # what it filled, and what others did, while no process carried it on
                missed = self._journal.fills(run_id=run_id, after_seq=active.folded_through)
                for item in [item for item in missed if item.seq <= self._folded_through]:
                    self._untold += active.fold(item)
                unseen = self._journal.fills(after_seq=active.seen_through)
                for item in [item for item in unseen if item.seq <= self._folded_through]:
                    self._untold += self._outside(active, item)
                active.behind = False
        while True:
            for item in list(self._journal.fills(after_seq=self._folded_through)):
                self._folded_through = item.seq
                self._position_check.count(item.fill)
                owner = by_id.get(item.run_id or "")
                if owner is not None and item.seq > owner.folded_through:
                    self._untold += [*owner.fold(item), *self._fees_told(owner, item.fill)]
                for active in by_id.values():
                    self._untold += self._outside(active, item)
            for run_id, active in by_id.items():
                active.book = self._journal.book(active.market, run_id)
            if self._journal.newest_fill() == self._folded_through:  # else a book is ahead of its run's memory
                return

    def _fees_told(self, active: StrategyRun, fill: Fill) -> list[Event]:
        """A warning where a fill of the run was charged otherwise than its market states, told once."""
        told = self._fee_check.warning(active.instrument, fill)
        return [] if told is None else [Event("warning", fill.time_ms, active.market, active.kind, {"reason": told})]

    def _outside(self, active: StrategyRun, item: JournalFill) -> list[Event]:
        """What a fill of no run means for a run that has begun, told once: see `told_of`."""
        if item.seq <= active.seen_through:
            return []
        active.seen_through = item.seq
        if item.run_id is not None or active.run is None or item.fill.time_ms < active.run.started_ms:
            return []
        taken = taken_from(active.run.run_id, self._journal.claims_of(item.seq))
        told = told_of(item, taken, market=active.market, strategy=active.kind)
        if told is None:
            return []
        event, reason = told
        active.ended_by = active.ended_by or reason
        return [event]

    def _refuse_second(self, seen: MarketSnapshot) -> None:
        """Raises StateUnknown where a run would begin on a market on which orders of another pfmm rest, or of one whose
        journal was lost: nobody would count or stop them, and a second run would trade beside the first."""
        for active in self._runs:
            found = unknown_orders(seen.orders.get(active.market, ()), self._journal) if active.run is None else ()
            if found:
                raise StateUnknown(
                    f"{len(found)} orders with pfmm's ids rest on {active.market} that this journal does not know, as "
                    f"{found[0].client_order_id}; nothing was sent",
                    hint="another state folder sent them, or this one was lost: stop that run where it was started, or "
                    f"`pfmm {active.kind} stop {active.market} --unknown-orders` cancels them",
                )

    def _check_positions(self, seen: MarketSnapshot, seen_through: int) -> None:
        """Whether each position follows its fills, and what of it is a base. Where it does not, nothing new is sent,
        and a disagreement that lasts ends the run: no limit binds on a position that nobody can explain."""
        later = later_fills(self._journal, seen, seen_through) if self._folded_through > seen_through else {}
        found: dict[str, Apart | None] = {}
        for active in self._runs:
            market = active.market
            if market not in found:
                found[market] = self._position_check.check(market, seen.net_position(market), later, seen.now_ms)
                seen.bases[market] = self._position_check.unbooked(market) + self._journal.beside_runs(market)
            active.unbooked, active.apart = self._position_check.unbooked(market), found[market]
            if active.apart is not None and active.apart.lasting(seen.now_ms):
                active.ended_by = active.ended_by or f"position unexplained: {active.apart.words}"

    def _doubted(self, doubts: Sequence[tuple[OwnOrder, PfmmError]], now_ms: int) -> list[Event]:
        """`unknown` for every order that the venue could not be asked for: its slot is held meanwhile."""
        kinds = {active.run_id: active.kind for active in self._runs}
        return [
            Event(
                "unknown",
                now_ms,
                own.market,
                kinds.get(own.run_id, ""),
                {"slot": own.slot, "client_order_id": own.client_order_id, "reason": error.message},
            )
            for own, error in doubts
        ]

    def _of_the_venue(self, dropped: Sequence[tuple[OwnOrder, Order]], seen: MarketSnapshot) -> list[Event]:
        """What the venue did by itself: orders that it cancelled, and funding that it settled."""
        kinds = {active.run_id: active.kind for active in self._runs}
        told = [
            Event(
                "cancelled",
                order.updated_ms,
                own.market,
                kinds.get(own.run_id, ""),
                {
                    "slot": own.slot,
                    "side": own.side,
                    "price": own.price,
                    "size": own.size,
                    "client_order_id": own.client_order_id,
                    "by": "venue",
                    "reason": order.reason,
                },
            )
            for own, order in dropped
        ]
        for active in self._runs:
            told += [
                Event(
                    "funding",
                    paid.time_ms,
                    active.market,
                    active.kind,
                    {"rate": paid.rate, "price": paid.price, "position": paid.size, "amount": paid.amount},
                )
                for paid in seen.snapshot.funding_payments
                if paid.market == active.market and active.run is not None
            ]
        return told

    def _begin_and_save(self, steps: Sequence[Step], time_ms: int) -> None:
        """Saves what every run that decided now remembers, BEFORE anything is sent, so that a restart decides the
        same; a run begins with its first decision, once it is written. One write for all of them."""
        begun: list[tuple[StrategyRun, Run]] = []
        with self._journal.together():
            for step in steps:
                active = step.active
                run = active.run
                if step.decision is None and (run is None or self._paused is None or active.state is None):
                    continue
                if run is None:
                    run = self._journal.start_run(
                        active.kind,
                        active.market,
                        config_to_save(active.spec),
                        time_ms=time_ms,
                        wall_ms=self._wall_ms(),
                        pid=self._pid,
                    )
                    begun.append((active, run))
                self._save(active, run, time_ms, status="running")
        for active, run in begun:
            active.run = run
            active.seen_through = self._folded_through

    def _save(self, active: StrategyRun, run: Run, time_ms: int, *, status: str) -> None:
        self._journal.save_run(
            run.run_id,
            status=status,
            memory=active.memory(),
            folded_through=active.folded_through,
            time_ms=time_ms,
            wall_ms=self._wall_ms(),
            pid=self._pid if status == "running" else None,
            last_mid=active.last_mid,
        )

    def _plan(
        self,
        active: StrategyRun,
        decision: Decision | None,
        tripped: str | None,
        live: Sequence[OwnOrder],
        now_ms: int,
    ) -> Plan:
        keeps = active.spec.limits.keep_on_bad_data and self._paused is None
        if active.apart is not None:  # told a moment late is no reason to lose one's place in the queue
            keeps = active.apart.reads == 1 and self._paused is None
        if decision is None and tripped is None and keeps:
            return Plan(keep=tuple(live))
        return reconcile(
            decision.orders if decision is not None else (),
            live,
            tolerance=active.spec.limits.tolerance,
            now_ms=now_ms,
            can_amend=self._venue.capabilities.amend is not Amend.NONE,
        )

    def _last_fill(self) -> int:
        """The journal's number of the newest fill."""
        return self._journal.newest_fill()

    def _approve_and_commit(
        self, steps: Sequence[Step], seen: MarketSnapshot, seen_through: int, *, send: bool
    ) -> Intents:
        """Risk check and intent in ONE transaction of the account's journal, or two processes could both pass."""

        def decide(live: tuple[OwnOrder, ...], number: int) -> Intents:
            seen.add_fills(later_fills(self._journal, seen, seen_through))
            known: dict[str, list[OwnOrder]] = {}
            for order in live:
                known.setdefault(order.market, []).append(order)
            place: list[OwnOrder] = []
            amend: list[OwnOrder] = []
            cancel: list[str] = []
            replaced: dict[str, OwnOrder] = {}
            for step in steps:
                here = known.setdefault(step.active.market, [])
                step.plan = self._approve(step.active, step.plan, here, seen)
                step.close = self._closing_order(step, here, seen)
                intents = intents_of(
                    step.plan,
                    run_id=step.active.run_id or "",
                    market=step.active.market,
                    first_number=number + len(place),
                    nonce=self._journal.nonce,
                    time=seen.time,
                    close=step.close,
                    replaces=self._replaces,
                )
                amended = {order.client_order_id: order for order in intents.amend}
                here[:] = [amended.get(order.client_order_id, order) for order in here]
                here += intents.place
                place += intents.place
                amend += intents.amend
                cancel += intents.cancel
                replaced |= intents.replaced
            return Intents(tuple(place), tuple(amend), tuple(cancel), replaced)

        if send and any(step.plan.changes or (step.decision is not None and step.decision.close) for step in steps):
            return self._journal.commit_intents(decide, time_ms=seen.now_ms)
        ended = {run.run_id for run, _ in self.passed_over.values()}
        return decide(tuple(one for one in self._journal.live_orders() if one.run_id not in ended), 0)

    def _approve(self, active: StrategyRun, plan: Plan, here: Sequence[OwnOrder], seen: MarketSnapshot) -> Plan:
        """The part of a plan that passes the limit; `here` are the account's live orders on the market."""
        ticker = seen.tickers.get(active.market)
        if ticker is None or not plan.changes:
            return plan
        own_run = active.run_id
        verdict = check(
            hold_crossing(plan, [order for order in here if order.run_id != own_run]),
            net_position=seen.run_position(active.market),
            live_orders=here,
            limit_usd=active.room(seen),
            mark=ticker.mark,
            foreign_orders=seen.foreign_orders(active.market, here),
            replaces=self._replaces,
        )
        if not verdict.refused:
            return verdict.plan
        return replace(verdict.plan, held=tuple(dict.fromkeys((*verdict.plan.held, *verdict.refused))))

    def _closing_order(self, step: Step, here: Sequence[OwnOrder], seen: MarketSnapshot) -> DesiredOrder | None:
        """What closes the run's inventory where its decision asks for that and nothing of it can fill any more; `here`
        are the account's live orders on the market. What is held or priced otherwise than wanted is noted."""
        active = step.active
        if step.decision is None or not step.decision.close or active.has_live(here):
            return None
        order, told = active.closing_order(seen, [other for other in here if other.run_id != active.run_id])
        if order is None and told is not None:
            step.plan = replace(step.plan, held=(*step.plan.held, Held(CLOSE_SLOT, told)))
        else:
            step.told = told
        return order

    def _send(self, intents: Intents, now_ms: int) -> list[Event]:
        """Sends, and remembers per slot how often a post-only order was refused in a row."""
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
            if note.counts and active.note_refusal(note.slot, note.data["reason"]):
                events.append(self._stopped(active, note, now_ms))
        return events

    @staticmethod
    def _stopped(active: StrategyRun, note: SendNote, now_ms: int) -> Event:
        """That a slot has stopped; what cannot be closed is for a person to look at, and ends the run."""
        words = active.refused[note.slot].words
        if note.slot == CLOSE_SLOT:
            active.ended_by = f"what the run holds could not be closed: {words}"
        data = {"slot": note.slot, "code": note.data["code"], "reason": words}
        return Event("slot_stopped", now_ms, active.market, active.kind, data)

    def _report(self, step: Step, seen: MarketSnapshot, live: Mapping[str, Sequence[OwnOrder]]) -> RunReport:
        active = step.active
        ticker = seen.tickers.get(active.market)
        run_id = active.run_id
        return RunReport(
            market=active.market,
            strategy=active.kind,
            run_id=run_id,
            ticker=ticker,
            decision=step.decision,
            plan=step.plan,
            close=step.close,
            orders=tuple(live.get(run_id, ())) if run_id is not None else (),
            ledger=active.ledger,
            unrealized=mark(active.ledger, ticker.mark) if ticker is not None else Decimal(0),
            ratio=active.ratio(seen),
            fills=active.fills,
            round_trips=active.round_trips,
            problem=active.problem,
            tripped=step.tripped,
            position=seen.net_position(active.market),
            base=seen.base(active.market),
            ended_by=active.ended_by,
            refused=_all_refused(step, live.get(run_id or "", ())),
        )

    def value_by(self, prices: Sequence[Ticker]) -> None:
        """Values what the runs hold by these marks: newer ones than the last cycle's."""
        marks = {ticker.market: ticker.mark for ticker in prices if ticker.mark.is_finite() and ticker.mark > 0}
        for active in self._runs:
            active.last_mark = marks.get(active.market, active.last_mark)

    def settle_up(self) -> list[Event]:
        """Takes in what the journal learned since the last cycle, as on the way out, and answers the events of it."""
        self._fold()
        events, self._untold = self._untold, []
        return events

    @property
    def left(self) -> tuple[RunLeft, ...]:
        """What each run that has begun leaves by now."""
        return tuple(found for active in self._runs if (found := active.left()) is not None)

    def leave(self, time_ms: int, *, status: str, reason: str | None) -> None:
        """Records how this process leaves its runs: `between_runs` (orders may rest) or a final status with its
        reason, after which the runs are ended."""
        for active in self._runs:
            if active.run is None:
                continue
            self._save(active, active.run, time_ms, status=status)
            if reason is not None:
                self._journal.end_run(active.run.run_id, status=status, reason=reason, time_ms=time_ms)


def _all_refused(step: Step, live: Sequence[OwnOrder]) -> str | None:
    """Why nothing of a run rests, where every order that it wants was refused until its slot stopped."""
    active, decision = step.active, step.decision
    if decision is None or decision.close or live or active.sendable(decision).orders:
        return None
    return next((one.words for one in active.refused.values() if one.stopped), None)


def _by_run(orders: Sequence[OwnOrder]) -> dict[str, list[OwnOrder]]:
    grouped: dict[str, list[OwnOrder]] = {}
    for order in orders:
        grouped.setdefault(order.run_id, []).append(order)
    return grouped
