"""Prints of any origin: a time, the aggressor's side, a price and a size in the coin. Layer: tape."""

from __future__ import annotations

from pfmm.tape.layout import Table, named

FORMATS = (
    Table(
        name="prints",
        says="prints",
        holds="trades",
        columns=named(
            "time=time_ms|timestamp|time|ts|date|datetime|created_time side=side|direction price=price|px "
            "size=size|amount|qty|quantity|volume|sz"
        ),
        extras=named("id=id|trade_id|tid symbol=symbol|market|instrument_name|coin"),
        note="these columns alone: a file of one's own fills has others, and is no market",
        alone=True,
    ),
)
