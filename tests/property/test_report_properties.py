"""The report's one pass over arbitrary histories agrees with accounting's figures, fill by fill, to the last digit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pfmm.accounting.attribution import assess
from pfmm.accounting.ledger import apply, apply_funding, net_profit
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import LedgerState
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.report import block, data
from pfmm.report.inputs import MidSeries, OrderCounts, OutOfOrder, row_of
from pfmm.report.markouts import judged
from tests.examples import examples
from tests.plain_accounting import Evidence, attribute, edge, markouts_bps, metrics

END = 400_000
prices = st.integers(9_000, 11_000).map(lambda n: Decimal(n).scaleb(-2))
owned = st.tuples(
    st.builds(
        lambda market, side, price, size, fee, time_ms, order, liquidity: Fill(
            "f", f"o{order}", None, market, side, price, Decimal(size).scaleb(-3), Decimal(fee).scaleb(-9), liquidity,
            time_ms,
        ),
        st.sampled_from(("A", "B")),
        st.sampled_from(Side),
        prices,
        st.integers(1, 5_000),
        st.integers(-(10**8), 10**8),
        st.integers(0, END),
        st.integers(0, 3),
        st.sampled_from((Liquidity.MAKER, Liquidity.MAKER, Liquidity.TAKER)),
    ),
    st.sampled_from(("r1", "r2", "")),
)  # fmt: skip
histories = st.lists(owned, max_size=40).map(lambda rows: sorted(rows, key=lambda row: row[0].time_ms))
series = st.dictionaries(st.integers(-5_000, 2 * END), prices, max_size=80).map(lambda mids: sorted(mids.items()))
curves = st.dictionaries(st.integers(0, END), st.integers(1, 10**6).map(Decimal), max_size=20)
payments = st.lists(
    st.builds(
        lambda market, time_ms, size, amount: FundingPayment(
            "p", market, time_ms, Decimal("0.0001"), Decimal(100), Decimal(size).scaleb(-3), Decimal(amount).scaleb(-8)
        ),
        st.sampled_from(("A", "B")),
        st.integers(0, END),
        st.integers(-5_000, 5_000),
        st.integers(-(10**9), 10**9),
    ),
    max_size=4,
)
STRATEGIES = {"r1": "grid", "r2": "quote"}
MARKS = {"A": Decimal("100.5"), "B": Decimal("99.25")}


def report(
    history: list[tuple[Fill, str]], mids: dict[str, list[tuple[int, Decimal]]], **more: object
) -> data.ReportData:
    given_: dict[str, object] = {
        "start_ms": 0,
        "end_ms": END,
        "fills": [row_of(fill, owner) for fill, owner in history],
        "funding": (),
        "mids": {market: MidSeries.of(pairs) for market, pairs in mids.items()},
        "equity": [(0, Decimal(1_000))],
        "orders": OrderCounts(50, 20),
        "marks": MARKS,
        "strategies": STRATEGIES,
    }
    return data.report_data(**{**given_, **more})


@given(histories, series, series, payments, curves, st.integers(1, 7))
def test_the_pass_equals_the_plain_fold(
    history: list[tuple[Fill, str]],
    mids_a: list[tuple[int, Decimal]],
    mids_b: list[tuple[int, Decimal]],
    paid: list[FundingPayment],
    curve: dict[int, Decimal],
    chunk: int,
) -> None:
    mids = {"A": mids_a, "B": mids_b}
    equity = sorted(curve.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "CHUNK_ROWS", chunk)  # the borders of the chunks must not show
        found = report(history, mids, funding=paid, equity=equity)
    fills = [fill for fill, _ in history]
    qualities = []
    total, funding = Decimal(0), Decimal(0)
    for market in ("A", "B"):
        own = [fill for fill in fills if fill.market == market]
        qualities += assess(own, mids[market])
        state = LedgerState()
        for fill in own:
            state = apply(state, fill)
        for payment in paid:
            state = apply_funding(state, payment) if payment.market == market else state
        total += net_profit(state, MARKS[market])
        funding += state.funding
    assert found.pnl == attribute(qualities, total=total, funding=funding)
    assert found.markouts_bps == markouts_bps(qualities)
    by_time = sorted(qualities, key=lambda quality: quality.fill.time_ms)
    evidence = Evidence(0, END, by_time, 50, 20, total, equity[0][1] if equity else Decimal(0), equity)
    assert found.metrics == metrics(evidence)
    for one, plain in zip(found.edge.break_even, edge(qualities), strict=True):
        close = {name: pytest.approx(getattr(plain, name), abs=1e-9) for name in ("bps", "se_bps")}
        assert one == replace(plain, **{name: None if getattr(plain, name) is None else close[name] for name in close})


@examples(25, 100)
@given(histories, series, payments, st.integers(0, 40), st.sampled_from((None, "grid")), st.integers(0, END))
def test_later_fills_may_be_judged_by_somebody_else(
    history: list[tuple[Fill, str]],
    mids: list[tuple[int, Decimal]],
    paid: list[FundingPayment],
    cut: int,
    only: str | None,
    start_ms: int,
) -> None:
    both = {"A": mids, "B": mids}
    asked: dict[str, object] = {"funding": paid, "only_strategy": only, "start_ms": start_ms}
    rows = [row_of(fill, owner) for fill, owner in history]
    lines = {market: MidSeries.of(pairs) for market, pairs in both.items()}
    counted = data.counted_owners(STRATEGIES, only)
    later = data.Later(rows[cut:], lambda: judged(rows[cut:], lines, (start_ms, END), counted))
    assert report([], both, fills=rows[:cut], later=later, **asked) == report(history, both, **asked)


@examples(25, 100)
@given(histories, series, payments)
def test_markets_and_strategies_each_sum_to_the_whole(
    history: list[tuple[Fill, str]], mids: list[tuple[int, Decimal]], paid: list[FundingPayment]
) -> None:
    found = report(history, {"A": mids, "B": mids}, funding=paid)
    names = ("total", "spread_capture", "adverse_selection", "inventory", "fees", "funding")
    for parts in (found.markets, found.strategies):
        assert sum(part.fills for part in parts) == found.fills == len(history)
        for name in names:
            assert sum(Fraction(getattr(part.pnl, name)) for part in parts) == Fraction(getattr(found.pnl, name))
    assert sum(Fraction(part.pnl.rebates) for part in found.markets) == Fraction(found.pnl.rebates)
    for one in (found.pnl, *(part.pnl for part in (*found.markets, *found.strategies))):
        assert Fraction(one.gross) + Fraction(one.rebates) == Fraction(one.total)
        parts = (one.spread_capture, one.adverse_selection, one.inventory, -one.fees, one.funding)
        assert sum(map(Fraction, parts)) == Fraction(one.total)


@examples(25, 100)
@given(histories, series, payments)
def test_the_reports_of_the_strategies_alone_are_the_parts_of_the_whole(
    history: list[tuple[Fill, str]], mids: list[tuple[int, Decimal]], paid: list[FundingPayment]
) -> None:
    both = {"A": mids, "B": mids}
    whole = {part.name: part for part in report(history, both, funding=paid, marks={}).strategies}
    for name in ("grid", "quote"):
        alone = report(history, both, funding=paid, only_strategy=name, own_curve=True, marks={})
        assert alone.pnl == (whole[name].pnl if name in whole else report([], {}).pnl)
        assert alone.fills == (whole[name].fills if name in whole else 0)
        assert alone.equity[-1] == (END, 1_000 + alone.pnl.total)
        assert sum(samples[-1].pnl for samples in alone.samples.values() if samples) == alone.pnl.total


@examples(25, 100)
@given(histories, series, payments, st.integers(1, END - 1))
def test_two_halves_of_a_period_earn_what_the_whole_earns(
    history: list[tuple[Fill, str]], mids: list[tuple[int, Decimal]], paid: list[FundingPayment], cut: int
) -> None:
    """Held inventory is handed over at one price: what the first half marks it at, the second starts from."""
    assume(mids and mids[0][0] <= cut)
    assume(all(fill.time_ms != cut for fill, _ in history) and all(p.time_ms != cut for p in paid))
    both = {"A": mids, "B": mids}
    whole = report(history, both, funding=paid).pnl
    first = report(history, both, funding=paid, end_ms=cut, marks={}).pnl
    second = report(history, both, funding=paid, start_ms=cut).pnl
    for name in ("total", "spread_capture", "adverse_selection", "inventory", "fees", "funding"):
        halves = Fraction(getattr(first, name)) + Fraction(getattr(second, name))
        assert halves == Fraction(getattr(whole, name)), name


@given(histories.filter(lambda rows: len({row[0].time_ms for row in rows if row[0].market == "A"}) > 1))
def test_fills_out_of_order_are_refused(history: list[tuple[Fill, str]]) -> None:
    with pytest.raises(OutOfOrder, match="follows one at"):
        report(history[::-1], {})
