"""The normalised layout in which a vendor sells the data of many venues, with times in µs. Layer: tape."""

from __future__ import annotations

from pfmm.tape.layout import Table, named

STAMPS = named("symbol time=timestamp received=local_timestamp")

FORMATS = (
    Table(
        name="vendor-trades",
        says="vendor trades",
        holds="trades",
        columns={**STAMPS, **named("id side price size=amount")},
    ),
    Table(
        name="vendor-quotes",
        says="vendor quotes",
        holds="quotes",
        columns={**STAMPS, **named("ask_size=ask_amount ask=ask_price bid=bid_price bid_size=bid_amount")},
    ),
    Table(
        name="vendor-book",
        says="vendor book differences",
        holds="book",
        columns={**STAMPS, **named("snapshot=is_snapshot side price size=amount")},
    ),
    Table(
        name="vendor-funding",
        says="vendor derivative tickers",
        holds="funding",
        columns={**STAMPS, **named("settles=funding_timestamp rate=funding_rate")},
        note="a settlement's rate is the last one told before it; its interval follows from the settlements",
    ),
)
