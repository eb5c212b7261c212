"""Whose position a fill of no run closes, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.accounting.closing import cut, less, parts_of
from pfmm.model.ledger import UNATTRIBUTED, LedgerState, OwnerBook
from pfmm.model.order import Fill, Liquidity, Side

D = Decimal
BUY, SELL = Side.LONG, Side.SHORT


def fill(side: Side, size: str, fee: str = "0.6", *, liquidation: bool = False) -> Fill:
    """A fill of the account at time 50 that no order of a run made."""
    return Fill("f", "o", None, "M", side, D(100), D(size), D(fee), Liquidity.TAKER, 50, liquidation=liquidation)


def ended(owner: str, size: str, number: int, since_ms: int = 50) -> OwnerBook:
    return OwnerBook("M", owner, LedgerState(D(size), D(0)), number=number, left_since_ms=since_ms)


def running(owner: str, size: str) -> OwnerBook:
    return OwnerBook("M", owner, LedgerState(D(size), D(0)))


Part = tuple[str, Side, str, str]  # owner, side, size, fee


@pytest.mark.parametrize(
    ("sold", "books", "parts"),
    [
        # what ended runs left goes first, by their numbers, from their last cycle on; the fee of 0.6 goes with it
        (fill(SELL, "6"), [ended("a", "3", 1), ended("b", "1", 2)],
         [("a", SELL, "3", "0.3"), ("b", SELL, "1", "0.1"), ("", SELL, "2", "0.2")]),
        (fill(SELL, "3"), [ended("b", "2", 2), ended("a", "2", 1)], [("a", SELL, "2", "0.4"), ("b", SELL, "1", "0.2")]),
        (fill(SELL, "2"), [ended("a", "2", 1)], [("a", SELL, "2", "0.6")]),
        (fill(SELL, "2"), [ended("a", "2", 1, since_ms=51)], [("", SELL, "2", "0.6")]),
        (fill(BUY, "2"), [ended("a", "2", 1)], [("", BUY, "2", "0.6")]),  # adds to it
        (fill(BUY, "3"), [ended("a", "-2", 1)], [("a", BUY, "2", "0.4"), ("", BUY, "1", "0.2")]),
        # then what nobody's own hand holds, then running runs, the oldest first
        (fill(SELL, "2"), [running("r1", "3")], [("r1", SELL, "2", "0.6")]),
        (fill(SELL, "3"), [running("r10", "2"), running("r9", "2")],
         [("r9", SELL, "2", "0.4"), ("r10", SELL, "1", "0.2")]),
        (fill(SELL, "3"), [running("", "2"), running("r1", "3")], [("r1", SELL, "1", "0.2"), ("", SELL, "2", "0.4")]),
        (fill(SELL, "1"), [running("r1", "3"), running("", "2")], [("", SELL, "1", "0.6")]),
        (fill(SELL, "4"), [running("r1", "3"), running("", "2"), ended("a", "1", 1)],
         [("a", SELL, "1", "0.15"), ("r1", SELL, "1", "0.15"), ("", SELL, "2", "0.3")]),
        (fill(BUY, "2"), [running("r1", "-3")], [("r1", BUY, "2", "0.6")]),
        # a liquidation takes from the runs first
        (fill(SELL, "4", liquidation=True), [running("", "2"), running("r1", "3")],
         [("r1", SELL, "3", "0.45"), ("", SELL, "1", "0.15")]),
        # what adds to the position of all, or where they hold nothing together, is nobody's
        (fill(BUY, "1"), [running("r1", "3"), running("r2", "-1")], [("", BUY, "1", "0.6")]),
        (fill(SELL, "1"), [running("r1", "3"), running("r2", "-3")], [("", SELL, "1", "0.6")]),
        (fill(SELL, "1"), [running("", "3")], [("", SELL, "1", "0.6")]),
        # where nothing is left of it, those that lay the other way round are closed too, and pay no fee
        (fill(SELL, "3"), [running("r1", "5"), running("r2", "-2")], [("r1", SELL, "5", "0.6"), ("r2", BUY, "2", "0")]),
        (fill(BUY, "3"), [running("r1", "-5"), running("r2", "2")], [("r1", BUY, "5", "0.6"), ("r2", SELL, "2", "0")]),
        # 4 of 6 that change hands are the fill: 5 of r1, 1 that opens
        (fill(SELL, "4"), [running("r1", "5"), running("r2", "-2")],
         [("r1", SELL, "5", "0.5"), ("r2", BUY, "2", "0"), ("", SELL, "1", "0.1")]),
        # one short of it: r1 alone is closed, as far as it goes
        (fill(SELL, "2"), [running("r1", "5"), running("r2", "-2")], [("r1", SELL, "2", "0.6")]),
        # halves, with one that lies the other way round by less than a unit
        (fill(SELL, "0.25"), [running("r1", "0.75"), running("r2", "-0.5")],
         [("r1", SELL, "0.75", "0.6"), ("r2", BUY, "0.5", "0")]),
        (fill(SELL, "0.5"), [running("r1", "0.75"), running("r2", "-0.5")],
         [("r1", SELL, "0.75", "0.45"), ("r2", BUY, "0.5", "0"), ("", SELL, "0.25", "0.15")]),
        # an ended run among them, and a hand that holds 1: 4 are sold, r1's 5 and the hand's 1 against 2
        (fill(SELL, "4"), [ended("a", "-2", 1), running("r1", "5"), running("", "1")],
         [("a", BUY, "2", "0"), ("r1", SELL, "5", "0.5"), ("", SELL, "1", "0.1")]),
        # a hand that lies the other way round: it holds -2, r1 5; 3 are sold: r1's 5, of which the hand has bought 2
        (fill(SELL, "3"), [running("r1", "5"), running("", "-2")], [("r1", SELL, "5", "0.6"), ("", BUY, "2", "0")]),
    ],
)  # fmt: skip
def test_whose_position_a_fill_of_no_run_closes(sold: Fill, books: list[OwnerBook], parts: list[Part]) -> None:
    found = parts_of(sold, books, of_running=True)
    assert [(owner, part.side, part.size, part.fee) for owner, part in found] == [
        (owner, side, D(size), D(fee)) for owner, side, size, fee in parts
    ]
    assert sum(part.signed_size for _, part in found) == sold.signed_size
    assert sum(part.fee for _, part in found) == sold.fee
    assert {(part.price, part.time_ms, part.fill_id) for _, part in found} == {(D(100), 50, "f")}


def test_before_that_rule_only_what_ended_runs_left_was_closed() -> None:
    books = [running("r1", "3"), ended("a", "1", 1)]
    found = parts_of(fill(SELL, "4"), books, of_running=False)
    assert [(owner, part.size) for owner, part in found] == [("a", 1), (UNATTRIBUTED, 3)]


@pytest.mark.parametrize(
    ("size", "fees"),
    [
        ("1", ("0.03333333", "0.06666667")),  # of 0.1 on 3
        ("2", ("0.06666667", "0.03333333")),
        ("3", ("0.1", None)),
        ("4", ("0.1", None)),
    ],
)
def test_a_cut_shares_the_fee_and_loses_nothing(size: str, fees: tuple[str, str | None]) -> None:
    whole = fill(SELL, "3", "0.1")
    part, rest = cut(whole, D(size))
    assert (part.size, part.fee) == (min(D(size), D(3)), D(fees[0]))
    if fees[1] is None:
        assert rest is None
    else:
        assert rest == replace(whole, size=D(3) - D(size), fee=D(fees[1]))


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        ([], (SELL, "3", "0.6")),
        ([(SELL, "1", "0.2")], (SELL, "2", "0.4")),
        ([(SELL, "1", "0.2"), (SELL, "2", "0.4")], None),
        ([(SELL, "5", "0.6")], (BUY, "2", "0")),  # a sale of 3 without one of 5 is a purchase of 2
        ([(BUY, "1", "0")], (SELL, "4", "0.6")),
    ],
)
def test_what_is_left_of_a_fill_without_some_parts(
    parts: list[tuple[Side, str, str]], left: tuple[Side, str, str] | None
) -> None:
    rest = less(fill(SELL, "3"), [fill(side, size, fee) for side, size, fee in parts])
    assert rest == (None if left is None else fill(*left))
