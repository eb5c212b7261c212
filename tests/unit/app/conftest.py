"""A session over the embedded exchange in this process: what a use case is handed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.app.session import Session
from tests.e2e.homes import own_session, stepped_home


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """An account on a market whose time moves only when a test steps it."""
    stepped_home(tmp_path, seed=5)
    with own_session(tmp_path) as opened:
        yield opened
