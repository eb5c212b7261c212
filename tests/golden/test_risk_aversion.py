"""Quotes at the limits of inventory for three coins, and the risk aversion that half-spreads at the limit mean."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.model import gamma_in_use
from pfmm.strategy.quote.quoting import Quote, QuoteInputs, compute_quote

D = Decimal
LIMIT = D(500)

# market: mid, price step, size step, volatility a year
COINS = {
    "BTC-PERP": (D(65_000), D("0.1"), D("0.00001"), 0.5),
    "ETH-PERP": (D(3_500), D("0.01"), D("0.0001"), 0.6),
    "DOGE-PERP": (D("0.12"), D("0.000001"), D(1), 0.8),
}


def inputs(coin: str, share: float = 0.0) -> QuoteInputs:
    mid, tick, lot, sigma = COINS[coin]
    instrument = Instrument(coin, "crypto", PriceRule(tick), lot, D(10), 50, D("1.5"), D("4.5"), 8)
    ticker = Ticker(coin, 0, mid - tick, D(1), mid + tick, D(1), mid)
    held = D(str(share)) * LIMIT / mid
    return QuoteInputs(instrument, ticker, held, held, LIMIT, sigma_annual=sigma, regime="medium")


def best(quote: Quote) -> tuple[str | None, str | None]:
    bid = f"{quote.bids[0].price:f}" if quote.bids else None
    return bid, f"{quote.asks[0].price:f}" if quote.asks else None


@pytest.mark.parametrize(("coin", "gamma"), [("BTC-PERP", 3.71), ("ETH-PERP", 2.58), ("DOGE-PERP", 1.45)])
def test_one_half_spread_at_the_limit_is_this_risk_aversion(coin: str, gamma: float) -> None:
    """γ = 2·10⁴·A·S·κ·(1/(κ·L·σ))²/e with A 1, S 50, κ 0.5 and L 500; σ 0.8904 bps per √s for bitcoin."""
    found = gamma_in_use(QuoteConfig(), COINS[coin][3], float(LIMIT), 0.5)
    assert found == pytest.approx(gamma, abs=0.005)


@pytest.mark.parametrize(
    ("coin", "short", "flat", "long"),
    [
        ("BTC-PERP", ("64999.3", None), ("64986.3", "65013.7"), (None, "65000.7")),
        ("ETH-PERP", ("3499.96", None), ("3499.26", "3500.74"), (None, "3500.04")),
        ("DOGE-PERP", ("0.119998", None), ("0.119974", "0.120026"), (None, "0.120002")),
    ],
)
def test_quotes_at_the_limits(
    coin: str, short: tuple[str | None, str | None], flat: tuple[str, str], long: tuple[str | None, str | None]
) -> None:
    """1/κ = 2 bps and a twentieth of the shift of 2 bps: 2.1 bps when flat, 0.1 bps at the limit, on the side that
    reduces; 65,000 ∓ 13.65 and ∓ 0.65."""
    quotes = [compute_quote(QuoteConfig(), inputs(coin, share)) for share in (-1, 0, 1)]
    assert [best(quote) for quote in quotes] == [short, flat, long]


@pytest.mark.parametrize("model", ["glft", "as"])
@pytest.mark.parametrize("x", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("sigma", [0.02, 0.5, 3.0])
def test_the_quotes_shift_by_so_many_half_spreads_whatever_the_volatility(model: str, x: float, sigma: float) -> None:
    config = QuoteConfig(model=model, skew_at_limit=x)
    flat, full = (compute_quote(config, replace(inputs("BTC-PERP", s), sigma_annual=sigma)) for s in (0.0, 1.0))
    assert flat.reservation_price is not None
    assert full.reservation_price is not None
    shift_bps = (flat.reservation_price - full.reservation_price) / 6.5
    assert shift_bps == pytest.approx(2.0 * x, abs=1e-6)  # 1/κ = 2 bps
    assert flat.half_spread_bps == pytest.approx(2.0 + 2.0 * x * 50 / 1000, abs=1e-6)  # and S/2L of the shift


@pytest.mark.parametrize(("least", "maker", "half"), [(12.0, "-2", 6.0), (1.0, "4", 4.0)])
def test_where_a_floor_binds_the_shift_is_of_the_half_spread_that_is_quoted(
    least: float, maker: str, half: float
) -> None:
    config = QuoteConfig(min_spread_bps=least)
    quotes = []
    for share in (0.0, 1.0):
        case = inputs("ETH-PERP", share)
        quotes.append(compute_quote(config, replace(case, instrument=replace(case.instrument, maker_bps=D(maker)))))
    flat, full = quotes
    assert flat.half_spread_bps == pytest.approx(half)
    assert flat.reservation_price is not None
    assert full.reservation_price is not None
    assert (flat.reservation_price - full.reservation_price) / 0.35 == pytest.approx(half)


def test_a_funding_tilt_moves_both_quotes_by_its_share_of_that_shift() -> None:
    """Short a quarter of the limit wanted: both quotes fall by a quarter of 2 bps."""
    flat, tilted = (
        compute_quote(QuoteConfig(), replace(inputs("BTC-PERP"), target_ratio=target)) for target in (0.0, -0.25)
    )
    assert flat.reservation_price is not None
    assert tilted.reservation_price is not None
    assert (flat.reservation_price - tilted.reservation_price) / 6.5 == pytest.approx(0.5)
    assert (flat.bids[0].price - tilted.bids[0].price, flat.asks[0].price - tilted.asks[0].price) == (
        D("3.2"), D("3.3"),
    )  # fmt: skip


def test_a_set_gamma_wins() -> None:
    config = QuoteConfig(gamma=0.05, skew_at_limit=3.0)
    assert gamma_in_use(config, 0.5, 500.0, 0.5) == 0.05
    assert gamma_in_use(replace(config, model="fixed"), 0.5, 500.0, 0.5) is None


def test_a_limit_of_one_order_is_quoted_exactly() -> None:
    """Size and limit 500 USD: the asymptotic skew of one lot is 1/κ; the exact quotes for one lot and step 1 lie ln 2
    times 1/κ = 2 bps further out when flat: 2 + 1.3863 bps, and at the limit the ask is 2 − 1.3863 bps away."""
    config = QuoteConfig(size_usd=LIMIT)
    flat, full = (compute_quote(config, inputs("BTC-PERP", share)) for share in (0.0, 1.0))
    assert flat.half_spread_bps == pytest.approx(3.3863, abs=1e-4)
    assert best(flat) == ("64977.9", "65022.1")
    assert best(full) == (None, "65004.0")
