"""A lock excludes whom it should, and a wait for it ends."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.store import flock


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[int, int]]:
    path = tmp_path / "locks" / "one.lock"
    descriptors = (flock.opened(path), flock.opened(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("mine_shared", "other_shared", "gets_it"),
    [(False, False, False), (False, True, False), (True, False, False), (True, True, True)],
)
def test_only_those_that_share_have_it_together(
    two: tuple[int, int], mine_shared: bool, other_shared: bool, gets_it: bool
) -> None:
    mine, other = two
    assert flock.try_lock(mine, shared=mine_shared)
    assert flock.try_lock(other, shared=other_shared) is gets_it


def test_what_cannot_be_locked_is_an_error_and_not_somebody_elses(two: tuple[int, int]) -> None:
    closed = os.dup(two[0])
    os.close(closed)
    with pytest.raises(OSError, match="Bad file descriptor"):
        flock.try_lock(closed)


def test_a_wait_ends_with_the_condition_or_with_the_patience() -> None:
    answers = iter([False, False, True])
    assert flock.wait_for(lambda: next(answers), 60)
    assert list(answers) == []
    assert not flock.wait_for(lambda: False, 0)
    assert flock.wait_for(lambda: True, 0)  # asked once at least
