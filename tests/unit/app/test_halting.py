"""When the requests of stopped runners can no longer act: from the journal, or from the longest life of a request."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.closing import Bystanders
from pfmm.app.halting import StoppingRunners
from pfmm.app.session import Session
from pfmm.config.resolve import load_settings
from pfmm.journal.journal import Intents
from pfmm.model.account import VenueTime
from pfmm.model.expiry import CLOCK_SKEW_MS, REQUEST_LIFE_MS
from pfmm.model.order import Side
from pfmm.model.plan import OwnOrder, OwnStatus

NOW_MS = 1_750_000_000_000
VALID_MS = NOW_MS + 4_000


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """An account on a served exchange: its requests travel, so they may still be under way."""
    env = {"PFMM_HOME": str(tmp_path), "PFMM_VENUE": "paper", "PFMM_BASE_URL": "http://127.0.0.1:9"}
    opened = Session(load_settings(env))
    yield opened
    opened.close()


def silent_from(session: Session, *times: VenueTime) -> list[int | None]:
    runners = StoppingRunners(session, monotonic_s=lambda: 0.0)
    return [runners.silent_from_ms(time) for time in times]


def place(session: Session, status: OwnStatus, valid_until_ms: int, number: int = 1) -> None:
    run = session.journal.start_run("grid", "BTC-PERP", {}, time_ms=NOW_MS, wall_ms=NOW_MS, pid=1)
    order = OwnOrder(
        f"c-{number}", run.run_id, "BTC-PERP", "cell:1:bid", Side.LONG, Decimal(1), Decimal(1), Decimal(0),
        OwnStatus.SENDING, False, NOW_MS, NOW_MS, valid_until_ms,
    )  # fmt: skip
    session.journal.commit_intents(lambda live, first: Intents(place=(order,)), time_ms=NOW_MS)
    if status is not OwnStatus.SENDING:
        settled = OwnOrder(**{name: getattr(order, name) for name in order.__slots__} | {"status": status})
        session.journal.update_orders([settled], time_ms=NOW_MS)


def test_an_account_without_a_journal_never_sent_anything(session: Session) -> None:
    assert silent_from(session, VenueTime(NOW_MS)) == [0]
    assert not session.has_journal, "looking makes no journal"


@pytest.mark.parametrize("status", [OwnStatus.SENDING, OwnStatus.UNKNOWN])
def test_a_request_without_an_answer_may_act_until_it_expires(session: Session, status: OwnStatus) -> None:
    place(session, status, VALID_MS)
    place(session, OwnStatus.SENDING, VALID_MS - 3_000, number=2)
    assert silent_from(session, VenueTime(NOW_MS)) == [VALID_MS + CLOCK_SKEW_MS + 1]


def test_answered_requests_hold_nothing_up(session: Session) -> None:
    place(session, OwnStatus.OPEN, VALID_MS)
    assert silent_from(session, VenueTime(NOW_MS)) == [0]


@pytest.mark.parametrize(("speed", "life_ms"), [(1.0, REQUEST_LIFE_MS), (10.0, 10 * REQUEST_LIFE_MS)])
def test_an_unreadable_journal_costs_the_longest_life_of_a_request(
    session: Session, speed: float, life_ms: int
) -> None:
    session.journal_path.parent.mkdir(parents=True)
    session.journal_path.write_bytes(b"\x00not a journal" * 1_000)
    first, second, third = (VenueTime(NOW_MS + 100 * n, speed) for n in range(3))
    # the first snapshot may be older than the death of the last runner: counted from the second, and kept
    bound = second.time_ms + life_ms + CLOCK_SKEW_MS + 1
    assert silent_from(session, first, second, third) == [None, bound, bound]


def test_requests_of_this_process_cannot_be_under_way(tmp_path: Path) -> None:
    opened = Session(load_settings({"PFMM_HOME": str(tmp_path)}))
    place(opened, OwnStatus.SENDING, VALID_MS)
    assert silent_from(opened, VenueTime(NOW_MS)) == [0]
    opened.close()


def test_nothing_is_silent_while_a_runner_lives(session: Session) -> None:
    with session.locks.run_lock("BTC-PERP", "grid") as lock:
        lock.acquire(pid=0, started_wall_ms=NOW_MS)  # no process: nobody is signalled
        assert silent_from(session, VenueTime(NOW_MS)) == [None]
    assert silent_from(session, VenueTime(NOW_MS)) == [0]


def test_flat_is_not_said_of_a_market_while_a_dead_runners_request_may_still_act(session: Session) -> None:
    """`stop --flatten` beside another strategy of which the process was killed with an order under way."""
    place(session, OwnStatus.SENDING, VALID_MS)
    now = VenueTime(NOW_MS)
    assert Bystanders(session, ["BTC-PERP"]).silent_from_ms(now) == VALID_MS + CLOCK_SKEW_MS + 1
    assert Bystanders(session, ["ETH-PERP"]).silent_from_ms(now) == 0


def test_bystanders_without_a_request_under_way_hold_nothing_up(session: Session) -> None:
    place(session, OwnStatus.OPEN, VALID_MS)
    assert Bystanders(session, ["BTC-PERP"]).silent_from_ms(VenueTime(NOW_MS)) == 0
