"""What a flatten keeps of one market, the orders that close it, and what it says at its end, one row each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pfmm.flatten.closing import closing_order
from pfmm.flatten.contract import FlatState, FlattenOrder, MarketProgress, MarketResult, Nobody, Tools
from pfmm.flatten.resting import resting_order, staying, told
from pfmm.flatten.verdict import Seen, verdict
from pfmm.model.account import Account, Cursors, Snapshot, VenueTime
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import NewOrder, Order, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
BTC, ETH = "BTC-PERP", "ETH-PERP"
NOW = VenueTime(1_000)
TICKER = Ticker(BTC, 1_000, D("99.9"), D(1), D("100.1"), D(1), D(100))
INSTRUMENT = Instrument(BTC, "crypto", PriceRule(D("0.1")), D("0.01"), D(10), 20, D(-2), D(5), 8)


def held(size: str, target: str | None = "0", step: str | None = "0.01", **more: Any) -> MarketProgress:
    found = MarketProgress(D(size), D(size), None if target is None else D(target), **more)
    found.step = None if step is None else D(step)
    return found


def answered(size: str = "2", filled: str = "0", **changes: Any) -> Order:
    order = Order(
        order_id="o1", client_order_id="f1", market=BTC, side=Side.SHORT, type=OrderType.LIMIT, price=D("100.1"),
        size=D(size), filled=D(filled), status=OrderStatus.OPEN, post_only=True, reduce_only=True, created_ms=0,
        updated_ms=0,
    )  # fmt: skip
    return replace(order, **changes)


@pytest.mark.parametrize(
    ("size", "target", "step", "excess", "closable", "undividable"),
    [
        ("2", "0", "0.01", "2", True, False),
        ("-2", "0", "0.01", "2", True, False),
        ("0", "0", "0.01", "0", False, False),
        ("0.003", "0", "0.01", "0.003", True, False),  # a whole position goes, whatever its step
        ("2", "1", "0.01", "1", True, False),
        ("-2", "1", "0.01", "1", True, False),
        ("1", "1", "0.01", "0", False, False),
        ("0.5", "1", "0.01", "0", False, False),  # others closed more than half: nothing is left to close, not less
        ("1.01", "1", "0.01", "0.01", True, False),  # one lot
        ("1.009", "1", "0.01", "0.009", False, False),  # less than one
        ("1.009", "1", None, "0.009", True, False),  # no lot known
        ("2", None, "0.01", "1", True, False),  # no target yet: half of what there is
        ("-2", None, None, "1", True, False),
        ("0", None, None, "0", False, False),
        ("0.01", "0.005", "0.01", "0.005", False, True),  # half of it is less than one lot
        ("-0.01", "0.005", "0.01", "0.005", False, True),
        ("0.005", "0.005", "0.01", "0", False, False),  # others closed that half
        ("0.02", "0.01", "0.01", "0.01", True, False),  # half of it is one lot
        ("0.01", "0.005", None, "0.005", True, False),
        ("0.01", None, "0.01", "0.005", False, False),
    ],
)
def test_what_is_left_to_close(
    size: str, target: str | None, step: str | None, excess: str, closable: bool, undividable: bool
) -> None:
    market = held(size, target, step)
    assert (market.excess, market.closable, market.undividable) == (D(excess), closable, undividable)


@pytest.mark.parametrize(
    ("before", "size", "closed", "vanished"),
    [
        ("2", "0", "2", False),  # all of it went by our own orders
        ("2", "0", "1.99", True),
        ("-2", "0", "0", True),
        ("-2", "0", "2", False),
        ("2", "0.5", "0", False),  # not gone
    ],
)
def test_a_position_that_is_gone_without_us_has_vanished(before: str, size: str, closed: str, vanished: bool) -> None:
    assert MarketProgress(D(before), D(size), D(0), closed=D(closed)).vanished is vanished


def test_what_the_answers_say_is_counted() -> None:
    market = held("5", misses=1, refusals=2)
    market.count(answered("2", "0"))
    assert (market.misses, market.refusals, market.closed, market.value) == (2, 0, 0, 0)
    assert market.reason == "only 0 of 2 could be closed inside the slippage cap"
    # 2 at an average of 99.5, then 1 whose average is not told, at its price of 100.1: 199 + 100.1
    market.count(answered("2", "2", avg_fill_price=D("99.5")))
    assert (market.misses, market.closed, market.value, market.reason) == (0, 2, 199, None)
    market.count(answered("2", "1"))
    assert (market.closed, market.value) == (3, D("299.1"))
    assert market.reason == "only 1 of 2 could be closed inside the slippage cap"
    market.count(answered("1", "1", price=None))
    assert (market.closed, market.value, market.reason) == (4, D("299.1"), None)


@pytest.mark.parametrize(
    ("before", "closed", "value", "mid", "average", "slippage"),
    [
        ("2", "2", "199.8", "100", "99.9", "10.00"),  # sold at 99.9 with the mid at 100: 0.1 of 100
        ("-2", "2", "199.8", "100", "99.9", "-10.00"),  # bought there: better than the mid
        ("-2", "2", "400.4", "200", "200.2", "10.00"),  # 0.2 of 200
        ("0.5", "0.5", "49.95", "100", "99.9", "10.00"),
        ("3", "3", "299.9", "100", "99.96666666666666666666666667", "3.33"),
        ("2", "2", "199.8", None, "99.9", None),
        ("2", "0", "0", "100", None, None),
    ],
)
def test_what_is_reported_of_a_market(
    before: str, closed: str, value: str, mid: str | None, average: str | None, slippage: str | None
) -> None:
    market = MarketProgress(
        D(before), D("0.5"), D(0), mid and D(mid), attempts=3, closed=D(closed), value=D(value), reason="why"  # type: ignore[arg-type]
    )  # fmt: skip
    wanted = MarketResult(
        BTC, D(before), D("0.5"), D(closed), average and D(average), slippage and D(slippage), 3, "why"  # type: ignore[arg-type]
    )  # fmt: skip
    assert market.result(BTC, known=True, left=True) == wanted
    assert market.result(BTC, known=False, left=False) == replace(wanted, after=None, reason=None)


def test_a_market_begins_with_nothing_done_and_a_flatten_with_its_defaults() -> None:
    market = MarketProgress(D(1), D(1), D(0))
    assert (market.attempts, market.misses, market.refusals, market.not_before_ms) == (0, 0, 0, 0)
    assert (market.closed, market.value, market.tried_s, market.rested_s, market.post_only) == (0, 0, 0, 0, False)
    order = FlattenOrder(None)
    assert (order.half, order.cancel_only, order.max_slippage_bps) == (False, False, 50)
    assert (order.timeout_s, order.proofs, order.between_proofs_s) == (30, 1, 3)
    assert Nobody().silent_from_ms(NOW) == 0
    assert tuple(Tools(lambda: 0.0, lambda _: None, lambda: "f").known()) == ()


def closing(market: MarketProgress, ticker: Ticker | None = TICKER, bps: str = "50", **rule: Any) -> NewOrder | None:
    return closing_order(
        market,
        ticker,
        replace(INSTRUMENT, **rule) if rule else INSTRUMENT,
        NOW,
        max_slippage_bps=D(bps),
        client_order_id=lambda: "f1",
    )


@pytest.mark.parametrize(
    ("size", "target", "side", "closed", "price"),
    [
        ("2", "0", Side.SHORT, "2", "99.5"),  # 99.9 x 0.995 = 99.4005, up
        ("-2", "0", Side.LONG, "2", "100.6"),  # 100.1 x 1.005 = 100.6005, down
        ("0.003", "0", Side.SHORT, "0.003", "99.5"),  # the whole, whatever the lot
        ("0.05", "0.025", Side.SHORT, "0.02", "99.5"),  # of a half whole lots: 0.025 down
    ],
)
def test_a_closing_order_is_reduce_only_and_immediate_inside_the_cap(
    size: str, target: str, side: Side, closed: str, price: str
) -> None:
    assert closing(held(size, target)) == NewOrder(
        "f1",
        BTC,
        side,
        D(closed),
        D(price),
        post_only=False,
        reduce_only=True,
        time_in_force=TimeInForce.IOC,
        valid_until_ms=6_000,
    )


def test_a_closing_order_waits_with_a_reason_where_it_has_no_price() -> None:
    for size, ticker, reason in (
        ("1", None, "the venue shows no bid to close at"),
        ("-1", None, "the venue shows no ask to close at"),
        ("1", replace(TICKER, bid=None), "the venue shows no bid to close at"),
        ("-1", replace(TICKER, ask=None), "the venue shows no ask to close at"),
    ):
        market = held(size)
        assert closing(market, ticker) is None
        assert market.reason == reason
    market = held("1")
    assert closing_order(market, TICKER, None, NOW, max_slippage_bps=D(50), client_order_id=lambda: "f1") is None
    assert market.reason == "the venue shows no price rule"
    # a price from which nothing is left: 100 % and more below the touch, and no step to round it to
    market = held("1")
    assert closing(market, bps="10000") is None
    assert market.reason == "price must be positive and finite, not 0.0"
    market = held("0.01", "0.005")
    assert closing(market) is None  # less than a lot: nothing to send, and nothing to say
    assert market.reason is None


@pytest.mark.parametrize(
    ("changes", "shown", "ticker", "stays"),
    [
        ({}, {}, TICKER, True),  # sells 2 at 100.1, the best ask
        ({}, {"client_order_id": "else"}, TICKER, False),  # not ours
        ({"rest_id": None}, {"client_order_id": None}, TICKER, False),  # we rest none
        ({"post_only": False}, {}, TICKER, False),  # the period is over
        ({}, {"price": None}, TICKER, False),
        ({}, {"size": D("2.01")}, TICKER, False),  # more than is left
        ({}, {"size": D("1.5")}, TICKER, True),
        ({}, {"size": D(3), "filled": D(1)}, TICKER, True),  # 2 of 3 are left
        ({}, {"side": Side.LONG}, TICKER, False),
        ({}, {"price": D("100.2")}, TICKER, False),  # behind the best ask
        ({}, {"price": D("100.0")}, TICKER, True),  # before it
        ({}, {}, None, True),  # no price known: it stays where it is
        ({}, {}, replace(TICKER, ask=None), True),
        ({"size": D(-2)}, {"side": Side.LONG, "price": D("99.9")}, TICKER, True),
        ({"size": D(-2)}, {"side": Side.LONG, "price": D("99.8")}, TICKER, False),
        ({"size": D(-2)}, {"side": Side.LONG, "price": D("99.95")}, TICKER, True),
    ],
)
def test_which_closing_order_goes_on_resting(
    changes: dict[str, Any], shown: dict[str, Any], ticker: Ticker | None, stays: bool
) -> None:
    market = held("2", post_only=True, rest_id="f1")
    for name, value in changes.items():
        setattr(market, name, value)
    order = answered(**shown)
    others = [answered(order_id="o2", client_order_id="other"), order]
    assert staying(market, others, ticker) == (order if stays else None)


@pytest.mark.parametrize(
    ("size", "side", "price"),
    [("2", Side.SHORT, "100.1"), ("0.5", Side.SHORT, "100.1"), ("-2", Side.LONG, "99.9")],
)
def test_the_order_that_rests_is_at_the_best_price_of_its_side(size: str, side: Side, price: str) -> None:
    def made(market: MarketProgress, ticker: Ticker | None, instrument: Instrument | None) -> NewOrder | None:
        return resting_order(market, ticker, instrument, NOW, client_order_id=lambda: "f1")

    market = held(size)
    order = NewOrder("f1", BTC, side, abs(D(size)), D(price), post_only=True, reduce_only=True, valid_until_ms=6_000)
    assert made(market, TICKER, INSTRUMENT) == order
    assert market.reason is None
    for ticker, instrument in (
        (TICKER, None),
        (None, INSTRUMENT),
        (replace(TICKER, bid=None, ask=None), INSTRUMENT),
    ):
        market = held(size)
        assert made(market, ticker, instrument) is None
        assert market.reason == "the venue takes post-only orders alone for now, and shows no price to rest at"


def test_what_rests_is_told_with_its_remainder() -> None:
    assert told(answered("3", "1")) == (
        "the venue takes post-only orders alone for now: a reduce-only short of 2 rests at 100.1 (order o1) and was "
        "left there"
    )


def seen(*markets: tuple[str, MarketProgress], **changes: Any) -> Seen:
    account = Account("a", D(0), D(0), D(0), D(0))
    last = Snapshot(NOW, account, (), (), (), (), (), Cursors(), exchange_id="x1")
    order = FlattenOrder(None)
    begun = Seen(order, dict(markets), last, settled=True, resting=0, cancelled=2, left=False, interrupted=False,
                 problem=None)  # fmt: skip
    return replace(begun, **changes)


HALF, CANCEL_ONLY = FlattenOrder(None, half=True), FlattenOrder(None, cancel_only=True)
FULL = (BTC, held("2", reason="no bid"))
GONE = (ETH, held("0", reason="only 1 of 2"))
TINY = (BTC, held("0.01", "0.005"))


@pytest.mark.parametrize(
    ("what", "proven", "state", "reason"),
    [
        (seen(), True, FlatState.FLAT, None),
        (seen(GONE), True, FlatState.FLAT, None),
        (seen(GONE, order=HALF), True, FlatState.FLAT, None),  # half of nothing
        (seen((BTC, held("1", "1")), order=HALF), True, FlatState.REDUCED, None),
        (seen(FULL, order=CANCEL_ONLY), True, FlatState.CANCELLED, None),
        (seen(TINY, order=HALF), True, FlatState.RESIDUAL, f"{BTC}: 0.01 cannot be halved in lots of 0.01"),
        (seen(FULL, GONE, left=True), False, FlatState.RESIDUAL, f"{BTC}: no bid"),
        (seen(FULL, left=True, resting=3), False, FlatState.RESIDUAL, f"{BTC}: no bid; 3 orders still rest"),
        (seen(resting=1), False, FlatState.RESIDUAL, "1 orders still rest"),
        (seen((BTC, held("2")), left=True, problem="busy"), False, FlatState.RESIDUAL, "busy"),
        (seen((BTC, held("2")), left=True), False, FlatState.RESIDUAL, "the time was up"),
        # what is left on purpose is no reason
        (seen(FULL, order=CANCEL_ONLY, resting=1), False, FlatState.RESIDUAL, "1 orders still rest"),
        (seen(problem="stale"), False, FlatState.UNKNOWN, "stale"),
        (seen(), False, FlatState.UNKNOWN, "no snapshot after the last action could be read in time"),
        (seen(FULL, left=True, settled=False, problem="down"), False, FlatState.UNKNOWN, "down"),
        (seen(resting=1, settled=False, problem="down"), False, FlatState.UNKNOWN, "down"),
        (
            seen(FULL, GONE, left=True, interrupted=True),
            False,
            FlatState.UNKNOWN,
            f"interrupted, so that no further order was sent: 0 orders rest, position {BTC} 2",
        ),
        (
            seen(FULL, (ETH, held("-1")), left=True, resting=1, interrupted=True),
            False,
            FlatState.UNKNOWN,
            f"interrupted, so that no further order was sent: 1 orders rest, position {BTC} 2, {ETH} -1",
        ),
        (
            seen(interrupted=True),
            False,
            FlatState.UNKNOWN,
            "interrupted, so that no further order was sent: 0 orders rest, no position; unproven",
        ),
        (
            seen(interrupted=True, problem="a runner lives"),
            False,
            FlatState.UNKNOWN,
            "interrupted, so that no further order was sent: 0 orders rest, no position; a runner lives",
        ),
        (
            seen(interrupted=True, settled=False),
            False,
            FlatState.UNKNOWN,
            "interrupted, so that no further order was sent: nothing could be read after the last action",
        ),
        (
            seen(interrupted=True, settled=False, problem="down"),
            False,
            FlatState.UNKNOWN,
            "interrupted, so that no further order was sent: down",
        ),
    ],
)
def test_what_a_flatten_says_at_its_end(what: Seen, proven: bool, state: FlatState, reason: str | None) -> None:
    result = verdict(what, proven=proven)
    assert (result.state, result.reason) == (state, reason)
    assert (result.time_ms, result.exchange_id, result.cancelled) == (1_000, "x1", 2)
    assert result.orders_left == (what.resting if what.settled else None)
    for market in result.markets:
        assert market.after == (what.markets[market.market].size if what.settled else None)


def test_what_never_was_seen_has_no_time() -> None:
    result = verdict(seen(last=None, settled=False), proven=False)
    assert (result.time_ms, result.exchange_id, result.orders_left) == (None, None, None)


@pytest.mark.parametrize(
    ("order", "market", "told_of"),
    [
        (FlattenOrder(None), held("2", reason="no bid"), "no bid"),
        (FlattenOrder(None), held("0", reason="only 1 of 2"), None),  # nothing is left there
        (CANCEL_ONLY, held("2", reason="no bid"), None),
        (HALF, held("0.01", "0.005"), "0.01 cannot be halved in lots of 0.01"),
    ],
)
def test_a_market_tells_why_something_is_left_only_where_it_is(
    order: FlattenOrder, market: MarketProgress, told_of: str | None
) -> None:
    (result,) = verdict(seen((BTC, market), order=order), proven=False).markets
    assert result.reason == told_of
