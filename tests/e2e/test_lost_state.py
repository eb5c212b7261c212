"""A state folder that is lost or another's: what rests at the venue is seen all the same, and nothing is doubled."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.unknown_orders import unknown_orders
from pfmm.model.order import Order, OrderStatus, OrderType, Side
from tests.e2e.driver import run
from tests.e2e.homes import open_orders, resting_grid, still_home


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A grid rests, and the journal that knows it is gone."""
    resting_grid(tmp_path)
    shutil.rmtree(tmp_path / "state" / "journals")
    return tmp_path


def test_no_second_grid_is_added_beside_one_that_the_journal_does_not_know(lost: Path) -> None:
    for more in (("--once",), ("--cycles", 2), ("--dry-run",)):
        done = run("grid", "start", "BTC", "--range-pct", "0.35", *more, "--json", home=lost)
        last = done.events[-1]
        assert (done.code, last["error"]["code"]) == (8, "state_unknown"), more
        assert "10 orders with pfmm's ids rest on BTC-PERP that this journal does not know" in last["error"]["message"]
        assert len(open_orders(lost)) == 10
    elsewhere = run("grid", "start", "ETH", "--range-pct", "0.35", "--once", "--json", home=lost)
    assert elsewhere.code == 0, "another market is not concerned"


def test_status_stop_and_doctor_show_them(lost: Path) -> None:
    status = run("grid", "status", "--json", home=lost)
    (warning,) = status.envelope["warnings"]
    assert warning.startswith("10 orders with pfmm's ids rest on BTC-PERP that this journal does not know (")
    assert (status.code, status.data["runs"]) == (0, [])
    for line in (("grid", "stop"), ("grid", "stop", "BTC"), ("quote", "stop")):
        stopped = run(*line, "--json", home=lost)
        assert (stopped.code, stopped.error["code"]) == (8, "state_unknown")
        assert len(stopped.envelope["data"]["unknown_orders"]) == 10
        assert len(open_orders(lost)) == 10
    assert run("grid", "stop", "ETH", "--json", home=lost).code == 0
    checks = {check["name"]: check for check in run("doctor", "--json", home=lost).data["checks"]}
    assert (checks["orders"]["verdict"], checks["orders"]["fix"][-22:]) == ("warn", "pfmm flatten BTC-PERP` does"[-22:])
    text = run("grid", "stop", home=lost)
    assert text.code == 8
    assert "none of its orders rests" not in text.out


def test_they_are_stopped_on_request_and_then_a_grid_begins(lost: Path) -> None:
    stopped = run("grid", "stop", "BTC", "--unknown-orders", "--json", home=lost)
    assert (stopped.code, stopped.data["unknown_cancelled"], stopped.data["unknown_orders"]) == (0, 10, [])
    assert open_orders(lost) == []
    assert run("grid", "start", "BTC", "--once", "--json", home=lost).data["runs"][0]["resting"] == 10
    assert run("grid", "status", "--json", home=lost).envelope["warnings"] == []


def test_a_healthy_journal_knows_all_of_its_orders(tmp_path: Path) -> None:
    still_home(tmp_path)
    run("grid", "start", "BTC", "--once", home=tmp_path)
    assert run("grid", "start", "BTC", "--once", "--json", home=tmp_path).code == 0
    checks = {check["name"]: check["verdict"] for check in run("doctor", "--json", home=tmp_path).data["checks"]}
    assert checks["orders"] == "ok"
    stopped = run("grid", "stop", "--json", home=tmp_path)
    assert (stopped.code, stopped.data["unknown_orders"]) == (0, [])


@pytest.mark.parametrize(
    ("name", "unknown"),
    [("a1b2c3-7", True), ("a1b2c3-0", False), ("a1b2c3-07", False), ("stranger-1", False), ("A1B2C3-7", False),
     ("flatten-0123456789-1", False), ("a1b2c3-7x", False), (None, False)],
)  # fmt: skip
def test_only_ids_of_the_form_of_a_run_s_are_pfmm_s(name: str | None, unknown: bool) -> None:
    one = Order("o1", name, "BTC-PERP", Side.LONG, OrderType.LIMIT, None, Decimal(1), Decimal(0),
                OrderStatus.OPEN, True, False, 0, 0)  # fmt: skip
    assert bool(unknown_orders([one], None)) is unknown
