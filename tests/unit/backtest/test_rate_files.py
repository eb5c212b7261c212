"""Settled rates of every venue's layout: each row is a settlement, for the interval that it states or that shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.describing import describe
from pfmm.backtest.rates import funding_of, read_funding
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.model.units import iso
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.tape.options import UNNAMED, ReadOptions

T = 1_735_689_600_000  # 2025-01-01
H = 3_600_000
BTC = "BTC-PERP"


def rows(header: str, *given: str) -> str:
    return "\n".join([header, *given]) + "\n"


def answer(*hours: int, **names: str) -> list[dict[str, object]]:
    at = dict(names)
    time, rate = at.pop("time"), at.pop("rate")
    return [{**at, time: T + hour * H + 91, rate: "0.0001"} for hour in hours]


def tickers() -> str:
    head = "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,mark_price"
    return rows(head, *(
        f"x,{symbol}USDT,{T + m * 60_000}000,{T}000,{T + (m // 240 + 1) * 4 * H}000,{1 + m // 240}e-4,64000"
        for m in range(0, 720, 10) for symbol in ("ETH", "BTC")
    ))  # fmt: skip


BINANCE = answer(0, 8, 12, time="fundingTime", rate="fundingRate", symbol="BTCUSDT")
HYPERLIQUID = answer(0, 1, 2, 5, 6, time="time", rate="fundingRate", coin="BTC", premium="0.1")
OF_BYBIT = answer(8, 0, time="fundingRateTimestamp", rate="fundingRate", symbol="BTCUSDT")
BYBIT = {"retCode": 0, "result": {"list": OF_BYBIT}}
OF_OKX = answer(8, 0, time="fundingTime", rate="realizedRate", instId="BTC-USDT-SWAP", fundingRate="9")
OKX = {"code": "0", "data": OF_OKX}
FILES: dict[str, tuple[str, str, list[tuple[int, int, int]]]] = {
    "binance archive": (
        "file", rows("calc_time,funding_interval_hours,last_funding_rate",
                     f"{T + 7},8,0.0001", f"{T + 8 * H + 7},8,-1e-4", f"{T + 12 * H},4,0.0001"),
        [(0, 10_000, 8), (8, -10_000, 8), (12, 10_000, 4)],
    ),
    "binance archive without header": (
        "file", rows(f"{T},8,0.00010000", f"{T + 4 * H + 12},4,0.0001"), [(0, 10_000, 8), (4, 10_000, 4)],
    ),
    "binance answer": ("file", json.dumps(BINANCE, indent=1), [(0, 10_000, 8), (8, 10_000, 8), (12, 10_000, 4)]),
    "hyperliquid answer with a hole": (
        "file", json.dumps(HYPERLIQUID), [(hour, 10_000, 1) for hour in (0, 1, 2, 5, 6)],
    ),
    "bybit answer": ("file", json.dumps(BYBIT), [(0, 10_000, 8), (8, 10_000, 8)]),
    "okx answer": ("file", json.dumps(OKX), [(0, 10_000, 8), (8, 10_000, 8)]),
    "okx archive": (
        "file", rows("instrument_name,contract_type,funding_rate,real_funding_rate,funding_time",
                     f"ETH-USDT-SWAP,SWAP,9,0.0003,{T}", f"BTC-USDT-SWAP,SWAP,9,0.0001,{T}",
                     f"BTC-USDT-SWAP,SWAP,9,0.0002,{T + 8 * H}"),
        [(0, 10_000, 8), (8, 20_000, 8)],
    ),
    "data frame": (
        "file", rows(",timestamp,fundingRate", f"0,{T},0.0001", f"1,{T + H},1.000000000000000048e-04"),
        [(0, 10_000, 1), (1, 10_000, 1)],
    ),
    "freqtrade": (
        "BTC_USDT_USDT-8h-funding_rate.json", json.dumps([[T + hour * H, -0.0001, 0, 0, 0, 0] for hour in (0, 8)]),
        [(0, -10_000, 8), (8, -10_000, 8)],
    ),
    "vendor tickers": ("file", tickers(), [(4, 10_000, 4), (8, 20_000, 4), (12, 30_000, 4)]),
    "own": ("file", rows("time_ms,rate_8h", *(f"{T + hour * H + 12},0.0001" for hour in range(3))),
            [(hour, 1_250, 1) for hour in range(3)]),
}  # fmt: skip


@pytest.mark.parametrize("layout", FILES)
def test_rates_are_read_from(tmp_path: Path, layout: str) -> None:
    name, text, wanted = FILES[layout]
    (tmp_path / name).write_text(text)
    found = read_funding(tmp_path / name, BTC)
    assert [((one.time_ms - T) // H, one.rate, one.interval_hours) for one in found] == wanted


def test_rates_of_other_markets_are_no_rates_of_this_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(FILES["okx archive"][1])
    assert set(funding_of(path)) == {BTC, "ETH-PERP"}
    with pytest.raises(UnknownMarket, match="holds no rates of SOL-PERP") as caught:
        read_funding(path, "SOL-PERP")
    assert caught.value.hint == "it holds ETH-PERP, BTC-PERP"


@pytest.mark.parametrize(
    ("moments", "unit"),
    [((T // 1000, T // 1000 + 8 * 3600), "s"), ((T, T + 8 * H), "ms"), ((f"{iso(T)}", f"{iso(T + 8 * H)}"), "iso")],
)
def test_the_unit_of_the_times_is_told(tmp_path: Path, moments: tuple[object, object], unit: str) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("time_ms,rate_8h\n" + "".join(f"{moment},0.0001\n" for moment in moments))
    found = describe(path, ReadOptions(), TapeCache(tmp_path / "cache"))
    assert (found.time_unit, found.markets[0].funding, found.markets[0].interval_hours) == (unit, 2, "8")


def test_candles_of_prices_are_no_rates(tmp_path: Path) -> None:
    path = tmp_path / "DOGE_USDT_USDT-1m-futures.json"
    path.write_text(json.dumps([[T, 0.3, 0.3, 0.3, 0.3, 1]]))
    with pytest.raises(DataFileError, match="holds freqtrade candles, no settled funding rates"):
        read_funding(path, BTC)
    assert set(funding_of(tmp_path / path.rename(tmp_path / "x-funding_rate.json").name)) == {UNNAMED}


@pytest.mark.parametrize("rate", ["1.5", "", "nan", "0.01%"])
def test_a_rate_that_is_none_is_refused_with_its_line(tmp_path: Path, rate: str) -> None:
    path = tmp_path / "file"
    path.write_text(rows("time,funding_rate", f"{T},{rate}"))
    with pytest.raises(DataFileError, match="file, line 2: rate must be"):
        read_funding(path)
