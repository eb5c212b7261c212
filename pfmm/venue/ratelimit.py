"""The request budget of one account: token buckets with lanes, so that a cancel always has room.

Pure: the caller brings the time (monotonic seconds) and does the waiting. Layer: venue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from threading import Lock
from typing import Protocol

ORDERS_PER_MINUTE = 120
DATA_PER_MINUTE = 600
LOW = 0.2


class Lane(IntEnum):
    """What a request is for; a lower number goes first. READ draws on the data bucket, the others on orders.

    DEAD_MAN is beside them: a venue that has enough of its switch being fed must not keep a cancel from being sent.
    """

    CANCEL = 0
    FLATTEN = 1
    PLACE = 2
    READ = 3
    DEAD_MAN = 4

    @property
    def reserve(self) -> float:
        """Return the fraction of a full bucket that this lane must leave for the lanes above it."""
        return {Lane.FLATTEN: 0.05, Lane.PLACE: 0.15}.get(self, 0.0)

    @property
    def patience_s(self) -> float:
        """Return the longest wait for a token. An order priced seconds ago is better not sent, and none must wait for
        the switch to be fed; a cancel is worth a wait."""
        return {Lane.PLACE: 2.0, Lane.READ: 15.0, Lane.DEAD_MAN: 2.0}.get(self, 60.0)


class Budget(Protocol):
    """What may still be sent, by lane. Safe to share between threads."""

    def take(self, lane: Lane, now_s: float, weight: int = 1) -> float:
        """Take `weight` and return 0, or take nothing and return the seconds to wait before asking again."""
        ...

    def spent(self, lane: Lane, now_s: float, weight: int) -> None:
        """Count what has been used already."""
        ...

    def learn(self, lane: Lane, now_s: float, *, limit: int | None, remaining: int | None) -> None:
        """Take over what the venue reports."""
        ...

    def close(self, lane: Lane, now_s: float, wait_s: float) -> None:
        """Shut this lane for so many seconds: the venue refused it."""
        ...

    def text(self, now_s: float) -> str:
        """Tell what is left, for a screen."""
        ...

    def low(self, now_s: float) -> bool:
        """Tell whether little is left."""
        ...


@dataclass(frozen=True, slots=True)
class Bucket:
    """`tokens` at monotonic time `at_s`, refilled evenly to `per_minute`."""

    per_minute: int
    tokens: float
    at_s: float

    def at(self, now_s: float) -> Bucket:
        """Return the bucket at a later time: 120 a minute is 2 tokens a second, never more than 120 in all."""
        passed_s = max(0.0, now_s - self.at_s)
        return replace(self, tokens=min(self.per_minute, self.tokens + passed_s * self.per_minute / 60), at_s=now_s)

    def wait_s(self, reserve: float, weight: int = 1) -> float:
        """Return the seconds until `weight` can be taken and `reserve` is left (a fraction of a full bucket). Empty at
        120 a minute, the wait for one token is 0.5 s.

        A bucket of one token has no room for a reserve: with one it would never be full enough to take from.
        """
        missing = min(weight + reserve * self.per_minute, self.per_minute) - self.tokens
        # a lag below a microsecond is rounding: waiting for it would never end
        return missing * 60 / self.per_minute if missing > 1e-6 else 0.0

    def taken(self, weight: int = 1) -> Bucket:
        """Return the bucket with so many tokens less."""
        return replace(self, tokens=max(0.0, self.tokens - weight))


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left for screens: whole requests now, of `per_minute`."""

    orders: int
    orders_per_minute: int
    data: int
    data_per_minute: int


class RateBudget:
    """Both buckets of one account. Safe to share between threads; starts full.

    Lanes: placing leaves 15 % of the order bucket untouched, flattening 5 %, a cancel may take the last token.
    """

    def __init__(self, orders_per_minute: int = ORDERS_PER_MINUTE, data_per_minute: int = DATA_PER_MINUTE) -> None:
        if orders_per_minute < 1 or data_per_minute < 1:
            raise ValueError(f"limits must be at least 1 a minute, not {orders_per_minute} and {data_per_minute}")
        self._lock = Lock()
        self._orders = Bucket(orders_per_minute, orders_per_minute, 0.0)
        self._data = Bucket(data_per_minute, data_per_minute, 0.0)
        self._closed_until_s = dict.fromkeys(Lane, 0.0)

    def take(self, lane: Lane, now_s: float, weight: int = 1) -> float:
        """Take `weight` and return 0, or take nothing and return the seconds to wait before asking again."""
        with self._lock:
            bucket = self._bucket(lane).at(now_s)
            wait_s = max(bucket.wait_s(lane.reserve, weight), self._closed_until_s[lane] - now_s)
            self._keep(lane, bucket if wait_s > 0 else bucket.taken(weight))
            return wait_s

    def spent(self, lane: Lane, now_s: float, weight: int) -> None:
        """Count what has been used already."""
        with self._lock:
            self._keep(lane, self._bucket(lane).at(now_s).taken(weight))

    def text(self, now_s: float) -> str:
        """Tell what is left this minute, for a screen."""
        left = self.remaining(now_s)
        return f"requests left: orders {left.orders}/{left.orders_per_minute}, data {left.data}/{left.data_per_minute}"

    def low(self, now_s: float) -> bool:
        """Tell whether less than a fifth is left of either bucket."""
        left = self.remaining(now_s)
        return left.orders < LOW * left.orders_per_minute or left.data < LOW * left.data_per_minute

    def learn(self, lane: Lane, now_s: float, *, limit: int | None, remaining: int | None) -> None:
        """Take over what the venue reports: its limit a minute, and its count where that is lower than ours."""
        with self._lock:
            bucket = self._bucket(lane).at(now_s)
            if limit is not None and limit >= 1:
                bucket = replace(bucket, per_minute=limit, tokens=min(bucket.tokens, limit))
            if remaining is not None and remaining >= 0:
                bucket = replace(bucket, tokens=min(bucket.tokens, remaining))
            self._keep(lane, bucket)

    def close(self, lane: Lane, now_s: float, wait_s: float) -> None:
        """Shut this lane and the lanes behind it for `wait_s` seconds: the venue refused it.

        The lanes before it may still try with the one token left: a venue can refuse to place and accept a cancel.
        """
        with self._lock:
            if lane is not Lane.DEAD_MAN:
                bucket = self._bucket(lane).at(now_s)
                self._keep(lane, replace(bucket, tokens=min(bucket.tokens, 1.0)))
            for shut in [lane] if lane >= Lane.READ else [other for other in Lane if lane <= other < Lane.READ]:
                self._closed_until_s[shut] = max(self._closed_until_s[shut], now_s + wait_s)

    def remaining(self, now_s: float) -> Remaining:
        """Count the requests that could be sent at `now_s`, reserves included; 0 while placing or reading is shut."""
        with self._lock:
            orders, data = self._orders.at(now_s), self._data.at(now_s)
            place_shut, read_shut = (self._closed_until_s[lane] > now_s for lane in (Lane.PLACE, Lane.READ))
        return Remaining(
            orders=0 if place_shut else int(orders.tokens),
            orders_per_minute=orders.per_minute,
            data=0 if read_shut else int(data.tokens),
            data_per_minute=data.per_minute,
        )

    def _bucket(self, lane: Lane) -> Bucket:
        return self._data if lane is Lane.READ else self._orders

    def _keep(self, lane: Lane, bucket: Bucket) -> None:
        if lane is Lane.READ:
            self._data = bucket
        else:
            self._orders = bucket
