"""Who runs a sweep's jobs, and what is kept of them."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pfmm.app import backtest_jobs, backtest_sweep
from pfmm.app.backtest_sweep import SweepRow
from pfmm.backtest.sweep import Results, combinations, here, key_of, processes, sample, sweep
from pfmm.cli.render.backtest import heat_map
from pfmm.errors import ConfigError, UsageError

# reads a results file, and tells when it has come to the lock
RESUMES = """
import sys
from pathlib import Path
from pfmm.backtest.sweep import Results
sys.addaudithook(lambda event, arguments: print("waits", flush=True) if event == "fcntl.flock" else None)
Results(Path(sys.argv[1]))
"""


@dataclass(frozen=True)
class Job:
    number: int
    folder: str


def dies_once(job: Job) -> dict[str, int]:
    """The square; job 3 kills its worker the first time, as a kernel short of memory would."""
    mark = Path(job.folder) / "died"
    if job.number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"square": job.number**2}


def always_dies(job: Job) -> dict[str, int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    jobs = [Job(number, str(tmp_path)) for number in range(6)]
    done = list(sweep(jobs, dies_once, processes(2), Results(tmp_path / "results.ndjson")))
    assert sorted((one.job.number, one.result["square"]) for one in done) == [(n, n * n) for n in range(6)]
    assert (tmp_path / "died").exists()
    again = list(sweep(jobs, always_dies, processes(2), Results(tmp_path / "results.ndjson")))
    assert all(one.remembered for one in again)


def test_workers_that_always_die_end_the_sweep_with_the_way_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="died 3 times; 1 jobs are left"):
        list(sweep([Job(1, "")], always_dies, processes(1), Results(None)))


def test_combinations_and_samples() -> None:
    axes = {"a": ["1", "2"], "b": ["x", "y"]}
    assert combinations(axes) == [{"a": a, "b": b} for a in "12" for b in "xy"]
    chosen = sample(axes, 3, seed=5)
    assert len({tuple(one.items()) for one in chosen}) == 3
    assert chosen == sample(axes, 3, seed=5)
    assert len(sample(axes, 99, seed=5)) == 4
    with pytest.raises(UsageError, match="too many"):
        combinations({str(n): ["1"] * 10 for n in range(6)})
    with pytest.raises(UsageError, match="100001 combinations are too many"):
        sample({str(n): [*"0123456789"] for n in range(6)}, 100_001, seed=5)


def test_a_key_is_everything_in_a_job() -> None:
    assert key_of(Job(1, "a")) == key_of(Job(1, "a"))
    assert len({key_of(Job(1, "a")), key_of(Job(2, "a")), key_of(Job(1, "b"))}) == 3


def test_a_file_that_is_no_results_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk, eggs\n")
    with pytest.raises(ConfigError, match="line 1: this is no results file"):
        Results(path)
    assert path.read_text() == "milk, eggs\n"


def test_a_line_without_its_end_is_dropped_only_where_a_sweep_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('{"my": "notes"}')
    with pytest.raises(ConfigError, match="line 1: this is no results file"):
        Results(path)
    assert path.read_text() == '{"my": "notes"}'
    whole = '{"key":"a","result":{"ok":true}}\n'
    for cut in ('{"k', '{"key":"b","resu'):
        path.write_text(whole + cut)
        Results(path)
        assert path.read_text() == whole


def test_dropping_a_cut_line_writes_nothing_anew(tmp_path: Path) -> None:
    """On a full disk (here: no file may hold more than 8 bytes) what was rewritten would be lost."""
    path = tmp_path / "results.ndjson"
    whole = '{"key":"a","result":{"ok":true}}\n'
    path.write_text(whole + '{"key":"b","resu')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        Results(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == whole


def test_a_sweep_goes_on_where_another_one_on_the_same_file_was_killed_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "results.ndjson"
    results = Results(path)
    results.keep(Job(1, ""), {"n": 1})
    for cut in ('{"k', '{"key":"b","resu'):
        with path.open("a") as other:
            other.write(cut)
        results.keep(Job(2, ""), {"n": 2})
    assert (Results(path).get(Job(1, "")), Results(path).get(Job(2, ""))) == ({"n": 1}, {"n": 2})
    assert len(path.read_text().splitlines()) == 3


def test_a_line_that_another_sweep_is_just_writing_is_not_taken_for_a_cut_one(tmp_path: Path) -> None:
    path = tmp_path / "results.ndjson"
    line = '{"key":"a","result":{"ok":true}}\n'
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(line[:20])
        other.flush()
        command = [sys.executable, "-c", RESUMES, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "waits\n"
            other.write(line[20:])
            other.close()
            assert reader.wait(60) == 0
    assert path.read_text() == line


def test_a_result_of_another_version_is_not_taken_for_this_ones(
    pfmm_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = backtest_jobs.Job("grid", "X-PERP", ("a.csv",))
    data = backtest_sweep.Slice(base.files, None, (0, 1), "content")
    keys = set()
    for version in ("1.0", "1.1"):
        monkeypatch.setattr(backtest_sweep, "__version__", version)
        (one,) = backtest_sweep.plan(base, [{}], [data], 0)
        keys.add(key_of(one.job))
    assert len(keys) == 2


def test_a_worker_that_has_other_data_answers_nothing(pfmm_home: Path, tmp_path: Path) -> None:
    """A cluster's worker reads its own files: under the same name they may be others."""
    head = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size\n"
    rows = [f"{1_700_000_000_000 + 1_000 * second},quote,,,,999,{second}.001,1001,5.001\n" for second in range(1, 60)]
    file = tmp_path / "a.csv"
    file.write_text(head + "".join(rows))
    base = backtest_jobs.Job("quote", "X-PERP", ())
    (one,) = backtest_sweep.plan(base, [{}], backtest_sweep.slices_of(base, [str(file)]), 0)
    assert backtest_sweep.run_one(one.job)["ok"]
    backtest_sweep._world.cache_clear()
    backtest_sweep._content_here.cache_clear()  # as in a process that starts
    file.write_text(head + "".join(rows[:-9]))
    found = backtest_sweep.run_one(one.job)
    assert (found["ok"], found["error"]) == (False, "config")
    assert "not what the sweep was planned with" in found["message"]


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    """A file that was not there yet on a worker must not stay missing in the results for ever."""
    path = tmp_path / "results.ndjson"

    def answering(ok: bool) -> Callable[[Job], dict[str, object]]:
        return lambda _: {"ok": ok}

    for ok in (False, True, False):
        (one,) = sweep([Job(1, "")], answering(ok), here, Results(path))
        assert one.result["ok"] is (ok or one.remembered)
    assert one.remembered
    path.write_text(path.read_text().replace("true", "false"))  # as versions before this one kept it
    assert Results(path).get(Job(1, "")) is None


def test_a_heat_map_by_hand() -> None:
    """Two slices: +1 and +2, -1 and +1, 0 and 0.5; where one of them could not be run, no sum is shown."""
    profits = {("1", "x"): ("1", "2"), ("1", "y"): ("-1", "1"), ("2", "x"): ("0", "0.5"), ("2", "y"): ("9", None)}
    rows = [
        SweepRow({"a": a, "b": b}, "x.csv", 0, None, ok=pnl is not None, pessimistic={"pnl": pnl})
        for (a, b), found in profits.items()
        for pnl in found
    ]
    assert heat_map({"a": ["1", "2"], "b": ["x", "y"]}, rows).splitlines() == [
        "P&L, a down, b across (shade: ░ low to █ high)",
        "           x          y",
        "1  +3.000 ██  +0.000 ░░",
        "2  +0.500 ░░          -",
    ]
