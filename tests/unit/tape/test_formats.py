"""Every format is read as the market that it was written from, told by its content alone."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.errors import DataFileError
from pfmm.model.market import Book, FundingRate, Trade
from pfmm.model.spelling import market_name
from pfmm.tape import ReadOptions, TapeQuote, TapeReader
from pfmm.tape.carriers import found_of
from pfmm.tape.sources import Source
from pfmm.tape.symbols import market_in
from tests.unit.tape.made_files import (
    BARS,
    CANDLE_FILES,
    MINUTE_MS,
    PRINT_FILES,
    PRINTS,
    QUOTE_FILES,
    QUOTES,
    START_MS,
    TICK_FILES,
    csv,
    iso,
    lines,
)

D = Decimal
OPTIONS = ReadOptions(market="BTC-PERP")


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def events(*paths: Path, options: ReadOptions = OPTIONS) -> list[object]:
    return [entry.event for entry in TapeReader(options).entries(paths)]


def prints_of(found: list[object]) -> list[tuple[int, str, str, int]]:
    return [(t.time_ms, str(t.price), str(t.size), t.aggressor) for t in found if isinstance(t, Trade)]


def quotes_of(found: list[object]) -> list[tuple[int, str, str, str, str]]:
    return [
        (q.time_ms, str(q.bid), str(q.bid_size), str(q.ask), str(q.ask_size)) for q in found if isinstance(q, TapeQuote)
    ]


MADE_PRINTS = [(t, p, s, g) for t, _, p, s, g in PRINTS]
MADE_QUOTES = [(t, b, bs, a, az) for t, b, bs, a, az in QUOTES]


@pytest.mark.parametrize("name", [*QUOTE_FILES, *TICK_FILES])
def test_quotes_are_read_from(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "file", {**QUOTE_FILES, **TICK_FILES}[name])
    assert found_of(Source(path)).format.name == name
    found = events(path)
    assert {event.market for event in found if isinstance(event, TapeQuote)} == {"BTC-PERP"}
    assert quotes_of(found) == MADE_QUOTES


def test_a_change_of_a_book_that_comes_a_second_late_is_refused(tmp_path: Path) -> None:
    """It showed nothing that is out of order, and the message that it is of was told without it."""
    rows = QUOTE_FILES["vendor-book"].splitlines(keepends=True)
    rows[222], rows[226] = rows[226], rows[222]
    with pytest.raises(DataFileError, match="line 227: BTC-PERP is out of order: 1000 ms older"):
        events(written(tmp_path, "file", "".join(rows)))


def test_a_lone_row_that_ends_in_seconds_may_be_one_in_milliseconds_that_was_cut(tmp_path: Path) -> None:
    header, row, _ = PRINT_FILES["okx-trades"].split("\n", 2)
    cut = row[: len(row) - 3]
    assert re.search(r",[0-9]{10}$", cut), "its last column is the time"
    with pytest.raises(DataFileError, match="line 2: the last line has no end, and may be cut"):
        events(written(tmp_path, "file", f"{header}\n{cut}"))
    assert len(events(written(tmp_path, "whole", f"{header}\n{row}"))) == 1


def test_a_quote_without_end_hides_no_row(tmp_path: Path) -> None:
    """A newline that became a quote would put the next row into a cell that nobody reads."""
    text = TICK_FILES["table"].replace(",,,,\n", ',,,,"', 1)
    with pytest.raises(DataFileError, match=r"line \d+: must have 9 cells, not 17"):
        events(written(tmp_path, "file", text))


def test_a_book_without_the_engines_time_among_others_with_it_is_refused(tmp_path: Path) -> None:
    text = QUOTE_FILES["bybit-stream"] if "bybit-stream" in QUOTE_FILES else TICK_FILES["bybit-stream"]
    first, second = (at.start() for at in list(re.finditer('"cts"', text))[:2])
    for place, words in ((first, "has 'cts', and those before it do not"), (second, "the field 'cts' is missing")):
        with pytest.raises(DataFileError, match=words):
            events(written(tmp_path, "file", text[:place] + '"xts"' + text[place + 5 :]))


def test_liquidations_are_not_taken_for_trades(tmp_path: Path) -> None:
    """Vendors lay both out alike, and each stands among the trades once more."""
    path = written(tmp_path, "venue_liquidations_2025-01-01_BTCUSDT.csv", PRINT_FILES["vendor-trades"])
    with pytest.raises(DataFileError, match="holds liquidations by its name"):
        found_of(Source(path))
    assert found_of(Source(path), "vendor-trades").format.name == "vendor-trades"


@pytest.mark.parametrize("name", [*PRINT_FILES, *TICK_FILES])
def test_prints_are_read_from(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "file", {**PRINT_FILES, **TICK_FILES}[name])
    assert found_of(Source(path)).format.name == name
    found = events(path)
    assert {event.market for event in found if isinstance(event, Trade)} == {"BTC-PERP"}
    assert [(t, D(p), D(s), g) for t, p, s, g in prints_of(found)] == [(t, D(p), D(s), g) for t, p, s, g in MADE_PRINTS]


@pytest.mark.parametrize(
    ("quotes", "prints"), [("binance-bookticker", "binance-aggtrades"), ("vendor-quotes", "vendor-trades"),
                           ("hyperliquid-l2book", "hyperliquid-fills"), ("vendor-book", "vendor-trades")],
)  # fmt: skip
def test_quotes_and_prints_of_two_files_are_merged_by_time(tmp_path: Path, quotes: str, prints: str) -> None:
    first, second = written(tmp_path, "q", QUOTE_FILES[quotes]), written(tmp_path, "p", PRINT_FILES[prints])
    found = events(second, first)
    times = [event.time_ms for event in found if not isinstance(event, FundingRate)]  # type: ignore[attr-defined]
    assert times == sorted(times)
    assert (quotes_of(found), prints_of(found)) == (MADE_QUOTES, MADE_PRINTS)


def test_quotes_of_a_book_give_way_to_quotes_that_are_told_apart(tmp_path: Path) -> None:
    quotes, book = (written(tmp_path, name, QUOTE_FILES[name]) for name in ("vendor-quotes", "vendor-book"))
    found = events(book, quotes)
    assert quotes_of(found) == MADE_QUOTES
    assert any(isinstance(event, Book) for event in found)


def test_prints_that_two_formats_tell_would_count_twice(tmp_path: Path) -> None:
    one, two = (written(tmp_path, name, PRINT_FILES[name]) for name in ("binance-aggtrades", "binance-trades"))
    with pytest.raises(DataFileError, match="the prints of BTC-PERP come from binance-aggtrades files already"):
        events(one, two)


def test_a_print_whose_id_was_read_counts_once(tmp_path: Path) -> None:
    text = PRINT_FILES["vendor-trades"].splitlines(keepends=True)
    reader = TapeReader(OPTIONS)
    path = written(tmp_path, "file", "".join([*text[:3], text[2], *text[3:]]))
    assert prints_of([entry.event for entry in reader.entries([path])]) == MADE_PRINTS
    assert reader.duplicates == 1


HEADERLESS = {name: text.split("\n", 1)[1] for name, text in (QUOTE_FILES | PRINT_FILES).items() if "binance" in name}


@pytest.mark.parametrize("name", HEADERLESS)
@pytest.mark.parametrize("unit", ["000", "000000", ""])
def test_archives_without_a_header_and_in_other_units_are_read_alike(tmp_path: Path, name: str, unit: str) -> None:
    rows = [row.split(",") for row in HEADERLESS[name].splitlines()]
    text = csv("", [",".join(cell + unit if cell.startswith("17356") else cell for cell in row) for row in rows])
    path = written(tmp_path, "file", text)
    assert found_of(Source(path)).format.name == name
    found = events(path)
    assert (quotes_of(found) or prints_of(found)) in (MADE_QUOTES, MADE_PRINTS)


PACKINGS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_files_are_unpacked(tmp_path: Path, packing: str) -> None:
    path = written(tmp_path, "file", PACKINGS[packing](TICK_FILES["table"].encode()))
    assert quotes_of(events(path)) == MADE_QUOTES
    cut = written(tmp_path, "cut", path.read_bytes()[:-40])
    with pytest.raises(DataFileError, match=rf"cut, line \d+: the {packing} stream is cut or damaged"):
        events(cut)


@pytest.mark.parametrize("packing", ["zstd", "lz4"])
def test_packings_of_the_extra_are_unpacked(tmp_path: Path, packing: str) -> None:
    arrow = pytest.importorskip("pyarrow", reason="zst and lz4 need the extra `data`")
    sink = arrow.BufferOutputStream()
    with arrow.CompressedOutputStream(sink, packing) as stream:
        stream.write(TICK_FILES["recording"].encode())
    path = written(tmp_path, "file", sink.getvalue().to_pybytes())
    assert quotes_of(events(path)) == MADE_QUOTES
    with pytest.raises(DataFileError, match="cut or damaged"):
        events(written(tmp_path, "cut", path.read_bytes()[:-40]))


def test_a_zip_archive_is_read_member_by_member(tmp_path: Path) -> None:
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("p.csv", PRINT_FILES["binance-trades"])
        archive.writestr("q.csv", QUOTE_FILES["binance-bookticker"])
        archive.writestr("__MACOSX/q.csv", "nonsense")
        archive.writestr("day/.DS_Store", "nonsense")
        archive.writestr("p.csv.CHECKSUM", "nonsense")
        archive.writestr("README.txt", "nonsense")
        archive.writestr("terms.pdf", "nonsense")
    found = events(path)
    assert (quotes_of(found), prints_of(found)) == (MADE_QUOTES, MADE_PRINTS)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bad.csv", "a,b\n1,2\n")
    with pytest.raises(DataFileError, match=r"both\.zip/bad\.csv, line 1: the format is unknown"):
        events(path)
    with pytest.raises(DataFileError, match="the zip archive is cut or damaged"):
        events(written(tmp_path, "cut.zip", path.read_bytes()[:60]))


def test_folders_and_patterns_name_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    written(folder, "p.csv", PRINT_FILES["binance-trades"])
    written(folder / "deep", "q.csv", QUOTE_FILES["binance-bookticker"])
    written(folder, "p.csv.CHECKSUM", "beside downloads")
    written(folder, ".hidden", "nothing")
    assert len(events(folder)) == len(events(folder / "*.csv", folder / "deep" / "q*")) == 120
    with pytest.raises(DataFileError, match="the pattern names no file"):
        events(folder / "*.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataFileError, match="the folder holds no files"):
        events(tmp_path / "empty")


TABLE = TICK_FILES["table"]
HEAD = TABLE.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        TABLE + "\n\n",
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        "\n".join(",".join(f'"{cell}"' for cell in row.split(",")) for row in TABLE.splitlines()) + "\n",
        TABLE.replace(",", " , "),
        TABLE.replace("time_ms,kind,price", "Time_MS,KIND,Price").replace("buy", "Buy").replace("sell", "SELL"),
        "".join(
            f"{',' + row if n == 0 else f'{n},' + row}\n" for n, row in enumerate(TABLE.splitlines())
        ),  # a data frame's index
        "".join(",".join(reversed(row.split(","))) + "\n" for row in TABLE.splitlines()),
        TABLE.replace(",buy,", ",B,").replace(",sell,", ",ask,"),
        TABLE.replace("\n", "\n\n"),
        "# made by hand\n" + TABLE,
        TABLE + TABLE.split("\n", 1)[0] + "\n",
        HEAD + "".join(reversed(TABLE.splitlines(keepends=True)[1:])),
        re.sub(r"17356[0-9]{8}", lambda found: f"{float(found[0]):.18e}", TABLE),
        re.sub(r"17356[0-9]{8}", lambda found: found[0] + ".0", TABLE),
        re.sub(r"17356[0-9]{8}", lambda found: iso(int(found[0])) + " UTC", TABLE),
    ],
    ids=[
        "bom",
        "crlf",
        "blank end",
        "semicolons",
        "tabs",
        "quotes",
        "blanks",
        "capitals",
        "index",
        "order",
        "words",
        "blank between",
        "comment",
        "header again",
        "newest first",
        "times in powers",
        "times as floats",
        "iso utc",
    ],
)
def test_text_is_read_as_the_world_writes_it(tmp_path: Path, text: str) -> None:
    found = events(written(tmp_path, "file", text))
    assert (quotes_of(found), prints_of(found)) == (MADE_QUOTES, MADE_PRINTS)


def test_the_digits_that_a_float_left_are_read_as_they_were_meant(tmp_path: Path) -> None:
    text = TABLE.replace(",64000.1,", ",64000.09999999999854481,")
    assert text != TABLE
    reader = TapeReader(OPTIONS)
    found = [entry.event for entry in reader.entries([written(tmp_path, "file", text)])]
    assert quotes_of(found) == MADE_QUOTES
    told = f"cut from {text.count('0999')} numbers, which were read with at most 1 decimals"
    assert [told in note for note in reader.notes] == [True]


@pytest.mark.parametrize("name", ["vendor-book", "bybit-stream", "fastmm"])
def test_the_digits_that_a_float_left_in_a_book_are_read_as_they_were_meant(tmp_path: Path, name: str) -> None:
    text = {**QUOTE_FILES, **TICK_FILES}[name]
    noisy = text.replace("64000.1", "64000.09999999999854481")
    reader = TapeReader(OPTIONS)
    found = [entry.event for entry in reader.entries([written(tmp_path, "file", noisy)])]
    assert quotes_of(found) == quotes_of(events(written(tmp_path, "right", text)))
    assert "trailing digits of floats" in " ".join(reader.notes)


def test_a_last_line_without_an_end_is_read_where_it_cannot_be_cut(tmp_path: Path) -> None:
    trades = PRINT_FILES["vendor-trades"]  # every size has three decimals
    assert prints_of(events(written(tmp_path, "file", trades[:-1]))) == MADE_PRINTS
    with pytest.raises(DataFileError, match="line 61: the last line has no end, and may be cut"):
        events(written(tmp_path, "file", trades[:-2]))
    unread = PRINT_FILES["bybit-trades"]
    assert len(prints_of(events(written(tmp_path, "file", unread[:-1])))) == len(MADE_PRINTS)


def test_half_a_ticker_at_the_end_is_passed_over_and_counted(tmp_path: Path) -> None:
    """A bid, cut ahead of its ask, is no market without sellers."""
    rows = QUOTE_FILES["fastmm"]
    reader = TapeReader(OPTIONS)
    cut = rows[: rows.rindex("\n", 0, -1) + 1]
    found = [entry.event for entry in reader.entries([written(tmp_path, "file", cut)])]
    assert quotes_of(found) == quotes_of(events(written(tmp_path, "right", rows)))[:-1]
    assert reader.skipped == 1


def test_a_file_of_comments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="begins with nothing but comments"):
        events(written(tmp_path, "file", "# a\n# b\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("price,size,side\n1,2,buy\n", "line 1: the format is unknown: 'price,size,side'; nearest is "),
        (
            PRINT_FILES["vendor-trades"].replace(",amount", ",qty"),
            "nearest is vendor-trades (vendor trades), which lacks amount",
        ),
        (
            '[{"timestamp": 1, "open": 1, "high": 2, "low": 1, "last": 2, "volume": 1}]',
            "(1-minute candles), which lacks close",
        ),
        (TABLE.replace("ask,ask_size", "ask,ask"), "the column 'ask' occurs 2 times"),
        ("1,2,3\n", "line 1: the format is unknown: no header"),
        ('x,"a"\r,b\n1,2,3\n', "line 1: the format is unknown: 'x,"),  # quotes, and a carriage return in the line
        (HEAD + TABLE.split("\n")[1].replace(",", ',"\r",', 1) + "\n", "line 2: must have 9 cells"),
        ("\n\n", "is empty"),
        (TABLE[:-1], "the last line has no end, and may be cut"),
        (TABLE.replace(str(START_MS + 8), str(START_MS // 1000), 1).replace("\n", "\n", 1), "is a time in"),
        (TICK_FILES["recording"][:-20], "ends in the middle of a line"),
    ],
)
def test_what_is_no_known_layout_is_told_what_it_lacks(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataFileError) as caught:
        events(written(tmp_path, "file", text))
    assert told in caught.value.message


def test_a_file_of_fills_of_ones_own_is_no_file_of_prints(tmp_path: Path) -> None:
    """It has the side of its owner, not of who crossed: what pfmm and exchanges export has a fee beside it."""
    own = "timestamp,side,price,amount,fee\n1735689600000,buy,64000.0,0.1,0.5\n"
    with pytest.raises(DataFileError, match="the format is unknown"):
        events(written(tmp_path, "file", own))


@pytest.mark.parametrize("one_a_line", [True, False])
def test_objects_are_rows_of_the_table_that_their_fields_are_columns_of(tmp_path: Path, one_a_line: bool) -> None:
    rows = [{"time": t, "side": "buy" if g > 0 else "sell", "price": p, "size": s, "id": i} for t, i, p, s, g in PRINTS]
    path = written(tmp_path, "file", lines(rows) if one_a_line else json.dumps(rows))
    assert found_of(Source(path)).format.name == "prints-records"
    assert prints_of(events(path)) == MADE_PRINTS


def test_a_broken_object_is_named_by_its_line(tmp_path: Path) -> None:
    text = lines([{"time": t, "side": "buy", "price": p, "size": s} for t, _, p, s, _ in PRINTS[:3]])
    with pytest.raises(DataFileError, match="file, line 2: not JSON"):
        events(written(tmp_path, "file", text.replace('"time"', "time", 2).replace("time", '"time"', 1)))
    with pytest.raises(DataFileError, match=r"file, line 2: price must be a number, not ''"):
        events(written(tmp_path, "file", text.replace(PRINTS[1][2], "", 1) if PRINTS[0][2] != PRINTS[1][2] else text))


def test_a_header_in_the_script_of_the_venues_country_is_read(tmp_path: Path) -> None:
    text = PRINT_FILES["okx-trades"]
    names = "instrument_name/交易品种名,trade_id/交易ID,side/交易方向,price/价格,size/数量,created_time/成交时间"
    for code in ("utf-8", "gb18030"):
        path = written(tmp_path, code, f"{names}\n{text.partition(chr(10))[2]}".encode(code))
        assert prints_of(events(path)) == MADE_PRINTS


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"p.csv".ljust(257, b"\0") + b"ustar\x0000" + bytes(300), "is a tar archive"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "is a rar archive"),
    ],
)
def test_an_archive_that_is_not_looked_into_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    for packed in (content, gzip.compress(content)):
        with pytest.raises(DataFileError, match=told) as caught:
            events(written(tmp_path, "file", packed))
        assert "unpack it first" in str(caught.value.hint)


def test_a_spreadsheet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataFileError, match="is a spreadsheet"):
        events(path)


def test_a_decimal_comma_is_named(tmp_path: Path) -> None:
    text = PRINT_FILES["prints"].replace(",", ";").replace(".", ",")
    with pytest.raises(
        DataFileError, match=r"line 2: price must be a number, not '.*,.*'; the decimal sign is a point"
    ):
        events(written(tmp_path, "file", text))


@pytest.mark.parametrize(
    ("written_as", "read"),
    [
        ("5.962341829762246e-05", "0.000059623418298"),  # as floats write it: 16 digits to the 20th decimal
        ("0.00010000000000000001", "0.0001"),
        ("1e-4", "0.0001"),
    ],
)
def test_rates_as_floats_write_them_are_read(tmp_path: Path, written_as: str, read: str) -> None:
    rows = [{"symbol": "BTC", "fundingRate": "0.0001", "timestamp": START_MS}]
    text = json.dumps([*rows, {**rows[0], "timestamp": START_MS + 28_800_000, "fundingRate": 0}])
    path = written(tmp_path, "rates.json", text.replace('"fundingRate": 0,', f'"fundingRate": {written_as},'))
    assert events(path)[-1].rate == D(read)  # type: ignore[attr-defined]


def test_utf16_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="is UTF-16 text") as caught:
        events(written(tmp_path, "file", TABLE.encode("utf-16")))
    assert caught.value.hint == "save it as UTF-8"


def test_damaged_rows_are_passed_over_up_to_a_number_and_counted(tmp_path: Path) -> None:
    rows = TABLE.splitlines(keepends=True)
    path = written(tmp_path, "file", "".join([*rows[:4], "1,2\n", *rows[4:8], "x" + rows[8], *rows[8:]]))
    with pytest.raises(DataFileError, match="line 5: must have 9 cells") as caught:
        events(path)
    assert "--skip-bad" in (caught.value.hint or "")
    reader = TapeReader(ReadOptions(market="BTC-PERP", skip_bad=2))
    found = [entry.event for entry in reader.entries([path])]
    assert (quotes_of(found), prints_of(found)) == (MADE_QUOTES, MADE_PRINTS)
    assert reader.faults.count == 2
    assert "line 10: time_ms must be" in reader.faults.examples[1]
    with pytest.raises(DataFileError, match=r"line 10: .* \(after 1 rows passed over\)"):
        events(path, options=ReadOptions(market="BTC-PERP", skip_bad=1))


@pytest.mark.parametrize(
    ("unit", "scale"), [("s", 1), ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000), ("iso", 0)]
)
def test_the_unit_of_times_is_told_by_their_size(tmp_path: Path, unit: str, scale: int) -> None:
    second = START_MS // 1000
    times = [str((second + n) * scale) if scale else f"2025-01-01T00:00:{n:02d}Z" for n in range(2)]
    rows = [f"{time},quote,,,,{100 + n},1,{101 + n},1" for n, time in enumerate(times)]
    reader = TapeReader(OPTIONS)
    path = written(tmp_path, "file", csv(TABLE.split("\n", 1)[0], rows))
    assert [entry.event.time_ms for entry in reader.entries([path])] == [START_MS, START_MS + 1_000]
    assert reader.time_units == (unit,)


def test_a_format_that_is_named_is_taken_without_a_look(tmp_path: Path) -> None:
    path = written(tmp_path, "file", PRINT_FILES["binance-trades"])
    assert prints_of(events(path, options=ReadOptions("BTC-PERP", "binance-trades"))) == MADE_PRINTS
    with pytest.raises(DataFileError, match=r"nearest is okx-trades .* which lacks"):
        events(path, options=ReadOptions("BTC-PERP", "okx-trades"))
    with pytest.raises(DataFileError, match="there is no format 'okx'"):
        events(path, options=ReadOptions("BTC-PERP", "okx"))


def test_depth_totals_hold_no_prices_and_are_passed_over_beside_others(tmp_path: Path) -> None:
    totals = csv("timestamp,percentage,depth,notional", ["2025-01-01 00:00:05,-5,10.5,640000.5"])
    reader = TapeReader(OPTIONS)
    paths = [written(tmp_path, "d", totals), written(tmp_path, "q", QUOTE_FILES["binance-bookticker"])]
    assert quotes_of([entry.event for entry in reader.entries(paths)]) == MADE_QUOTES
    assert reader.skipped == 1
    assert "no prices" in reader.notes[0]


def test_tickers_tell_settlements(tmp_path: Path) -> None:
    head = "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,mark_price"
    hour = START_MS + 60 * MINUTE_MS
    rows = [
        f"x,BTCUSDT,{START_MS + at}000,{START_MS}000,{settles}000,{rate},64000"
        for at, settles, rate in ((0, hour, "1e-4"), (10, hour, "2e-4"), (60 * MINUTE_MS, 2 * hour - START_MS, "3e-4"))
    ]
    found = {e.time_ms: e for e in events(written(tmp_path, "file", csv(head, rows))) if isinstance(e, FundingRate)}
    assert [(e.rate, e.interval_hours) for e in found.values()] == [(D("0.0002"), 1), (D("0.0003"), 1)]


@pytest.mark.parametrize(
    ("symbol", "market"),
    [("btcusdt", "BTC-PERP"), ("ETHUSDC", "ETH-PERP"), ("1000PEPEUSDT", "1000PEPE-PERP"), ("BTC-USDT-SWAP", "BTC-PERP"),
     ("BTC/USDC:USDC", "BTC-PERP"), ("BTC-PERPETUAL", "BTC-PERP"), ("BTC_USDT", "BTC-PERP"), ("SOL", "SOL-PERP")],
)  # fmt: skip
def test_symbols_become_market_names(symbol: str, market: str) -> None:
    assert market_name(symbol) == market


@pytest.mark.parametrize(
    ("name", "market"),
    [("BTCUSDT-1m-2025-01-01.csv", "BTC-PERP"), ("binance-futures_trades_2025-01-01_ETHUSDT.csv.gz", "ETH-PERP"),
     ("BTC_USDT_USDT-1m-futures.json", "BTC-PERP"), ("candles.csv", None), ("1000PEPEUSDT2025.csv", "1000PEPE-PERP")],
)  # fmt: skip
def test_a_file_name_may_tell_the_market(name: str, market: str | None) -> None:
    assert market_in(name) == market


def test_candle_files_are_told_by_their_content(tmp_path: Path) -> None:
    for name, text in CANDLE_FILES.items():
        assert found_of(Source(written(tmp_path, "file", text))).format.name == name


@pytest.mark.parametrize("noise", [0, 1, -1, 2])
def test_floats_of_parquet_are_the_decimals_that_were_meant(tmp_path: Path, noise: int) -> None:
    """0.102 is often computed, and then lies a step beside the double that is nearest to it."""
    arrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra `data`")
    import numpy as np
    from pyarrow import parquet

    from pfmm.tape.gather import Gathering

    def float_of(text: str) -> float:
        found = float(text)
        return float(found + noise * np.spacing(found))

    names = ("bid", "bid_size", "ask", "ask_size")
    columns = {name: [float_of(quote[at]) for quote in QUOTES] for at, name in enumerate(names, 1)}
    none = [None] * len(QUOTES)
    head = {"time_ms": [quote[0] for quote in QUOTES], "kind": ["quote"] * len(QUOTES)}
    rest = {"price": arrow.array(none, arrow.float64()), "size": arrow.array(none, arrow.float64()),
            "side": arrow.array(none, arrow.string())}  # fmt: skip
    parquet.write_table(arrow.table({**head, **rest, **columns}), tmp_path / "file")
    assert [(t, *(D(number) for number in rest)) for t, *rest in quotes_of(events(tmp_path / "file"))] == [
        (t, *(D(number) for number in rest)) for t, *rest in MADE_QUOTES
    ]
    with Gathering(OPTIONS, tmp_path) as gathering:
        gathering.read([tmp_path / "file"])
        rows = [row[2:6] for chunk in gathering.markets["BTC-PERP"].chunks() for row in chunk.tolist()]
    assert rows == [[int(D(number) * 10**8) for number in quote[1:]] for quote in MADE_QUOTES]


def test_records_of_hftbacktest_are_read_at_the_exchange_s_time(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy", reason="npz needs NumPy")
    exchange, local, buy, sell = 1 << 31, 1 << 30, 1 << 29, 1 << 28
    depth, trade, snapshot = 1, 2, 4
    kind = np.dtype(
        [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8"), ("order_id", "<u8"),
         ("ival", "<i8"), ("fval", "<f8")]
    )  # fmt: skip
    at = START_MS * 1_000_000
    rows = [
        (snapshot | exchange | local | buy, at, at + 5, 64000.0, 1.5),
        (snapshot | exchange | local | sell, at, at + 5, 64000.1, 2.0),
        (depth | exchange | buy, at + 1_000_000, at, 64000.0, 0.0),
        (depth | exchange | buy, at + 1_000_000, at, 63999.9, 0.7),
        (depth | local | buy, at + 1_500_000, at, 1.0, 1.0),  # what the recorder alone saw
        (trade | exchange | sell, at + 2_000_000, at, 63999.9, 0.25),
    ]
    np.savez_compressed(tmp_path / "day.npz", data=np.array([(*row, 0, 0, 0.0) for row in rows], dtype=kind))
    found = events(tmp_path / "day.npz")
    assert quotes_of(found) == [
        (START_MS, "64000", "1.5", "64000.1", "2"), (START_MS + 1, "63999.9", "0.7", "64000.1", "2"),
    ]  # fmt: skip
    assert prints_of(found) == [(START_MS + 2, "63999.9", "0.25", -1)]
    np.savez(tmp_path / "other.npz", data=np.zeros(3))
    with pytest.raises(DataFileError, match="has no records with ev, exch_ts, px, qty"):
        events(tmp_path / "other.npz")


def test_feather_candles_are_read(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="Feather needs the extra `data`")
    from pyarrow import feather

    from pfmm.backtest.candles import read_candles

    names = ("date", "open", "high", "low", "close", "volume")
    bars = [(t, *map(float, rest)) for t, *rest in BARS]
    columns: dict[str, object] = dict(zip(names, map(list, zip(*bars, strict=True)), strict=True))
    columns["date"] = arrow.array(columns["date"], arrow.timestamp("ms", "UTC"))
    feather.write_feather(arrow.table(columns), tmp_path / "BTC_USDT_USDT-1m-futures.feather")
    (tmp_path / "text").write_text(CANDLE_FILES["candles"])
    found, text = (read_candles([tmp_path / name]) for name in ("BTC_USDT_USDT-1m-futures.feather", "text"))
    assert (found.times, found.prices, found.volumes) == (text.times, text.prices, text.volumes)


def test_a_deep_book_of_bybit_is_kept_from_snapshot_and_differences(tmp_path: Path) -> None:
    def message(kind: str, at: int, bids: list[list[str]], asks: list[list[str]]) -> object:
        data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": at, "seq": at}
        return {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": START_MS + at, "cts": START_MS + at, "data": data}

    messages = [
        message("delta", 0, [["9", "1"]], []),  # to a book that the capture does not hold
        message("snapshot", 10, [["10", "1"], ["9", "2"]], [["11", "3"]]),
        message("delta", 20, [["10", "0"]], [["11", "4"]]),
        message("delta", 30, [["8", "5"]], []),
    ]
    found = events(written(tmp_path, "file", lines(messages)))
    assert quotes_of(found) == [(START_MS + 10, "10", "1", "11", "3"), (START_MS + 20, "9", "2", "11", "4")]
    assert [len(book.bids) for book in found if isinstance(book, Book)] == [2]


def partial_depth(stream: str, at_ms: int | None, bids: list[list[str]], asks: list[list[str]]) -> dict[str, object]:
    """A message with the best levels: of USD-M futures with its time, of the spot market without."""
    if at_ms is None:
        return {"stream": stream, "data": {"lastUpdateId": 7, "bids": bids, "asks": asks}}
    data = {"e": "depthUpdate", "E": at_ms, "T": at_ms, "s": "BTCUSDT", "U": 1, "u": 2, "pu": 0, "b": bids, "a": asks}
    return {"stream": stream, "data": data}


@pytest.mark.parametrize("stream", ["btcusdt@depth5", "btcusdt@depth10@100ms", "btcusdt@depth20@500ms"])
@pytest.mark.parametrize("spot", [False, True])
def test_a_partial_book_of_binance_is_whole_in_each_message(tmp_path: Path, stream: str, spot: bool) -> None:
    times = [START_MS, START_MS + 100, START_MS + 1_200]
    tops = ["64000.0", "64000.0", "64000.2"]
    rows = [
        partial_depth(stream, None if spot else t, [[top, "1.5"], ["63999.9", "2"]], [["64000.3", "2.5"]])
        for t, top in zip(times, tops, strict=True)
    ]
    text = "".join(f"{t * 1_000_000} {json.dumps(row)}\n" for t, row in zip(times, rows, strict=True))
    found = events(written(tmp_path, "capture", text))
    assert {event.market for event in found} == {"BTC-PERP"}  # type: ignore[attr-defined]
    assert quotes_of(found) == [
        (times[0], "64000.0", "1.5", "64000.3", "2.5"),
        (times[2], "64000.2", "1.5", "64000.3", "2.5"),
    ]
    books = [(one.time_ms, [str(level.price) for level in one.bids]) for one in found if isinstance(one, Book)]
    assert books == [(times[0], ["64000.0", "63999.9"]), (times[2], ["64000.2", "63999.9"])]


def test_a_partial_book_gives_no_quotes_beside_the_best_prices_themselves(tmp_path: Path) -> None:
    ticker = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "64000.1", "B": "1", "a": "64000.2", "A": "1",
              "T": START_MS, "E": START_MS}  # fmt: skip
    late = partial_depth("btcusdt@depth5", START_MS + 1, [["64000.0", "1.5"]], [["64000.3", "2.5"]])
    text = "".join(f"{json.dumps(row)}\n" for row in ({"stream": "btcusdt@bookTicker", "data": ticker}, late))
    found = events(written(tmp_path, "capture", text))
    assert quotes_of(found) == [(START_MS, "64000.1", "1", "64000.2", "1")]
    assert [len(one.bids) for one in found if isinstance(one, Book)] == [1]


@pytest.mark.parametrize("name", ["a-day", "c-day"])  # ahead of the day that was traded, and after it
def test_a_day_without_rows_among_others_is_said(tmp_path: Path, name: str) -> None:
    header = TICK_FILES["table"].partition("\n")[0] + "\n"
    written(tmp_path, "b-day", TICK_FILES["table"])
    quiet = written(tmp_path, name, header)
    reader = TapeReader(OPTIONS)
    assert quotes_of([entry.event for entry in reader.entries([tmp_path])]) == MADE_QUOTES
    assert reader.notes == (f"{quiet} holds no events",)
    with pytest.raises(DataFileError, match="holds no events"):
        events(quiet)
    with pytest.raises(DataFileError, match="is empty") as caught:
        events(written(tmp_path, "nothing", ""))
    assert caught.value.hint == "download it again, or leave it out"


def test_what_was_packed_twice_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"twice: is a xz stream within another"):
        events(written(tmp_path, "twice", gzip.compress(lzma.compress(TICK_FILES["table"].encode()))))


@pytest.mark.parametrize(
    ("price", "told"),
    [
        ('"64,000.0"', "bid must be a number, not '64,000.0'; thousands have no sign between them"),
        ('"64000,0"', "bid must be a number, not '64000,0'; the decimal sign is a point"),
        ("6" * 5_000, f"bid is out of range: '{'6' * 378}…"),
    ],
)
def test_a_number_that_is_none_is_told_in_a_line(tmp_path: Path, price: str, told: str) -> None:
    text = TICK_FILES["table"].replace("64000.0,1.10,", f"{price},1.10,", 1)
    with pytest.raises(DataFileError) as caught:
        events(written(tmp_path, "file", text))
    assert caught.value.message == f"{tmp_path / 'file'}, line 2: {told}"


def test_digits_behind_a_number_are_nothing_however_many(tmp_path: Path) -> None:
    text = TICK_FILES["table"].replace("64000.0,1.10,", f"64000.0{'0' * 5_000},1.10,", 1)
    assert [D(bid) for _, bid, *_ in quotes_of(events(written(tmp_path, "file", text)))] == [D(q[1]) for q in QUOTES]
