"""The README's shell blocks, run as they are written, in their order, on a fresh home."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.driver import PATIENCE_S, environment, names_path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def commands() -> list[str]:
    """Every line of the ```sh blocks, comments stripped."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_a_newcomer_can_type_the_readme_from_top_to_bottom(tmp_path: Path) -> None:
    found = commands()
    assert len(found) > 12
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
        shown = [line for line in done.stdout.splitlines() if not line.startswith("{")]
        assert [line for line in shown if len(line) > 100 and not names_path(line, tmp_path)] == [], command
