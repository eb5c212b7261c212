"""Settled funding rates as venues' archives and answers tell them: each row's rate is for its own interval.

Most do not state the interval: it is the time since the settlement before. Layer: tape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pfmm.tape.layout import Document, Names, Table

NAMES: Mapping[str, Names] = {
    "time": (
        "funding_time", "fundingtime", "fundingratetimestamp", "funding_rate_timestamp",
        "calc_time", "time_ms", "timestamp", "datetime", "date", "time",
    ),
    "rate": (
        "real_funding_rate", "realizedrate", "fundingrate", "funding_rate",
        "last_funding_rate", "rate",
    ),
}  # fmt: skip
EXTRAS: Mapping[str, Names] = {
    "interval_h": ("funding_interval_hours", "interval_hours", "interval_h", "fundingintervalhours"),
    "symbol": ("symbol", "instrument_name", "instid", "coin", "market"),
}
RATES = Table(
    name="rates", says="settled funding rates, each for its own interval", holds="funding", columns=NAMES, extras=EXTRAS
)
ROLES = ("time", "rate", "symbol", "interval_h")


def _rows(document: Any) -> Iterator[Sequence[str]] | None:
    """Return the rows of a venue's answer to a question for past rates, a list of objects; None for another document.

    The venues are Binance, Bybit, OKX and Hyperliquid.
    """
    if not (isinstance(document, list) and document and isinstance(document[0], dict)):
        return None
    names = {name.lower(): name for name in document[0]}
    known = {**NAMES, **EXTRAS}
    at = {role: next((names[word] for word in words if word in names), None) for role, words in known.items()}
    if at["time"] is None or at["rate"] is None:
        return None
    keys = [at[role] for role in ROLES]
    return ([_cell(one, key) for key in keys] for one in document)


def _cell(record: object, key: str | None) -> str:
    value = record.get(key) if isinstance(record, dict) and key is not None else None
    return "" if value is None else str(value)


FORMATS = (
    RATES,
    Document(
        name="rates-json", says="settled funding rates", table=RATES, rows=_rows,
        header=("timestamp", "funding_rate", "symbol", "interval_h"),
    ),
)  # fmt: skip
