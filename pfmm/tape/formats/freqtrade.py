"""freqtrade's JSON documents: lists of candles, and lists of trades. Its Feather files are tables by their columns.

Layer: tape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pfmm.tape.formats.candles import FORMATS as CANDLES
from pfmm.tape.layout import Document, Table, named

TRADES = Table(
    name="freqtrade-trades",
    says="freqtrade trades",
    holds="trades",
    columns=named("time=timestamp id type side price size=amount cost"),
)


def _rows(document: Any, width: int, words: bool) -> Iterator[Sequence[str]] | None:  # noqa: FBT001 # one of two lists
    if not (isinstance(document, list) and document and isinstance(document[0], list) and len(document[0]) == width):
        return None
    if any(isinstance(cell, str) and cell.isalpha() for cell in document[0]) != words:
        return None
    return ([_cell(cell) for cell in row] if isinstance(row, list) else [str(row)] for row in document)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


FORMATS = (
    TRADES,
    Document(
        name="freqtrade-candles-json", says="freqtrade candles", table=CANDLES[0],
        rows=lambda document: _rows(document, 6, words=False),
        header=("date", "open", "high", "low", "close", "volume"),
    ),
    Document(
        name="freqtrade-trades-json", says="freqtrade trades", table=TRADES,
        rows=lambda document: _rows(document, 7, words=True),
        header=("timestamp", "id", "type", "side", "price", "amount", "cost"),
    ),
)  # fmt: skip
