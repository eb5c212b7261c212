"""Command lines that cannot work, and outputs that cannot be written: the answer names what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.driver import PATIENCE_S, environment, run, run_here
from tests.e2e.homes import open_orders, still_home


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (("grid", "plan", "BTC", "--upper", "5"), 2, ("upper 5 must be above the price",)),
        (("grid", "plan", "BTC", "--lower", "999999"), 2, ("lower 999999 must be below the price",)),
        (("profile", "create", "Bad/Name"), 2, ("NAME", "'Bad/Name'")),
        (("--profile", "", "flatten", "--all"), 2, ("--profile", "must name a profile, not ''")),
        (("inventory", "--profile="), 2, ("--profile", "must name a profile, not ''")),
        (
            ("profile", "set", "run.max_inventory_usd", "100", "--market", ""),
            2,
            ("--market", "must name a market, not ''"),
        ),
        (("profile", "unset", "grid.levels", "--market", "BTC ETH"), 2, ("must name a market, not 'BTC ETH'",)),
        (("profile", "show", "--market", "BTC-PERP\udcff"), 2, ("must name a market, not 'BTC-PERP\\udcff'",)),
        (("grid", "start"), 2, ("Missing argument 'MARKET'",)),
        (("profile", "delete", "paper"), 2, ("`paper` cannot be deleted",)),
        (("paper", "deposit", "-5"), 2, ("-5", "`-- -5`")),
        (("paper", "deposit", "--", "-5"), 2, ("AMOUNT", "must be above 0, not -5")),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, line: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
    done = run_here(*line, home=tmp_path)
    assert (done.code, done.out) == (code, "")
    for word in words:
        assert word in done.err


def test_a_plan_warns_of_what_start_would_refuse(tmp_path: Path) -> None:
    still_home(tmp_path)
    ranged = ("--range-pct", "0.35")
    plan = ("grid", "plan", "BTC", *ranged, "--size")
    assert run(*plan, 20, "--json", home=tmp_path).envelope["warnings"] == []
    (warning,) = run(*plan, 3000, "--json", home=tmp_path).envelope["warnings"]
    refused = run("grid", "start", "BTC", *ranged, "--size", 3000, "--once", "--json", home=tmp_path)
    assert refused.code == 7
    assert warning == f"start would refuse: {refused.error['message']}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(("markets",), marks=pytest.mark.slow),
        pytest.param(("markets", "--json"), marks=pytest.mark.slow),
        ("grid", "start", "BTC", "--cycles", "1"),
    ],
)
def test_a_full_disk_is_no_bug_and_leaves_nothing_resting(tmp_path: Path, line: tuple[str, ...]) -> None:
    still_home(tmp_path)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pfmm", *line],
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    assert done.returncode == 3
    assert "the output cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert open_orders(tmp_path) == []


def test_verbose_says_which_account_is_meant_and_quiet_output_stays_data(tmp_path: Path) -> None:
    plain, talking = run("paper", "status", home=tmp_path), run("-v", "markets", "--json", home=tmp_path)
    assert plain.err == ""
    assert "profile paper: venue paper (in this process), account default" in talking.err
    assert str(tmp_path) in talking.err
    assert talking.envelope["ok"]


def test_doctor_sees_that_a_file_stands_where_the_state_folder_would_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder", "utf-8")
    done = run("doctor", "--json", home=tmp_path)
    (check,) = [row for row in done.envelope["data"]["checks"] if row["name"] == "state folder"]
    assert done.code == 3
    assert (check["verdict"], check["detail"]) == ("fail", f"{tmp_path / 'state'} is not a folder")


def test_a_profile_is_deleted_only_after_a_word_for_it(tmp_path: Path) -> None:
    assert run("profile", "create", "spare", home=tmp_path).code == 0
    refused = run("profile", "delete", "spare", home=tmp_path)
    assert (refused.code, "no terminal to ask on" in refused.err) == (2, True)
    assert run("profile", "delete", "spare", "--yes", home=tmp_path).code == 0
