"""The backtest beside hftbacktest 2.4.4 on one stream: the same grid, the same fills, and what each of them takes.

hftbacktest is no dependency: PFMM_HFTBACKTEST_PYTHON names a Python that has it, else this one is tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.backtest.values import instrument_of
from pfmm.strategy.grid.plan import GridConfig, plan_grid
from tests.bench import backtest_stream as stream
from tests.e2e.driver import environment

pytestmark = [pytest.mark.bench, pytest.mark.slow]

HFT_GRID = Path(__file__).with_name("hft_grid.py")
SIZE_USD, LEVELS, RANGE_PCT = 100, 20, "1.5"
GRID = (
    "--set", f"grid.levels={LEVELS}", "--set", f"grid.size_usd={SIZE_USD}", "--set", f"grid.range_pct={RANGE_PCT}",
    "--set", "run.max_inventory_usd=5000",
)  # fmt: skip


@dataclass(frozen=True)
class Process:
    """What a whole process took."""

    data: dict[str, Any]
    wall_s: float
    cpu_s: float
    peak_mb: float


def measured(command: list[str], env: dict[str, str], cwd: Path | None = None) -> Process:
    began = time.perf_counter()
    with subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, out
    wall_s = time.perf_counter() - began
    return Process(json.loads(out), wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def pfmm(home: Path, kind: str, tape: Path, interval_s: float, *more: str) -> Process:
    words = ["backtest", "run", kind, "BTC", "--data", str(tape), "--queue", "pessimistic", "--latency-ms", "0"]
    command = [sys.executable, "-m", "pfmm", *words, "--interval", str(interval_s), "--json", *more]
    return measured(command, environment(home))


@dataclass(frozen=True)
class Stream:
    """The stream's files, and the grid's lines at its first mid with the empty one."""

    folder: Path
    lines: str
    empty: int


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    folder = tmp_path_factory.mktemp("stream")
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.bench.backtest_stream", str(folder)]
    mid = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    config = GridConfig(levels=LEVELS, size_usd=Decimal(SIZE_USD), range_pct=Decimal(RANGE_PCT))
    plan = plan_grid(config, instrument=instrument_of(stream.spec()), mid=Decimal(mid))
    return Stream(folder, ",".join(str(line) for line in plan.lines), plan.empty_line)


@pytest.fixture(scope="module")
def hftbacktest() -> str:
    python = os.environ.get("PFMM_HFTBACKTEST_PYTHON", sys.executable)
    code = "import importlib.metadata as m; print(m.version('hftbacktest'))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if found.stdout.strip() != "2.4.4":
        pytest.skip("hftbacktest 2.4.4 is not here: PFMM_HFTBACKTEST_PYTHON names a Python that has it")
    return python


@pytest.mark.parametrize("interval_s", [3.0, 0.1])
def test_a_grid_beside_hftbacktest(files: Stream, hftbacktest: str, tmp_path: Path, interval_s: float) -> None:
    folder = files.folder
    ours = min((pfmm(tmp_path, "grid", folder / "stream.tape", interval_s, *GRID) for _ in range(3)), key=_wall)
    step_ns = str(round(interval_s * 1e9))
    words = [
        str(folder / "stream.npz"),
        str(folder / "tiny.npz"),
        step_ns,
        files.lines,
        str(files.empty),
        str(SIZE_USD),
    ]
    env = {**os.environ, "PYTHONPATH": ""}
    theirs = min((measured([hftbacktest, str(HFT_GRID), *words], env) for _ in range(2)), key=_wall)
    data = ours.data["data"]
    found = data["scenarios"]["pessimistic"]
    print(
        f"\nstep {interval_s:g} s, {data['events']:,} rows, {data['decisions']:,} decisions\n"
        f"  whole process  pfmm {ours.wall_s:.2f} s, hftbacktest {theirs.wall_s:.2f} s "
        f"(compile {theirs.data['compile_s']:.2f} s): {theirs.wall_s / ours.wall_s:.1f} x\n"
        f"  loop alone     pfmm {data['wall_s']:.3f} s, hftbacktest {theirs.data['loop_s']:.3f} s: "
        f"{theirs.data['loop_s'] / data['wall_s']:.1f} x\n"
        f"  fills          pfmm {found['fills']}, hftbacktest {theirs.data['fills']}\n"
        f"  position       pfmm {found['position']}, hftbacktest {theirs.data['position']:.3f}\n"
        f"  peak memory    pfmm {ours.peak_mb:.0f} MB, hftbacktest {theirs.peak_mb:.0f} MB"
    )
    assert found["fills"] == theirs.data["fills"]
    assert float(found["position"]) == pytest.approx(theirs.data["position"], abs=1e-9)
    assert data["wall_s"] <= theirs.data["loop_s"]
    assert ours.peak_mb < 400
    if interval_s == 3.0:
        assert theirs.wall_s >= 8 * ours.wall_s


def _wall(process: Process) -> float:
    return process.wall_s


def test_the_quoting_strategy_on_the_same_stream(files: Stream, tmp_path: Path) -> None:
    band = ("--set", "quote.drift_bps=5")
    ours = min((pfmm(tmp_path, "quote", files.folder / "stream.tape", 3.0, *band) for _ in range(2)), key=_wall)
    data = ours.data["data"]
    print(
        f"\nquote, 5 bps band, {data['events']:,} rows: whole process {ours.wall_s:.2f} s ({ours.cpu_s:.2f} s of CPU), "
        f"loop {data['wall_s']:.2f} s, {data['fills']} fills, {ours.peak_mb:.0f} MB"
    )
    assert ours.wall_s < 5
    assert ours.peak_mb < 400


def test_the_quoting_loop_beside_an_earlier_release(tmp_path: Path, files: Stream) -> None:
    """The same quotes by both: user and system time, minima in alternation.

    A set gamma and no fit, so that both quote alike: the earlier release fitted nothing in a backtest, and with a fit
    the quotes lie nearer and are filled three times as often. That job is printed beside it.
    PFMM_BASE_PYTHON names a Python where a checkout of the earlier release is installed: it makes its own tape of the
    stream, since tapes change with the releases.
    """
    base = os.environ.get("PFMM_BASE_PYTHON")
    if base is None:
        pytest.skip("PFMM_BASE_PYTHON names no Python with an earlier release")
    code = "import pathlib, pfmm; print(pathlib.Path(pfmm.__file__).parents[1])"
    root = subprocess.run([base, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(
        [base, "-m", "tests.bench.backtest_stream", str(tmp_path)], cwd=root, capture_output=True, check=True
    )
    tapes = {base: tmp_path / "stream.tape", sys.executable: files.folder / "stream.tape"}
    line = ("--interval", "3", "--json", "--set", "quote.drift_bps=5", "--set", "quote.gamma=0.05")
    words = ["backtest", "run", "quote", "BTC", "--queue", "pessimistic", "--latency-ms", "0"]

    def job(python: str, *more: str) -> Process:
        command = [python, "-m", "pfmm", *words, "--data", str(tapes[python]), *line, *more]
        # in a folder without a package: `-m` would take that of the folder it is run in, for both of them
        return measured(command, environment(tmp_path / ("base" if python == base else "now")), tmp_path)

    ratios = {}
    for label, rounds, more in (("same quotes", 5, ("--set", "quote.calibrate=false")), ("with fits", 2, ())):
        runs = [(job(base, *more), job(sys.executable, *more)) for _ in range(rounds)]
        before, now = (min(those, key=lambda one: one.cpu_s) for those in zip(*runs, strict=True))
        assert now.data["ok"]
        assert before.data["ok"]
        ratios[label] = now.cpu_s / before.cpu_s
        print(
            f"\nquote, {label}, whole process: {now.cpu_s:.2f} s of CPU beside {before.cpu_s:.2f} s before, ratio "
            f"{ratios[label]:.2f}; {now.data['data']['fills']} and {before.data['data']['fills']} fills"
        )
    assert ratios["same quotes"] <= 0.7
