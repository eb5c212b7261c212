"""The emergency path: cancel everything, prove it, reduce with reduce-only IOC orders, and prove flat from the venue.

As few dependencies as can be: errors, model, ports and price snapping. It knows no journal, no config, no locks and
no strategy; it believes nothing but consistent snapshots whose venue time moves on.

One pass is: read, then cancel what rests, else reduce what is open, else count a proof. A pass that finds
nothing to do, in a snapshot younger than every action before it, is the proof. Reduce-only IOC orders can neither
rest nor flip, so a request whose outcome is unknown needs no other treatment than the next read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pfmm.errors import AuthenticationError, OutcomeUnknown, PfmmError, RateLimited, VenueRefused, VenueUnreachable
from pfmm.model.account import Snapshot
from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import Batch, CancelOrder, NewOrder, Order, Side, TimeInForce
from pfmm.ports import Venue
from pfmm.strategy.ticks import snap_price, snap_size

_BPS = Decimal(10_000)
_ZERO = Decimal(0)
REQUEST_LIFE_MS = 5_000
AGE_TOLERANCE_MS = 2_000
PAUSE_S = 0.05
BETWEEN_PROOFS_S = 3.0
MAX_BATCH = 100
MAX_REFUSALS = 3
PASSING = ("not_sent", "outcome_unknown", "rate_limited", "busy", "internal", "expired")


class FlatState(StrEnum):
    """What could be proven. `reduced` and `cancelled` are the successes of --half and --cancel-only."""

    FLAT = "flat"
    REDUCED = "reduced"
    CANCELLED = "cancelled"
    RESIDUAL = "residual"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FlattenOrder:
    """What to do. `markets` None means the whole account. `half` closes half of each position as first read;
    `cancel_only` leaves positions alone. `proof_after_ms`: requests of stopped runners may still arrive until this
    venue time, so no snapshot before it proves anything."""

    markets: tuple[str, ...] | None
    half: bool = False
    cancel_only: bool = False
    max_slippage_bps: Decimal = Decimal(50)
    timeout_s: float = 30.0
    proofs: int = 1
    proof_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class MarketResult:
    """One market: position before and after in base units, what was closed at which average price and slippage
    against the mid at the first read, and why something is left."""

    market: str
    before: Decimal
    after: Decimal | None
    closed_size: Decimal
    avg_price: Decimal | None
    slippage_bps: Decimal | None
    attempts: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class FlattenResult:
    """The verdict. `time_ms` is the venue time of the snapshot that it rests on, None when there was none."""

    state: FlatState
    time_ms: int | None
    cancelled: int
    orders_left: int | None
    markets: tuple[MarketResult, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Tools:
    """What the path needs of the outside: a local clock, a way to wait, and fresh client order ids."""

    monotonic_s: Callable[[], float]
    wait_s: Callable[[float], object]
    client_order_id: Callable[[], str]


@dataclass(slots=True)
class _Market:
    """What was seen and done for one market; `target` is the absolute size to come down to."""

    before: Decimal
    target: Decimal
    size: Decimal
    mid: Decimal | None = None
    attempts: int = 0
    closed: Decimal = _ZERO
    value: Decimal = _ZERO
    reason: str | None = None
    refusals: int = 0

    @property
    def excess(self) -> Decimal:
        """Base units still to be closed."""
        return max(abs(self.size) - self.target, _ZERO)


def flatten(venue: Venue, order: FlattenOrder, instruments: Mapping[str, Instrument], tools: Tools) -> FlattenResult:
    """Carries out `order` and says what could be proven; never raises for a venue that fails on the way.

    Raises AuthenticationError only, since no repetition could help. The verdict is FLAT only when ONE snapshot, newer
    than every action, shows no open order and no position in the markets asked for.
    """
    return _Flattener(venue, order, instruments, tools).run()


class _Flattener:
    def __init__(self, venue: Venue, order: FlattenOrder, instruments: Mapping[str, Instrument], tools: Tools) -> None:
        self._venue = venue
        self._order = order
        self._instruments = instruments
        self._tools = tools
        self._deadline_s = tools.monotonic_s() + order.timeout_s
        self._markets: dict[str, _Market] = {}
        self._last: Snapshot | None = None
        self._last_at_s = 0.0
        self._settled = False  # an accepted snapshot has followed the last action
        self._proofs = 0
        self._seen_resting: set[str] = set()
        self._resting: set[str] = set()
        self._problem: str | None = None

    def run(self) -> FlattenResult:
        while self._tools.monotonic_s() < self._deadline_s:
            try:
                if self._one_pass():
                    return self._verdict(proven=True)
                if self._stuck():
                    break
            except AuthenticationError:
                raise
            except RateLimited as error:
                self._pause(error, error.retry_after_s)
            except (OutcomeUnknown, VenueUnreachable, VenueRefused) as error:
                self._pause(error, PAUSE_S)
        return self._verdict(proven=False)

    def _pause(self, error: PfmmError, seconds: float) -> None:
        self._problem = error.message
        left_s = self._deadline_s - self._tools.monotonic_s()
        self._tools.wait_s(max(0.0, min(seconds, left_s)))

    def _one_pass(self) -> bool:
        """Reads, and does the one thing that is missing; True when nothing is and that is proven."""
        first = self._last is None
        snapshot = self._read()
        if snapshot is None:
            self._tools.wait_s(PAUSE_S)
            return False
        self._notice(snapshot, first=first)
        resting = [order for order in snapshot.orders if self._wanted(order.market)]
        if resting:
            self._cancel(resting)
            return False
        closing = self._closing(snapshot)
        if closing:
            self._reduce(closing)
            return False
        return not first and not self._left() and self._proof(snapshot)

    def _read(self) -> Snapshot | None:
        """One consistent snapshot, or None when it is not certainly newer than the last: a cached answer proves
        nothing. A venue whose time stands still (stepped, paused, ended) is believed as it is."""
        snapshot = self._venue.state(self._order.markets or tuple(self._markets))
        now_s = self._tools.monotonic_s()
        last = self._last
        if last is not None and snapshot.time.speed > 0 and snapshot.time.state == "open":
            elapsed_ms = (now_s - self._last_at_s) * 1000 - AGE_TOLERANCE_MS
            earliest = max(last.time.time_ms + 1, last.time.time_ms + round(elapsed_ms * snapshot.time.speed))
            if snapshot.time.time_ms < earliest:
                self._problem = "the venue answers with stale snapshots"
                return None
        self._last, self._last_at_s, self._settled = snapshot, now_s, True
        return snapshot

    def _wanted(self, market: str) -> bool:
        return self._order.markets is None or market in self._order.markets

    def _notice(self, snapshot: Snapshot, *, first: bool) -> None:
        """Brings every market up to the snapshot. `half` is of the position as first seen; a position that appears
        later is closed whole."""
        for position in snapshot.positions:
            if self._wanted(position.market) and position.market not in self._markets and position.size:
                target = abs(position.size) / 2 if self._order.half and first else _ZERO
                self._markets[position.market] = _Market(position.size, target, position.size)
        sizes = {position.market: position.size for position in snapshot.positions}
        mids = {ticker.market: ticker.mid for ticker in snapshot.tickers}
        for name, market in self._markets.items():
            market.size = sizes.get(name, _ZERO)
            market.mid = market.mid or mids.get(name)
        self._resting = {order.order_id for order in snapshot.orders if self._wanted(order.market)}
        self._seen_resting |= self._resting

    def _cancel(self, resting: Sequence[Order]) -> None:
        """Asks for every resting order to be cancelled; only the next read tells what became of them."""
        self._acting()
        if self._order.markets is None:
            self._venue.cancel_all()
            return
        for start in range(0, len(resting), MAX_BATCH):
            part = resting[start : start + MAX_BATCH]
            self._venue.submit(Batch(cancel=tuple(CancelOrder(o.market, order_id=o.order_id) for o in part)))

    def _acting(self) -> None:
        self._settled = False
        self._proofs = 0

    def _closing(self, snapshot: Snapshot) -> list[tuple[_Market, NewOrder]]:
        """A reduce-only IOC order for each market that has something left to close, inside the slippage cap."""
        if self._order.cancel_only:
            return []
        tickers = {ticker.market: ticker for ticker in snapshot.tickers}
        orders = []
        for name, market in self._markets.items():
            if market.excess and market.refusals < MAX_REFUSALS:
                order = self._closing_order(name, market, tickers.get(name), snapshot.time.time_ms)
                if order is not None:
                    orders.append((market, order))
        return orders[:MAX_BATCH]

    def _closing_order(self, name: str, market: _Market, ticker: Ticker | None, now_ms: int) -> NewOrder | None:
        side = Side.SHORT if market.size > 0 else Side.LONG
        touch = None if ticker is None else ticker.bid if side is Side.SHORT else ticker.ask
        instrument = self._instruments.get(name)
        if touch is None or instrument is None:
            market.reason = f"{name} shows no {'bid' if side is Side.SHORT else 'ask'} to close at"
            return None
        size = market.excess if market.target == 0 else snap_size(market.excess, instrument.size_step)
        if not size:
            return None
        worst = touch * (1 + side.sign * self._order.max_slippage_bps / _BPS)
        market.attempts += 1
        return NewOrder(
            client_order_id=self._tools.client_order_id(),
            market=name,
            side=side,
            size=size,
            # rounded towards the touch: the cap is a cap
            price=snap_price(worst, side, instrument.price_rule),
            post_only=False,
            reduce_only=True,
            time_in_force=TimeInForce.IOC,
            valid_until_ms=now_ms + REQUEST_LIFE_MS,
        )

    def _reduce(self, closing: Sequence[tuple[_Market, NewOrder]]) -> None:
        """Sends the closing orders in one batch and notes what the answers say; the next read decides."""
        self._acting()
        answer = self._venue.submit(Batch(place=tuple(order for _, order in closing)))
        for (market, order), item in zip(closing, answer.place, strict=True):
            if isinstance(item, Order):
                market.refusals = 0
                market.closed += item.filled
                market.value += item.filled * (item.avg_fill_price or order.price or _ZERO)
                if item.filled < order.size:
                    market.reason = f"only {item.filled:f} of {order.size:f} could be closed inside the slippage cap"
            else:
                market.refusals += item.code not in PASSING
                market.reason = f"the venue refused to close {order.size:f}: {item.message} ({item.code})"

    def _left(self) -> bool:
        """True while a market holds more than it should; a half's odd last lot does not count."""
        if self._order.cancel_only:
            return False
        return any(self._closable(name, market) for name, market in self._markets.items())

    def _closable(self, name: str, market: _Market) -> bool:
        if market.target == 0:
            return market.size != 0
        instrument = self._instruments.get(name)
        return instrument is None or market.excess >= instrument.size_step

    def _stuck(self) -> bool:
        """True when all that is left was refused for good: waiting longer would not help."""
        left = [m for name, m in self._markets.items() if self._closable(name, m)]
        return self._settled and bool(left) and all(m.refusals >= MAX_REFUSALS for m in left) and not self._resting

    def _proof(self, snapshot: Snapshot) -> bool:
        """Counts snapshots that show the end; those from before the last request in flight can arrive do not."""
        if snapshot.time.time_ms < self._order.proof_after_ms:
            self._tools.wait_s(PAUSE_S)
            return False
        self._proofs += 1
        if self._proofs >= self._order.proofs:
            return True
        self._tools.wait_s(BETWEEN_PROOFS_S)
        return False

    def _verdict(self, *, proven: bool) -> FlattenResult:
        left = self._left() or bool(self._resting)
        if proven:
            state = FlatState.FLAT
            if self._order.cancel_only:
                state = FlatState.CANCELLED
            elif self._order.half and any(market.size for market in self._markets.values()):
                state = FlatState.REDUCED
        elif self._settled and self._last is not None and left:
            state = FlatState.RESIDUAL
        else:
            state = FlatState.UNKNOWN
        known = self._last is not None and self._settled
        return FlattenResult(
            state=state,
            time_ms=self._last.time.time_ms if self._last is not None else None,
            cancelled=len(self._seen_resting - self._resting),
            orders_left=len(self._resting) if known else None,
            markets=tuple(self._result(name, market, known=known) for name, market in self._markets.items()),
            reason=None if proven else self._why(state),
        )

    def _why(self, state: FlatState) -> str:
        if state is FlatState.RESIDUAL:
            reasons = [market.reason for name, market in self._markets.items() if self._closable(name, market)]
            if self._resting:
                reasons.append(f"{len(self._resting)} orders still rest")
            return "; ".join(reason for reason in reasons if reason) or "the time was up"
        return self._problem or "no snapshot after the last action could be read in time"

    def _result(self, name: str, market: _Market, *, known: bool) -> MarketResult:
        average = market.value / market.closed if market.closed else None
        slippage = None
        if average is not None and market.mid:
            direction = 1 if market.before > 0 else -1
            slippage = ((market.mid - average) * direction / market.mid * _BPS).quantize(Decimal("0.01"))
        return MarketResult(
            market=name,
            before=market.before,
            after=market.size if known else None,
            closed_size=market.closed,
            avg_price=average,
            slippage_bps=slippage,
            attempts=market.attempts,
            reason=market.reason if self._closable(name, market) else None,
        )
