"""One strategy over one recorded market: the engine's own cycle at start + n x interval of the tape's time.

Event by event is the reference; lazy visits only what can matter and must agree exactly. Sequence only: matching,
strategy, accounting and risk are the ones that trade. Layer: backtest.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from pfmm.backtest.bars import at_the_open, book_of
from pfmm.backtest.columns import Band, Columns, TapeFeed
from pfmm.backtest.lazy import LazyEngine
from pfmm.backtest.venue import SimulatedVenue
from pfmm.engine.engine import Engine
from pfmm.engine.observe import observe
from pfmm.engine.report import RunSpec
from pfmm.errors import DataFileError, UsageError
from pfmm.journal.memory import MemoryJournal
from pfmm.model.account import FundingPayment
from pfmm.model.collecting import no_collecting
from pfmm.model.cycle import NOTHING_TAKEN, CycleReport
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.quick import quick
from pfmm.model.run import JournalFill
from pfmm.model.units import iso
from pfmm.paper.conversions import decimal
from pfmm.paper.feeds.feed import NO_ASK, MarketSpec
from pfmm.paper.matching import QueueModel
from pfmm.strategy.quiet import QuietBand

Mode = Literal["lazy", "events"]
# what is done between two decisions, as a loop does it while it waits: on this venue, for this engine, at this time
Tend = Callable[[SimulatedVenue, Engine, int], None]


@quick(frozen=True, slots=True)
class Clockwork:
    """When decisions happen: `start_ms` and `end_ms` of venue time, `interval_ms` between decisions, `latency_ms`
    each way between us and the venue."""

    start_ms: int
    end_ms: int
    interval_ms: int
    latency_ms: int = 0


@quick(frozen=True, slots=True)
class Outcome:
    """What a run did: fills with the run's slots, every order that stood as it ended, payments, and the work it took.

    `ended_ms` is when it ended: with its data, or before, and then `stopped` says why. `refused` counts the order
    actions that the venue refused by its code, `slots_stopped` the slots that were stopped for it with the reason;
    `held_back` says, where no order ever stood, why. `events` are the rows
    of the tape until then; `decisions` those that were due, `cycles` those that needed a whole cycle. Position in base
    units.
    """

    market: str
    queue: QueueModel
    fills: tuple[JournalFill, ...]
    orders: tuple[OwnOrder, ...]
    payments: tuple[FundingPayment, ...]
    position: Decimal
    equity: Decimal
    mark: Decimal
    events: int
    decisions: int
    cycles: int
    requests: int
    round_trips: int
    wall_s: float
    ended_ms: int
    stopped: str | None = None
    refused: tuple[tuple[str, int], ...] = ()
    held_back: tuple[str, ...] = ()
    slots_stopped: tuple[tuple[str, str], ...] = ()


def simulate(
    columns: Columns,
    spec: RunSpec,
    clockwork: Clockwork,
    *,
    queue: QueueModel = "pessimistic",
    mode: Mode = "lazy",
    tend: Tend | None = None,
    watch: Callable[[int], None] | None = None,
) -> Outcome:
    """Run `spec` over the columns.

    `tend` is done after each decision, and then `watch` is told its venue time. Raises what the strategy raises for
    settings that make no sense here.
    """
    began = time.perf_counter()
    with no_collecting():
        outcome = _Run(columns, spec, clockwork, queue, mode, tend).run(watch)
    return replace(outcome, wall_s=time.perf_counter() - began)


class _Run:
    """The loop of one run with everything it holds."""

    def __init__(
        self,
        columns: Columns,
        spec: RunSpec,
        clockwork: Clockwork,
        queue: QueueModel,
        mode: Mode,
        tend: Tend | None,
    ) -> None:
        market = columns.tape.spec
        feed = TapeFeed(columns, lazy=mode == "lazy")
        self._columns = columns
        self._market = market
        self._clockwork = clockwork
        self._queue: QueueModel = queue
        self._lazy = mode == "lazy"
        self._tend = tend
        self._venue = SimulatedVenue(
            feed, market, start_ms=clockwork.start_ms, end_ms=clockwork.end_ms, latency_ms=clockwork.latency_ms,
            queue=queue, book=book_of(columns.tape),
        )  # fmt: skip
        self._journal = MemoryJournal()
        instrument = self._venue.instrument()
        self._engine = LazyEngine(
            self._venue, self._journal, [spec], {market.market: instrument}, wall_ms=lambda: self._venue.now_ms, pid=0
        )
        self._cycles = 0
        self._band: Band | None = None
        self._stayed: tuple[int, int, int] | None = None  # time, bid and ask of the last look that stayed
        self._report: CycleReport | None = None
        self._refused: Counter[str] = Counter()
        self._slots: dict[str, str] = {}
        self._ordered = False

    def run(self, watch: Callable[[int], None] | None) -> Outcome:
        stopped, seen_ms = self._cycle(), self._clockwork.start_ms
        while stopped is None and (due_ms := self._next_ms()) <= self._clockwork.end_ms:
            if self._tend is not None:
                self._tend(self._venue, self._engine, seen_ms)
            self._venue.advance(self._worth_a_look(due_ms) if self._lazy else due_ms)
            seen_ms = self._venue.now_ms
            stopped = self._decide()
            if watch is not None:
                watch(self._venue.now_ms)
        return self._outcome(stopped)

    def _decide(self) -> str | None:
        """Take the decision that is due now; return why the run must stop, if it must."""
        venue = self._venue
        if venue.liquidated:
            return self._liquidated()
        if self._lazy and not venue.changed:
            if self._band is not None and self._inside(self._band, venue.now_ms):
                self._note_at(venue.now_ms)
                return None
            if self._stays() or self._glance():
                return None
        return self._cycle()

    def _cycle(self) -> str | None:
        """Run one whole cycle; return why the run must stop, if it must."""
        self._cycles += 1
        self._note_stayed()
        self._band = None
        self._report = self._engine.cycle()
        (run,) = self._report.runs
        self._ordered = self._ordered or bool(run.orders)
        for event in self._report.events:
            if event.name == "refused":
                self._refused[str(event.data["code"])] += 1
            elif event.name == "slot_stopped":
                self._slots[event.data["slot"]] = event.data["reason"]
        return run.tripped or (None if run.refused is None else f"{NOTHING_TAKEN}: {run.refused}")

    def _liquidated(self) -> str:
        """Say that the venue closed the account's position, when, and at which price."""
        closing = self._venue.liquidated
        assert closing is not None
        return (
            f"the account was liquidated at {iso(closing.time_ms)}: its equity fell below the maintenance margin, and "
            f"{closing.size:f} were {'bought' if closing.side.sign > 0 else 'sold'} at {closing.price:f} to close it"
        )

    def _held_back(self) -> tuple[str, ...]:
        """Say why the last cycle wanted or sent nothing, slot by slot."""
        assert self._report is not None
        (run,) = self._report.runs
        found = [] if run.problem is None else [run.problem]
        found += [f"{held.slot}: {held.reason}" for held in run.plan.held]
        if run.decision is not None:
            found += [f"{slot}: {reason}" for slot, reason in run.decision.absent.items()]
        return tuple(found)

    def _stays(self) -> bool:
        """Tell whether the decision that is due surely leaves what rests as it is, without being made."""
        look = self._venue.look()
        if look is None or not self._engine.stays(look):
            return False
        self._stayed = (look.time_ms, *self._venue.best())
        return True

    def _glance(self) -> bool:
        """Tell whether the decision that is due does nothing; if so, note between which prices that holds."""
        self._note_stayed()
        if not self._engine.glance(self._venue.glimpse()):
            return False
        band = self._engine.quiet_band()
        self._band = None if band is None else _in_units(band, self._market, self._venue.liquidation())
        return True

    def _worth_a_look(self, due_ms: int) -> int:
        """Find the first decision from `due_ms` on that could do something, else the last of all.

        Those before it are noted as no-ops.
        """
        venue, clockwork = self._venue, self._clockwork
        if self._tend is not None or self._band is None or venue.changed or not self._inside(self._band, venue.now_ms):
            return due_ms
        interval_ms = clockwork.interval_ms
        last_ms = clockwork.end_ms - (clockwork.end_ms - clockwork.start_ms) % interval_ms
        wake_ms = self._wake_ms(self._band)
        look_ms = wake_ms + (clockwork.start_ms - wake_ms) % interval_ms
        look_ms = min(max(look_ms, due_ms), last_ms)
        if look_ms > due_ms:
            self._note_at(look_ms - interval_ms)
        return look_ms

    def _inside(self, band: Band, time_ms: int) -> bool:
        bid, ask = self._columns.quote_at(time_ms)
        return band[0] < bid < band[1] and band[2] < (ask or NO_ASK) < band[3]

    def _next_ms(self) -> int:
        """Return the next multiple of the interval that lies ahead; those missed while waiting are not made up."""
        clockwork = self._clockwork
        passed = (self._venue.now_ms - clockwork.start_ms) // clockwork.interval_ms
        return clockwork.start_ms + (passed + 1) * clockwork.interval_ms

    def _wake_ms(self, band: Band) -> int:
        """Find the first moment at which an order could be touched, the band be left, or funding be paid."""
        venue, now_ms = self._venue, self._venue.now_ms
        wake_ms, resting = self._clockwork.end_ms + 1, venue.resting
        if resting.position:
            due = venue.settlements(now_ms, wake_ms)
            wake_ms = due[0].time_ms if due else wake_ms
        # each search ends where the one before found something, so that the way searched is the way gone
        wake_ms = self._columns.first_touch(now_ms, wake_ms, resting.best_bid, resting.best_ask)
        return self._columns.first_quote_beyond(now_ms, wake_ms, band)

    def _note_at(self, time_ms: int) -> None:
        """Tell the engine that the decisions up to `time_ms` were no-ops."""
        self._note(time_ms, *self._columns.quote_at(time_ms))

    def _note(self, time_ms: int, bid: int, ask: int) -> None:
        """Tell the engine so of `time_ms` where these were the best prices, in price units."""
        decimals = self._market.price_decimals
        self._engine.pass_over(time_ms, (decimal(bid, decimals) + decimal(ask, decimals)) / 2)
        self._stayed = None

    def _note_stayed(self) -> None:
        """Tell the engine of the last look that stayed, before it looks for itself."""
        if self._stayed is not None:
            self._note(*self._stayed)

    def _outcome(self, stopped: str | None) -> Outcome:
        venue, journal = self._venue, self._journal
        if stopped is None:
            venue.advance(self._clockwork.end_ms)
            stopped = self._liquidated() if venue.liquidated else None
        snapshot = observe(venue, journal, [self._market.market], self._engine.run_ids)
        assert self._report is not None
        start, end = self._clockwork.start_ms, venue.now_ms
        return Outcome(
            market=self._market.market,
            queue=self._queue,
            fills=tuple(journal.fills()),
            orders=tuple(order for order in journal.orders() if order.status is not OwnStatus.REJECTED),
            payments=tuple(journal.funding()),
            position=sum((p.size for p in snapshot.positions), Decimal(0)),
            equity=snapshot.account.equity,
            mark=snapshot.tickers[0].mark,
            events=self._columns.after(end) - self._columns.after(start - 1),
            decisions=(end - start) // self._clockwork.interval_ms + 1,
            cycles=self._cycles,
            requests=venue.requests,
            round_trips=self._report.runs[0].round_trips,
            wall_s=0.0,
            ended_ms=end,
            stopped=stopped,
            refused=tuple(self._refused.most_common()),
            slots_stopped=tuple(sorted(self._slots.items())),
            held_back=() if self._ordered else self._held_back(),
        )


def span_of(columns: Columns, from_ms: int | None, to_ms: int | None) -> tuple[int, int]:
    """Return the span from the first quote on both sides to the last event, cut to `from_ms` and `to_ms`, in ms.

    On candles it begins where a bar opens.

    Raises UsageError for a period that ends before it begins, DataFileError when nothing is left.
    """
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        how = "before" if to_ms < from_ms else "the same as"
        raise UsageError(f"--to {iso(to_ms)} is {how} --from {iso(from_ms)}")
    market = columns.tape.spec.market
    first, last = columns.first_two_sided(), columns.times[-1]
    if first is None:
        raise DataFileError(f"{market}: the data has no quote with both sides")
    start = at_the_open(max(first, from_ms or first), first, columns.tape.bar_ms)
    end = min(last, to_ms or last)
    if first >= last:
        raise DataFileError(f"{market}: the data has one moment only, {iso(first)}")
    if start >= end:
        asked = f"from {iso(from_ms)}" if from_ms is not None and from_ms >= last else f"to {iso(to_ms or last)}"
        raise DataFileError(f"{market}: no data {asked}: it goes from {iso(first)} to {iso(last)}")
    return start, end


def outside(columns: Columns, from_ms: int | None, to_ms: int | None) -> tuple[str, ...]:
    """Say where a period reaches beyond the data."""
    first, last = columns.first_two_sided(), columns.times[-1]
    found = []
    if from_ms is not None and first is not None and from_ms < first:
        found.append(f"--from {iso(from_ms)} is before the data, which begins at {iso(first)}")
    if to_ms is not None and to_ms > last:
        found.append(f"--to {iso(to_ms)} is after the data, which ends at {iso(last)}")
    return tuple(found)


def _in_units(band: QuietBand, market: MarketSpec, liquidation: tuple[int, int] | None) -> Band:
    """Return the band in price units, rounded to the careful side, and never as far as a liquidation (side, mark)."""
    scale = Decimal(10) ** market.price_decimals

    def above(bound: Decimal | None) -> int:
        return 0 if bound is None else math.ceil(bound * scale)

    def below(bound: Decimal | None) -> int:
        return NO_ASK if bound is None else math.floor(bound * scale)

    bid_above, ask_below = above(band.bid_above), below(band.ask_below)
    if liquidation is not None:
        # the mark is the mid: a long is closed out where the bid has fallen to it, a short where the ask has risen
        side, mark = liquidation
        if side > 0:
            bid_above = max(bid_above, mark + 1)
        else:
            ask_below = min(ask_below, mark - 1)
    return bid_above, below(band.bid_below), above(band.ask_above), ask_below
