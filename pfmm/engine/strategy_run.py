"""One run as the engine carries it from cycle to cycle: its state, its books, and what it makes of a snapshot.

Everything in it can be rebuilt from the journal. It reads no venue and writes no journal. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from pfmm.accounting.ledger import mark, net_profit
from pfmm.engine.guards import Guards, Verdict, judge, unanswered
from pfmm.engine.outside import fill_row
from pfmm.engine.position_check import Apart
from pfmm.engine.protection import STOP_SLOT, StopPlan, desired_stop, keep_in_step, without_stops
from pfmm.engine.report import MarketSnapshot, RunSpec, limit_beside
from pfmm.engine.risk import data_problem, lag_problem
from pfmm.engine.self_trade import close_before
from pfmm.engine.submit import CLOSE_SLOT
from pfmm.model.event import Event
from pfmm.model.ledger import Adoption, LedgerState, OwnerBook
from pfmm.model.market import Instrument
from pfmm.model.order import Side
from pfmm.model.plan import Decision, DesiredOrder, MarketView, OwnFill, OwnOrder, Plan, RoundTrip
from pfmm.model.quick import quick, replace
from pfmm.model.run import JournalFill, Run, RunLeft
from pfmm.model.text import plain
from pfmm.ports import Strategy
from pfmm.strategy.inventory import inventory_ratio
from pfmm.strategy.saved import Saved
from pfmm.strategy.ticks import snap_price, snap_size

CLOSE_SLIPPAGE = Decimal("0.005")
NO_ROOM = "base: "  # how the problem of a base begins that takes up the whole limit
MEMORY_VERSION = 1  # of what `memory` gives; one without the number is of version 1
REFUSED_RUNNING = 5  # so many refusals of a slot's order running stop the slot
_JUMP_MEMORY_MS = 60_000


@quick(frozen=True, slots=True)
class Refused:
    """Count how often in a row the venue refused what one slot wanted, with the last reason."""

    times: int
    reason: str

    @property
    def stopped(self) -> bool:
        """True once it was refused so often that it is sent no more."""
        return self.times >= REFUSED_RUNNING

    @property
    def words(self) -> str:
        """Why the slot has stopped."""
        return f"stopped: refused {self.times} times running, last: {self.reason}"

    def once_more(self) -> Refused:
        """Grant one more try after a fill of the run, which may have changed what was in the way."""
        return Refused(min(self.times, REFUSED_RUNNING - 1), self.reason)

    def dump(self) -> dict[str, Any]:
        """Return what the journal keeps, JSON-ready; `load` is the inverse."""
        return {"times": self.times, "reason": self.reason}

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> Refused:
        """Read what `dump` gave. Raises ConfigError for what is damaged."""
        saved = Saved(raw, "refusal")
        return cls(saved.whole("times", low=0), saved.text("reason") or "")


NEVER_REFUSED = Refused(0, "")


class StrategyRun:
    """The engine's memory of one run between cycles; everything in it can be rebuilt from the journal."""

    def __init__(self, spec: RunSpec, instrument: Instrument) -> None:
        self.spec = spec
        self.market, self.kind = spec.strategy.market, spec.strategy.kind
        self.instrument = instrument
        self.run: Run | None = None
        self.state: Any = None
        self.folded_through = 0
        self.behind = False  # fills of before this process may be missing in `state`
        self.book = OwnerBook(self.market, "")
        self.last_mid: Decimal | None = None
        self.last_mark: Decimal | None = None
        self.last_cycle_ms: int | None = None
        self.round_trips = 0
        self.nudges: dict[str, int] = {}
        self.seen_through = 0  # up to this fill of the journal it was looked what hands outside did
        self.ended_by: str | None = None  # what the venue, or another hand, did that this run must stop for
        self.refused: dict[str, Refused] = {}
        self.unbooked: Decimal | None = None  # of the market's position, what no fill in the journal tells of
        self.apart: Apart | None = None  # what is wrong with the position, at the last look
        self.adopts: Adoption | None = None  # what it takes over when it begins
        self.problem: str | None = None
        self.guards = Guards()
        self._decided: tuple[Strategy[Any], Any, MarketView, tuple[Any, Decision]] | None = None
        self._dumped: tuple[Guards, dict[str, Any]] | None = None
        self.no_new_risk: str | None = None  # why only what reduces may be sent
        self.shown_problem: str | None = None

    @property
    def run_id(self) -> str | None:
        """The journal's id of the run; None before it has begun."""
        return self.run.run_id if self.run is not None else None

    @property
    def ledger(self) -> LedgerState:
        """What the run holds and earned, by the journal's book."""
        return self.book.ledger

    @property
    def fills(self) -> int:
        """How many fills its orders had."""
        return self.book.fills

    def resume(self, run: Run, book: OwnerBook, newest_fill: int) -> None:
        """Take up a run that an earlier process began, from its memory and its book.

        The fills that its memory has not folded follow in the next cycle; a memory of before hands outside were looked
        at has seen all up to `newest_fill`. Raises ConfigError for a memory that is damaged or of a newer pfmm.
        """
        self.run = run
        self.seen_through = newest_fill
        self.book = book
        self.behind = True
        self.last_mid = run.last_mid
        self.last_cycle_ms = run.last_cycle_ms
        if run.memory is not None:
            saved = Saved(run.memory, f"{self.kind} run")
            saved.refuse_newer(MEMORY_VERSION, "_version")
            self.round_trips = saved.whole("_round_trips", 0, low=0)
            nudges = saved.mapping("_nudges", {})
            self.nudges = {slot: Saved(nudges, "nudge").whole(slot, low=0) for slot in nudges}
            self.seen_through = saved.whole("_seen_through", newest_fill, low=0)
            self.unbooked = saved.amount("_unbooked") if saved.has("_unbooked") else None
            if saved.has("_apart"):
                apart = Saved(saved.mapping("_apart"), "position check")
                since_ms, reads = apart.whole("since_ms", low=0), apart.whole("reads", low=1)
                self.apart = Apart(since_ms, reads, apart.text("words") or "")
            self.guards = Guards.load(saved.mapping("_guards")) if saved.has("_guards") else Guards()
            refused = saved.mapping("_refused", {})
            self.refused = {slot: Refused.load(Saved(refused, "refusals").mapping(slot)) for slot in refused}
            self.state = self.spec.strategy.load(run.memory)
            self.folded_through = run.folded_through

    def offer(self, left: Decimal, seen: MarketSnapshot) -> Decimal:
        """Return what the run would adopt if it began now, signed base units.

        That is what ended runs `left`, and what no run ever held where that is asked for. The run decides as if it held
        that already, from the mark on.
        """
        ticker = seen.tickers.get(self.market)
        beside = seen.base(self.market) - left
        foreign = self.spec.adopts and beside != 0
        size = left + beside if foreign else left
        self.adopts, self.book = None, OwnerBook(self.market, "")
        if ticker is None or not size:
            return Decimal(0)
        self.adopts = Adoption(ticker.mark, foreign, self.unbooked or Decimal(0))
        self.book = OwnerBook(self.market, "", LedgerState(size, abs(size) * ticker.mark))
        return size

    def memory(self) -> dict[str, Any] | None:
        """Return what the journal keeps of the run between cycles, JSON-ready; None before its first decision."""
        if self.state is None:
            return None
        own = {
            "_version": MEMORY_VERSION,
            "_round_trips": self.round_trips,
            "_nudges": dict(self.nudges),
            "_seen_through": self.seen_through,
            "_refused": {slot: refused.dump() for slot, refused in self.refused.items()},
            "_guards": self._guards_dumped(),
            "_no_new_risk": self.no_new_risk,
            "_unbooked": None if self.unbooked is None else format(self.unbooked, "f"),
            "_apart": None if self.apart is None else asdict(self.apart),
        }
        return {**self.spec.strategy.dump(self.state), **own}

    def _guards_dumped(self) -> dict[str, Any]:
        """Return what the journal keeps of the guards, which most cycles leave as they are."""
        if self._dumped is None or self._dumped[0] is not self.guards:
            self._dumped = self.guards, self.guards.dump()
        return self._dumped[1]

    def left(self) -> RunLeft | None:
        """Return what the run leaves by now; None before it has begun."""
        if self.run is None:
            return None
        ledger, price = self.ledger, self.last_mark or self.last_mid
        unrealized = Decimal(0) if not ledger.size else None if price is None else mark(ledger, price)
        return RunLeft(
            market=self.market,
            strategy=self.kind,
            run_id=self.run.run_id,
            fills=self.fills,
            inventory=ledger.size,
            realized_pnl=ledger.realized,
            unrealized_pnl=unrealized,
            fees=ledger.fees,
            funding=ledger.funding,
        )

    def fold(self, item: JournalFill) -> list[Event]:
        """Fold one fill of the run into its strategy's state; its book has it already."""
        fill = item.fill
        own = OwnFill(item.seq, item.slot or "", fill.side, fill.price, fill.size, fill.fee, fill.time_ms)
        self.state, trips = self.spec.strategy.on_fill(self.state, own)
        self.folded_through = item.seq
        self.round_trips += len(trips)
        self.nudges.pop(own.slot, None)
        if own.slot == STOP_SLOT:
            where = f"{fill.side} {plain(fill.size)} {fill.market} at {plain(fill.price)}"
            self.ended_by = self.ended_by or f"stopped out: the stop at the venue has closed what the run held: {where}"
        self.refused = {slot: refused.once_more() for slot, refused in self.refused.items()}
        told = Event("fill", fill.time_ms, self.market, self.kind, fill_row(fill, own.slot))
        return [told, *(_round_trip_event(self, trip) for trip in trips)]

    def view(self, seen: MarketSnapshot) -> tuple[MarketView | None, str | None]:
        """Gather what the strategy may look at, or say why it may not decide now."""
        ticker = seen.tickers.get(self.market)
        if ticker is None:
            return None, f"the venue serves no ticker for {self.market}"
        now_ms = seen.now_ms
        recent = self.last_cycle_ms is not None and now_ms - self.last_cycle_ms <= _JUMP_MEMORY_MS
        problem = data_problem(
            ticker,
            now_ms=now_ms,
            stale_after_ms=self.spec.limits.stale_after_ms,
            last_mid=self.last_mid if recent else None,
        ) or lag_problem(seen.lag_ms, self.spec.limits.stale_after_ms)
        tick = self.instrument.price_rule.tick_at(ticker.mark) if problem is None else Decimal(0)
        if seen.snapshot.notice is None:
            self.guards, verdict = judge(self.guards, ticker, problem, now_ms=now_ms, tick=tick)
        else:  # as good as no answer
            self.guards, verdict = unanswered(self.guards, now_ms), Verdict(f"the venue says: {seen.snapshot.notice}")
        problem, self.no_new_risk = verdict.problem, verdict.no_new_risk
        self.last_mark = ticker.mark
        mid = ticker.mid
        self.last_mid = self.last_mid if mid is None else mid
        self.last_cycle_ms = now_ms
        view = MarketView(
            time_ms=now_ms,
            instrument=self.instrument,
            ticker=ticker,
            inventory=self.ledger.size,
            net_position=seen.run_position(self.market),
            max_inventory_usd=self.spec.limits.max_inventory_usd if problem is not None else self.room(seen),
            run_pnl_usd=net_profit(self.ledger, ticker.mark),
        )
        if problem is None and not view.max_inventory_usd:
            problem = (
                f"{NO_ROOM}{plain(seen.base(self.market))} {self.market} that no run holds takes up the whole limit of "
                f"{self.spec.limits.max_inventory_usd:f} USD"
            )
        return view, problem

    def room(self, seen: MarketSnapshot, total_room_usd: Decimal | None = None) -> Decimal:
        """Return what a base leaves of the run's limit, USD.

        Where the account's total leaves less than that limit, it is what the base leaves of that.
        """
        base, ticker = seen.base(self.market), seen.tickers[self.market]
        limit = self.spec.limits.max_inventory_usd
        return limit_beside(limit if total_room_usd is None else min(limit, total_room_usd), base, ticker.mark)

    def decide(self, view: MarketView) -> Decision:
        """Let the strategy decide, and leave out of its decision what cannot be sent."""
        if self.state is None:
            self.state = self.spec.strategy.initial(view)
        self.state, decision = self.decided(view)
        return self.sendable(decision)

    def decided(self, view: MarketView) -> tuple[Any, Decision]:
        """Return the strategy's state and decision on `view`, and take neither over.

        A decision depends on nothing else: asked again about the same, as after a glance that found something to do,
        the strategy does not work it out again.
        """
        strategy, known = self.spec.strategy, self._decided
        if known is not None and known[0] is strategy and known[1] is self.state and known[2] == view:
            return known[3]
        answer = strategy.decide(self.state, view)
        self._decided = strategy, self.state, view, answer
        return answer

    def sendable(self, decision: Decision) -> Decision:
        """Move the orders of a decision one tick further away for each post-only refusal in a row, and leave out those
        whose slot has stopped: `absent` says why."""
        if not self.nudges and not self.refused:
            return decision
        stopped = {slot: refused.words for slot, refused in self.refused.items() if refused.stopped}
        orders = tuple(self._nudged(desired) for desired in decision.orders if desired.slot not in stopped)
        absent = {one.slot: stopped[one.slot] for one in decision.orders if one.slot in stopped}
        return replace(decision, orders=orders, absent={**decision.absent, **absent})

    def note_refusal(self, slot: str, reason: str) -> bool:
        """Count a refusal of the slot's order; return True when that stops the slot."""
        refused = self.refused[slot] = Refused(self.refused.get(slot, NEVER_REFUSED).times + 1, reason)
        return refused.times == REFUSED_RUNNING

    def _nudged(self, desired: DesiredOrder) -> DesiredOrder:
        ticks = self.nudges.get(desired.slot, 0)
        if ticks == 0:
            return desired
        tick = self.instrument.price_rule.tick_at(desired.price)
        return replace(desired, price=desired.price - desired.side.sign * ticks * tick)

    def ratio(self, seen: MarketSnapshot) -> float:
        """Return the run's inventory over its limit, clamped to -1…1."""
        ticker = seen.tickers.get(self.market)
        if ticker is None:
            return 0.0
        return inventory_ratio(float(self.ledger.size), float(ticker.mark), float(self.spec.limits.max_inventory_usd))

    def stops(self, seen: MarketSnapshot, live: Sequence[OwnOrder], *, wanted: bool) -> StopPlan:
        """Return what keeps the run's stop in step with what it holds, of its `live` orders.

        None is `wanted` where the venue watches otherwise. One that the venue refuses again and again is sent no more.
        """
        max_loss = self.spec.limits.max_loss_usd
        given_up = self.refused.get(STOP_SLOT, NEVER_REFUSED).stopped
        desired = desired_stop(self.ledger, seen.net_position(self.market), max_loss, self.instrument)
        found = keep_in_step(desired if wanted else None, [o for o in live if o.slot == STOP_SLOT], max_loss)
        return replace(found, place=None) if given_up else found

    def has_live(self, live: Sequence[OwnOrder]) -> bool:
        """Tell whether any order of the run but a stop may still fill.

        The inventory is closed only after all of them are gone.
        """
        run_id = self.run.run_id if self.run is not None else None
        return any(order.run_id == run_id for order in without_stops(live))

    def closing_order(self, seen: MarketSnapshot, others: Iterable[OwnOrder]) -> tuple[DesiredOrder | None, str | None]:
        """Return a reduce-only order for the run's own inventory inside the slippage cap, and what to say of it.

        It is never more than the account's position of that sign, and short of the orders of `others`, which are the
        other runs' on the market. None when there is nothing to close, or when it must wait; the text says why, or at
        which other price it closes.
        """
        ticker = seen.tickers.get(self.market)
        own, net = self.ledger.size, seen.run_position(self.market)
        if ticker is None or not own or own * net <= 0:
            return None, None
        side = Side.SHORT if own > 0 else Side.LONG
        touch = ticker.bid if side is Side.SHORT else ticker.ask
        if touch is None:
            return None, None
        worst = touch * (1 + side.sign * CLOSE_SLIPPAGE)
        size = snap_size(min(abs(own), abs(net)), self.instrument.size_step)
        if not size:
            return None, None
        rule = self.instrument.price_rule
        order = DesiredOrder(CLOSE_SLOT, side, snap_price(worst, side, rule), size, reduce_only=True, post_only=False)
        beside, told = close_before(order, others, touch=touch, rule=rule)
        return (None if beside is None else self.reducing(seen, beside)), told

    def reducing(self, seen: MarketSnapshot, order: DesiredOrder) -> DesiredOrder:
        """Return the order as the venue can take it: beside a base that lies the other way round not reduce-only.

        What it closes of the runs adds to the account's position there.
        """
        closes = -seen.net_position(self.market) * order.side.sign
        return replace(order, reduce_only=False) if order.reduce_only and closes < order.size else order

    def problem_events(self, now_ms: int) -> list[Event]:
        """Return `paused` when quoting stops for a reason, also when nothing may add risk; `resumed` when it goes on.

        Nothing while neither changes.
        """
        now = self.problem or self.no_new_risk
        before, self.shown_problem = self.shown_problem, now
        if now is not None and before is None:
            return [Event("paused", now_ms, self.market, self.kind, {"reason": now})]
        if now is None and before is not None:
            return [Event("resumed", now_ms, self.market, self.kind, {"after": before})]
        return []


@dataclass(slots=True)
class Step:
    """What one cycle works out for one run, on its way from decision to report."""

    active: StrategyRun
    view: MarketView | None
    decision: Decision | None
    tripped: str | None
    plan: Plan
    told: str | None = None
    close: DesiredOrder | None = None
    stop: DesiredOrder | None = None


def _round_trip_event(active: StrategyRun, trip: RoundTrip) -> Event:
    return Event(
        "round_trip",
        trip.time_ms,
        active.market,
        active.kind,
        {
            "slot": trip.slot,
            "size": trip.size,
            "entry_price": trip.entry_price,
            "exit_price": trip.exit_price,
            "gross": trip.gross,
            "fees": trip.fees,
            "net": trip.gross - trip.fees,
        },
    )
