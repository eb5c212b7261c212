"""The completion files in the shells that they are for: what the Tab key offers."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pfmm.app.market_names import file_of, packaged, remember
from pfmm.app.session import Session
from pfmm.config.tables import every
from pfmm.strategy.registry import STRATEGIES

FOLDER = Path(__file__).resolve().parents[2] / "completions"
FISH = shlex.quote(str(FOLDER / "pfmm.fish"))
PATIENCE_S = 60.0

# the shell's own completion functions print what they are given: it is what would be offered
ZSH = """\
compdef() { :; }
compadd() { while [[ "$1" != -- ]]; do shift; done; shift; print -l -- "$@"; }
compset() { PREFIX="${PREFIX#*=}"; }
_describe() { print -l -- "${(@)${(@P)2}%%:*}"; }
_files() { :; }
source "$1"; shift
words=("$@"); CURRENT=$#; PREFIX="${@[-1]}"
_pfmm
"""
BASH = """\
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_pfmm
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two profiles, the markets of one of them, and the log of a run."""
    home = tmp_path_factory.mktemp("completions")
    (home / "config.toml").write_text(
        'schema = 1\nactive = "live"\n\n[profiles.live]\nvenue = "hyperliquid"\n\n[profiles.live.grid]\nlevels = 5\n\n'
        '[profiles."my.own"]\n',
        "utf-8",
    )
    remember(home / "cache", "live", ["BTC-PERP", "BTT-PERP", "xyz", "$(touch /tmp/never)", "two words"])
    (home / "log").mkdir()
    (home / "log" / "grid-BTC-PERP.log").touch()
    return home


def _out(home: Path, *command: str) -> str:
    """What a shell says that reads no start-up file of the user, and nothing on stderr."""
    shell = shutil.which(command[0])
    if shell is None:
        pytest.skip(f"{command[0]} is not here")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "PFMM_"))}
    plain = {**kept, "HOME": os.devnull, "LC_ALL": "C.UTF-8", "PFMM_HOME": str(home)}
    done = subprocess.run([shell, *command[1:]], capture_output=True, text=True, check=True, env=plain, timeout=300)
    assert done.stderr == ""
    return done.stdout


def bash(home: Path, words: list[str]) -> list[str]:
    split = [part for word in words for part in word.replace("=", " = ").split(" ")]  # as bash hands it to a function
    return _out(home, "bash", "--norc", "-c", BASH, "bash", str(FOLDER / "pfmm.bash"), *split).split()


def zsh(home: Path, words: list[str]) -> list[str]:
    offered = _out(home, "zsh", "-f", "-c", ZSH, "zsh", str(FOLDER / "_pfmm"), *words).split()
    typed = words[-1].rpartition("=")[2] if words[-1].startswith("-") else words[-1]
    return [word for word in offered if word.startswith(typed)]  # the line editor's own part


def fish(home: Path, words: list[str]) -> list[str]:
    line = " ".join(words)
    out = _out(home, "fish", "--no-config", "-c", f"cd /; source {FISH}; complete -C '{line}'")
    found = [text.split("\t")[0] for text in out.splitlines() if not text.split("\t")[0].endswith("/")]
    option = words[-1].rpartition("=")[0] if words[-1].startswith("-") else ""
    return [text.removeprefix(f"{option}=") for text in found]


GRID = {name for name in every() if name.startswith("grid.")}


@pytest.mark.parametrize("offer", [bash, zsh, fish])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pfmm prof", {"profile"}),
        ("pfmm --json profile s", {"show", "set"}),
        ("pfmm profile set --mar", {"--market"}),
        ("pfmm profile show --j", {"--json"}),
        ("pfmm paper feed ", {"synthetic", "replay", "live"}),
        ("pfmm --profile paper gr", {"grid"}),  # the value of an option is no command
        ("pfmm --profile=paper gr", {"grid"}),
        ("pfmm --profile paper grid start --max", {"--max-inventory", "--max-loss"}),
        ("pfmm inventory --interval 5 --as", {"--assert"}),
        ("pfmm --profile re", set()),
        ("pfmm help j", {"json"}),
        ("pfmm completions ", {"bash", "zsh", "fish"}),
        # values
        ("pfmm grid start BT", {"BTC-PERP", "BTT-PERP"}),
        ("pfmm quote start BTC-PERP BT", {"BTC-PERP", "BTT-PERP"}),
        ("pfmm grid start BTC-PERP ", set()),  # it takes one
        ("pfmm --profile paper grid start BT", {name for name in packaged() if name.startswith("BT")}),
        ("pfmm grid start BTC-PERP --on-exit ", {"cancel", "keep", "flatten"}),
        ("pfmm grid start --on-exit k", {"keep"}),
        ("pfmm --profile ", {"paper", "live", "my.own"}),
        ("pfmm --profile=l", {"live"}),
        ("pfmm profile use ", {"paper", "live", "my.own"}),
        ("pfmm profile create ", set()),
        ("pfmm profile create new --from l", {"live"}),
        ("pfmm profile create new --venue ", {"paper", "purpleflea", "hyperliquid"}),
        ("pfmm profile set grid.", GRID),
        ("pfmm backtest run ", set(STRATEGIES)),
        ("pfmm backtest run grid BTC-PERP --set grid.lev", {"grid.levels="}),
        ("pfmm backtest run --queue ", {"pessimistic", "optimistic", "both"}),
        ("pfmm backtest sweep grid BTC --fees h", {"hyperliquid"}),
        ("pfmm funding --sort ", {"rate", "apr", "market"}),
        ("pfmm report --strategy q", {"quote"}),
        ("pfmm logs grid-", {"grid-BTC-PERP"}),
        ("pfmm events --run grid", {"grid", "grid-BTC-PERP"}),
    ],
)
def test_the_shell_offers_what_fits(
    home: Path, offer: Callable[[Path, list[str]], list[str]], line: str, offered: set[str]
) -> None:
    assert set(offer(home, line.split(" "))) == offered


def test_apostrophes_of_the_help_survive_quoting(home: Path) -> None:
    out = _out(home, "fish", "--no-config", "-c", f"source {FISH}; complete -C 'pfmm mar'")
    assert "List the venue's instruments" in out
    whole = ZSH.replace("%%:*", "")
    shown = _out(home, "zsh", "-f", "-c", whole, "zsh", str(FOLDER / "_pfmm"), "pfmm", "mar")
    assert "List the venue's instruments" in shown


def test_names_of_markets_are_kept_when_they_are_listed(tmp_path: Path) -> None:
    from tests.e2e.homes import own_session, stepped_home

    stepped_home(tmp_path, seed=5)
    with own_session(tmp_path) as session:
        assert isinstance(session, Session)
        assert session.market("btc").market == "BTC-PERP"
    file = file_of(tmp_path / "cache", "paper")
    assert file.read_text("utf-8").splitlines() == list(packaged())
    before = file.stat()
    with own_session(tmp_path) as session:
        session.market("eth")
    assert file.stat().st_mtime_ns == before.st_mtime_ns, "written only when something changed"


def test_what_is_no_plain_word_is_never_kept(tmp_path: Path) -> None:
    remember(tmp_path, "p", ["BTC-PERP", "$(id)", "a b", "`id`", "xyz:TSLA", "", "-rf"])
    assert file_of(tmp_path, "p").read_text("utf-8") == "BTC-PERP\nxyz:TSLA\n"
    remember(Path(os.devnull), "p", ["BTC-PERP"])  # a place that cannot be written is no failure


@pytest.fixture
def typed(home: Path) -> Iterator[Callable[..., str]]:
    """Types a line into a real, interactive shell on a terminal of its own, until what is expected is shown."""
    opened: list[tuple[int, int]] = []

    def type_into(shell: list[str], lines: list[str], keys: str, expected: str) -> str:
        path = shutil.which(shell[0])
        if path is None:
            pytest.skip(f"{shell[0]} is not here")
        child, fd = pty.fork()
        if child == 0:
            environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PFMM_HOME": str(home), "TERM": "dumb"}
            os.execve(path, shell, {**environment, "LC_ALL": "C.UTF-8", "PS1": "% "})
        opened.append((child, fd))
        ready = "ready-" + "steady"
        os.write(fd, "".join(f"{line}\n" for line in [*lines, "echo ready-''steady"]).encode())
        seen = _until(fd, ready, "")
        os.write(fd, keys.encode())
        return _until(fd, expected, seen.rpartition(ready)[2])

    yield type_into
    for child, fd in opened:
        os.close(fd)
        os.waitpid(child, 0)


def _until(fd: int, wanted: str, seen: str) -> str:
    deadline_s = time.monotonic() + PATIENCE_S
    while wanted not in seen:
        assert select.select([fd], [], [], max(0.0, deadline_s - time.monotonic()))[0], f"no {wanted!r} in {seen!r}"
        seen += os.read(fd, 65_536).decode(errors="replace")
    return seen


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        (["bash", "--norc", "--noprofile", "-i"], [f"source {shlex.quote(str(FOLDER / 'pfmm.bash'))}"]),
        (["zsh", "-f", "-i"], ["autoload -U compinit; compinit -u -D", f"source {shlex.quote(str(FOLDER / '_pfmm'))}"]),
    ],
    ids=["bash", "zsh"],
)
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("pfmm grid start BTC\t", "BTC-PERP"),
        pytest.param("pfmm grid start BTC --on-exit fl\t", "flatten", marks=pytest.mark.slow),
        pytest.param("pfmm profile use m\t", "my.own", marks=pytest.mark.slow),
        ("pfmm grid start btc\t", "BTC-PERP"),
    ],
)
def test_the_tab_key_itself(
    typed: Callable[..., str], shell: list[str], lines: list[str], keys: str, expected: str
) -> None:
    assert expected in typed(shell, lines, keys, expected)
