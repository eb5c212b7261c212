"""The fold from fills and funding payments to one position with its profit and loss. Pure.

Average cost is held as a COST BASIS, never as a stored average price: that is what keeps the identity equity = deposits
+ realised + unrealised - fees + funding true to the last digit. Layer: accounting.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from pfmm.model.account import FundingPayment
from pfmm.model.ledger import UNATTRIBUTED, LedgerState
from pfmm.model.order import Fill
from pfmm.model.quick import replace

UNIT = Decimal("0.00000001")  # amounts are rounded to 1e-8 USD, as the paper exchange rounds them
ZERO = Decimal(0)
_SIGNS = {1: Decimal(1), -1: Decimal(-1)}
# wide enough that no sum or product of real prices and sizes is ever rounded; the caller's context plays no part
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def apply(state: LedgerState, fill: Fill) -> LedgerState:
    """Return the state after one fill. Raises ValueError naming the field for amounts that make no sense.

    Adding to a position adds price * size to the basis. Reducing removes basis * closed / size, rounded half-even to
    1e-8, and realises the difference to the proceeds; a fill through zero closes first and opens with the rest.
    Buying at 100, 101 and 101 gives size 3 and basis 302; selling all at 102 realises 306 - 302 = 4.
    """
    price, quantity = _positive("price", fill.price), _positive("size", fill.size)
    sign = fill.side.sign
    held = state.size.copy_abs()
    reduces = bool(state.size) and (state.size > 0) != (sign > 0)
    closed = min(held, quantity) if reduces else ZERO
    removed = _share_of(state.cost_basis, closed, held) if closed else ZERO
    gain = EXACT.multiply(_SIGNS[-sign], EXACT.subtract(EXACT.multiply(price, closed), removed))
    opened = EXACT.multiply(price, EXACT.subtract(quantity, closed))
    return LedgerState(
        size=EXACT.add(state.size, EXACT.multiply(_SIGNS[sign], quantity)),
        cost_basis=EXACT.add(EXACT.subtract(state.cost_basis, removed), opened),
        realized=EXACT.add(state.realized, gain),
        fees=EXACT.add(state.fees, rounded("fee", fill.fee)),
        funding=state.funding,
    )


def apply_funding(state: LedgerState, payment: FundingPayment) -> LedgerState:
    """Return the state after a funding settlement; `payment.amount` is USD received. Raises ValueError unless finite.

    Holding 2 at 100 when longs pay 0.0001: the amount is -0.02.
    """
    return replace(state, funding=EXACT.add(state.funding, rounded("funding amount", payment.amount)))


def mark(state: LedgerState, mark_price: Decimal) -> Decimal:
    """Return the unrealised profit in USD at `mark_price`: 3 with a basis of 302, marked at 102, is 306 - 302 = 4.

    A short of 2 sold for 202, marked at 100, has 202 - 200 = 2. Raises ValueError unless the price is positive.
    """
    value = EXACT.multiply(state.size, _positive("mark price", mark_price))
    return EXACT.subtract(value, state.cost_basis if state.size >= 0 else state.cost_basis.copy_negate())


def net_profit(state: LedgerState, mark_price: Decimal) -> Decimal:
    """Return realised + unrealised - fees + funding in USD.

    Flat with 4 realised, 0.1 fees and -0.02 funding: 3.88.
    """
    unrealized = mark(state, mark_price) if state.size else ZERO
    earned = EXACT.add(state.realized, unrealized)
    return EXACT.add(EXACT.subtract(earned, state.fees), state.funding)


def funding_share(payment: FundingPayment, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Split a payment by each run's own signed share of the position; the parts sum to its amount exactly.

    A share earns amount * share / size, rounded half-even to 1e-8 (where the position is zero: -share * price *
    rate). When the shares make up the whole position, the last one that is not zero takes the rounding. Otherwise
    somebody else held the rest, and its part is answered under the empty name. -1 USD on 3 held as 1 + 1 + 1 gives
    -0.33333333, -0.33333333 and -0.33333334.
    """
    amount = rounded("funding amount", payment.amount)
    held = {name: share for name, share in shares.items() if share}
    parts = dict.fromkeys(shares, ZERO) | {name: _funding_part(payment, share) for name, share in held.items()}
    rest = amount
    for part in parts.values():
        rest = EXACT.subtract(rest, part)
    total = ZERO
    for share in held.values():
        total = EXACT.add(total, share)
    taker = list(held)[-1] if held and total == payment.size else UNATTRIBUTED
    if rest:
        parts[taker] = EXACT.add(parts.get(taker, ZERO), rest)
    return parts


def _funding_part(payment: FundingPayment, share: Decimal) -> Decimal:
    if payment.size:
        part = EXACT.divide(EXACT.multiply(payment.amount, share), payment.size)
    else:
        part = EXACT.multiply(EXACT.multiply(share.copy_negate(), payment.price), payment.rate)
    return rounded("funding part", part)


def _share_of(basis: Decimal, closed: Decimal, held: Decimal) -> Decimal:
    """Return the basis that leaves with `closed` of `held`: all of it with the last unit, else rounded to 1e-8."""
    if closed == held:
        return basis
    return EXACT.divide(EXACT.multiply(basis, closed), held).quantize(UNIT, context=EXACT)


def rounded(name: str, amount: Decimal) -> Decimal:
    """Round an amount in USD to 1e-8, half-even: 0.120000005 is 0.12.

    Raises ValueError naming the field unless finite.
    """
    if not amount.is_finite():
        raise ValueError(f"{name} must be finite, not {amount}")
    return amount.quantize(UNIT, context=EXACT)


def _positive(name: str, amount: Decimal) -> Decimal:
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{name} must be positive and finite, not {amount}")
    return amount
