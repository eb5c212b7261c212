"""A long stepped run over many funding times: what the journal records is what the exchange paid, to the last digit."""

from __future__ import annotations

from contextlib import closing
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest

from pfmm.app.session import Session
from pfmm.config.resolve import load_settings
from pfmm.model.account import FundingPayment
from tests.e2e.driver import run

START = "2025-10-01T00:30:00Z"  # a fixed seed from a fixed time: the same market every time
EIGHT_HOURS_MS = 28_800_000
GRID = ("--levels", 20, "--range-pct", 2, "--interval", 7200, "--json")


def size_before(session: Session, payment: FundingPayment) -> Decimal:
    """The position that the account's own fills make up just before the payment."""
    fills = [one for one in session.venue.fills() if one.market == payment.market and one.time_ms < payment.time_ms]
    return sum((fill.side.sign * fill.size for fill in fills), Decimal(0))


@pytest.fixture
def after_two_days(pfmm_home: Path) -> Path:
    """A grid has run 56 h of venue time in three processes, and left a position that changed all along."""
    assert (
        run("paper", "feed", "synthetic", "--seed", 5, "--speed", 0, "--at", START, "--reset", home=pfmm_home).code == 0
    )
    for cycles in (15, 1, 13):
        done = run("grid", "start", "BTC", *GRID, "--cycles", cycles, "--on-exit", "keep", home=pfmm_home)
        assert done.code == 0, done.err
    return pfmm_home


def test_the_journals_funding_is_the_exchanges(after_two_days: Path) -> None:
    reported = run("inventory", "BTC", "--json", home=after_two_days).data["positions"][0]["funding"]
    status = run("grid", "status", "BTC", "--json", home=after_two_days).data["runs"][0]["funding"]
    with closing(Session(load_settings({"PFMM_HOME": str(after_two_days)}))) as session:
        paid = session.venue.funding_payments()
        recorded = tuple(session.journal.funding())
        account = session.venue.account_state()
        expected = [
            (-size_before(session, one) * one.price * one.rate).quantize(Decimal("1e-8"), ROUND_HALF_EVEN)
            for one in paid
        ]
        published = {rate.time_ms: rate.rate for rate in session.venue.funding_rates("BTC-PERP", paid[0].time_ms - 1)}
    assert len(paid) >= 6
    assert len({one.size for one in paid}) >= 3  # the position changed between the payments
    assert all(one.time_ms % EIGHT_HOURS_MS == 0 for one in paid)
    assert recorded == paid
    assert [one.amount for one in paid] == expected  # −q · price · rate, the position from the fills alone
    assert [one.rate for one in paid] == [published[one.time_ms] for one in paid]
    total = sum((one.amount for one in paid), Decimal(0))
    assert total != 0
    assert Decimal(reported) == Decimal(status) == account.funding == total
