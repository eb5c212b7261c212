"""freqtrade's JSON documents: lists of candles, and lists of trades. Its Feather files are tables by their columns.

Layer: tape.
"""

from __future__ import annotations

from pfmm.tape.formats.candles import FORMATS as CANDLES
from pfmm.tape.layout import Document, Table, candle_lists, named, rows_of_lists

TRADES = Table(
    name="freqtrade-trades",
    says="freqtrade trades",
    holds="trades",
    columns=named("time=timestamp id type side price size=amount cost"),
)


FORMATS = (
    TRADES,
    candle_lists("freqtrade-candles-json", "freqtrade candles", CANDLES[0], "date open high low close volume"),
    Document(
        name="freqtrade-trades-json", says="freqtrade trades", table=TRADES,
        rows=lambda document: rows_of_lists(document, 7, words=True),
        header=("timestamp", "id", "type", "side", "price", "amount", "cost"),
    ),
)  # fmt: skip
