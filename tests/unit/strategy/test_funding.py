"""Funding arithmetic on any interval, the action, the tilt and the history."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from pfmm.errors import BadVenueData, UsageError
from pfmm.model.market import FundingRate, Ticker
from pfmm.strategy.funding import (
    action,
    annualized_pct,
    history,
    rate_8h_bps,
    rate_bps,
    read_funding,
    ticker_tilt_ratio,
    tilt_ratio,
)


def ticker(rate: str | None, hours: int = 8, *, estimated: bool = False, next_ms: int | None = None) -> Ticker:
    return Ticker(
        "BTC-PERP",
        0,
        Decimal(99),
        None,
        Decimal(101),
        None,
        Decimal(100),
        funding_rate=None if rate is None else Decimal(rate),
        funding_interval_hours=hours,
        next_funding_ms=next_ms,
        funding_estimated=estimated,
    )


@pytest.mark.parametrize(
    ("rate", "hours", "bps", "bps_8h", "annual"),
    [
        ("0.0003", 8, "3", "3", "32.85"),  # 0.0003·3·365·100
        ("0.0000125", 1, "0.125", "1", "10.95"),  # 0.0000125·24·365·100
        ("-0.0001", 4, "-1", "-2", "21.9"),  # unsigned: 0.0001·6·365·100
        ("0", 8, "0", "0", "0"),
    ],
)
def test_units(rate: str, hours: int, bps: str, bps_8h: str, annual: str) -> None:
    assert rate_bps(Decimal(rate)) == Decimal(bps)
    assert rate_8h_bps(Decimal(rate), hours) == Decimal(bps_8h)
    assert annualized_pct(Decimal(rate), hours) == Decimal(annual)


@pytest.mark.parametrize(
    ("bps", "expected"),
    [
        ("2.999", "neutral"),
        ("-2.999", "neutral"),
        ("3", "lean_short"),
        ("-3", "lean_long"),
        ("0", "neutral"),
    ],
)
def test_action(bps: str, expected: str) -> None:
    assert action(Decimal(bps)) == expected


@pytest.mark.parametrize(
    ("bps", "expected"),
    [
        (0.0, 0.0),
        (3.0, 0.0),
        (8.0, -0.125),  # 0.25·(8 − 3)/10
        (-8.0, 0.125),
        (13.0, -0.25),
        (200.0, -0.25),
    ],
)
def test_tilt(bps: float, expected: float) -> None:
    assert tilt_ratio(bps, min_bps=3.0, tilt_max=0.25) == pytest.approx(expected)


def test_tilt_follows_the_8h_rate_and_never_an_estimate() -> None:
    limits = {"min_bps": 3.0, "tilt_max": 0.25}
    assert ticker_tilt_ratio(ticker("0.0001", 1), **limits) == pytest.approx(-0.125)  # 1 bp an hour is 8 per 8 h
    assert ticker_tilt_ratio(ticker("0.0001", 1, estimated=True), **limits) == 0
    assert ticker_tilt_ratio(ticker(None), **limits) == 0


@pytest.mark.parametrize(
    ("tilt_max", "min_bps"), [(1.1, 3.0), (-0.1, 3.0), (math.nan, 3.0), (0.2, -1.0), (0.2, math.nan)]
)
def test_bad_tilt_settings(tilt_max: float, min_bps: float) -> None:
    with pytest.raises(UsageError, match=r"funding\."):
        tilt_ratio(5.0, min_bps=min_bps, tilt_max=tilt_max)


def test_reading() -> None:
    got = read_funding(ticker("-0.0005", 8, next_ms=90_500), now_ms=30_000)
    assert (got.rate_bps, got.rate_8h_bps, got.action, got.source) == (Decimal(-5), Decimal(-5), "lean_long", "venue")
    assert got.annualized_pct == Decimal("54.75")
    assert got.seconds_to_funding == 60
    assert read_funding(ticker("0", next_ms=1000), now_ms=9000).seconds_to_funding == 0


def test_reading_of_an_estimate_or_of_nothing_is_neutral() -> None:
    estimated = read_funding(ticker("0.01", estimated=True), now_ms=0)
    assert (estimated.rate_bps, estimated.action, estimated.source) == (Decimal(100), "neutral", "estimated")
    nothing = read_funding(ticker(None), now_ms=0)
    assert (nothing.rate_bps, nothing.rate_8h_bps, nothing.annualized_pct, nothing.action) == (
        None,
        None,
        None,
        "neutral",
    )
    assert nothing.seconds_to_funding is None


def test_history() -> None:
    rates = [FundingRate("X", index, Decimal(rate), 8) for index, rate in enumerate(("0.0001", "0.0002", "-0.0003"))]
    got = history(rates)  # 1, 2 and −3 bps: mean 0, deviation √(14/2)
    assert got.mean_8h_bps == pytest.approx(0)
    assert got.deviation_8h_bps == pytest.approx(math.sqrt(7))
    assert got.share_positive == pytest.approx(2 / 3)
    one = history(rates[:1])
    assert (one.count, one.mean_8h_bps, one.deviation_8h_bps) == (1, 1.0, None)
    assert history([]).mean_8h_bps is None


def test_bad_rates_and_intervals() -> None:
    with pytest.raises(BadVenueData, match=r"funding_rate.*NaN"):
        rate_bps(Decimal("NaN"))
    with pytest.raises(BadVenueData, match=r"funding_interval_h.*0"):
        rate_8h_bps(Decimal("0.0001"), 0)
    with pytest.raises(BadVenueData, match=r"funding_interval_h.*-1"):
        annualized_pct(Decimal("0.0001"), -1)
