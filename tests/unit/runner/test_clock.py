"""Venue time between answers, and waiting in it."""

from __future__ import annotations

import pytest

from pfmm.model.account import VenueTime
from pfmm.runner.clock import VenueClock


class Local:
    """A local clock that a test moves; waits move it too."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waited: list[float] = []

    def wait_s(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.now_s += seconds
        return True


@pytest.mark.parametrize(
    ("time", "local_s", "now_ms"),
    [
        (VenueTime(1000, 1.0), 2.5, 3500),
        (VenueTime(1000, 10.0), 2.0, 21_000),  # 2 s at ten times the speed
        (VenueTime(1000, 0.0), 2.0, 1000),  # stepped: only its clients move it
        (VenueTime(1000, 10.0, "paused"), 2.0, 1000),
        (VenueTime(1000, 1.0, "ended"), 2.0, 1000),
    ],
)
def test_time_between_answers(time: VenueTime, local_s: float, now_ms: int) -> None:
    local = Local()
    clock = VenueClock(lambda: local.now_s, local.wait_s)
    clock.synchronise(time)
    local.now_s += local_s
    assert (clock.now_ms(), clock.speed, clock.state) == (now_ms, time.speed, time.state)


@pytest.mark.parametrize(("speed", "to_ms", "seconds"), [(1.0, 4000, 3.0), (10.0, 4000, 0.3), (1.0, 500, 0.0)])
def test_a_running_venue_is_waited_for(speed: float, to_ms: int, seconds: float) -> None:
    local = Local()
    clock = VenueClock(lambda: local.now_s, local.wait_s)
    clock.synchronise(VenueTime(1000, speed))
    assert clock.wait_until(to_ms)
    assert local.waited == pytest.approx([seconds])


def test_a_stepped_venue_is_moved_forward_only_and_not_after_its_end() -> None:
    local, moves = Local(), []

    def advance(to_ms: int) -> VenueTime:
        moves.append(to_ms)
        return VenueTime(to_ms, 0.0, "ended" if to_ms >= 5000 else "open")

    clock = VenueClock(lambda: local.now_s, local.wait_s, advance)
    clock.synchronise(VenueTime(1000, 0.0))
    for to_ms in (4000, 3000, 5000, 9000):
        clock.wait_until(to_ms)
    assert moves == [4000, 5000]
    assert clock.now_ms() == 5000
    assert set(local.waited) == {0.0}


def test_a_wait_that_a_signal_cuts_short_says_so() -> None:
    clock = VenueClock(lambda: 0.0, lambda _: False)
    clock.synchronise(VenueTime(1000))
    assert not clock.wait_until(2000)
