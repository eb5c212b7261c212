"""FastMM's CSV: one row a book level, trade or side of a ticker, times in ns. Layer: tape."""

from __future__ import annotations

from pfmm.tape.layout import Table, named

FORMATS = (
    Table(
        name="fastmm",
        says="FastMM rows",
        holds="book",
        columns=named("time=ts_ns kind=type symbol=inst side price size=qty sequence=seq"),
        bare=("time:t kind:w symbol:i side:w price:n size:n sequence:i",),
        note="markets are instrument numbers",
    ),
)
