"""The log of a run in the background stays bounded: it is begun anew, and the one of before is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pfmm.app.detaching import LOG_FILE, turn_log

WRITER = """
import sys
from pfmm.app.detaching import turn_log
for number in range(int(sys.argv[1])):
    print(f"line {number:04d}", flush=True)
    print("err", file=sys.stderr, flush=True)
    turn_log(1_000)
"""


def written(log: Path, lines: int, named: Path | None = None) -> None:
    with log.open("ab") as out:
        subprocess.run(
            [sys.executable, "-c", WRITER, str(lines)], stdout=out, stderr=out, check=True, timeout=60,
            env={**os.environ, LOG_FILE: str(named or log)},
        )  # fmt: skip


def test_a_log_is_turned_and_no_line_is_lost_between_the_two(tmp_path: Path) -> None:
    log = tmp_path / "grid-BTC.log"
    written(log, 150)  # 14 bytes each: 72 lines fill one
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grid-BTC.log", "grid-BTC.log.1"]
    kept = [line for name in ("grid-BTC.log.1", "grid-BTC.log") for line in (tmp_path / name).read_text().splitlines()]
    numbers = [int(line[5:]) for line in kept if line.startswith("line")]
    assert numbers == list(range(numbers[0], 150))
    assert kept.count("err") == len(numbers)
    assert all(path.stat().st_size <= 1_014 for path in tmp_path.iterdir())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.log")} == {0o600}


def test_a_log_that_is_another_file_or_gone_is_left_alone(tmp_path: Path) -> None:
    log, other = tmp_path / "grid.log", tmp_path / "other.log"
    other.write_text("mine", "ascii")
    written(log, 150, named=other)
    assert (log.read_text().count("line"), other.read_text("ascii")) == (150, "mine")
    written(log, 10, named=tmp_path / "gone.log")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grid.log", "other.log"]


def test_without_a_log_nothing_is_turned() -> None:
    assert LOG_FILE not in os.environ
    turn_log(0)
