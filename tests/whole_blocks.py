"""Lets the fast ways read whole blocks of files that are small, as they do of large ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pfmm.tape import source_batches
from pfmm.tape.formats import binance_fast, bybit_fast, hyperliquid_fast


@contextmanager
def whole_blocks(few: int = 2) -> Iterator[None]:
    """No file is too small, and no shape of `few` lines or more too rare."""
    bytes_before = source_batches.FEW_BYTES
    before = binance_fast.FEW, bybit_fast.FEW, hyperliquid_fast.FEW
    source_batches.FEW_BYTES = 0
    binance_fast.FEW = bybit_fast.FEW = hyperliquid_fast.FEW = few
    try:
        yield
    finally:
        source_batches.FEW_BYTES = bytes_before
        binance_fast.FEW, bybit_fast.FEW, hyperliquid_fast.FEW = before
