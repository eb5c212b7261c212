"""The article's BTC example, read three ways: literally (refused), for a whole coin (refused), for a 50 USD order.

Its inputs: σ 2 % an hour, γ 0.05, half an hour left, κ 1.5, mid 65,000. It multiplies a number without a unit by
the mid: bid 22,373 and ask 107,627.
"""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from pfmm.errors import UnitsError
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.quoting import QuoteInputs, compute_quote
from pfmm.strategy.quote.spread import BPS, avellaneda_stoikov, base_units, require_plausible

MID = 65_000.0
HOUR_S = 3600.0


def test_literal_reading_is_refused_with_the_units() -> None:
    # half of 0.05·0.02²·0.5 + (2/0.05)·ln(1 + 0.05/1.5) = (0.00001 + 1.3116)/2, "of mid"
    literal = avellaneda_stoikov(size=1.0, gamma=0.05, kappa=1.5, sigma=0.02 / math.sqrt(HOUR_S), horizon_s=HOUR_S / 2)
    assert literal.half == pytest.approx(0.6558, abs=1e-4)
    assert MID * (1 - literal.half) == pytest.approx(22_373, abs=1)
    assert MID * (1 + literal.half) == pytest.approx(107_627, abs=1)
    with pytest.raises(UnitsError, match=r"65\.6% of the mid 65,000") as refused:
        require_plausible(literal.half * MID, MID)
    assert refused.value.hint is not None
    for words in ("kappa is per bp of mid", "gamma is per USD", "order size is in USD", "horizon is in seconds"):
        assert words in refused.value.hint


def test_whole_coin_is_refused() -> None:
    # σ = 1,300 USD/√h, σ²τ = 845,000; 0.05·845,000/2 = 21,125 USD of half-spread for one coin
    sigma = 0.02 * MID / math.sqrt(HOUR_S)
    whole = avellaneda_stoikov(size=1.0, gamma=0.05, kappa=1.5, sigma=sigma, horizon_s=HOUR_S / 2)
    assert whole.half == pytest.approx(21_125, abs=1)
    with pytest.raises(UnitsError, match=r"32\.5% of the mid"):
        require_plausible(whole.half, MID)


def test_fifty_dollar_order_is_about_2_6_bps() -> None:
    # Δ = 50/65,000: 0.05·Δ·845,000 = 32.5 USD, and (2/γΔ)·ln(1 + γΔ/κ) ≈ 2/1.5 = 1.33; half of 33.83 is 16.92 USD
    sigma = 0.02 * MID / math.sqrt(HOUR_S)
    got = avellaneda_stoikov(size=base_units(50, MID), gamma=0.05, kappa=1.5, sigma=sigma, horizon_s=HOUR_S / 2)
    require_plausible(got.half, MID)
    assert got.half == pytest.approx(16.92, abs=0.005)
    assert got.half / MID * BPS == pytest.approx(2.60, abs=0.005)


def btc_inputs(sigma_annual: float) -> QuoteInputs:
    return QuoteInputs(
        instrument=Instrument(
            "BTC-PERP",
            "crypto",
            PriceRule(Decimal("0.1")),
            Decimal("0.00001"),
            Decimal(10),
            50,
            Decimal(-2),
            Decimal(5),
            8,
        ),
        ticker=Ticker("BTC-PERP", 0, Decimal("64999.9"), None, Decimal("65000.1"), None, Decimal(65_000)),
        inventory=Decimal(0),
        net_position=Decimal(0),
        max_inventory_usd=Decimal(500),
        sigma_annual=sigma_annual,
        regime="low",
    )


@pytest.mark.parametrize("model", ["as", "glft"])
def test_dimensionless_kappa_through_the_quote_is_refused(model: str) -> None:
    # κ = 1.5 "of mid" is 0.00015 per bp: fills would still be likely 66 % away from the mid
    config = QuoteConfig(model=model, kappa_per_bp=1.5 / BPS)
    with pytest.raises(UnitsError, match="not in the units of the formula"):
        compute_quote(config, btc_inputs(0.5))


def test_quote_of_the_article_in_profile_units() -> None:
    # κ 1.5 per USD is 1.5·6.5 = 9.75 per bp; 2 % an hour is 0.02·√8,760 = 187 % a year
    config = QuoteConfig(model="as", gamma=0.05, kappa_per_bp=9.75, horizon_s=1800)
    quote = compute_quote(config, btc_inputs(0.02 * math.sqrt(8760)))
    assert quote.half_spread_bps == pytest.approx(2.60, abs=0.005)
    assert quote.bids[0].price == Decimal("64983.0")  # 65,000 − 16.92, down to 0.1
    assert quote.asks[0].price == Decimal("65017.0")
