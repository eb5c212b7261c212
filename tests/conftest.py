"""Fixtures shared by every suite."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from tests.examples import MANY, load_profile
from tests.sqlite_steps import Steps, count_steps

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30

# started under nohup the suite inherits an ignored hang-up, and its processes would inherit it from here: the tests of
# an ignored hang-up ignore it themselves
signal.signal(signal.SIGHUP, signal.SIG_DFL)

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


def pytest_configure(config: pytest.Config) -> None:
    """With `-m slow` the properties that are dear to check get all of their examples, and are selected."""
    chosen = config.option.markexpr
    if "slow" in chosen and "not slow" not in chosen and not config.getoption("--hypothesis-profile"):
        load_profile(MANY)


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


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Counts what SQLite does in this test."""
    return count_steps(monkeypatch)
