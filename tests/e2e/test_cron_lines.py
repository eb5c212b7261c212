"""The README's cron lines, each run through a shell exactly as it is written there, schedule aside."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.journal.journal import Journal
from tests.e2e.driver import PATIENCE_S, environment, run
from tests.e2e.homes import own_session, stepped_home
from tests.e2e.scripted_venue import ScriptedVenue

ROOT = Path(__file__).resolve().parents[2]
MINUTE = re.compile(r"(?P<schedule>(?:[\d*/,-]+\s+){5})(?P<command>pfmm .+)")
FALLEN = Decimal(12000)  # a peak from which 10,000 is down by 16.7 %


def cron_lines() -> list[str]:
    """The commands between the markers, without their schedules."""
    block = re.search(r"<!-- cron -->\n(.*?)<!-- /cron -->", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert block is not None, "README.md has no cron block"
    commands = []
    for line in block[1].splitlines():
        text = line.strip()
        if not text or text.startswith(("#", "```")):
            continue
        found = MINUTE.fullmatch(text)
        assert found is not None, f"not a cron line: {text!r}"
        assert "%" not in text, "cron reads % as the end of the line"
        commands.append(found["command"].strip())
    return commands


LINES = cron_lines()


def the_line(*words: str) -> str:
    (line,) = [one for one in LINES if all(word in one for word in words)]
    return line


@pytest.fixture
def home(tmp_path: Path) -> Path:
    stepped_home(tmp_path / "home", seed=3)
    return tmp_path / "home"


def cron(
    line: str, home: Path, tmp_path: Path, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the line as cron would: sh -c, no terminal, `pfmm` found by PATH."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    command = folder / "pfmm"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pfmm "$@"\n')
    command.chmod(0o755)
    env = environment(home, {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), **(extra or {})})
    return subprocess.run(
        ["/bin/sh", "-c", line], env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def test_the_block_has_what_cron_is_for() -> None:
    for words in (("funding", "--assert"), ("grid start", "--once"), ("drawdown_pct", "flatten --all --yes")):
        assert the_line(*words)


@pytest.mark.parametrize("line", LINES)
def test_every_line_runs_as_written(line: str, home: Path, tmp_path: Path) -> None:
    done = cron(line, home, tmp_path)
    assert done.returncode in (0, 10), done.stderr
    if done.returncode == 10:  # an assertion that is false is an answer, and the mail says which
        assert "--assert" in line
        assert " is false for " in done.stderr
    else:
        assert done.stderr == ""


@pytest.mark.parametrize(("rates", "worth"), [((0.00029, -0.0002), None), ((0.0001, -0.0003), "ETH-PERP")])
def test_the_funding_alert_is_silent_until_a_rate_is_worth_it(
    tmp_path: Path, rates: tuple[float, float], worth: str | None
) -> None:
    tickers = [
        {"market": market, "price": 100, "funding_rate": rate, "next_funding_at": 1_760_000_000_000}
        for market, rate in zip(("BTC-PERP", "ETH-PERP"), rates, strict=True)
    ]  # 2.9 and -2 bps say nothing; -3 bps does
    with ScriptedVenue({"/api/tickers": {"tickers": tickers}}).serving() as served:
        done = cron(the_line("funding", "--assert"), tmp_path / "home", tmp_path, {"PFMM_BASE_URL": served.url})
    assert done.stdout == ""
    if worth is None:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 10
        assert f"{worth} (rate_8h_bps -3.0" in done.stderr


def test_the_grid_line_keeps_one_grid_minute_by_minute(home: Path, tmp_path: Path) -> None:
    line = the_line("grid start", "--once")
    for _ in range(2):
        assert cron(line, home, tmp_path).returncode == 0
    (found,) = run("grid", "status", "--json", home=home).data["runs"]
    assert found["state"] == "between_runs"
    assert len(found["orders"]) == 10  # ten steps, eleven lines, the one nearest the price empty


def test_the_drawdown_line_flattens_only_a_fallen_account(home: Path, tmp_path: Path) -> None:
    grid, guard = the_line("grid start", "--once"), the_line("drawdown_pct", "flatten")
    cron(grid, home, tmp_path)
    healthy = cron(guard, home, tmp_path)
    assert (healthy.returncode, healthy.stdout, healthy.stderr) == (0, "", "")
    assert cron(grid, home, tmp_path).returncode == 0  # nothing was halted

    with own_session(home) as session:
        session.journal.record_equity(session.venue.time().time_ms, FALLEN, None)
    fallen = cron(guard, home, tmp_path)
    assert fallen.returncode == 0, fallen.stderr  # FLAT
    assert "drawdown_pct 16." in fallen.stderr
    with own_session(home) as session:
        assert session.venue.open_orders() == ()
        assert not any(position.size for position in session.venue.positions())
    refused = cron(grid, home, tmp_path)
    assert refused.returncode == 75
    assert "pfmm resume" in refused.stderr


def test_a_journal_that_cannot_be_read_flattens_nothing(home: Path, tmp_path: Path) -> None:
    guard = the_line("drawdown_pct", "flatten")
    run("inventory", home=home)
    (journal,) = home.rglob("journals/*.sqlite3")
    journal.unlink()
    Journal.open(journal, venue="paper", account="another", nonce="abc").close()
    done = cron(guard, home, tmp_path)
    assert done.returncode == 0
    assert "another" in done.stderr
    assert run("grid", "start", "BTC", "--once", "--dry-run", home=home).code == 3  # for the journal, not for a HALT
