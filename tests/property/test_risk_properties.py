"""An adversary moves the price and fills, refuses or delays whatever hurts most: what was sent never makes it worse."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pfmm.engine.reconcile import reconcile
from pfmm.engine.risk import check
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, OwnOrder, OwnStatus, Plan, Tolerance

D = Decimal
ZERO = D(0)
HUNDRED = D(100)
LIMIT = D(1000)
SLOTS = ("a", "b", "c")

STATUS_AFTER = {"acknowledged": OwnStatus.OPEN, "unanswered": OwnStatus.UNKNOWN, "refused": OwnStatus.REJECTED}


@dataclass
class World:
    """The account as it truly is: `orders` may be amended, filled or refused at the adversary's pleasure."""

    position: Decimal = ZERO
    mark: Decimal = HUNDRED
    orders: list[OwnOrder] = field(default_factory=list)
    sent: int = 0

    @property
    def live(self) -> list[OwnOrder]:
        return [order for order in self.orders if order.status.live]

    def worst(self, side: Side) -> Decimal:
        """The largest position on `side` that fills alone could bring, USD at the mark: written apart from risk.py.

        A reduce-only order can only close what is open; everything else may fill whole, in any order.
        """
        along = self.position * side.sign
        capped = sum((o.remaining for o in self.live if o.side is side and o.reduce_only), D(0))
        free = sum((o.remaining for o in self.live if o.side is side and not o.reduce_only), D(0))
        start = min(D(0), along + capped) if along < 0 else along
        return max(start + free, D(0)) * self.mark


_orders = st.lists(
    st.builds(
        DesiredOrder,
        slot=st.sampled_from(SLOTS),
        side=st.sampled_from(list(Side)),
        price=st.sampled_from([D(90), D(100), D(110)]),
        size=st.sampled_from([D(3), D(5), D(8)]),
        reduce_only=st.sampled_from([False, False, False, True]),
    ),
    unique_by=lambda order: order.slot,
    max_size=2,
)


def random_order(dice: Random, slot: str) -> DesiredOrder:
    """A wish that often is too large."""
    return DesiredOrder(
        slot,
        dice.choice(list(Side)),
        D(dice.choice([90, 100, 110])),
        D(dice.choice([1, 3, 5, 8, 12])),
        reduce_only=dice.random() < 0.2,
    )


def send(world: World, desired: list[DesiredOrder], answer: str) -> None:
    """One cycle's plan through risk, and the venue's answer to it."""
    plan = reconcile(desired, world.orders, tolerance=Tolerance(), now_ms=0, can_amend=True)
    plan = check(plan, net_position=world.position, live_orders=world.live, limit_usd=LIMIT, mark=world.mark).plan
    book = {order.client_order_id: order for order in world.orders}
    for amendment in plan.amend:
        order = amendment.order
        if answer != "refused":
            book[order.client_order_id] = replace(order, amend_price=amendment.desired.price, amend_size=amendment.size)
    for desired_order in plan.place:
        world.sent += 1
        cid = f"o{world.sent}"
        status = {"acknowledged": OwnStatus.OPEN, "unanswered": OwnStatus.UNKNOWN, "refused": OwnStatus.REJECTED}[
            answer
        ]
        book[cid] = OwnOrder(
            client_order_id=cid,
            run_id="r",
            market="M",
            slot=desired_order.slot,
            side=desired_order.side,
            price=desired_order.price,
            size=desired_order.size,
            filled=D(0),
            status=status,
            reduce_only=desired_order.reduce_only,
            created_ms=world.sent,
            updated_ms=0,
        )
    world.orders = list(book.values())


def settled(order: OwnOrder, outcome: str) -> OwnOrder:
    """An unanswered amendment or order becomes certain, one way or the other."""
    if order.amend_size is not None and order.amend_price is not None:
        if outcome == "never":
            return replace(order, amend_price=None, amend_size=None)
        size = max(order.amend_size, order.filled)
        status = OwnStatus.FILLED if size == order.filled else order.status
        return replace(order, price=order.amend_price, size=size, amend_price=None, amend_size=None, status=status)
    return replace(order, status=OwnStatus.OPEN if outcome == "acted" else OwnStatus.CANCELLED)


def fill(world: World, order: OwnOrder, share: Decimal) -> None:
    """Part or all of `order` fills; the venue lets a reduce-only order close and no more."""
    size = order.remaining * share
    if order.reduce_only:
        size = min(size, max(-world.position * order.side.sign, D(0)))
    after = replace(order, filled=order.filled + size)
    if after.remaining == 0:
        after = replace(after, status=OwnStatus.FILLED)
    world.orders = [after if o.client_order_id == order.client_order_id else o for o in world.orders]
    world.position += size * order.side.sign


def step(world: World, dice: Random) -> None:
    """One move of the adversary, or one cycle of ours with the assertion that matters."""
    kind = dice.choice(["send", "send", "send", "price", "fill", "fill", "settle", "restart"])
    if kind == "send":
        before = {side: world.worst(side) for side in Side}
        desired = [random_order(dice, slot) for slot in SLOTS if dice.random() < 0.8]
        send(world, desired, dice.choice(list(STATUS_AFTER)))
        for side in Side:
            assert world.worst(side) <= max(LIMIT, before[side])
    elif kind == "price":
        world.mark = D(dice.choice([60, 90, 100, 110, 160]))
    elif kind == "restart" and dice.random() < 0.2:
        world.orders = [replace(o, status=OwnStatus.UNKNOWN) if o.status.live else o for o in world.orders]
    elif world.live:
        order = dice.choice(world.live)
        if kind == "fill":
            worst = world.worst(order.side)
            fill(world, order, D(dice.choice(["0.5", "1"])))
            assert world.worst(order.side) <= worst  # a fill was already counted
        else:
            after = settled(order, dice.choice(["acted", "never"]))
            world.orders = [after if o.client_order_id == order.client_order_id else o for o in world.orders]


@given(st.integers(0, 10**9))
@settings(max_examples=60)
def test_nothing_sent_can_pass_the_limit_or_worsen_a_breach(seed: int) -> None:
    dice = Random(seed)
    world = World()
    for _ in range(150):
        step(world, dice)
        world.orders = world.live


@given(_orders, st.integers(-30, 30), st.integers(50, 150))
@settings(max_examples=200)
def test_a_higher_limit_never_refuses_more(desired: list[DesiredOrder], position: int, mark: int) -> None:
    plan = reconcile(desired, [], tolerance=Tolerance(), now_ms=0, can_amend=True)
    first = plan.place[:1]  # one order: several compete for the room
    passed = []
    for limit in (D(0), D(500), D(1000), D(5000)):
        verdict = check(
            replace(plan, place=first), net_position=D(position), live_orders=[], limit_usd=limit, mark=D(mark)
        )
        passed.append(len(verdict.plan.place))
    assert passed == sorted(passed)


@given(_orders, st.integers(-30, 30), st.integers(50, 150))
@settings(max_examples=200)
def test_long_and_short_are_mirror_images_at_the_mark(desired: list[DesiredOrder], position: int, mark: int) -> None:
    at_mark = [replace(order, price=D(mark)) for order in desired]
    mirrored = [replace(order, side=order.side.opposite) for order in at_mark]
    verdicts = [
        check(
            Plan(place=tuple(orders)),
            net_position=D(position) * sign,
            live_orders=[],
            limit_usd=LIMIT,
            mark=D(mark),
        )
        for orders, sign in ((at_mark, 1), (mirrored, -1))
    ]
    assert [order.slot for order in verdicts[0].plan.place] == [order.slot for order in verdicts[1].plan.place]
