"""The break-even fee over arbitrary histories: what it must not depend on, and how histories come together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.accounting.edge import Edge, Sum, Tally, edge_of
from pfmm.model.order import Fill
from pfmm.report.data import ReportData
from pfmm.report.wording import pnl_amounts, pnl_words
from tests.examples import examples
from tests.property.test_report_properties import histories, report, series

D = Decimal
History = list[tuple[Fill, str]]
Mids = list[tuple[int, Decimal]]


def found(history: History, mids: Mids) -> ReportData:
    return report(history, {"A": mids, "B": mids}, marks={})


def same_bps(one: Edge, other: Edge, sign: int = 1) -> None:
    for mine, theirs in zip(one.break_even, other.break_even, strict=True):
        assert (mine.bps is None) is (theirs.bps is None)
        assert mine.bps is None or mine.bps == pytest.approx(sign * theirs.bps, abs=1e-6)
        assert mine.se_bps == (None if theirs.se_bps is None else pytest.approx(theirs.se_bps, abs=1e-6))
        assert replace(mine, bps=None, se_bps=None) == replace(theirs, bps=None, se_bps=None)


@examples(20, 40)
@given(histories, series)
def test_gross_and_rebates_are_net_and_the_parts_add_up_as_printed(history: History, mids: Mids) -> None:
    pnl = found(history, mids).pnl
    assert pnl.gross + pnl.rebates == pnl.total
    assert pnl.rebates == -sum((min(fill.fee.quantize(D("1e-8")), D(0)) for fill, _ in history), D(0))
    assert sum(pnl_amounts(pnl), D(0)) == pnl.total
    *words, total = pnl_words(pnl)
    assert sum(map(D, words)) == D(total)


@examples(15, 40)
@given(histories, series, st.sampled_from((D("0.5"), D(3), D(1_000))))
def test_the_unit_of_the_prices_does_not_matter(history: History, mids: Mids, factor: Decimal) -> None:
    """All prices, mids and fees as many times as high: every figure in bps is what it was."""
    scaled = [(replace(fill, price=fill.price * factor, fee=fill.fee * factor), owner) for fill, owner in history]
    one, other = found(history, mids).edge, found(scaled, [(at, mid * factor) for at, mid in mids]).edge
    same_bps(one, other)
    for name in ("paid_maker_bps", "net_bps", "net_after_exits_bps"):
        mine, theirs = getattr(one, name), getattr(other, name)
        # a fee is rounded to 1e-8 before it counts
        assert mine == (None if theirs is None else pytest.approx(theirs, abs=1e-3, rel=1e-3))


@examples(15, 40)
@given(histories, series)
def test_a_mirrored_market_has_the_same_break_even(history: History, mids: Mids) -> None:
    """Every price and mid mirrored at 100, buys as sells: each fill gains what it gained, on a notional that differs by
    so much as its mid is away from 100."""
    flipped = [
        (replace(fill, side=fill.side.opposite, price=200 - fill.price, size=fill.size), owner)
        for fill, owner in history
    ]
    one, other = found(history, mids), found(flipped, [(at, 200 - mid) for at, mid in mids])
    assert one.pnl.spread_capture == other.pnl.spread_capture
    assert one.pnl.adverse_selection == other.pnl.adverse_selection
    for mine, theirs in zip(one.edge.break_even, other.edge.break_even, strict=True):
        assert (mine.bps is None) is (theirs.bps is None)
        # mids lie between 90 and 110: the notional changes by no more than 110 / 90, the gain not at all
        assert mine.bps is None or abs(theirs.bps - mine.bps) <= abs(mine.bps) * (110 / 90 - 1) + 1e-9


sums = st.tuples(st.integers(0, 400), st.integers(-(10**6), 10**6), st.integers(1, 10**6))


def tally(rows: list[tuple[int, int, int]]) -> Tally:
    made = Tally()
    for minute, gain, notional in rows:
        for index in range(4):
            made.count(index, minute, Sum(D(gain).scaleb(-4), D(notional)), 1)
        made.orders[minute] = made.orders.get(minute, 0) + 1
        made.maker_usd += notional
    return made


@examples(30, 100)
@given(st.lists(sums, min_size=1, max_size=20), st.lists(sums, min_size=1, max_size=20))
def test_the_break_even_of_a_union_lies_between_those_of_its_parts(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]
) -> None:
    """Weighted by money, however the fills come together: as two markets, or as two lots of one."""
    parts = [edge_of([tally(rows)]).headline for rows in (one, other)]
    low, high = sorted(part.bps or 0.0 for part in parts)
    together = tally(one)
    together.add(tally(other))
    for whole in (edge_of([together]).headline, edge_of([tally(one), tally(other)]).headline):
        assert whole.bps is not None
        assert low - 1e-9 <= whole.bps <= high + 1e-9
        assert whole.n_fills == len(one) + len(other)
        assert whole.n_blocks == len({row[0] for row in one + other})
    assert edge_of([together]) == edge_of([tally(one + other)])


@pytest.mark.parametrize(("pause", "sessions"), [(60, 1), (61, 2)])
def test_a_pause_of_more_than_an_hour_begins_another_session(pause: int, sessions: int) -> None:
    assert edge_of([tally([(0, 1, 100), (pause, 1, 100)])]).headline.n_sessions == sessions


def test_five_sessions_take_the_error_over_themselves() -> None:
    """Two minutes of 100 USD each in five sessions that gain +0.01 and -0.03 each: -1 bp every session, no error."""
    rows = [(session * 100 + minute, gain, 100) for session in range(5) for minute, gain in ((0, 100), (1, -300))]
    headline = edge_of([tally(rows)]).headline
    assert (headline.bps, headline.se_bps, headline.error_by) == (pytest.approx(-1.0), pytest.approx(0.0), "session")


def test_taker_fills_are_exits_and_no_part_of_the_break_even() -> None:
    """0.01 on 100 USD that paid 0.02, and an exit that captured -0.03 for 0.05: 1, paid 2, -1, and -8 more."""
    made = tally([(0, 100, 100)])
    made.maker_fees, made.exits, made.exit_gain = D("0.02"), 1, D("-0.08")
    edge = edge_of([made])
    assert (edge.headline.bps, edge.paid_maker_bps, edge.net_bps) == (1.0, 2.0, -1.0)
    assert edge.net_after_exits_bps == pytest.approx(-9.0)
    made.exits_unknown = 1
    assert edge_of([made]).net_after_exits_bps is None
