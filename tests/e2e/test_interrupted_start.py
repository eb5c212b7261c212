"""Ctrl-C while a command is still being loaded, and output that nothing can take: an answer, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.driver import PATIENCE_S, environment
from tests.held import answer_of

LOADED = ("pfmm.cli.app", "typer.core", "pfmm.cli.commands.markets", "httpx")


def interrupted_at(module: str, *line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command that gets a SIGINT as it begins to import `module`."""
    code = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            sys.meta_path.remove(self)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from pfmm.cli.main import main\n"
        f"sys.argv = ['pfmm', *{list(line)!r}]\n"
        "main()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
    )


# the first and the last of them, where the program is hardly begun and where the command itself runs
@pytest.mark.parametrize(
    "module", [LOADED[0], *(pytest.param(name, marks=pytest.mark.slow) for name in LOADED[1:-1]), LOADED[-1]]
)
def test_ctrl_c_during_an_import_is_an_answer(tmp_path: Path, module: str) -> None:
    done = interrupted_at(module, "markets", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "pfmm: interrupted\n")


def test_ctrl_c_during_an_import_answers_in_json_where_that_was_asked_for(tmp_path: Path) -> None:
    done = interrupted_at(LOADED[0], "markets", "--json", home=tmp_path)
    assert (done.returncode, done.stderr) == (130, "")
    assert answer_of(done.stdout)["error"] == {
        "code": "interrupted",
        "message": "interrupted",
        "hint": None,
        "exit_code": 130,
    }


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("--help", 3, marks=pytest.mark.slow),
        ("markets --json", 3),
        pytest.param("nothing", 2, marks=pytest.mark.slow),
    ],
)
def test_with_both_outputs_full_the_exit_code_still_tells_what_happened(tmp_path: Path, line: str, code: int) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pfmm", *line.split()],
            env=environment(tmp_path), stdout=full, stderr=full, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
    assert done.returncode == code
