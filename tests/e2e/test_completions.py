"""The completion files in the shells that they are for: what the Tab key offers."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "completions"
FISH = shlex.quote(str(FOLDER / "pfmm.fish"))

# the shell's own completion functions print what they are given: it is what would be offered
ZSH = """\
compdef() { :; }
compadd() { shift; print -l -- "$@"; }
_describe() { print -l -- "${(@)${(@P)2}%%:*}"; }
_files() { :; }
source "$1"; shift
words=("$@"); CURRENT=$#; PREFIX="${@[-1]}"
_pfmm
"""
BASH = """\
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_pfmm
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _out(*command: str) -> str:
    """What a shell says that reads no start-up file of the user, and nothing on stderr."""
    shell = shutil.which(command[0])
    if shell is None:
        pytest.skip(f"{command[0]} is not here")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    plain = {**kept, "HOME": os.devnull, "LC_ALL": "C.UTF-8"}
    done = subprocess.run([shell, *command[1:]], capture_output=True, text=True, check=True, env=plain, timeout=300)
    assert done.stderr == ""
    return done.stdout


def bash(words: list[str]) -> list[str]:
    split = [part for word in words for part in word.replace("=", " = ").split(" ")]  # as bash hands it to a function
    return _out("bash", "--norc", "-c", BASH, "bash", str(FOLDER / "pfmm.bash"), *split).split()


def zsh(words: list[str]) -> list[str]:
    offered = _out("zsh", "-f", "-c", ZSH, "zsh", str(FOLDER / "_pfmm"), *words).split()
    return [word for word in offered if word.startswith(words[-1])]  # the line editor's own part


def fish(words: list[str]) -> list[str]:
    line = " ".join(words)
    out = _out("fish", "--no-config", "-c", f"cd /; source {FISH}; complete -C '{line}'")
    return [text.split("\t")[0] for text in out.splitlines() if not text.split("\t")[0].endswith("/")]


@pytest.mark.parametrize("offer", [bash, zsh, fish])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pfmm prof", {"profile"}),
        ("pfmm --json profile s", {"show", "set"}),
        ("pfmm profile set --mar", {"--market"}),
        ("pfmm profile show --j", {"--json"}),
        ("pfmm paper feed ", {"synthetic", "replay"}),
        ("pfmm --profile paper gr", {"grid"}),  # the value of an option is no command
        ("pfmm --profile=paper gr", {"grid"}),
        ("pfmm --profile paper grid start --max", {"--max-inventory", "--max-loss"}),
        ("pfmm inventory --interval 5 --as", {"--assert"}),
        ("pfmm --profile re", set()),
        ("pfmm help j", {"json"}),
        ("pfmm completions ", {"bash", "zsh", "fish"}),
    ],
)
def test_the_shell_offers_what_fits(offer: Callable[[list[str]], list[str]], line: str, offered: set[str]) -> None:
    assert set(offer(line.split(" "))) == offered


def test_apostrophes_of_the_help_survive_quoting() -> None:
    assert "List the venue's instruments" in _out("fish", "--no-config", "-c", f"source {FISH}; complete -C 'pfmm mar'")
    whole = ZSH.replace("%%:*", "")
    assert "List the venue's instruments" in _out("zsh", "-f", "-c", whole, "zsh", str(FOLDER / "_pfmm"), "pfmm", "mar")
