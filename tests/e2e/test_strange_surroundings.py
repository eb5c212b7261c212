"""Shells, locales and users that are not as expected: the answer is whole or says what is wrong, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.driver import PATIENCE_S, environment, run, run_here
from tests.e2e.homes import open_orders, resting_grid, still_home
from tests.held import answer_of

HEADER = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size\n"
TABLE = HEADER + "".join(f"{1_760_000_000_000 + 1000 * n},quote,,,,99999.9,{n}.00001,100000.1,1\n" for n in range(60))


def shell(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs a line of a POSIX shell in which `"$PYTHON" -m pfmm` is the program and `$HOME` the home."""
    env = environment(home, {"PYTHON": sys.executable})
    return subprocess.run(
        ["/bin/sh", "-c", line], env={**env, "HOME": str(home)}, capture_output=True, text=True, check=False,
        timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        # a stream that is closed alone, and all three
        '"$PYTHON" -m pfmm --help >&-',
        '"$PYTHON" -m pfmm grid start BTC --cycles 1 <&- >&- 2>&-',
        *(
            pytest.param(line, marks=pytest.mark.slow)
            for line in (
                '"$PYTHON" -m pfmm grid start BTC --cycles 1 >&-',
                '"$PYTHON" -m pfmm record BTC --cycles 1 --out "$HOME/x.tape" >&-',
                '"$PYTHON" -m pfmm markets >&- 2>&-',
                '"$PYTHON" -m pfmm backtest sweep grid BTC --data "$HOME/x.csv" --set grid.range_pct=1,2 2>&-',
            )
        ),
    ],
)
def test_a_stream_that_is_closed_changes_nothing_else(tmp_path: Path, line: str) -> None:
    still_home(tmp_path)
    (tmp_path / "x.csv").write_text(TABLE, "utf-8")
    done = shell(line, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert open_orders(tmp_path) == []


def test_an_export_to_a_closed_stdout_cannot_be_written(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    done = shell('"$PYTHON" -m pfmm report --export - >&-', tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3,
        "pfmm: the output cannot be written: stdout is closed",
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("line", [("report",), ("help", "formulas"), ("help", "formulas", "--json")])
def test_a_terminal_gets_words_for_what_it_cannot_show(tmp_path: Path, encoding: str, line: tuple[str, ...]) -> None:
    resting_grid(tmp_path)
    done = run_here(*line, home=tmp_path, encoding=encoding)
    assert (done.code, "Traceback" in done.err) == (0, False)
    if "--json" in line:
        assert "−" in json.loads(done.out)["data"]["text"]
    elif line[0] == "help":
        assert ("γ" if encoding == "utf-8" else "gamma") in done.out
        assert encoding == "utf-8" or "\\u" not in done.out


@pytest.mark.parametrize(
    "surroundings",
    [
        {"LC_ALL": "C"},
        pytest.param({"PYTHONIOENCODING": "ascii"}, marks=pytest.mark.slow),
        pytest.param({"LANG": "POSIX"}, marks=pytest.mark.slow),
    ],
)
def test_an_older_locale_gets_words_for_what_it_cannot_show(tmp_path: Path, surroundings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pfmm", "help", "formulas"], env=environment(tmp_path, surroundings),
        capture_output=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    text = done.stdout.decode("ascii")
    assert ("gamma" in text, "\\u" in text) == (True, False)


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (("funding", "\udcff"), 6, "paper lists no market '\\udcff'"),
        (("--profile", "\udcff", "inventory"), 3, "there is no profile '\\udcff'"),
        (("profile", "set", "secret.command", "\udcff"), 3, "secret.command must be a command and its arguments"),
    ],
)
def test_a_word_that_is_no_text_is_named(tmp_path: Path, line: tuple[str, ...], code: int, told: str) -> None:
    done = run_here(*line, "--json", "-q", home=tmp_path)
    assert (done.code, done.error["exit_code"], done.err) == (code, code, "")
    assert told in done.error["message"]


def test_a_byte_that_is_no_text_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pfmm", "funding", b"\xff", "--json", "-q"], env=environment(tmp_path),
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (6, "")
    assert "paper lists no market '\\udcff'" in answer_of(done.stdout)["error"]["message"]


def test_a_home_of_nobody_is_a_configuration_error(tmp_path: Path) -> None:
    wrong = run("inventory", "--json", home=tmp_path, env={"PFMM_HOME": "~no-such-user/pfmm"})
    assert (wrong.code, wrong.error["code"]) == (3, "config")
    assert "'~no-such-user/pfmm'" in wrong.error["message"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become a user whom the system does not know")
def test_a_user_without_a_home_is_told_to_name_a_folder() -> None:
    line = "import os; from pfmm.config.paths import Paths; Paths.from_env({}); os.setuid(54_321); Paths.from_env({})"
    bare = {key: value for key, value in os.environ.items() if key != "HOME" and not key.startswith("XDG_")}
    done = subprocess.run([sys.executable, "-c", line], env=bare, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "pfmm.errors.ConfigError: this user has no home folder"


def test_a_key_file_of_nobody_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    assert run("profile", "create", "live", "--venue", "purpleflea", home=tmp_path).code == 0
    assert run("profile", "set", "secret.file", "~no-such-user/key", "--profile", "live", home=tmp_path).code == 0
    assert run("profile", "show", "live", "--json", home=tmp_path).data["secret"] == "unset"
    done = run("--profile", "live", "inventory", "--json", home=tmp_path, env={"PFMM_BASE_URL": "http://127.0.0.1:9"})
    assert (done.code, done.error["code"]) == (3, "secret")
    assert "cannot read the key file ~no-such-user/key: No such file" in done.error["message"]
    doctor = run("--profile", "live", "doctor", "--json", home=tmp_path, env={"PFMM_BASE_URL": "http://127.0.0.1:9"})
    (key,) = [check for check in doctor.envelope["data"]["checks"] if check["name"] == "key"]
    assert (key["verdict"], "~no-such-user/key" in key["detail"]) == ("fail", True)
