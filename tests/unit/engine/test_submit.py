"""What becomes of an intent for each thing a venue can answer, or not answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pfmm.engine.submit import CLOSE_SLOT, Sender, intents_of
from pfmm.errors import AuthenticationError, OutcomeUnknown, PfmmError, RateLimited, VenueUnreachable
from pfmm.journal.journal import Journal
from pfmm.model.account import VenueTime
from pfmm.model.order import BatchAnswer, Order, OrderStatus, Refusal, Side, TimeInForce
from pfmm.model.plan import Amendment, DesiredOrder, OwnStatus, Plan
from pfmm.model.run import Intents
from tests.unit.scripted_venue import T0, D, ScriptedVenue, begin, commit, open_journal, order, own

S, O = OwnStatus, OrderStatus  # noqa: E741 - two tables of states, beside each other


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path) as opened:
        begin(opened)
        yield opened


def no(code: str, status: int = 422) -> Refusal:
    return Refusal(code, "no", status)


@pytest.mark.parametrize(
    ("answer", "status", "note"),
    [
        (order(), S.OPEN, "placed"),
        (order(status=O.FILLED, filled=D(2)), S.MISSING, "placed"),  # its fills come with the next snapshot
        (order(status=O.CANCELLED), S.CANCELLED, "placed"),
        (no("post_only_would_cross"), S.REJECTED, "refused"),
        (no("not_sent", 0), S.REJECTED, "refused"),
        (no("outcome_unknown", 0), S.UNKNOWN, "unknown"),
        (OutcomeUnknown("silence"), S.UNKNOWN, "unknown"),
        (VenueUnreachable("never left"), S.REJECTED, "warning"),
        (RateLimited("slow down", retry_after_s=1), S.REJECTED, "warning"),
    ],
)
def test_a_placement(journal: Journal, answer: Order | Refusal | PfmmError, status: OwnStatus, note: str) -> None:
    commit(journal, own())
    venue = ScriptedVenue(answers=[answer if isinstance(answer, PfmmError) else BatchAnswer(place=(answer,))])
    notes = Sender(venue, journal).send(Intents(place=(own(),)), T0)
    mine = journal.order("n-1")
    assert mine is not None
    assert (mine.status, [n.name for n in notes], len(venue.sent)) == (status, [note], 1)
    assert notes[0].post_only_refused == (isinstance(answer, Refusal) and answer.code == "post_only_would_cross")


@pytest.mark.parametrize(
    ("answer", "price", "pending", "status"),
    [
        (order(price=D(99), size=D(3)), D(99), None, S.OPEN),
        (
            order(price=D(99), size=D(3), status=O.FILLED, filled=D(3)),
            D(100),
            None,
            S.MISSING,
        ),  # acknowledged; its fills are waited for
        (no("post_only_would_cross"), D(100), None, S.OPEN),
        (no("order_not_open", 409), D(100), None, S.MISSING),  # filled between snapshot and amend: fills will tell
        (no("order_not_found", 404), D(100), None, S.MISSING),
        (no("outcome_unknown", 0), D(100), D(3), S.OPEN),
        (OutcomeUnknown("silence"), D(100), D(3), S.OPEN),
        (VenueUnreachable("never left"), D(100), None, S.OPEN),
    ],
)
def test_an_amendment(
    journal: Journal, answer: Order | Refusal | PfmmError, price: D, pending: D | None, status: OwnStatus
) -> None:
    commit(journal, own(status=S.OPEN))
    asked = own(status=S.OPEN, amend_price=D(99), amend_size=D(3))
    journal.commit_intents(lambda live, number: Intents(amend=(asked,)), time_ms=T0)
    venue = ScriptedVenue(answers=[answer if isinstance(answer, PfmmError) else BatchAnswer(amend=(answer,))])
    Sender(venue, journal).send(Intents(amend=(asked,)), T0)
    mine = journal.order("n-1")
    assert mine is not None
    assert (mine.price, mine.amend_size, mine.status) == (price, pending, status)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (order(status=O.CANCELLED), S.CANCELLED),
        (order(status=O.CANCELLED, filled=D(1)), S.MISSING),  # 1 was filled first: seen in the next snapshot
        (no("order_not_open", 409), S.OPEN),  # believed open until a snapshot says otherwise
        (no("outcome_unknown", 0), S.OPEN),
        (OutcomeUnknown("silence"), S.OPEN),
    ],
)
def test_a_cancel(journal: Journal, answer: Order | Refusal | PfmmError, status: OwnStatus) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(answers=[answer if isinstance(answer, PfmmError) else BatchAnswer(cancel=(answer,))])
    Sender(venue, journal).send(Intents(cancel=("n-1",)), T0)
    mine = journal.order("n-1")
    assert mine is not None
    assert mine.status is status


def test_any_other_error_is_raised_with_the_orders_unknown(journal: Journal) -> None:
    commit(journal, own())
    with pytest.raises(AuthenticationError):
        Sender(ScriptedVenue(answers=[AuthenticationError("no")]), journal).send(Intents(place=(own(),)), T0)
    assert [o.status for o in journal.live_orders()] == [S.UNKNOWN]


def test_nothing_leaves_when_there_is_nothing_to_do(journal: Journal) -> None:
    venue = ScriptedVenue()
    assert Sender(venue, journal).send(Intents(), T0) == ()
    assert venue.sent == []


def test_the_newest_acknowledged_change_is_remembered(journal: Journal) -> None:
    commit(journal, own(1), own(2))
    later = BatchAnswer(place=(order(1, updated_ms=T0 + 70), order(2, updated_ms=T0 + 50)))
    sender = Sender(ScriptedVenue(answers=[later, OutcomeUnknown("silence")]), journal)
    sender.send(Intents(place=(own(1), own(2))), T0)
    assert sender.acknowledged_ms == T0 + 70
    sender.send(Intents(cancel=("n-1",)), T0)
    assert sender.acknowledged_ms == T0 + 70


@pytest.mark.parametrize(("speed", "life_ms"), [(1.0, 5_000), (0.0, 5_000), (60.0, 300_000)])
def test_intents_number_their_orders_and_expire(speed: float, life_ms: int) -> None:
    want = DesiredOrder("bid", Side.LONG, D(100), D(2))
    close = DesiredOrder(CLOSE_SLOT, Side.SHORT, D(99), D(1), reduce_only=True, post_only=False)
    intents = intents_of(
        Plan(place=(want,), cancel=(own(9),)), run_id="n-r1", market="BTC-PERP", first_number=5, nonce="n",
        time=VenueTime(T0, speed), beside=(close,),
    )  # fmt: skip
    assert [(o.client_order_id, o.slot, o.status) for o in intents.place] == [
        ("n-5", "bid", S.SENDING),
        ("n-6", CLOSE_SLOT, S.SENDING),
    ]
    assert {o.valid_until_ms for o in intents.place} == {T0 + life_ms}
    assert intents.cancel == ("n-9",)


def test_what_rests_is_post_only_and_what_closes_is_immediate(journal: Journal) -> None:
    closing = replace(own(2), slot=CLOSE_SLOT, side=Side.SHORT, reduce_only=True)
    commit(journal, own(1), closing)
    venue = ScriptedVenue(answers=[BatchAnswer(place=(no("x"), no("x")))])
    Sender(venue, journal).send(Intents(place=(own(1), closing)), T0)
    rest, close = venue.sent[0].place
    assert (rest.post_only, rest.reduce_only, rest.time_in_force) == (True, False, TimeInForce.GTC)
    assert (close.post_only, close.reduce_only, close.time_in_force) == (False, True, TimeInForce.IOC)


@pytest.mark.parametrize(
    ("answer", "old", "new", "note"),
    [
        (order("n-2", price=D(99), size=D(1)), S.MISSING, S.OPEN, "amended"),  # what filled of it is still to be told
        (no("order_not_open"), S.MISSING, S.REJECTED, "refused"),
        (no("replacement_refused"), S.MISSING, S.REJECTED, "refused"),  # the old one is gone, and no new one stands
        (no("below_minimum"), S.OPEN, S.REJECTED, "refused"),
        (no("not_sent", 0), S.OPEN, S.REJECTED, "refused"),
        (no("outcome_unknown", 0), S.OPEN, S.UNKNOWN, "unknown"),
        (OutcomeUnknown("silence"), S.OPEN, S.UNKNOWN, "unknown"),
        (VenueUnreachable("never left"), S.OPEN, S.REJECTED, "warning"),
    ],
)
def test_a_replacement(
    journal: Journal, answer: Order | Refusal | PfmmError, old: OwnStatus, new: OwnStatus, note: str
) -> None:
    """The new order is an intent of its own beside the old record, and both count until the venue has answered."""
    resting = own(status=S.OPEN)
    commit(journal, resting)
    wanted = DesiredOrder("bid", Side.LONG, D(99), D(1))
    plan = Plan(amend=(Amendment(resting, wanted, D(1)),))
    intents = intents_of(
        plan,
        run_id="r",
        market=resting.market,
        first_number=2,
        nonce="n",
        time=VenueTime(T0),
        beside=(),
        replaces=True,
    )
    intents = replace(intents, place=tuple(replace(one, run_id=resting.run_id) for one in intents.place))
    journal.commit_intents(lambda live, number: intents, time_ms=T0)
    assert {one.client_order_id for one in journal.live_orders()} == {"n-1", "n-2"}
    venue = ScriptedVenue(answers=[answer if isinstance(answer, PfmmError) else BatchAnswer(amend=(answer,))])
    notes = Sender(venue, journal).send(intents, T0)
    (sent,) = venue.sent
    assert (sent.place, sent.amend[0].client_order_id) == ((), "n-1")
    assert sent.amend[0].replacement is not None
    assert (sent.amend[0].replacement.client_order_id, sent.amend[0].replacement.size) == ("n-2", D(1))
    found = [journal.order(one) for one in ("n-1", "n-2")]
    assert [one.status for one in found if one is not None] == [old, new]
    assert [one.name for one in notes] == [note]
