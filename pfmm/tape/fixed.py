"""Decimals as whole 1e-8, the unit in which prices and sizes are held while a tape is built. Layer: tape. Pure."""

from __future__ import annotations

from decimal import Decimal

SCALE = 8
LARGEST = (1 << 63) - 1


class Unfit(Exception):
    """A number that the integer units of a tape cannot hold."""


def whole(number: Decimal) -> int:
    """Return the number in 1e-8: 0.5 is 50,000,000.

    Raises Unfit for more decimals, and for one that 64 bits do not hold.
    """
    scaled = number.scaleb(SCALE)
    found = int(scaled)
    if found != scaled or found >= LARGEST:
        raise Unfit(f"{number:f} has more than {SCALE} decimals or is too large")
    return found


def decimals(number: Decimal) -> int:
    """Return how many decimals a number needs: 63943.90 needs 1, 570 needs 0."""
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
