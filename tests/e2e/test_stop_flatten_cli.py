"""`stop --flatten` and `--on-exit flatten`: a verdict only about what was closed, and none while somebody quotes on."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.driver import interrupt, run, run_until
from tests.e2e.homes import resting_grid, runner_of
from tests.e2e.test_flatten_cli import BTC, books, hold, sizes

ONCE = ("grid", "start", BTC, "--range-pct", "0.35", "--once", "--json")
LOOP = ("--json", "--interval", "0.2")


def test_nothing_to_stop_is_no_verdict(tmp_path: Path) -> None:
    hold(tmp_path, (BTC, "long", None, "300"))
    done = run("grid", "stop", "--flatten", "--json", home=tmp_path)
    assert (done.code, done.data["runs"], done.data["flatten"]) == (0, [], None)
    (warning,) = done.envelope["warnings"]
    assert "nothing was closed" in warning
    assert list(sizes(books(tmp_path))) == [BTC]
    words = run("grid", "stop", "--flatten", home=tmp_path)
    assert "FLAT" not in words.out
    assert "nothing was closed" in words.err
    named = run("grid", "stop", BTC, "--flatten", "--json", home=tmp_path)
    assert (named.code, named.data["flatten"]["state"]) == (0, "flat")
    assert sizes(books(tmp_path)) == {}


@pytest.mark.parametrize(("policy", "held"), [("cancel", [BTC]), ("flatten", [])])
def test_one_cycle_that_leaves_nothing_resting_says_so(tmp_path: Path, policy: str, held: list[str]) -> None:
    hold(tmp_path, (BTC, "long", None, "300"))
    data = run(*ONCE, "--on-exit", policy, home=tmp_path).data
    placed = data["runs"][0]["placed"]
    assert placed > 0
    assert (data["on_exit"], data["runs"][0]["resting"]) == ({"policy": policy, "cancelled": placed}, 0)
    state = books(tmp_path)
    assert (state.orders, list(sizes(state))) == ((), held)


def test_another_strategy_on_the_market_keeps_its_orders_and_the_position(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    hold(tmp_path, (BTC, "long", None, "300"))
    with runner_of(tmp_path, "quote", BTC) as pid:
        done = run("grid", "stop", "--flatten", "--json", home=tmp_path)
        assert (done.code, done.error["code"]) == (11, "already_running")
        assert f"quote on {BTC} (pid {pid})" in done.error["message"]
        (row,) = done.envelope["data"]["runs"]
        assert (row["state"], row["orders_left"]) == ("stopped", 0), "stopped all the same"
        assert done.envelope["data"]["flatten"] is None
        assert list(sizes(books(tmp_path))) == [BTC]
    done = run("grid", "stop", BTC, "--flatten", "--json", home=tmp_path)
    assert (done.code, sizes(books(tmp_path))) == (0, {})


def test_leaving_beside_another_strategy_says_that_the_position_stays(tmp_path: Path) -> None:
    hold(tmp_path, (BTC, "long", None, "300"))
    line = ("grid", "start", BTC, "--range-pct", "0.35", *LOOP, "--on-exit", "flatten")
    with runner_of(tmp_path, "quote", BTC):
        grid = run_until('"event":"cycle"', partial(interrupt, signal.SIGTERM), *line, home=tmp_path)
    assert grid.code == 11
    assert list(sizes(books(tmp_path))) == [BTC]
    assert "nothing was closed" in grid.err + grid.out
