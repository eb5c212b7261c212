"""Depth with our own orders in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.app.book import BookRequest, book, imbalance
from pfmm.app.once import once
from pfmm.app.session import Session
from pfmm.app.starting import StartRequest
from pfmm.cli.render.book import render
from pfmm.errors import UnknownMarket, UsageError
from pfmm.model.market import Level

D = Decimal


def level(price: str, size: str) -> Level:
    return Level(D(price), D(size))


def test_imbalance_is_the_difference_over_the_sum() -> None:
    bids, asks = (level("99", "2"), level("98", "1")), (level("101", "1"),)
    assert imbalance(bids, asks) == 0.5  # (3 − 1) ÷ (3 + 1)
    assert imbalance(bids[:1], asks[:1]) == 0.3333  # (2 − 1) ÷ (2 + 1)
    assert imbalance(bids, ()) is None


def test_spread_sums_and_distances_are_those_of_the_levels(session: Session) -> None:
    found = book(BookRequest("btc", 3), session=session)
    assert (found.market, len(found.bids), len(found.asks)) == ("BTC-PERP", 3, 3)
    best_bid, best_ask = found.bids[0].price, found.asks[0].price
    assert found.mid == (best_bid + best_ask) / 2
    assert found.spread == best_ask - best_bid
    assert found.spread_bps == pytest.approx(float(found.spread / found.mid * 10_000), abs=0.005)
    exact = [one.price * one.size for one in found.bids]
    assert [one.total_notional for one in found.bids] == [sum(exact[: n + 1]).quantize(D("0.01")) for n in range(3)]
    assert found.bids[0].distance_bps == pytest.approx(-found.spread_bps / 2, abs=0.01)
    assert found.own_orders == ()
    assert all(one.own_size == 0 for one in (*found.bids, *found.asks))


def test_own_orders_are_marked_with_what_placed_them(session: Session) -> None:
    once(StartRequest("grid", ("BTC",)), session=session, confirm=lambda _: True, tell=lambda _: None)
    found = book(BookRequest("BTC", 5), session=session)
    assert found.own_orders is not None
    assert {one.strategy for one in found.own_orders} == {"grid"}
    assert len(found.own_orders) == len(session.venue.open_orders())
    prices = [one.price for one in found.own_orders]
    assert prices == sorted(prices, reverse=True)  # as on the screen: asks above
    drawn = render(found, 100)
    assert all(f"{one.price:f}" in drawn for one in found.own_orders)
    assert f"{len(prices)} orders of this account" in drawn


def test_a_low_screen_keeps_both_sides_of_the_middle_and_counts_the_rest(session: Session) -> None:
    drawn = render(book(BookRequest("BTC"), session=session), 100, 24).splitlines()
    assert [sum(line.startswith(side) for line in drawn) for side in ("ask", "mid", "bid")] == [6, 1, 6]
    assert "further prices not shown: 4 of asks, 4 of bids" in drawn
    assert len(drawn) < 24  # one more tells how to leave


def test_what_pfmm_did_not_place_is_said(session: Session) -> None:
    once(StartRequest("grid", ("BTC",)), session=session, confirm=lambda _: True, tell=lambda _: None)
    session.journal.close()
    session.journal_path.unlink()  # what no journal knows, somebody else placed
    found = book(BookRequest("BTC"), session=session)
    assert found.own_orders
    assert {one.strategy for one in found.own_orders} == {None}
    assert "not of pfmm" in render(found, None)


@pytest.mark.parametrize("levels", [0, 101])
def test_more_levels_than_a_book_has_are_refused(session: Session, levels: int) -> None:
    with pytest.raises(UsageError, match="--levels must be 1 to 100"):
        book(BookRequest("BTC", levels), session=session)


def test_a_slip_is_answered_with_the_market(session: Session) -> None:
    with pytest.raises(UnknownMarket) as caught:
        book(BookRequest("BTC-PREP"), session=session)
    assert caught.value.hint == "did you mean BTC-PERP?"
