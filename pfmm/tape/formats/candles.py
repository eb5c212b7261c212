"""1-minute candles of any origin: a time, open, high, low, close and volume in the coin. Layer: tape."""

from __future__ import annotations

from pfmm.tape.layout import Table, named

FORMATS = (
    Table(
        name="candles",
        says="1-minute candles",
        holds="candles",
        columns=named(
            "time=time_ms|timestamp|time|unix|date|datetime|ts|open_time|opentime|start_at|start_time|starttime|t "
            "open=open|o high=high|h low=low|l close=close|c volume=volume|vol|v"
        ),
        # OKX calls contracts vol, and the coin vol_ccy
        unlike=("vol_ccy", "volccy", "vol_quote", "volccyquote", "confirm"),
        bare=("time:t open:n high:n low:n close:n volume:n",),
    ),
)
