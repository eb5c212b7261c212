"""kill -9 in the middle of a running grid, again and again: no duplicate, no orphan, no lost fill, and it goes on."""

from __future__ import annotations

import signal
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.session import Session
from pfmm.model.order import Side
from pfmm.model.plan import OwnStatus
from tests.e2e.driver import Running, run
from tests.e2e.homes import own_session, stepped_home

# lines of output after which the process is killed: in the first cycle, early, and deep into trading
KILL_AFTER_LINES = (1, 3, 12, 13, 40, 171, 333)


@pytest.mark.parametrize("kills", [(1, 12, 40), pytest.param(KILL_AFTER_LINES, marks=pytest.mark.slow)])
def test_a_killed_grid_goes_on_without_duplicate_or_orphan(tmp_path: Path, kills: tuple[int, ...]) -> None:
    stepped_home(tmp_path, seed=7)
    for lines in kills:
        with Running("grid", "start", "BTC-PERP", home=tmp_path) as grid:
            for _ in range(lines):
                grid.wait_for("{")
            grid.process.send_signal(signal.SIGKILL)
            assert grid.end() == -signal.SIGKILL
        (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
        assert row["state"] == "stale", "a dead runner must not look alive"
        with own_session(tmp_path) as session:
            _one_live_order_a_slot(session)
    done = run("grid", "start", "BTC-PERP", "--cycles", "200", home=tmp_path)
    assert done.code == 0, done.err
    assert any(event["event"] == "round_trip" for event in done.events)
    with own_session(tmp_path) as session:
        _books_agree(session)


def _one_live_order_a_slot(session: Session) -> None:
    """What the exchange has open is what the journal holds for live, and no slot of the run has two."""
    live = {o.client_order_id: o for o in session.journal.live_orders()}
    resting = {o.client_order_id: o for o in session.venue.open_orders()}
    orphans = resting.keys() - live.keys()
    assert not orphans, f"orders that rest without an owner: {orphans}"
    slots = [live[client_id].slot for client_id in resting]
    assert len(slots) == len(set(slots)), f"two orders rest in one slot: {sorted(slots)}"
    vanished = [o for c, o in live.items() if c not in resting and o.status is OwnStatus.OPEN and o.remaining]
    filled = {fill.client_order_id for fill in session.venue.fills()}
    assert all(o.client_order_id in filled for o in vanished)


def _books_agree(session: Session) -> None:
    """Every execution of the exchange is in the journal once, and both come to the same position."""
    ours = [item.fill for item in session.journal.fills()]
    theirs = session.venue.fills()
    assert sorted(f.fill_id for f in ours) == sorted(f.fill_id for f in theirs)
    position = sum((f.size * Side(f.side).sign for f in ours), Decimal(0))
    assert position == sum((p.size for p in session.venue.positions()), Decimal(0))
    assert all(item.run_id is not None for item in session.journal.fills()), "a fill lost its run"
    assert session.venue.open_orders() == ()
    assert session.journal.live_orders() == ()
