"""The lines of the README and of `pfmm help agents`, run as they are written, in their order, on a fresh home."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.app.reference import exit_codes
from tests.e2e.driver import PATIENCE_S, Completed, environment, names_path, run
from tests.held import answer_of, hold_text

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
AGENTS = (ROOT / "pfmm" / "help" / "agents.md").read_text("utf-8")


def commands(text: str) -> list[str]:
    """Every line of the ```sh blocks, comments stripped."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.waits
def test_a_newcomer_can_type_the_readme_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = commands(README)
    assert len(found) > 12
    for command, out in typed(found, tmp_path, monkeypatch):
        shown = [line for line in out.splitlines() if not line.startswith("{")]
        assert [line for line in shown if len(line) > 100 and not names_path(line, tmp_path)] == [], command


def test_an_agent_can_follow_its_loop_from_plan_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = re.findall(r"^    (pfmm .*)$", AGENTS, re.MULTILINE)
    answers = {command: out.splitlines() for command, out in typed(session, tmp_path, monkeypatch)}
    assert len(answers) == 8
    for command, lines in answers.items():
        if "events" in command:
            hold_text("\n".join(lines))
            told = [json.loads(line) for line in lines]
            assert {"placed"} <= {one["event"] for one in told}
            assert [one["cursor"] for one in told] == sorted({one["cursor"] for one in told})
        else:
            (envelope,) = map(answer_of, lines)
            assert envelope["ok"], command
    (status,) = (json.loads(lines[0]) for command, lines in answers.items() if "status" in command)
    assert status["data"]["runs"][0]["state"] == "running"
    (stopped,) = (json.loads(lines[0]) for command, lines in answers.items() if "stop" in command)
    assert stopped["data"]["runs"][0]["orders_left"] == 0


def test_the_agents_table_decides_about_every_exit_code() -> None:
    decided = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", AGENTS, re.MULTILINE) for code in row.split(",")}
    assert decided == {code for code, _ in exit_codes()}


def test_the_readme_can_be_read_to_its_end() -> None:
    assert len(README.splitlines()) < 250


SHELL = re.compile(r"[|&;<>$`*?~]")  # what a shell would do something about, but for quotes


def typed(found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Each line as typed into a shell, with what it answered; all of them must succeed.

    A line of one command, of whose words a shell would make nothing else, runs in this process.
    """
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    binary = tmp_path / "bin"
    binary.mkdir()
    (binary / "pfmm").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pfmm "$@"\n', "utf-8")
    (binary / "pfmm").chmod(0o755)
    env = environment(home)
    env["PATH"] = f"{binary}:{env['PATH']}"
    env["PYTHONPATH"] = str(ROOT)
    for command in found:
        words = [] if SHELL.search(command) else shlex.split(command)
        if words[:1] == ["pfmm"]:
            done = run(*words[1:], home=home)
        else:
            shell = subprocess.run(
                ["sh", "-c", command], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S,
                check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            done = Completed.of(shell)
        assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
        assert "Traceback" not in done.err
        yield command, done.out
