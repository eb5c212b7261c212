"""Every format of recorded data, one module a family; a format is added by a module and its name here. Layer: tape."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from pfmm.tape.layout import Document, Format, Lines, Table

MODULES = (
    "own",
    "candles",
    "binance_archive",
    "binance_stream",
    "vendor",
    "bybit",
    "okx",
    "hyperliquid",
    "freqtrade",
    "rates",
    "prints",
    "fastmm",
    "hftbacktest",
)


@cache
def formats() -> tuple[Format, ...]:
    """Return all declared formats, in the order in which they are tried."""
    return tuple(one for name in MODULES for one in import_module(f"pfmm.tape.formats.{name}").FORMATS)


def tables() -> list[Table]:
    """Return the formats of rows and columns."""
    return [one for one in formats() if isinstance(one, Table)]


def line_formats() -> list[Lines]:
    """Return the formats of JSON lines."""
    return [one for one in formats() if isinstance(one, Lines)]


def documents() -> list[Document]:
    """Return the formats of one JSON document."""
    return [one for one in formats() if isinstance(one, Document)]
