"""One owner an account, fed at a third of the time, disarmed by the last: with real locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pfmm.errors import CannotDoThis, OutcomeUnknown
from pfmm.ports import Amend, Capabilities
from pfmm.runner.dead_man import DeadMan
from pfmm.runner.locks import AccountLocks
from pfmm.store.use_lock import UseLock
from tests.unit.scripted_venue import T0, ScriptedVenue


def switch(venue: ScriptedVenue, folder: Path, *, pid: int = 1, timeout_s: int = 30) -> DeadMan:
    return DeadMan(venue, AccountLocks(folder, "paper", "main"), timeout_s, pid=pid, wall_ms=lambda: 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("speed", "fed_at_s", "armed"),
    [
        (1.0, [0, 5, 9.999], [30]),
        (1.0, [0, 10, 15, 20], [30, 30, 30]),
        (10.0, [0, 10, 99, 100], [300, 300]),  # ten times the speed, ten times the venue seconds
        (0.0, [0, 10], [30, 30]),
    ],
)
def test_it_is_fed_at_a_third_of_its_time(
    tmp_path: Path, speed: float, fed_at_s: list[float], armed: list[int]
) -> None:
    venue = ScriptedVenue()
    dead_man = switch(venue, tmp_path)
    for at_s in fed_at_s:
        dead_man.feed(T0 + round(at_s * 1000), speed)
    assert venue.armed == armed
    assert dead_man.state == "armed"
    assert dead_man.leave() is None
    assert venue.armed[-1] == 0


def test_where_feeding_is_counted_it_is_longer_and_fed_at_half(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    venue.capabilities = Capabilities(Amend.IN_PLACE, dead_man_least_s=120)
    dead_man = switch(venue, tmp_path)
    for at_s in range(0, 86_400, 3):
        dead_man.feed(T0 + at_s * 1000, 1.0)
    assert set(venue.armed) == {120}
    assert len(venue.armed) == 1_440  # a day, where 60 s fed at a third are 4,320


def test_the_second_runner_shares_and_takes_over_when_the_first_is_gone(tmp_path: Path) -> None:
    one, two = ScriptedVenue(), ScriptedVenue()
    first, second = switch(one, tmp_path, pid=1), switch(two, tmp_path, pid=2)
    locks = AccountLocks(tmp_path, "paper", "main")
    first.feed(T0, 1)
    with locks.run_lock("BTC-PERP", "quote") as other:
        other.acquire(pid=2, started_wall_ms=0)
        second.feed(T0, 1)
        assert (second.state, two.armed) == ("shared", [])
        first.leave()
        assert one.armed == [30], "not disarmed: another runner lives"
        second.feed(T0 + 1000, 1)
        assert (second.state, two.armed) == ("armed", [30])
        assert second.leave() is None
    assert two.armed == [30, 0]


def test_of_two_that_leave_at_one_moment_the_later_disarms(tmp_path: Path) -> None:
    """Left armed it would cancel what a single cycle from cron places afterwards."""
    one, two = ScriptedVenue(), ScriptedVenue()
    first, second = switch(one, tmp_path, pid=1), switch(two, tmp_path, pid=2)
    first.feed(T0, 1)
    second.feed(T0, 1)
    with AccountLocks(tmp_path, "paper", "main").run_lock("BTC-PERP", "quote") as runner:
        runner.acquire(pid=2, started_wall_ms=0)  # the second's, who is still cancelling its orders
        first.leave()
        assert second.leave() is None
    assert (one.armed, two.armed) == ([30], [0])


def test_a_runner_that_does_not_rely_on_it_keeps_nobody_from_disarming(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    dead_man = switch(venue, tmp_path, pid=1)
    dead_man.feed(T0, 1)
    with AccountLocks(tmp_path, "paper", "main").run_lock("BTC-PERP", "quote") as keeps_its_orders:
        keeps_its_orders.acquire(pid=2, started_wall_ms=0)
        dead_man.leave()
    assert venue.armed == [30, 0]


def test_nobody_arms_it_while_the_last_one_disarms(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    dead_man = switch(venue, tmp_path)
    disarming = UseLock(AccountLocks(tmp_path, "paper", "main").folder / "dead-man.shared")
    assert disarming.take(0)
    dead_man.feed(T0, 1)
    assert (venue.armed, dead_man.leave()) == ([], None)
    disarming.release()
    dead_man.feed(T0 + 1, 1)
    assert venue.armed == [30]
    dead_man.leave()


def test_a_feeding_that_failed_is_tried_again_at_once(tmp_path: Path) -> None:
    venue = ScriptedVenue(trouble=[OutcomeUnknown("silence")])
    dead_man = switch(venue, tmp_path)
    with pytest.raises(OutcomeUnknown):
        dead_man.feed(T0, 1)
    dead_man.feed(T0 + 1, 1)
    assert venue.armed == [30]


def test_a_venue_without_one_is_unprotected_and_asked_once(tmp_path: Path) -> None:
    venue = ScriptedVenue(trouble=[CannotDoThis("none")])
    dead_man = switch(venue, tmp_path)
    dead_man.feed(T0, 1)
    dead_man.feed(T0 + 60_000, 1)
    assert (dead_man.state, venue.armed, dead_man.leave()) == ("unprotected", [], None)
    assert AccountLocks(tmp_path, "paper", "main").holders() == ()


def test_no_timeout_means_no_switch(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    dead_man = switch(venue, tmp_path, timeout_s=0)
    dead_man.feed(T0, 1)
    assert (dead_man.state, venue.armed) == ("unprotected", [])


def test_a_switch_that_cannot_be_disarmed_is_said_and_given_up(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    dead_man = switch(venue, tmp_path)
    dead_man.feed(T0, 1)
    venue.trouble = [OutcomeUnknown("silence")]
    assert dead_man.leave() == "the dead-man switch could not be disarmed: silence"
    assert AccountLocks(tmp_path, "paper", "main").holders() == ()
