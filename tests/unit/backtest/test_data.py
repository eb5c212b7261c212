"""Candles, tables and funding as worlds of a backtest, and what the report is given, with the arithmetic shown."""

from __future__ import annotations

import gzip
from array import array
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.bars import BarBook
from pfmm.backtest.candles import candle_tape, read_candles
from pfmm.backtest.columns import Columns, TapeFeed, with_funding
from pfmm.backtest.loading import format_of, load
from pfmm.backtest.rates import read_funding
from pfmm.backtest.results import mids_at, scenario
from pfmm.backtest.simulation import Clockwork, simulate
from pfmm.backtest.venue import SimulatedVenue
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.model.order import Side
from pfmm.paper.feeds.feed import MarketSpec, Quote
from pfmm.paper.feeds.replay_tape import NO_ASK, MarketTape
from pfmm.paper.feeds.settlements import on_the_minute
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.paper.matching import MarketBook, Resting
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy

T = 1_700_000_000_000
TABLE = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size"
SPEC = MarketSpec("X-PERP", "crypto", 1, 3, 1, None, 1_000_000_000, 20, -20_000, 50_000, 1)


def candles(folder: Path, *bars: str) -> Path:
    path = folder / "candles.csv"
    path.write_text("\n".join(["time_ms,open,high,low,close,volume", *bars]) + "\n")
    return path


def test_a_bar_is_four_quotes_the_nearer_extreme_first(tmp_path: Path) -> None:
    rose, fell = f"{T},100.0,104.0,98.0,100.7,12", f"{T + 60_000},100.7,101.0,97.0,97.5,0.003"
    columns = Columns(candle_tape(read_candles([candles(tmp_path, rose, fell)]), "X-PERP"))
    assert columns.rows[:, 1].tolist() == [0] * 9  # quotes: of prints nothing is known
    assert [sum(row) // 2 for row in columns.rows[:, [2, 4]].tolist()] == [
        1000, 980, 1040, 1007, 1007, 1010, 970, 975, 975,
    ]  # fmt: skip
    assert (columns.rows[:, 4] - columns.rows[:, 2]).tolist() == [2] * 9  # a tick on each side
    assert columns.rows[:, 3].tolist() == columns.rows[:, 5].tolist() == [3000] * 4 + [1] * 5  # a quarter, at least 1
    seconds = [0, 20, 40, 59, 60, 80, 100, 119, 120]  # in the end the bar is over: the market stands as it did
    assert list(columns.times) == [T + 1000 * second for second in seconds]


def test_gaps_between_bars_are_counted(tmp_path: Path) -> None:
    bar = "100,101,99,100,1"
    read = read_candles([candles(tmp_path, f"{T},{bar}", f"{T + 60_000},{bar}", f"{T + 300_000},{bar}")])
    assert (read.gaps, read.longest_gap_ms) == (1, 240_000)


@pytest.mark.parametrize(
    ("bar", "told"),
    [
        ("x,1,1,1,1,1", "line 3: time_ms must be s, ms, us or ns since 1970 or ISO-8601, not 'x'"),
        (f"{T},1,1,1,1,1", "line 3: the bar of 2023-11-14T22:13:20Z is not after the bar before it"),
        (f"{T + 60_000},1,1,2,1,1", "line 3: open 1, high 1, low 2"),
        (f"{T + 60_000},1,nan,1,1,1", "line 3: high must be finite"),
        (f"{T + 60_000},1,1,1,1,-1", "line 3: volume must not be negative"),
        (f"{T + 60_000},1,1,1,1", "line 3: must have 6 cells, not 5"),
        (f"{T + 30_000},1,1,1,1,1", "line 3: the bar begins 30000 ms after the one before it: not 1-minute candles"),
        (f"{T * 1000},1,1,1,1,1", "line 3: time_ms '1700000000000000' is a time in us, those before it are in ms"),
        (f"{'9' * 30},1,1,1,1,1", "line 3: time_ms must be s, ms, us or ns"),
        (f"{T + 60_000},1,1,1,1,9900000000000000", "line 3: volume is out of range"),
        (f"{T + 60_000},1,999999999999999,0.00001,1,1", "a price or volume is too large"),
        (f"{T + 3_600_000},1,1,1,1,1", "no bar begins a minute after the one before it"),
    ],
)
def test_bad_bars_are_refused_with_their_line(tmp_path: Path, bar: str, told: str) -> None:
    with pytest.raises(DataFileError, match=told):
        read_candles([candles(tmp_path, f"{T},1,1,1,1,1", bar)])


def test_a_coin_of_a_small_price_keeps_its_prices(tmp_path: Path) -> None:
    # at 5 decimals every one of these would be 0.00001
    read = read_candles([candles(tmp_path, f"{T},0.00001234,0.0000125,0.000012,0.00001239,5000000.7")])
    assert (read.prices.tolist(), read.price_decimals) == ([1_234, 1_250, 1_200, 1_239], 8)
    assert (read.volumes.tolist(), read.size_decimals) == ([5_000_000], 0)
    noisy = read_candles([candles(tmp_path, f"{T},64000.1234567,64001,63999,64000,2.5")])
    assert (noisy.price_decimals, noisy.size_decimals, noisy.volumes.tolist()) == (5, 3, [2_500])
    with pytest.raises(DataFileError, match=r"0\.0000012 needs more than 8 decimals"):
        read_candles([candles(tmp_path, f"{T},0.000001234,0.00000125,0.0000012,0.000001234,5")])


def test_nobody_trades_more_in_a_bar_than_was_traded(tmp_path: Path) -> None:
    read = read_candles([candles(tmp_path, f"{T},100.0,104.0,98.0,100.7,12")])
    feed = TapeFeed(Columns(candle_tape(read, "X-PERP")), lazy=False)
    for side, price in ((1, 1_042), (-1, 978)):
        filled = []
        for book in (MarketBook(), BarBook(60_000, T, T + 59_000)):
            book.join(Resting(1, side, price, 10**9), Quote(0, 0, 0, 0, 0))
            events = feed.events("X-PERP", 0, T + 59_999, book)
            filled.append(sum(one.size for event in events for one in book.on_event(event)))
        assert filled == [12_000, 3_000]  # four quotes that show 3.000 each; in a backtest once a bar


def test_nothing_happens_in_a_bar_without_volume(tmp_path: Path) -> None:
    bars = [f"{T},100,104,98,100,12", f"{T + 60_000},100,110,90,100,0", f"{T + 120_000},100,101,99,100,12"]
    columns = Columns(candle_tape(read_candles([candles(tmp_path, *bars)]), "X-PERP"))
    assert [time_ms for time_ms in columns.times if T + 60_000 <= time_ms < T + 120_000] == []
    assert len(columns) == 2 * 4 + 1
    assert columns.times[-1] == T + 180_000  # a last bar is over when its minute is
    with pytest.raises(DataFileError, match="no bar has any volume"):
        read_candles([candles(tmp_path, bars[1])])


def test_a_damaged_gzip_stream_is_named(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv.gz"
    packed = gzip.compress(b"time_ms,open,high,low,close,volume\n")
    path.write_bytes(packed + packed[:10] + b"\xff" * 40)  # a second member whose block type does not exist
    with pytest.raises(DataFileError, match="line 1: the gzip stream is cut or damaged"):
        read_candles([path])


def test_funding_comes_from_the_file_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "funding.csv"
    path.write_text(f"time_ms,rate_8h\n{T},0.0001\n{T + 28_800_000},-0.00005\n")
    rates = read_funding(path)
    minute = on_the_minute(T)
    assert rates == [(minute, 10_000, 8), (minute + 28_800_000, -5_000, 8)]
    bars = read_candles([candles(tmp_path, f"{T},1,1,1,1,1")])
    feed = TapeFeed(Columns(with_funding(candle_tape(bars, "X-PERP"), rates)), lazy=True)
    assert feed.settlements("X-PERP", 0, T + 60_000) == rates[:1]


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        ("999999999999999", "must be a fraction between -1 and 1"),
        ("-1", "must be a fraction between -1 and 1"),
        ("0.0002", "2023-11-14T22:13:20Z has another rate further up"),
    ],
)
def test_a_funding_rate_that_is_none_or_contradicts_another_is_refused(tmp_path: Path, rate: str, told: str) -> None:
    path = tmp_path / "funding.csv"
    path.write_text(f"time_ms,rate_8h\n{T},0.0001\n{T},0.0001\n{T},{rate}\n")
    with pytest.raises(DataFileError, match="line 4: .*" + told):
        read_funding(path)


def test_tables_are_read_as_csv_and_as_parquet(tmp_path: Path) -> None:
    rows = [
        (T, "quote", "", "", "", "99.9", "1.5", "100.1", "2"),
        (T + 1, "trade", "100.1", "0.25", "buy", "", "", "", ""),
        (T + 2, "quote", "", "", "", "", "", "100.2", "1"),
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([TABLE, *(",".join(map(str, row)) for row in rows)]) + "\n")
    world = load([path], "X-PERP", TapeCache(tmp_path / "cache"))
    assert world.columns.rows.tolist() == [
        [T, 0, 999, 150, 1001, 200],
        [T + 1, 1, 1001, 25, 1, 0],
        [T + 2, 0, 0, 0, 1002, 100],
    ]
    assert (format_of(path), len(list((tmp_path / "cache").iterdir()))) == ("table", 1)
    path.write_text(f"{TABLE}\n{T},quote,,,,1,1,x,1\n")
    with pytest.raises(DataFileError, match="line 2"):
        load([path], "X-PERP", TapeCache(tmp_path / "cache"))

    arrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra `parquet`")
    from pyarrow import parquet

    columns = dict(zip(TABLE.split(","), zip(*rows, strict=True), strict=True))
    floats = {
        k: [None if v == "" else v if k in ("kind", "side") else float(v) for v in vs] for k, vs in columns.items()
    }
    floats["time_ms"] = [row[0] for row in rows]
    parquet.write_table(arrow.table(floats), tmp_path / "table.parquet")
    again = load([tmp_path / "table.parquet"], "X-PERP", TapeCache(tmp_path / "cache"))
    assert again.columns.rows.tolist() == world.columns.rows.tolist()


def test_prices_in_32_bits_are_the_decimals_that_were_meant(tmp_path: Path) -> None:
    """64,000.1 in 32 bits is 64,000.1015625: eight decimals would hold that, and nobody ever quoted it."""
    arrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra `parquet`")
    from pyarrow import parquet

    none = [None, None]
    table = {"time_ms": [T, T + 1], "kind": ["quote", "quote"], "price": none, "size": none, "side": none}
    sides = {"bid": [64_000.1, 64_000.2], "bid_size": [0.5, 1], "ask": [64_000.3, 64_000.4], "ask_size": [1, 1]}
    narrow = {name: arrow.array(values, arrow.float32()) for name, values in sides.items()}
    parquet.write_table(arrow.table(table | narrow), tmp_path / "table.parquet")
    world = load([tmp_path / "table.parquet"], "X-PERP", TapeCache(tmp_path / "cache"))
    assert world.columns.tape.spec.price_decimals == 1
    assert world.columns.rows[:, 2].tolist() == [640_001, 640_002]


def test_files_of_two_kinds_and_other_markets_are_refused(tmp_path: Path) -> None:
    bars = candles(tmp_path, f"{T},1,1,1,1,1")
    table = tmp_path / "table.csv"
    table.write_text(f"{TABLE}\n{T},quote,,,,1,1,2,1\n")
    with pytest.raises(DataFileError, match="of different kinds"):
        load([bars, table], "X-PERP", TapeCache(tmp_path))
    tape = tmp_path / "tape.ndjson"
    tape.write_text(
        '{"format":"pfmm-tape","version":1,"units":{"time":"ms","price":"USD","size":"base"}}\n'
        f'{{"kind":"quote","market":"Y-PERP","time":{T},"bid":"9.9","bid_size":"1","ask":"10","ask_size":"2"}}\n'
    )
    with pytest.raises(UnknownMarket, match="holds no X-PERP"):
        load([tape], "X-PERP", TapeCache(tmp_path))


def columns_of(*rows: tuple[int, int, int, int, int, int], funding: tuple[int, ...] = ()) -> Columns:
    flat = array("q", [number for row in rows for number in row])
    empty = memoryview(array("q"))
    return Columns(MarketTape(SPEC, memoryview(flat), empty, empty, memoryview(array("q", funding))))


def test_a_side_without_size_is_no_quote_for_a_decision() -> None:
    columns = columns_of((T, 0, 999, 0, 1001, 5), (T + 5, 1, 1001, 5, 1, 0), (T + 9, 0, 999, 5, 1001, 5))
    assert columns.quote_at(T + 8) == (0, 1001)
    assert columns.quote_at(T + 9) == (999, 1001)
    assert columns.quote_at(T - 1) == (0, 0)
    assert columns.first_two_sided() == T + 9
    assert columns.first_quote_beyond(T - 1, T + 20, (0, NO_ASK, 0, NO_ASK)) == T
    assert columns.first_quote_beyond(T, T + 20, (0, NO_ASK, 0, NO_ASK)) == T + 20
    one_sided = columns_of((T, 0, 999, 5, 0, 0))
    assert one_sided.quote_at(T) == (999, 0)
    assert one_sided.first_two_sided() is None


def test_mids_are_those_in_force_at_the_moments_that_are_asked_for() -> None:
    """None before the first quote, of an absent side, and of a quote that nothing followed for a minute."""
    rows = ((T, 0, 999, 5, 1001, 5), (T + 60_101, 0, 1000, 5, 1001, 5), (T + 60_200, 0, 0, 0, 1002, 5))
    found = mids_at(columns_of(*rows), [T - 1, T + 50, T + 60_000, T + 60_001, T + 60_101, T + 60_150, T + 60_250])
    assert list(zip(found.times, found.values, strict=True)) == [
        (T + 50, Decimal(100)), (T + 60_000, Decimal(100)),
        (T + 60_101, Decimal("100.05")), (T + 60_150, Decimal("100.05")),
    ]  # fmt: skip


def test_a_decision_knows_the_rate_that_settled_last_and_not_the_next() -> None:
    hour = (T // 3_600_000 + 1) * 3_600_000
    columns = columns_of(
        (hour - 9_000, 0, 999, 5, 1_001, 5), (hour + 9_000, 0, 999, 5, 1_001, 6),
        funding=(hour - 3_600_000, 10_000, 1, hour, -20_000, 1, hour + 3_600_000, 70_000, 1),
    )  # fmt: skip
    feed = TapeFeed(columns, lazy=True)
    venue = SimulatedVenue(feed, SPEC, start_ms=hour - 9_000, end_ms=hour + 9_000)
    assert (venue.ticker().funding_rate, venue.ticker().next_funding_ms) == (Decimal("0.0001"), hour)
    venue.advance(hour + 1)
    assert venue.ticker().funding_rate == Decimal("-0.0002")


def test_the_drawdown_sees_what_happens_between_the_samples_and_ends_where_the_run_does() -> None:
    """The bid 98 fills at T + 1,000 as above, 0.204. Two hours long the samples are 12 s apart; for 4 s between two of
    them the mid is 88: 0.204 * (98 - 88) = 2.04 below the start, less the rebate of 0.0039984. A run that may lose 1
    ends there, two ways of its cancel later, and so does its report."""
    quotes = [
        (T, 0, 999, 5_000, 1_001, 5_000),
        (T + 1_000, 0, 977, 5_000, 979, 5_000),
        (T + 3_604_000, 0, 879, 5_000, 881, 5_000),
        (T + 3_608_000, 0, 977, 5_000, 979, 5_000),
        (T + 7_200_000, 0, 977, 5_001, 979, 5_000),
    ]
    columns = columns_of(*quotes)
    config = GridConfig(levels=2, size_usd=Decimal(20), lower=Decimal(98), upper=Decimal(102))
    clockwork = Clockwork(T, T + 7_200_000, 3_000, 40)
    found = {}
    for limit in (None, Decimal(1)):
        spec = RunSpec(GridStrategy("X-PERP", config), {}, Limits(Decimal(500), limit, keep_on_bad_data=True))
        outcome = simulate(columns, spec, clockwork)
        found[limit] = scenario(columns, outcome, clockwork, "grid")
    free, limited = found[None], found[Decimal(1)]
    assert free.outcome.ended_ms == free.report.end_ms == T + 7_200_000
    assert (free.settlements, free.without_rate) == (2, 2)
    assert free.drawdown_usd == Decimal("2.04") - Decimal("0.0039984")
    assert limited.outcome.stopped is not None
    assert limited.outcome.ended_ms == limited.report.end_ms == limited.report.equity[-1][0] == T + 3_606_080
    assert limited.report.equity[-1][1] == limited.outcome.equity


def test_an_order_that_the_venue_refused_was_never_placed() -> None:
    """Decided around 100, the bid of 98 arrives 2 s later, when the ask is at 97.9: post-only, it is refused."""
    columns = columns_of(
        (T, 0, 999, 5_000, 1_001, 5_000), (T + 1_000, 0, 977, 5_000, 979, 5_000), (T + 2_500, 0, 977, 5_000, 979, 5_001)
    )
    config = GridConfig(levels=2, size_usd=Decimal(20), lower=Decimal(98), upper=Decimal(102))
    spec = RunSpec(GridStrategy("X-PERP", config), {}, Limits(Decimal(500), keep_on_bad_data=True))
    outcome = simulate(columns, spec, Clockwork(T, T + 2_500, 3_000, 2_000))
    assert [order.side for order in outcome.orders] == [Side.SHORT]


def test_one_fill_funding_and_latency_worked_by_hand() -> None:
    """A grid of two cells, 98 to 102 around 100: bid 98 and ask 102, 20 USD each, at 40 ms each way.

    The decision at T is at the venue at T + 40. At T + 1,000 the ask falls to 97.9: 20 / 98 = 0.204 is bought at 98,
    fee -2 bps of 19.992 = -0.0039984. The hour's funding at 1 bp on 0.204 at the mark 97.8 costs 0.00199512.
    """
    hour = (T // 3_600_000 + 1) * 3_600_000
    start = hour - 5_000
    columns = columns_of(
        (start, 0, 999, 5_000, 1_001, 5_000),
        (start + 1_000, 0, 977, 5_000, 979, 5_000),
        (start + 9_000, 0, 977, 5_001, 979, 5_000),
        funding=(hour, 10_000, 1),
    )
    config = GridConfig(levels=2, size_usd=Decimal(20), lower=Decimal(98), upper=Decimal(102))
    spec = RunSpec(GridStrategy("X-PERP", config), {}, Limits(Decimal(500), keep_on_bad_data=True))
    outcome = simulate(columns, spec, Clockwork(start, start + 9_000, 3_000, 40))
    (fill,) = [item.fill for item in outcome.fills]
    assert (fill.price, fill.size, fill.fee, fill.time_ms) == (
        Decimal(98), Decimal("0.204"), Decimal("-0.00399840"), start + 1_000,
    )  # fmt: skip
    assert outcome.orders[0].created_ms == start
    (payment,) = outcome.payments
    assert (payment.time_ms, payment.amount) == (hour, Decimal("-0.00199512"))
    unrealized = Decimal("0.204") * (Decimal("97.8") - 98)
    assert outcome.equity == 10_000 + unrealized + Decimal("0.00399840") - Decimal("0.00199512")
    assert outcome.position == Decimal("0.204")


def test_days_of_candles_name_the_file_that_they_overlap_with_and_those_without_any(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    day = [f"{T + 60_000 * n},100,101,99,100,1" for n in range(3)]
    first, none = candles(tmp_path / "a", *day), candles(tmp_path / "b")
    read = read_candles([first, none])
    assert (len(read.times), read.notes) == (3, (f"{none} holds no candles",))
    with pytest.raises(DataFileError, match=r"c/candles.csv, line 2: the bar of .* stands first here") as caught:
        read_candles([first, candles(tmp_path / "c", *day)])
    assert caught.value.message.endswith(f"{first} ends with that of 2023-11-14T22:15:20Z")
    assert caught.value.hint == "files of one kind must not overlap: is one of them given twice?"
