"""A strategy of one module and one line of the registry has every command, flag, key and page that pfmm offers."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.cli import app, registry
from pfmm.strategy.registry import STRATEGIES
from tests.e2e.homes import stepped_home

HEADER = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size"
START_MS = 1_700_000_000_000


@pytest.fixture
def toy(pfmm_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which the toy strategy is registered, with a market that stands still."""
    monkeypatch.setitem(STRATEGIES, "toy", ("tests.toy_strategy:TOY", "A bid below the mid."))
    stepped_home(pfmm_home, seed=5)
    return pfmm_home


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The envelope's data of one command."""
    assert app.run([*arguments, "--json"]) == code, capsys.readouterr()
    return json.loads(capsys.readouterr().out)["data"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A market that falls by 3 a second, faster than a bid that moves every 3 s, and comes back, one quote a second."""
    mids = [1_000, *range(1_000, 969, -3), *range(970, 1_001, 3)]
    rows = [f"{START_MS + second * 1000},quote,,,,{mid - 1},5.001,{mid + 1},5.001" for second, mid in enumerate(mids)]
    path = tmp_path / "fall.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_the_module_is_as_short_as_a_strategy_may_be() -> None:
    lines = (Path(__file__).parents[2] / "toy_strategy.py").read_text("utf-8").splitlines()
    assert len(lines) < 60


def test_its_plan_shows_the_order_that_a_start_would_place(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = answer(capsys, "toy", "plan", "btc", "--width-bps", "30")
    (order,) = plan["orders"]
    below = (Decimal(plan["mid"]) - Decimal(order["price"])) / Decimal(plan["mid"]) * 10_000
    assert abs(below - 30) < Decimal("0.2")
    assert plan["explanation"] == {"width_bps": 30.0, "fills": 0}
    assert app.run(["toy", "plan", "btc"]) == 0
    assert "width_bps 20.0" in capsys.readouterr().out


def test_its_flags_are_checked_by_its_table(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["toy", "start", "btc", "--once", "--width-bps", "0"]) == 2
    assert "must be above 0, at most 1000, not 0" in capsys.readouterr().err


def test_once_rests_its_order_status_shows_it_and_stop_takes_it_back(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    once = answer(capsys, "toy", "start", "btc", "--once", "--size", "75")
    assert [(run["strategy"], run["placed"], run["resting"]) for run in once["runs"]] == [("toy", 1, 1)]
    (run,) = answer(capsys, "toy", "status")["runs"]
    assert (run["state"], [order["slot"] for order in run["orders"]]) == ("between_runs", ["bid"])
    diff = answer(capsys, "toy", "start", "btc", "--dry-run", "--size", "75")
    assert [action["action"] for action in diff["runs"][0]["actions"]] == ["keep"]
    (stopped,) = answer(capsys, "toy", "stop")["runs"]
    assert (stopped["cancelled"], stopped["orders_left"], stopped["state"]) == (1, 0, "stopped")


def test_its_loop_streams_the_events_of_every_loop(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["toy", "start", "btc", "--cycles", "2", "--json"]) == 0
    names = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert names[0] == "started"
    assert names.count("cycle") == 2
    assert names[-1] == "stopped"


def test_its_settings_are_config_keys_and_variables(
    toy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert app.run(["profile", "set", "toy.width_bps", "45"]) == 0
    capsys.readouterr()
    assert answer(capsys, "profile", "show")["settings"]["toy.width_bps"] == 45.0
    assert answer(capsys, "toy", "plan", "btc")["explanation"]["width_bps"] == 45.0
    monkeypatch.setenv("PFMM_TOY_WIDTH_BPS", "50")
    assert answer(capsys, "toy", "plan", "btc")["explanation"]["width_bps"] == 50.0
    monkeypatch.setenv("PFMM_TOY_WIDTH", "50")
    assert app.run(["toy", "plan", "btc"]) == 3
    assert "did you mean PFMM_TOY_WIDTH_BPS?" in capsys.readouterr().err


def test_it_runs_on_recorded_data_and_in_a_sweep(toy: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")
    assert answer(capsys, "backtest", "run", "toy", "x", "--data", str(data))["fills"] > 0
    rows = answer(capsys, "backtest", "sweep", "toy", "x", "--data", str(data), "--set", "toy.width_bps=10,900")["rows"]
    assert [row["pessimistic"]["fills"] > 0 for row in rows] == [True, False]


def test_help_config_the_root_help_and_the_completions_name_it(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = answer(capsys, "help", "config")["text"]
    assert (
        "| `toy.width_bps` | 20.0 | above 0, at most 1000 | distance of the bid, bps | `PFMM_TOY_WIDTH_BPS` |" in page
    )
    assert "  toy          A bid below the mid." in registry.root_help()
    for shell in ("bash", "zsh", "fish"):
        script = answer(capsys, "completions", shell)["script"]
        assert "toy start" in script
        assert "width-bps" in script
