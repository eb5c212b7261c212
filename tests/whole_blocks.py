"""Lets the fast ways read whole blocks of files that are small, as they do of large ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pfmm.tape import source_batches
from pfmm.tape.formats import binance_fast, bybit_fast, hftbacktest_fast, hyperliquid_fast, own_fast


@contextmanager
def whole_blocks(few: int = 2, block_bytes: int | None = None) -> Iterator[None]:
    """No file is too small, no shape of `few` lines or more too rare; blocks may be small, so that there are many."""
    sizes = [(source_batches, "FEW_BYTES", 0)]
    sizes += [(module, "FEW", few) for module in (binance_fast, bybit_fast, hyperliquid_fast, own_fast)]
    if block_bytes is not None:
        sizes += [(source_batches, name, block_bytes) for name in ("LINE_BYTES", "BLOCK_BYTES")]
        sizes += [(hftbacktest_fast, "CHUNK_ROWS", max(block_bytes // 50, 1))]
    with pytest.MonkeyPatch.context() as patch:
        for module, name, size in sizes:
            patch.setattr(module, name, size)
        yield
