"""A tape line reads back as the event it was written from, and no garbage gets past the reader as anything but a
DataFileError."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import DataFileError
from pfmm.model.market import Book, FundingRate, Level, Trade
from pfmm.tape import Place, TapeEvent, TapeQuote, event_line
from pfmm.tape.events import LAST_MS
from pfmm.tape.formats.binance_stream import BinanceReader
from pfmm.tape.native import parse_event
from tests.examples import examples

PLACE = Place(Path("tape"), 7)
MARKETS = st.sampled_from(["BTC-PERP", "0G-PERP"])
TIMES = st.integers(1, LAST_MS)
PRICES = st.decimals(Decimal("1e-8"), Decimal("1e9"), places=8)
SIZES = st.decimals(Decimal(0), Decimal("1e9"), places=8)
LEVELS = st.lists(st.builds(Level, PRICES, SIZES), max_size=3).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
EVENTS: st.SearchStrategy[TapeEvent] = st.one_of(
    st.builds(TapeQuote, MARKETS, TIMES, PRICES, SIZES, PRICES, SIZES),
    st.builds(TapeQuote, MARKETS, TIMES, st.none(), st.just(Decimal(0)), PRICES, SIZES),
    st.builds(Trade, MARKETS, TIMES, PRICES, PRICES, st.sampled_from([1, -1])),
    st.builds(Book, MARKETS, TIMES, LEVELS, LEVELS),
    st.builds(FundingRate, MARKETS, TIMES, st.decimals(-1, 1, places=10), st.integers(1, 24)),
)


@given(EVENTS)
def test_an_event_reads_back_equal(event: TapeEvent) -> None:
    assert parse_event(json.loads(event_line(event)), PLACE) == event


@examples(50, 100)
@given(EVENTS, st.data())
def test_any_field_replaced_by_garbage_is_refused_or_still_sane(event: TapeEvent, data: st.DataObject) -> None:
    record = json.loads(event_line(event))
    name = data.draw(st.sampled_from(sorted(record)))
    record[name] = data.draw(JSON)
    with suppress(DataFileError):  # anything else that is raised is a defect
        found = parse_event(record, PLACE)
        assert parse_event(json.loads(event_line(found)), PLACE) == found


@examples(50, 100)
@given(st.dictionaries(st.sampled_from(["T", "s", "t", "p", "q", "m", "b", "B", "a", "A", "u"]), JSON))
def test_a_binance_line_of_garbage_is_refused_or_still_sane(data: dict[str, object]) -> None:
    for stream in ("trade", "bookTicker", "depth"):
        record = {"stream": f"btcusdt@{stream}", "data": data}
        with suppress(DataFileError):
            for event in BinanceReader().read(record, PLACE):
                assert parse_event(json.loads(event_line(event)), PLACE) == event
