"""Fixtures shared by every suite."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import DefaultContext, localcontext
from pathlib import Path
from typing import Any

import pytest

from tests.examples import MANY, load_profile
from tests.sqlite_steps import Steps, count_steps

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30

# started under nohup the suite inherits an ignored hang-up, and its processes would inherit it from here: the tests of
# an ignored hang-up ignore it themselves
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# and an ignored interrupt where a shell started it in the background
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# compiled modules are kept, whatever the caller's shell says: without them every worker rewrites every test file, and
# every process that a test starts compiles the package, which takes longer than most tests
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def _write_to_memory() -> None:
    """Lets tests, and the processes that they start, write to memory where the system offers a folder of it.

    A durable commit waits for the disk, and the suite makes tens of thousands. A killed process loses nothing of
    either kind; what a power cut would lose no test can see. A TMPDIR that is set decides for itself.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.R_OK | os.W_OK | os.X_OK):
        return
    if os.statvfs(MEMORY).f_flag & os.ST_NOEXEC or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


_write_to_memory()
load_profile()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts what waits first: at the end of a run nobody would work beside it."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)


def pytest_configure(config: pytest.Config) -> None:
    """With `-m slow` the properties that are dear to check get all of their examples, and are selected."""
    chosen = config.option.markexpr
    if "slow" in chosen and "not slow" not in chosen and not config.getoption("--hypothesis-profile"):
        load_profile(MANY)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benches are not even imported where they are not asked for."""
    return True if collection_path.name == "bench" and "not bench" in config.option.markexpr else None


def pytest_collection(session: pytest.Session) -> None:
    """Of several processes each imports a share of the test files first, and finds those of the others compiled.

    Rewriting the assertions of all takes longer than many a suite, and they all collect the same files in one order.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or [Path(one).name for one in session.config.args] != ["tests"]:
        return
    number, workers = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    for file in sorted((ROOT / "tests").rglob("test_*.py"))[number::workers]:
        if "bench" not in file.parts:
            # one that cannot be imported says so where it is collected
            with suppress(Exception, pytest.skip.Exception):
                importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


@pytest.fixture
def shared_data() -> Path:
    """The folder with recorded market data beside the checkout; the test skips where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("recorded market data (../shared/data) is not here")
    return folder


@pytest.fixture
def pfmm_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private PFMM_HOME: configuration, state and logs of this test alone."""
    home = tmp_path / "home"
    monkeypatch.setenv("PFMM_HOME", str(home))
    monkeypatch.setenv("PFMM_PAPER_SEED", "1")
    for name in ("PFMM_PROFILE", "PFMM_VENUE", "PFMM_ACCOUNT", "PFMM_API_KEY", "PURPLE_FLEA_KEY"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session", autouse=True)
def _wrong_answers() -> Iterator[list[str]]:
    """What is not as its schema says, in all that this process prints; also for fixtures of a whole file."""
    from pfmm.cli import output

    written: Callable[[Any], str] = output.json_line
    wrong: list[str] = []

    def held(value: dict[str, Any]) -> str:
        from tests.held import differences

        line = written(value)
        wrong.extend(differences(json.loads(line)))
        return line

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(output, "json_line", held)
        yield wrong


@pytest.fixture(autouse=True)
def _answers_hold_to_their_schemas(_wrong_answers: list[str]) -> Iterator[None]:
    """Every answer and every event that a test has printed in this process is what its schema says."""
    yield
    found = _wrong_answers[:5]
    _wrong_answers.clear()
    assert not found, f"{found}; after a change: pfmm help schema --write pfmm/help/schema"


@pytest.fixture(autouse=True)
def _decimals_as_python_has_them() -> Iterator[None]:
    """What a library does to the context of this thread, as ccxt rounds halves up from then on, ends with its test."""
    with localcontext(DefaultContext):
        yield


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Counts what SQLite does in this test."""
    return count_steps(monkeypatch)
