"""Whether quotes that rest would stay at one more look, from floats alone: most looks of a loop change nothing. Pure.

Where the quotes are aimed at is `quoting.aim_at`, as in every decision. What follows of it, rounding, limits and
tolerance, is only bounded here: within a tick and a lot of where the orders would lie. Whatever is not sure by that is
left to the whole decision. Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pfmm.model.market import Instrument
from pfmm.strategy.inventory import OK, SKEWED
from pfmm.strategy.quiet import Look, Rests, Standing
from pfmm.strategy.quote.quoting import Aim
from pfmm.strategy.quote.spread import BPS
from pfmm.strategy.ticks import float_of

_CLOSE = 1e-9  # what floats may be off by, as a fraction: bounds are wider by it


def quotes_stay(aim: Aim, usd: Decimal, look: Look, standing: Standing) -> bool:
    """Tell whether both quotes, aimed so and of `usd` each, would surely leave the orders that rest as they are.

    Where one order rests, the limit must surely leave less than the smallest order to the other side.
    """
    if aim.state not in (OK, SKEWED):
        return False
    orders = standing.orders
    bid, ask = _order("bid", 1, orders), _order("ask", -1, orders)
    if (bid is not None) + (ask is not None) != len(orders) or not orders:
        return False
    bid_at, ask_at = aim.centre - aim.half, aim.centre + aim.half  # to 12 figures in an order: _CLOSE is far more
    tick = _tick(standing.instrument, max(ask_at, look.ask if ask is None else ask.price))
    # an order that a new one of the other side would meet is moved whatever the tolerance says
    if bid is not None and bid_at + tick >= (look.ask if ask is None else min(ask.price, look.ask)):
        return False
    if ask is not None and ask_at - tick <= (look.bid if bid is None else max(bid.price, look.bid)):
        return False
    size_usd = float_of(usd)
    return _as_it_is(bid, 1, bid_at, tick, size_usd, look, standing) and _as_it_is(
        ask, -1, ask_at, tick, size_usd, look, standing
    )


def _order(slot: str, sign: int, orders: Sequence[Rests]) -> Rests | None:
    for one in orders:
        if one.slot == slot and one.sign == sign:
            return one
    return None


def _as_it_is(
    order: Rests | None, sign: int, price: float, tick: float, usd: float, look: Look, standing: Standing
) -> bool:
    """Tell whether a side whose quote is aimed at `price` surely stays: its order, or that it has none."""
    if order is None:
        return _no_room(sign, price, tick, look, standing)
    return _stays(order, price, tick, usd, look, standing)


def _no_room(sign: int, price: float, tick: float, look: Look, standing: Standing) -> bool:
    """Tell whether the limit surely leaves a side less than a lot, or than the market's smallest order at its price.

    A limit of 500 USD leaves 52 beside 0.007 at 64,000: less than a lot of 0.001.
    """
    instrument, low, high = standing.instrument, price - tick, price + tick
    along = look.position * sign
    if low <= 0 or along <= 0:
        return False
    room = max(standing.limit_usd - along * look.mark, 0.0) / max(look.mark, low)
    least = max(float_of(instrument.size_step), float_of(instrument.min_notional) / high)
    # of the limit itself, not of the small rest of it, the floats may be off by a fraction
    return room + standing.limit_usd / low * _CLOSE < least * (1 - _CLOSE)


def _stays(order: Rests, price: float, tick: float, usd: float, look: Look, standing: Standing) -> bool:
    low, high = price - tick, price + tick
    if order.reduce_only:
        return False
    wrong = max(abs(low - order.price), abs(high - order.price))
    if wrong * BPS > standing.price_bps * low * (1 - _CLOSE):
        return False
    sizes = _sizes(usd, low, high, standing.instrument)
    if sizes is None or sizes[1] > _room(order.sign, max(look.mark, high), look, standing):
        return False
    least, most = sizes
    share = standing.size_fraction
    return (
        order.remaining * (1 + _CLOSE) <= least * (1 + share) and most * (1 - share) * (1 + _CLOSE) <= order.remaining
    )


def _sizes(usd: float, low: float, high: float, instrument: Instrument) -> tuple[float, float] | None:
    """Bound what an order of `usd` is at prices from `low` to `high`: least and most in base units; None where it
    may or may not have to be raised to the market's smallest order.

    50 USD at 64,000 and a lot of 0.001 is less than a lot: it is raised to 0.001, which is more than a minimum of 10.
    """
    lot, minimum = float_of(instrument.size_step), float_of(instrument.min_notional)
    least, most = usd / high - lot * (1 + _CLOSE), usd / low * (1 + _CLOSE)
    if least > 0 and least * low > minimum * (1 + _CLOSE):
        return least, most
    if most < lot * (1 - _CLOSE) or most * high < minimum * (1 - _CLOSE):
        if minimum < low * lot * (1 - _CLOSE):
            return lot, lot
        return max(minimum / high, lot) * (1 - _CLOSE), max(minimum / low, lot) + lot * (1 + _CLOSE)
    return None


def _room(sign: int, worth: float, look: Look, standing: Standing) -> float:
    """Return what the limit surely leaves to a side whose orders are worth at most `worth` USD each, base units."""
    along = look.position * sign
    closing, usd = max(-along, 0.0), standing.limit_usd - max(along, 0.0) * look.mark
    return (closing + max(usd, 0.0) / worth) * (1 - _CLOSE)


def _tick(instrument: Instrument, price: float) -> float:
    """No less than the price step at `price` or close to it."""
    rule = instrument.price_rule
    if rule.significant_figures is None:
        return float_of(rule.unit) * (1 + _CLOSE)
    return float(rule.tick_at(Decimal(repr(price)))) * 10
