"""The targets of .ci/fuzz accept their own seeds, and survive them cut and with a byte changed."""

from __future__ import annotations

import random

import pytest

from pfmm.errors import PfmmError
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_broken_seed_is_read_or_refused_by_an_error_of_the_tree(name: str) -> None:
    target, dice = TARGETS[name], random.Random(name)
    seeds = list(target.seeds())
    for seed in dice.sample(seeds, min(len(seeds), 12)):
        place = dice.randrange(len(seed))
        for data in (seed, seed[:place], seed[:place] + bytes([dice.randrange(256)]) + seed[place + 1 :]):
            target.run(data)


def test_a_bug_is_let_through() -> None:
    """What is no error of the tree must reach the fuzzer: the targets swallow nothing else."""
    assert not issubclass(RecursionError, PfmmError)
    with pytest.raises(TypeError):
        TARGETS["answers"].run("no bytes")  # type: ignore[arg-type]
