"""What an earlier release read of the recorded files, and what is read of them now, is one tape to the last number.

PFMM_BASE_PYTHON names a Python where a checkout of the earlier release is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="bars need NumPy")

pytestmark = [pytest.mark.bench, pytest.mark.slow]

READ = """
import hashlib, json, sys
from array import array
from pathlib import Path
try:
    from pfmm.paper.feeds.replay_tape import open_tape
    from pfmm.paper.feeds.tape_building import build_tape
except ImportError:
    from pfmm.paper.tapefile import build_tape, open_tape
from pfmm.backtest.candles import read_candles

def digest(numbers):
    return hashlib.sha256(bytes(memoryview(numbers))).hexdigest()

def changes(events):
    # without a last quote that only repeats the one before: it tells where the file ends, and older tapes had none
    rows = events.tolist()
    quotes = [at for at in range(0, len(rows), 6) if rows[at + 1] == 0]
    repeats = quotes[-1] == len(rows) - 6 and rows[quotes[-1] + 2 :] == rows[quotes[-2] + 2 : quotes[-2] + 6]
    return array("q", rows[:-6] if repeats else rows)

folder, *names = sys.argv[1:]
files = [Path(name) for name in names]
if "1m" in files[0].name:
    bars = read_candles(files)
    found = {"bars": [len(bars.times), bars.price_decimals, *map(digest, (bars.times, bars.prices, bars.volumes))]}
else:
    found = {
        name: [tape.spec.price_decimals, tape.spec.size_decimals, digest(changes(tape.events)),
               digest(tape.depth), digest(tape.funding)]
        for name, tape in open_tape(build_tape(files, Path(folder))).items()
    }
print(json.dumps(found))
"""
TICKS = [f"binance-usdm-ticks/{coin}usdt_{{}}.gz" for coin in ("btc", "eth")]
RECORDED = [
    *([one.format("20240718"), one.format("20240719")] for one in TICKS),
    *([one.format("20240718")] for one in TICKS),
    *([f"candles-1m/binance_{coin}USDT_1m_2025-05.csv.gz"] for coin in ("BTC", "ETH", "SOL")),
]


def read_by(python: str, folder: Path, files: list[Path]) -> dict[str, Any]:
    folder.mkdir()
    command = [python, "-c", READ, str(folder), *map(str, files)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("names", RECORDED, ids="+".join)
def test_the_old_and_the_new_reader_make_one_tape(shared_data: Path, tmp_path: Path, names: list[str]) -> None:
    base = os.environ.get("PFMM_BASE_PYTHON")
    if base is None:
        pytest.skip("PFMM_BASE_PYTHON names no Python with an earlier release")
    files = [shared_data / name for name in names]
    before, now = read_by(base, tmp_path / "before", files), read_by(sys.executable, tmp_path / "now", files)
    assert now
    assert now == before
