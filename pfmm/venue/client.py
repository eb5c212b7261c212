"""One HTTP client for every venue: sends a request, proves what can be known about its fate, and says it in our errors.

Layer: venue. Knows statuses, retries, the key and the request budget; knows no endpoint and no HTTP library.
Reads are repeated within bounds. A request that acts is never repeated unless the venue says that it did not act.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfmm.errors import Interrupted, RateLimited, VenueUnreachable
from pfmm.model.deadline import Deadline
from pfmm.venue import sockets
from pfmm.venue.http import FAILURES, Bearer, Http, checked_url, never_sent
from pfmm.venue.ratelimit import Budget, Lane
from pfmm.venue.reply import OUT_OF_TIME, SIGNALLED, Judge, NoReply, Reply, busy, retry_after_s, whole_header
from pfmm.venue.wire import encode

if TYPE_CHECKING:
    from pfmm.venue.http import Transport
    from pfmm.venue.sockets import Wakeup

IN_PROCESS_URL = "http://127.0.0.1"  # never dialled: the transport of `in_process` calls the application itself

READ_ATTEMPTS = 4
READ_TOTAL_S = 20.0
BUSY_ATTEMPTS = 3
FIRST_BACKOFF_S = 0.2
# for an answer that is on its way when a signal comes: without it the fate of orders would wait for their expiry
ANSWER_GRACE_S = 1.0
# with less time than this an order is better not sent than left without an answer
LEAST_PLACE_S = 0.5


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """The clocks and chances that a client uses; tests bring their own. `jitter` gives numbers in [0, 1)."""

    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


class HttpClient:
    """JSON over HTTP to one host, with one key. Safe to share between threads.

    `key` is called at the first request that needs it. `budget` None means no limit. `base_url` must be https unless
    its host is loopback (ConfigError); on loopback and with a `transport` no proxy setting of the environment counts.
    `deadline` tells by when the work that asks must be done: no request, with all its attempts and pauses, outlasts
    it. `wakeup` tells what a signal makes readable, None while no signal is to cut anything short.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: Callable[[], str] | None = None,
        key_at_hand: Callable[[], str] | None = None,
        transport: Transport | None = None,
        timeout_s: float = 10.0,
        read_attempts: int = READ_ATTEMPTS,
        budget: Budget | None = None,
        timekeeper: Timekeeper | None = None,
        deadline: Callable[[], Deadline] | None = None,
        wakeup: Callable[[], Wakeup | None] = lambda: None,
    ) -> None:
        url, loopback = checked_url(base_url)
        self.place = url.netloc.decode("ascii")
        self.budget = budget
        self.time = timekeeper or Timekeeper()
        self._timeout_s = timeout_s
        self._read_attempts = read_attempts
        self._deadline = deadline or (lambda: Deadline.never(self.time.monotonic_s))
        self._wakeup = wakeup
        self._bearer = Bearer(key, key_at_hand)
        self._judge = Judge(self.place, self._bearer.redact, self._bearer.may_repeat_key)
        self._http = Http(url, transport=transport, plain=loopback)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        signed: bool = True,
        total_s: float = READ_TOTAL_S,
    ) -> object:
        """Read by GET, and return the parsed JSON of a 2xx answer.

        Tried up to `read_attempts` times within `total_s`, with growing, jittered pauses, longer where Retry-After
        says so, and in all no more than half of what the deadline leaves: what cannot be seen must still be cancelled.
        Raises VenueUnreachable, AuthenticationError, VenueRefused, RateLimited, BadVenueData, and
        Interrupted when a signal asked to stop.
        """
        if signed:
            self._bearer.load()
        return self._read_repeatedly("GET", path, query, None, signed=signed, total_s=total_s)

    def ask(
        self, path: str, question: Mapping[str, object], *, weight: int = 1, total_s: float = READ_TOTAL_S
    ) -> object:
        """Read by POST, without a key, and return the parsed JSON of a 2xx answer to `question`, which costs `weight`.

        Repeated as `get` repeats, and raises what it raises.
        """
        return self._read_repeatedly("POST", path, None, encode(question), signed=False, total_s=total_s, weight=weight)

    def _read_repeatedly(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        content: bytes | None,
        *,
        signed: bool,
        total_s: float,
        weight: int = 1,
    ) -> object:
        what = f"{method} {path}"
        whole = self._deadline()
        deadline = whole.within(min(total_s, whole.left_s() / 2))
        for attempt in range(self._read_attempts):
            self._spend(Lane.READ, what, weight)
            outcome = self._attempt(method, path, query, content, signed=signed, lane=Lane.READ, deadline=deadline)
            if isinstance(outcome, Reply) and outcome.status != 429 and outcome.status < 500:
                return self._judge.read(outcome, what)
            pause_s = self._pause_s(outcome, attempt)
            if attempt + 1 == self._read_attempts or pause_s >= deadline.left_s():
                break
            self._sleep(pause_s)
        raise self._judge.given_up(outcome, what)

    def act(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        lane: Lane,
        signed: bool = True,
        weight: int = 1,
    ) -> object:
        """Send a request that acts, once, and return the parsed JSON of a 2xx answer. `signed` puts the key on it; a
        venue whose requests carry a signature in their body wants no key.

        Only an answer 503 with error `busy`, the venue's word that it did not act, is asked again, up to 3 times.
        Raises VenueUnreachable when it certainly never left, VenueRefused, AuthenticationError or RateLimited when the
        venue said no, RiskRefused for a number that cannot be sent exactly, and OutcomeUnknown in every other case.
        """
        if signed:
            self._bearer.load()
        what = f"{method} {path}"
        content = None if body is None else encode(body)
        for attempt in range(BUSY_ATTEMPTS):
            reply = self._act_once(method, path, query, content, lane, signed=signed, weight=weight)
            pause_s = min(self._pause_s(reply, attempt), lane.patience_s)
            if not busy(reply) or attempt + 1 == BUSY_ATTEMPTS or pause_s >= self._deadline().left_s():
                break
            try:
                self._sleep(pause_s)
            except Interrupted:  # and what is busy has not acted
                break
        return self._judge.acted(reply, what)

    def _act_once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        content: bytes | None,
        lane: Lane,
        *,
        signed: bool,
        weight: int,
    ) -> Reply:
        what = f"{method} {path}"
        try:
            self._spend(lane, what, weight)
        except Interrupted:
            raise VenueUnreachable(f"{what} was not sent: {SIGNALLED}") from None
        deadline = self._deadline()
        if lane is Lane.PLACE and deadline.left_s() < LEAST_PLACE_S:
            raise VenueUnreachable(f"{what} was not sent: too little time is left for an answer")
        deadline = deadline.within(self._timeout_s)
        outcome = self._attempt(method, path, query, content, signed=signed, lane=lane, deadline=deadline)
        if isinstance(outcome, Reply):
            return outcome
        raise self._judge.unanswered(outcome, what)

    def _attempt(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        content: bytes | None,
        *,
        signed: bool,
        lane: Lane,
        deadline: Deadline,
    ) -> Reply | NoReply:
        """Make one round trip. Errors become values here, so that no traceback carries httpx's own texts or objects."""
        reads = lane is Lane.READ
        waiting = sockets.Waiting(
            deadline.within(self._timeout_s), self._wakeup(), grace_s=0.0 if reads else ANSWER_GRACE_S
        )
        try:
            waiting.check()
        except TimeoutError:
            return NoReply(OUT_OF_TIME, never_sent=True)
        except Interrupted:
            if reads:
                raise
            return NoReply(SIGNALLED, never_sent=True)
        bearer = self._bearer if signed else None
        try:
            outcome = self._http.send(method, path, query, content, bearer=bearer, waiting=waiting)
        except FAILURES as error:
            return NoReply(type(error).__name__, never_sent(error))
        except Interrupted:
            if reads:
                raise
            return NoReply(SIGNALLED, never_sent=not waiting.sent)
        except Exception as error:
            # an in-process venue lets its own failures out raw: it may have acted before it failed
            if reads:
                raise
            return NoReply(type(error).__name__, never_sent=False)
        if isinstance(outcome, Reply):
            self._learn(outcome, lane)
        return outcome

    def _spend(self, lane: Lane, what: str, weight: int) -> None:
        """Wait for room in the budget. Raises RateLimited, nothing sent, where the lane's patience is too short."""
        if self.budget is None:
            return
        patience = self._deadline().within(lane.patience_s)
        while True:
            wait_s = self.budget.take(lane, self.time.monotonic_s(), weight)
            if wait_s <= 0:
                return
            if wait_s > patience.left_s():
                raise RateLimited(
                    f"{what} was not sent: the request budget of {self.place} is spent for {wait_s:.1f} s",
                    retry_after_s=wait_s,
                )
            self._sleep(wait_s)

    def budget_text(self) -> str:
        """Tell how many requests may still be sent, for a screen."""
        return "requests unlimited" if self.budget is None else self.budget.text(self.time.monotonic_s())

    def budget_low(self) -> bool:
        """Tell whether little is left of what may be sent."""
        return self.budget is not None and self.budget.low(self.time.monotonic_s())

    def spent(self, lane: Lane, weight: int) -> None:
        """Count what an answer turned out to cost beside what was taken for its question. Waits for nothing."""
        if self.budget is not None:
            self.budget.spent(lane, self.time.monotonic_s(), weight)

    def keep_pace(self, wait_s: Callable[[], float], what: str) -> None:
        """Wait until `wait_s` tells no more seconds to wait. Raises RateLimited, nothing sent, where that takes longer
        than a read may wait."""
        patience = self._deadline().within(Lane.READ.patience_s)
        while (pause_s := wait_s()) > 0:
            if pause_s > patience.left_s():
                raise RateLimited(
                    f"{what} was not sent: the pace of {self.place} allows it in {pause_s:.1f} s", retry_after_s=pause_s
                )
            self._sleep(pause_s)

    def rest(self, seconds: float) -> None:
        """Wait, no longer than the deadline leaves. Raises Interrupted as soon as a signal asks to stop."""
        self._sleep(min(seconds, self._deadline().left_s()))

    def _sleep(self, seconds: float) -> None:
        """Wait. Raises Interrupted as soon as a signal asks to stop."""
        wakeup = self._wakeup()
        if wakeup is None:
            self.time.sleep(seconds)
        else:
            sockets.rest(seconds, wakeup)

    def _learn(self, reply: Reply, lane: Lane) -> None:
        if self.budget is None:
            return
        now_s = self.time.monotonic_s()
        limit = whole_header(reply, "x-ratelimit-limit")
        remaining = whole_header(reply, "x-ratelimit-remaining")
        self.budget.learn(lane, now_s, limit=limit, remaining=remaining)
        if reply.status == 429:
            self.budget.close(lane, now_s, retry_after_s(reply) or 1.0)

    def _pause_s(self, outcome: Reply | NoReply, attempt: int) -> float:
        """Draw a pause: 0.2, 0.4, 0.8 s, each between half and the whole of it; never less than the venue asks for."""
        backoff_s = FIRST_BACKOFF_S * 2.0**attempt * (0.5 + self.time.jitter() / 2)
        return max(backoff_s, retry_after_s(outcome) if isinstance(outcome, Reply) else 0.0)
