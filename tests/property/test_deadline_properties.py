"""A deadline never gives a request more than what is left, however work is divided below it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import httpx
from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import PfmmError
from pfmm.model.deadline import Deadline
from pfmm.venue.client import IN_PROCESS_URL, LEAST_PLACE_S, HttpClient, Timekeeper
from pfmm.venue.ratelimit import Lane
from tests.examples import examples

seconds = st.floats(min_value=0, max_value=1000, allow_nan=False)


@dataclass
class Clock:
    """A clock that only the test moves."""

    now_s: float = 1000.0

    def read(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Venue(httpx.BaseTransport):
    """Takes `takes_s[n]` for its nth answer, or as long as it is waited for; keeps what each request was given."""

    clock: Clock
    takes_s: list[float]
    status: int
    given: list[tuple[float, float]] = field(default_factory=list)  # (when it was asked, how long it might take)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        allowed_s = request.extensions["timeout"]["read"]
        self.given.append((self.clock.now_s, allowed_s))
        takes_s = self.takes_s.pop(0) if self.takes_s else allowed_s
        self.clock.now_s += min(takes_s, allowed_s)
        if takes_s >= allowed_s:
            raise httpx.ReadTimeout("nothing came", request=request)
        return httpx.Response(self.status, headers={"Retry-After": "1"}, content=b'{"error":"busy"}')


@examples(30, 100)
@given(seconds, st.lists(st.tuples(seconds, seconds), max_size=6))
def test_a_deadline_within_another_never_ends_later(total_s: float, parts: list[tuple[float, float]]) -> None:
    clock = Clock()
    whole = part = Deadline.after(total_s, clock.read)
    for passed_s, part_s in parts:
        clock.now_s += passed_s
        part = part.within(part_s)
        assert part.left_s() <= whole.left_s()
        assert part.left_s() <= part_s + 1e-9  # 1000 + x - 1000 is rounded
        assert part.passed == (part.left_s() == 0)


@examples(30, 100)
@given(
    st.floats(min_value=0, max_value=60),
    st.floats(min_value=0.01, max_value=30),
    st.lists(st.floats(min_value=0, max_value=40), max_size=8),
    st.sampled_from([200, 429, 500, 503]),
    st.sampled_from(["read", "place", "cancel"]),
)
def test_no_request_is_given_more_than_what_is_left_of_the_command(
    total_s: float, timeout_s: float, takes_s: list[float], status: int, kind: str
) -> None:
    clock = Clock()
    venue = Venue(clock, list(takes_s), status)
    deadline = Deadline.after(total_s, clock.read)
    client = HttpClient(
        IN_PROCESS_URL,
        key=lambda: "k" * 8,
        transport=venue,
        timeout_s=timeout_s,
        timekeeper=Timekeeper(clock.read, clock.sleep, lambda: 1.0, lambda: 0),
        deadline=lambda: deadline,
    )
    with suppress(PfmmError):
        if kind == "read":
            client.get("/api/state")
        else:
            client.act("POST", "/api/orders", {}, lane=Lane.PLACE if kind == "place" else Lane.CANCEL)
    if kind == "read":  # what else must be asked, or cancelled, keeps half of the time
        assert clock.now_s <= 1000 + total_s / 2 + 1e-9
    for asked_s, allowed_s in venue.given:
        assert allowed_s <= max(deadline.at_s - asked_s, 0) + 1e-9
        assert allowed_s <= timeout_s + 1e-9
    assert clock.now_s <= deadline.at_s + 1e-9
    if kind == "place" and total_s < LEAST_PLACE_S:
        assert venue.given == []
