"""Limits over the whole account: total, margin, drawdown and the loss of a day."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.account_guard import AccountGuard
from pfmm.engine.account_limits import AccountLimits, loss_of_account, margin_problem, room_of_total
from pfmm.engine.guards import LEAVE_MS
from pfmm.engine.report import MarketSnapshot
from pfmm.journal.journal import Journal
from pfmm.journal.memory import MemoryJournal
from pfmm.model.account import Account, Cursors, Position, Snapshot, VenueTime
from pfmm.model.order import Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import EquityReading
from tests.e2e.engine_rig import LIMITS, ScriptedFeed, Step, make_engine, rig

D = Decimal
DAY = 86_400_000
ACCOUNT = Account("a", D(1000), D(1000), D(300), D(700), deposits=D(1000))


def order(market: str, side: Side, size: str, price: str) -> OwnOrder:
    return OwnOrder("n-1", "r", market, "s", side, D(price), D(size), D(0), OwnStatus.OPEN, False, 0, 0)


def held(market: str, size: str, mark: str) -> Position:
    return Position(market, D(size), abs(D(size)) * D(mark), D(mark), D(0))


def test_what_other_markets_leave_of_the_total() -> None:
    """ETH long 300 with a bid of 50: 350. SOL flat with 40 bid and 60 asked: 60. BTC asks: 1,000 - 410."""
    limits = AccountLimits(max_total_usd=D(1000))
    positions = [held("ETH", "3", "100"), held("BTC", "1", "700")]
    live = {
        "ETH": [order("ETH", Side.LONG, "0.5", "100"), order("ETH", Side.SHORT, "1", "101")],
        "SOL": [order("SOL", Side.LONG, "4", "10"), order("SOL", Side.SHORT, "6", "10")],
    }
    assert room_of_total(limits, "BTC", positions, live) == D(590)
    assert room_of_total(limits, "ETH", positions, live) == D(240)
    assert room_of_total(replace(limits, max_total_usd=D(100)), "BTC", positions, live) == 0
    assert room_of_total(AccountLimits(), "BTC", positions, live) is None


@pytest.mark.parametrize(
    ("used", "equity", "over", "bound"),
    [
        ("299", "1000", False, False),
        ("300", "1000", False, True),
        ("299", "1000", True, True),  # not yet below 27 %
        ("269", "1000", True, False),
        ("1", "0", False, True),
        ("0", "-5", False, False),
    ],
)
def test_margin(used: str, equity: str, over: bool, bound: bool) -> None:
    account = replace(ACCOUNT, margin_used=D(used), equity=D(equity))
    assert (margin_problem(AccountLimits(max_margin_pct=D(30)), account, over=over) is not None) == bound
    assert margin_problem(AccountLimits(), account, over=over) is None


def test_new_risk_waits_until_the_margin_in_use_has_been_below_for_a_while() -> None:
    """30 % of 1,000 are 300, and below is below 270; above it once, the wait begins anew."""
    guard = AccountGuard(AccountLimits(max_margin_pct=D(30)), MemoryJournal())
    bound = []
    walk = [(0, 269), (1, 300), (2, 269), (3, 271), (4, 269), (3 + LEAVE_MS, 269), (4 + LEAVE_MS, 269), (DAY, 299)]
    for now_ms, used in walk:
        account = replace(ACCOUNT, margin_used=D(used))
        guard.look(MarketSnapshot(Snapshot(VenueTime(now_ms), account, (), (), (), (), (), Cursors())))
        bound.append(guard.no_new_risk is not None)
    assert bound == [False, True, True, True, True, True, False, False]


@pytest.mark.parametrize(
    ("equity", "peak", "trips"), [("951", "1000", False), ("950", "1000", True), ("9", "0", False)]
)
def test_drawdown(equity: str, peak: str, trips: bool) -> None:
    account = replace(ACCOUNT, equity=D(equity))
    found = loss_of_account(AccountLimits(max_drawdown_pct=D(5)), account, D(peak), None)
    assert (found is not None) == trips
    if trips:
        assert found == "drawdown: equity 950.00 USD is 5.00 % below its peak of 1000.00, limit 5 %"


@pytest.mark.parametrize(
    ("equity", "deposits", "then", "trips"),
    [
        ("976", "1000", EquityReading(0, D(1000), D(1000)), False),
        ("975", "1000", EquityReading(0, D(1000), D(1000)), True),
        ("1475", "1500", EquityReading(0, D(1000), D(1000)), True),  # 500 deposited meanwhile
        ("480", "500", EquityReading(0, D(1000), D(1000)), False),  # 500 withdrawn, 20 lost
        ("975", "1000", EquityReading(0, D(1000), None), True),  # the venue did not tell then
    ],
)
def test_the_loss_of_a_day_knows_no_deposits(equity: str, deposits: str, then: EquityReading, trips: bool) -> None:
    account = replace(ACCOUNT, equity=D(equity), deposits=D(deposits))
    found = loss_of_account(AccountLimits(max_daily_loss_usd=D(25)), account, None, then)
    assert (found is not None) == trips


def test_a_day_begins_with_the_last_reading_of_before_in_a_journal_and_in_memory(tmp_path: Path) -> None:
    readings = [(DAY - 10, 1000), (DAY - 5, 990), (DAY + 5, 970), (DAY + 9, 980), (3 * DAY, 960)]
    with Journal.open(tmp_path / "j", venue="v", account="a", nonce="n") as journal:
        for kept in (journal, MemoryJournal()):
            for time_ms, equity in readings[:4]:
                kept.record_equity(time_ms, D(equity), None)
            base = kept.equity_from(DAY)
            assert base is not None
            assert (base.equity, kept.limit_peak()) == (D(990), D(1000))
            first = kept.equity_from(0)
            assert first is not None
            assert first.equity == D(1000), "of a first day the first reading"


def test_limits_count_anew_from_where_they_were_lifted(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j", venue="v", account="a", nonce="n") as journal:
        journal.record_equity(DAY, D(1000), None)
        journal.record_equity(DAY + 5, D(900), None)
        journal.lift_limits()
        assert (journal.limit_peak(), journal.equity_from(DAY)) == (None, None)
        journal.record_equity(DAY + 9, D(901), None)
        assert (journal.limit_peak(), journal.peak_equity()) == (D(901), D(1000)), "what is shown stays"
        found = journal.equity_from(DAY)
        assert found is not None
        assert found.equity == D(901)


def test_a_deposit_repairs_no_drawdown_also_from_below_zero(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j", venue="v", account="a", nonce="n") as journal:
        limits = AccountLimits(max_drawdown_pct=D(20))
        for at, equity, deposits in ((1, 10_000, 10_000), (2, -959, 10_000), (3, 29_041, 40_000)):
            journal.record_equity(at, D(equity), D(deposits))
            found = loss_of_account(limits, replace(ACCOUNT, equity=D(equity)), journal.limit_peak(), None)
            assert (found is not None) == (at > 1)


def test_an_engine_halts_for_the_account_and_holds_for_its_margin(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)] * 30), limits=LIMITS) as r:
        r.cycle()
        strict = [replace(spec, account=AccountLimits(max_margin_pct=D("0.0001"))) for spec in r.specs]
        r.engine = make_engine(r.venue, r.journal, strict, r.instruments)
        r.engine.adopt()
        (row,) = r.step().runs
        assert (row.no_new_risk or "").startswith("no new risk: margin in use is")
        assert row.decision is not None
        assert (row.decision.orders, row.problem) == ((), None)
        assert r.step().runs[0].orders == ()
        r.journal.record_equity(r.now_ms - 1, D(20_000), D(10_000))  # as if the account had been there
        falling = [replace(spec, account=AccountLimits(max_drawdown_pct=D(10))) for spec in r.specs]
        r.engine = make_engine(r.venue, r.journal, falling, r.instruments)
        r.engine.adopt()
        (row,) = r.step().runs
        assert (row.tripped or "").startswith("drawdown: equity 10000.00 USD is 50.00 % below its peak of 20000.00")


def test_an_engine_quotes_only_what_reduces_while_the_mark_is_elsewhere(tmp_path: Path) -> None:
    from tests.e2e.engine_rig import with_ticker

    steps = [Step(9999, 10001), Step(9999, 10001, 9970, 5), *[Step(9999, 10001)] * 40]
    with rig(tmp_path, ScriptedFeed(steps)) as r:
        r.cycle()
        bought = r.step().runs[0].ledger.size or r.step().runs[0].ledger.size
        assert bought > 0
        r.venue.doctor = with_ticker(mark=D(1010))
        rows = [r.step().runs[0] for _ in range(6)]
        (only,) = rows[-1].orders
        assert (only.side, only.reduce_only, only.size <= bought) == (Side.SHORT, True, True)
        assert "off the mark 1010" in (rows[-1].no_new_risk or "")
        r.venue.doctor = lambda snapshot: snapshot
        later = [r.step() for _ in range(24)]
        assert {order.slot for order in later[-1].runs[0].orders} == {"bid", "ask"}
        assert [e.name for report in later for e in report.events if e.name == "resumed"] == ["resumed"]
