"""Sweeps, the fit of A and κ on known data and on the recordings, σ on a grid, and every refusal."""

from __future__ import annotations

import gzip
import json
import math
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.errors import ConfigError
from pfmm.model.market import Trade
from pfmm.strategy.calibration import (
    Calibration,
    IntensityFit,
    calibrate,
    dump,
    fit_intensity,
    grid_volatility,
    implied_mids,
    load,
    sweep_distances,
)
from pfmm.strategy.quote.config import QuoteConfig, choose_sigma, with_calibration
from pfmm.strategy.volatility import VolatilityState


def trade(time_ms: int, price: str, aggressor: int) -> Trade:
    return Trade("BTC-PERP", time_ms, Decimal(price), Decimal(1), aggressor)


def poisson_market(
    kappa: float, per_side: float, span_s: int, seed: int
) -> tuple[list[Trade], list[tuple[int, float]]]:
    """A still mid of 100 and sweeps of each side at `per_side` a second, reaching δ ~ Exp(κ)."""
    draw = random.Random(seed)
    trades = []
    for aggressor in (1, -1):
        time_s = 0.0
        while (time_s := time_s + draw.expovariate(per_side)) < span_s:
            reach = draw.expovariate(kappa)
            trades.append(trade(1 + int(time_s * 1000), f"{100 + aggressor * reach:.6f}", aggressor))
    trades.sort(key=lambda each: each.time_ms)
    return trades, [(time_ms, 100.0) for time_ms in range(0, span_s * 1000, 500)]


def test_a_sweep_is_one_aggressor_at_one_timestamp() -> None:
    trades = [
        trade(5, "100.1", 1),  # before the first mid: left out
        trade(20, "100.1", 1),
        trade(20, "100.3", 1),  # same sweep: reaches 100.3 − 100.05 = 0.25
        trade(20, "99.9", -1),  # other aggressor: 100.05 − 99.9 = 0.15
        trade(30, "100.1", 1),  # mid just before 30 is still 100.05: 0.05
        trade(40, "100.0", 1),  # below the mid of 30: a late mid, left out
    ]
    assert sweep_distances(trades, [(10, 100.05), (30, 100.15)]) == [0.25, 0.15, 0.05]


def test_fit_on_exact_counts() -> None:
    # 80 reach 1, 40 reach 2, 20 reach 3, 10 reach 4, 5 reach 5 within 10 s: λ = 16·2^−δ, κ = ln 2
    distances = [1.0] * 40 + [2.0] * 20 + [3.0] * 10 + [4.0] * 5 + [5.0] * 5
    fit = fit_intensity(distances, 10.0)
    assert fit.kappa_usd == pytest.approx(math.log(2))
    assert fit.intensity_per_s == pytest.approx(16)
    assert fit.side_intensity_per_s == pytest.approx(8)
    assert fit.r_squared == pytest.approx(1)
    assert fit.distances == 5


def test_fit_needs_two_distances_and_time() -> None:
    for distances, span in (([1.0] * 50, 10.0), ([1.0] * 50 + [2.0] * 50, 0.0), ([], 10.0)):
        with pytest.raises(ValueError, match="two distances"):
            fit_intensity(distances, span)


@pytest.mark.parametrize(("kappa", "per_side"), [(1.0, 1.0), (5.0, 0.4), (0.2, 3.0)])
def test_recovers_a_known_market(kappa: float, per_side: float) -> None:
    trades, mids = poisson_market(kappa, per_side, 4000, seed=11)
    got = calibrate(trades, mids)
    assert got.fit is not None
    # n sweeps know κ to 1/√n and A to 1/√n: 4 of those, 8,000·per_side sweeps; cumulative counts cost a little more
    error = 6 / math.sqrt(2 * per_side * 4000)
    assert got.fit.kappa_usd == pytest.approx(kappa, rel=error)
    assert got.fit.intensity_per_s == pytest.approx(2 * per_side, rel=error)
    assert got.fit.r_squared > 0.95
    assert got.kappa_per_bp == pytest.approx(got.fit.kappa_usd * 100 / 10_000)  # a bp of 100 is 0.01 USD


def test_the_time_before_the_first_mid_does_not_count() -> None:
    """Without a mid no sweep is counted there: A is 2 a second, however late the mids begin."""
    trades, mids = poisson_market(1.0, 1.0, 4000, seed=11)
    late = calibrate(trades, [each for each in mids if each[0] >= 2_000_000])
    assert late.fit is not None
    assert late.fit.intensity_per_s == pytest.approx(2, rel=0.1)
    assert late.span_s == pytest.approx(2000, abs=5)
    buyers_first = [each for each in trades if each.aggressor == 1 or each.time_ms >= 2_000_000]
    implied = calibrate(buyers_first, implied_mids(buyers_first))
    assert implied.span_s == pytest.approx(2000, abs=5)
    assert calibrate(trades[:1], [(9_000_000, 100.0)]).reason == "0 sweeps, 100 are needed"


def test_refusals_say_why() -> None:
    trades, mids = poisson_market(1.0, 1.0, 40, seed=1)
    assert "sweeps, 100 are needed" in (calibrate(trades[:60], mids).reason or "")
    assert calibrate([], []).reason == "0 sweeps, 100 are needed"
    coarse = [trade(1 + index * 10, "101", 1) for index in range(200)]
    assert calibrate(coarse, [(0, 100.0)]).reason == "1 populated distances, 5 are needed (coarse tick?)"
    at_once = [trade(1, f"{101 + index}", 1) for index in range(3)]
    assert calibrate(at_once, [(0, 100.0)]).fit is None


def test_data_out_of_order_is_refused_where_it_covers_no_time() -> None:
    """Every sweep is counted, at the mid of 100 that comes last, and the mid that comes first is after them all."""
    trades = [trade(1 + index, f"{100.01 + index % 9 / 100:.2f}", 1) for index in range(200)]
    got = calibrate(trades, [(500, 100.0), (0, 100.0)])
    assert (got.fit, got.span_s) == (None, 0)
    assert got.reason == "the trades cover no time"


def test_poor_fit_is_refused() -> None:
    # reach with a power tail, share (0.01/δ)^0.5: ln λ against δ is a hook, no line
    prices = [f"{100 + 0.01 * (300 / rank) ** 2:.6f}" for rank in range(1, 301)]
    trades = [trade(1 + index, price, 1) for index, price in enumerate(prices)]
    got = calibrate(trades, [(0, 100.0), (40_000, 100.0)])
    assert got.fit is None
    assert "poor fit: R² " in (got.reason or "")


def test_sigma_on_the_grid() -> None:
    mids = [(index * 1000, 100.0 * (1.0001 if index % 2 else 1.0)) for index in range(61)]
    assert grid_volatility(mids) == pytest.approx(math.log(1.0001) * math.sqrt(31_536_000))  # 0.5616
    # what happens between two grid points does not count
    assert grid_volatility(sorted([*mids, *((ms + 500, 50.0) for ms, _ in mids[:-1])])) == grid_volatility(mids)
    assert grid_volatility(mids[:20]) is None
    assert grid_volatility([]) is None


def test_sigma_refusals_stand_on_their_own() -> None:
    trades, mids = poisson_market(1.0, 1.0, 400, seed=2)
    still = calibrate(trades, mids)
    assert still.fit is not None
    assert (still.sigma_annual, still.sigma_reason) == (None, "the mid did not move")
    assert calibrate(trades, mids[:3]).sigma_reason == "mids cover less than 30 s"
    assert calibrate([], [(0, 1.0), (60_000, math.nan)]).sigma_reason == "a mid is not a positive number"


def test_mids_implied_by_trades() -> None:
    trades = [
        trade(1, "100.1", 1),
        trade(2, "100.0", -1),
        trade(2, "99.0", -1),  # the same sweep went on: its first price was the touch
        trade(3, "100.3", 1),
    ]
    assert implied_mids(trades) == [(2, pytest.approx(100.05)), (3, pytest.approx(100.15))]


def test_settings_take_the_fit_or_keep_the_profile() -> None:
    trades, mids = poisson_market(1.0, 1.0, 2000, seed=5)
    moving = [(time_ms, mid * (1.0001 if index % 2 else 1)) for index, (time_ms, mid) in enumerate(mids[::2])]
    calibration = calibrate(trades, moving)
    fitted = with_calibration(QuoteConfig(), calibration)
    assert calibration.fit is not None
    assert fitted.kappa_per_bp == calibration.kappa_per_bp
    assert fitted.intensity_per_s == pytest.approx(calibration.fit.intensity_per_s / 2)
    assert fitted.source == "calibrated"
    assert choose_sigma(fitted, VolatilityState()).source == "calibrated"
    kept = with_calibration(QuoteConfig(), calibrate([], []))
    assert (kept.kappa_per_bp, kept.source) == (0.5, "profile")
    assert kept.calibration is not None
    assert kept.calibration.reason == "0 sweeps, 100 are needed"


def recorded(folder: Path, symbol: str) -> tuple[list[Trade], list[tuple[int, float]]]:
    trades: list[Trade] = []
    mids: dict[int, float] = {}
    for day in ("20240718", "20240719"):
        with gzip.open(folder / "binance-usdm-ticks" / f"{symbol}_{day}.gz", "rt") as lines:
            for line in lines:
                if "@trade" not in line and "@bookTicker" not in line:
                    continue
                data = json.loads(line.split(" ", 1)[1])["data"]
                if data["e"] == "bookTicker":
                    mids[data["T"]] = (float(data["b"]) + float(data["a"])) / 2
                elif data["X"] == "MARKET":
                    side = -1 if data["m"] else 1
                    trades.append(Trade(symbol, data["T"], Decimal(data["p"]), Decimal(data["q"]), side))
    return sorted(trades, key=lambda each: each.time_ms), sorted(mids.items())


def test_recorded_bitcoin(shared_data: Path) -> None:
    got = calibrate(*recorded(shared_data, "btcusdt"))
    assert got.fit is not None
    assert got.fit.kappa_usd == pytest.approx(1.0, abs=0.1)
    assert got.fit.intensity_per_s == pytest.approx(2.0, abs=0.3)
    assert got.fit.r_squared == pytest.approx(0.57, abs=0.03)
    assert got.kappa_per_bp == pytest.approx(6.4, abs=0.7)
    assert got.sigma_annual is not None
    assert 0.1 < got.sigma_annual < 1.0


def test_a_calibration_survives_being_saved() -> None:
    fitted = Calibration(
        1326, 1798.8, 65468.0, IntensityFit(0.99, 0.158, 0.96, 54), 0.289, None, None, at_ms=1_760_000_000_000
    )
    refused = replace(fitted, fit=None, mid=None, sigma_annual=None, reason="53 sweeps, 100 are needed")
    for calibration in (fitted, refused):
        assert load(json.loads(json.dumps(dump(calibration)))) == calibration


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"at_ms": -1}, "at_ms is -1"),
        ({"mid": "65468"}, "mid is '65468'"),
        ({"sigma_annual": True}, "sigma_annual is True"),
        ({"sweeps": 1.5}, r"sweeps is 1\.5"),
        ({"fit": {"intensity_per_s": 1.0}}, "kappa_usd is missing"),
        (
            {"fit": {"intensity_per_s": 1.0, "kappa_usd": float("nan"), "r_squared": 0.9, "distances": 9}},
            "kappa_usd is nan",
        ),
    ],
)
def test_a_damaged_calibration_is_refused_by_name(changes: dict[str, object], word: str) -> None:
    saved = dump(Calibration(0, 0.0, None, None, None, "no trades"))
    with pytest.raises(ConfigError, match=word):
        load({**saved, **changes})


def test_a_calibration_of_another_release_is_read_as_far_as_it_is_known() -> None:
    saved = dump(Calibration(7, 60.0, None, None, None, "no trades", at_ms=5))
    assert load({**saved, "of_a_later_release": 1}) == load(saved)
    assert load({name: value for name, value in saved.items() if name not in ("at_ms", "sigma_reason")}).at_ms == 0


def test_a_minute_without_movement_is_quoted_with_the_longer_look() -> None:
    """Only where there is one: without a calibration a full window of equal mids is one tick a window."""
    still = VolatilityState(samples=((0, 100.0), (3000, 100.0)), annual=0.01, regime="low", still=True)
    fitted = with_calibration(QuoteConfig(), Calibration(0, 0.0, None, None, 0.3, "no trades"))
    assert (choose_sigma(fitted, still).annual, choose_sigma(fitted, still).source) == (0.3, "calibrated")
    floor = choose_sigma(QuoteConfig(), still)
    assert (floor.annual, floor.source, floor.problem) == (0.01, "floor of one tick in 2 samples", None)
    moving = replace(still, annual=0.2, still=False)
    assert choose_sigma(fitted, moving).annual == 0.2
