"""Models at worked numbers, at extremes, and the refusal of inputs without units."""

from __future__ import annotations

import math

import pytest

from pfmm.errors import UnitsError, UsageError
from pfmm.strategy.quote.spread import (
    avellaneda_stoikov,
    base_units,
    fixed,
    glft,
    kappa_usd,
    require_plausible,
    sigma_usd,
)

AS = {"size": 1.0, "gamma": 0.1, "kappa": 1.5, "sigma": 2.0, "horizon_s": 1.0}
GLFT = {"size": 1.0, "gamma": 0.1, "kappa": 1.5, "sigma": 2.0, "intensity": 140.0}


def test_conversions() -> None:
    assert sigma_usd(0.5, 65_000) == pytest.approx(65_000 * 0.5 / math.sqrt(31_536_000))  # 5.7874
    assert sigma_usd(0.5, 65_000) == pytest.approx(5.7874, abs=5e-5)
    assert kappa_usd(0.5, 65_000) == pytest.approx(0.5 / 6.5)  # one bp is 6.5 USD
    assert base_units(50, 62_500) == 0.0008


def test_avellaneda_stoikov_published_inputs() -> None:
    got = avellaneda_stoikov(**AS)
    # 10·ln(1 + 0.1/1.5) = 10·0.0645385 = 0.645385; half of γΔσ²τ = 0.1·4 is 0.2
    assert got.half_base == pytest.approx(0.645385, abs=1e-6)
    assert got.half_volatility == pytest.approx(0.2)
    assert got.skew == pytest.approx(0.4)


def test_size_scales_the_risk_not_the_skew() -> None:
    small = avellaneda_stoikov(**{**AS, "size": 0.01})
    assert small.half_volatility == pytest.approx(0.002)  # γΔσ²τ/2 = 0.1·0.01·4/2
    assert small.half_base == pytest.approx(1000 * math.log1p(0.001 / 1.5))
    assert small.skew == pytest.approx(0.4)  # per base unit of inventory, whatever the order size


def test_glft_worked_number() -> None:
    got = glft(**GLFT)
    c2 = math.sqrt(0.1 / (2 * 140 * 1.5) * (1 + 0.1 / 1.5) ** 16)  # κ/(γΔ) + 1 = 16
    assert got.half_base == pytest.approx(0.645385, abs=1e-6)
    assert got.half_volatility == pytest.approx(0.5 * 2 * c2)
    assert got.half == pytest.approx(0.671244, abs=1e-6)
    assert got.skew == pytest.approx(2 * c2)


def test_fixed_is_the_articles_rule() -> None:
    got = fixed(mid=65_000, half_spread_bps=8, multiplier=1.5, limit_usd=500)
    assert got.half_base == pytest.approx(52)
    assert got.half == pytest.approx(78)
    # at the limit (500/65,000 coins) the shift is half of the half-spread: 39 USD
    assert got.skew * 500 / 65_000 == pytest.approx(39)


@pytest.mark.parametrize("model", [avellaneda_stoikov, glft])
@pytest.mark.parametrize(("size", "kappa"), [(1e-300, 1.0), (1e-200, 1e200), (1e-12, 0.5)])
def test_vanishing_risk_tends_to_one_over_kappa(model: object, size: float, kappa: float) -> None:
    inputs = {**(AS if model is avellaneda_stoikov else GLFT), "size": size, "kappa": kappa, "sigma": 0.0}
    assert model(**inputs).half == pytest.approx(1 / kappa)  # type: ignore[operator]


def test_quotient_that_overflows_is_taken_in_logarithms() -> None:
    # γΔ/κ = 1e200/1e-200 overflows; (1/γΔ)·(ln 1e200 − ln 1e-200) = 400·ln 10/1e200
    got = avellaneda_stoikov(size=1e200, gamma=1.0, kappa=1e-200, sigma=0.0, horizon_s=1.0)
    assert got.half == pytest.approx(400 * math.log(10) / 1e200)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (avellaneda_stoikov, {**AS, "sigma": 1e200}),
        (glft, {**GLFT, "size": 1e308, "kappa": 1e-308}),
        (glft, {**GLFT, "gamma": 1e300, "kappa": 1e-300, "intensity": 1e-300}),
    ],
)
def test_extremes_are_refused_not_overflowed(model: object, inputs: dict[str, float]) -> None:
    with pytest.raises((UnitsError, UsageError)):
        model(**inputs)  # type: ignore[operator]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0, 0.0])
@pytest.mark.parametrize("name", ["size", "kappa", "horizon_s"])
def test_bad_inputs_name_the_field_and_value(name: str, bad: float) -> None:
    with pytest.raises(UsageError, match=f"{name} must be a finite number.*{bad}"):
        avellaneda_stoikov(**{**AS, name: bad})


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_bad_sigma_is_refused_and_zero_is_not(bad: float) -> None:
    for model, inputs in ((avellaneda_stoikov, AS), (glft, GLFT)):
        with pytest.raises(UsageError, match="sigma"):
            model(**{**inputs, "sigma": bad})  # type: ignore[operator]
        assert model(**{**inputs, "sigma": 0.0}).half_volatility == 0  # type: ignore[operator]


def test_plausible_edge_is_five_percent() -> None:
    require_plausible(5.0, 100.0)
    with pytest.raises(UnitsError, match=r"5\.01 USD, 5\.0% of the mid 100"):
        require_plausible(5.01, 100.0)
    with pytest.raises(UnitsError):
        require_plausible(math.nan, 100.0)
