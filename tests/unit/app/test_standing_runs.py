"""Status, stop and the like as functions, over the embedded exchange: what stands, and how it is ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal

import pytest

from pfmm.app.runs import Runs
from pfmm.app.session import Session, wall_ms
from pfmm.app.status import RunRow, StatusRequest, status
from pfmm.config.resolve import load_settings
from pfmm.engine.engine import Engine
from pfmm.errors import UnknownMarket, VenueUnreachable

BTC = "BTC-PERP"


def one_cycle(session: Session, kind: str = "grid", market: str = BTC) -> Engine:
    """One cycle of a strategy whose process is gone: its orders rest and its run is open."""
    spec = Runs(kind).spec(session, session.market(market))
    engine = Engine(session.venue, session.journal, [spec], session.instruments, wall_ms=wall_ms, pid=os.getpid())
    engine.adopt()
    report = engine.cycle()
    engine.leave(report.time.time_ms, status="between_runs", reason=None)
    return engine


def test_status_of_an_account_where_nothing_ran_has_no_rows(session: Session) -> None:
    found = status(StatusRequest("grid"), session=session)
    assert (found.venue, found.account, found.runs) == ("paper", "default", ())
    assert status(StatusRequest("grid", "btc"), session=session).runs == (RunRow(BTC, "grid"),)
    with pytest.raises(UnknownMarket):
        status(StatusRequest("grid", "nothing"), session=session)


def test_status_is_the_run_with_its_orders_of_this_strategy_alone(session: Session) -> None:
    one_cycle(session)
    (row,) = status(StatusRequest("grid"), session=session).runs
    assert (row.market, row.state, len(row.orders), row.pid) == (BTC, "between_runs", 10, None)
    assert (row.inventory, row.unrealized_pnl) == (Decimal(0), Decimal(0))
    assert status(StatusRequest("quote"), session=session).runs == ()


@pytest.mark.parametrize("held", [True, False])
def test_a_run_is_running_while_its_lock_is_held(session: Session, held: bool) -> None:
    spec = Runs("grid").spec(session, session.market(BTC))
    engine = Engine(session.venue, session.journal, [spec], session.instruments, wall_ms=wall_ms, pid=os.getpid())
    lock = session.locks.run_lock(BTC, "grid")
    lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms(), interval_s=3600)
    engine.cycle()
    if not held:
        lock.release()
    (row,) = status(StatusRequest("grid"), session=session).runs
    assert (row.state, row.pid) == (("running", os.getpid()) if held else ("stale", None))
    lock.release()


@pytest.fixture
def unreachable(session: Session) -> Iterator[Session]:
    """The same account, one run on BTC, where nobody answers at the venue's address."""
    one_cycle(session)
    env = {"PFMM_HOME": str(session.state_dir.parent), "PFMM_VENUE": "paper", "PFMM_BASE_URL": "http://127.0.0.1:9"}
    opened = Session(load_settings(env))
    yield opened
    opened.close()


def test_status_without_the_venue_is_the_journals_own_view(unreachable: Session) -> None:
    found = status(StatusRequest("grid", "btc"), session=unreachable)
    assert [(row.market, len(row.orders), row.unrealized_pnl) for row in found.runs] == [(BTC, 10, None)]
    (warning,) = found.warnings
    assert warning.endswith("this is the journal's own view, without what happened since")
    with pytest.raises(VenueUnreachable):
        status(StatusRequest("grid", "eth"), session=unreachable)
