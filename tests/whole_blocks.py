"""Lets the fast ways read whole blocks of files that are small, as they do of large ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pfmm.tape import source_batches
from pfmm.tape.formats import binance_fast, bybit_fast, hyperliquid_fast, own_fast


@contextmanager
def whole_blocks(few: int = 2) -> Iterator[None]:
    """No file is too small, and no shape of `few` lines or more too rare."""
    modules = (binance_fast, bybit_fast, hyperliquid_fast, own_fast)
    before = source_batches.FEW_BYTES, [module.FEW for module in modules]
    source_batches.FEW_BYTES = 0
    for module in modules:
        module.FEW = few
    try:
        yield
    finally:
        source_batches.FEW_BYTES, each = before
        for module, value in zip(modules, each, strict=True):
            module.FEW = value
