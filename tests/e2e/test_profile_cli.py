"""`pfmm profile` as a user meets it: every command, text and JSON, and each way it can go wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pfmm.cli import app
from tests.e2e.driver import PATIENCE_S, run_here, run_process
from tests.held import answer_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pfmm(pfmm_home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs one command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = app.run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def answer(result: tuple[int, str, str]) -> Any:
    """The `data` of a successful envelope, and nothing but the envelope on stdout."""
    code, out, _ = result
    envelope = answer_of(out)
    assert (code, envelope["schema"], envelope["ok"]) == (0, "pfmm/1", True)
    return envelope["data"]


def failure(result: tuple[int, str, str]) -> tuple[int, str, str]:
    """Exit code, error code and message of a failure's envelope."""
    code, out, _ = result
    envelope = answer_of(out)
    assert envelope["ok"] is False
    assert envelope["error"]["exit_code"] == code
    return code, envelope["error"]["code"], envelope["error"]["message"]


def test_a_life_of_a_profile(pfmm: Any, pfmm_home: Path) -> None:
    assert answer(pfmm("profile", "list", "--json"))["profiles"] == [
        {"name": "paper", "venue": "paper", "account": "default", "active": True, "built_in": True}
    ]
    assert not pfmm_home.exists()  # reading made nothing
    assert pfmm("profile", "create", "live", "--venue", "purpleflea")[::2] == (0, "created profile live\n")
    assert pfmm("profile", "set", "grid.levels", "20", "--profile", "live")[0] == 0
    assert pfmm("profile", "set", "grid.levels", "30", "--market", "btc-perp", "--profile", "live")[0] == 0
    assert pfmm("profile", "set", "grid.size_usd", "12.5", "--market", "BTC", "--profile", "live")[0] == 0
    shown = answer(pfmm("profile", "show", "live", "--market", "BTC", "--json"))
    assert (shown["venue"], shown["settings"]["grid.levels"], shown["sources"]["grid.levels"]) == (
        "purpleflea",
        30,
        "market",
    )
    assert shown["settings"]["grid.size_usd"] == "12.5"
    assert shown["path"] == str(pfmm_home / "config.toml")
    assert answer(pfmm("profile", "show", "live", "--json"))["settings"]["grid.levels"] == 20
    assert pfmm("profile", "unset", "grid.levels", "--market", "BTC", "--profile", "live")[0] == 0
    assert answer(pfmm("profile", "show", "live", "--market", "BTC", "--json"))["settings"]["grid.levels"] == 20

    assert pfmm("profile", "create", "copy", "--from", "live", "--account", "desk")[0] == 0
    assert answer(pfmm("--json", "profile", "show", "copy"))["settings"]["grid.levels"] == 20
    assert pfmm("profile", "set", "grid.levels", "21", "--profile", "copy")[0] == 0
    assert answer(pfmm("--json", "profile", "show", "live"))["settings"]["grid.levels"] == 20  # the copy is its own

    assert pfmm("profile", "use", "live")[0] == 0
    assert answer(pfmm("profile", "show", "--json"))["name"] == "live"
    assert failure(pfmm("profile", "delete", "live", "--yes", "--json"))[:2] == (2, "usage")
    assert pfmm("profile", "use", "paper")[0] == 0
    assert answer(pfmm("profile", "delete", "live", "--yes", "--json"))["done"] == "deleted profile live"
    assert [row["name"] for row in answer(pfmm("profile", "list", "--json"))["profiles"]] == ["paper", "copy"]


def test_text_is_for_people(pfmm: Any) -> None:
    code, out, err = pfmm("profile", "show")
    assert (code, err) == (0, "")
    assert out.startswith("profile paper   paper money   key not needed on paper\n")
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()[3:]}
    assert lines["grid.levels"] == ["10", "default"]
    assert lines["quote.calibrate"] == ["true", "default"]
    assert lines["run.max_loss_usd"] == ["unset", "default"]
    assert pfmm("profile", "list")[1].splitlines()[1].split() == ["*", "paper", "paper", "default"]
    assert pfmm("profile", "set", "grid.levels", "5")[::2] == (0, "paper: grid.levels = 5\n")
    assert pfmm("-q", "profile", "set", "grid.levels", "6") == (0, "", "")


@pytest.mark.parametrize(
    ("made", "money"),
    [
        (("--venue", "paper"), "paper money"),
        (("--venue", "purpleflea"), "REAL money: purpleflea"),
    ],
)
def test_a_profile_says_whose_money_it_moves(pfmm: Any, made: tuple[str, ...], money: str) -> None:
    assert pfmm("profile", "create", "other", *made)[0] == 0
    assert pfmm("profile", "show", "other")[1].splitlines()[0].startswith(f"profile other   {money}   key ")


def test_paths_are_told(pfmm: Any, pfmm_home: Path) -> None:
    assert answer(pfmm("profile", "path", "--json")) == {
        "config": str(pfmm_home / "config.toml"),
        "state": str(pfmm_home / "state"),
        "log": str(pfmm_home / "log"),
    }


@pytest.mark.parametrize(
    ("arguments", "expected", "message"),
    [
        (["set", "grid.levls", "3"], (3, "config"), "there is no setting 'grid.levls'"),
        (["set", "grid.levels", "0"], (3, "config"), "grid.levels must be 2 to 500, not 0"),
        (["set", "grid.levels", "nan"], (3, "config"), "grid.levels must be a whole number, not 'nan'"),
        (["set", "run.interval_s", "inf"], (3, "config"), "run.interval_s must be a number, not 'inf'"),
        (["set", "venue", "purpleflea"], (3, "config"), "always trades on paper"),
        (["set", "account", "x", "--market", "BTC"], (2, "usage"), "account cannot differ by market"),
        (["set", "run.on_exit", "keep", "--market", "BTC"], (2, "usage"), "run.on_exit cannot differ by market"),
        (["set", "flatten.timeout_s", "9", "--market", "BTC"], (2, "usage"), "flatten.timeout_s cannot differ by"),
        (["set", "secret.value", "hunter2"], (3, "config"), "keys are never stored in the config file"),
        (["set", "secret.env", "sk_hunter2"], (3, "config"), "must be the NAME of an environment variable"),
        (["set", "base_url", "http://example.org"], (3, "config"), "must use https"),
        (["unset", "grid.levls"], (3, "config"), "there is no setting"),
        (["create", "paper"], (3, "config"), "exists already"),
        (["create", "../x"], (2, "usage"), "NAME must be letters"),
        (["create", "x", "--venue", "nowhere"], (3, "config"), "venue must be paper | purpleflea"),
        (["create", "x", "--from", "nothing"], (3, "config"), "there is no profile 'nothing'"),
        (["use", "nothing"], (3, "config"), "there is no profile 'nothing'"),
        (["show", "nothing"], (3, "config"), "there is no profile 'nothing'"),
        (["delete", "nothing", "--yes"], (3, "config"), "there is no profile 'nothing'"),
        (["delete", "paper", "--yes"], (2, "usage"), "cannot be deleted"),
        (["delete", "paper"], (2, "usage"), "cannot be deleted"),
    ],
)
def test_what_is_refused(
    pfmm: Any, pfmm_home: Path, arguments: list[str], expected: tuple[int, str], message: str
) -> None:
    code, name, text = failure(pfmm("profile", *arguments, "--json"))
    assert (code, name) == expected
    assert message in text
    assert "hunter2" not in text
    assert not (pfmm_home / "config.toml").exists()


def test_the_key_is_never_shown_nor_stored(pfmm: Any, pfmm_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pfmm("profile", "create", "live", "--venue", "purpleflea")[0] == 0
    assert answer(pfmm("profile", "show", "live", "--json"))["secret"] == "unset"
    monkeypatch.setenv("MY_KEY", "hunter2")
    result = pfmm("profile", "set", "secret.env", "MY_KEY", "--profile", "live", "--json")
    assert answer(result)["done"] == "live: secret.env"
    for arguments in (("profile", "show", "live"), ("profile", "show", "live", "--json"), ("profile", "list")):
        code, out, err = pfmm(*arguments)
        assert code == 0
        assert "hunter2" not in out + err
        assert "MY_KEY" not in out
    assert answer(pfmm("profile", "show", "live", "--json"))["secret"] == "set"
    assert pfmm("profile", "set", "secret.command", "pass show x", "--profile", "live")[0] == 0  # replaces the variable
    text = (pfmm_home / "config.toml").read_text()
    assert "MY_KEY" not in text
    assert "hunter2" not in text


def test_lost_comments_are_told(pfmm: Any, pfmm_home: Path) -> None:
    pfmm_home.mkdir()
    (pfmm_home / "config.toml").write_text("# keep me\nschema = 1\n")
    _, _, err = pfmm("profile", "set", "grid.levels", "5")
    assert "comments in" in err
    assert "did not survive" in err
    assert "comments" not in pfmm("profile", "set", "grid.levels", "6")[2]


def test_a_corrupt_file_stops_only_what_needs_it(pfmm: Any, pfmm_home: Path) -> None:
    pfmm_home.mkdir()
    file = pfmm_home / "config.toml"
    file.write_bytes(b"schema = 1\n\xff\xfe")
    for arguments in (["show"], ["list"], ["set", "grid.levels", "3"], ["use", "paper"]):
        code, name, message = failure(pfmm("profile", *arguments, "--json"))
        assert (code, name) == (3, "config")
        assert f"{file}, line 2" in message
    assert file.read_bytes() == b"schema = 1\n\xff\xfe"
    for arguments in (["profile", "path"], ["help"], ["help", "json"], ["completions", "bash"], ["--version"]):
        assert pfmm(*arguments)[0] == 0


def test_as_a_process_with_stdin_closed(tmp_path: Path) -> None:
    bare, asked = run_process(home=tmp_path), run_process("--help", home=tmp_path)
    assert bare.out == asked.out
    assert (bare.code, asked.code) == (0, 0)
    assert asked.out.startswith("Usage: pfmm [OPTIONS] COMMAND")
    assert run_here("-q", "--help", home=tmp_path).out == asked.out  # the long way shows the same
    version = run_process("--version", home=tmp_path)
    assert version.out.startswith("pfmm 0.")
    assert run_here("profile", "--version", home=tmp_path).out == version.out
    missing = run_here("profil", home=tmp_path)
    assert (missing.code, missing.out) == (2, "")
    assert "did you mean `pfmm profile`?" in missing.err
    assert run_here("profile", home=tmp_path).code == 2
    declined = run_here("profile", "delete", "paper", home=tmp_path)
    assert declined.code == 2


# another command deletes the profile when `profile set` is about to lock the config file, its own look at it behind it
DELETED_WITHIN = """
import contextlib, io, sys
from pfmm.cli.app import run
deleted = []
def hook(event, arguments):
    if event == "fcntl.flock" and not deleted:
        deleted.append(event)
        with contextlib.redirect_stdout(io.StringIO()):
            assert run(["profile", "delete", "live", "--yes"]) == 0
sys.addaudithook(hook)
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "change", [("set", "grid.levels", "20"), pytest.param(("unset", "grid.levels"), marks=pytest.mark.slow)]
)
def test_a_profile_that_is_deleted_meanwhile_does_not_come_back(
    pfmm: Any, pfmm_home: Path, change: tuple[str, ...]
) -> None:
    """It would come back without its venue: as one of paper money, under the name of the live one."""
    assert pfmm("profile", "create", "live", "--venue", "purpleflea")[0] == 0
    command = [sys.executable, "-c", DELETED_WITHIN, "profile", *change, "--profile", "live", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert failure((done.returncode, done.stdout, done.stderr))[:2] == (3, "config")
    assert "live" not in answer(pfmm("profile", "list", "--json"))["profiles"][-1].values()
