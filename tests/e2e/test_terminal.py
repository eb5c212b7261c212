"""What a person sees on screens that are small, narrow or dumb: the same, as far as it fits, and while it happens."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.driver import interrupt, names_path, run, run_here, run_until
from tests.e2e.homes import resting_grid, stepped_home, still_home
from tests.e2e.served_exchange import exchange_of, served
from tests.e2e.terminal import OnTerminal


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (("grid", "start", "BTC"), "Ctrl-C stops and cancels"),
        pytest.param(("inventory", "--watch"), "Ctrl-C ends", marks=pytest.mark.slow),
    ],
)
def test_a_dumb_terminal_shows_each_look_when_it_is_taken(tmp_path: Path, line: tuple[str, ...], wanted: str) -> None:
    still_home(tmp_path)
    with OnTerminal(*line, home=tmp_path, columns=100, lines=30, term="dumb") as shown:
        shown.wait_for(wanted)
        assert shown.interrupt() == 130
    assert "\x1b" not in shown.seen


def test_a_dumb_terminal_of_sixty_columns_breaks_no_line_in_a_figure(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=5)
    line = ("grid", "start", "BTC", "--cycles", "2", "--interval", "1")
    with OnTerminal(*line, home=tmp_path, columns=60, lines=24, term="dumb") as shown:
        assert shown.end() == 0
    lines = shown.seen.replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 60
    assert re.search(r"10 orders  P&L [-+][\d.]+\s+(buy|sell) [\d.]+ % away\n", "\n".join(lines))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (("grid", "start", "BTC", "--levels", "30"), ("mid", "dead-man armed", "Ctrl-C stops and cancels")),
        pytest.param(("funding", "--all", "--watch"), ("more lines", "Ctrl-C ends"), marks=pytest.mark.slow),
    ],
)
def test_a_low_screen_still_tells_what_is_wrong_and_how_to_leave(
    tmp_path: Path, line: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    still_home(tmp_path)
    with OnTerminal(*line, home=tmp_path, columns=80, lines=24, term="xterm") as shown:
        for text in wanted:
            shown.wait_for(text)
        assert shown.interrupt() == 130


def test_a_question_stays_on_the_screen_until_it_is_answered(tmp_path: Path) -> None:
    """A cycle takes a twentieth of a second here: nobody answers within three of them."""
    stepped_home(tmp_path, seed=5, speed=60)
    with OnTerminal("quote", "start", "BTC", home=tmp_path, columns=80, lines=24, term="xterm") as shown:
        shown.wait_for("cycle 2 ")
        shown.press("f")
        for _ in range(12):
            shown.wait_for("y/n", after=len(shown.seen))
        shown.press("n")
        shown.wait_for("not flattened; the run goes on")
        shown.press("?")
        shown.wait_for("p pause (cancels, keeps running)")
        assert shown.interrupt() == 130


@pytest.mark.waits
def test_a_venue_that_is_gone_is_on_the_screen_at_once_and_the_picture_no_longer_says_ok(tmp_path: Path) -> None:
    with exchange_of(tmp_path / "venue", "default") as exchange, ExitStack() as stack:
        url = stack.enter_context(served(exchange))
        line = ("grid", "start", "BTC", "--interval", "1")
        env = {"PFMM_BASE_URL": url}
        with OnTerminal(*line, home=tmp_path / "home", columns=80, lines=24, term="xterm", env=env) as shown:
            shown.wait_for("OK, nearest order")
            stack.close()
            shown.wait_for("no answer")
            shown.wait_for("! no answer, figures of ")
            assert "OK, nearest" not in shown.seen[shown.seen.rindex("no answer") :]


def test_a_watched_table_keeps_its_last_column_on_eighty_columns(tmp_path: Path) -> None:
    still_home(tmp_path)
    (row,) = run("funding", "BTC", "--json", home=tmp_path).data["markets"]
    screen = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    shown = run_until("Ctrl-C ends", interrupt, "funding", "BTC", "--watch", home=tmp_path, env=screen, screen=True)
    assert shown.code == 130
    assert row["action"].split("_")[-1] in shown.out


@pytest.mark.parametrize(
    ("line", "spared", "kept"),
    [
        (("grid", "status"), "trips, funding", "unreal."),
        (("inventory",), "mark", "liquidation"),
        (("funding", "BTC", "ETH"), "next payment", "advice"),
        (("markets", "--search", "BTC", "--volume"), "category, funding", "24 h USD"),
    ],
)
def test_a_table_too_wide_for_the_screen_spares_what_matters_least_and_says_so(
    tmp_path: Path, line: tuple[str, ...], spared: str, kept: str
) -> None:
    resting_grid(tmp_path)
    rows = run_here(*line, home=tmp_path, env={"COLUMNS": "80"}, screen=True).out.splitlines()
    assert f"hidden columns (terminal too narrow): {spared}" in rows
    assert [row for row in rows if len(row) > 80] == []
    (header,) = (row for row in rows if row.startswith("market") and kept in row)
    assert not set(spared.split(", ")) & set(re.split("  +", header))
    elsewhere = run(*line, home=tmp_path).out
    assert "left out" not in elsewhere
    assert all(f"  {name}" in elsewhere for name in spared.split(", "))


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_doctor_wraps_at_the_screen(tmp_path: Path, columns: int) -> None:
    still_home(tmp_path)
    text = run("doctor", home=tmp_path, env={"COLUMNS": str(columns)}).out
    wide = [line for line in text.splitlines() if len(line) > columns and not names_path(line, tmp_path)]
    assert wide == []


def test_a_reference_page_is_wrapped_on_a_terminal_and_markdown_elsewhere(tmp_path: Path) -> None:
    raw = run("help", "json", home=tmp_path).out
    assert raw == run("help", "json", "--json", home=tmp_path).data["text"] + "\n"
    lines = run_here("help", "json", home=tmp_path, env={"COLUMNS": "80"}, screen=True).out.splitlines()
    assert any("--version" in line for line in lines)
    assert [line for line in lines if len(line) > 80 and not line.startswith("    {")] == []
