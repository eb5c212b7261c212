"""Blocks of JSON lines as integer columns, for the formats that carry millions of lines. Layer: tape.

As with tables, a block in which anything is unusual raises Doubt and is read line by line instead; what a reader
remembers is then as it was before the block.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

from pfmm.tape.batches import Batch
from pfmm.tape.layout import LineReader
from pfmm.tape.sources import Block, Source


class FastLines(Protocol):
    """Reads whole blocks of one format's lines."""

    def read(self, block: Block, source: Source, *, stamped: bool) -> list[Batch]:
        """Read the events of a block; where it is not plain, remember nothing of it and raise Doubt."""


def fast_lines_of(reader: LineReader) -> FastLines | None:
    """Return the fast way through a reader's lines; None where it has none, or what that needs is not installed."""
    from pfmm.tape.formats.binance_stream import BinanceReader
    from pfmm.tape.formats.bybit import BybitReader
    from pfmm.tape.formats.hyperliquid import HyperliquidReader
    from pfmm.tape.formats.own import RecordingReader

    if find_spec("orjson") is None or find_spec("pyarrow") is None:
        return None
    if isinstance(reader, BinanceReader):
        from pfmm.tape.formats.binance_fast import BinanceFast

        return BinanceFast(reader)
    if isinstance(reader, HyperliquidReader):
        from pfmm.tape.formats.hyperliquid_fast import HyperliquidFast

        return HyperliquidFast(reader)
    if isinstance(reader, BybitReader):
        from pfmm.tape.formats.bybit_fast import BybitFast

        return BybitFast(reader)
    if isinstance(reader, RecordingReader):
        from pfmm.tape.formats.own_fast import RecordingFast

        return RecordingFast(reader)
    return None
