"""The search for cycles of values is off meanwhile, and as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from pfmm.model.collecting import no_collecting


@pytest.mark.parametrize("before", [True, False])
def test_it_is_off_meanwhile_and_as_it_was_afterwards_whatever_happens(before: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if before else gc.disable)()
        with no_collecting():
            assert not gc.isenabled()
        assert gc.isenabled() is before
        with pytest.raises(ValueError, match="in it"), no_collecting():
            raise ValueError("in it")
        assert gc.isenabled() is before
    finally:
        (gc.enable if was else gc.disable)()
