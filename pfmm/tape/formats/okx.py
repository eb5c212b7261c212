"""OKX's historical files: trades and 1-minute candles. Layer: tape."""

from __future__ import annotations

from pfmm.tape.layout import Table, candle_lists, named

CANDLES = Table(
    name="okx-candles",
    says="OKX 1-minute candles",
    holds="candles",
    columns=named("time=open_time|ts open=open|o high=high|h low=low|l close=close|c volume=vol_ccy|volccy confirm"),
    extras=named("symbol=instrument_name"),
)
FORMATS = (
    Table(
        name="okx-trades",
        says="OKX trades",
        holds="trades",
        columns=named("id=trade_id side price size time=created_time"),
        extras=named("symbol=instrument_name"),
        note="sizes of swaps are contracts, taken as they stand",
    ),
    CANDLES,
    candle_lists(
        "okx-candles-json", "OKX's answer of past candles", CANDLES, "ts o h l c vol volccy volccyquote confirm"
    ),
)
