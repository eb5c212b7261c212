"""Reading recorded data: both formats, time order, and everything that can be wrong with a file."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import DataFileError
from pfmm.model.market import Book, FundingRate, Level, Trade
from pfmm.model.spelling import market_name
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.tape import (
    ReadOptions,
    TapeEvent,
    TapeQuote,
    TapeReader,
    Units,
    event_line,
    header_line,
    read,
)

D = Decimal
M = "BTC-PERP"
UNITS = {M: Units(D("0.1"), D("0.001")), "ETH-PERP": Units(D("0.01"), D("0.0001"), 5)}
EVENTS: list[TapeEvent] = [
    Trade(M, 1_000, D("10.1"), D("0.5"), 1),
    TapeQuote(M, 1_000, D("10"), D("1.25"), D("10.1"), D("2")),
    Book(M, 1_000, (Level(D("10"), D("1.25")),), (Level(D("10.1"), D("2")), Level(D("10.2"), D("7")))),
    TapeQuote(M, 2_000, None, D(0), D("10.1"), D("2")),
    Trade(M, 2_500, D("9.9"), D("3"), -1),
]
FUNDING = FundingRate(M, 28_800_000, D("-0.00012345"), 8)
HEADER = header_line(UNITS)
QUOTE = '{"kind":"quote","market":"BTC-PERP","time":%s,"bid":%s,"bid_size":%s,"ask":"10.1","ask_size":"2"}\n'
SNAPSHOT = '17000 {"lastUpdateId":0,"bids":[],"asks":[]}\n'


def tape(path: Path, events: list[TapeEvent]) -> Path:
    content = (HEADER + "".join(map(event_line, events))).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def raw(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def events_of(*paths: Path) -> list[TapeEvent]:
    return [entry.event for entry in read(paths)]


def trade_line(time_ms: int, number: int, price: str = "10.1", **more: object) -> str:
    data = {"e": "trade", "E": time_ms, "T": time_ms, "s": "BTCUSDT", "t": number, "p": price, "q": "1", "m": True}
    return "17000 " + json.dumps({"stream": "btcusdt@trade", "data": data | more}) + "\n"


def book_line(time_ms: int, bid: str = "10.0", ask: str = "10.1") -> str:
    data = {"T": time_ms, "s": "BTCUSDT", "u": 1, "b": bid, "B": "3", "a": ask, "A": "4"}
    return "17000 " + json.dumps({"stream": "btcusdt@bookTicker", "data": data}) + "\n"


def depth_line(time_ms: int, last: int, bids: list[list[str]], asks: list[list[str]]) -> str:
    data = {"T": time_ms, "s": "BTCUSDT", "U": last, "u": last, "pu": last - 1, "b": bids, "a": asks}
    return "17000 " + json.dumps({"stream": "btcusdt@depth@0ms", "data": data}) + "\n"


@pytest.mark.parametrize("name", ["a.tape", "a.tape.gz"])
def test_what_was_written_is_read_back(tmp_path: Path, name: str) -> None:
    path = tape(tmp_path / name, [*EVENTS, FUNDING])
    assert sorted(events_of(path), key=lambda e: e.time_ms) == [*EVENTS, FUNDING]
    reader = TapeReader()
    list(reader.entries([path]))
    assert reader.units == UNITS


def test_a_unit_that_the_header_did_not_state_yet_is_at_its_default(tmp_path: Path) -> None:
    path = tmp_path / "older.tape"
    path.write_text(HEADER.replace(',"size":"base"', "", 1) + QUOTE % (1, '"10.0"', '"1"'))
    assert '"size":"base"' not in path.read_text()
    assert len(events_of(path)) == 1


def test_binance_lines_become_events_at_the_exchange_time(tmp_path: Path) -> None:
    path = raw(tmp_path / "b", book_line(5_000) + trade_line(5_010, 1) + trade_line(5_020, 2, "10.2", m=False))
    assert events_of(path) == [
        TapeQuote(M, 5_000, D("10.0"), D(3), D("10.1"), D(4)),
        Trade(M, 5_010, D("10.1"), D(1), -1),  # the buyer was the maker, so the aggressor sold
        Trade(M, 5_020, D("10.2"), D(1), 1),
    ]


def test_a_print_comes_before_the_quote_of_its_own_millisecond(tmp_path: Path) -> None:
    path = raw(tmp_path / "b", book_line(5_000) + trade_line(5_000, 1))
    assert [type(event) for event in events_of(path)] == [Trade, TapeQuote]


def test_streams_that_interleave_are_sorted_and_repeated_or_unreal_prints_left_out(tmp_path: Path) -> None:
    lines = book_line(5_200) + trade_line(5_000, 1) + trade_line(5_000, 1) + trade_line(5_100, 2, "0", X="NA")
    path = raw(tmp_path / "b", lines + '17000 {"stream":"btcusdt@markPrice","data":{}}\n')
    reader = TapeReader()
    assert [entry.event.time_ms for entry in reader.entries([path])] == [5_000, 5_200]
    assert (reader.duplicates, reader.skipped) == (1, 2)


def test_depth_is_rebuilt_from_snapshot_and_differences_across_files(tmp_path: Path) -> None:
    first = raw(
        tmp_path / "1",
        depth_line(1_000, 7, [["9.0", "1"]], [])  # before the snapshot and not in it: applied after
        + depth_line(1_001, 4, [["8.0", "1"]], [])  # older than the snapshot: dropped
        + '17000 {"lastUpdateId":5,"E":1,"T":1,"bids":[["10.0","3"],["9.5","1"]],"asks":[["10.1","4"]]}\n'
        + depth_line(2_000, 8, [["10.0", "0.000"]], [["10.2", "5"]]),
    )
    second = raw(tmp_path / "2", depth_line(3_500, 9, [["9.6", "2"]], []))
    books = [event for event in events_of(first, second) if isinstance(event, Book)]
    assert [book.time_ms for book in books] == [2_000, 3_500]
    assert books[0].bids == (Level(D("9.5"), D(1)), Level(D("9.0"), D(1)))
    assert books[0].asks == (Level(D("10.1"), D(4)), Level(D("10.2"), D(5)))
    assert books[1].bids[0] == Level(D("9.6"), D(2))


@pytest.mark.parametrize(
    ("symbol", "market"), [("btcusdt", "BTC-PERP"), ("ETHUSDC", "ETH-PERP"), ("1000PEPEUSDT", "1000PEPE-PERP")]
)
def test_symbols_become_market_names(symbol: str, market: str) -> None:
    assert market_name(symbol) == market


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", None, "is empty"),
        ("hello,world\n", 1, "the format is unknown"),
        ('{"format":"other"}\n', 1, "the format is unknown"),
        (HEADER, None, "holds no events"),
        (HEADER.replace('"version":2', '"version":3'), 1, "the tape has version 3, this pfmm reads up to 2"),
        (HEADER.replace('"version":2', '"version":"1"'), 1, "version must be a whole number from 1, not '1'"),
        (HEADER.replace('"version":2', '"version":true'), 1, "version must be a whole number from 1, not True"),
        (HEADER.replace('"USD"', '"EUR"'), 1, "units must be"),
        (HEADER.replace('"0.1"', '"0"'), 1, "price_unit must be above zero"),
        (HEADER.replace('_figures":5', '_figures":"5"'), 1, "significant_figures must be 1 to 20 or left out, not '5'"),
        (HEADER.replace('_figures":5', '_figures":0'), 1, "significant_figures must be 1 to 20 or left out, not 0"),
        (HEADER + QUOTE % (1_000, '"9"', '"1"') + '{"kind":"qu', 3, "ends in the middle of a line"),
        (HEADER + "{}\n", 2, "the field 'kind' is missing"),
        (HEADER + "[]\n", 2, "must hold a JSON object"),
        (HEADER + "nonsense\n", 2, "not JSON"),
        (HEADER + (QUOTE % (1_000, '"9"', '"1"')).replace("quote", "candle"), 2, "kind must be"),
        (HEADER + QUOTE % (1_000, '"NaN"', '"1"'), 2, "bid must be finite, not 'NaN'"),
        (HEADER + QUOTE % (1_000, '"-Infinity"', '"1"'), 2, "bid must be finite"),
        (HEADER + QUOTE % (1_000, "NaN", '"1"'), 2, "bid must be a number in quotes, not nan"),
        (HEADER + QUOTE % (1_000, "true", '"1"'), 2, "bid must be a number in quotes, not True"),
        (HEADER + QUOTE % (1_000, '"-9"', '"1"'), 2, "bid must not be negative, not '-9'"),
        (HEADER + QUOTE % (1_000, '"0"', '"1"'), 2, "bid must be above zero"),
        (HEADER + QUOTE % (1_000, '"9"', '"-1"'), 2, "bid_size must not be negative"),
        (HEADER + QUOTE % (1_000, '"1E+999999"', '"1"'), 2, "bid is out of range"),
        (HEADER + QUOTE % (1_000, '"1000000000000000"', '"1"'), 2, "bid is out of range"),  # 16 digits
        (HEADER + QUOTE % (1_000, '"0.0000000000000001"', '"1"'), 2, "bid is out of range"),
        (HEADER + QUOTE % (1_000, '"nine"', '"1"'), 2, "bid must be a number, not 'nine'"),
        (HEADER + QUOTE % ("1.5", '"9"', '"1"'), 2, "time must be a time in whole ms, not 1.5"),
        (HEADER + QUOTE % (-1, '"9"', '"1"'), 2, "time must be a time in whole ms, not -1"),
        (HEADER + QUOTE % (9_000, '"9"', '"1"') + QUOTE % (8_749, '"9"', '"1"'), 3, "out of order: 251 ms older"),
        (trade_line(5_000, 1, "x"), 1, "p must be a number, not 'x'"),
        (trade_line(5_000, 1, "0"), 1, "p must be above zero"),
        (trade_line(5_000, 1, m="yes"), 1, "m must be true or false"),
        (book_line(5_000) + "17001 {\n", 2, "not JSON"),
        (book_line(5_000) + "later {}\n", 2, "the local time must be whole ns, not 'later'"),
        (book_line(5_000) + depth_line(5_001, 1, [["1"]], []) + SNAPSHOT, 2, "b must hold [price, size]"),
        (SNAPSHOT, 1, "stands before any line that names its market"),
        (book_line(5_000) + SNAPSHOT + depth_line(5_001, 1, [["-1", "1"]], []), 3, "b price must not be negative"),
    ],
)
def test_bad_content_names_file_line_and_value(tmp_path: Path, content: str, line: int | None, words: str) -> None:
    path = raw(tmp_path / "bad", content)
    with pytest.raises(DataFileError) as caught:
        events_of(path)
    where = f"{path}, line {line}: " if line else f"{path}: "
    assert caught.value.message.startswith(where)
    assert words in caught.value.message


def test_250_ms_late_is_still_sorted(tmp_path: Path) -> None:
    path = raw(tmp_path / "a", HEADER + QUOTE % (9_000, '"9"', '"1"') + QUOTE % (8_750, '"8"', '"1"'))
    assert [event.time_ms for event in events_of(path)] == [8_750, 9_000]


def test_files_are_read_in_the_order_of_their_times_and_must_not_overlap(tmp_path: Path) -> None:
    early, late = raw(tmp_path / "1", book_line(5_000)), raw(tmp_path / "2", book_line(65_000))
    assert events_of(late, early) == events_of(early, late)
    over = raw(tmp_path / "3", book_line(6_000) + book_line(70_000))
    with pytest.raises(DataFileError, match=r"2, line 1: .* starts 5000 ms before \S*3 ends") as caught:
        events_of(over, late)
    assert caught.value.hint == "files of one kind must not overlap: is one of them given twice?"
    with pytest.raises(DataFileError, match="is given twice"):
        events_of(late, late)


def test_markets_need_not_be_in_common_order(tmp_path: Path) -> None:
    btc = raw(tmp_path / "1", book_line(65_000))
    eth = raw(tmp_path / "2", book_line(5_000).replace("BTCUSDT", "ETHUSDT"))
    assert {event.market for event in events_of(btc, eth)} == {"BTC-PERP", "ETH-PERP"}


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_cut_gzip_file_is_refused(tmp_path: Path, keep: float) -> None:
    path = tape(tmp_path / "a.gz", EVENTS)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataFileError, match=r"a\.gz, line \d+: the gzip stream is cut or damaged"):
        events_of(path)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="cannot be read: No such file"):
        events_of(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"17000 {\xff\xfe\n")
    with pytest.raises(DataFileError, match="line 1: not UTF-8 text"):
        events_of(tmp_path / "binary")
    with pytest.raises(DataFileError, match="no data file was given"):
        events_of()


def seen_in(folder: Path, *files: Path) -> tuple[dict[str, Any], MarketSpec]:
    """What the one market of the files showed, and its units."""
    pytest.importorskip("numpy", reason="tapes are built with NumPy")
    loaded = TapeCache(folder / "tapes").load(files, ReadOptions())
    (one,), (tape,) = loaded.header["markets"], loaded.tapes.values()
    return one["seen"], tape.spec


def test_a_tape_counts_what_its_files_hold(tmp_path: Path) -> None:
    quote = TapeQuote(M, 0, D("10"), D(1), D("10.1"), D("2.125"))
    times = [1_000, 2_000, 9_000]
    crossed = TapeQuote(M, 9_500, D("10.2"), D(1), D("10.1"), D(2))
    quotes: list[TapeEvent] = [quote._replace(time_ms=t) for t in times]
    path = tape(tmp_path / "a", [*quotes, crossed, Trade(M, 9_600, D("10.25"), D(1), 1), FUNDING])
    path.write_text(path.read_text().replace(HEADER, header_line({})))
    seen, spec = seen_in(tmp_path, path)
    assert (seen["first_ms"], seen["last_ms"]) == (1_000, 9_600)
    assert [seen[name] for name in ("quotes", "trades", "depths", "funding")] == [4, 1, 0, 1]
    assert (seen["gaps"], seen["longest_silence_ms"]) == (1, 7_000)
    assert (seen["crossed"], seen["repeated"]) == (1, 2)
    assert (spec.price_decimals, spec.size_decimals) == (2, 3)


def test_the_recorded_captures_hold_what_is_known_of_them(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "binance-usdm-ticks"
    seen, spec = seen_in(tmp_path, folder / "ethusdt_20240719.gz", folder / "ethusdt_20240718.gz")
    assert (spec.market, seen["trades"], seen["quotes"]) == ("ETH-PERP", 13_655, 47_328)
    assert (spec.price_decimals, spec.size_decimals, seen["crossed"], seen["gaps"]) == (2, 3, 0, 0)
