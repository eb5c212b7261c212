"""Reading files at the speed of the machine: ratios of CPU time in one run, minima of five rounds in alternation.

A whole process less start-up (a file of 50 rows in the same round) is held against the library's bare read of the
same columns and the loop itself (the same run on a binary tape, less start-up). test_backtest_bench.py runs
hftbacktest beside the loop, where a Python that has it is named; PFMM_FASTMM_PYTHON names one that has FastMM.
PFMM_BENCH_ROWS and PFMM_BENCH_ROUNDS shorten a look.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the fast way needs the extra `data`")
pytest.importorskip("orjson", reason="the fast way needs the extra `data`")

from tests.bench import backtest_stream as stream
from tests.bench.test_backtest_bench import GRID, Process, measured, pfmm

pytestmark = [pytest.mark.bench, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
ROWS = int(os.environ.get("PFMM_BENCH_ROWS", stream.ROWS))
ROUNDS = int(os.environ.get("PFMM_BENCH_ROUNDS", "5"))
INTERVAL_S = 60.0
GB_ROWS = 20_500_000  # of about 49 bytes each


@dataclass(frozen=True)
class Figures:
    """Minima over the rounds: CPU seconds of whole processes less start-up, and the largest peak of memory."""

    cpu_s: dict[str, float]
    bare_s: dict[str, float]
    peak_mb: dict[str, float]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("files")
    written(made, ROWS)
    return made


def written(folder: Path, rows: int) -> None:
    subprocess.run([sys.executable, "-m", "tests.bench.files_stream", str(folder), str(rows)], cwd=ROOT, check=True)


def bare(kind: str, path: Path) -> float:
    command = [sys.executable, "-m", "tests.bench.files_stream", "bare", kind, str(path)]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def job(home: Path, path: Path, *more: str) -> Process:
    return pfmm(home, "grid", path, INTERVAL_S, *GRID, *more)


@pytest.fixture(scope="module")
def figures(folder: Path) -> Figures:
    sources = {"csv": "table.csv", "parquet": "table.parquet", "capture": "capture"}
    runs: dict[str, list[Process]] = {}
    bares: dict[str, list[float]] = {}
    for turn in range(ROUNDS):
        home = folder / f"home{turn}"
        runs.setdefault("start", []).append(job(home, folder / "empty.csv", "--no-cache"))
        runs.setdefault("loop", []).append(job(home, folder / "binary"))
        for name, file in sources.items():
            runs.setdefault(name, []).append(job(home, folder / file, "--no-cache"))
        job(home, folder / "table.csv")
        runs.setdefault("cached", []).append(job(home, folder / "table.csv"))
        for name, file in (("csv", "table.csv"), ("parquet", "table.parquet"), ("orjson", "capture")):
            bares.setdefault(name, []).append(bare(name, folder / file))
    start = min(one.cpu_s for one in runs["start"])
    cpu_s = {name: min(one.cpu_s for one in found) - start for name, found in runs.items()}
    peaks = {name: max(one.peak_mb for one in found) for name, found in runs.items()}
    found = Figures(cpu_s, {name: min(times) for name, times in bares.items()}, peaks)
    fills = {one.data["data"]["fills"] for name, done in runs.items() if name != "start" for one in done}
    assert len(fills) == 1, f"one stream, one result: {fills}"
    show(found, start)
    return found


def show(found: Figures, start: float) -> None:
    print(f"\n{ROWS:,} rows, CPU seconds less start-up ({start:.2f}), minima of {ROUNDS}")
    for name, seconds in found.cpu_s.items():
        print(f"  {name:8} {seconds:7.2f} s   peak {found.peak_mb[name]:6.0f} MB")
    print("  bare    " + "   ".join(f"{name} {seconds:.2f} s" for name, seconds in found.bare_s.items()))


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_a_table_costs_three_bare_reads_and_the_loop(figures: Figures, name: str) -> None:
    allowed = 3 * figures.bare_s[name] + figures.cpu_s["loop"]
    print(f"\n{name}: {figures.cpu_s[name]:.2f} of {allowed:.2f} s allowed")
    assert figures.cpu_s[name] <= allowed


def test_a_cached_tape_opens_in_a_fifth_of_the_loop(figures: Figures) -> None:
    opening = figures.cpu_s["cached"] - figures.cpu_s["loop"]
    print(f"\nopening a cached tape: {opening:.3f} s, the loop {figures.cpu_s['loop']:.2f} s")
    assert opening <= 0.2 * figures.cpu_s["loop"]


def test_a_capture_costs_three_times_the_reading_of_its_lines(figures: Figures) -> None:
    reading = figures.cpu_s["capture"] - figures.cpu_s["loop"]
    print(f"\ncapture: {reading:.2f} s, orjson over its lines {figures.bare_s['orjson']:.2f} s")
    assert reading <= 3 * figures.bare_s["orjson"]


def test_memory_is_bounded_by_blocks(figures: Figures) -> None:
    assert max(figures.peak_mb.values()) <= 600


def test_other_engines_each_from_its_own_file(folder: Path, tmp_path: Path) -> None:
    """Printed, not held: whole processes from the file that each usually has to its result.

    The grid has the fills of hftbacktest (test_backtest_bench.py holds that). FastMM decides at every change of the
    book and at once after a fill, pfmm every 3 s, and each has its own model of the queue: it fills more often.
    """
    env = {**os.environ, "PYTHONPATH": ""}
    ours = pfmm(tmp_path, "quote", folder / "table.csv", 3.0, "--set", "quote.drift_bps=5", "--no-cache")
    print(f"\nquote  pfmm, CSV: {told(ours, ours.data['data']['fills'])}")
    fastmm = os.environ.get("PFMM_FASTMM_PYTHON")
    if fastmm is not None:
        subprocess.run([sys.executable, "-m", "tests.bench.files_stream", "fastmm", str(folder), str(ROWS)], cwd=ROOT,
                       check=True)  # fmt: skip
        script = str(Path(__file__).with_name("fastmm_quote.py"))
        measured([fastmm, script, str(folder / "fastmm.csv"), "2", "5"], env)  # compiles and keeps its hooks
        theirs = measured([fastmm, script, str(folder / "fastmm.csv"), "2", "5"], env)
        print(f"quote  FastMM, CSV: {told(theirs, theirs.data['fills'])}: decides at every change of the book")
    grid = job(tmp_path, folder / "table.csv", "--no-cache")
    print(f"grid   pfmm, CSV: {told(grid, grid.data['data']['fills'])}")
    if fastmm is None:
        pytest.skip("PFMM_FASTMM_PYTHON names no Python with fastmm-engine[hot] 0.9")


def told(done: Process, fills: int) -> str:
    return f"{done.cpu_s:.2f} s of CPU, {done.wall_s:.2f} s, {done.peak_mb:.0f} MB, {fills} fills"


def test_a_file_of_a_gigabyte_runs_in_little_memory(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    subprocess.run([sys.executable, "-c", GIGABYTE, str(tmp_path), str(GB_ROWS)], cwd=ROOT, check=True)
    assert table.stat().st_size >= 10**9
    done = job(tmp_path / "home", table)
    print(f"\n{table.stat().st_size / 1e9:.2f} GB: {done.cpu_s:.1f} s CPU, peak {done.peak_mb:.0f} MB")
    assert done.peak_mb <= 1_500


GIGABYTE = """
import sys
from pathlib import Path
from tests.bench import backtest_stream as stream
from tests.bench.files_stream import HEADER, csv_line
folder, count = Path(sys.argv[1]), int(sys.argv[2])
with (folder / "table.csv").open("w") as target:
    target.write(HEADER + "\\n")
    part = stream.rows(count=min(count, 2_000_000))
    span = int(part[-1, 0] - part[0, 0]) + 1
    for number in range(0, count, len(part)):
        target.write("".join(csv_line(row) + "\\n" for row in part[: count - number].tolist()))
        part[:, 0] += span
"""
