"""Writes prices and sizes as Hyperliquid's wire wants them, and names markets and assets. Layer: venue. Pure.

A number with an exponent or a trailing zero changes the hash that is signed, and is answered as an unknown wallet.
"""

from __future__ import annotations

from decimal import Decimal

from pfmm.errors import RiskRefused
from pfmm.model.market import PriceRule

MAX_DECIMALS = 6  # of a price, less the size's decimals
WIRE_DECIMALS = 8
SIGNIFICANT_FIGURES = 5
MIN_NOTIONAL_USD = Decimal(10)
SUFFIX = "-PERP"
_DEX_BASE = 100_000
_DEX_STRIDE = 10_000


def wire_number(value: Decimal, field: str) -> str:
    """Write a price or a size as the venue's plain decimal text: 25.20 → "25.2", 1E+2 → "100".

    Raises RiskRefused, naming the field, for what is not finite or has more than 8 decimals: rounding here would send
    another order than the one that was checked.
    """
    if not value.is_finite():
        raise RiskRefused(f"{field} {value} cannot be sent: it is not a finite number")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text.partition(".")[2]) > WIRE_DECIMALS:
        raise RiskRefused(f"{field} {text} cannot be sent: the venue takes at most {WIRE_DECIMALS} decimals")
    return "0" if text in ("-0", "") else text


def wire_size(size: Decimal, field: str = "size") -> str:
    """Write an order's size; zero is refused, since a reduce-only order of size 0 closes the WHOLE position.

    Raises RiskRefused for a size that is not positive.
    """
    if not (size.is_finite() and size > 0):
        raise RiskRefused(f"{field} {size} cannot be sent: it must be above zero (0 would close the whole position)")
    return wire_number(size, field)


def price_rule(size_decimals: int) -> PriceRule:
    """Return a market's price rule: at most 5 significant figures and 6 − szDecimals decimals, whole numbers always.

    BTC has 5 size decimals: 0.1 is the smallest step, and at 65,432 the step is 1.
    """
    return PriceRule(Decimal(1).scaleb(size_decimals - MAX_DECIMALS), SIGNIFICANT_FIGURES)


def size_step(size_decimals: int) -> Decimal:
    """Return the lot of a market in base units: 5 decimals give 0.00001."""
    return Decimal(1).scaleb(-size_decimals)


def market_of(coin: str) -> str:
    """Name the market as pfmm does: BTC → BTC-PERP, xyz:TSLA → xyz:TSLA-PERP. Capitals matter (kPEPE)."""
    return f"{coin}{SUFFIX}"


def coin_of(market: str) -> str:
    """Name the venue's coin of a market: kPEPE-PERP → kPEPE."""
    return market.removesuffix(SUFFIX)


def dex_of(market: str) -> str:
    """Name the builder's list that a market is on: xyz:TSLA-PERP → xyz, BTC-PERP → "" (the venue's own)."""
    before, colon, _ = market.partition(":")
    return before if colon else ""


def asset_id(index: int, dex: int = 0) -> int:
    """Work out the number of a market in requests: its index in the WHOLE universe, delisted markets included.

    `dex` is the builder dex's position in `perpDexs`, 0 for the venue's own: index 3 of dex 1 is 110003.
    """
    return index if dex == 0 else _DEX_BASE + _DEX_STRIDE * dex + index
