"""A month of 1-minute candles at one decision a bar, beside an earlier release: user time of whole processes.

PFMM_BASE_PYTHON names a Python where a checkout of that release is installed. Rounds alternate, the least of each side
counts; PFMM_ROUNDS (3 where it is not set) says how many, PFMM_CANDLE_DAYS how many days of the month (30).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from tests.e2e.driver import environment

pytestmark = [pytest.mark.bench, pytest.mark.slow]

FIRST_BAR = datetime(2025, 5, 4, 15, 33, tzinfo=UTC)
# of a grid nearly every decision is passed over by both: start-up and reading are what is left of its time
LEAST_RATIO = {"quote": 6, "ladder": 6, "grid": 3}
# a lot of this market is 100 USD, more than the usual order of a grid
SETTINGS = {"grid": {"grid.levels": 30, "grid.range_pct": 15, "grid.size_usd": 110, "run.max_inventory_usd": 4000}}


def user_s(python: str, home: Path, kind: str, file: Path, until: datetime) -> tuple[float, int]:
    """User time in s of one backtest with its process, and the decisions that it made."""
    words = [
        "backtest",
        "run",
        kind,
        "BTC",
        "--data",
        str(file),
        "--interval",
        "60",
        "--to",
        f"{until:%Y-%m-%dT%H:%M:%SZ}",
    ]
    for name, value in SETTINGS.get(kind, {}).items():
        words += ["--set", f"{name}={value}"]
    command = [python, "-m", "pfmm", "--json", *words]
    with subprocess.Popen(
        command, env=environment(home), stdout=subprocess.PIPE, text=True, cwd=home.parent
    ) as process:
        assert process.stdout is not None
        answer = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert answer["ok"], answer
    return used.ru_utime, answer["data"]["decisions"]


@pytest.mark.parametrize("kind", LEAST_RATIO)
def test_a_month_takes_a_sixth_of_what_it_took(kind: str, shared_data: Path, tmp_path: Path) -> None:
    base = os.environ.get("PFMM_BASE_PYTHON")
    if base is None:
        pytest.skip("PFMM_BASE_PYTHON names no Python with an earlier release")
    file = shared_data / "candles-1m" / "binance_BTCUSDT_1m_2025-05.csv.gz"
    until = FIRST_BAR + timedelta(days=float(os.environ.get("PFMM_CANDLE_DAYS", "29.9")))
    found: dict[str, list[float]] = {base: [], sys.executable: []}
    decisions = set()
    for number in range(int(os.environ.get("PFMM_ROUNDS", "3"))):
        for python, times in found.items():
            home = tmp_path / f"{number}-{'base' if python == base else 'now'}"
            home.mkdir()
            seconds, decided = user_s(python, home, kind, file, until)
            times.append(seconds)
            decisions.add(decided)
    before, now = (min(times) for times in found.values())
    print(
        f"\n{kind}: {now:.1f} s of user time beside {before:.1f} s before, {before / now:.1f} x; {max(decisions)} looks"
    )
    assert max(decisions) - min(decisions) <= 1  # as often by both, but for the last bar
    assert before >= LEAST_RATIO[kind] * now
