"""The difference between what a strategy wants and what rests, as the fewest safe order actions.

Pure. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter

from pfmm.model.order import Side
from pfmm.model.plan import Amendment, DesiredOrder, Held, OwnOrder, OwnStatus, Plan, Tolerance

_BPS = Decimal(10_000)
_AGE = attrgetter("created_ms", "client_order_id")


def reconcile(
    desired: Sequence[DesiredOrder],
    resting: Sequence[OwnOrder],
    *,
    tolerance: Tolerance,
    now_ms: int,
    can_amend: bool,
) -> Plan:
    """Plan how `resting` (this run's orders; finished ones are ignored) becomes `desired`, slot by slot.

    `now_ms` is venue time; orders of other runs are `crossing`'s matter. Rules, a slot at a time:

    - Right side, price within `tolerance.price_bps` and remaining size within `tolerance.size_fraction`: kept.
    - Else amended to TOTAL size = filled + desired, once it is `tolerance.min_age_ms` old since its last change.
      An order in the way of a desired order of the other side is unsafe: neither age nor tolerance protects it.
    - Where the venue cannot amend, and for another side or another reduce-only flag: cancelled now, placed only
      when the cancel has been seen. Both in one batch would fill twice whenever the cancel loses to a fill.
    - An order that is not proven (SENDING, UNKNOWN, MISSING, or with an unacknowledged amendment) holds its slot.
    - Two proven orders in one slot: the younger is cancelled. A slot that is not desired: cancelled.
    - No new price at or through an own order of the other side, be it kept, new, unproven, or the old price of one
      that is being amended (its amendment may fail): held until that one has moved. Amendments that move away from
      the other side come first, so that no moment of a batch crosses.

    An order whose change is held or too young is in `keep` as well. Raises ValueError when a slot is desired twice.
    """
    wanted = _by_slot(desired)
    live: dict[str, list[OwnOrder]] = {}
    for order in sorted(resting, key=_AGE):
        if order.status.live:
            live.setdefault(order.slot, []).append(order)
    draft = _Draft(desired, tolerance=tolerance, now_ms=now_ms, can_amend=can_amend)
    for slot, orders in live.items():
        if slot in wanted:
            draft.settle(wanted[slot], orders)
        else:
            draft.cancel.extend(order for order in orders if order.status is OwnStatus.OPEN)
    draft.place.extend([order for order in desired if order.slot not in live])
    if not draft.amend and not draft.place:  # nothing new could cross anything
        return Plan(tuple(draft.keep), (), tuple(draft.cancel), (), tuple(draft.held))
    cancelled = {order.client_order_id for order in draft.cancel}
    staying = [order for orders in live.values() for order in orders if order.client_order_id not in cancelled]
    return _without_crossing(draft, staying)


class _Draft:
    """Collects the actions of one reconciliation before own crossings are sorted out."""

    def __init__(self, desired: Sequence[DesiredOrder], *, tolerance: Tolerance, now_ms: int, can_amend: bool) -> None:
        self._tolerance = tolerance
        self._now_ms = now_ms
        self._can_amend = can_amend
        self._highest_bid = max([order.price for order in desired if order.side is Side.LONG], default=None)
        self._lowest_ask = min([order.price for order in desired if order.side is Side.SHORT], default=None)
        self.keep: list[OwnOrder] = []
        self.amend: list[Amendment] = []
        self.cancel: list[OwnOrder] = []
        self.place: list[DesiredOrder] = []
        self.held: list[Held] = []

    def settle(self, desired: DesiredOrder, orders: Sequence[OwnOrder]) -> None:
        """Decide about the live `orders` of one desired slot, oldest first."""
        if len(orders) == 1 and orders[0].status is OwnStatus.OPEN:
            self._settle_one(desired, orders[0])
            return
        proven = [order for order in orders if order.status is OwnStatus.OPEN]
        unproven = [order for order in orders if order.status is not OwnStatus.OPEN]
        self.cancel.extend(proven[1:])
        if unproven:
            order = unproven[0]
            self.held.append(Held(desired.slot, f"order {order.client_order_id} is {order.status}, not yet proven"))
            self.keep.extend(proven[:1])
        else:
            self._settle_one(desired, proven[0])

    def _settle_one(self, desired: DesiredOrder, order: OwnOrder) -> None:
        if order.side is not desired.side or order.reduce_only is not desired.reduce_only:
            self.cancel.append(order)
            self.held.append(Held(desired.slot, "side or reduce-only changed: placed once the cancel is seen"))
        elif order.amend_price is not None or order.amend_size is not None:
            self.keep.append(order)
            self.held.append(Held(desired.slot, f"amendment of {order.client_order_id} not yet acknowledged"))
        elif self._is_right(desired, order):
            self.keep.append(order)
        elif not self._in_the_way(order) and self._now_ms - order.updated_ms < self._tolerance.min_age_ms:
            self.keep.append(order)
            self.held.append(Held(desired.slot, f"younger than {self._tolerance.min_age_ms} ms"))
        elif self._can_amend:
            self.amend.append(Amendment(order, desired, order.filled + desired.size))
        else:
            self.cancel.append(order)
            self.held.append(Held(desired.slot, "the venue cannot amend: placed once the cancel is seen"))

    def _is_right(self, desired: DesiredOrder, order: OwnOrder) -> bool:
        price_error = abs(order.price - desired.price)
        if price_error and self._in_the_way(order):
            return False
        size_error = abs(order.remaining - desired.size)
        return (
            price_error * _BPS <= self._tolerance.price_bps * desired.price
            and size_error <= self._tolerance.size_fraction * desired.size
        )

    def _in_the_way(self, order: OwnOrder) -> bool:
        """Tell whether a desired order of the other side would meet `order` where it rests."""
        if order.side is Side.SHORT:
            return self._highest_bid is not None and self._highest_bid >= order.price
        return self._lowest_ask is not None and self._lowest_ask <= order.price


class _Fence:
    """The prices that own orders hold or may still take, so that nothing new is sent through them."""

    def __init__(self, orders: Iterable[OwnOrder]) -> None:
        self._bid: Decimal | None = None
        self._ask: Decimal | None = None
        for order in orders:
            self.add(order.side, order.price)
            if order.amend_price is not None:
                self.add(order.side, order.amend_price)

    def add(self, side: Side, price: Decimal) -> None:
        """Remember that an order of ours may rest at `price`."""
        if side is Side.LONG:
            self._bid = price if self._bid is None else max(self._bid, price)
        else:
            self._ask = price if self._ask is None else min(self._ask, price)

    def problem(self, side: Side, price: Decimal) -> str | None:
        """Say why an order at `price` would meet one of ours, or None."""
        if side is Side.LONG and self._ask is not None and price >= self._ask:
            return f"would cross an own sell at {self._ask}"
        if side is Side.SHORT and self._bid is not None and price <= self._bid:
            return f"would cross an own buy at {self._bid}"
        return None


def _without_crossing(draft: _Draft, staying: Sequence[OwnOrder]) -> Plan:
    """Return the plan of `draft` with every action held that would meet an order of ours."""
    fence = _Fence(staying)
    amends: list[Amendment] = []
    for amendment in sorted(draft.amend, key=_moves_towards):
        desired = amendment.desired
        # an amendment of the size alone leaves the order where it already rests
        problem = None if desired.price == amendment.order.price else fence.problem(desired.side, desired.price)
        if problem is None:
            amends.append(amendment)
            fence.add(desired.side, desired.price)
        else:
            draft.keep.append(amendment.order)
            draft.held.append(Held(desired.slot, problem))
    places: list[DesiredOrder] = []
    for desired in draft.place:
        problem = fence.problem(desired.side, desired.price)
        if problem is None:
            places.append(desired)
            fence.add(desired.side, desired.price)
        else:
            draft.held.append(Held(desired.slot, problem))
    return Plan(tuple(draft.keep), tuple(amends), tuple(draft.cancel), tuple(places), tuple(draft.held))


def _moves_towards(amendment: Amendment) -> bool:
    """Tell whether the new price is closer to the other side's orders than the old one."""
    return (amendment.desired.price - amendment.order.price) * amendment.order.side.sign > 0


def _by_slot(desired: Sequence[DesiredOrder]) -> dict[str, DesiredOrder]:
    slots: dict[str, DesiredOrder] = {}
    for order in desired:
        if order.slot in slots:
            raise ValueError(f"slot {order.slot} is desired twice")
        slots[order.slot] = order
    return slots
