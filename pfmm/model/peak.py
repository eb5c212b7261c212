"""The highest equity of an account, in the money that is in it now. Knows amounts, nothing of where they came from.

Layer: model.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

_PERCENT_STEP = Decimal("0.000001")
_STEP = Decimal("0.00000001")
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def next_peak(peak: Decimal, before: Decimal, equity: Decimal, cash_flow: Decimal) -> Decimal:
    """Return the highest equity so far, USD, once `equity` was read after a reading of `before` and `peak` held then.

    `cash_flow` is what was deposited in between, less what was withdrawn. It restates the peak in proportion, so that
    no deposit hides a drawdown and no withdrawal makes one: at 9,500 after a peak of 10,000, which is 5 % below it,
    10,500 deposited make the peak 10,000 * 20,000 / 9,500 = 21,052.63157895, which 20,000 is 5 % below. A deposit
    counts as made before what was earned in between, a withdrawal as made after it. An account that had nothing left,
    or less, keeps what it lost: at -959 after a peak of 10,000, 30,000 deposited make the peak 40,000, of which 10,959
    are gone.
    """
    if cash_flow > 0:
        given = _WIDE.add(before, cash_flow)
        peak = _in_proportion(peak, given, before) if before > 0 else _WIDE.add(peak, cash_flow)
    elif cash_flow < 0:
        earned = _WIDE.subtract(equity, cash_flow)
        reached = max(peak, earned)
        peak = _in_proportion(reached, equity, earned) if earned > 0 and equity >= 0 else _WIDE.add(reached, cash_flow)
    return max(peak, equity)


def drawdown_pct(peak: Decimal, equity: Decimal) -> Decimal:
    """Work out the fall from the highest equity recorded, in percent of it: from 200 to 190 is 5.

    Zero without a peak to fall from.
    """
    if peak <= 0:
        return Decimal(0)
    return max((peak - equity) / peak * 100, Decimal(0)).quantize(_PERCENT_STEP)


def _in_proportion(peak: Decimal, now: Decimal, then: Decimal) -> Decimal:
    return _WIDE.divide(_WIDE.multiply(peak, now), then).quantize(_STEP, context=_WIDE)
