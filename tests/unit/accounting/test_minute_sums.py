"""What the rows of minutes add up to, worked by hand."""

from __future__ import annotations

from decimal import Decimal

from pfmm.accounting.edge import Tally, edge_of
from pfmm.accounting.minutes import Horizon, MinuteRow, tally_of_rows

D = Decimal


def row(minute: int, gain: str, *, orders: int = 1, fills: int = 1) -> MinuteRow:
    """Maker fills of 100 USD that gained so much by every horizon and paid 0.02; an exit that earned -0.08."""
    horizons = [Horizon(gain=D(gain), maker_value=D(100), maker_fills=fills) for _ in range(4)]
    return MinuteRow(
        "M", "r", minute, maker_orders=orders, maker_usd=D(100), maker_fees=D("0.02"), exits=1, exit_gain=D("-0.08"),
        placed=2, mid_age_ms=600, horizons=horizons,
    )  # fmt: skip


def test_rows_add_up_to_the_edge_of_their_fills() -> None:
    # 0.01 and -0.03 on 100 each: -1 bp, of 2 paid: -3; two exits of -0.08 on 200 made: 8 worse
    found = edge_of([tally_of_rows([row(0, "0.01"), row(1, "-0.03", orders=2, fills=3)])])
    headline = found.headline
    assert (headline.bps, found.paid_maker_bps, found.net_bps, found.net_after_exits_bps) == (-1.0, 2.0, -3.0, -11.0)
    assert (headline.n_fills, headline.n_orders, headline.n_blocks, found.exits) == (4, 3, 2, 2)
    assert found.mid_age_ms == 300  # 1,200 ms over 4 fills


def test_two_rows_of_a_minute_are_one_block() -> None:
    found = tally_of_rows([row(5, "0.01"), row(5, "0.02")])
    assert found.orders == {5: 2}
    assert (found.minutes[0][5].gain, found.minutes[0][5].notional) == (D("0.03"), 200)


def test_a_minute_without_a_known_mid_has_no_block() -> None:
    assert tally_of_rows([row(5, "0", fills=0)]).minutes == [{}, {}, {}, {}]


def test_tallies_of_two_lots_add_up_order_by_order() -> None:
    # orders with a name are counted once, those without one as often as they come
    one, other = Tally(), Tally()
    one.order_ids, one.orders = {1: {"a", "b"}}, {1: 2}
    other.order_ids, other.orders = {1: {"b"}, 2: {"b"}}, {1: 1, 3: 4}
    one.add(other)
    assert one.order_ids == {1: {"a", "b"}, 2: {"b"}}
    assert one.orders == {1: 3, 3: 4}
