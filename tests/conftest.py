"""Fixtures shared by every suite."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.sqlite_steps import Steps, count_steps

ROOT = Path(__file__).resolve().parents[1]

# started under nohup the suite inherits an ignored hang-up, and its processes would inherit it from here: the tests of
# an ignored hang-up ignore it themselves
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# how long an example takes depends on what else the machine does: speed is for the benches
explore = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# the same commit gives the same verdict; `--hypothesis-profile explore` looks for new examples
settings.register_profile("pfmm", explore, derandomize=True)
settings.register_profile("explore", explore)
settings.load_profile("pfmm")


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
