"""The adapter trades on the paper exchange in its own dialect: two halves that share no code, over the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import AuthenticationError, RiskRefused, UnknownMarket, VenueRefused
from pfmm.model.account import Cursors
from pfmm.model.order import (
    AmendOrder,
    Batch,
    CancelOrder,
    NewOrder,
    Order,
    OrderStatus,
    Refusal,
    Side,
    TimeInForce,
)
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.venue.client import IN_PROCESS_URL, HttpClient
from pfmm.venue.hyperliquid.adapter import Hyperliquid
from pfmm.venue.hyperliquid.nonces import NonceFile
from pfmm.venue.hyperliquid.signing import Signer
from tests.dialects import need_signing

D = Decimal
MARKET = "BTC-PERP"
NOW_MS = 1_750_000_000_000


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    opened = Exchange.open(tmp_path / "exchange.sqlite3", lambda _: SyntheticFeed(7), lambda: NOW_MS)
    opened.open_account("desk")
    yield opened
    opened.close()


@pytest.fixture
def venue(exchange: Exchange) -> Iterator[Hyperliquid]:
    need_signing()
    from pfmm.paper.wire import hyperliquid_keys as keys
    from pfmm.paper.wire.wsgi import make_app
    from pfmm.venue.http import in_process

    client = HttpClient(IN_PROCESS_URL, transport=in_process(make_app(exchange, wall_ms=lambda: NOW_MS)))
    numbers = count(NOW_MS)
    made = Hyperliquid(
        client,
        account=keys.address("desk"),
        mainnet=False,
        signer=lambda: Signer(keys.test_key("desk")),
        nonce=lambda: next(numbers),
    )
    yield made
    made.close()


def bid(venue: Hyperliquid, number: int = 1, factor: str = "0.97", **changes: Any) -> NewOrder:
    mid = venue.tickers([MARKET])[0].mid
    assert mid is not None
    order = NewOrder(f"a1b2c3-{number}", MARKET, Side.LONG, D("0.001"), (mid * D(factor)).quantize(D(1)))
    return replace(order, **changes)


def placed(venue: Hyperliquid, *orders: NewOrder) -> tuple[Order | Refusal, ...]:
    return venue.submit(Batch(place=orders)).place


def test_every_market_obeys_the_venues_rules(venue: Hyperliquid) -> None:
    markets = {one.market: one for one in venue.markets()}
    assert len(markets) == 299
    assert markets[MARKET].size_step == D("0.00001")
    assert (markets[MARKET].maker_bps, markets[MARKET].taker_bps) == (D(-2), D(5))
    assert {one.funding_interval_hours for one in markets.values()} == {1}


def test_a_placed_order_is_in_the_snapshot_and_can_be_asked_for(venue: Hyperliquid) -> None:
    (order,) = placed(venue, bid(venue))
    assert isinstance(order, Order)
    snapshot = venue.snapshot([MARKET], Cursors())
    assert [one.order_id for one in snapshot.orders] == [order.order_id]
    assert snapshot.orders[0].client_order_id == "a1b2c3-1"
    assert snapshot.orders[0].post_only
    assert venue.order("a1b2c3-1") == replace(snapshot.orders[0], updated_ms=NOW_MS)
    assert venue.order("a1b2c3-2") is None
    assert snapshot.time.time_ms == NOW_MS


def test_an_acknowledgement_never_claims_a_later_time_than_was_seen(venue: Hyperliquid) -> None:
    seen_ms = venue.snapshot([MARKET], Cursors()).time.time_ms
    (order,) = placed(venue, bid(venue))
    assert isinstance(order, Order)
    assert order.updated_ms <= seen_ms


def test_a_post_only_order_that_would_cross_is_refused_beside_one_that_rests(venue: Hyperliquid) -> None:
    first, second = placed(venue, bid(venue, 1, "1.05"), bid(venue, 2))
    assert isinstance(first, Refusal)
    assert first.code == "post_only_would_cross"
    assert isinstance(second, Order)


def test_cancels_by_both_ids_in_one_batch_keep_their_places(venue: Hyperliquid) -> None:
    first, second = placed(venue, bid(venue, 1), bid(venue, 2, "0.96"))
    assert isinstance(first, Order)
    assert isinstance(second, Order)
    cancels = (
        CancelOrder(MARKET, client_order_id="a1b2c3-1"),
        CancelOrder(MARKET, client_order_id="a1b2c3-9"),
        CancelOrder(MARKET, order_id=second.order_id),
    )
    answer = venue.submit(Batch(cancel=cancels)).cancel
    assert [one.order_id if isinstance(one, Order) else one.code for one in answer] == [
        first.order_id,
        "order_not_found",
        second.order_id,
    ]
    assert all(one.status is OrderStatus.CANCELLED for one in answer if isinstance(one, Order))
    assert venue.open_orders() == ()
    cancelled = venue.order("a1b2c3-1")
    assert cancelled is not None
    assert cancelled.status is OrderStatus.CANCELLED


def test_a_batch_of_more_than_39_is_split_and_answered_in_order(venue: Hyperliquid) -> None:
    one = bid(venue, factor="0.5")
    assert one.price is not None
    orders = [replace(one, client_order_id=f"a1b2c3-{n}", price=one.price + n) for n in range(1, 85)]
    answer = placed(venue, *orders)
    assert [one.client_order_id for one in answer if isinstance(one, Order)] == [o.client_order_id for o in orders]
    assert venue.cancel_all() == 84
    assert venue.open_orders() == ()


def test_an_immediate_order_fills_and_its_fill_and_position_are_told(venue: Hyperliquid, exchange: Exchange) -> None:
    order = bid(venue, 1, "1.02", post_only=False, time_in_force=TimeInForce.IOC)
    (answer,) = placed(venue, order)
    assert isinstance(answer, Order)
    assert (answer.status, answer.filled) == (OrderStatus.FILLED, D("0.001"))
    snapshot = venue.snapshot([MARKET], Cursors())
    (fill,) = snapshot.fills
    assert (fill.client_order_id, fill.side, fill.size) == ("a1b2c3-1", Side.LONG, D("0.001"))
    assert fill.fee == exchange.fills("desk").fills[0].fee
    (position,) = snapshot.positions
    assert position.size == D("0.001")
    assert snapshot.account.equity == exchange.account("desk").equity
    # read again from before: the same fill, under the same id
    again = venue.snapshot([MARKET], Cursors("0", "0"))
    assert [one.fill_id for one in again.fills] == [fill.fill_id]


def test_an_immediate_order_that_finds_nothing_is_a_passing_refusal(venue: Hyperliquid) -> None:
    (answer,) = placed(venue, bid(venue, 1, "0.9", post_only=False, time_in_force=TimeInForce.IOC))
    assert isinstance(answer, Refusal)
    assert answer.code == "no_liquidity"


def test_an_expired_request_does_not_act(venue: Hyperliquid) -> None:
    with pytest.raises(VenueRefused, match="expired") as failure:
        placed(venue, bid(venue, valid_until_ms=NOW_MS - 1))
    assert failure.value.venue_code == "expired"
    assert venue.open_orders() == ()


def test_another_key_is_an_authentication_error_and_nothing_acts(venue: Hyperliquid) -> None:
    order = bid(venue)
    venue._link._signer = lambda: Signer("0x" + "5" * 64)
    with pytest.raises(AuthenticationError, match="may not act for the account"):
        placed(venue, order)
    assert venue.open_orders() == ()


def test_what_this_venue_cannot_do_is_said_before_anything_is_sent(venue: Hyperliquid) -> None:
    with pytest.raises(RiskRefused, match="the new one is not given"):
        venue.submit(Batch(amend=(AmendOrder("a1b2c3-1", MARKET, D(1), D(1)),)))
    with pytest.raises(RiskRefused, match="no form"):
        placed(venue, bid(venue), bid(venue, client_order_id="mine"))
    with pytest.raises(UnknownMarket, match="NOPE-PERP"):
        venue.tickers(["NOPE-PERP"])
    assert venue.open_orders() == ()


def test_funding_of_every_market_takes_one_reading_of_prices(venue: Hyperliquid) -> None:
    tickers = venue.tickers()
    assert len(tickers) == 299
    assert all(one.mid is None and one.funding_interval_hours == 1 for one in tickers)
    assert all(one.funding_estimated for one in tickers)


def test_candles_are_told_by_the_minute(venue: Hyperliquid) -> None:
    found = venue.candles(MARKET, NOW_MS - 600_000)
    assert 5 <= len(found) <= 11
    assert all(one.low <= min(one.open, one.close) and one.high >= max(one.open, one.close) for one in found)
    assert [one.time_ms for one in found] == sorted({one.time_ms for one in found})


def test_the_dead_man_switch_is_armed_and_taken_back(venue: Hyperliquid, exchange: Exchange) -> None:
    placed(venue, bid(venue))
    venue.arm_dead_man(60)
    venue.arm_dead_man(0)
    with pytest.raises(RiskRefused):
        venue.arm_dead_man(1)
    assert len(exchange.orders("desk")) == 1


def test_numbers_of_requests_rise_whatever_the_clock_and_the_process(tmp_path: Path) -> None:
    path = tmp_path / "nonces" / "one"
    first, second = NonceFile(path, lambda: 1000), NonceFile(path, lambda: 900)
    assert [first(), second(), first(), second()] == [1000, 1001, 1002, 1003]
    path.write_bytes(b"half")
    assert first() == 1003
    path.write_text("9" * 20)  # a number that the venue would refuse for ever
    assert NonceFile(path, lambda: 2000)() == 2000


def test_a_folder_that_cannot_be_written_does_not_stop_a_request(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    draw = NonceFile(tmp_path / "file" / "nonces", lambda: 1_000_000)
    numbers = [draw() for _ in range(3)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 1_000_000
