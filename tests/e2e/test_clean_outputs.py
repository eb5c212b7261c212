"""What leaves the process acts on no terminal, no spreadsheet and no browser, whatever was typed."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.cli.output import event_line
from pfmm.config.secrets import secret_at_hand
from pfmm.config.values import SecretSource
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.text import cell, iso, visible
from pfmm.report.csv_rows import CsvFill, write_csv
from pfmm.report.escaping import escape
from tests.e2e.driver import run_here
from tests.e2e.homes import still_home

EVIL = "\x1b]0;x\x07\x1b[31mX\x9b1m\x7f\u202e\r"
KEY = "sk_live_0123456789abcdef"


def acts(text: str) -> set[str]:
    return {one for one in text if not one.isprintable() and one not in "\n\t"}


@pytest.mark.parametrize(
    "line",
    [
        (EVIL,),
        (f"--{EVIL}",),
        ("--profile", EVIL, "inventory"),
        ("grid", EVIL),
        ("grid", "start", EVIL),
        ("grid", "start", "BTC", "--set", EVIL),
        ("grid", "start", "BTC", "--dry-run", "--size", EVIL),
        ("grid", "stop", EVIL),
        ("grid", "status", EVIL),
        ("flatten", EVIL, "--yes"),
        ("inventory", "--assert", EVIL),
        ("book", EVIL),
        ("funding", EVIL),
        ("markets", EVIL),
        ("events", "--run", EVIL),
        ("logs", EVIL),
        ("help", EVIL),
        ("report", "--since", EVIL),
        ("report", "--export", f"missing/{EVIL}"),
        ("backtest", "data", EVIL),
        ("backtest", "run", "grid", EVIL, "--data", EVIL),
        ("profile", "create", EVIL),
        ("profile", "set", EVIL, "1"),
        ("profile", "set", "account", EVIL),
        ("profile", "show", "--market", EVIL),
        ("paper", "account", EVIL),
        ("paper", "feed", "replay", EVIL),
        ("paper", "feed", "synthetic", "--at", EVIL),
        ("completions", EVIL),
    ],
)
def test_what_was_typed_comes_back_without_what_a_terminal_acts_on(tmp_path: Path, line: tuple[str, ...]) -> None:
    still_home(tmp_path)
    for before in ((), ("--json",)):
        done = run_here(*before, *line, home=tmp_path)
        assert acts(done.out) | acts(done.err) == set()
        assert "Traceback" not in done.err
        for one in done.out.splitlines() if before else ():
            json.loads(one)


def test_a_name_in_json_is_the_name() -> None:
    line = event_line("warning", 0, {"message": EVIL + "é"})
    assert acts(line) == set()
    assert json.loads(line)["message"] == EVIL + "é"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, é − 日本", "plain, é − 日本"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\rb\x00\x7f\x9b", "a\\rb\\x00\\x7f\\x9b"),
        ("\u202eevil", "\\u202eevil"),
        ("no\u00a0break\u2028line", "no break line"),
        ("file\udcff", "file\\udcff"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("-0.5", "-0.5"),
        ("+3", "+3"),
        ("-1E-8", "-1E-8"),
        ("BTC-PERP", "BTC-PERP"),
        ("", ""),
    ],
)
def test_a_cell_is_no_formula(text: str, written: str) -> None:
    assert cell(text) == written


def test_the_rows_of_a_report_hold_no_formula() -> None:
    one = Fill("=f()", "@v", "+c", "=M", Side.LONG, Decimal(1), Decimal(2), Decimal("-0.1"), Liquidity.MAKER, 1_000)
    out = io.StringIO()
    assert write_csv(out, [CsvFill(one, "-s", "=r", "@slot")], {}, iso) == 1
    cells = list(csv.reader(io.StringIO(out.getvalue())))[1]
    assert {"'=f()", "'@v", "'+c", "'=M", "'-s", "'=r", "'@slot", "-0.1"} <= set(cells)
    assert not [text for text in cells if text[:1] in "=+@" and text]


def test_a_page_holds_neither_markup_nor_escapes() -> None:
    assert escape("<img src=x onerror='a'>&\x1b[1m") == "&lt;img src=x onerror=&#x27;a&#x27;&gt;&amp;\\x1b[1m"


def test_a_key_is_at_hand_where_that_asks_nobody(tmp_path: Path) -> None:
    def source(**given: object) -> SecretSource:
        return SecretSource({key: given.get(key) for key in ("env", "file", "command", "keyring")})

    file = tmp_path / "key"
    file.write_text(KEY, "ascii")
    file.chmod(0o600)
    assert secret_at_hand(source(), "purpleflea", {"PFMM_API_KEY": KEY}) == KEY
    assert secret_at_hand(source(env="MINE"), "purpleflea", {"MINE": KEY}) == KEY
    assert secret_at_hand(source(file=str(file)), "purpleflea", {}) == KEY
    assert secret_at_hand(source(file=str(tmp_path / "none")), "purpleflea", {}) == ""
    assert secret_at_hand(source(command=("touch", str(tmp_path / "ran"))), "purpleflea", {}) == ""
    assert secret_at_hand(source(), "purpleflea", {}) == ""
    assert not (tmp_path / "ran").exists()
