"""KeyboardInterrupt, which another Ctrl-C raises at any moment: no transaction stays open, nothing is half done.

Python runs a signal's handler between two steps of the program. Here each of these moments has its turn.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType

import pytest

from pfmm.engine.cancel import wind_down
from pfmm.journal.journal import Journal
from pfmm.paper.messages import CancelRequest
from pfmm.runner.clock import VenueClock
from tests.e2e.engine_rig import MARKET, ScriptedFeed, Step, make_engine, rig
from tests.unit.paper.test_processes import START, open_exchange, order


def at_every_moment(work: Callable[[], object]) -> Iterator[int]:
    """Runs `work` again and again, each time interrupted a call later; yields after each, until one gets through."""
    moment = 0
    while interrupted(work, moment):
        yield moment
        moment += 1
    assert moment > 10


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """What is called while garbage is collected (Hypothesis measures it) belongs to no step of the program."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def interrupted(work: Callable[[], object], moment: int, within: str | None = None) -> bool:
    """Whether `work` came to its `moment`th such moment (`within` functions of that name), and was interrupted."""
    left = moment

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if within is not None and frame.f_code.co_name != within:
            return
        # where Python looks for signals: a function begins, a C call is over. A generator may be one that is just
        # dropped, where nobody sees an exception
        left -= event == "c_return" or (event == "call" and not frame.f_code.co_flags & CO_GENERATOR)
        if left < 0:
            sys.setprofile(None)
            raise KeyboardInterrupt

    before = sys.getprofile()
    with no_garbage_collection():
        sys.setprofile(look)
        try:
            work()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(before)
    return False


def test_an_interrupted_journal_goes_on_and_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with (
        closing(Journal.open(path, venue="paper", account="a", nonce="ab12")) as journal,
        closing(Journal.open(path, venue="paper", account="a", nonce="ab12", patience_s=0.001)) as other,
    ):
        for moment in at_every_moment(lambda: journal.record_equity(1, Decimal(1), None)):
            other.record_equity(moment + 2, Decimal(2), None)
            journal.record_equity(moment + 2, Decimal(3), None)
            assert other.equity_at(moment + 2) == (moment + 2, 3, None)


def test_an_interrupted_exchange_goes_on_and_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    with (
        closing(open_exchange(path, lambda: START)) as exchange,
        closing(open_exchange(path, lambda: START)) as other,
    ):
        names = iter(range(1_000_000))
        for _ in at_every_moment(lambda: exchange.place("a", order(f"n{next(names)}", "50"))):
            assert other.orders("a") == exchange.orders("a")
            for resting in exchange.orders("a"):
                other.cancel("a", CancelRequest(order_id=resting.order_id))
            assert exchange.account("a").equity == exchange.account("a").deposits


@pytest.mark.parametrize("within", [None, "begin_and_save", "save_run", "commit_intents", "submit", "update_orders"])
def test_a_cycle_that_is_interrupted_can_be_left_like_any_other(tmp_path: Path, within: str | None) -> None:
    """Also the first of a run, which has begun when the journal has it, and not before."""
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)])) as r:
        clock = VenueClock(lambda: 0.0, lambda _: True, r.venue.inner.advance)
        for moment in range(0, 50_000, 97 if within is None else 1):
            engine = make_engine(r.venue, r.journal, r.specs, r.instruments)
            more = interrupted(engine.cycle, moment, within)
            done = wind_down(r.venue, r.journal, clock, [MARKET], engine.run_ids)
            engine.leave(done.snapshot.time.time_ms, status="stopped", reason="another Ctrl-C")
            assert r.exchange.orders("main") == r.journal.live_orders() == ()
            if not more:
                break
        assert moment > 0
