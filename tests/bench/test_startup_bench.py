"""How long a command takes to start, as a ratio to `python -c pass` measured in the same rounds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAIN = "import sys; sys.argv[0] = 'pfmm'; from pfmm.cli.main import main; main()"
ROUNDS = 15

# generous ceilings: they catch a heavy import that crept in, not a busy machine
LINES = [(("--help",), 3.0), (("--version",), 3.0), (("profile", "show", "--json"), 16.0), (("help", "json"), 16.0)]


def seconds(env: dict[str, str], *arguments: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


@pytest.mark.bench
def test_start_up_against_an_empty_python(pfmm_home: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    best = dict.fromkeys([(), *(line for line, _ in LINES)], float("inf"))
    for _ in range(ROUNDS):  # round by round, so that a busy moment hits all of them
        best[()] = min(best[()], seconds(env, "-c", "pass"))
        for line, _ in LINES:
            best[line] = min(best[line], seconds(env, "-c", MAIN, *line))
    print(f"\npython -c pass: {best[()] * 1e3:.1f} ms (minimum of {ROUNDS} rounds)")
    for line, ceiling in LINES:
        ratio = best[line] / best[()]
        print(f"pfmm {' '.join(line):20} {best[line] * 1e3:6.1f} ms  {ratio:5.2f} x")
        assert ratio < ceiling
