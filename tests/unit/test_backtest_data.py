"""Candles, tables and funding as worlds of a backtest, and what the report is given, with the arithmetic shown."""

from __future__ import annotations

from array import array
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.candles import STEPS, candle_tape, read_candles, read_funding
from pfmm.backtest.columns import Columns, TapeFeed, with_funding
from pfmm.backtest.loading import format_of, load
from pfmm.backtest.results import mids_at
from pfmm.backtest.simulation import Clockwork, simulate
from pfmm.cycle import Limits, RunSpec
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.paper.feed import MarketSpec
from pfmm.paper.tapefile import NO_ASK, MarketTape
from pfmm.strategy.grid import GridStrategy
from pfmm.strategy.grid_plan import GridConfig

T = 1_700_000_000_000
TABLE = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size"
SPEC = MarketSpec("X-PERP", "crypto", 1, 3, 1, None, 1_000_000_000, 20, -20_000, 50_000, 1)


def candles(folder: Path, *bars: str) -> Path:
    path = folder / "candles.csv"
    path.write_text("\n".join(["time_ms,open,high,low,close,volume", *bars]) + "\n")
    return path


def test_a_bar_is_walked_both_ways(tmp_path: Path) -> None:
    # open 100.0 → low 98.0 over 4 steps of 0.5, → high 104.0 over 4 of 1.5, → close 100.7 over 3 of 1.1
    read = read_candles([candles(tmp_path, f"{T},100.0,104.0,98.0,100.7,12")])
    low = Columns(candle_tape(read, "X-PERP", "low_first"))
    prints = low.rows[low.rows[:, 1] == 1]
    assert prints[:, 2].tolist() == [1000, 995, 990, 985, 980, 995, 1010, 1025, 1040, 1029, 1018, 1007]
    assert prints[:, 0].tolist() == [T + 5_000 * step for step in range(STEPS)]
    assert prints[:, 4].tolist() == [1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1]
    assert prints[:, 3].tolist() == [1_000] * STEPS  # 12 coins in twelve parts of 1.000
    assert low.rows[low.rows[:, 1] == 0][:, 2].tolist() == [price - 1 for price in prints[:, 2].tolist()]
    high = Columns(candle_tape(read, "X-PERP", "high_first"))
    first = high.rows[high.rows[:, 1] == 1][:9, 2].tolist()
    assert first == [1000, 1010, 1020, 1030, 1040, 1025, 1010, 995, 980]


def test_gaps_between_bars_are_counted(tmp_path: Path) -> None:
    bar = "100,101,99,100,1"
    read = read_candles([candles(tmp_path, f"{T},{bar}", f"{T + 60_000},{bar}", f"{T + 300_000},{bar}")])
    assert (read.gaps, read.longest_gap_ms) == (1, 240_000)


@pytest.mark.parametrize(
    ("bar", "told"),
    [
        ("x,1,1,1,1,1", "line 3: time_ms must be whole ms"),
        (f"{T},1,1,1,1,1", "line 3: time_ms .* is not after"),
        (f"{T + 60_000},1,1,2,1,1", "line 3: open 1, high 1, low 2"),
        (f"{T + 60_000},1,nan,1,1,1", "line 3: high must be finite"),
        (f"{T + 60_000},1,1,1,1,-1", "line 3: volume must not be negative"),
        (f"{T + 60_000},1,1,1,1", "line 3: must have 6 cells, not 5"),
    ],
)
def test_bad_bars_are_refused_with_their_line(tmp_path: Path, bar: str, told: str) -> None:
    with pytest.raises(DataFileError, match=told):
        read_candles([candles(tmp_path, f"{T},1,1,1,1,1", bar)])


def test_funding_comes_from_the_file_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "funding.csv"
    path.write_text(f"time_ms,rate_8h\n{T},0.0001\n{T + 28_800_000},-0.00005\n")
    rates = read_funding(path)
    assert rates == [(T, 10_000), (T + 28_800_000, -5_000)]
    bars = read_candles([candles(tmp_path, f"{T},1,1,1,1,1")])
    feed = TapeFeed(Columns(with_funding(candle_tape(bars, "X-PERP", "low_first"), rates)), lazy=True)
    assert feed.funding_rate("X-PERP", T) == 10_000


def test_tables_are_read_as_csv_and_as_parquet(tmp_path: Path) -> None:
    rows = [
        (T, "quote", "", "", "", "99.9", "1.5", "100.1", "2"),
        (T + 1, "trade", "100.1", "0.25", "buy", "", "", "", ""),
        (T + 2, "quote", "", "", "", "", "", "100.2", "1"),
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([TABLE, *(",".join(map(str, row)) for row in rows)]) + "\n")
    (world,) = load([path], "X-PERP", tmp_path / "cache")
    assert world.columns.rows.tolist() == [
        [T, 0, 999, 150, 1001, 200],
        [T + 1, 1, 1001, 25, 1, 0],
        [T + 2, 0, 0, 0, 1002, 100],
    ]
    assert (format_of(path), len(list((tmp_path / "cache").iterdir()))) == ("table", 1)
    path.write_text(f"{TABLE}\n{T},quote,,,,1,1,x,1\n")
    with pytest.raises(DataFileError, match="line 2"):
        load([path], "X-PERP", tmp_path / "cache")

    arrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra `parquet`")
    from pyarrow import parquet

    columns = dict(zip(TABLE.split(","), zip(*rows, strict=True), strict=True))
    floats = {
        k: [None if v == "" else v if k in ("kind", "side") else float(v) for v in vs] for k, vs in columns.items()
    }
    floats["time_ms"] = [row[0] for row in rows]
    parquet.write_table(arrow.table(floats), tmp_path / "table.parquet")
    (again,) = load([tmp_path / "table.parquet"], "X-PERP", tmp_path / "cache")
    assert again.columns.rows.tolist() == world.columns.rows.tolist()


def test_files_of_two_kinds_and_other_markets_are_refused(tmp_path: Path) -> None:
    bars = candles(tmp_path, f"{T},1,1,1,1,1")
    table = tmp_path / "table.csv"
    table.write_text(f"{TABLE}\n{T},quote,,,,1,1,2,1\n")
    with pytest.raises(DataFileError, match="of different kinds"):
        load([bars, table], "X-PERP", tmp_path)
    tape = tmp_path / "tape.ndjson"
    tape.write_text(
        '{"format":"pfmm-tape","version":1,"units":{"time":"ms","price":"USD","size":"base"}}\n'
        f'{{"kind":"quote","market":"Y-PERP","time":{T},"bid":"9.9","bid_size":"1","ask":"10","ask_size":"2"}}\n'
    )
    with pytest.raises(UnknownMarket, match="holds no X-PERP"):
        load([tape], "X-PERP", tmp_path)


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


def test_mids_carry_the_time_of_their_quote() -> None:
    columns = columns_of((T, 0, 999, 5, 1001, 5), (T + 100, 0, 1000, 5, 1001, 5), (T + 200, 0, 0, 0, 1002, 5))
    found = mids_at(columns, [T - 1, T + 50, T + 100, T + 150, T + 250])
    assert list(zip(found.times, found.values, strict=True)) == [(T, Decimal(100)), (T + 100, Decimal("100.05"))]


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
        funding=(hour, 10_000),
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
