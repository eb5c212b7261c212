"""Our own limits: which order actions may be sent, and whether data and losses allow going on. Pure functions.

Counts everything that could still fill, of every run and of hands outside pfmm. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter

from pfmm.model.market import Ticker
from pfmm.model.order import Order, Side
from pfmm.model.plan import Amendment, DesiredOrder, Held, OwnOrder, Plan
from pfmm.model.quick import quick, replace
from pfmm.strategy import volatility

_ZERO = Decimal(0)
_PRICE = itemgetter(1)  # of (size, price)
MAX_JUMP = Decimal(str(volatility.MAX_JUMP))  # what no estimator believes at once, no order is based on


@quick(frozen=True, slots=True)
class Approved:
    """What may be sent, and what was refused with the reason. A refused amendment's order stays as it rests."""

    plan: Plan
    refused: tuple[Held, ...] = ()


@dataclass(slots=True)
class _Exposure:
    """One order as the limit sees it: the most base units that can still fill, and the highest price in USD."""

    side: Side
    size: Decimal
    price: Decimal


def check(
    plan: Plan,
    *,
    net_position: Decimal,
    live_orders: Sequence[OwnOrder],
    limit_usd: Decimal,
    mark: Decimal,
    foreign_orders: Sequence[Order] = (),
    replaces: bool = False,
) -> Approved:
    """Return the part of `plan` that cannot take the account's position past `limit_usd`, nor worsen a breach.

    `net_position` (base units, signed) is the account's; `live_orders` are ALL live orders of the account on this
    market, of every run; `foreign_orders` are open orders on it that pfmm did not place. Rules:

    - An order passes when the position plus every live order of its side plus itself, all filled, is worth at most
      `limit_usd`, each part at the larger of `mark` and its own price (see `worst_usd`).
    - An order that reduces, and together with every other order of its side cannot flip the position, passes at any
      size of breach. A reduce-only order counts at no more than what there is to reduce: the venue caps it.
    - An amendment counts at the larger of old and new, in size and in price. One that neither grows nor moves
      towards the market always passes; one refused for its growth goes out at its old size if that passes.
    - Where the venue `replaces` orders the old one may fill on the way: both count. An amendment that passes only
      without the old one becomes a cancel, and what it wanted is placed once that is seen.
    - Cancels always pass but free no room here: a cancel can lose the race to a fill, so its order counts until the
      venue has acknowledged it.

    Earlier actions of the plan take the room first. Raises ValueError for numbers that make no sense.

    Example: limit 500, mark 100, position 2, one resting buy of 1: a buy of 2 at 99 passes (5 x 100 = 500), a buy
    of 2.1 does not.
    """
    gate = _Gate.of(net_position, limit_usd, mark)
    book = {order.client_order_id: _own_exposure(order) for order in live_orders}
    fixed = [_foreign_exposure(order, mark) for order in foreign_orders]
    refused: list[Held] = []
    amends: list[Amendment] = []
    kept, cancels = list(plan.keep), list(plan.cancel)
    for number, wanted in enumerate(plan.amend):
        if replaces and _fits(gate, wanted, book, fixed):
            reason = _both_legs(gate, wanted, book, fixed)
            if reason is None:
                amends.append(wanted)
                book[f"replacement {number}"] = _desired_exposure(wanted.desired)
            else:
                cancels.append(wanted.order)
                refused.append(Held(wanted.desired.slot, f"cancelled first, since both orders could fill; {reason}"))
            continue
        amendment, reason = _approve_amendment(gate, wanted, book, fixed)
        if amendment is None or replaces:
            kept.append(wanted.order)
        else:
            amends.append(amendment)
            book[wanted.order.client_order_id] = _amended_exposure(amendment)
        if reason is not None:
            refused.append(Held(wanted.desired.slot, reason))
    places = _approve_places(gate, plan.place, [*book.values(), *fixed], refused)
    approved = Plan(tuple(kept), tuple(amends), tuple(cancels), places, plan.held)
    return Approved(approved, tuple(refused))


def worst_usd(position: Decimal, side: Side, orders: Sequence[tuple[Decimal, Decimal]], mark: Decimal) -> Decimal:
    """Return the largest position on `side`, in USD, if all `orders` (size, price) of that side fill.

    A position on the other side is closed first, by the cheapest orders; what is left counts at the larger of
    `mark` and the order's price. Position 2 at mark 100 and a buy of 1 at 99: 2 x 100 + 1 x 100 = 300. Position 2
    and sells of 2 at 101 and 1 at 110: 1 x 110 = 110.
    """
    along = position * side.sign
    total = max(along, _ZERO) * mark
    offset = max(-along, _ZERO)
    for size, price in sorted(orders, key=_PRICE):
        closed = min(offset, size)
        offset -= closed
        total += (size - closed) * max(mark, price)
    return total


def loss_problem(pnl_usd: Decimal, max_loss_usd: Decimal | None) -> str | None:
    """Say why a run must stop for its losses, or None. `pnl_usd` of -25 reaches a `max_loss_usd` of 25.

    Raises ValueError for a P&L that is not finite and a maximum that is not positive.
    """
    _require_finite("pnl_usd", pnl_usd)
    if max_loss_usd is None:
        return None
    _require_positive("max_loss_usd", max_loss_usd)
    if pnl_usd > -max_loss_usd:
        return None
    return f"maximum loss reached: P&L {pnl_usd:f} USD, limit -{max_loss_usd:f} USD"


def data_problem(ticker: Ticker, *, now_ms: int, stale_after_ms: int, last_mid: Decimal | None) -> str | None:
    """Say why `ticker` must not be acted on at venue time `now_ms`, or None.

    Refused: older than `stale_after_ms` or as far ahead of the clock; a side empty, without size, not positive or
    not finite; bid at or above ask; a mid that differs from `last_mid` by MAX_JUMP or more: from 100 to 120, or to
    80. The caller decides when a new price has been confirmed and becomes the next `last_mid`.
    """
    problem = _age_problem(now_ms - ticker.time_ms, stale_after_ms) or _quote_problem(ticker)
    mid = ticker.mid
    return problem if problem is not None or mid is None else _jump_problem(mid, last_mid)


def lag_problem(lag_ms: int, stale_after_ms: int) -> str | None:
    """Say why an answer must not be acted on that was `lag_ms` old when it was received, or None.

    It counts whatever time the answer tells: of a venue whose clock stands still, or of an answer that was long on its
    way.
    """
    if lag_ms <= stale_after_ms:
        return None
    return (
        f"stale: the venue's time is {lag_ms / 1000:g} s behind this machine's steady clock, at most "
        f"{stale_after_ms / 1000:g} s allowed"
    )


def _age_problem(age_ms: int, stale_after_ms: int) -> str | None:
    """Say why data of that age must not be acted on, or None."""
    if age_ms > stale_after_ms:
        return f"stale: the ticker is {age_ms / 1000:g} s old, at most {stale_after_ms / 1000:g} s allowed"
    if -age_ms > stale_after_ms:
        return f"clock: the ticker is {-age_ms / 1000:g} s ahead of the venue's time"
    return None


def _quote_problem(ticker: Ticker) -> str | None:
    """Say why the quotes of `ticker` are unusable, or None."""
    if not ticker.mark.is_finite() or ticker.mark <= _ZERO:
        return f"bad mark price: {ticker.mark}"
    if ticker.bid is None and ticker.ask is None:
        return "empty: the book has neither bid nor ask"
    problem = _side_problem("bid", ticker.bid, ticker.bid_size) or _side_problem("ask", ticker.ask, ticker.ask_size)
    if problem is not None or ticker.bid is None or ticker.ask is None:
        return problem
    return None if ticker.bid < ticker.ask else f"crossed: bid {ticker.bid} is not below ask {ticker.ask}"


def _side_problem(name: str, price: Decimal | None, size: Decimal | None) -> str | None:
    """Say why one side of the quotes is unusable, or None."""
    if price is None:
        return f"one-sided: the book has no {name}"
    if not price.is_finite() or price <= _ZERO:
        return f"bad {name}: {price}"
    if size is not None and (not size.is_finite() or size <= _ZERO):
        return f"one-sided: the {name} shows a size of {size}"
    return None


def _jump_problem(mid: Decimal, last_mid: Decimal | None) -> str | None:
    """Say why `mid` is too far from `last_mid`, or None."""
    if last_mid is None or abs(mid - last_mid) < MAX_JUMP * last_mid:
        return None
    jump_pct = (mid - last_mid) / last_mid * 100
    return f"jump: the mid went from {last_mid} to {mid} ({jump_pct:+.1f} %), {MAX_JUMP * 100:f} % is the limit"


@dataclass(slots=True)
class _Gate:
    """The limit with everything it is measured by."""

    position: Decimal
    limit_usd: Decimal
    mark: Decimal

    @classmethod
    def of(cls, position: Decimal, limit_usd: Decimal, mark: Decimal) -> _Gate:
        """Make the gate; raise ValueError for numbers that make no sense."""
        _require_finite("net_position", position)
        _require_positive("mark", mark)
        _require_finite("limit_usd", limit_usd)
        if limit_usd < _ZERO:
            raise ValueError(f"limit_usd must not be negative, not {limit_usd}")
        return cls(position, limit_usd, mark)

    def refusal(self, candidate: _Exposure, others: Sequence[_Exposure], *, reduce_only: bool) -> str | None:
        """Say why `candidate` may not be sent beside `others`, or None."""
        if not candidate.size.is_finite() or candidate.size <= _ZERO:
            return f"size {candidate.size} is not positive"
        if not candidate.price.is_finite() or candidate.price <= _ZERO:
            return f"price {candidate.price} is not positive"
        same_side = [(order.size, order.price) for order in others if order.side is candidate.side]
        reducible = max(-self.position * candidate.side.sign, _ZERO)
        if reduce_only:
            if not reducible:
                return "reduce-only, but there is no position to reduce"
            # the venue lets it close and no more; but what it closes, the other orders no longer have to
            candidate = replace(candidate, size=min(candidate.size, reducible))
        if sum([size for size, _ in same_side], candidate.size) <= reducible:
            return None
        worst = worst_usd(self.position, candidate.side, [*same_side, (candidate.size, candidate.price)], self.mark)
        if worst <= self.limit_usd:
            return None
        return (
            f"limit: with every open {candidate.side} order filled the position could reach {worst:.2f} USD, "
            f"max_inventory is {self.limit_usd:f} USD"
        )


def _fits(gate: _Gate, wanted: Amendment, book: dict[str, _Exposure], fixed: Sequence[_Exposure]) -> bool:
    """Tell whether the amendment could be sent where it changes the order in its place."""
    return _approve_amendment(gate, wanted, book, fixed) == (wanted, None)


def _both_legs(gate: _Gate, wanted: Amendment, book: dict[str, _Exposure], fixed: Sequence[_Exposure]) -> str | None:
    """Say why the new order of a replacement may not be sent beside the old one, or None."""
    candidate = _desired_exposure(wanted.desired)
    return gate.refusal(candidate, [*book.values(), *fixed], reduce_only=wanted.desired.reduce_only)


def _approve_amendment(
    gate: _Gate, wanted: Amendment, book: dict[str, _Exposure], fixed: Sequence[_Exposure]
) -> tuple[Amendment | None, str | None]:
    """Return the amendment that may be sent (None: none may) and why it is not the one that was wanted."""
    if _only_lowers(wanted):
        return wanted, None
    changed = wanted.order.client_order_id
    others = [exposure for other, exposure in book.items() if other != changed]
    reason = gate.refusal(_amended_exposure(wanted), [*others, *fixed], reduce_only=wanted.desired.reduce_only)
    if reason is None:
        return wanted, None
    if wanted.size > wanted.order.size:
        same_size = replace(
            wanted,
            size=wanted.order.size,
            desired=replace(wanted.desired, size=wanted.order.size - wanted.order.filled),
        )
        if wanted.desired.price != wanted.order.price and _only_lowers(same_size):
            return same_size, f"size not raised; {reason}"
    return None, reason


def _approve_places(
    gate: _Gate, wanted: Sequence[DesiredOrder], live: Sequence[_Exposure], refused: list[Held]
) -> tuple[DesiredOrder, ...]:
    """Return the new orders that may be sent beside `live` and each other; the reasons of the rest go to `refused`."""
    exposures = list(live)
    approved = []
    for order in wanted:
        candidate = _desired_exposure(order)
        reason = gate.refusal(candidate, exposures, reduce_only=order.reduce_only)
        if reason is None:
            approved.append(order)
            exposures.append(candidate)
        else:
            refused.append(Held(order.slot, reason))
    return tuple(approved)


def _only_lowers(amendment: Amendment) -> bool:
    """Tell whether the amendment can only make the order smaller or move it away from the market."""
    order = amendment.order
    towards = (amendment.desired.price - order.price) * order.side.sign > _ZERO
    return amendment.size <= order.size and not towards


def _own_exposure(order: OwnOrder) -> _Exposure:
    """Return what an own order exposes.

    `remaining` is the larger of the total and an unacknowledged amended total, less what is filled.
    """
    price = order.price if order.amend_price is None else max(order.price, order.amend_price)
    return _Exposure(order.side, order.remaining, price)


def _desired_exposure(order: DesiredOrder) -> _Exposure:
    return _Exposure(order.side, order.size, order.price)


def _amended_exposure(amendment: Amendment) -> _Exposure:
    """Return the larger of before and after, until the amendment is acknowledged."""
    before = _own_exposure(amendment.order)
    size = max(before.size, amendment.size - amendment.order.filled)
    return _Exposure(before.side, size, max(before.price, amendment.desired.price))


def _foreign_exposure(order: Order, mark: Decimal) -> _Exposure:
    """Return what another's order exposes; one without a price (market) counts at the mark."""
    return _Exposure(order.side, order.remaining, mark if order.price is None else order.price)


def _require_finite(name: str, value: Decimal) -> None:
    if not value.is_finite():
        raise ValueError(f"{name} must be finite, not {value}")


def _require_positive(name: str, value: Decimal) -> None:
    if not value.is_finite() or value <= _ZERO:
        raise ValueError(f"{name} must be positive and finite, not {value}")
