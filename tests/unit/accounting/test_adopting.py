"""What changes hands without a trade, worked by hand."""

from __future__ import annotations

from decimal import Decimal

from pfmm.accounting.adopting import changed_since, taken
from pfmm.model.ledger import Move
from pfmm.model.order import Fill, Liquidity, Side

D = Decimal
MOVES = (
    Move("M", "old", "new", D(2), D(100), 1_000),
    Move("M", None, "new", D(-3), D(101), 2_000),  # what no fill tells of has no giver
    Move("M", "old", "other", D(1), D(102), 3_000),
)


def test_a_move_is_a_fill_of_its_taker_at_its_price_for_no_fee() -> None:
    bought, sold, _ = map(taken, MOVES)
    assert (bought.side, bought.size, bought.price, bought.fee, bought.time_ms) == (Side.LONG, 2, 100, 0, 1_000)
    assert (sold.side, sold.size, sold.price, sold.market) == (Side.SHORT, 3, 101, "M")


def test_a_move_of_less_than_one_unit_is_bought_too_and_made_as_no_order_makes_it() -> None:
    assert taken(Move("M", "old", "new", D("0.5"), D(100), 7)) == Fill(
        "", "", None, "M", Side.LONG, D(100), D("0.5"), D(0), Liquidity.MAKER, 7
    )


def test_what_moved_after_a_time_changed_the_givers_and_the_takers_alike() -> None:
    # of the first: +2 and -2; the second gives 3 short to new; the third 1 from old to other
    assert changed_since(MOVES, 0) == {"new": D(-1), "old": D(-3), "other": D(1)}
    assert changed_since(MOVES, 1_000) == {"new": D(-3), "other": D(1), "old": D(-1)}
    assert changed_since(MOVES, 3_000) == {}
