"""The exchange over a scripted market: orders and their refusals, margin, funding, liquidation, time and the file."""

from __future__ import annotations

import shutil
import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import ConfigError
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import QUOTE, TRADE, USD, Event, MarketSpec, Quote, QuoteEvent, TradeEvent, Watch
from pfmm.paper.messages import (
    AmendRequest,
    Busy,
    CancelRequest,
    ExchangeError,
    OrderRecord,
    PlaceRequest,
    StateRecord,
)
from pfmm.paper.store import set_aside
from tests.regular_funding import RegularFunding

BTC = MarketSpec("BTC-PERP", "crypto", 1, 3, 1, 5, 10 * USD, 50, -20_000, 50_000, 8)
ETH = MarketSpec("ETH-PERP", "crypto", 2, 2, 1, None, 10 * USD, 20, -20_000, 50_000, 8)
HOUR_MS = 3_600_000
START = 1_000 * 8 * HOUR_MS  # a funding time
D = Decimal


class Script(RegularFunding):
    """A feed of listed events; the quote stands until the next one, the mark is the mid."""

    def __init__(self, events: Mapping[str, list[Event]], *, recorded: tuple[int, int] | None = None) -> None:
        self._events = {market: sorted(rows, key=lambda row: row[0]) for market, rows in events.items()}
        self._recorded = recorded
        self.rate = 10_000  # 1 bp

    def specs(self) -> Sequence[MarketSpec]:
        return [BTC, ETH]

    def span(self) -> tuple[int, int] | None:
        return self._recorded

    def quote(self, market: str, time_ms: int) -> Quote:
        rows = [row for row in self._events[market] if row[1] == QUOTE]
        row = rows[bisect_right([row[0] for row in rows], time_ms) - 1]
        return Quote(time_ms, *row[2:])

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        _, bid, bid_size, ask, ask_size = self.quote(market, time_ms)
        bids = [(bid - 10 * i, bid_size + i) for i in range(levels) if bid]
        return bids, [(ask + 10 * i, ask_size + i) for i in range(levels) if ask]

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        rows = [row for row in self._events[market] if isinstance(row, TradeEvent) and after_ms < row[0] <= to_ms]
        return rows[:limit]

    def mark(self, market: str, time_ms: int) -> int:
        quote = self.quote(market, time_ms)
        return (quote.bid + quote.ask) // 2

    def rate_at(self, market: str, settle_ms: int) -> int:
        return self.rate

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        return (row for row in self._events[market] if after_ms < row[0] <= to_ms)


def quote(after_s: float, bid: int, ask: int, size: int = 5_000) -> QuoteEvent:
    return QuoteEvent(START + int(after_s * 1000), QUOTE, bid, size, ask, size)


def trade(after_s: float, price: int, size: int, aggressor: int) -> TradeEvent:
    return TradeEvent(START + int(after_s * 1000), TRADE, price, size, aggressor)


# BTC 63,999.0 / 64,001.0 and ETH 2,999.90 / 3,000.10 from the start
QUIET: dict[str, list[Event]] = {"BTC-PERP": [quote(0, 639_990, 640_010)], "ETH-PERP": [quote(0, 299_990, 300_010)]}


class Shop:
    """One exchange with account "a", a wall clock to move, and short ways to ask."""

    def __init__(self, path: Path, script: Script, config: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.wall = START
        self.boot, self.up_ms = "first", 5_000
        self.script = script
        self.exchange = self.another(config or {"kind": "script"})

    def another(self, config: Mapping[str, Any] | None = None) -> Exchange:
        return Exchange.open(
            self.path, lambda _: self.script, lambda: self.wall, first_feed=config or {}, uptime=self.uptime
        )

    def uptime(self) -> tuple[str, int]:
        return self.boot, self.up_ms

    def wait(self, seconds: float) -> StateRecord:
        self.pass_ms(int(seconds * 1000))
        return self.state()

    def pass_ms(self, ms: int) -> None:
        self.wall += ms
        self.up_ms += ms

    def state(self) -> StateRecord:
        return self.exchange.state("a", [])

    def buy(self, price: str | None, size: str, **more: Any) -> OrderRecord:
        return self.order("long", price, size, **more)

    def sell(self, price: str | None, size: str, **more: Any) -> OrderRecord:
        return self.order("short", price, size, **more)

    def order(self, side: str, price: str | None, size: str, *, market: str = "BTC-PERP", **more: Any) -> OrderRecord:
        request = PlaceRequest(
            market=market,
            side=side,
            type="market" if price is None else "limit",
            price=None if price is None else D(price),
            size_base=D(size),
            **more,
        )
        return self.exchange.place("a", request)

    def by_id(self, order: OrderRecord) -> OrderRecord:
        return self.exchange.order("a", order_id=order.order_id)


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    made: list[Shop] = []

    def make(*events: Event, config: Mapping[str, Any] | None = None, **more: Any) -> Shop:
        script = Script({**QUIET, "BTC-PERP": [*QUIET["BTC-PERP"], *events]}, **more)
        made.append(Shop(tmp_path / f"paper-{len(made)}.sqlite", script, config))
        return made[-1]

    yield make
    for shop in made:
        shop.exchange.close()


Shops = Callable[..., Shop]


def refusal(act: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ExchangeError) as caught:
        act()
    return caught.value.status, caught.value.code


# -- orders


def test_a_new_account_has_the_default_deposit(shops: Shops) -> None:
    record = shops().exchange.account("a")
    assert (record.account_id, record.equity, record.free_margin) == ("a", D(10_000), D(10_000))


def test_a_resting_order_fills_while_nobody_looks(shops: Shops) -> None:
    shop = shops(trade(5, 639_000, 2, -1))
    order = shop.buy("63950", "0.005", post_only=True, client_order_id="x")
    assert (order.order_id, order.status, order.size_base, order.price) == ("o1", "open", D("0.005"), D("63950"))
    state = shop.wait(3600)
    (fill,) = state.fills.fills
    assert (fill.fill_id, fill.order_id, fill.client_order_id, fill.time) == ("f1", "o1", "x", START + 5000)
    assert (fill.price, fill.size_base, fill.liquidity) == (D("63950"), D("0.002"), "maker")
    assert fill.fee == D("-0.02558")  # 63,950 * 0.002 * -2 bps
    (open_order,) = state.orders
    assert (open_order.filled_base, open_order.avg_fill_price) == (D("0.002"), D(63950))
    (position,) = state.positions
    assert (position.size_base, position.cost_basis, position.entry_price) == (D("0.002"), D("127.9"), D(63950))
    assert position.unrealized_pnl == D("0.1")  # (64,000 - 63,950) * 0.002
    assert state.account.equity == D(10_000) + D("0.1") + D("0.02558")


def test_a_market_order_walks_the_levels_and_pays_the_taker_fee(shops: Shops) -> None:
    shop = shops()
    shop.exchange.deposit("a", D(200_000))
    order = shop.buy(None, "6.000")  # 5 at 64,001.0 and 1 at 64,002.0
    assert (order.status, order.time_in_force, order.price) == ("filled", "IOC", None)
    assert order.avg_fill_price == D("64001.16666667")  # (5*64,001 + 64,002)/6, to 1e-8


def test_usd_sizes_round_down_at_the_limit_or_at_the_best_opposite_quote(shops: Shops) -> None:
    shop = shops()
    limit = shop.exchange.place("a", PlaceRequest("BTC-PERP", "long", "limit", size_usd=D(150), price=D(60000)))
    assert limit.size_base == D("0.002")  # 0.0025
    market = shop.exchange.place("a", PlaceRequest("BTC-PERP", "short", "market", size_usd=D(200)))
    assert market.size_base == D("0.003")  # 200 / 63,999 = 0.003125


def test_the_remainder_of_an_ioc_is_cancelled_and_of_a_gtc_rests(shops: Shops) -> None:
    shop = shops()
    shop.exchange.deposit("a", D(200_000))
    ioc = shop.buy("64001", "6", time_in_force="IOC")
    assert (ioc.status, ioc.reason, ioc.filled_base) == ("cancelled", "ioc", D(5))
    gtc = shop.sell("63999", "6")
    assert (gtc.status, gtc.filled_base, gtc.size_base) == ("open", D(5), D(6))


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"side": "buy"}, 400, "invalid_side"),
        ({"type": "stop"}, 400, "invalid_type"),
        ({"type": "market"}, 400, "invalid_price"),
        ({"price": None}, 400, "invalid_price"),
        ({"price": D(-1)}, 400, "invalid_price"),
        ({"price": D("NaN")}, 400, "invalid_price"),
        ({"price": D("1e999999")}, 400, "invalid_price"),
        ({"price": D("63000.5")}, 422, "price_off_tick"),  # five figures: whole USD at 63,000
        ({"price": D("9999.15")}, 422, "price_off_tick"),
        ({"size_base": D(0)}, 400, "invalid_size_base"),
        ({"size_base": D("Infinity")}, 400, "invalid_size_base"),
        ({"size_base": D("0.0015")}, 422, "size_off_step"),
        ({"size_base": D("1e18")}, 400, "invalid_size_base"),
        ({"size_usd": D(5)}, 400, "invalid_size"),
        ({"size_base": None}, 400, "invalid_size"),
        ({"size_base": None, "size_usd": D(60)}, 422, "below_minimum"),  # less than one step of 0.001
        ({"size_base": D("0.001"), "price": D(9999)}, 422, "below_minimum"),  # 9.999 USD
        ({"time_in_force": "FOK"}, 400, "invalid_time_in_force"),
        ({"time_in_force": "IOC", "post_only": True}, 400, "invalid_post_only"),
        ({"post_only": True, "price": D(64001)}, 422, "post_only_would_cross"),
        ({"reduce_only": True}, 422, "reduce_only_would_increase"),
        ({"valid_until_ms": START - 1}, 422, "expired"),
        ({"client_order_id": ""}, 400, "invalid_client_order_id"),
        ({"client_order_id": "a" * 129}, 400, "invalid_client_order_id"),
        ({"client_order_id": "a\n"}, 400, "invalid_client_order_id"),
        ({"market": "NO-PERP"}, 404, "unknown_market"),
        ({"size_base": D("1")}, 402, "insufficient_balance"),  # 63,000 / 5 = 12,600 of margin
    ],
)
def test_refusals_change_nothing(shops: Shops, change: dict[str, Any], status: int, code: str) -> None:
    shop = shops()
    good = PlaceRequest("BTC-PERP", "long", "limit", size_base=D("0.002"), price=D(63000))
    assert refusal(lambda: shop.exchange.place("a", good._replace(**change))) == (status, code)
    assert shop.exchange.orders("a", status="all") == ()
    assert shop.exchange.place("a", good).order_id == "o1"


def test_a_client_order_id_is_used_once_for_ever(shops: Shops) -> None:
    shop = shops()
    first = shop.buy("63000", "0.002", client_order_id="x")
    shop.exchange.cancel("a", CancelRequest(client_order_id="x"))
    with pytest.raises(ExchangeError) as caught:
        shop.buy("62000", "0.003", client_order_id="x", valid_until_ms=1)
    assert (caught.value.status, caught.value.code) == (409, "duplicate_client_order_id")
    assert caught.value.order == first._replace(status="cancelled", reason="user")
    assert shop.exchange.place("b", PlaceRequest("BTC-PERP", "long", "limit", D(100), price=D(50000))).order_id == "o1"


def test_post_only_does_not_cross_our_own_order_either(shops: Shops) -> None:
    shop = shops()
    shop.sell("64000", "0.002")
    assert refusal(lambda: shop.buy("64000", "0.002", post_only=True)) == (422, "post_only_would_cross")


def test_margin_counts_the_worst_side_and_lets_reducing_orders_pass(shops: Shops) -> None:
    shop = shops()
    shop.buy("50000", "0.6")  # 30,000 / 5 = 6,000
    shop.sell("70000", "0.5")  # 35,000 / 5 = 7,000 is now the worse side, not 13,000 together
    assert shop.exchange.account("a").margin_used == D(7000)
    assert refusal(lambda: shop.sell("70000", "0.3")) == (402, "insufficient_balance")  # 56,000 / 5 = 11,200
    shop.exchange.cancel_all("a")
    shop.buy(None, "0.750")  # 48,000 / 5 = 9,600
    assert refusal(lambda: shop.buy("63000", "0.1")) == (402, "insufficient_balance")
    assert shop.sell("65000", "0.750").status == "open"


def test_a_sell_below_the_bid_is_measured_where_it_trades(shops: Shops) -> None:
    shop = shops()
    # 0.8 * 63,999 / 5 = 10,239.84; at its limit it would be 160
    assert refusal(lambda: shop.sell("1000", "0.8", time_in_force="IOC")) == (402, "insufficient_balance")
    resting = shop.sell("65000", "0.76")  # 65,000 * 0.76 / 5 = 9,880
    change = AmendRequest(order_id=resting.order_id, price=D(1000), size_base=D("0.8"))
    assert refusal(lambda: shop.exchange.amend("a", change)) == (402, "insufficient_balance")
    assert shop.by_id(resting) == resting
    assert shop.state().positions == ()
    shop.exchange.cancel_all("a")
    assert shop.sell("1000", "0.78", time_in_force="IOC").status == "filled"  # 63,999 * 0.78 / 5 = 9,983.84


# -- amend, cancel, batch


def test_an_amend_to_a_smaller_size_keeps_the_place_and_any_other_goes_to_the_back(shops: Shops) -> None:
    shop = shops(trade(5, 639_990, 5_002, -1), trade(15, 639_990, 5_002, -1), trade(25, 639_990, 5_001, -1))
    kept, moved = shop.buy("63999", "0.004"), shop.buy("63999", "0.004")
    shop.exchange.amend("a", AmendRequest(order_id=kept.order_id, size_base=D("0.002")))
    shop.wait(10)  # 5 ahead, then 0.002 for the first
    assert (shop.by_id(kept).status, shop.by_id(moved).filled_base) == ("filled", D(0))
    shop.exchange.amend("a", AmendRequest(order_id=moved.order_id, size_base=D("0.005")))  # 5 ahead again
    shop.wait(10)
    assert shop.by_id(moved).filled_base == D("0.002")
    shop.exchange.amend("a", AmendRequest(order_id=moved.order_id, price=D("63990")))
    shop.wait(10)
    assert shop.by_id(moved).filled_base == D("0.002")


def test_amending_the_total_to_what_is_filled_ends_the_order(shops: Shops) -> None:
    shop = shops(trade(5, 639_000, 2, -1))
    order = shop.buy("63950", "0.005", client_order_id="x")
    shop.wait(10)
    done = shop.exchange.amend("a", AmendRequest(client_order_id="x", size_base=D("0.001")))
    assert (done.status, done.size_base, done.filled_base) == ("filled", D("0.002"), D("0.002"))
    assert refusal(lambda: shop.exchange.amend("a", AmendRequest(order_id=order.order_id, price=D(63000)))) == (
        409,
        "order_not_open",
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": D(64001)}, "post_only_would_cross"),
        ({"price": D("63000.5")}, "price_off_tick"),
        ({"size_base": D(1)}, "insufficient_balance"),
        ({"size_base": D("0.0001")}, "size_off_step"),
        ({"size_base": D("0.001"), "price": D(5000)}, "below_minimum"),
        ({"price": D(62000), "valid_until_ms": START - 1}, "expired"),
        ({}, "invalid_amend"),
    ],
)
def test_a_refused_amend_leaves_the_order_as_it_was(shops: Shops, change: dict[str, Any], code: str) -> None:
    shop = shops()
    order = shop.buy("63000", "0.002", post_only=True)
    assert refusal(lambda: shop.exchange.amend("a", AmendRequest(order_id=order.order_id, **change)))[1] == code
    assert shop.by_id(order) == order


def test_an_amend_of_a_plain_limit_order_may_take(shops: Shops) -> None:
    shop = shops()
    order = shop.buy("63000", "0.002")
    done = shop.exchange.amend("a", AmendRequest(order_id=order.order_id, price=D(64001)))
    assert (done.status, done.avg_fill_price) == ("filled", D(64001))


@pytest.mark.parametrize("order_id", ["o2", "o", "x1", "o-1", "o1x", "o" + "9" * 40, "o٣"])
def test_unknown_orders(shops: Shops, order_id: str) -> None:
    shop = shops()
    shop.buy("63000", "0.002")
    for act in (
        lambda: shop.exchange.cancel("a", CancelRequest(order_id=order_id)),
        lambda: shop.exchange.order("a", order_id=order_id),
        lambda: shop.exchange.order("b", order_id="o1"),
        lambda: shop.exchange.amend("a", AmendRequest(client_order_id="none", price=D(1))),
    ):
        assert refusal(act) == (404, "order_not_found")


def test_a_final_order_is_not_cancelled_again(shops: Shops) -> None:
    shop = shops()
    order = shop.buy("63000", "0.002")
    assert shop.exchange.cancel("a", CancelRequest(order_id=order.order_id)).status == "cancelled"
    assert refusal(lambda: shop.exchange.cancel("a", CancelRequest(order_id=order.order_id))) == (409, "order_not_open")


def test_cancel_all_of_one_market_and_of_all(shops: Shops) -> None:
    shop = shops()
    shop.buy("63000", "0.002")
    shop.buy("2900", "0.1", market="ETH-PERP")
    assert [order.market for order in shop.exchange.cancel_all("a", "ETH-PERP")] == ["ETH-PERP"]
    assert [order.market for order in shop.exchange.cancel_all("a")] == ["BTC-PERP"]
    assert shop.exchange.cancel_all("a") == ()
    assert refusal(lambda: shop.exchange.cancel_all("a", "NO-PERP")) == (404, "unknown_market")


def test_all_orders_of_a_market_whatever_was_placed_in_others_since(shops: Shops) -> None:
    shop = shops()
    order = shop.buy("60000", "0.001")
    ioc = PlaceRequest("ETH-PERP", "long", "limit", size_base=D(1), price=D(2000), time_in_force="IOC")
    for _ in range(10):
        shop.exchange.batch("a", [], [], [ioc] * 100)
    assert shop.exchange.orders("a", status="all", market="BTC-PERP") == (order,)
    assert len(shop.exchange.orders("a", status="all", market="ETH-PERP")) == 1000
    assert order not in shop.exchange.orders("a", status="all")


def test_a_batch_does_each_item_and_repeating_it_does_nothing_twice(shops: Shops) -> None:
    shop = shops()
    shop.buy("63000", "0.002", client_order_id="old")
    shop.buy("62000", "0.002", client_order_id="mover")
    places = [
        PlaceRequest("BTC-PERP", "long", "limit", size_base=D("0.002"), price=D(61000), client_order_id="new"),
        PlaceRequest("BTC-PERP", "long", "limit", size_base=D("0.002"), price=D(61000), client_order_id="new"),
        PlaceRequest("BTC-PERP", "long", "limit", size_base=D("9"), price=D(61000), client_order_id="big"),
    ]
    cancels = [CancelRequest(client_order_id="old"), CancelRequest(client_order_id="none")]
    amends = [AmendRequest(client_order_id="mover", price=D(61500)), AmendRequest(client_order_id="old", price=D(1))]
    answers = shop.exchange.batch("a", cancels, amends, places)
    shown = [[x.code if isinstance(x, ExchangeError) else x.status for x in part] for part in answers]
    assert shown == [
        ["cancelled", "order_not_found"],
        ["open", "order_not_open"],
        ["open", "duplicate_client_order_id", "insufficient_balance"],
    ]
    before = shop.exchange.orders("a", status="all")
    again = shop.exchange.batch("a", [], [], places)[2]
    assert [x.order for x in again if isinstance(x, ExchangeError) and x.order] == [answers[2][0]] * 2
    assert shop.exchange.orders("a", status="all") == before
    assert [order.client_order_id for order in shop.exchange.orders("a")] == ["mover", "new"]


# -- reduce-only, funding, liquidation, dead man


def test_reduce_only_is_capped_and_dies_with_the_position(shops: Shops) -> None:
    shop = shops()
    shop.buy(None, "0.010")
    capped = shop.sell("65000", "0.500", reduce_only=True)
    assert (capped.size_base, capped.status) == (D("0.010"), "open")
    tiny = shop.sell(None, "0.004", reduce_only=True)
    assert (tiny.status, shop.by_id(capped).size_base) == ("filled", D("0.006"))
    shop.sell(None, "0.006")
    gone = shop.by_id(capped)
    assert (gone.status, gone.reason) == ("cancelled", "reduce_only")
    assert shop.exchange.positions("a")[0].size_base == 0


def test_a_position_below_the_minimum_can_be_closed(shops: Shops) -> None:
    shop = shops()
    shop.buy(None, "0.01", market="ETH-PERP")  # 30 USD
    shop.sell(None, "0.01", market="ETH-PERP", reduce_only=True)
    assert shop.exchange.positions("a")[0].size_base == 0


def test_funding_is_paid_once_at_each_utc_multiple(shops: Shops) -> None:
    shop = shops()
    shop.buy(None, "0.010")
    state = shop.wait(17 * 3600)  # two settlements after the start, none at the start itself
    assert [payment.time for payment in state.funding.payments] == [START + 8 * HOUR_MS, START + 16 * HOUR_MS]
    assert [payment.amount for payment in state.funding.payments] == [D("-0.064")] * 2  # 640 USD * 1 bp
    assert state.account.funding == D("-0.128")
    assert [payment.payment_id for payment in state.funding.payments] == ["p1", "p2"]


def test_liquidation_cancels_and_closes_at_the_mark_check(shops: Shops) -> None:
    shop = shops(quote(30, 440_000, 440_010), quote(90, 439_000, 439_010))
    shop.buy(None, "0.500")  # 32,000 USD; at 44,000 the loss is the whole deposit
    other = shop.buy("2000", "1", market="ETH-PERP")
    state = shop.wait(600)
    assert shop.by_id(other).reason == "liquidation"
    closing = state.fills.fills[-1]
    assert (closing.liquidation, closing.liquidity, closing.price, closing.side) == (True, "taker", D(44000), "short")
    assert closing.time == START + 60_000
    assert shop.exchange.order("a", order_id=closing.order_id).reason == "liquidation"
    assert [position.size_base for position in state.positions] == [0]


def test_no_liquidation_while_equity_holds(shops: Shops) -> None:
    shop = shops(quote(30, 450_000, 450_010))
    shop.buy(None, "0.500")  # loss 9,500 of 10,000; maintenance 22,500 / 100 = 225
    assert shop.wait(600).positions[0].size_base == D("0.5")


def test_the_dead_man_fires_in_venue_time(shops: Shops) -> None:
    shop = shops(trade(20, 630_000, 5, -1))
    order = shop.buy("63500", "0.002")
    assert shop.exchange.arm_dead_man("a", 10) == (True, START + 10_000)
    shop.wait(5)
    assert shop.exchange.arm_dead_man("a", 10).fires_at == START + 15_000
    shop.wait(3600)
    found = shop.by_id(order)
    assert (found.status, found.reason, found.updated_at, found.filled_base) == (
        "cancelled",
        "dead_man",
        START + 15_000,
        0,
    )
    assert shop.exchange.arm_dead_man("a", 0) == (False, None)
    assert refusal(lambda: shop.exchange.arm_dead_man("a", -1)) == (400, "invalid_timeout_s")


# -- cursors, deposits, resets, feeds


def test_pages_of_fills(shops: Shops) -> None:
    shop = shops()
    for _ in range(5):
        shop.buy(None, "0.001")
    shop.buy(None, "0.01", market="ETH-PERP")
    first = shop.exchange.fills("a", limit=4)
    assert ([fill.fill_id for fill in first.fills], first.more) == (["f1", "f2", "f3", "f4"], True)
    rest = shop.exchange.fills("a", since=first.cursor, limit=4)
    assert ([fill.fill_id for fill in rest.fills], rest.more, rest.cursor) == (["f5", "f6"], False, 6)
    assert shop.exchange.fills("a", since=6) == ((), 6, False)
    assert [fill.fill_id for fill in shop.exchange.fills("a", market="ETH-PERP").fills] == ["f6"]


def test_deposits(shops: Shops) -> None:
    shop = shops()
    assert shop.exchange.deposit("a", D("0.00000001")).deposits == D("10000.00000001")
    with pytest.raises(ExchangeError, match=r"whole in 0\.00000001, not 1E-9"):  # it is above 0
        shop.exchange.deposit("a", D("0.000000001"))
    for bad in ("0", "-1", "NaN", "1e10", "0.000000001"):
        assert refusal(lambda bad=bad: shop.exchange.deposit("a", D(bad)))[1] == "invalid_amount"


def test_a_reset_forgets_everything_but_never_reuses_a_number(shops: Shops) -> None:
    shop = shops()
    shop.buy(None, "0.001", client_order_id="x")
    old = shop.exchange.fills("a").cursor
    shop.exchange.reset()
    assert (shop.exchange.accounts(), shop.exchange.account("a").equity) == ((), D(10_000))
    order = shop.buy(None, "0.001", client_order_id="x")
    page = shop.exchange.fills("a", since=old)
    assert order.order_id == page.fills[0].order_id == "o1000000001"


def exchange_id(shop: Shop) -> str:
    return shop.exchange.state("me", []).exchange_id


def test_an_exchange_is_known_by_its_file_and_by_its_resets(shops: Shops, tmp_path: Path) -> None:
    one = shops()
    first = exchange_id(one)
    with closing(Exchange.open(one.path, lambda _: Script(QUIET), lambda: START)) as again:
        assert again.state("other", []).exchange_id == first, "the same file, whoever opens it"
        one.exchange.set_feed({"kind": "script", "speed": 0, "at_ms": START})
        assert exchange_id(one) == first, "accounts live on in another market"
        one.exchange.reset()
        assert exchange_id(one) != first
        assert again.state("other", []).exchange_id == exchange_id(one), "told by the next answer of every process"
    with closing(Exchange.open(tmp_path / "two.sqlite", lambda _: Script(QUIET), lambda: START)) as two:
        assert two.state("me", []).exchange_id.endswith("-0")
        assert two.state("me", []).exchange_id != first


def test_a_file_of_before_exchanges_had_a_name_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with closing(Exchange.open(path, lambda _: Script(QUIET), lambda: START)) as exchange:
        exchange.deposit("me", D(5))
    with closing(sqlite3.connect(path)) as connection:  # as version 1 wrote it
        connection.executescript(
            "DROP TABLE live_events; DROP TABLE live_prints; DROP TABLE live_funding; DROP TABLE live_markets; "
            "DROP TABLE live_gaps; DROP TABLE nonces; ALTER TABLE exchange DROP COLUMN identity; "
            "ALTER TABLE orders DROP COLUMN trigger_price; PRAGMA user_version = 1;"
        )
    with closing(Exchange.open(path, lambda _: Script(QUIET), lambda: START)) as exchange:
        state = exchange.state("me", [])
        assert state.account.deposits == D(10_005)
        assert len(state.exchange_id) > 10
    with closing(Exchange.open(path, lambda _: Script(QUIET), lambda: START)) as exchange:
        assert exchange.state("me", []).exchange_id == state.exchange_id


def test_switching_feeds(shops: Shops) -> None:
    shop = shops()
    shop.buy(None, "0.001")
    assert refusal(lambda: shop.exchange.set_feed({"at_ms": START})) == (409, "feed_in_use")
    shop.sell(None, "0.001")
    other = shop.another()
    shop.exchange.set_feed({"kind": "other", "at_ms": START + 500})
    assert other.feed_config() == {"kind": "other", "at_ms": START + 500}  # the other process follows
    assert len(other.fills("a").fills) == 2
    other.close()
    shop.buy("63000", "0.002")
    shop.exchange.set_feed({"kind": "third"}, reset=True)
    assert shop.exchange.orders("a", status="all") == ()


@pytest.mark.parametrize(
    ("config", "names"),
    [({"speed": -1}, "speed"), ({"speed": "x"}, "speed"), ({"at_ms": 1.5}, "at_ms"), ({"idle_pause": 1}, "idle_pause")],
)
def test_feed_settings_out_of_range(shops: Shops, config: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        shops().exchange.set_feed(config)


# -- time


def test_a_stepped_clock_moves_only_when_told(shops: Shops) -> None:
    shop = shops(trade(5, 630_000, 5, -1), config={"speed": 0})
    order = shop.buy("63500", "0.002")
    shop.wait(3600)
    assert shop.exchange.time() == (START, 0.0, "open")
    assert shop.exchange.advance_clock(START + 10_000).time_ms == START + 10_000
    assert shop.by_id(order).status == "filled"
    assert refusal(lambda: shop.exchange.advance_clock(START)) == (400, "invalid_to_ms")
    assert refusal(lambda: shops().exchange.advance_clock(START)) == (409, "not_stepped")


def test_a_fast_market_ends_with_the_last_year_that_clients_read(shops: Shops) -> None:
    end = 4_102_444_799_999  # one ms before 2100
    shop = shops(config={"kind": "script", "speed": 1_000_000, "at_ms": end - 1_000_000_000})
    assert shop.exchange.time().state == "open"
    assert shop.wait(1).clock == (end, 1_000_000, "ended")
    assert shop.wait(3600).clock.time_ms == end


def test_a_replay_runs_at_its_speed_pauses_when_idle_and_ends(shops: Shops) -> None:
    shop = shops(config={"speed": 10}, recorded=(START, START + 3_600_000))
    shop.pass_ms(2_000)
    assert shop.exchange.time() == (START + 20_000, 10.0, "open")
    shop.pass_ms(3_600_000)
    assert shop.exchange.time() == (START + 600_000, 10.0, "paused")  # 60 s of wall time after the last use
    assert shop.state().clock == (START + 600_000, 10.0, "open")  # using it goes on from there
    for _ in range(400):
        shop.wait(1)
    assert shop.exchange.time() == (START + 3_600_000, 10.0, "ended")


@pytest.mark.parametrize("speed", [1, 10])
def test_the_market_goes_on_when_the_wall_is_set_back(shops: Shops, speed: int) -> None:
    shop = shops(trade(3605 * speed, 630_000, 5, -1), config={"kind": "script", "speed": speed})
    order = shop.buy("63500", "0.002")
    assert shop.wait(3600).clock.time_ms == START + 3_600_000 * speed
    shop.wall -= 1_800_000
    assert shop.state().clock.time_ms == START + 3_600_000 * speed  # venue time never goes back
    assert shop.exchange.time().time_ms == START + 3_600_000 * speed
    assert shop.wait(10).clock.time_ms == START + 3_610_000 * speed
    assert shop.by_id(order).status == "filled"
    shop.wall -= 800
    assert shop.wait(0).clock.time_ms == START + 3_610_000 * speed
    assert shop.wait(1).clock.time_ms == START + 3_611_000 * speed


def test_a_clock_that_nothing_can_follow_is_busy_not_a_hang(tmp_path: Path) -> None:
    asked: list[int] = []

    def wall() -> int:
        """20 s pass with every look: at full speed 333,333 minutes with a funding and margin check each."""
        asked.append(START + 20_000 * len(asked))
        assert len(asked) < 100, "it goes on for ever"
        return asked[-1]

    config = {"kind": "script", "speed": 1_000_000, "at_ms": START}
    with closing(Exchange.open(tmp_path / "paper.sqlite", lambda _: Script(QUIET), wall, first_feed=config)) as paper:
        paper.place("a", PlaceRequest("BTC-PERP", "long", "market", size_base=D("0.01")))
        with pytest.raises(Busy, match="choose a --speed below 1000000"):
            paper.state("a", [])
        paper.set_feed({**config, "speed": 1}, reset=True)
        assert paper.state("a", []).account.equity == D(10_000)


def test_reads_of_market_data_need_no_lock(shops: Shops) -> None:
    shop = shops()
    shop.buy("63000", "0.002")
    with sqlite3.connect(shop.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        shop.pass_ms(5_000)
        assert shop.exchange.ticker("BTC-PERP").price == D(64000)
        assert len(shop.exchange.depth("BTC-PERP", 3).bids) == 3
        assert len(shop.state().orders) == 1  # nothing happened: no need to write either
        other.execute("ROLLBACK")
    other.close()


def test_market_data(shops: Shops) -> None:
    shop = shops(trade(5, 639_000, 2, -1))
    shop.pass_ms(10_000)
    ticker = shop.exchange.ticker("BTC-PERP")
    assert (ticker.bid, ticker.ask, ticker.mark, ticker.funding_rate) == (D(63999), D(64001), D(64000), D("0.0001"))
    assert ticker.next_funding_at == START + 8 * HOUR_MS
    assert shop.exchange.trades("BTC-PERP") == ((START + 5000, D(63900), D("0.002"), "short"),)
    assert [rate.time for rate in shop.exchange.funding_rates("BTC-PERP", START - 9 * HOUR_MS)] == [
        START - 8 * HOUR_MS,
        START,
    ]
    assert [spec.market for spec in shop.exchange.specs()] == ["BTC-PERP", "ETH-PERP"]


# -- the file


def test_a_second_process_sees_one_account(shops: Shops) -> None:
    shop = shops()
    shop.buy("63000", "0.002", client_order_id="x")
    other = shop.another()
    assert other.cancel("a", CancelRequest(client_order_id="x")).status == "cancelled"
    other.close()
    assert shop.exchange.orders("a") == ()


def test_a_locked_file_is_busy_not_a_hang(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pfmm.paper.store.LOCK_WAIT_MS", 10)
    shop = shops()
    with sqlite3.connect(shop.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy) as caught:
            shop.buy("63000", "0.002")
        other.execute("ROLLBACK")
    other.close()
    assert (caught.value.status, caught.value.retry_after_s) == (503, 1)
    assert shop.buy("63000", "0.002").order_id == "o1"


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_named_with_the_fix(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "paper.sqlite"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"paper\.sqlite") as caught:
        Exchange.open(path, lambda _: Script(QUIET), lambda: START)
    assert "pfmm paper reset" in (caught.value.hint or "")
    fresh = Exchange.recreate(path, lambda _: Script(QUIET), lambda: START)
    order = fresh.place("a", PlaceRequest("BTC-PERP", "long", "limit", D(100), price=D(50000)))
    fresh.close()
    assert int(order.order_id[1:]) > START // 1000
    assert [kept.read_bytes() for kept in tmp_path.glob("paper.sqlite.damaged-*")] == [content]


def test_what_is_set_aside_takes_its_log_along(tmp_path: Path) -> None:
    live, path = tmp_path / "live", tmp_path / "paper.sqlite"
    with closing(sqlite3.connect(live, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE fills (price INTEGER)")
        connection.execute("INSERT INTO fills VALUES (63000)")
        for suffix in ("", "-wal"):  # as a process that was killed leaves them
            shutil.copy(f"{live}{suffix}", f"{path}{suffix}")
    set_aside(path, 7)
    aside = f"{path}.damaged-7"
    assert {str(left) for left in tmp_path.glob("paper.sqlite*")} == {aside, f"{aside}-wal"}
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT price FROM fills").fetchall() == [(63000,)]


def test_a_foreign_or_newer_file_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE diary (entry TEXT)")
    connection.close()
    with pytest.raises(ConfigError, match="no paper exchange of pfmm"):
        Exchange.open(foreign, lambda _: Script(QUIET), lambda: START)
    newer = tmp_path / "newer.sqlite"
    Exchange.open(newer, lambda _: Script(QUIET), lambda: START).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="schema 99"):
        Exchange.open(newer, lambda _: Script(QUIET), lambda: START)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        Exchange.open(tmp_path / "file" / "paper.sqlite", lambda _: Script(QUIET), lambda: START)


def test_the_file_is_private(shops: Shops) -> None:
    assert shops().path.stat().st_mode & 0o777 == 0o600
