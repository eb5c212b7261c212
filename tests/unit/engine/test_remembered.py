"""The way out without a journal, over the real exchange, with a venue whose looks fail by script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.remembered import cancel_remembered
from pfmm.errors import AuthenticationError, ConfigError, PfmmError, StateUnknown, VenueUnreachable
from pfmm.model.account import Snapshot
from pfmm.model.deadline import Deadline
from pfmm.model.order import Batch, BatchAnswer
from pfmm.model.quick import replace
from tests.e2e.engine_rig import MARKET, Rig, RigClock, ScriptedFeed, Step, rig

CAUSE = ConfigError("the journal is unusable: disk full", hint="free some space")
STILL = [Step(9999, 10001)]
Look = Callable[[Snapshot], Snapshot]


@dataclass
class Scripted:
    """The rig's venue, whose state is looked at as `looks` say, one after the other, and then as it is."""

    inner: Any
    looks: list[Look | PfmmError] = field(default_factory=list)
    sent: list[Batch] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def submit(self, batch: Batch) -> BatchAnswer:
        assert (batch.place, batch.amend) == ((), ()), "cancels and nothing else"
        self.sent.append(batch)
        answer: BatchAnswer = self.inner.submit(batch)
        return answer

    def state(self, markets: Sequence[str]) -> Snapshot:
        seen: Snapshot = self.inner.state(markets)
        if not self.looks:
            return seen
        look = self.looks.pop(0)
        if isinstance(look, PfmmError):
            raise look
        return look(seen)


@pytest.fixture
def quoted(tmp_path: Path) -> Iterator[Rig]:
    """A quote with two orders that rest."""
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        assert len(r.cycle().runs[0].orders) == 2
        yield r


def left_by(r: Rig, venue: Scripted, **options: Any) -> StateUnknown:
    return cancel_remembered(venue, RigClock(r), r.journal.live_orders(), [MARKET], CAUSE, **options)  # type: ignore[arg-type]


def resting(r: Rig) -> int:
    return len(r.venue.inner.open_orders(MARKET))


def test_what_rests_is_cancelled_and_shown_gone(quoted: Rig) -> None:
    told = left_by(quoted, Scripted(quoted.venue))
    assert resting(quoted) == 0
    assert told.message.startswith(
        "the journal is unusable: disk full; the exit policy became cancel: 2 orders cancelled from memory, and "
        "paper account main shows none of this run resting; "
    )
    assert told.hint == f"`pfmm flatten {MARKET}` needs no journal: it cancels, closes and proves; free some space"


@pytest.mark.parametrize(
    "look",
    [
        VenueUnreachable("connection refused"),
        lambda seen: replace(seen, time=replace(seen.time, time_ms=1)),  # from before what was seen
    ],
    ids=["unreachable", "stale"],
)
def test_a_look_that_fails_is_taken_again(quoted: Rig, look: Look | PfmmError) -> None:
    venue = Scripted(quoted.venue, [look])
    told = left_by(quoted, venue, not_before_ms=quoted.now_ms)
    assert "shows none of this run resting" in told.message
    assert (resting(quoted), venue.looks) == (0, [])


def test_orders_that_are_shown_after_their_cancel_are_asked_for_again_and_named(quoted: Rig) -> None:
    orders = quoted.venue.inner.open_orders(MARKET)
    venue = Scripted(quoted.venue, [lambda seen: replace(seen, orders=tuple(orders))] * 3)
    told = left_by(quoted, venue, attempts=3)
    assert len(venue.sent) == 3
    assert all(f"{MARKET} {order.client_order_id}" in told.message for order in orders)
    assert "2 may still rest" in told.message


@dataclass
class Deaf(Scripted):
    """Does not hear the first request."""

    def submit(self, batch: Batch) -> BatchAnswer:
        if not self.sent:
            self.sent.append(batch)
            raise VenueUnreachable("timed out")
        return Scripted.submit(self, batch)


def test_a_cancel_that_gets_no_answer_is_asked_for_again_while_the_orders_show(quoted: Rig) -> None:
    venue = Deaf(quoted.venue)
    told = left_by(quoted, venue)
    assert (len(venue.sent), resting(quoted)) == (2, 0)
    assert "2 orders cancelled from memory" in told.message


def test_a_key_that_is_refused_ends_it_at_once(quoted: Rig) -> None:
    venue = Scripted(quoted.venue, [AuthenticationError("the key is not accepted")] * 3)
    told = left_by(quoted, venue)
    assert "2 may still rest" in told.message
    assert "the key is not accepted" in told.message
    assert "the position could not be read" in told.message
    assert len(venue.looks) == 2


def test_no_round_begins_after_the_deadline(quoted: Rig) -> None:
    venue = Scripted(quoted.venue, [VenueUnreachable("connection refused")] * 3)
    left_by(quoted, venue, deadline=Deadline.after(0, lambda: 5.0))
    assert (len(venue.sent), len(venue.looks)) == (1, 2)
