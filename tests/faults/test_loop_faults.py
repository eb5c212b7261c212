"""The running loop against a venue on which everything goes wrong: what is believed, sent and counted stays true."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.cancel import wind_down
from pfmm.engine.engine import Engine
from pfmm.engine.report import RunSpec
from pfmm.errors import ConfigError, StateUnknown
from tests.dialects import DIALECTS, OWN, POSTED
from tests.examples import some
from tests.faults.loop_world import (
    ACCOUNT,
    EVERYTHING,
    MARKET,
    START_MS,
    STEP_MS,
    World,
    audit,
    grid_spec,
    quote_spec,
    same_fold,
    settle_accounts,
    within_limit,
    world,
)
from tests.faults.seams import Dying, Interrupted, Killed, Replaying

# the second language takes several requests a cycle: every suite runs in it, but for a few of them under `slow` alone
THROUGH = [OWN, pytest.param(POSTED, marks=pytest.mark.slow)]

KINDS = ("timeout_after", "stale", EVERYTHING)
MORE_KINDS = (
    "timeout_before",
    "reset_before",
    "reset_after",
    "http_429",
    "http_500",
    "http_500_after",
    "half_body",
    "duplicate",
    "crossed",
)


def _story(made: World, spec: RunSpec, faults: str, cycles: int) -> None:
    """Runs `spec` under `faults`, heals the line, winds down and compares the books."""
    engine = made.engine(spec)
    journal = made.journal()
    made.run(engine, 1)
    first: Any = None
    (run,) = journal.runs()
    first = run.memory
    made.faults(faults)
    made.run(engine, cycles)
    made.faults(None)
    made.run(engine, 6)  # expiries pass, everything unknown is settled
    report = made.cycle(engine)
    assert report is not None, made.failures[-1]
    done = made.end(journal, not_before_ms=engine.not_before_ms)
    assert done.snapshot.orders == ()
    made.tick()
    engine.cycle(send=False)  # folds what filled while winding down
    engine.leave(made.now_ms, status="stopped", reason="test")
    settle_accounts(made, journal)
    if spec.strategy.kind == "grid":
        same_fold(journal, first, engine)


@pytest.mark.parametrize(
    ("spec", "kinds"),
    [
        pytest.param(grid_spec, "timeout_after", id="grid-timeout_after"),
        pytest.param(grid_spec, "stale", id="grid-stale", marks=pytest.mark.slow),
        pytest.param(grid_spec, EVERYTHING, id="grid-everything"),
        pytest.param(quote_spec, "timeout_after", id="quote-timeout_after", marks=pytest.mark.slow),
        pytest.param(quote_spec, "stale", id="quote-stale"),
        pytest.param(quote_spec, EVERYTHING, id="quote-everything"),
    ],
)
def test_books_agree_after_faults(tmp_path: Path, spec: Any, kinds: str) -> None:
    with world(tmp_path, seed=3) as made:
        _story(made, spec(), f"seed=11,rate=0.3,hold_s=0.01,kinds={kinds}", 25)


@pytest.mark.parametrize("spec", some([quote_spec, grid_spec], 1), ids=["quote", "grid"])
def test_books_agree_after_faults_in_the_second_language(tmp_path: Path, spec: Any) -> None:
    with world(tmp_path, seed=3, dialect=POSTED) as made:
        _story(made, spec(), f"seed=11,rate=0.15,hold_s=0.01,kinds={EVERYTHING}", 20)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kinds", [*KINDS, *MORE_KINDS])
@pytest.mark.parametrize("spec", [grid_spec, quote_spec], ids=["grid", "quote"])
def test_books_agree_after_faults_of_every_kind(tmp_path: Path, spec: Any, kinds: str, dialect: str) -> None:
    with world(tmp_path, seed=4, dialect=dialect) as made:
        _story(made, spec(), f"seed=12,rate=0.4,hold_s=0.01,kinds={kinds}", 60)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("spec", [grid_spec, quote_spec], ids=["grid", "quote"])
def test_books_agree_after_faults_of_many_seeds(tmp_path: Path, spec: Any, seed: int, dialect: str) -> None:
    rate = 0.35 if dialect == OWN else 0.15  # of the several requests of a look any one fails
    with world(tmp_path, seed=seed, dialect=dialect) as made:
        _story(made, spec(), f"seed={seed},rate={rate},hold_s=0.01,kinds={EVERYTHING}", 120)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", some(range(6), 2))
def test_an_end_under_faults_is_proven_or_said_to_be_unknown(tmp_path: Path, seed: int, dialect: str) -> None:
    """Never 'nothing rests' while something does; and once the line is healthy it can be proven."""
    with world(tmp_path, seed=seed, dialect=dialect) as made:
        engine = made.engine(grid_spec())
        journal = made.journal()
        made.run(engine, 3)
        made.faults(f"seed={seed},rate=0.6,hold_s=0.01,kinds={EVERYTHING}")
        made.run(engine, 3)
        try:
            made.end(journal, not_before_ms=engine.not_before_ms)
        except StateUnknown:
            made.faults(None)
            made.end(journal, not_before_ms=engine.not_before_ms)
        assert made.exchange.orders(ACCOUNT) == ()
        assert journal.live_orders() == ()


def test_a_stale_snapshot_changes_nothing_and_is_said(tmp_path: Path) -> None:
    """An answer from before our last acknowledged action would undo it in the journal: refused whole."""
    with world(tmp_path) as made:
        venue = made.venue()
        replay = Replaying(venue)
        engine = made.engine(grid_spec(), venue=replay)
        journal = made.journal()
        made.run(engine, 2)
        before = journal.live_orders()
        replay.again = replay.first
        made.run(engine, 1)
        assert made.failures == [
            f"bad_venue_data: paper answers with a stale snapshot, of {START_MS}: "
            f"{START_MS + 2 * STEP_MS} has been seen"
        ]
        assert journal.live_orders() == before
        replay.again = None
        assert made.cycle(engine) is not None


def test_an_end_is_not_proven_by_a_stale_snapshot(tmp_path: Path) -> None:
    """The first snapshot of all shows no order: served for ever, it proves nothing."""
    with world(tmp_path) as made:
        replay = Replaying(made.venue())
        engine = made.engine(grid_spec(), venue=replay)
        journal = made.journal()
        made.run(engine, 2)
        replay.again = replay.first
        with pytest.raises(StateUnknown, match="stale snapshot"):
            wind_down(
                replay, journal, made.clock(), [MARKET], engine.run_ids, not_before_ms=engine.not_before_ms
            )  # fmt: skip
        assert made.exchange.orders(ACCOUNT) == (), "what cannot be seen is cancelled all the same"
        replay.again = None
        assert made.end(journal, not_before_ms=engine.not_before_ms).snapshot.orders == ()


KILLS = [  # each moment with one strategy in turn by default
    pytest.param(
        spec,
        call,
        moment,
        id=f"{name}-{call}-{moment}",
        marks=() if (turn + turn // 2) % 2 == number else pytest.mark.slow,
    )
    for turn, (call, moment) in enumerate(product(("snapshot", "submit", "order"), ("before", "after")))
    for number, (name, spec) in enumerate((("grid", grid_spec), ("quote", quote_spec)))
]


@pytest.mark.parametrize("dialect", THROUGH)
@pytest.mark.parametrize(("spec", "call", "moment"), KILLS)
def test_killed_at_the_venue_s_door_and_carried_on(
    tmp_path: Path, spec: Any, call: str, moment: str, dialect: str
) -> None:
    with world(tmp_path, seed=5, dialect=dialect) as made:
        acting = "POST" if dialect == OWN else "/exchange"
        made.faults(f"seed=5,rate=0.5,hold_s=0.01,kinds=timeout,only={acting}")
        deaths = sum(_dies(made, spec(), {"venue": Dying(made.venue(), {call}, n, moment)}) for n in (1, 2, 4))
        assert deaths
        _carry_on(made, spec())


WRITES = ("absorb", "update_orders", "save_run", "commit_intents", "start_run", "record_equity")
IN_TURN = [  # each write at one moment in turn by default
    pytest.param(call, moment, marks=() if (turn + number) % 2 == 0 else pytest.mark.slow)
    for turn, call in enumerate(WRITES)
    for number, moment in enumerate(("before", "after"))
]


@pytest.mark.parametrize("dialect", THROUGH)
@pytest.mark.parametrize(("call", "moment"), IN_TURN)
def test_killed_between_the_journal_s_writes_and_carried_on(
    tmp_path: Path, call: str, moment: str, dialect: str
) -> None:
    with world(tmp_path, seed=6, dialect=dialect) as made:
        deaths = sum(_dies(made, grid_spec(), {"journal": Dying(made.journal(), {call}, n, moment)}) for n in (1, 3))
        assert deaths
        _carry_on(made, grid_spec())


def test_a_full_disk_after_sending_leaves_no_order_unowned(tmp_path: Path) -> None:
    """What was sent is in the journal as intent: when its answer cannot be recorded, the next process settles it."""
    with world(tmp_path) as made:
        full = Dying(made.journal(), {"update_orders"}, 1, "before", ConfigError("the journal cannot be written"))
        made.run(made.engine(grid_spec(), journal=full), 1)
        assert made.failures == ["config: the journal cannot be written"]
        assert len(made.exchange.orders(ACCOUNT)) == len(made.journal().live_orders()) == 6
        _carry_on(made, grid_spec())


def test_a_full_disk_at_the_end_still_cancels(tmp_path: Path) -> None:
    with world(tmp_path) as made:
        engine = made.engine(grid_spec())
        made.run(engine, 2)
        full = Dying(made.journal(), {"absorb"}, 1, "before", ConfigError("the journal cannot be written"))
        with pytest.raises(StateUnknown, match="asked to be cancelled, but not proven gone: the journal cannot"):
            wind_down(made.venue(), full, made.clock(), [MARKET], engine.run_ids)
        assert made.exchange.orders(ACCOUNT) == ()


def _dies(made: World, spec: RunSpec, doomed: dict[str, Any]) -> bool:
    """One process that is killed at its step, if it reaches it; what it left is looked at."""
    journal = made.journal()
    try:
        made.run(made.engine(spec, **doomed), 12)
    except Killed:
        audit(made, journal)
        return True
    return False


def _carry_on(made: World, spec: RunSpec) -> None:
    """A fresh process over the same files goes on, ends, and the books agree."""
    made.faults(None)
    engine = made.engine(spec)
    made.run(engine, 12)
    journal = made.journal()
    made.end(journal, not_before_ms=engine.not_before_ms)
    made.tick()
    engine.cycle(send=False)
    engine.leave(made.now_ms, status="stopped", reason="test")
    settle_accounts(made, journal)


@pytest.mark.parametrize("seed", some(range(3), 1))
def test_two_processes_on_one_account_share_the_limit_and_never_cross(tmp_path: Path, seed: int) -> None:
    """A grid and a quote whose cycles interleave at the worst moment: one runs whole between the other's snapshot
    and its decision, so that each absorbs the other's fills and judges by a position that is no longer true."""
    _two_processes(tmp_path, seed, cycles=20, faults="")


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", range(20))
def test_two_processes_of_many_seeds(tmp_path: Path, seed: int, dialect: str) -> None:
    rate = 0.3 if dialect == OWN else 0.1
    faults = f"seed={seed},rate={rate},hold_s=0.01,kinds={EVERYTHING}"
    _two_processes(tmp_path, seed, cycles=100, faults=faults, dialect=dialect)


def _two_processes(folder: Path, seed: int, *, cycles: int, faults: str, dialect: str = OWN) -> None:
    with world(folder, seed=seed, dialect=dialect) as made:
        late = Interrupted(made.venue())
        grid = made.engine(grid_spec(), venue=late)
        quote = made.engine(quote_spec())
        journal = made.journal()
        if faults:
            made.faults(faults)

        def meanwhile() -> None:
            made.advance(made.now_ms + 700)
            _checked(made, quote)

        for number in range(cycles):
            late.after_snapshot = meanwhile if number % 2 else lambda: None
            _checked(made, grid)
            made.advance(made.now_ms + STEP_MS)
            _checked(made, quote)
            audit(made, journal)
        made.faults(None)
        for _ in range(6):
            late.after_snapshot = lambda: None
            made.run(grid, 1)
            made.run(quote, 1)
        made.end(journal, not_before_ms=max(grid.not_before_ms, quote.not_before_ms))
        for engine in (grid, quote):
            made.tick()
            engine.cycle(send=False)
            engine.leave(made.now_ms, status="stopped", reason="test")
        settle_accounts(made, journal)


def _checked(made: World, engine: Engine) -> None:
    report = made.cycle(engine)
    if report is not None and any(run.plan.place or run.plan.amend for run in report.runs):
        within_limit(made, 60)
