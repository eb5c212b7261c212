"""When the interpreter looks for values that only refer to each other. A mechanism; knows no values. Layer: model."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collecting() -> Iterator[None]:
    """Look for no cycles of values meanwhile: a run makes millions of small values and none of them, and to look costs
    a tenth of it. What is left afterwards counts as old: it is looked at when everything is."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.unfreeze()  # from there all of it goes to the oldest
            gc.enable()
