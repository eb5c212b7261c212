"""What the rows of minutes add up to, worked by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pfmm.accounting.attribution import FillQuality
from pfmm.accounting.edge import Sum, Tally, edge_of
from pfmm.accounting.minutes import Horizon, MinuteFold, MinuteRow, MinuteTable, closed_through, tally_of_rows
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.run import JournalFill

D = Decimal
MAKER, TAKER = Liquidity.MAKER, Liquidity.TAKER
MIDS = ("0.1", "0.2", "-0.3", None)  # what a mid moved in the fill's favour after 1, 5 and 30 s


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


def test_every_sum_of_the_rows_is_in_their_tally() -> None:
    amount = D("100000000000000000000.0000000001")  # of more digits than a context has by itself
    one = MinuteRow("M", "r", 1, maker_usd=amount, maker_fees=D(2), exits=3, exits_unknown=4, exit_gain=D(5), placed=6,
                    mid_age_ms=7)  # fmt: skip
    found = tally_of_rows([one, one])
    assert (found.maker_fees, found.exit_gain) == (4, 10)
    assert found.maker_usd == D("200000000000000000000.0000000002")
    assert (found.exits, found.exits_unknown, found.placed, found.mid_age_ms) == (6, 8, 12, 14)


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


def told(
    seq: int, size: str, time_ms: int, *, price: str = "100", fee: str = "0", order: str = "o1", liquidity: Any = MAKER
) -> JournalFill:
    side = Side.LONG if D(size) > 0 else Side.SHORT
    fill = Fill(f"f{seq}", order, None, "M", side, D(price), abs(D(size)), D(fee), liquidity, time_ms)
    return JournalFill(seq, "r", None, fill)


def judged(item: JournalFill, capture: str | None = "0.2", *, mid: str = "101", age_ms: int = 7) -> FillQuality:
    if capture is None:
        return FillQuality(item.fill, None, None, (None,) * 4)
    markouts = tuple(None if one is None else D(one) for one in MIDS)
    return FillQuality(item.fill, D(mid), D(capture), markouts, age_ms)


def rows_of(*items: JournalFill, capture: str | None = "0.2") -> list[MinuteRow]:
    fold = MinuteFold({})
    for item in items:
        fold.add("r", item, judged(item, capture))
    return list(fold.rows.values())


def test_a_row_has_what_the_fills_of_its_minute_came_to() -> None:
    (found,) = rows_of(
        told(3, "2", 60_000, fee="-0.02"),
        told(4, "-3", 70_000, price="102", fee="0.05", order="o2", liquidity=TAKER),
        told(5, "1", 90_000, price="99", fee="-0.01"),
    )
    assert (found.key, found.first_seq, found.last_seq) == (("M", "r", 1), 3, 5)
    assert (found.fills, found.orders, found.maker_orders, found.exits) == (3, 2, 1, 1)
    assert (found.bought, found.bought_usd, found.sold, found.sold_usd) == (3, 299, 3, 306)  # 2 x 100 + 99; 3 x 102
    assert (found.fees, found.rebates) == (D("0.05"), D("0.03"))
    assert (found.maker_usd, found.maker_fees) == (299, D("-0.03"))
    assert (found.exit_gain, found.exits_unknown) == (D("0.15"), 0)  # captured 0.2 for 0.05
    assert (found.capture, found.placed, found.mid_age_ms) == (D("0.6"), 3, 21)
    # long 2 at 100 for 10 s, then short 1 at 102 for 20 s
    assert (found.held_usd_ms, found.net, found.last_price, found.last_ms) == (2_000_000 + 2_040_000, 0, 99, 90_000)
    # 0.2 - 0.3 and the rebates of 0.02 and 0.01 are below zero; so is 0.2 - 0.3 - 0.05
    assert found.losing == 3
    # the mid of 101 before, on 2 + 3 + 1; of these 2 + 1 made
    assert found.horizons == [
        Horizon(D("0.3"), D(606), 3, D("0.6"), D(303), 2),
        Horizon(D("0.6"), D(606), 3, D("0.8"), D(303), 2),
        Horizon(D("-0.9"), D(606), 3, D("-0.2"), D(303), 2),
        Horizon(),
    ]


def test_an_edge_of_nothing_is_no_loss_and_one_that_nobody_knows_neither() -> None:
    # 0.3 captured, -0.3 after 30 s, for nothing; for a fee of a millionth; without a mid
    assert rows_of(told(1, "1", 0), capture="0.3")[0].losing == 0
    assert rows_of(told(1, "1", 0, fee="0.000001"), capture="0.3")[0].losing == 1
    exits = [told(seq, "-1", seq, liquidity=TAKER) for seq in (1, 2)]
    (unknown,) = rows_of(*exits, told(3, "1", 3), capture=None)
    assert (unknown.losing, unknown.placed, unknown.exits, unknown.exits_unknown) == (0, 0, 2, 2)
    assert unknown.horizons == [Horizon()] * 4
    assert (unknown.capture, unknown.exit_gain, unknown.maker_usd) == (0, 0, 100)


def test_exits_add_up_and_amounts_are_exact_to_any_digit() -> None:
    price = "100000000000000000000.0000000001"  # of more digits than a context has by itself
    exits = [told(seq, "1", seq, price=price, fee="0.05", liquidity=TAKER) for seq in (1, 2)]
    (found,) = rows_of(*exits)
    assert (found.exits, found.exit_gain) == (2, D("0.3"))  # captured 0.2 for 0.05, twice
    assert found.bought_usd == D("200000000000000000000.0000000002")


def test_a_fill_that_is_not_judged_at_every_horizon_is_refused() -> None:
    item = told(1, "1", 0)
    with pytest.raises(ValueError, match="shorter"):
        MinuteFold({}).add("r", item, FillQuality(item.fill, D(100), D(0), (None,), 7))


def test_the_next_minute_goes_on_with_the_position_and_a_late_fill_turns_no_time_back() -> None:
    first, second = rows_of(
        told(1, "2", 50_000),
        told(2, "-1", 80_000, price="110"),
        told(3, "1", 70_000, price="90"),  # told late: of before the last
        told(4, "1", 100_000, price="95"),
    )
    assert (first.minute, first.held_usd_ms, first.net) == (0, 0, 2)
    # 2 at 100 for 30 s; nothing for the late one; then 2 at 90, the price of the last told, from 80 s to 100 s
    assert (second.minute, second.held_usd_ms) == (1, 6_000_000 + 3_600_000)
    assert (second.net, second.last_price, second.last_ms) == (3, 95, 100_000)
    assert (second.first_seq, second.last_seq, second.fills) == (2, 4, 3)


def test_owners_and_markets_have_rows_of_their_own() -> None:
    fold = MinuteFold({})
    one = told(1, "2", 1_000)
    fold.add("r", one, judged(one))
    fold.add("*", one, judged(one))
    assert [(row.owner, row.net) for row in fold.rows.values()] == [("r", 2), ("*", 2)]


def test_a_stored_row_goes_on_where_it_was() -> None:
    before = MinuteRow("M", "r", 1, fills=2, orders=2, maker_orders=1, net=D(3), last_price=D(100), last_ms=61_000)
    fold = MinuteFold({("M", "r"): before})
    fold.resume(before, ["o1", "o2"], ["o1"])
    for item in (
        told(7, "1", 62_000, order="o1"),
        told(8, "1", 62_000, order="o2"),  # took before, makes now
        told(9, "1", 62_000, order="o3", liquidity=TAKER),
    ):
        fold.add("r", item, judged(item))
    assert (before.fills, before.orders, before.maker_orders, before.exits) == (5, 3, 2, 1)
    assert before.held_usd_ms == 300_000  # 3 at 100 for 1 s
    # another minute of the same owner begins with what the stored one ended with
    fold = MinuteFold({("M", "r"): before})
    item = told(10, "-1", 122_000)
    fold.add("r", item, judged(item))
    (row,) = fold.rows.values()
    assert (row.net, row.held_usd_ms, row.orders) == (5, 6 * 100 * 60_000, 1)


@pytest.mark.parametrize(("seen_ms", "closed"), [(359_999, 0), (360_000, 2), (419_999, 2), (420_000, 4)])
def test_a_minute_closes_six_minutes_after_its_begin(seen_ms: int, closed: int) -> None:
    # up to the first that is open: what lies behind it waits
    items = [told(1, "1", 0), told(2, "1", 59_999), told(3, "1", 60_000), told(4, "1", 0)]
    assert closed_through(items, seen_ms) == items[:closed]


def test_columns_are_told_as_they_are_and_as_amounts() -> None:
    table = MinuteTable({"minute": [1, 2], "fees": ["0.1", "0.25"]})
    assert (len(table), table.column("minute"), table.amounts("fees")) == (2, [1, 2], [D("0.1"), D("0.25")])
    assert table.total("fees") == D("0.35")
    assert isinstance(MinuteTable({"minute": [], "fees": []}).total("fees"), Decimal)


def tally(factor: int) -> Tally:
    """One of the minute 3 with two fills, of which one is known at the first horizon, and one of the minute 4."""
    found = Tally(
        order_ids={3: {"a"}}, orders={3: factor, 4: 1}, maker_usd=D(100 * factor), maker_fees=D(factor),
        exits=2 * factor, exits_unknown=3 * factor, exit_gain=D(5 * factor), placed=7 * factor, mid_age_ms=11 * factor,
    )  # fmt: skip
    found.count(0, 3, Sum(D(factor), D(10 * factor)), 1)
    found.count(1, 3, Sum(D(factor), D(20 * factor)), 2)
    found.count(1, 4, Sum(D(factor), D(20 * factor)), 3)
    return found


def test_every_sum_of_two_tallies_adds_up() -> None:
    one = tally(1)
    one.add(tally(10))
    assert one.minutes == [
        {3: Sum(D(11), D(110))},
        {3: Sum(D(11), D(220)), 4: Sum(D(11), D(220))},
        {},
        {},
    ]
    assert one.fills == [2, 10, 0, 0]
    assert (one.maker_usd, one.maker_fees, one.exit_gain) == (1_100, 11, 55)
    assert (one.exits, one.exits_unknown, one.placed, one.mid_age_ms) == (22, 33, 77, 121)
    # order a, and 1 + 10 without a name, in the minute 3; 1 + 1 in the minute 4
    assert [one.orders_of(index) for index in range(4)] == [12, 14, 0, 0]


def test_nothing_is_counted_of_a_minute_without_fills() -> None:
    found = Tally()
    found.count(0, 3, Sum(D(1), D(10)), 0)
    assert found == Tally()


@pytest.mark.parametrize(
    ("changes", "paid", "net", "after"),
    [
        ({}, 2.0, -1.0, -9.0),  # 0.01 on 100 is 1 bp; 0.02 paid; exits lost 0.08
        ({"maker_usd": D(0)}, None, None, None),
        ({"exits_unknown": 1}, 2.0, -1.0, None),
        ({"exits_unknown": 0, "exit_gain": D(0)}, 2.0, -1.0, -1.0),
    ],
)
def test_the_edge_after_fees_and_exits(
    changes: dict[str, Any], paid: float | None, net: float | None, after: float | None
) -> None:
    found = Tally(maker_usd=D(100), maker_fees=D("0.02"), exits=1, exit_gain=D("-0.08"), placed=2, mid_age_ms=5)
    found.count(1, 3, Sum(D("0.01"), D(100)), 1)
    for name, value in changes.items():
        setattr(found, name, value)
    edge = edge_of([found])
    assert (edge.paid_maker_bps, edge.net_bps, edge.net_after_exits_bps, edge.exits) == (paid, net, after, 1)
    assert edge.mid_age_ms == 2.5
    assert [one.horizon_s for one in edge.break_even] == [5, 30, 300]
    assert [one.n_fills for one in edge.break_even] == [1, 0, 0]


def test_an_edge_of_nothing_is_unknown() -> None:
    empty = edge_of([])
    assert (empty.headline.bps, empty.paid_maker_bps, empty.net_bps, empty.net_after_exits_bps) == (None,) * 4
    assert (empty.exits, empty.mid_age_ms) == (0, None)
    # what was paid is known, what it earned is not
    paid = edge_of([Tally(maker_usd=D(100), maker_fees=D("0.02"))])
    assert (paid.paid_maker_bps, paid.net_bps, paid.net_after_exits_bps) == (2.0, None, None)


def test_fills_of_two_markets_in_a_minute_are_one_block() -> None:
    one, other = Tally(), Tally()
    one.count(1, 3, Sum(D("0.01"), D(100)), 1)
    other.count(1, 3, Sum(D("-0.03"), D(100)), 2)
    other.count(1, 4, Sum(D("0.04"), D(200)), 1)
    found = edge_of([one, other]).headline
    # 0.02 on 400 USD: 0.5 bp; -0.02 - 0.01 and 0.04 - 0.01 of the two minutes: sqrt(2 x 0.0018) / 400
    assert (found.bps, found.n_blocks, found.n_fills) == (0.5, 2, 4)
    assert found.se_bps == pytest.approx(1.5)
