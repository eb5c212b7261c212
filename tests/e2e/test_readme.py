"""The lines of the README and of `pfmm help agents`, run as they are written, in their order, on a fresh home."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pfmm.app.reference import exit_codes
from tests.e2e.driver import PATIENCE_S, environment, names_path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
AGENTS = (ROOT / "pfmm" / "help" / "agents.md").read_text("utf-8")


def commands(text: str) -> list[str]:
    """Every line of the ```sh blocks, comments stripped."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_a_newcomer_can_type_the_readme_from_top_to_bottom(tmp_path: Path) -> None:
    found = commands(README)
    assert len(found) > 12
    for command, done in typed(found, tmp_path):
        shown = [line for line in done.stdout.splitlines() if not line.startswith("{")]
        assert [line for line in shown if len(line) > 100 and not names_path(line, tmp_path)] == [], command


def test_an_agent_can_follow_its_loop_from_plan_to_report(tmp_path: Path) -> None:
    session = re.findall(r"^    (pfmm .*)$", AGENTS, re.MULTILINE)
    answers = {command: done.stdout.splitlines() for command, done in typed(session, tmp_path)}
    assert len(answers) == 8
    for command, lines in answers.items():
        if "events" in command:
            told = [json.loads(line) for line in lines]
            assert {"placed"} <= {one["event"] for one in told}
            assert [one["cursor"] for one in told] == sorted({one["cursor"] for one in told})
        else:
            (envelope,) = map(json.loads, lines)
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


def typed(found: list[str], tmp_path: Path) -> Iterator[tuple[str, subprocess.CompletedProcess[str]]]:
    """Each line through a shell, with what it answered; all of them must succeed."""
    binary = tmp_path / "bin"
    binary.mkdir()
    (binary / "pfmm").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pfmm "$@"\n', "utf-8")
    (binary / "pfmm").chmod(0o755)
    env = environment(tmp_path / "home")
    env["PATH"] = f"{binary}:{env['PATH']}"
    env["PYTHONPATH"] = str(ROOT)
    for command in found:
        done = subprocess.run(
            ["sh", "-c", command],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        yield command, done
