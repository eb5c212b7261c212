"""From a request's Decimals to an order's integers: everything that the exchange checks before it looks at money.

Pure. Raises ExchangeError: 400 invalid_<field> for nonsense, 422 for a value that the market does not take.
Layer: paper.
"""

from __future__ import annotations

from decimal import Decimal

from pfmm.paper.feeds.feed import USD, MarketSpec
from pfmm.paper.instruments import price_step
from pfmm.paper.ledger import notional_unit
from pfmm.paper.messages import ExchangeError, PlaceRequest

MAX_UNITS = 10**15
MAX_NOTIONAL = 10**18
MAX_CLIENT_ID = 64


def bad(field: str, message: str) -> ExchangeError:
    """Make a refusal 400 invalid_<field>."""
    return ExchangeError(400, f"invalid_{field}", message)


def positive(field: str, value: Decimal) -> Decimal:
    """Return `value` when it is finite and above zero; else refuse with 400, naming the field and the value."""
    if not value.is_finite() or value <= 0:
        raise bad(field, f"{field} must be a positive number, not {value}")
    if not -30 <= value.adjusted() <= 20:
        raise bad(field, f"{field} {value} is out of range")
    return value


def price_units(spec: MarketSpec, price: Decimal) -> int:
    """Return the limit price in price units; 422 price_off_tick when the market's price rule does not allow it."""
    exact = positive("price", price)
    units = _whole(exact, spec.price_decimals)
    if units is not None and units > MAX_UNITS:
        raise bad("price", f"price {price} is out of range")
    if units is None or units % price_step(spec, units):
        raise ExchangeError(422, "price_off_tick", f"price {price} is not on a tick of {spec.market}")
    return units


def size_units(spec: MarketSpec, size: Decimal) -> int:
    """Return a size in base units as size steps; 422 size_off_step when it is no whole number of them."""
    units = _whole(positive("size_base", size), spec.size_decimals)
    if units is None:
        step = Decimal((0, (1,), -spec.size_decimals))
        raise ExchangeError(422, "size_off_step", f"size_base {size} is not a multiple of {step:f}")
    if units > MAX_UNITS:
        raise bad("size_base", f"size_base {size} is out of range")
    return units


def size_from_usd(spec: MarketSpec, size_usd: Decimal, price: int) -> int:
    """Turn a USDC notional at `price` into size steps, rounded DOWN: 150 USD at 63,943.9, 3 decimals: 2 (0.002)."""
    numerator, denominator = positive("size", size_usd).as_integer_ratio()
    units = numerator * USD // (denominator * price * notional_unit(spec))
    if units > MAX_UNITS:
        raise bad("size", f"size {size_usd} is out of range")
    return units


def _whole(value: Decimal, decimals: int) -> int | None:
    numerator, denominator = value.as_integer_ratio()
    quotient, remainder = divmod(numerator * 10**decimals, denominator)
    return None if remainder else quotient


def check_words(request: PlaceRequest) -> None:
    """Check side, type, time in force, ids, and which of price and sizes are given."""
    if request.side not in ("long", "short"):
        raise bad("side", f"side must be long or short, not {request.side!r}")
    if request.type not in ("limit", "market"):
        raise bad("type", f"type must be limit or market, not {request.type!r}")
    if request.time_in_force not in ("GTC", "IOC"):
        raise bad("time_in_force", f"time_in_force must be GTC or IOC, not {request.time_in_force!r}")
    if (request.size_usd is None) == (request.size_base is None):
        raise bad("size", "give exactly one of size (USDC) and size_base")
    if (request.price is None) == (request.type == "limit"):
        raise bad("price", "a limit order needs a price and a market order takes none")
    if request.post_only and (request.type == "market" or request.time_in_force == "IOC"):
        raise bad("post_only", "post_only needs a limit order that may rest (GTC)")
    if request.trigger_price is not None and (not request.reduce_only or request.post_only):
        raise bad("trigger_price", "a stop must be reduce_only and cannot be post_only")
    if request.trigger_price is not None and request.type == "limit" and request.time_in_force == "IOC":
        raise bad("trigger_price", "a stop waits: its time_in_force is GTC")
    check_client_id(request.client_order_id)


def check_client_id(client_order_id: str | None) -> None:
    """Refuse a client order id that is not 1 to 64 printable characters; None is no id."""
    if client_order_id is None:
        return
    if not 1 <= len(client_order_id) <= MAX_CLIENT_ID or not client_order_id.isprintable():
        raise bad("client_order_id", f"client_order_id must be 1 to {MAX_CLIENT_ID} printable characters")


def check_minimum(spec: MarketSpec, size: int, price: int, size_usd: Decimal | None) -> None:
    """Refuse an order below one step or the market's minimum notional with 422 below_minimum.

    An order given in USDC is measured by what was asked for, not by what rounding to the size step left of it.
    """
    notional = size * price * notional_unit(spec)
    asked = notional if size_usd is None else int(size_usd * USD)
    if size <= 0 or asked < spec.min_notional:
        shown = Decimal(notional).scaleb(-8) if size_usd is None else size_usd
        minimum = Decimal(spec.min_notional).scaleb(-8)
        raise ExchangeError(
            422, "below_minimum", f"{shown:f} USD is below the minimum of {minimum.normalize():f} USD or one size step"
        )
    if notional > MAX_NOTIONAL:
        raise bad("size", "the order's notional is out of range")
