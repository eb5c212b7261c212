"""A journal that cannot be used keeps nobody from stopping: runners end, the venue is asked, orders go on request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pfmm.app.once import once
from pfmm.app.starting import StartRequest
from pfmm.app.status import StatusRequest, status
from pfmm.app.stop import StopRequest, StopResult, stop
from pfmm.errors import ConfigError, StateUnknown
from tests.e2e.homes import open_orders, own_session, stepped_home
from tests.unit.app.test_standing_runs import unasked

STOP = StopRequest("grid", "btc")


def begun(folder: Path) -> Path:
    """A grid that rests 10 orders, and the journal that knows of them."""
    stepped_home(folder, seed=5)
    with own_session(folder) as session:
        once(StartRequest("grid", ("btc",)), session=session, confirm=unasked, tell=lambda _: None)
        path = session.journal_path
    assert len(open_orders(folder)) == 10
    return path


def test_a_damaged_journal(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    for path in journal.parent.glob("*.sqlite3*"):
        path.unlink()
    journal.write_bytes(b"garbage" * 1000)
    with own_session(tmp_path) as session:
        with pytest.raises(StateUnknown, match="10 orders with pfmm's ids rest on BTC-PERP") as caught:
            stop(STOP, session=session, confirm=unasked)
        assert "--unknown-orders" in caught.value.message
        assert isinstance(caught.value.result, StopResult)
        assert [(row.market, row.state) for row in caught.value.result.runs] == [("BTC-PERP", "unknown")]
        with pytest.raises(ConfigError, match=r"is corrupt.*10 orders with pfmm's ids rest on BTC-PERP"):
            status(StatusRequest("grid", "btc"), session=session)
    assert len(open_orders(tmp_path)) == 10  # whose they are nobody knows: it is a word that cancels them
    with own_session(tmp_path) as session:
        with pytest.raises(ConfigError, match=r"is corrupt.*the venue shows no order with pfmm's ids there") as done:
            stop(replace(STOP, unknown_orders=True), session=session, confirm=unasked)
        assert done.value.result.unknown_cancelled == 10
    assert open_orders(tmp_path) == []
    assert journal.read_bytes() == b"garbage" * 1000
