"""Whatever happens, no order is ever SENT that could take the position past the limit, or worsen a breach.

The engine runs over the real paper exchange; a wrapper at the venue's seam looks at every batch with arithmetic of its
own, written from the rule alone: position + everything of that side that could still fill + this one <= limit, at the
larger of mark and price; an order that only reduces passes at any breach.
"""

from __future__ import annotations

import tempfile
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from pfmm.engine.report import Limits
from pfmm.errors import OutcomeUnknown, VenueUnreachable
from pfmm.model.account import Snapshot
from pfmm.model.cycle import CycleReport
from pfmm.model.order import AmendOrder, Batch, BatchAnswer, NewOrder, Order, Refusal, Side
from pfmm.model.plan import Decision, MarketView, Tolerance
from pfmm.model.quick import replace
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteState, QuoteStrategy
from tests.e2e.engine_rig import MARKET, Rig, ScriptedFeed, Step, rig
from tests.examples import examples

LIMIT = Decimal(130)
CONFIG = QuoteConfig(model="fixed", half_spread_bps=8, sigma_annual=0.3, tilt_max=0, size_usd=Decimal(50), drift_bps=3)
LIMITS = Limits(LIMIT, tolerance=Tolerance(Decimal(1), Decimal("0.1"), 0))


class Greedy(QuoteStrategy):
    """Quotes as if it held nothing and had no limit: what keeps its orders within the limit is the engine alone."""

    def decide(self, state: QuoteState, view: MarketView) -> tuple[QuoteState, Decision]:
        flat = replace(view, inventory=Decimal(0), net_position=Decimal(0), max_inventory_usd=LIMIT * 100)
        return super().decide(state, flat)


class Judge:
    """Sees every batch before it leaves, remembers what may rest, and decides what becomes of the request."""

    def __init__(self, of: Rig) -> None:
        self.rig = of
        self.fate = "passes"
        self.judged = 0
        of.venue.before = self.before

    def before(self, batch: Batch, snapshot: Snapshot) -> BatchAnswer | None:
        self._check(batch, snapshot)
        fate, self.fate = self.fate, "passes"
        if fate == "passes":
            return None
        if fate == "refused":
            no = Refusal("insufficient_balance", "not now", 402)
            return BatchAnswer((no,) * len(batch.cancel), (no,) * len(batch.amend), (no,) * len(batch.place))
        if fate == "unreachable":
            raise VenueUnreachable("connection refused")
        if fate == "lost after":
            self.rig.venue.inner.submit(batch)
        raise OutcomeUnknown("no answer in time")

    def _check(self, batch: Batch, snapshot: Snapshot) -> None:
        """Everything that the venue could have resting when this batch arrives, in the worst case."""
        mark = snapshot.tickers[0].mark
        position = sum((p.size for p in snapshot.positions if p.market == MARKET), Decimal(0))
        # the truth of the venue itself, which a lost answer may have made larger than the snapshot's
        resting = {o.client_order_id or o.order_id: o for o in self.rig.venue.inner.open_orders(MARKET)}
        sizes = {cid: (o.side, o.remaining, o.price or mark) for cid, o in resting.items()}
        for amend in batch.amend:
            if amend.client_order_id in resting:
                old = resting[amend.client_order_id]
                if self._grows(amend, old):
                    sizes[amend.client_order_id] = _larger(amend, old)
                    self._judge(position, mark, old.side, sizes, f"amend {amend}")
        for new in batch.place:
            assert new.price is not None
            assert new.post_only
            size = new.size if not new.reduce_only else min(new.size, max(-position * new.side.sign, Decimal(0)))
            sizes[new.client_order_id] = (new.side, size, new.price)
            self._judge(position, mark, new.side, sizes, f"place {new}")
            self._never_meets_own(new, resting)

    @staticmethod
    def _grows(amend: AmendOrder, old: Order) -> bool:
        assert old.price is not None
        return amend.size > old.size or (amend.price - old.price) * old.side.sign > 0

    def _judge(
        self, position: Decimal, mark: Decimal, side: Side, sizes: dict[str, tuple[Side, Decimal, Decimal]], what: str
    ) -> None:
        self.judged += 1
        along = position * side.sign
        orders = sorted((price, size) for each, size, price in sizes.values() if each is side)
        if along + sum((size for _, size in orders), Decimal(0)) <= 0:
            return  # only reduces
        worst, closing = max(along, Decimal(0)) * mark, max(-along, Decimal(0))
        for price, size in orders:  # the cheapest close the other side first
            closed = min(closing, size)
            closing -= closed
            worst += (size - closed) * max(mark, price)
        assert worst <= LIMIT, f"{what}: position {position}, mark {mark}, {orders}: {worst} is past {LIMIT}"

    @staticmethod
    def _never_meets_own(new: NewOrder, resting: dict[str, Order]) -> None:
        assert new.price is not None
        for order in resting.values():
            if order.side is not new.side and order.price is not None:
                assert (new.price - order.price) * new.side.sign < 0, f"{new} meets {order}"


def _larger(amend: AmendOrder, old: Order) -> tuple[Side, Decimal, Decimal]:
    assert old.price is not None
    return old.side, max(amend.size, old.size) - old.filled, max(amend.price, old.price)


moves = st.integers(-60, 60)  # price units of 0.1 on 1,000: up to 60 bps a step
fates = st.sampled_from(["passes"] * 5 + ["refused", "unreachable", "lost before", "lost after", "restart"])
prints = st.tuples(st.integers(-40, 40), st.integers(0, 12))


@examples(12, 40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(moves, fates, prints, st.integers(1, 12)), min_size=3, max_size=14),
    st.sampled_from([QuoteStrategy, Greedy]),
)
def test_no_order_sent_could_break_the_limit(
    story: list[tuple[int, str, tuple[int, int], int]], strategy: type[QuoteStrategy]
) -> None:
    mid, steps = 10_000, [Step(9999, 10001)]
    for move, _, (reach, size), width in story:
        mid += move
        steps.append(Step(mid - width, mid + width, mid + reach if size else 0, size))
    with (
        tempfile.TemporaryDirectory() as folder,
        rig(Path(folder), ScriptedFeed(steps), CONFIG, LIMITS, strategy=strategy) as r,
    ):
        judge = Judge(r)
        r.cycle()
        for _, fate, _, _ in story:
            if fate == "restart":
                r.restart()
            else:
                judge.fate = fate
            r.step()
        assert judge.judged >= 2


@examples(5, 15, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(20, 400), min_size=2, max_size=8), st.sampled_from([1, -1]))
def test_a_breach_by_price_alone_is_only_ever_reduced(rises: list[int], side: int) -> None:
    """The position is filled to about the limit, then the price rises: it is worth more, but never becomes more."""
    fill = Step(9999, 10001, 10_000 - side * 30, 500)
    mid, steps = 10_000, [fill, fill, fill]
    for rise in rises:
        mid += rise
        steps.append(Step(mid - 1, mid + 1))
    with tempfile.TemporaryDirectory() as folder, rig(Path(folder), ScriptedFeed(steps), CONFIG, LIMITS) as r:
        judge = Judge(r)
        reports = [r.step() for _ in steps]
        for before, after in pairwise(reports):
            grown = abs(after.runs[0].ledger.size) - abs(before.runs[0].ledger.size)
            assert grown <= 0 or not _breached(before)
        assert judge.judged >= 2


def _breached(report: CycleReport) -> bool:
    run = report.runs[0]
    assert run.ticker is not None
    return abs(run.ledger.size) * run.ticker.mark > LIMIT


def test_the_judge_itself_objects(tmp_path: Path) -> None:
    """A check that cannot fail proves nothing: an engine that believes in twice the limit is caught."""
    loose = replace(LIMITS, max_inventory_usd=LIMIT * 4)
    steps = [Step(9999, 10001, 9970, 500)] * 6
    with rig(tmp_path, ScriptedFeed(steps), CONFIG, loose) as r:
        Judge(r)
        caught = False
        for _ in steps:
            try:
                r.step()
            except AssertionError:
                caught = True
                break
        assert caught
