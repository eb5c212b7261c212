"""What one press of the Tab key costs, beside the shell's own completion of a file name. Printed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pfmm.app.market_names import packaged, remember

pytestmark = pytest.mark.bench

FOLDER = Path(__file__).resolve().parents[2] / "completions"
PRESSES = 50
BASH = """source {file}
COMP_WORDS=(pfmm grid start BT); COMP_CWORD=3
for ((i = 0; i < {presses}; i++)); do {work}; done"""
ZSH = """compdef() {{ :; }}; compadd() {{ :; }}; _describe() {{ :; }}; _files() {{ :; }}; source {file}
words=(pfmm grid start BT); CURRENT=4; PREFIX=BT
for ((i = 0; i < {presses}; i++)); do {work}; done"""
FISH = """source {file}
for i in (seq {presses}); {work}; end"""
# the script, the file, one press of ours, and one of the shell's own for a file name
SHELLS = {
    "bash": (BASH, "pfmm.bash", "_pfmm", "COMPREPLY=($(compgen -f -- /usr/b))"),
    "zsh": (ZSH, "_pfmm", "_pfmm", "files=(/usr/b*(N))"),
    "fish": (FISH, "pfmm.fish", "complete -C 'pfmm grid start BT' >/dev/null", "complete -C 'ls /usr/b' >/dev/null"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_cost_of_the_tab_key(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    remember(tmp_path / "cache", "paper", packaged())
    script, name, ours, its_own = SHELLS[shell]
    plain = [shell, *(["--norc"] if shell == "bash" else ["-f"] if shell == "zsh" else ["--no-config"])]

    def seconds(work: str, presses: int) -> float:
        text = script.format(file=shlex.quote(str(FOLDER / name)), presses=presses, work=work)
        began_s = time.perf_counter()
        env = {**os.environ, "PFMM_HOME": str(tmp_path)}
        subprocess.run([*plain, "-c", text], check=True, env=env, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began_s

    def a_press_ms(work: str) -> float:
        return (min(seconds(work, PRESSES) for _ in range(3)) - min(seconds(work, 0) for _ in range(3))) / PRESSES * 1e3

    mine_ms, own_ms = a_press_ms(ours), a_press_ms(its_own)
    print(
        f"\n{shell}: `pfmm grid start BT<Tab>` {mine_ms:.2f} ms a press, its own completion of a file {own_ms:.2f} ms"
    )
