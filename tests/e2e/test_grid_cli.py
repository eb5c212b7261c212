"""`pfmm grid` as a shell, a cron job and a crash see it: real processes on the embedded exchange."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import UsageError
from pfmm.model.event import EVENT_NAMES
from pfmm.runner.locks import AccountLocks
from pfmm.strategy.grid.plan import GridConfig, plan_grid
from tests.e2e.driver import PATIENCE_S, Running, environment, interrupt, run, run_here, run_until
from tests.e2e.homes import (
    START_MS,
    instrument,
    open_orders,
    own_session,
    resting_grid,
    runner_of,
    stepped_home,
    still_home,
)
from tests.held import hold_text

# to measure the volatility takes a first start most of its time, and the range that it gives is about this
GRID = ("grid", "start", "BTC-PERP", "--range-pct", "0.35")


def test_two_shells_see_one_grid_and_stop_proves_that_nothing_rests(tmp_path: Path) -> None:
    still_home(tmp_path)
    with Running(*GRID, home=tmp_path) as grid:
        started = grid.wait_for_event("started")
        assert started["market"] == "BTC-PERP"
        grid.wait_for_event("cycle")
        (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
        assert (row["state"], row["pid"], len(row["orders"])) == ("running", grid.process.pid, 10)

        (stopped,) = run("grid", "stop", "BTC-PERP", "--json", home=tmp_path).data["runs"]
        assert (stopped["state"], stopped["cancelled"], stopped["orders_left"]) == ("stopped", 10, 0)
        assert grid.end() == 143
        assert grid.events[-1]["event"] == "stopped"

    (row,) = run("grid", "status", "BTC", "--json", home=tmp_path).data["runs"]
    assert (row["state"], row["orders"], row["pid"]) == ("stopped", [], None)
    assert open_orders(tmp_path) == []


def test_ctrl_c_cancels_proves_and_exits_130(tmp_path: Path) -> None:
    still_home(tmp_path)
    resting: list[int] = []

    def ctrl_c() -> None:
        resting.append(len(open_orders(tmp_path)))
        interrupt()

    grid = run_until('"event":"cycle"', ctrl_c, *GRID, home=tmp_path)
    assert (grid.code, resting, grid.events[-1]["cancelled"]) == (130, [10], 10)
    assert open_orders(tmp_path) == []


def test_on_exit_keep_leaves_the_orders_and_the_next_start_takes_them_over(tmp_path: Path) -> None:
    still_home(tmp_path)
    line = (*GRID, "--on-exit", "keep")
    grid = run_until('"event":"cycle"', partial(interrupt, signal.SIGTERM), *line, home=tmp_path)
    assert grid.code == 143
    before = {order.client_order_id for order in open_orders(tmp_path)}
    assert len(before) == 10
    (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
    assert row["state"] == "between_runs"
    again = run(*GRID, "--once", "--json", home=tmp_path).data
    assert again["adopted_orders"] == 10
    assert {order.client_order_id for order in open_orders(tmp_path)} & before


def test_a_closed_pipe_still_runs_the_exit_policy(tmp_path: Path) -> None:
    script = f"'{sys.executable}' -m pfmm grid start BTC-PERP --range-pct 0.35 --interval 0.05 | head -n 3"
    done = _shell(script, tmp_path)
    assert len(done.splitlines()) == 3
    hold_text(done)
    (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
    assert row["state"] == "stopped"
    assert open_orders(tmp_path) == []


def test_once_every_minute_keeps_what_is_right(tmp_path: Path) -> None:
    """Cron's grid: the second run finds every order in its place and sends nothing."""
    stepped_home(tmp_path, seed=5)
    first = run(*GRID, "--once", "--json", home=tmp_path).data
    second = run(*GRID, "--once", "--json", home=tmp_path).data
    assert first["runs"][0]["placed"] == 10
    assert {k: second["runs"][0][k] for k in ("placed", "amended", "cancelled", "kept")} == {
        "placed": 0,
        "amended": 0,
        "cancelled": 0,
        "kept": 10,
    }
    assert second["adopted_orders"] == 10


def test_dry_run_sends_nothing_and_says_so_with_an_exit_code(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=5)
    pending = run(*GRID, "--dry-run", "--exit-code", "--json", home=tmp_path)
    assert pending.code == 12
    assert pending.envelope["data"]["changes"] == 10
    assert open_orders(tmp_path) == []
    assert run("grid", "status", "--json", home=tmp_path).data["runs"] == []
    run(*GRID, "--once", home=tmp_path)
    nothing = run(*GRID, "--dry-run", "--exit-code", "--json", home=tmp_path)
    assert (nothing.code, nothing.data["changes"]) == (0, 0)


def test_dry_run_lists_the_order_that_closes_a_grid_that_broke_out(tmp_path: Path) -> None:
    # within half an hour this market's price falls out of the range, and two buys fill on the way
    stepped_home(tmp_path, seed=6, generator=1)
    grid = ("grid", "start", "BTC-PERP", "--range-pct", "0.05", "--levels", "4", "--on-breakout", "flatten")
    assert run(*grid, "--once", home=tmp_path).code == 0
    with own_session(tmp_path) as session:
        session.venue.advance(START_MS + 1_800_000)
    (broken_out,) = run(*grid, "--once", "--json", home=tmp_path).data["runs"]
    assert (broken_out["cancelled"], Decimal(broken_out["inventory"])) == (2, Decimal("0.0005"))
    pending = run(*grid, "--dry-run", "--exit-code", "--json", home=tmp_path)
    assert (pending.code, pending.envelope["data"]["changes"]) == (12, 1)
    (planned,) = pending.envelope["data"]["runs"]
    (action,) = planned["actions"]
    assert (action["action"], action["slot"], action["side"], action["size"]) == ("place", "close", "short", "0.00050")
    (done,) = run(*grid, "--once", "--json", home=tmp_path).data["runs"]
    assert done["placed"] == 1


def test_detach_returns_once_the_grid_works_and_stop_ends_it(tmp_path: Path) -> None:
    started = run(*GRID, "--detach", "--json", home=tmp_path).data
    (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
    assert (row["state"], row["pid"]) == ("running", started["pid"])
    assert '"event":"started"' in Path(started["log"]).read_text("utf-8")
    (stopped,) = run("grid", "stop", "--json", home=tmp_path).data["runs"]
    assert stopped["orders_left"] == 0


def test_detach_reports_why_the_background_process_ended(tmp_path: Path) -> None:
    failed = run(*GRID, "--levels", "3", "--size", "1", "--detach", "--json", home=tmp_path)
    assert failed.code == 2
    assert "below the minimum" in failed.error["message"]


def test_a_second_detach_is_refused_by_the_first_ones_lock(tmp_path: Path) -> None:
    still_home(tmp_path)
    with runner_of(tmp_path, "grid", "BTC-PERP") as pid:
        second = run(*GRID, "--detach", "--json", home=tmp_path)
    assert (second.code, second.error["code"]) == (11, "already_running")
    assert second.error["message"] == f"a grid already runs on BTC-PERP (pid {pid})"
    assert not list((tmp_path / "log").glob("*")), "no second process was begun"


def test_what_ends_the_background_process_is_its_own_envelope(tmp_path: Path) -> None:
    """An open run of other settings, which only the child looks at: code, words and exit code are its own."""
    resting_grid(tmp_path, speed=0)
    line = ("grid", "start", "--levels", "6", "--json")
    here = run_here(*line, "BTC-PERP", home=tmp_path)
    there = run(*line, "--detach", "--", "BTC-PERP", home=tmp_path)
    assert (there.code, there.error["code"], there.error["message"]) == (2, "settings_differ", here.error["message"])
    assert there.error["hint"].startswith(here.error["hint"])
    assert "grid-BTC-PERP.log" in there.error["hint"]


@pytest.mark.slow  # one is begun and stopped above
def test_a_detach_behind_the_end_of_options_is_begun_like_any_other(tmp_path: Path) -> None:
    still_home(tmp_path)
    started = run("grid", "start", "--detach", "--json", "--", "BTC-PERP", home=tmp_path).data
    assert started["markets"] == ["BTC-PERP"]
    assert run("grid", "stop", "--json", home=tmp_path).data["runs"][0]["orders_left"] == 0


def test_a_second_grid_on_the_same_market_is_refused(tmp_path: Path) -> None:
    with runner_of(tmp_path, "grid", "BTC-PERP") as pid:
        second = run_here(*GRID, "--json", home=tmp_path)
    assert (second.code, second.error["code"]) == (11, "already_running")
    assert str(pid) in second.error["message"]


def test_a_changed_grid_is_refused_and_on_restart_cancel_begins_afresh(tmp_path: Path) -> None:
    resting_grid(tmp_path, speed=0)
    before = {order.order_id for order in open_orders(tmp_path)}
    other = run("grid", "start", "BTC-PERP", "--levels", "6", "--once", "--json", home=tmp_path)
    assert other.code == 2
    assert "levels 10 → 6" in other.error["message"]
    bounded = run("grid", "start", "BTC-PERP", "--range-pct", "0.5", "--once", "--json", home=tmp_path)
    assert "range_pct unset → 0.5" in bounded.error["message"]
    assert {order.order_id for order in open_orders(tmp_path)} == before
    fresh = run(
        "grid", "start", "BTC-PERP", "--levels", "6", "--once", "--on-restart", "cancel", "--json", home=tmp_path
    )
    assert fresh.data["runs"][0]["placed"] == 6
    assert len(open_orders(tmp_path)) == 6
    aborted = run(
        "grid", "start", "BTC-PERP", "--levels", "6", "--once", "--on-restart", "abort", "--json", home=tmp_path
    )
    assert aborted.code == 11


def test_the_loss_limit_cancels_halts_and_refuses_until_resumed(tmp_path: Path) -> None:
    """A kill switch of a hundredth of a cent trips on the first adverse fill."""
    stepped_home(tmp_path, seed=5)
    tripped = run(*GRID, "--max-loss", "0.0001", "--cycles", "4000", "--json", home=tmp_path)
    assert tripped.code == 75, tripped.out[-500:]
    assert [e["event"] for e in tripped.events[-3:-1]] == ["halted", "stopped"]
    assert open_orders(tmp_path) == []
    refused = run(*GRID, "--once", "--json", home=tmp_path)
    assert (refused.code, refused.error["code"]) == (75, "halted")
    assert "kill_switch" in refused.error["message"]


@pytest.mark.parametrize("how", ["--once", pytest.param("--cycles=3", marks=pytest.mark.slow)])
def test_a_kill_switch_tells_of_orders_that_nobody_attends(tmp_path: Path, how: str) -> None:
    """Cron's other grid is refused from now on, and its orders rest until somebody stops it."""
    stepped_home(tmp_path, seed=5)
    assert run("grid", "start", "ETH", "--once", home=tmp_path).code == 0
    start = ("quote", "start", "BTC", "--max-loss", "0.000001", "--size", 200, "--json")
    for _ in range(40):  # until a fill has gone against it
        tripped = run(*start, how, "--on-exit", "keep", home=tmp_path)
        run("quote", "start", "SOL", "--cycles", 10, home=tmp_path)  # the market's clock goes on
        if tripped.code:
            break
    assert tripped.code == 75, tripped.out[-500:]
    if how == "--once":
        warnings = tripped.envelope["warnings"]
        (row,) = run("quote", "status", "BTC", "--json", home=tmp_path).data["runs"]
        assert (row["state"], row["stop_reason"]) == ("halted", "kill switch")
    else:
        warnings = [event["reason"] for event in tripped.events[:-1] if event["event"] == "warning"]
    left = len(open_orders(tmp_path))
    assert warnings == [f"{left} orders of runs without a process still rest; cancel them with `pfmm grid stop`"]
    assert left > 0
    assert run("grid", "stop", home=tmp_path).code == 0
    assert open_orders(tmp_path) == []


@pytest.mark.parametrize(
    ("interval_s", "speed", "state"),
    [(3, 1, "stale"), (300, 1, "running"), (300, 60, "stale"), (3, 0.01, "running"), (300, 0, "stale")],
)
def test_a_runner_is_stale_by_its_own_interval(tmp_path: Path, interval_s: float, speed: float, state: str) -> None:
    """A hundred seconds after its last cycle: one of 300 s sleeps, whatever interval the profile of status has."""
    stepped_home(tmp_path, seed=5, speed=speed)
    assert run(*GRID, "--once", home=tmp_path).code == 0
    now_ms = time.time_ns() // 1_000_000
    with sqlite3.connect(tmp_path / "state" / "journals" / "paper-default.sqlite3") as journal:
        journal.execute("UPDATE runs SET wall_last_cycle_ms = ?", (now_ms - 100_000,))
    journal.close()
    with runner_of(tmp_path, "grid", "BTC-PERP", interval_s=interval_s) as pid:
        (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
        checks = run("doctor", "--json", home=tmp_path).envelope["data"]["checks"]
    assert (row["state"], row["pid"]) == (state, pid)
    if speed == 1:
        (verdict,) = (check["verdict"] for check in checks if check["name"] == "run paper-default BTC-PERP grid")
        assert verdict == ("ok" if state == "running" else "warn")


def test_a_runner_says_at_which_interval_it_cycles(tmp_path: Path) -> None:
    held: list[tuple[int, float] | None] = []

    def look() -> None:
        holder = AccountLocks(tmp_path / "state", "paper", "default").run_lock("BTC-PERP", "grid").holder()
        held.append(None if holder is None else (holder.pid, holder.interval_s))
        interrupt()

    line = ("grid", "start", "BTC-PERP", "--interval", 700, "--json")
    assert run_until('"event":"cycle"', look, *line, home=tmp_path).code == 130
    assert held == [(os.getpid(), 700)]


BAD_INPUT: list[tuple[list[str], int, str]] = [
    (["--lower", "70000", "--upper", "60000"], 2, "lower"),
    (["--lower", "70000", "--upper", "70000"], 2, "lower"),
    (["--levels", "0"], 2, "levels"),
    (["--levels", "1"], 2, "levels"),
    (["--levels", "10000"], 2, "levels"),
    (["--levels", "ten"], 2, "levels"),
    (["--size", "1"], 2, "below the minimum"),
    (["--size", "nan"], 2, "size"),
    (["--size", "-20"], 2, "size"),
    (["--size", "1e999"], 2, "size"),
    (["--size", "200"], 7, "max_inventory"),
    (["--size", "5000", "--max-inventory", "1000000"], 7, "equity"),
    (["--interval", "nan"], 2, "interval"),
    (["--interval", "0"], 2, "interval"),
    (["--cycles", "0"], 2, "cycles"),
    (["--max-loss", "inf"], 2, "max"),
    (["--lower", "1000000", "--upper", "2000000"], 2, "outside of the grid's range"),
    (["--range-pct", "0.005"], 2, "tick"),
    (["--spacing", "logarithmic"], 2, "spacing"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "named"), BAD_INPUT, ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_bad_input_names_the_field_and_places_nothing(
    tmp_path: Path, arguments: list[str], code: int, named: str
) -> None:
    stepped_home(tmp_path, seed=5)
    refused = run("grid", "start", "BTC-PERP", "--once", *arguments, "--json", home=tmp_path)
    assert refused.code == code, refused.out
    assert named in refused.error["message"]
    assert open_orders(tmp_path) == []


def test_an_unknown_market_names_the_nearest(tmp_path: Path) -> None:
    refused = run("grid", "start", "BTX-PERP", "--once", "--json", home=tmp_path)
    assert (refused.code, refused.error["code"]) == (6, "unknown_market")
    assert "BTC-PERP" in refused.error["hint"]


def test_a_step_that_does_not_pay_its_fees_is_refused(tmp_path: Path) -> None:
    """A maker fee of +5 bps on both legs costs 10 bps a round trip; a step of 5 bps cannot pay it."""

    config = GridConfig(levels=4, range_pct=Decimal("0.1"))
    with pytest.raises(UsageError, match="its fees are"):
        plan_grid(config, instrument=instrument("BTC-PERP", maker_bps=Decimal(5)), mid=Decimal(65_000))


@pytest.mark.parametrize("damage", ["garbage", "folder in its place"])
def test_corrupt_state_is_named_and_nothing_is_placed(tmp_path: Path, damage: str) -> None:
    resting_grid(tmp_path, speed=0)
    (journal,) = (tmp_path / "state" / "journals").glob("*.sqlite3")
    before = len(open_orders(tmp_path))
    for side_file in journal.parent.glob(journal.name + "-*"):
        side_file.unlink()
    journal.unlink()
    if damage == "garbage":
        journal.write_bytes(b"not a journal" * 500)
    else:
        journal.mkdir()
    refused = run("grid", "start", "BTC-PERP", "--once", "--json", home=tmp_path)
    assert refused.code == 3
    assert str(journal) in refused.error["message"]
    assert len(open_orders(tmp_path)) == before


def test_a_corrupt_config_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('schema = 1\nactive = "paper"\n[profiles.paper\n', "utf-8")
    refused = run("grid", "start", "BTC-PERP", "--once", "--json", home=tmp_path)
    assert refused.code == 3
    assert "config.toml" in refused.error["message"]


def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be", "utf-8")
    refused = run("grid", "start", "BTC-PERP", "--once", "--json", home=tmp_path)
    assert refused.code == 3
    assert "state" in refused.error["message"]


def test_profit_is_counted_once_and_equals_the_exchange(tmp_path: Path) -> None:
    """Many stepped cycles between close steps: journal, screen and the venue's account agree exactly."""
    stepped_home(tmp_path, seed=7)
    close_steps = ("--levels", 20, "--range-pct", "0.2")
    done = run("grid", "start", "BTC-PERP", *close_steps, "--cycles", 80, "--on-exit", "keep", home=tmp_path)
    assert done.code == 0, done.err
    events = done.events
    trips = [e for e in events if e["event"] == "round_trip"]
    fills = [e for e in events if e["event"] == "fill"]
    last = [e for e in events if e["event"] == "cycle"][-1]
    assert trips, "80 cycles of 3 s without a round trip"
    with own_session(tmp_path) as session:
        account = session.venue.account_state()
        journal_fills = list(session.journal.fills())
    money = {k: Decimal(last[k]) for k in ("realized_pnl", "unrealized_pnl", "fees", "funding", "equity")}
    assert len(journal_fills) == len(fills)
    assert money["equity"] - 10_000 == (
        money["realized_pnl"] + money["unrealized_pnl"] - money["fees"] + money["funding"]
    )
    assert account.equity == money["equity"]
    assert last["round_trips"] == len(trips)
    _each_trip_is_its_fills(trips, fills)


def _each_trip_is_its_fills(trips: list[dict[str, Any]], fills: list[dict[str, Any]]) -> None:
    """Every round trip of a cell closes as much as it opened, and earns the difference of its own two prices."""
    for trip in trips:
        step = abs(Decimal(trip["exit_price"]) - Decimal(trip["entry_price"]))
        assert Decimal(trip["gross"]) == step * Decimal(trip["size"])
    for cell in {trip["slot"].split(":")[1] for trip in trips}:
        of_cell = [f for f in fills if f["slot"].split(":")[1] == cell]
        bought = sum(Decimal(f["size"]) for f in of_cell if f["side"] == "long")
        sold = sum(Decimal(f["size"]) for f in of_cell if f["side"] == "short")
        closed = sum(Decimal(t["size"]) for t in trips if t["slot"].split(":")[1] == cell)
        assert closed <= min(bought, sold)


def _shell(script: str, home: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", script], env=environment(home), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return done.stdout


def test_json_lines_are_valid_and_use_only_documented_events(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=7)
    done = run(*GRID, "--cycles", "20", home=tmp_path)
    for line in done.out.splitlines():
        event = json.loads(line)
        assert event["event"] in EVENT_NAMES
        assert {"time", "market", "strategy"} <= set(event)
