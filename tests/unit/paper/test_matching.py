"""The matching rule, case by case: each way to fill, the queue ahead, reduce-only, takers and amends."""

from __future__ import annotations

import json

import pytest

from pfmm.paper.feeds.feed import QUOTE, TRADE, Quote, QuoteEvent, TradeEvent
from pfmm.paper.matching import Execution, MarketBook, QueueModel, Reduction, Resting

NOW = Quote(0, 100, 7, 102, 9)  # best bid 100 shows 7, best ask 102 shows 9
BUY, SELL = 1, -1


def quote(bid: int, bid_size: int, ask: int, ask_size: int, time_ms: int = 1) -> QuoteEvent:
    return QuoteEvent(time_ms, QUOTE, bid, bid_size, ask, ask_size)


def trade(price: int, size: int, aggressor: int, time_ms: int = 1) -> TradeEvent:
    return TradeEvent(time_ms, TRADE, price, size, aggressor)


def book_with(*orders: Resting, position: int = 0, queue: QueueModel = "pessimistic") -> MarketBook:
    book = MarketBook(position=position, queue=queue)
    for order in orders:
        book.join(order, NOW)
    return book


def fills(book: MarketBook, *events: QuoteEvent | TradeEvent) -> list[tuple[int, int]]:
    """(order, size) of every execution."""
    done = [outcome for event in events for outcome in book.on_event(event)]
    return [(outcome.number, outcome.size) for outcome in done if isinstance(outcome, Execution)]


@pytest.mark.parametrize(
    ("order", "events", "expected"),
    [
        # (a) the opposite best reaches the price: up to the size displayed there
        (Resting(1, BUY, 100, 5), [quote(98, 1, 100, 3)], [(1, 3)]),
        (Resting(1, BUY, 100, 5), [quote(98, 1, 99, 9)], [(1, 5)]),
        (Resting(1, SELL, 102, 5), [quote(102, 3, 103, 1)], [(1, 3)]),
        (Resting(1, SELL, 102, 5), [quote(104, 9, 105, 1)], [(1, 5)]),
        # each displayed size is taken once; a change of price or size is a new display
        (Resting(1, BUY, 100, 9), [quote(98, 1, 100, 3), quote(97, 1, 100, 3)], [(1, 3)]),
        (Resting(1, BUY, 100, 9), [quote(98, 1, 100, 3), quote(98, 1, 100, 4)], [(1, 3), (1, 4)]),
        (Resting(1, BUY, 100, 9), [quote(98, 1, 100, 3), quote(98, 1, 99, 3)], [(1, 3), (1, 3)]),
        # (b) a print through the price, up to its volume, the queue does not matter
        (Resting(1, BUY, 100, 5), [trade(99, 2, SELL)], [(1, 2)]),
        (Resting(1, SELL, 102, 5), [trade(103, 8, BUY)], [(1, 5)]),
        # (c) at the price: 7 displayed on the bid and 9 on the ask trade first
        (Resting(1, BUY, 100, 5), [trade(100, 7, SELL)], []),
        (Resting(1, BUY, 100, 5), [trade(100, 7, SELL), trade(100, 2, SELL)], [(1, 2)]),
        (Resting(1, BUY, 100, 5), [trade(100, 10, SELL)], [(1, 3)]),
        (Resting(1, SELL, 102, 5), [trade(102, 11, BUY)], [(1, 2)]),
        # a print by the other aggressor at the price is the other side's business
        (Resting(1, BUY, 100, 5), [trade(100, 50, BUY)], []),
        # a better price than the best has nobody ahead
        (Resting(1, BUY, 101, 5), [trade(101, 2, SELL)], [(1, 2)]),
        # deeper than the display: unknown until it is the visible best (4), then 4 go first
        (Resting(1, BUY, 98, 5), [trade(98, 50, SELL)], []),
        (Resting(1, BUY, 98, 5), [quote(98, 4, 99, 1), trade(98, 6, SELL)], [(1, 2)]),
        # the queue is never longer than what is displayed: 7 were ahead, 1 is displayed now, so 1 trades first
        (Resting(1, BUY, 100, 5), [quote(100, 1, 102, 9), trade(100, 3, SELL)], [(1, 2)]),
        (Resting(1, SELL, 102, 5), [quote(100, 1, 102, 2), trade(102, 3, BUY)], [(1, 1)]),
        # more displayed again came behind: still 1 ahead; and nobody is ahead where the best is worse than our price
        (Resting(1, BUY, 100, 5), [quote(100, 1, 102, 9), quote(100, 9, 102, 9), trade(100, 3, SELL)], [(1, 2)]),
        (Resting(1, BUY, 100, 5), [quote(99, 8, 102, 9), trade(100, 3, SELL)], [(1, 3)]),
        # bad data: crossed quotes change nothing; an absent side matches nothing on it
        (Resting(1, BUY, 100, 5), [quote(101, 1, 100, 3)], []),
        (Resting(1, BUY, 100, 5), [quote(100, 1, 100, 3)], []),
        (Resting(1, BUY, 100, 5), [quote(98, 1, 0, 0), quote(0, 0, 0, 0)], []),
        (Resting(1, SELL, 102, 5), [quote(0, 0, 103, 1)], []),
        (Resting(1, SELL, 102, 5), [quote(102, 3, 0, 0)], [(1, 3)]),
        # a single size step is a size, and a single tick a price: the quote of 2 and 1 is crossed
        (Resting(1, BUY, 100, 5), [quote(98, 1, 100, 1)], [(1, 1)]),
        (Resting(1, BUY, 100, 5), [trade(99, 1, SELL)], [(1, 1)]),
        (Resting(1, BUY, 100, 1), [trade(99, 5, SELL)], [(1, 1)]),
        (Resting(1, BUY, 5, 5), [quote(2, 1, 1, 3)], []),
    ],
)
def test_when_a_resting_order_fills(
    order: Resting, events: list[QuoteEvent | TradeEvent], expected: list[tuple[int, int]]
) -> None:
    assert fills(book_with(order), *events) == expected


def test_a_fill_is_at_the_order_s_own_price() -> None:
    assert book_with(Resting(1, BUY, 100, 5)).on_event(trade(95, 2, SELL, 33)) == [Execution(33, 1, BUY, 100, 2)]


def test_optimistic_has_nobody_ahead() -> None:
    assert fills(book_with(Resting(1, BUY, 98, 5), queue="optimistic"), trade(98, 2, SELL)) == [(1, 2)]


def test_one_print_goes_to_the_better_price_then_to_the_earlier_order() -> None:
    book = book_with(Resting(1, BUY, 101, 4), Resting(2, BUY, 101, 4), Resting(3, BUY, 100, 4))
    # 20 sold down to 100: 4 + 4 at 101, then 7 ahead at 100, then 4 to order 3: 19 of 20
    assert fills(book, trade(100, 20, SELL)) == [(1, 4), (2, 4), (3, 4)]


def test_the_volume_of_a_print_is_the_most_that_it_gives() -> None:
    book = book_with(Resting(1, BUY, 101, 4), Resting(2, BUY, 100, 4))
    assert fills(book, trade(99, 6, SELL)) == [(1, 4), (2, 2)]


def test_a_later_order_never_overtakes_an_earlier_one() -> None:
    book = book_with(Resting(1, BUY, 100, 5))  # 7 ahead
    book.join(Resting(2, BUY, 100, 5), Quote(0, 100, 2, 102, 9))  # only 2 displayed now
    assert fills(book, trade(100, 6, SELL)) == []
    assert fills(book, trade(100, 3, SELL)) == [(1, 2)]  # 1 more ahead, then 2 to the first order
    assert fills(book, trade(100, 9, SELL)) == [(1, 3), (2, 5)]  # 3 + 5 of 9


@pytest.mark.parametrize(
    ("price", "levels", "ahead"),
    [
        (101, [], 0),
        (100, [(100, 7), (98, 4)], 7),
        (99, [(100, 7), (98, 4)], 0),
        (98, [(100, 7), (98, 4)], 4),
        (97, [(100, 7), (98, 4)], None),
        (98, [], None),
    ],
)
def test_the_queue_ahead_when_joining(price: int, levels: list[tuple[int, int]], ahead: int | None) -> None:
    book = MarketBook()
    order = Resting(1, BUY, price, 5)
    book.join(order, NOW, levels)
    assert order.queue_ahead == ahead


@pytest.mark.parametrize(
    ("side", "now", "ahead"),
    [
        (BUY, Quote(0, 0, 0, 102, 9), 0),  # nobody bids: nobody is ahead
        (SELL, Quote(0, 100, 7, 0, 0), 0),
        (SELL, Quote(0, 90, 7, 95, 3), None),  # behind the best offer, and no depth to see
        (SELL, Quote(0, 90, 7, 99, 3), 3),
        (SELL, Quote(0, 90, 7, 100, 3), 0),  # better than the best
    ],
)
def test_the_queue_ahead_is_that_of_the_order_s_own_side(side: int, now: Quote, ahead: int | None) -> None:
    order = Resting(1, side, 99, 5)
    MarketBook().join(order, now)
    assert order.queue_ahead == ahead


def test_a_queue_that_becomes_known_is_known_to_the_earlier_orders_at_that_price_alone() -> None:
    book = book_with(Resting(1, BUY, 98, 5), Resting(2, BUY, 97, 5), Resting(3, BUY, 100, 5))
    book.join(Resting(4, BUY, 98, 5), NOW, [(100, 7), (98, 4), (97, 6)])
    # 7 are displayed at 100; the 4 at 98 are ahead of order 1 as of order 4; of 97 nothing was asked
    assert {order.number: order.queue_ahead for order in book.orders()} == {3: 7, 1: 4, 4: 4, 2: None}
    book.join(Resting(5, BUY, 98, 5), NOW, [(100, 7), (98, 9)])
    assert {order.number: order.queue_ahead for order in book.orders()} == {3: 7, 1: 4, 4: 4, 5: 9, 2: None}
    book.join(Resting(6, BUY, 97, 5), NOW)
    assert [order.queue_ahead for order in book.orders()] == [7, 4, 4, 9, None, None]


def test_an_empty_book_watches_for_nothing() -> None:
    book = MarketBook()
    assert (book.best_bid, book.best_ask, book.position) == (0, 0, 0)
    assert list(book.on_event(quote(1, 1, 2, 1))) == list(book.on_event(trade(1, 1, SELL))) == []
    assert not book.worth_keeping


def test_what_a_taker_took_is_worth_keeping_and_a_display_of_nothing_is_not() -> None:
    book = MarketBook()
    book.take(1, BUY, 2, [(102, 9)], limit=0, time_ms=0)
    assert book.worth_keeping
    book = book_with(Resting(1, BUY, 100, 5))
    fills(book, quote(98, 1, 100, 0))
    assert book.dump()["1"]["taken"] == []


def test_a_display_that_changed_while_a_deeper_order_rests_can_be_taken_afresh() -> None:
    book = book_with(Resting(1, BUY, 100, 5), Resting(2, BUY, 98, 5))
    assert book.take(3, BUY, 9, [(102, 9)], limit=0, time_ms=0)
    fills(book, quote(100, 7, 102, 4), quote(100, 7, 102, 9))
    assert book.take(4, BUY, 9, [(102, 9)], limit=0, time_ms=1) == [Execution(1, 4, BUY, 102, 9)]


def test_a_reduce_only_order_as_large_as_the_position_is_not_cut() -> None:
    book = book_with(Resting(1, SELL, 103, 2), Resting(2, SELL, 110, 3, True), position=5)
    assert list(book.on_event(trade(104, 2, BUY))) == [Execution(1, 1, SELL, 103, 2)]  # 3 are left to sell


def test_the_watch_is_our_own_best_prices() -> None:
    book = book_with(Resting(1, BUY, 99, 1), Resting(2, BUY, 100, 1), Resting(3, SELL, 103, 1))
    assert (book.best_bid, book.best_ask) == (100, 103)
    fills(book, trade(98, 1, SELL))
    assert (book.best_bid, book.best_ask) == (99, 103)
    book.remove(3)
    assert (book.best_bid, book.best_ask) == (99, 0)


def test_reduce_only_never_flips_and_is_cut_to_the_position() -> None:
    book = book_with(Resting(1, SELL, 103, 4, True), Resting(2, SELL, 104, 4, True), position=5)
    # long 5: the print at 105 gives 4 to order 1; order 2 may only sell the last 1 and is then done
    outcomes = list(book.on_event(trade(105, 50, BUY)))
    assert outcomes == [Execution(1, 1, SELL, 103, 4), Execution(1, 2, SELL, 104, 1), Reduction(1, 2, 0)]
    assert (book.position, book.orders()) == (0, [])


def test_a_partial_cut_leaves_the_rest_of_a_reduce_only_order() -> None:
    book = book_with(Resting(1, SELL, 103, 2), Resting(2, SELL, 110, 5, True), position=5)
    assert list(book.on_event(trade(104, 2, BUY))) == [Execution(1, 1, SELL, 103, 2), Reduction(1, 2, 3)]


def test_a_taker_walks_the_levels_once() -> None:
    book = MarketBook()
    levels = [(102, 9), (103, 4), (110, 50)]
    assert book.take(1, BUY, 11, levels, limit=103, time_ms=5) == [
        Execution(5, 1, BUY, 102, 9),
        Execution(5, 1, BUY, 103, 2),
    ]
    assert book.take(2, BUY, 9, levels, limit=103, time_ms=6) == [Execution(6, 2, BUY, 103, 2)]
    changed = [(102, 1), (103, 4)]
    assert book.take(3, BUY, 9, changed, limit=102, time_ms=7) == [Execution(7, 3, BUY, 102, 1)]
    assert book.position == 14


def test_a_reduce_only_taker_never_flips_and_cuts_what_rests() -> None:
    book = book_with(Resting(1, SELL, 110, 5, True), position=5)
    # long 5: of 9 wanted 5 are sold, and the resting order has nothing left to reduce
    assert book.take(2, SELL, 9, [(100, 7)], limit=0, time_ms=5, reduce_only=True) == [
        Execution(5, 2, SELL, 100, 5),
        Reduction(5, 1, 0),
    ]
    assert (book.position, book.orders()) == (0, [])
    assert book.take(3, SELL, 9, [(100, 7)], limit=0, time_ms=6) == [Execution(6, 3, SELL, 100, 2)]  # 2 of 7 are left


def test_what_a_taker_took_cannot_fill_its_resting_remainder() -> None:
    book = MarketBook()
    book.take(1, BUY, 12, [(102, 9)], limit=102, time_ms=0)
    book.join(Resting(1, BUY, 102, 3), NOW)
    assert fills(book, quote(100, 7, 102, 9)) == []
    assert fills(book, quote(100, 7, 102, 10)) == [(1, 3)]


def test_a_display_that_changed_unseen_can_be_taken_afresh() -> None:
    """9 at 102 were taken, then the joining order finds 4 there: the 9 shown later are new ones."""
    book = MarketBook()
    book.take(1, BUY, 9, [(102, 9)], limit=102, time_ms=0)
    book.join(Resting(2, BUY, 102, 3), Quote(1, 100, 7, 102, 4))
    assert fills(book, quote(100, 7, 102, 9)) == [(2, 3)]


def test_cutting_keeps_the_place_and_refuses_to_grow() -> None:
    book = book_with(Resting(1, BUY, 101, 5), Resting(2, BUY, 101, 5))
    book.shrink(1, 5)  # to what it has
    book.shrink(1, 2)
    assert fills(book, trade(101, 4, SELL)) == [(1, 2), (2, 2)]
    book.shrink(2, 1)
    assert fills(book, trade(101, 4, SELL)) == [(2, 1)]
    book.join(Resting(2, BUY, 101, 5), NOW)
    with pytest.raises(ValueError, match="order 2 cannot be cut to 9"):
        book.shrink(2, 9)


def test_a_saved_book_goes_on_where_it_was() -> None:
    book = book_with(Resting(1, BUY, 100, 5), Resting(2, BUY, 98, 5), Resting(3, SELL, 103, 5, True), position=5)
    fills(book, trade(100, 9, SELL), quote(99, 1, 100, 1))
    again = MarketBook.load(json.loads(json.dumps(book.dump())), position=book.position)
    for event in (quote(99, 1, 100, 1), trade(98, 9, SELL), quote(98, 2, 99, 4), trade(104, 9, BUY)):
        assert list(book.on_event(event)) == list(again.on_event(event))
    assert again.dump() == book.dump()


def test_a_taker_finds_nothing_where_nothing_is_displayed() -> None:
    assert MarketBook().take(1, BUY, 5, (), limit=0, time_ms=1) == []


@pytest.mark.parametrize(("number", "remaining"), [(1, 6), (1, 0), (2, 1)])
def test_no_order_is_cut_to_more_or_to_nothing(number: int, remaining: int) -> None:
    with pytest.raises(ValueError, match=f"order {number} cannot be cut to {remaining}"):
        book_with(Resting(1, BUY, 101, 5)).shrink(number, remaining)


def test_a_cleared_book_fills_nothing_and_is_not_worth_keeping() -> None:
    book = book_with(Resting(1, BUY, 101, 5), Resting(2, SELL, 101, 5))
    assert book.worth_keeping
    book.clear()
    assert not book.worth_keeping
    assert (book.orders(), book.best_bid, book.best_ask) == ([], 0, 0)
    assert fills(book, trade(99, 9, SELL), trade(103, 9, BUY)) == []
