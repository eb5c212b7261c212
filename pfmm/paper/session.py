"""How an operation meets its account: load, advance to the venue's now, work, save.

Advancing is done outside the write lock and saved against the revision it started from; only the operation itself and
the last few seconds run under the lock, so that its transactions stay short. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from math import ceil
from threading import RLock
from typing import Any, TypeVar

from pfmm.errors import ConfigError
from pfmm.paper.account import Account, OrderState
from pfmm.paper.advance import advance
from pfmm.paper.feeds.feed import Feed, MarketSpec
from pfmm.paper.feeds.live import KEPT_MS, LiveFeed
from pfmm.paper.ledger import DEFAULT_DEPOSIT
from pfmm.paper.market_data import Moment
from pfmm.paper.messages import Busy, ClockState, ExchangeError
from pfmm.paper.present import NOTE_EVERY_MS, Present, Uptime, first, present
from pfmm.paper.store import EPOCH_NUMBERS, Conflict, ExchangeRow, Store
from pfmm.paper.trading import Desk

TRIES = 50
CHASES = 4  # slices after which the way to now must have become shorter
SLICE_MS = 10_000  # wall time: a longer way is advanced outside the write lock and saved, a shorter one inside
SET_BACK_MS = 1_000  # time that an account may be ahead by before venue time is made to go on
TOUCH_EVERY_MS = 5_000  # wall time between two marks of use on a clock that pauses when idle

FeedFactory = Callable[[Mapping[str, Any]], Feed]
T = TypeVar("T")
Work = Callable[[Desk, ClockState], T]


class Sessions:
    """One store, one feed and one machine's clocks, shared by every operation of an exchange under `lock`."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        wall_ms: Callable[[], int],
        feed_factory: FeedFactory,
        uptime: Callable[[], tuple[str, int]],
    ) -> None:
        self.store = store
        self.wall_ms = wall_ms
        self._uptime = uptime
        self.feed_factory = feed_factory
        self.lock = RLock()
        row = store.exchange()
        self.exchange_id = _exchange_id(row)
        self.feed = feed
        self._live: LiveFeed | None = None
        self.use(feed, row.feed_revision)

    def spec(self, market: str) -> MarketSpec:
        """Return one market; 404 unknown_market."""
        found = self.specs.get(market)
        if found is None:
            raise ExchangeError(404, "unknown_market", f"there is no market {market}")
        return found

    def use(self, feed: Feed, revision: int) -> None:
        """Trade in `feed` from now on."""
        if feed is not self.feed:
            self.stop_following()
        self.feed = feed
        self._live = feed if isinstance(feed, LiveFeed) else None
        if self._live is not None:
            self._live.attach(self.store.live)
        self._feed_revision = revision
        self.specs = {spec.market: spec for spec in feed.specs()}

    def row(self) -> ExchangeRow:
        """Read the exchange's row, and follow a feed that another process has switched."""
        row = self.store.exchange()
        self.exchange_id = _exchange_id(row)
        if row.feed_revision != self._feed_revision:
            self.use(self.feed_factory(row.feed), row.feed_revision)
        return row

    def present(self, row: ExchangeRow) -> Present:
        """Tell the present by that row and this machine's clocks."""
        wall_ms = self.wall_ms()
        known = row.noted or first(max(wall_ms, row.clock.wall_ms, row.clock.touched_ms), Uptime("", 0))
        return present(known, wall_ms, self.uptime())

    def uptime(self) -> Uptime:
        """Read this machine's steady clock."""
        return Uptime(*self._uptime())

    def present_ms(self, row: ExchangeRow) -> int:
        """Tell the present by that row, in ms: the wall's time, unless the wall's clock was set."""
        return self.present(row).time_ms

    def clock(self, row: ExchangeRow) -> ClockState:
        """Return the venue's time by that row."""
        return row.clock.read(self.present_ms(row), self.feed.span())

    def reached(self, row: ExchangeRow) -> ClockState:
        """Tell how far accounts can be brought: to the venue's time, or as far as a live market has been seen; where it
        was not seen for a while, time goes on without it."""
        clock = self.clock(row)
        if self._live is None:
            return clock
        return clock._replace(time_ms=self._live.reached(clock.time_ms, self.present_ms(row)))

    def shown(self, clock: ClockState) -> ClockState:
        """Return the venue's clock now, for an answer about an account that was brought to `clock`."""
        return clock if self._live is None else self.clock(self.row())

    def follow(self, markets: Iterable[str] = ()) -> None:
        """Look at a live market before anything is done in it: at `markets`, and at all in which somebody has orders or
        a position. What the look brings is in the store then. `touch` comes first: it knows of a switched market."""
        live = self._live
        if live is None:
            return
        wall_ms = self.present_ms(self.row())
        with self.store.read():
            due = live.due({*markets, *self.store.exposed_markets()}, wall_ms)
        found = live.look(due, wall_ms) if due else None
        if found is None:
            return
        with self.store.write():
            row = self.row()
            wall_ms = self.present_ms(row)
            through_ms = live.publish(*found, wall_ms=wall_ms)
            now_ms = max(self.clock(row).time_ms, through_ms)
            if now_ms // KEPT_MS > row.clock.venue_ms // KEPT_MS:
                oldest_ms = self.store.oldest_account_ms()
                self.store.live.prune(min(now_ms - KEPT_MS, now_ms if oldest_ms is None else oldest_ms))
            clock = row.clock._replace(wall_ms=wall_ms, venue_ms=now_ms, touched_ms=wall_ms)
            self.store.save_exchange(row._replace(clock=clock))

    def stop_following(self) -> None:
        """Let go of a live market."""
        if self._live is not None:
            self._live.close()

    def market_problem(self) -> str | None:
        """Say why a live market could not be looked at last."""
        problem = None if self._live is None else self._live.problem
        return None if problem is None else problem.message

    def touch(self) -> None:
        """Note the present, now and then, and that somebody uses a clock that pauses when idle."""
        row = self.row()
        if self._due(row):
            with suppress(Busy, ConfigError), self.store.write():  # what is only noted stops nobody
                row = self.row()
                found = self.present(row)
                clock = row.clock.touch(found.time_ms, self.feed.span()) if row.clock.idle_pause else row.clock
                self.store.save_exchange(row._replace(clock=clock, noted=found.noted))

    def _due(self, row: ExchangeRow) -> bool:
        """Tell whether the present is to be noted: at first, in a new boot or when it became sure, and every minute."""
        found, noted = self.present(row), row.noted
        if row.clock.idle_pause and found.time_ms - row.clock.touched_ms >= TOUCH_EVERY_MS:
            return True
        if noted is None or noted.boot != found.noted.boot or noted.sure != found.noted.sure:
            return True
        return found.time_ms - noted.present_ms >= NOTE_EVERY_MS

    def _set_back(self, account: Account, clock: ClockState) -> bool:
        """Tell whether the account has seen a later time than the clock now tells: the present was noted a while before
        a kill, and the machine's clock went back between two boots."""
        return clock.state != "ended" and account.time_ms - clock.time_ms > SET_BACK_MS * max(clock.speed, 1)

    def _go_on_from(self, time_ms: int) -> None:
        """Let venue time run on from what an account has seen: the market would stand still until it is there."""
        with self.store.write():
            row = self.row()
            if self.clock(row).time_ms >= time_ms:
                return
            found, clock = self.present(row), row.clock
            if clock.idle_pause or not clock.speed:
                clock = clock._replace(wall_ms=found.time_ms, venue_ms=time_ms, touched_ms=found.time_ms)
                self.store.save_exchange(row._replace(clock=clock))
                return
            least_ms = clock.wall_ms + ceil((time_ms - clock.venue_ms) / clock.speed)  # the account has seen it
            noted = found.noted._replace(present_ms=max(found.time_ms, least_ms))
            self.store.save_exchange(row._replace(noted=noted))

    def public_moment(self, markets: Iterable[str] = ()) -> Moment:
        """Return the market now, for a read that must not wait for any lock; a live one is looked at in `markets`."""
        with suppress(Busy):
            self.touch()
            self.follow(markets)
        return Moment(self.feed, self.clock(self.row()).time_ms)

    def _load(self, name: str, now_ms: int) -> tuple[Account, int | None]:
        loaded = self.store.load(name, self.spec)
        if loaded is not None:
            return loaded
        first = self.store.exchange().epoch * EPOCH_NUMBERS + 1
        return Account(name, self.spec, now_ms, DEFAULT_DEPOSIT, first, first, first), None

    def _desk(self, account: Account, clock: ClockState) -> Desk:
        def find(number: int | None, client_order_id: str | None) -> OrderState | None:
            for order in account.touched.values():
                if order.number == number or (client_order_id and order.client_order_id == client_order_id):
                    return order
            return self.store.order(account.name, number, client_order_id)

        return Desk(account, Moment(self.feed, clock.time_ms), find)

    def act(self, name: str, work: Work[T], markets: Iterable[str] = ()) -> T:
        """Run `work` on the account, advanced to now, in one write transaction; `markets` are those it is about."""
        with self.lock:
            self.touch()
            self.follow(markets)
            for attempt in range(1, TRIES + 1):
                self.view(name, lambda *_: None)
                with self.store.write():
                    clock = self.reached(self.row())
                    account, revision = self._load(name, clock.time_ms)
                    now_ms = max(clock.time_ms, account.time_ms)
                    if self._lags(account, clock) and attempt < TRIES:
                        continue
                    while not advance(account, self.feed, now_ms):
                        pass
                    result = work(self._desk(account, clock._replace(time_ms=now_ms)), clock._replace(time_ms=now_ms))
                    self.store.save(account, revision)
                    return result
            raise Busy(f"account {name} could not be brought to the venue's time")

    def _lags(self, account: Account, clock: ClockState) -> bool:
        """Tell whether the way to now is too long for the write lock, or for doing it again at the next request."""
        return bool(account.orders or account.held()) and (
            clock.time_ms - account.time_ms > SLICE_MS * max(clock.speed, 1)
        )

    def view(self, name: str, work: Work[T], markets: Iterable[str] = ()) -> T:
        """Run `work` on the account, advanced to now, without the write lock unless there is something to save;
        `markets` are those that it is about.

        Busy when the clock runs away: at a high speed a minute of venue time can take longer than it lasts. What was
        reached is saved.
        """
        with self.lock:
            self.touch()
            self.follow(markets)
            ways_ms: list[int] = []
            while True:
                with self.store.read():
                    clock = self.reached(self.row())
                    account, revision = self._load(name, clock.time_ms)
                    set_back = self._set_back(account, clock)
                    clock = clock._replace(time_ms=max(clock.time_ms, account.time_ms))
                    lagged, way_ms = self._lags(account, clock), clock.time_ms - account.time_ms
                    done = advance(account, self.feed, clock.time_ms)
                    if done and not account.changed and not lagged and not set_back:
                        return work(self._desk(account, clock), clock)
                if set_back:
                    self._go_on_from(account.time_ms)
                    continue
                with suppress(Conflict), self.store.write():
                    self.store.save(account, revision)
                    if done:
                        return work(self._desk(account, clock), clock)
                if not done:
                    ways_ms.append(way_ms)
                    if len(ways_ms) > CHASES and ways_ms[-1] >= ways_ms[0]:
                        speed = f"{clock.speed:.12g}"
                        raise Busy(f"account {name} cannot be kept at the venue's time: choose a --speed below {speed}")


def _exchange_id(row: ExchangeRow) -> str:
    """Tell which exchange this is, for ever: its file's own name, and how often it was reset, as a reset forgets what
    clients may still believe in."""
    return f"{row.identity}-{row.epoch}"
