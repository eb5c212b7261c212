"""Snapping to what a venue accepts: bids down, asks up, sizes down. The ONE place where a float becomes a Decimal.

Layer: strategy.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from functools import lru_cache

from pfmm.model.market import PriceRule
from pfmm.model.order import Side

# Its own context, so that no caller's precision or rounding can change a price. Integer quotients are truncated
# exactly; 60 digits hold the largest accepted amount (30 digits before the point) over the smallest step.
_EXACT = Context(prec=60)
_ZERO = Decimal(0)
_ONE = Decimal(1)
_MAX_EXPONENT = 29
_ABSURD = Decimal(10) ** (_MAX_EXPONENT + 1)

float_of = lru_cache(maxsize=256)(float)  # for the Decimals of a market and of settings, the same at every look


def to_decimal(value: Decimal | float, name: str) -> Decimal:
    """Return `value` as a positive finite Decimal.

    A float becomes the shortest decimal that names it (0.1 stays 0.1).

    Raises ValueError naming `name` and the value for NaN, infinity, zero, negative numbers and 1e30 or more.
    """
    if type(value) is Decimal and value.is_finite() and _ZERO < value < _ABSURD:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{name} must be positive and finite, not {value}")
        value = Decimal(repr(value))
    elif not value.is_finite():
        raise ValueError(f"{name} must be positive and finite, not {value}")
    if value <= _ZERO:
        raise ValueError(f"{name} must be positive and finite, not {value}")
    if value.adjusted() > _MAX_EXPONENT:
        raise ValueError(f"{name} is absurdly large: {value}")
    return value


def snap_price(price: Decimal | float, side: Side, rule: PriceRule) -> Decimal:
    """Find the nearest price (USD) that `rule` allows and that is no worse for us.

    It lies at or below the wanted one for a bid, at or above it for an ask. Raises ValueError for a price that is not
    positive and finite, for a rule without a tick, and for a bid below one tick. At unit 0.1 and 5 figures: a bid of
    65,432.1 gives 65,432 and an ask 65,433; an ask of 9,999.95 gives 10,000, where the tick is 1.
    """
    wanted = to_decimal(price, "price")
    tick = rule.tick_at(wanted)
    if not tick > _ZERO:
        raise ValueError(f"the market lists no price step (tick {tick})")
    if side is Side.LONG:
        snapped = _EXACT.fma(_EXACT.divide_int(wanted, tick), tick, _ZERO)
        if not snapped:
            raise ValueError(f"a bid of {wanted} is below one tick of {tick}")
        return snapped
    snapped = _round_up(wanted, tick)
    coarser = rule.tick_at(snapped)
    # only an ask that has risen past a power of ten can meet a coarser tick
    return snapped if coarser == tick else _round_up(snapped, coarser)


def snap_size(size: Decimal | float, step: Decimal) -> Decimal:
    """Round `size` (base units) down to whole `step`s; 0 when it is less than one step. 0.0129 at 0.001: 0.012.

    Raises ValueError for a size or a step that is not positive and finite.
    """
    lot = to_decimal(step, "size_step")
    return _EXACT.fma(_EXACT.divide_int(to_decimal(size, "size"), lot), lot, _ZERO)


def base_size(size_usd: Decimal | float, price: Decimal, step: Decimal) -> Decimal:
    """Return the base units that `size_usd` (USD) buys at `price`, rounded down to whole `step`s.

    It is 0 when they are less than one step. One rounding only: 20 USD at 64,000 and step 0.00001 is 0.0003125, so
    0.00031. Raises ValueError for anything that is not positive and finite.
    """
    lot = to_decimal(step, "size_step")
    lot_usd = _EXACT.multiply(to_decimal(price, "price"), lot)
    return _EXACT.fma(_EXACT.divide_int(to_decimal(size_usd, "size_usd"), lot_usd), lot, _ZERO)


def _round_up(price: Decimal, tick: Decimal) -> Decimal:
    """Round `price` up to a whole number of ticks."""
    steps = _EXACT.divide_int(price, tick)
    snapped = _EXACT.fma(steps, tick, _ZERO)
    return snapped if snapped == price else _EXACT.fma(_EXACT.add(steps, _ONE), tick, _ZERO)
