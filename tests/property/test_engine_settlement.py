"""Whatever is lost, late or filled in between: what we believe never understates what could still fill, and in the end
it is the venue's truth. A model venue keeps the truth; sender, observation and journal are the real ones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from pfmm.engine.observe import observe
from pfmm.engine.submit import Sender
from pfmm.errors import OutcomeUnknown, RateLimited
from pfmm.journal.journal import Journal
from pfmm.model.account import Account, Cursors, Position, Snapshot, VenueTime
from pfmm.model.expiry import CLOCK_SKEW_MS
from pfmm.model.order import Batch, BatchAnswer, Fill, Liquidity, NewOrder, Order, OrderStatus, OrderType, Refusal, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents
from tests.examples import examples

T0 = 1_760_000_000_000
LIFE_MS = 10_000
MARKET = "BTC-PERP"
FATES = ("answered", "acted", "lost", "refused", "delayed")


@dataclass
class ModelVenue:
    """One market with the rules of the dialect; `fate` says what happens to the next request."""

    name: str = "model"
    now_ms: int = T0
    fate: str = "answered"
    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    delayed: list[Batch] = field(default_factory=list)

    def submit(self, batch: Batch) -> BatchAnswer:
        if self.fate == "refused":
            raise RateLimited("slow down", retry_after_s=1)
        if self.fate == "lost":
            raise OutcomeUnknown("lost on its way")
        if self.fate == "delayed":
            self.delayed.append(batch)
            raise OutcomeUnknown("still on its way")
        answer = self._act(batch)
        if self.fate == "acted":
            raise OutcomeUnknown("the answer was lost")
        return answer

    def arrive(self) -> None:
        """Delayed requests arrive, later than those sent after them; the venue refuses what has expired."""
        while self.delayed:
            self._act(self.delayed.pop())

    def _act(self, batch: Batch) -> BatchAnswer:
        cancels = [self._final(c.client_order_id or "") or self._cancel(c.client_order_id or "") for c in batch.cancel]
        amends: list[Order | Refusal] = []
        for change in batch.amend:
            refusal = self._final(change.client_order_id) or self._expired(change.valid_until_ms)
            amends.append(refusal or self._amend(change.client_order_id, change.price, change.size))
        places = [self._expired(new.valid_until_ms) or self._place(new) for new in batch.place]
        return BatchAnswer(tuple(cancels), tuple(amends), tuple(places))

    def _expired(self, valid_until_ms: int | None) -> Refusal | None:
        late = valid_until_ms is not None and self.now_ms > valid_until_ms
        return Refusal("expired", "too late", 422) if late else None

    def _final(self, cid: str) -> Refusal | None:
        if cid not in self.orders:
            return Refusal("order_not_found", "never seen", 404)
        return Refusal("order_not_open", "done", 409) if self.orders[cid].status.final else None

    def _cancel(self, cid: str) -> Order:
        return self._set(cid, status=OrderStatus.CANCELLED)

    def _amend(self, cid: str, price: Decimal, size: Decimal) -> Order:
        done = size <= self.orders[cid].filled
        return self._set(cid, price=price, size=size, status=OrderStatus.FILLED if done else OrderStatus.OPEN)

    def _place(self, new: NewOrder) -> Order:
        if new.client_order_id not in self.orders:  # else a duplicate: the order that has the id is the answer
            self.orders[new.client_order_id] = Order(
                f"o-{new.client_order_id}", new.client_order_id, MARKET, new.side, OrderType.LIMIT, new.price,
                new.size, Decimal(0), OrderStatus.OPEN, True, False, self.now_ms, self.now_ms,
            )  # fmt: skip
        return self.orders[new.client_order_id]

    def _set(self, cid: str, **changes: object) -> Order:
        self.orders[cid] = replace(self.orders[cid], updated_ms=self.now_ms, **changes)  # type: ignore[arg-type]
        return self.orders[cid]

    def fill(self, cid: str, size: Decimal) -> None:
        order = self.orders[cid]
        size = min(size, order.remaining)
        if order.status.final or not size:
            return
        price = order.price or Decimal(1)
        self.fills.append(
            Fill(
                f"f{len(self.fills)}", order.order_id, cid, MARKET, order.side, price, size, Decimal(0),
                Liquidity.MAKER, self.now_ms,
            )
        )  # fmt: skip
        filled = order.filled + size
        self._set(cid, filled=filled, status=OrderStatus.FILLED if filled == order.size else OrderStatus.OPEN)

    def order(self, client_order_id: str) -> Order | None:
        return self.orders.get(client_order_id)

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        size = sum((f.signed_size for f in self.fills), Decimal(0))
        account = Account("main", Decimal(1), Decimal(1), Decimal(0), Decimal(1))
        return Snapshot(
            VenueTime(self.now_ms), account, (Position(MARKET, size, abs(size), Decimal(1), Decimal(0)),),
            tuple(o for o in self.orders.values() if not o.status.final),
            tuple(self.fills[int(cursors.fills or 0) :]), (), (), Cursors(str(len(self.fills)), "0"),
        )  # fmt: skip


SIZES = st.integers(1, 5).map(Decimal)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), SIZES, st.sampled_from(FATES)),
        st.tuples(st.just("amend"), SIZES, st.sampled_from(FATES)),
        st.tuples(st.just("cancel"), SIZES, st.sampled_from(FATES)),
        st.tuples(st.just("fill"), SIZES, st.just("")),
        st.tuples(st.just("look"), SIZES, st.just("")),
        st.tuples(st.just("arrive"), SIZES, st.just("")),
        st.tuples(st.just("wait"), SIZES, st.just("")),
        st.tuples(st.just("forget"), SIZES, st.just("")),
    ),
    min_size=6,
    max_size=25,
)


@dataclass
class Story:
    """The real journal and sender around the model."""

    venue: ModelVenue
    journal: Journal
    run_id: str

    def look(self) -> None:
        observe(self.venue, self.journal, [MARKET], [self.run_id])  # type: ignore[arg-type]

    def forget(self) -> None:
        """The venue drops the records of all that is done; their fills are still told. We cancel what we miss."""
        self.venue.orders = {cid: o for cid, o in self.venue.orders.items() if not o.status.final}
        self.look()
        missing = tuple(o.client_order_id for o in self.live(OwnStatus.MISSING))
        sent = self.journal.commit_intents(lambda live, number: Intents(cancel=missing), time_ms=self.venue.now_ms)
        self.venue.fate = "answered"
        Sender(self.venue, self.journal).send(sent, self.venue.now_ms)  # type: ignore[arg-type]  # a venue of its own

    def live(self, *wanted: OwnStatus) -> list[OwnOrder]:
        return [o for o in self.journal.live_orders() if not wanted or o.status in wanted]

    def step(self, action: str, size: Decimal, fate: str) -> None:
        venue = self.venue
        venue.now_ms += 100
        venue.fate = fate
        if action == "look":
            self.look()
        elif action == "arrive":
            venue.arrive()
        elif action == "wait":
            venue.now_ms += LIFE_MS // 2
        elif action == "forget":
            self.forget()
        elif action == "fill":
            for cid in venue.orders:
                venue.fill(cid, size)
        else:
            self.act(action, size)

    def act(self, action: str, size: Decimal) -> None:
        until_ms = self.venue.now_ms + LIFE_MS
        changeable = [o for o in self.live(OwnStatus.OPEN) if o.amend_size is None]  # as reconcile allows
        intents = Intents()
        if action == "amend":
            intents = Intents(
                amend=tuple(
                    replace(o, amend_price=o.price + 1, amend_size=o.filled + size, valid_until_ms=until_ms)
                    for o in changeable[:1]
                )
            )
        elif action == "cancel":
            intents = Intents(cancel=tuple(o.client_order_id for o in changeable[:1]))

        def decide(_: tuple[OwnOrder, ...], number: int) -> Intents:
            if action != "place":
                return intents
            new = OwnOrder(
                f"n-{number}", self.run_id, MARKET, f"s{number}", Side.LONG, Decimal(100), size, Decimal(0),
                OwnStatus.SENDING, False, self.venue.now_ms, self.venue.now_ms, until_ms,
            )  # fmt: skip
            return Intents(place=(new,))

        sent = self.journal.commit_intents(decide, time_ms=self.venue.now_ms)
        Sender(self.venue, self.journal).send(sent, self.venue.now_ms)  # type: ignore[arg-type]  # a venue of its own

    def check_nothing_is_understated(self) -> None:
        """What rests at the venue is live in the journal, and counts for at least what it can still fill."""
        for cid, truth in self.venue.orders.items():
            mine = self.journal.order(cid)
            assert mine is not None
            if not truth.status.final:
                assert mine.status.live, f"{truth} is believed {mine.status}"
                assert mine.filled + mine.remaining >= truth.size, f"{truth} counts as {mine}"

    def check_truth(self) -> None:
        for cid, truth in self.venue.orders.items():
            mine = self.journal.order(cid)
            assert mine is not None
            assert (mine.status.value, mine.filled) == (truth.status.value, truth.filled)
            assert mine.amend_size is None
            assert truth.status.final or (mine.price, mine.size) == (truth.price, truth.size)
        known = set(self.venue.orders)
        assert all(o.client_order_id in known for o in self.live()), "an order lives that the venue never had"
        assert [i.fill for i in self.journal.fills(run_id=self.run_id)] == self.venue.fills


@examples(20, 60)
@given(steps=STEPS)
@example([("place", Decimal(1), "delayed"), ("look", Decimal(1), ""), ("arrive", Decimal(1), "")])
@example(
    [
        ("place", Decimal(1), "answered"),
        ("amend", Decimal(5), "delayed"),
        ("look", Decimal(1), ""),
        ("arrive", Decimal(1), ""),
    ]
)
@example(  # amended to what it had just filled: it is done, and is forgotten before its fill has been seen
    [
        ("place", Decimal(2), "answered"),
        ("look", Decimal(1), ""),
        ("fill", Decimal(1), ""),
        ("amend", Decimal(1), "answered"),
        ("forget", Decimal(1), ""),
    ]
)
@example(  # cancelled when a part of it had just filled
    [
        ("place", Decimal(2), "answered"),
        ("look", Decimal(1), ""),
        ("fill", Decimal(1), ""),
        ("cancel", Decimal(1), "answered"),
        ("forget", Decimal(1), ""),
    ]
)
def test_nothing_that_could_fill_is_ever_understated_and_all_is_settled_in_the_end(
    steps: list[tuple[str, Decimal, str]],
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal.open(Path(folder) / "j.sqlite3", venue="model", account="main", nonce="n") as journal,
    ):
        run = journal.start_run("grid", MARKET, {}, time_ms=T0, wall_ms=T0, pid=1)
        story = Story(ModelVenue(), journal, run.run_id)
        for step in steps:
            story.step(*step)
            story.check_nothing_is_understated()
        story.venue.now_ms += LIFE_MS + CLOCK_SKEW_MS + 1
        story.venue.arrive()
        for _ in range(2):  # the second look sees the fills of orders that the first one asked for
            story.look()
            story.check_nothing_is_understated()
        story.check_truth()
