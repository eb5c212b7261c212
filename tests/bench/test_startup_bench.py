"""How long a command takes to start, in CPU time, as a ratio to an empty Python and to a bare `import typer`.

Minima of rounds in alternation, so that a busy moment hits every line alike. With PFMM_BENCH_BEFORE, the Python of an
environment that has an earlier release, `funding --json` is compared with that release in the same rounds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAIN = "import sys; sys.argv[0] = 'pfmm'; from pfmm.cli.main import main; main()"
ROUNDS = 15
EMPTY, TYPER = "pass", "import typer"
FUNDING = ("funding", "BTC-PERP", "--json")
BEFORE = "before"

# a line, what it is a ratio to, and at most how much
LINES: tuple[tuple[tuple[str, ...], str, float], ...] = (
    (("--version",), EMPTY, 2.2),
    (("--help",), EMPTY, 2.2),
    (("grid", "start", "--help"), TYPER, 1.5),
    (("funding", "--help"), TYPER, 1.5),
    (("flatten", "--help"), TYPER, 1.5),
    (("profile", "show"), TYPER, 1.7),
)


def cpu_s(python: str, code: str, *arguments: str, home: Path) -> float:
    """The CPU time, user and system, of one process."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [python, "-c", code, *arguments],
        env={**env, "PFMM_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        cwd=home.parent,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


@pytest.mark.bench
def test_start_up_against_an_empty_python_and_a_bare_typer(tmp_path: Path) -> None:
    here, home = sys.executable, tmp_path / "home"
    runs: dict[object, tuple[str, str, tuple[str, ...], Path]] = {
        EMPTY: (here, EMPTY, (), home),
        TYPER: (here, TYPER, (), home),
        **{line: (here, MAIN, line, home) for line, _, _ in LINES},
        FUNDING: (here, MAIN, FUNDING, home),
    }
    before = os.environ.get("PFMM_BENCH_BEFORE")
    if before is not None:
        runs[BEFORE] = (before, MAIN, FUNDING, tmp_path / "before")
    best = dict.fromkeys(runs, float("inf"))
    for number in range(ROUNDS + 1):
        for name, (python, code, arguments, folder) in runs.items():
            taken = cpu_s(python, code, *arguments, home=folder)
            if number:  # the first round compiles modules and makes the exchange
                best[name] = min(best[name], taken)
    print(f"\nminima of {ROUNDS} rounds, CPU: pass {best[EMPTY] * 1e3:.1f} ms, typer {best[TYPER] * 1e3:.1f} ms")
    for line, base, most in LINES:
        ratio = best[line] / best[base]
        print(f"pfmm {' '.join(line):18} {best[line] * 1e3:6.1f} ms  {ratio:5.2f} x {base} (at most {most})")
    told = f"{best[BEFORE] * 1e3:.1f} ms before" if before is not None else "PFMM_BENCH_BEFORE is not set"
    print(f"pfmm {' '.join(FUNDING):18} {best[FUNDING] * 1e3:6.1f} ms  ({told})")
    for line, base, most in LINES:
        assert best[line] / best[base] <= most, line
    if before is not None:
        assert best[FUNDING] <= best[BEFORE]


SIGNING = (
    "from pfmm.venue.hyperliquid.signing import Signer; "
    "Signer('0x' + '1' * 64).sign({'type': 'scheduleCancel'}, nonce=1, mainnet=False)"
)


@pytest.mark.bench
def test_the_first_signature_against_an_empty_python(tmp_path: Path) -> None:
    """What a command that signs pays beside what it pays anyway: the libraries, and one signature."""
    best = {EMPTY: float("inf"), SIGNING: float("inf")}
    for _ in range(ROUNDS):
        for code, before_s in tuple(best.items()):
            best[code] = min(before_s, cpu_s(sys.executable, code, home=tmp_path / "home"))
    ratio = best[SIGNING] / best[EMPTY]
    print(f"\nimports and a first signature: {best[SIGNING] * 1e3:.1f} ms, {ratio:.2f} x {EMPTY} (at most 4)")
    assert ratio <= 4
