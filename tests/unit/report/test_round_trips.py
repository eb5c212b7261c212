"""Round trips: first in, first out, each quantity once."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pfmm.model.order import Fill, Liquidity, Side
from pfmm.report.round_trips import round_trips

D = Decimal


def fill(side: str, size: str, price: str, time_ms: int = 0, market: str = "M") -> Fill:
    return Fill("f", "o", None, market, Side(side), D(price), D(size), D(0), Liquidity.MAKER, time_ms)


def test_what_was_bought_first_is_sold_first() -> None:
    told = [
        fill("long", "2", "100"),
        fill("long", "1", "90", 1),
        fill("short", "2.5", "101", 2),
        fill("short", "3", "80", 3),
    ]
    found = [(one.side, one.size, one.entry_price, one.exit_price, one.gross) for one in round_trips(told)]
    assert found == [
        ("long", 2, 100, 101, 2),
        ("long", D("0.5"), 90, 101, D("5.5")),
        ("long", D("0.5"), 90, 80, -5),  # the other 2.5 sold are open
    ]
    assert round_trips([fill("long", "1", "100"), fill("short", "1", "101", market="N")]) == []


def test_a_short_earns_by_a_fall() -> None:
    (one,) = round_trips([fill("short", "2", "100"), fill("long", "2", "99", 5_000)])
    assert (one.side, one.gross, one.gross_bps, one.closed_ms - one.opened_ms) == ("short", 2, 100.0, 5_000)


fills = st.lists(st.tuples(st.sampled_from(("long", "short")), st.integers(1, 9), st.integers(90, 110)), max_size=30)


@given(fills)
def test_trips_and_what_is_held_make_up_the_cash(rows: list[tuple[str, int, int]]) -> None:
    """What all round trips earned is the cash of all fills, with what is held valued at what it cost."""
    told = [fill(side, str(size), str(price)) for side, size, price in rows]
    trips = round_trips(told)
    cash = sum((-one.signed_size * one.price for one in told), D(0))
    held = sum((one.signed_size for one in told), D(0))
    matched = sum((one.size for one in trips), D(0))
    assert 2 * matched + abs(held) == sum((one.size for one in told), D(0))
    if not held:
        assert sum((one.gross for one in trips), D(0)) == cash
