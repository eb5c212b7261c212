"""The formats of recorded data, shared by record, replay and backtest: files in, one checked event stream out.

Layer: tape."""

from pfmm.tape.events import TOLERANCE_MS, Entry, Place, TapeEvent, TapeQuote
from pfmm.tape.native import Units, event_line, header_line
from pfmm.tape.options import ReadOptions
from pfmm.tape.reading import TapeReader, read
from pfmm.tape.sources import must_be_a_file

__all__ = [
    "TOLERANCE_MS",
    "Entry",
    "Place",
    "ReadOptions",
    "TapeEvent",
    "TapeQuote",
    "TapeReader",
    "Units",
    "event_line",
    "header_line",
    "must_be_a_file",
    "read",
]
