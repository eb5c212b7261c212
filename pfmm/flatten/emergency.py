"""The emergency path: cancel everything, prove it, reduce with reduce-only IOC orders, and prove flat from the venue.

As few dependencies as can be: errors, model, ports and price snapping. It knows no journal, no config, no locks and
no strategy; it believes nothing but consistent snapshots whose venue time moves on.

One pass is: read, then cancel what rests, else reduce what is open, else count a proof. Cancels and reduce-only IOC
orders can neither rest, open nor flip a position, so an account that a snapshot shows flat stays flat whatever became
of our own requests; only somebody else's (`Others`) can change that, and a proof waits until they are silent. Where a
venue takes post-only orders alone, one closing order rests (`resting`): a proof waits until it can no longer come.
Layer: flatten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from decimal import Decimal

from pfmm.errors import (
    AuthenticationError,
    ConfigError,
    OutcomeUnknown,
    PfmmError,
    RateLimited,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.flatten.closing import closing_order
from pfmm.flatten.contract import (
    FlattenOrder,
    FlattenResult,
    MarketProgress,
    Nobody,
    Others,
    Tools,
)
from pfmm.flatten.resting import SHOWS_WITHIN_S, TRY_AGAIN_S, resting_order, staying, told
from pfmm.flatten.verdict import Seen, verdict
from pfmm.model.account import Snapshot, VenueTime
from pfmm.model.expiry import acts_until_ms
from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import Batch, CancelOrder, NewOrder, Order, Refusal
from pfmm.model.refusal import RefusalReason
from pfmm.ports import Venue

_ZERO = Decimal(0)
AGE_TOLERANCE_MS = 2_000
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.8
MAX_BATCH = 100
MAX_REFUSALS = 3
INTERRUPTED_S = 3.0  # for the cancels and the look that are left once somebody has asked to stop


def flatten(venue: Venue, order: FlattenOrder, tools: Tools, others: Others | None = None) -> FlattenResult:
    """Carry out `order` and say what could be proven; never raises for a venue that fails on the way.

    Raises AuthenticationError and ConfigError only (a key that is refused or unusable), since no repetition could
    help. FLAT is said only when ONE snapshot, newer than the one before it, shows no open order and no position in
    the markets asked for, at a time when nobody else's request can act any more; two, where a position is gone that
    we did not close, and where the venue has no atomic snapshot. May outlast the timeout by the request that is under
    way when it ends and a last look, or two, which the caller bounds at the venue.
    """
    return _Flattener(venue, order, tools, others or Nobody()).run()


class _Flattener:
    def __init__(self, venue: Venue, order: FlattenOrder, tools: Tools, others: Others) -> None:
        self._venue = venue
        self._order = order
        self._tools = tools
        self._others = others
        self._deadline_s = tools.monotonic_s() + order.timeout_s
        # where orders are read apart from positions, one that was placed a moment ago may not show yet
        whole = venue.capabilities.atomic_snapshot
        self._proofs_needed = order.proofs if whole else max(order.proofs, 2)
        self._between_proofs_s = order.between_proofs_s if whole else max(order.between_proofs_s, SHOWS_WITHIN_S)
        self._instruments: Mapping[str, Instrument] = {}
        self._markets: dict[str, MarketProgress] = {}
        self._last: Snapshot | None = None
        self._ahead_ms = 0.0  # the furthest that the venue's clock was ever seen ahead of ours
        self._settled = False  # the newest read succeeded, was not the first, and no action has followed it
        self._proofs = 0
        self._acts_until_ms = 0  # of the newest order that was sent to rest
        self._failures = 0
        self._idled = 0
        self._other_way = False  # whether the next cancels go the way that the last did not
        self._seen_resting: set[str] = set()
        self._resting: set[str] = set()
        self._problem: str | None = None
        self._interrupted = False

    def run(self) -> FlattenResult:
        while self._tools.monotonic_s() < self._deadline_s:
            self._listen()
            self._others.press()
            if self._guarded(self._one_pass):
                return self._verdict(proven=True)
            if self._stuck():
                break
        proven = not self._settled and self._guarded(self._last_look)
        return self._verdict(proven=proven)

    def _listen(self) -> None:
        """Note that somebody has asked to stop: no further order is sent then; what rests is cancelled, and looked
        at."""
        if not self._interrupted and self._tools.interrupted is not None and self._tools.interrupted():
            self._interrupted = True
            self._deadline_s = min(self._deadline_s, self._tools.monotonic_s() + INTERRUPTED_S)

    def _guarded(self, step: Callable[[], bool]) -> bool:
        """Take one step; what the venue gets wrong in it is remembered and waited out."""
        try:
            return step()
        except (AuthenticationError, ConfigError):
            raise
        except RateLimited as error:
            self._note(error, error.retry_after_s)
        except PfmmError as error:
            self._note(error, 0.0)
        return False

    def _note(self, error: PfmmError, seconds: float) -> None:
        self._problem = error.message
        self._failures += 1
        self._wait(max(seconds, _pause_s(self._failures)))

    def _wait(self, seconds: float) -> None:
        self._tools.wait_s(max(0.0, min(seconds, self._deadline_s - self._tools.monotonic_s())))

    def _idle(self) -> None:
        """Wait for others to move; longer each time, so that waiting does not eat the request budget."""
        self._idled += 1
        self._wait(_pause_s(self._idled))

    def _one_pass(self) -> bool:
        """Read, and do the one thing that is missing; return True when nothing is and that is proven."""
        first = self._last is None
        try:
            snapshot = self._read()
        except (VenueUnreachable, VenueRefused):
            self._cancel_unseen()
            raise
        if snapshot is None:
            self._idle()
            return False
        self._failures = 0
        self._count_rested(snapshot)
        stays = self._staying(snapshot)
        resting = [order for order in snapshot.orders if self._wanted(order.market) and order.order_id not in stays]
        if resting:
            self._cancel(resting, others_stay=bool(stays))
            return False
        # half of a position needs the position of now, which one snapshot alone cannot show
        closing = [] if first and self._order.half else self._closing(snapshot)
        if closing:
            self._reduce(closing)
            return False
        if self._left():  # nothing to close it with yet
            self._idle()
            return False
        return not first and self._proof(snapshot)

    def _last_look(self) -> bool:
        """Read once more after the time is up, so that the verdict knows what became of the last action; and again
        where nothing could be read before, as the very first may be any age, or a position is gone that we did not
        close."""
        first = self._last is None
        shown = self._look_after()
        if shown and (first or self._vanished()):
            self._tools.wait_s(FIRST_PAUSE_S)
            shown = self._look_after()
        return shown

    def _look_after(self) -> bool:
        """Read, and tell whether that snapshot shows the end."""
        snapshot = self._read()
        if snapshot is None or self._resting or self._left() or self._proofs_needed > 1:
            return False
        return self._conclusive(snapshot)

    def _read(self) -> Snapshot | None:
        """Read one consistent snapshot; None when it is not certainly newer than the last: a cached answer proves
        nothing. A venue whose time stands still (stepped, paused, ended) need only not go back."""
        self._settled = False
        snapshot = self._venue.state(self._order.markets or tuple(self._markets))
        now_s = self._tools.monotonic_s()
        ours_ms = now_s * 1000 * snapshot.time.speed
        if self._last is not None and snapshot.time.time_ms < self._earliest_ms(
            self._last.time, snapshot.time, ours_ms
        ):
            self._problem = "the venue answers with stale snapshots"
            return None
        ahead_ms = snapshot.time.time_ms - ours_ms
        same_pace = self._last is not None and _same_pace(self._last.time, snapshot.time)
        self._ahead_ms = max(ahead_ms, self._ahead_ms) if same_pace else ahead_ms
        # the very first may be any age; from the second on each is newer than the one before
        self._settled = self._last is not None
        self._last = snapshot
        self._notice(snapshot)
        return snapshot

    def _earliest_ms(self, last: VenueTime, now: VenueTime, ours_ms: float) -> int:
        if now.speed == 0 or now.state != "open":
            return last.time_ms
        if not _same_pace(last, now):
            return last.time_ms + 1
        return max(last.time_ms + 1, round(self._ahead_ms + ours_ms - AGE_TOLERANCE_MS * now.speed))

    def _wanted(self, market: str) -> bool:
        return self._order.markets is None or market in self._order.markets

    def _notice(self, snapshot: Snapshot) -> None:
        """Bring every market up to the snapshot."""
        for position in snapshot.positions:
            if self._wanted(position.market) and position.market not in self._markets and position.size:
                target = None if self._order.half else _ZERO
                self._markets[position.market] = MarketProgress(position.size, position.size, target)
        sizes = {position.market: position.size for position in snapshot.positions}
        mids = {ticker.market: ticker.mid for ticker in snapshot.tickers}
        for name, market in self._markets.items():
            market.size = sizes.get(name, _ZERO)
            market.mid = market.mid or mids.get(name)
        self._resting = {order.order_id for order in snapshot.orders if self._wanted(order.market)}
        self._seen_resting |= self._resting

    def _count_rested(self, snapshot: Snapshot) -> None:
        """Take over what became of closing orders that were to rest and do not."""
        shown = {order.client_order_id for order in snapshot.orders}
        for market in self._markets.values():
            new = self._tools.monotonic_s() - market.rested_s < SHOWS_WITHIN_S
            if market.rest_id is None or market.rest_id in shown or new:
                continue
            found = self._venue.order(market.rest_id)
            if found is not None and found.filled and found.status.final:
                market.count(found)
            if snapshot.time.time_ms > self._acts_until_ms or (found is not None and found.status.final):
                market.rest_id = None

    def _staying(self, snapshot: Snapshot) -> set[str]:
        """Return the ids of our closing orders that may go on resting; see `resting`."""
        if self._interrupted:
            return set()
        tickers = {ticker.market: ticker for ticker in snapshot.tickers}
        kept = set()
        for name, market in self._markets.items():
            order = staying(market, snapshot.orders, tickers.get(name))
            if order is not None:
                market.reason = told(order)
                kept.add(order.order_id)
        return kept

    def _cancel(self, resting: Sequence[Order], *, others_stay: bool) -> None:
        """Ask for these resting orders to be cancelled; only the next read tells what became of them.

        Every second time by the other way (all at once, or by order id): one of them may be what the venue refuses.
        """
        self._acting()
        at_once = (self._order.markets is None) is not self._other_way
        self._other_way = not self._other_way
        if at_once and not others_stay:
            self._cancel_all()
            return
        self._cancel_each([CancelOrder(one.market, order_id=one.order_id) for one in resting])

    def _cancel_all(self) -> None:
        for market in (None,) if self._order.markets is None else self._order.markets:
            self._venue.cancel_all(market)

    def _cancel_unseen(self) -> None:
        """Cancel what cannot be seen: not being able to read must not keep orders alive.

        All at once; where that does not work either (some venues must read first), what was seen last and what is
        known otherwise.
        """
        self._acting()
        with suppress(VenueUnreachable, VenueRefused, OutcomeUnknown):
            self._cancel_all()
            return
        seen = () if self._last is None else self._last.orders
        known = [*(CancelOrder(o.market, order_id=o.order_id) for o in seen), *self._tools.known()]
        self._cancel_each([one for one in known if self._wanted(one.market)], deaf=True)

    def _cancel_each(self, cancels: Sequence[CancelOrder], *, deaf: bool = False) -> None:
        """Cancel one by one, so many a request; what the venue says to that is passed over where nothing is seen."""
        for start in range(0, len(cancels), MAX_BATCH):
            with suppress(VenueUnreachable, VenueRefused, OutcomeUnknown) if deaf else nullcontext():
                self._venue.submit(Batch(cancel=tuple(cancels[start : start + MAX_BATCH])))

    def _acting(self) -> None:
        self._settled = False
        self._proofs = self._idled = 0

    def _closing(self, snapshot: Snapshot) -> list[tuple[MarketProgress, NewOrder]]:
        """Build a reduce-only IOC order for each market that has something left to close, inside the slippage cap."""
        if self._order.cancel_only or self._interrupted or not self._left():
            return []
        if not self._instruments:
            self._instruments = {instrument.market: instrument for instrument in self._venue.markets()}
        tickers = {ticker.market: ticker for ticker in snapshot.tickers}
        orders = []
        for name, market in self._markets.items():
            if market.target is None:
                market.target = abs(market.size) / 2
            if name in self._instruments:
                market.step = self._instruments[name].size_step
            if market.excess and self._may_act(market, snapshot.time.time_ms):
                order = self._closing_order(market, tickers.get(name), self._instruments.get(name), snapshot)
                if order is not None:
                    orders.append((market, order))
        return orders[:MAX_BATCH]

    def _closing_order(
        self, market: MarketProgress, ticker: Ticker | None, instrument: Instrument | None, snapshot: Snapshot
    ) -> NewOrder | None:
        """Build the immediate order; in a post-only period, between two of them, the one that rests."""
        now_s = self._tools.monotonic_s()
        if market.post_only and now_s - market.tried_s < TRY_AGAIN_S:
            shown = staying(market, snapshot.orders, ticker)
            if shown is not None or now_s - market.rested_s < SHOWS_WITHIN_S or self._order.half:
                return None
            make = self._tools.client_order_id
            order = resting_order(market, ticker, instrument, snapshot.time, client_order_id=make)
            if order is not None:
                market.rest_id, market.rested_s = order.client_order_id, now_s
                self._acts_until_ms = max(self._acts_until_ms, acts_until_ms(order.valid_until_ms or 0))
            return order
        market.tried_s = now_s
        return closing_order(
            market,
            ticker,
            instrument,
            snapshot.time,
            max_slippage_bps=self._order.max_slippage_bps,
            client_order_id=self._tools.client_order_id,
        )

    def _reduce(self, closing: Sequence[tuple[MarketProgress, NewOrder]]) -> None:
        """Send the closing orders in one batch and note what the answers say; the next read decides."""
        self._acting()
        for market, order in closing:
            market.attempts += 1
            self._gate(market, order, None)
        try:
            answer = self._venue.submit(Batch(place=tuple(order for _, order in closing)))
        except (VenueUnreachable, VenueRefused):
            for market, _ in closing:
                market.unanswered, market.not_before_ms = None, 0  # certainly not acted
            raise
        for (market, order), item in zip(closing, answer.place, strict=True):
            self._gate(market, order, item)
            if isinstance(item, Order):
                market.post_only = market.post_only and order.post_only
                market.count(item)
            else:
                market.misses += 1
                market.post_only = market.post_only or item.reason is RefusalReason.POST_ONLY_PERIOD
                market.refusals += not (item.reason.passing or order.post_only)
                market.reason = f"the venue refused to close {order.size:f}: {item.message} ({item.code})"
        if any(market.reason is not None for market, _ in closing):  # a thin book needs a moment to fill up again
            self._wait(_pause_s(min(market.misses for market, _ in closing)))

    def _gate(self, market: MarketProgress, order: NewOrder, item: Order | Refusal | None) -> None:
        """Note what the next order of a half must wait for, as a half must not be closed twice: a snapshot that counts
        the first, or the time from which the first can no longer act. A whole position needs no such care, as
        reduce-only ends at zero."""
        if not self._order.half:
            return
        market.unanswered, market.not_before_ms = None, 0
        if isinstance(item, Order):
            market.not_before_ms = item.updated_ms
        elif item is None or item.reason is RefusalReason.OUTCOME_UNKNOWN:
            market.unanswered = order.client_order_id
            market.not_before_ms = acts_until_ms(order.valid_until_ms or 0)

    def _may_act(self, market: MarketProgress, now_ms: int) -> bool:
        """Tell whether another closing order is due; asks for the one before it where its answer was lost."""
        if market.refusals >= MAX_REFUSALS:
            return False
        if market.unanswered is not None and now_ms < market.not_before_ms:
            found = self._venue.order(market.unanswered)
            if found is not None and found.status.final:
                market.unanswered, market.not_before_ms = None, found.updated_ms
                market.count(found)
        return now_ms >= market.not_before_ms

    def _left(self) -> bool:
        """Tell whether a market holds more than it should that could be closed."""
        return not self._order.cancel_only and any(market.closable for market in self._markets.values())

    def _stuck(self) -> bool:
        """Tell whether waiting longer would not help: all that is left was refused for good, or is left on purpose
        since somebody has asked to stop."""
        if self._interrupted and self._settled and not self._resting and self._left():
            return True
        left = [market for market in self._markets.values() if market.closable]
        return self._settled and bool(left) and all(market.refusals >= MAX_REFUSALS for market in left)

    def _proof(self, snapshot: Snapshot) -> bool:
        """Count snapshots that show the end; those from before the others' last request can act do not."""
        if not self._conclusive(snapshot):
            self._idle()
            return False
        self._proofs += 1
        if self._proofs < self._proofs_needed:
            self._wait(self._between_proofs_s)
        elif self._proofs > 1 or not self._vanished():
            return True
        else:
            self._idle()
        return False

    def _vanished(self) -> bool:
        """Tell whether a position is gone that we did not close: one snapshot that leaves it out proves nothing."""
        return any(market.vanished for market in self._markets.values())

    def _conclusive(self, snapshot: Snapshot) -> bool:
        """Tell whether nobody's request can act any more, our own resting one neither, and all was looked at."""
        if not self._all_silent(snapshot.time) or snapshot.time.time_ms <= self._acts_until_ms:
            return False
        if snapshot.unseen and self._order.markets is None:
            self._problem = f"not looked at: {', '.join(snapshot.unseen)}; all else is as asked for"
            return False
        return True

    def _all_silent(self, now: VenueTime) -> bool:
        silent_from_ms = self._others.silent_from_ms(now)
        if silent_from_ms is None:
            self._problem = "a runner of the account may still be sending orders"
            return False
        if now.time_ms < silent_from_ms:
            self._problem = "requests of stopped runners could still arrive"
            return False
        return True

    def _verdict(self, *, proven: bool) -> FlattenResult:
        seen = Seen(
            order=self._order,
            markets=self._markets,
            last=self._last,
            settled=self._settled,
            resting=len(self._resting),
            cancelled=len(self._seen_resting - self._resting),
            left=self._left(),
            interrupted=self._interrupted,
            problem=self._problem,
        )
        return verdict(seen, proven=proven)


def _same_pace(one: VenueTime, other: VenueTime) -> bool:
    return (one.speed, one.state) == (other.speed, other.state)


def _pause_s(number: int) -> float:
    """Return the wait after the n-th failure in a row: 0.05, 0.1, 0.2, 0.4, then 0.8 s."""
    return min(FIRST_PAUSE_S * 2.0 ** max(number - 1, 0), LONGEST_PAUSE_S)
