"""`pfmm backtest` as a shell meets it: run, data, sweep; interrupted, with bad files, on processes and on Dask."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest

from pfmm.backtest.sweep import cluster
from pfmm.errors import ConfigError
from tests.e2e.driver import PATIENCE_S, Running, environment, run
from tests.held import answer_of

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

HEADER = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size"
START_MS = 1_700_000_000_000
GRID = ("--set", "grid.lower=900", "--set", "grid.upper=1100", "--set", "grid.levels=4")


@dataclass(frozen=True)
class Level:
    levels: int


def quote(second: float, mid: int, size: str = "5.001") -> str:
    return f"{START_MS + round(second * 1000)},quote,,,,{mid - 1},{size},{mid + 1},{size}"


def write_table(path: Path, mids: Sequence[int]) -> Path:
    """A market of one quote a second."""
    lines = [HEADER, *(quote(second, mid) for second, mid in enumerate(mids))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def swing(tmp_path: Path) -> Path:
    """1,000 falls to 940, rises to 1,060 and comes back to 990: two lines of the grid are crossed on either side."""
    down, up = list(range(1_000, 939, -5)), list(range(940, 1_061, 5))
    return write_table(tmp_path / "swing.csv", [1_000] * 5 + down + up + list(range(1_060, 989, -5)) + [990] * 5)


def test_run_answers_with_the_report_and_both_scenarios(tmp_path: Path, swing: Path) -> None:
    done = run("backtest", "run", "grid", "x", "--data", swing, *GRID, "--latency-ms", 0, "--json", home=tmp_path)
    data = done.data
    # lines 900 … 1,100 by 50, the one at 1,000 empty: the fall buys 20 / 950 = 0.021 at 950, the rise sells that at
    # 1,000 and 0.02 at 1,050, and coming back buys the last again at 1,000
    assert data["fills"] == 4
    for queue in ("pessimistic", "optimistic"):
        found = data["scenarios"][queue]
        assert (found["fills"], found["round_trips"], found["position"]) == (4, 2, "0.000")
        gross = Decimal("0.021") * 50 + Decimal("0.020") * 50
        rebate = (Decimal("0.021") * (950 + 1_000) + Decimal("0.020") * (1_050 + 1_000)) * 2 / 10_000
        assert Decimal(found["pnl"]) == gross + rebate
    pnl = {name: Decimal(value) for name, value in data["pnl"].items()}
    parts = pnl["spread_capture"] + pnl["adverse_selection"] + pnl["inventory"] - pnl["fees"] + pnl["funding"]
    assert pnl["total"] == parts
    assert {one["name"] for one in data["metrics"]} >= {"fill_rate", "max_drawdown", "daily_pnl"}
    assert data["events"] > 50
    assert data["equity_curve"][0][1] == "10000.00000000" or Decimal(data["equity_curve"][0][1]) == 10_000


@pytest.mark.parametrize(
    "words", [("run", "grid", "x", "--data"), ("data",), ("sweep", "grid", "x", "--set", "grid.levels=4,6", "--data")]
)
def test_without_numpy_there_is_a_line_to_type(
    tmp_path: Path, swing: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)  # as where the extra is not installed
    done = run("backtest", *words, swing, "--json", home=tmp_path)
    assert (done.code, done.error["code"], done.error["hint"]) == (3, "config", "pip install 'pfmm[backtest]'")


def test_run_and_its_reference_print_the_same(tmp_path: Path, swing: Path) -> None:
    answers = []
    for mode in ("lazy", "events"):
        data = run("backtest", "run", "quote", "x", "--data", swing, "--mode", mode, "--json", home=tmp_path).data
        for name in ("wall_s", "events_per_second"):
            del data[name]
        answers.append(data)
    assert answers[0] == answers[1]


def test_candles_say_nothing_of_what_lies_within_a_bar(tmp_path: Path) -> None:
    file = tmp_path / "candles.csv.gz"
    lines = ["time_ms,open,high,low,close,volume"]
    lines += [f"{START_MS + minute * 60_000},1000,1060,940,1000,500" for minute in range(10)]
    file.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    line = ("backtest", "run", "grid", "x", "--data", file, *GRID, "--interval", 3)
    done = run(*line, "--json", home=tmp_path)
    assert list(done.data["scenarios"]) == ["pessimistic"]  # there is no queue to model
    assert done.data["decisions"] == 11  # one as each bar opens, and at the end of the last
    one = done.data["scenarios"]["pessimistic"]
    for pnl in (done.data["pnl"], one["attribution"], done.data["by_market"][0]["pnl"]):
        assert pnl["spread_capture"] is pnl["adverse_selection"] is None
        assert sum(Decimal(pnl[part]) for part in ("inventory", "fees_effect", "funding")) == Decimal(pnl["total"])
    assert set(done.data["markouts_bps"].values()) == {None}
    assert set(done.data["edge"]["break_even_maker_bps"].values()) == {None}
    told = done.envelope["warnings"]
    assert "inside a bar is not known" in told[0]
    assert "run.interval_s of 3 s is raised to 60 s: candles are decided on as a bar opens, at most once a bar" in told
    shown = " ".join(run(*line, home=tmp_path).out.split())
    assert "adverse selection n/a" in shown
    assert "break-even maker fee: n/a: candles do not tell what happened inside a bar" in shown
    assert shown.count("n/a: candles do not tell what happened inside a bar") > 1  # a metric says so as well


def test_settlements_without_a_rate_are_told(tmp_path: Path) -> None:
    # half past six to half past eight, 15 November 2023: of the settlements at 00:00, 08:00 and 16:00 one lies within
    start_ms = 1_700_029_800_000
    file, rates = tmp_path / "candles.csv", tmp_path / "rates.csv"
    lines = ["time_ms,open,high,low,close,volume"]
    lines += [f"{start_ms + minute * 60_000},1000,1060,940,1000,500" for minute in range(120)]
    file.write_text("\n".join(lines) + "\n")
    told = "funding: 1 of 1 settlements have no rate in the data and count as 0"
    line = ("backtest", "run", "grid", "x", "--data", file, *GRID, "--json")
    for settle_ms, warned in ((1_700_035_200_000, False), (1_600_000_000_000, True)):
        rates.write_text(f"time_ms,rate_8h\n{settle_ms},0.0001\n")
        assert (told in run(*line, "--funding", rates, home=tmp_path).envelope["warnings"]) is warned
    assert told in run(*line, home=tmp_path).envelope["warnings"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            [HEADER, quote(0, 1_000), quote(1, 1_001), quote(0.5, 1_000)],
            "line 4: (unnamed) is out of order: 500 ms",
        ),
        ([HEADER, quote(0, 1_000), "x,quote,,,,1,1,2,2"], "line 3: time_ms must be s, ms, us or ns since 1970"),
        ([HEADER, f"{START_MS * 10**7},quote,,,,1,1,2,2"], "line 2: time_ms must be s, ms, us or ns since 1970"),
        ([HEADER, "1234567,quote,,,,1,1,2,2"], "line 2: time_ms must be a time between 2000 and 2100"),
        ([HEADER, quote(0, 1_000).replace("999", "nan")], "line 2: bid must be finite"),
        ([HEADER, quote(0, 1_000).replace(",5.001,1001", ",-5,1001")], "line 2: bid_size must not be negative"),
        ([HEADER, f"{START_MS},trade,10,0,buy,,,,"], "line 2: size must be above zero"),
        ([HEADER, f"{START_MS},trade,10,1,up,,,,"], "line 2: side must be one of buy, b, bid"),
        ([HEADER, "1,2"], "line 2: must have 9 cells, not 2"),
        (["time_ms,open,high,low,close,volume", f"{START_MS},10,9,8,9,1"], "line 2: open 10, high 9"),
        (["nonsense"], "line 1: the format is unknown"),
        ([HEADER, f"{START_MS},trade,10,1,buy,,,,"], "no quotes"),
    ],
)
def test_data_refuses_what_is_unusable_with_its_line(tmp_path: Path, lines: list[str], told: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("\n".join(lines) + "\n")
    done = run("backtest", "data", file, "--json", home=tmp_path)
    assert done.code == 13
    assert told in done.error["message"]
    assert str(file) in done.error["message"]


STATED = '{"format":"pfmm-tape","version":1,"units":{"time":"ms","price":"USD","size":"base"},"markets":{%s}}'
EVENT = '{"kind":"quote","market":"X-PERP","time":%d,"bid":"%s","bid_size":"1","ask":"101","ask_size":"1"}'
RATE = '{"kind":"funding","market":"X-PERP","time":3,"rate":"%s","interval_h":8}'
FINE = '"X-PERP":{"price_unit":"0.000000001","size_step":"1"}'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            [HEADER, quote(0, 1_000).replace("999", "99.123456789"), quote(1, 1_000)],
            "line 2: 99.123456789 has more than",
        ),
        ([HEADER, quote(0, 1_000, "5.0001").replace("999", "99.12345")], "5 price and 4 size decimals are more than 8"),
        (
            [HEADER, quote(0, 1_000), quote(1, 10**14)],
            "line 3: 99999999999999 has more than 8 decimals or is too large",
        ),
        ([HEADER], "holds no events"),
        ([HEADER, f"{START_MS},quote,,,,102,1,101,1"], "no quotes"),
        ([HEADER, quote(0, 1_000)], "the data has one moment only, 2023-11-14T22:13:20Z"),
        ([HEADER, f"{START_MS},quote,,,,100,1,,", f"{START_MS + 1},quote,,,,101,1,,"], "no quote with both sides"),
        (
            [STATED % "", EVENT % (1, "99.123456789"), EVENT % (2, "99")],
            "line 2: 99.123456789 has more than 8 decimals",
        ),
        ([STATED % FINE, EVENT % (1, "99"), EVENT % (2, "98")], "0.000000001 has more than 8 decimals"),
        (
            [STATED % "", EVENT % (1, "99"), RATE % ("9" * 15), EVENT % (4, "98")],
            "line 3: rate 999999999999999 must be",
        ),
        ([STATED % "", RATE % "0.0001"], "no quotes"),
        ([STATED % "", "[" * 100_000], "line 2: not JSON"),
        ([STATED % "", (EVENT % (1, "99")).replace("X-", r"\ud800")], "line 2: market must be a name"),
    ],
)
def test_data_and_run_judge_alike(tmp_path: Path, lines: list[str], told: str) -> None:
    file = tmp_path / "bad"
    file.write_text("\n".join(lines) + "\n")
    described = run("backtest", "data", file, "--json", home=tmp_path)
    ran = run("backtest", "run", "grid", "x", "--data", file, *GRID, "--json", home=tmp_path)
    assert (described.code, ran.code) == (13, 13)
    assert told in described.error["message"]
    assert str(file) in described.error["message"]
    assert told in ran.error["message"]


def test_data_describes_each_file_and_goes_on_after_a_bad_one(tmp_path: Path, swing: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("nonsense\n")
    done = run("backtest", "data", bad, swing, "--json", home=tmp_path)
    assert done.code == 13
    first, second = done.envelope["data"]["files"]
    assert (first["usable"], second["usable"]) == (False, True)
    (market,) = second["markets"]
    assert market["quotes"] > 50
    assert market["crossed"] == 0


def test_a_mistaken_setting_is_a_usage_error_with_the_near_miss(tmp_path: Path, swing: Path) -> None:
    done = run("backtest", "run", "grid", "x", "--data", swing, "--set", "grid.levls=3", "--json", home=tmp_path)
    assert done.code == 2
    assert "grid.levels" in done.error["hint"]


SWEEP = (
    "--set",
    "grid.levels=4,8",
    "--set",
    "grid.size_usd=20,40",
    "--set",
    "grid.lower=900",
    "--set",
    "grid.upper=1100",
)
MANY = ("--set", "grid.levels=4,5,6,7,8,9,10", *SWEEP[2:])


@pytest.mark.slow  # the pool of processes alone is tested by default in tests/unit/backtest/test_sweep.py
def test_a_sweep_gives_the_same_rows_however_it_is_run(tmp_path: Path, swing: Path) -> None:
    base = ("backtest", "sweep", "grid", "x", "--data", swing, *SWEEP, "--json")
    alone = run(*base, home=tmp_path).data
    assert [row["settings"]["grid.levels"] for row in alone["rows"]] == ["4", "4", "8", "8"]
    assert all(row["ok"] for row in alone["rows"])
    spread = run(*base, "--jobs", 2, home=tmp_path).data
    assert json.dumps(spread, sort_keys=True) == json.dumps(alone, sort_keys=True)


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path: Path, swing: Path) -> None:
    file = tmp_path / "results.ndjson"
    base = ("backtest", "sweep", "grid", "x", "--data", swing, *SWEEP, "--results", file, "--json")
    whole = run(*base, home=tmp_path).data
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2]) + lines[2][:40])  # killed while it wrote the third
    again = run(*base, home=tmp_path).data
    assert (again["remembered"], again["computed"]) == (2, 2)
    assert again["rows"] == whole["rows"]
    assert run(*base, home=tmp_path).data["computed"] == 0


def test_a_bad_file_among_many_is_reported_and_the_rest_go_on(tmp_path: Path, swing: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(f"{HEADER}\n{quote(1, 1_000)}\n{quote(2, 1_000)}\n{quote(0, 1_000)}\n")
    csv = tmp_path / "rows.csv"
    done = run(
        "backtest", "sweep", "grid", "x", "--data", bad, "--data", swing, *SWEEP, "--csv", csv, "--json", home=tmp_path
    )
    assert done.code == 0
    assert "line 4: X-PERP is out of order" in done.data["failed"][0]["problem"]
    assert len(done.data["rows"]) == 4
    assert len(csv.read_text().splitlines()) == 5


def test_a_sweep_says_why_runs_could_not_be(tmp_path: Path, swing: Path) -> None:
    base = ("backtest", "sweep", "grid", "x", "--data", swing, *GRID)
    some = run(*base, "--set", "grid.size_usd=0.5,20,0.6", home=tmp_path)
    assert some.code == 0
    (line,) = some.err.splitlines()
    assert line.startswith("warning: 2 of 3 runs cannot be, such as: size 0.5 USD")
    none = run(*base, "--set", "grid.size_usd=0.5,0.6", "--json", home=tmp_path)
    assert (none.code, none.error["code"]) == (2, "usage")
    assert none.error["message"].startswith("size 0.5 USD is below the minimum")
    assert [row["ok"] for row in none.envelope["data"]["rows"]] == [False] * 2


@pytest.mark.parametrize(
    "words",
    [
        ("backtest", "data", "PIPE"),
        ("backtest", "run", "grid", "x", "--data", "PIPE"),
        ("backtest", "run", "grid", "x", "--data", "SWING", "--funding", "PIPE"),
        ("backtest", "sweep", "grid", "x", "--data", "SWING,PIPE"),
        ("paper", "feed", "replay", "PIPE"),
        ("backtest", "sweep", "grid", "x", "--data", "SWING", "--results", "PIPE"),
    ],
)
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path, swing: Path, words: tuple[str, ...]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    given = [word.replace("PIPE", str(pipe)).replace("SWING", str(swing)) for word in words]
    done = run(*given, "--json", home=tmp_path)
    assert done.code == (3 if "--results" in words else 13)
    assert f"{pipe}: is no regular file" in done.error["message"]


@pytest.mark.parametrize(("command", "option"), [("run", "--html"), ("sweep", "--csv")])
def test_stdout_is_not_for_a_second_answer(tmp_path: Path, swing: Path, command: str, option: str) -> None:
    done = run("backtest", command, "grid", "x", "--data", swing, option, "-", "--json", home=tmp_path)
    assert (done.code, done.error["message"].split(",")[0]) == (2, f"{option} must name a file")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--data", "swing.csv", "--data", "swing.csv"), "'swing.csv' is given twice"),
        (("--data", ","), "',' names no file"),
        (("--data", "swing.csv", "--folds", "50000"), "100002 runs are too many, at most 100000"),
        (("--data", "swing.csv", "--set", "run.interval_s=1,2", "--interval", "3"), "are the same setting"),
    ],
)
def test_a_sweep_that_contradicts_itself_is_refused(
    tmp_path: Path, swing: Path, more: tuple[str, ...], told: str
) -> None:
    given = [str(swing) if word == swing.name else word for word in more]
    done = run("backtest", "sweep", "grid", "x", *given, "--set", "grid.levels=2,4", "--json", home=tmp_path)
    assert done.code == 2
    assert told in done.error["message"].replace(str(swing), swing.name)


def test_one_interval_is_given_once(tmp_path: Path, swing: Path) -> None:
    twice = ("--set", "run.interval_s=1", "--interval", "3")
    assert run("backtest", "run", "grid", "x", "--data", swing, *twice, home=tmp_path).code == 2


def test_walk_forward_reports_what_the_choice_earned_afterwards(tmp_path: Path, swing: Path) -> None:
    done = run("backtest", "sweep", "grid", "x", "--data", swing, *SWEEP, "--folds", 2, "--json", home=tmp_path)
    found = done.data["walk_forward"]
    assert [one["fold"] for one in found["folds"]] == [1, 2]
    rows = done.data["rows"]
    for one in found["folds"]:
        before = [r for r in rows if r["segment"] == one["fold"] - 1]
        best = max(Decimal(r["pessimistic"]["pnl"]) for r in before)
        assert Decimal(one["in_sample_pnl"]) == best
        (after,) = [r for r in rows if r["segment"] == one["fold"] and r["settings"] == one["settings"]]
        assert one["out_of_sample_pnl"] == after["pessimistic"]["pnl"]
    assert Decimal(found["out_of_sample_pnl"]) == sum(Decimal(f["out_of_sample_pnl"]) for f in found["folds"])
    shown = run("backtest", "sweep", "grid", "x", "--data", swing, *SWEEP, "--folds", 2, home=tmp_path).out
    assert "segment" in shown.splitlines()[2]  # a row is of one part of the data: which one, the table says


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A Dask scheduler with two workers on loopback: its address, and the three processes in that order."""
    if find_spec("distributed") is None:
        pytest.skip("Dask is not installed (extra `cluster`)")
    env = {**environment(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env, "text": True}
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", *common, "--host", "127.0.0.1", "--port", "0"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", *common, "--nthreads", "1", "--host", "127.0.0.1"]
    started = [subprocess.Popen(scheduler, **quiet)]  # type: ignore[call-overload]
    try:
        until = time.monotonic() + PATIENCE_S
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < until, "the scheduler did not start"
            os.sched_yield()
        started += [subprocess.Popen([*worker, "--no-nanny"], **quiet) for _ in range(2)]  # type: ignore[call-overload]
        yield json.loads(file.read_text())["address"], started
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def await_result(results: Path) -> None:
    """Waits for the first."""
    until = time.monotonic() + PATIENCE_S
    while not results.exists() or not results.read_bytes().endswith(b"\n"):
        assert time.monotonic() < until, "no result came"
        os.sched_yield()


def test_a_dask_cluster_gives_the_local_results_and_a_killed_worker_loses_nothing(
    tmp_path: Path, swing: Path, dask: tuple[str, list[subprocess.Popen[str]]]
) -> None:
    address, (_, worker, _) = dask
    base = ("backtest", "sweep", "grid", "x", "--data", swing, *MANY, "--json")
    local = run(*base, home=tmp_path).data
    results = tmp_path / "results.ndjson"
    with Running(*base, "--scheduler", address, "--results", results, home=tmp_path) as sweep:
        await_result(results)
        worker.kill()  # in the middle of the work
        worker.wait()
        assert sweep.end() == 0
        shared = answer_of(sweep.lines[-1])["data"]
    assert json.dumps(shared["rows"], sort_keys=True) == json.dumps(local["rows"], sort_keys=True)
    again = run(*base, "--scheduler", address, home=tmp_path).data
    assert json.dumps(again["rows"], sort_keys=True) == json.dumps(local["rows"], sort_keys=True)


def test_a_sweep_whose_scheduler_is_lost_says_so_and_goes_on_anywhere(
    tmp_path: Path, swing: Path, dask: tuple[str, list[subprocess.Popen[str]]]
) -> None:
    address, (scheduler, *_) = dask
    results = tmp_path / "results.ndjson"
    base = ("backtest", "sweep", "grid", "x", "--data", swing, *MANY, "--results", results, "--json")
    with Running(*base, "--scheduler", address, home=tmp_path) as sweep:
        await_result(results)
        scheduler.kill()
        scheduler.wait()
        assert sweep.end() == 5
        error = answer_of(sweep.lines[-1])["error"]
    assert error["code"] == "venue_unreachable"
    assert f"the Dask scheduler at {address} was lost" in error["message"]
    assert "--results" in error["hint"]
    found = run(*base, home=tmp_path).data
    assert found["remembered"] >= 1
    assert all(row["ok"] for row in found["rows"])


def test_a_scheduler_without_workers_is_not_waited_for_for_ever(
    dask: tuple[str, list[subprocess.Popen[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, (_, *workers) = dask
    for worker in workers:
        worker.kill()
        worker.wait()
    monkeypatch.setattr("pfmm.backtest.sweep.WORKERS_S", 0.2)
    with pytest.raises(ConfigError, match=r"at tcp://127\.0\.0\.1:\d+ has no workers; 2 runs are left"):
        list(cluster(address)([Level(4), Level(8)], vars))


def test_the_page_is_one_file(tmp_path: Path, swing: Path) -> None:
    page = tmp_path / "page.html"
    assert run("backtest", "run", "grid", "x", "--data", swing, *GRID, "--html", page, home=tmp_path).code == 0
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "backtest of grid on X-PERP, pessimistic" in text
