"""How data files are to be read, as a value that another process can be given. Layer: tape."""

from __future__ import annotations

from dataclasses import dataclass

UNNAMED = "(unnamed)"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are to be read. `market` names what has no name in its files; `format` is taken without a look at the
    content; up to `skip_bad` rows that make no sense are passed over; steps (text of a decimal) replace what the files
    show of the smallest change of price and size."""

    market: str = UNNAMED
    format: str | None = None
    skip_bad: int = 0
    price_step: str | None = None
    size_step: str | None = None
