"""What must hold for every order and event sequence in the matching core."""

from __future__ import annotations

import json
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from pfmm.paper.feeds.feed import QUOTE, TRADE, Event, Quote, QuoteEvent, TradeEvent
from pfmm.paper.matching import Execution, MarketBook, Outcome, QueueModel, Resting
from tests.examples import examples

NOW = Quote(0, 100, 5, 103, 5)
MIRROR = 203  # price p seen from the other side is 203 - p: bid 100 and ask 103 trade places

sizes = st.integers(1, 9)
prices = st.integers(92, 111)


@st.composite
def quotes(draw: st.DrawFn) -> QuoteEvent:
    bid, spread = draw(prices), draw(st.integers(-1, 4))
    absent = draw(st.sampled_from(["", "", "", "", "bid", "ask"]))
    shown = (0, 0) if absent == "bid" else (bid, draw(sizes))
    other = (0, 0) if absent == "ask" else (bid + spread, draw(sizes))
    return QuoteEvent(0, QUOTE, *shown, *other)


trades = st.builds(TradeEvent, st.just(0), st.just(TRADE), prices, sizes, st.sampled_from([1, -1]))
streams = st.lists(quotes() | trades, min_size=1, max_size=25).map(
    lambda events: [event._replace(time_ms=index) for index, event in enumerate(events, 1)]
)
makers = st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(0, 8), sizes, st.booleans()), min_size=1, max_size=8)
models: st.SearchStrategy[QueueModel] = st.sampled_from(["pessimistic", "optimistic"])
Makers = list[tuple[int, int, int, bool]]


def stock(orders: Makers, queue: QueueModel = "pessimistic", position: int = 0) -> MarketBook:
    """Orders that rest `away` ticks from the middle on their own side: buys at 102 and below, sells at 101 and up."""
    book = MarketBook(position=position, queue=queue)
    for number, (side, away, size, reduce_only) in enumerate(orders):
        price = 102 - away if side > 0 else 101 + away
        book.join(Resting(number, side, price, size, reduce_only), NOW)
    return book


def run(book: MarketBook, events: list[Event]) -> list[Outcome]:
    return [outcome for event in events for outcome in book.on_event(event)]


def matters(book: MarketBook, event: Event) -> bool:
    """The Watch condition; an absent side counts as beyond every price."""
    if isinstance(event, TradeEvent):
        low = high = event.price
    else:
        low, high = event.bid, event.ask or 1 << 60
    return (book.best_bid > 0 and low <= book.best_bid) or 0 < book.best_ask <= high


@examples(50, 100)
@given(makers, streams, models)
def test_events_that_do_not_matter_change_nothing(orders: Makers, events: list[Event], queue: QueueModel) -> None:
    full, lazy = stock(orders, queue), stock(orders, queue)
    for event in events:
        seen = list(full.on_event(event))
        assert seen == (list(lazy.on_event(event)) if matters(lazy, event) else [])
        assert full.dump() == lazy.dump()


@examples(50, 100)
@given(makers, streams, models)
def test_a_print_gives_at_most_its_volume_and_a_display_its_size(
    orders: Makers, events: list[Event], queue: QueueModel
) -> None:
    book = stock(orders, queue)
    for event in events:
        given_out: dict[int, int] = defaultdict(int)
        for outcome in book.on_event(event):
            if isinstance(outcome, Execution):
                given_out[outcome.side] += outcome.size
        if isinstance(event, TradeEvent):
            assert sum(given_out.values()) <= event.size
        else:
            assert given_out[1] <= event.ask_size
            assert given_out[-1] <= event.bid_size


@examples(50, 100)
@given(makers, streams, models)
def test_price_time_priority(orders: Makers, events: list[Event], queue: QueueModel) -> None:
    """Nobody fills while a better price, or an earlier order at the same price, waits on that side."""
    book = stock([(side, away, size, False) for side, away, size, _ in orders], queue)
    for event in events:
        before = {order.number: order for order in book.orders()}
        filled: dict[int, int] = defaultdict(int)
        for outcome in book.on_event(event):
            if isinstance(outcome, Execution):
                filled[outcome.number] += outcome.size
        after = {order.number: order for order in book.orders()}
        for number in filled:
            mine = before[number]
            for other in before.values():
                ahead = (-other.price * other.side, other.number) < (-mine.price * mine.side, mine.number)
                assert not (other.side == mine.side and ahead and other.number in after)


@examples(50, 100)
@given(makers, streams, models)
def test_orders_conserve_their_size_and_fill_at_their_price(
    orders: Makers, events: list[Event], queue: QueueModel
) -> None:
    book = stock([(side, away, size, False) for side, away, size, _ in orders], queue)
    started = {order.number: (order.price, order.remaining) for order in book.orders()}
    filled: dict[int, int] = defaultdict(int)
    net = 0
    for outcome in run(book, events):
        assert isinstance(outcome, Execution)
        assert outcome.price == started[outcome.number][0]
        filled[outcome.number] += outcome.size
        net += outcome.side * outcome.size
    left = {order.number: order.remaining for order in book.orders()}
    assert {number: filled[number] + left.get(number, 0) for number in started} == {
        number: size for number, (_, size) in started.items()
    }
    assert book.position == net


@examples(50, 100)
@given(makers, streams, st.integers(-12, 12))
def test_reduce_only_orders_never_open_or_flip(orders: Makers, events: list[Event], position: int) -> None:
    book = stock(orders, position=position)
    reducing = {number for number, order in enumerate(orders) if order[3]}
    for event in events:
        held = book.position
        for outcome in book.on_event(event):
            if isinstance(outcome, Execution):
                if outcome.number in reducing:
                    assert held * outcome.side < 0
                    assert abs(held) >= outcome.size
                held += outcome.side * outcome.size
        assert held == book.position


@examples(50, 100)
@given(makers, streams)
def test_the_queue_at_the_best_price_is_never_longer_than_what_is_displayed(
    orders: Makers, events: list[Event]
) -> None:
    book = stock(orders)
    for event in events:
        book.on_event(event)
        if isinstance(event, QuoteEvent) and not event.bid >= event.ask > 0:
            shown = {(1, event.bid): event.bid_size, (-1, event.ask): event.ask_size}
            for order in book.orders():
                ahead = order.queue_ahead
                assert ahead is None or ahead <= shown.get((order.side, order.price), ahead)


def mirror(event: Event) -> Event:
    """The same event seen from the other side."""
    if isinstance(event, TradeEvent):
        return event._replace(price=MIRROR - event.price, aggressor=-event.aggressor)
    return event._replace(
        bid=event.ask and MIRROR - event.ask,
        bid_size=event.ask_size,
        ask=event.bid and MIRROR - event.bid,
        ask_size=event.bid_size,
    )


@examples(50, 100)
@given(makers, streams, models)
def test_the_two_sides_are_mirror_images(orders: Makers, events: list[Event], queue: QueueModel) -> None:
    ones = stock([(side, away, size, False) for side, away, size, _ in orders], queue)
    others = stock([(-side, away, size, False) for side, away, size, _ in orders], queue)
    for event in events:
        seen = {(o.number, o.side, o.price, o.size) for o in ones.on_event(event) if isinstance(o, Execution)}
        turned = {
            (o.number, -o.side, MIRROR - o.price, o.size)
            for o in others.on_event(mirror(event))
            if isinstance(o, Execution)
        }
        assert seen == turned
    assert ones.position == -others.position


@examples(50, 100)
@given(makers, streams, st.integers(0, 25))
def test_saving_in_the_middle_changes_nothing(orders: Makers, events: list[Event], cut: int) -> None:
    whole, first = stock(orders, position=3), stock(orders, position=3)
    expected = run(whole, events)
    done = run(first, events[:cut])
    second = MarketBook.load(json.loads(json.dumps(first.dump())), position=first.position)
    assert done + run(second, events[cut:]) == expected


@examples(50, 100)
@given(makers, streams)
def test_the_optimistic_rule_fills_at_least_as_much_of_a_single_order(orders: Makers, events: list[Event]) -> None:
    side, away, size, _ = orders[0]
    totals = []
    for queue in ("pessimistic", "optimistic"):
        book = stock([(side, away, size, False)], queue)
        totals.append(sum(o.size for o in run(book, events) if isinstance(o, Execution)))
    assert totals[0] <= totals[1]
