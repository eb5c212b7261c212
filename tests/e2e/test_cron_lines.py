"""The README's cron lines, each run through a shell exactly as it is written there, schedule aside."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.journal.journal import Journal
from tests.e2e.driver import PATIENCE_S, Completed, environment, run
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


def shelled(line: str, home: Path, tmp_path: Path) -> Completed:
    """Runs the line as cron would: sh -c, no terminal, `pfmm` found by PATH."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    command = folder / "pfmm"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pfmm "$@"\n')
    command.chmod(0o755)
    env = environment(home, {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)})
    done = subprocess.run(
        ["/bin/sh", "-c", line], env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return Completed.of(done)


def here(line: str, home: Path, env: dict[str, str] | None = None) -> Completed:
    """Runs a line of one command in this process; its stdout may go to /dev/null, and then is none."""
    words = shlex.split(line)
    quiet = words[-1] == ">/dev/null"
    done = run(*words[1 : len(words) - quiet], home=home, env=env)
    return replace(done, out="" if quiet else done.out)


def test_the_block_has_what_cron_is_for() -> None:
    for words in (("funding", "--assert"), ("grid start", "--once"), ("drawdown_pct", "flatten --all --yes")):
        assert the_line(*words)


@pytest.mark.parametrize("line", LINES)
def test_every_line_runs_as_written(line: str, home: Path, tmp_path: Path) -> None:
    # a line of one command needs no shell
    done = shelled(line, home, tmp_path) if ";" in line else here(line, home)
    assert done.code in (0, 10), done.err
    if done.code == 10:  # an assertion that is false is an answer, and the mail says which
        assert "--assert" in line
        assert " is false for " in done.err
    else:
        assert done.err == ""


@pytest.mark.parametrize(("rates", "worth"), [((0.00029, -0.0002), None), ((0.0001, -0.0003), "ETH-PERP")])
def test_the_funding_alert_is_silent_until_a_rate_is_worth_it(
    tmp_path: Path, rates: tuple[float, float], worth: str | None
) -> None:
    tickers = [
        {"market": market, "price": 100, "funding_rate": rate, "next_funding_at": 1_760_000_000_000}
        for market, rate in zip(("BTC-PERP", "ETH-PERP"), rates, strict=True)
    ]  # 2.9 and -2 bps say nothing; -3 bps does
    with ScriptedVenue({"/api/tickers": {"tickers": tickers}}).serving() as served:
        done = here(the_line("funding", "--assert"), tmp_path / "home", {"PFMM_BASE_URL": served.url})
    assert done.out == ""
    if worth is None:
        assert (done.code, done.err) == (0, "")
    else:
        assert done.code == 10
        assert f"{worth} (rate_8h_bps -3)" in done.err


def test_the_grid_line_keeps_one_grid_minute_by_minute(home: Path, tmp_path: Path) -> None:
    line = the_line("grid start", "--once")
    for _ in range(2):
        assert here(line, home).code == 0
    (found,) = run("grid", "status", "--json", home=home).data["runs"]
    assert found["state"] == "between_runs"
    assert len(found["orders"]) == 10  # ten steps, eleven lines, the one nearest the price empty


def test_the_drawdown_line_flattens_only_a_fallen_account(home: Path, tmp_path: Path) -> None:
    grid, guard = the_line("grid start", "--once"), the_line("drawdown_pct", "flatten")
    here(grid, home)
    healthy = here(guard.partition(";")[0], home)
    assert (healthy.code, healthy.out, healthy.err) == (0, "", "")
    assert flattens(guard, healthy.code, tmp_path) == ""
    assert here(grid, home).code == 0  # nothing was halted

    with own_session(home) as session:
        session.journal.record_equity(session.venue.time().time_ms, FALLEN, None)
    fallen = shelled(guard, home, tmp_path)
    assert fallen.code == 0, fallen.err  # FLAT
    assert "drawdown_pct 16." in fallen.err
    with own_session(home) as session:
        assert session.venue.open_orders() == ()
        assert not any(position.size for position in session.venue.positions())
    refused = here(grid, home)
    assert refused.code == 75
    assert "pfmm resume" in refused.err


def flattens(guard: str, code: int, tmp_path: Path) -> str:
    """What the shell goes on to, where the line's first command ends with that code."""
    folder = tmp_path / "stub"
    folder.mkdir()
    (folder / "pfmm").write_text(f'#!/bin/sh\n[ "$1" = inventory ] && exit {code}\necho "$@"\n')
    (folder / "pfmm").chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(["/bin/sh", "-c", guard], env=env, capture_output=True, text=True, check=True).stdout


def test_a_journal_that_cannot_be_read_flattens_nothing(home: Path, tmp_path: Path) -> None:
    guard = the_line("drawdown_pct", "flatten")
    run("inventory", home=home)
    (journal,) = home.rglob("journals/*.sqlite3")
    journal.unlink()
    Journal.open(journal, venue="paper", account="another", nonce="abc").close()
    done = here(guard.partition(";")[0], home)
    assert (done.code, "another" in done.err) == (0, True)
    assert flattens(guard, done.code, tmp_path) == ""
    assert run("grid", "start", "BTC", "--once", "--dry-run", home=home).code == 3  # for the journal, not for a HALT
