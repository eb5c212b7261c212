"""Inventory and report as functions: what an account holds and what it earned, without a command line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.asserting import read_assertion
from pfmm.app.inventory import ACCOUNT_FIELDS, POSITION_FIELDS, broken, inventory, markets_of
from pfmm.app.report import Files, ReportRequest, report
from pfmm.app.session import Session
from pfmm.errors import UnknownMarket, UsageError


def silent(text: str) -> None:
    raise AssertionError(f"nothing was asked for, and told: {text}")


def test_inventory_of_an_untouched_account_is_its_deposit(session: Session) -> None:
    found = inventory((), session=session)
    assert (found.account.equity, found.positions) == (Decimal(10_000), ())
    (row,) = inventory(markets_of(("btc",), session=session), session=session).positions
    assert (row.market, row.side, row.size, row.pnl_source) == ("BTC-PERP", "flat", Decimal(0), "journal")
    with pytest.raises(UnknownMarket):
        markets_of(("nothing",), session=session)


def test_an_assertion_sees_positions_with_the_account(session: Session) -> None:
    fields = (*ACCOUNT_FIELDS, *POSITION_FIELDS)
    flat = inventory((), session=session)
    assert broken(read_assertion("abs(ratio) < 0.5 and equity > 9999", fields), flat) is None
    failure = broken(read_assertion("equity > 20000", fields), flat)
    assert failure is not None
    assert failure.result.positions == ()  # type: ignore[attr-defined]


def test_a_report_refuses_what_it_cannot_be_about(session: Session) -> None:
    for request, message in (
        (ReportRequest(strategy="gird"), "--strategy must be one of"),
        (ReportRequest(files=Files(csv=Path("-"))), "--csv must name a file"),
    ):
        with pytest.raises(UsageError, match=message):
            report(request, session=session, stdout=lambda: pytest.fail("no export was asked for"), tell=silent)


def test_a_report_of_an_account_without_trades_has_no_fills(session: Session, tmp_path: Path) -> None:
    told: list[str] = []
    files = Files(csv=tmp_path / "fills.csv", export=str(tmp_path / "all.ndjson"))
    inventory((), session=session)
    found = report(ReportRequest(files=files), session=session, stdout=lambda: pytest.fail("no"), tell=told.append)
    assert found is not None
    assert found.figures()["fills"] == 0
    assert found.heading.startswith("paper/default")
    assert len(told) == 2
    assert (tmp_path / "fills.csv").read_text().startswith("time")
