"""`pfmm report` as a real process, on a grid that traded in a stepped market."""

from __future__ import annotations

import csv
import json
import re
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.paper.messages import PlaceRequest
from tests.e2e.driver import run

CYCLES = 45
AT = "2026-01-01T00:00:00Z"


def traded(home: Path) -> Path:
    """A home whose grid ran for 45 cycles from one seed and one moment on."""
    assert run("paper", "feed", "synthetic", "--seed", 7, "--speed", 0, "--at", AT, home=home).code == 0
    grid = ("grid", "start", "BTC-PERP", "--levels", 20, "--range-pct", "0.15", "--cycles", CYCLES, "--json")
    assert run(*grid, home=home).code == 0
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traded(tmp_path_factory.mktemp("traded"))


def test_the_profit_is_what_the_account_gained(home: Path) -> None:
    """Folded from fills at the venue's marks, it equals the exchange's own books to the last digit."""
    found = run("report", "--json", home=home).data
    account = run("inventory", "--json", home=home).data["account"]
    assert found["fills"] >= 10
    assert Decimal(found["pnl"]["total"]) == Decimal(account["equity"]) - 10_000
    assert Decimal(found["equity_curve"][-1][1]) == Decimal(account["equity"])
    pnl = {name: Decimal(text) for name, text in found["pnl"].items()}
    parts = pnl["spread_capture"] + pnl["adverse_selection"] + pnl["inventory"] - pnl["fees"] + pnl["funding"]
    assert parts == pnl["total"]
    assert [part["strategy"] for part in found["by_strategy"]] == ["grid"]
    # a loop of 3 s has seen none of these moments, and the exchange tells what its mids were
    assert all(found["markouts_bps"][name] is not None for name in ("1s", "5s", "30s"))
    assert found["edge"]["mid_age_ms"] == 1


def test_the_text_fits_a_terminal(home: Path) -> None:
    done = run("report", home=home)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 100
    for words in ("equity, USD", "fill rate", "max drawdown", "total = capture", "markouts, bps", "inventory"):
        assert words in done.out


def test_holdings_valued_at_an_old_mid_are_told(tmp_path: Path) -> None:
    """BTC is bought at the start, and then nobody looks at it for the hours that a grid of ETH runs."""
    assert run("paper", "feed", "synthetic", "--seed", 7, "--speed", 0, "--at", AT, home=tmp_path).code == 0
    grid = ("grid", "start", "BTC-PERP", "--levels", 20, "--range-pct", "0.4", "--interval", 60, "--cycles", 10)
    assert run(*grid, home=tmp_path).code == 0
    assert (
        run("grid", "start", "ETH-PERP", "--range-pct", 5, "--interval", 600, "--cycles", 13, home=tmp_path).code == 0
    )
    told = (
        "BTC-PERP: what was held when the period began is valued at the mid of 55 minutes before, "
        "the last that was seen"
    )
    assert run("report", "--since", "1h", "--json", home=tmp_path).envelope["warnings"] == [told]
    assert run("report", "--json", home=tmp_path).envelope["warnings"] == []


def test_what_was_traded_by_hand_counts_at_the_mark_on_any_market(tmp_path: Path) -> None:
    """No run ever looked at ETH, so that there is no mid of it; the venue tells what its position is worth."""
    assert run("paper", "feed", "synthetic", "--seed", 7, "--speed", 0, "--at", AT, home=tmp_path).code == 0
    assert run("report", home=tmp_path).code == 0, "reads the equity of before"
    with closing(open_exchange(tmp_path / "state")) as exchange:
        exchange.advance_clock(exchange.time().time_ms + 1_000)
        exchange.place("default", PlaceRequest("ETH-PERP", "long", "market", size_usd=Decimal(3_000)))
        exchange.advance_clock(exchange.time().time_ms + 3_600_000)
    found = run("report", "--json", home=tmp_path).data
    account = run("inventory", "--json", home=tmp_path).data["account"]
    assert Decimal(found["pnl"]["total"]) == Decimal(account["equity"]) - 10_000
    alone = run("report", "--market", "eth", "--json", home=tmp_path).data
    assert alone["pnl"] == found["pnl"]
    assert Decimal(alone["equity_curve"][-1][1]) == Decimal(alone["equity_curve"][0][1]) + Decimal(
        alone["pnl"]["total"]
    )


def test_a_deposit_is_no_profit_and_moves_no_limit_of_loss(tmp_path: Path) -> None:
    """10,000 more in the middle of a grid that loses a little: the curve is of its trading, and what a run lost counts
    by its fills, whatever the account is worth."""
    assert run("paper", "feed", "synthetic", "--seed", 3, "--speed", 0, "--at", AT, home=tmp_path).code == 0
    grid = ("grid", "start", "BTC-PERP", "--levels", 20, "--range-pct", "0.2", "--on-restart", "adopt")
    assert run(*grid, "--on-exit", "keep", "--cycles", 60, home=tmp_path).code == 0
    before = run("inventory", "--json", home=tmp_path).data["account"]
    assert run("paper", "deposit", 10_000, home=tmp_path).code == 0
    after = run("inventory", "--json", home=tmp_path).data["account"]
    assert Decimal(after["equity"]) == Decimal(before["equity"]) + 10_000
    fallen = Decimal(str(before["drawdown_pct"]))
    assert fallen > 0
    assert abs(Decimal(str(after["drawdown_pct"])) - fallen) <= Decimal("0.000001")
    found = run("report", "--json", home=tmp_path).data
    assert found["cash_flows"][0][1] == "10000.00000000"
    assert Decimal(found["equity_curve"][-1][1]) == Decimal(before["equity"])
    assert Decimal(found["pnl"]["total"]) == Decimal(before["equity"]) - 10_000
    assert "without the period's deposits +10,000.00" in run("report", home=tmp_path).out


def test_a_venue_out_of_reach_leaves_the_journal(home: Path) -> None:
    near = run("report", "--json", home=home).data
    done = run("report", "--json", home=home, env={"PFMM_BASE_URL": "http://127.0.0.1:9"})
    assert done.code == 0
    assert "the journal's own view" in done.envelope["warnings"][0]
    assert done.data["fills"] == near["fills"]
    assert done.data["pnl"]["spread_capture"] == near["pnl"]["spread_capture"]


def test_zeros_are_no_answer_where_nobody_knows_anything(tmp_path: Path) -> None:
    done = run("report", "--json", home=tmp_path, env={"PFMM_BASE_URL": "http://127.0.0.1:9"})
    assert (done.code, done.envelope["error"]["code"]) == (5, "venue_unreachable")


def test_the_csv_adds_up_to_the_report(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "fills.csv"
    found = run("report", "--json", "--csv", file, home=home).data
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == found["fills"]
    assert sum(Decimal(row["capture"] or 0) for row in rows) == Decimal(found["pnl"]["spread_capture"])
    assert sum(Decimal(row["markout_30s"] or 0) for row in rows) == Decimal(found["pnl"]["adverse_selection"])
    assert sum(Decimal(row["fee"]) for row in rows) == Decimal(found["pnl"]["fees"])
    assert {row["strategy"] for row in rows} == {"grid"}


def test_the_page_needs_nothing_from_outside(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert run("report", "--html", file, home=home).code == 0
    text = file.read_text("utf-8")
    assert not re.search(r"<(script|link|img|iframe)\b|url\(|https?:", text)
    assert len(text) < 1_000_000
    for title in (
        "break-even maker fee",
        "fees maker -2, taker 5 bps (paper)",
        "Equity, USD: net (line) and gross",
        "Drawdown",
        "Inventory, USD, BTC-PERP, looked at every ",
        "Price and fills, USD, BTC-PERP",
        "Gain after the fills",
        "profit came",
        "Day by day",
        "Round trips",
        "Settings",
        "<h2>Fills",
    ):
        assert title in text


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--strategy", "gird"], 2, "--strategy must be one of quote, ladder, grid"),
        (["--market", "DOGE"], 6, "the journal holds nothing of a market 'DOGE'"),
        (["--since", "yesterday"], 2, "24h"),
        (["--export", "-"], 2, "leave --json out"),
        (["--csv", "-"], 2, "--csv must name a file, not stdout"),
        (["--html", "-"], 2, "--html must name a file, not stdout"),
        (["--csv", "/dev/null/fills.csv"], 3, "/dev/null/fills.csv cannot be written"),
    ],
)
def test_what_cannot_be_is_said(home: Path, options: list[str], code: int, words: str) -> None:
    done = run("report", "--json", *options, home=home)
    assert done.code == code
    assert words in done.error["message"] + (done.error["hint"] or "")


def test_a_journal_without_anything_is_no_failure(tmp_path: Path) -> None:
    found = run("report", "--json", home=tmp_path).data
    assert found["fills"] == 0
    assert {one["verdict"] for one in found["metrics"]} == {"n/a"}
    assert Decimal(found["pnl"]["total"]) == 0


def test_same_seed_and_clock_export_the_same_bytes(home: Path, tmp_path: Path) -> None:
    """The other reports of this module read the venue in between, without moving its clock: nothing may show."""
    fresh = traded(tmp_path / "again")
    run("report", home=fresh)
    one, other = (run("report", "--export", "-", home=each) for each in (home, fresh))
    assert one.code == other.code == 0
    assert one.out == other.out
    records = [json.loads(line)["record"] for line in one.out.splitlines()]
    assert records[0] == "journal"
    assert {"run", "order", "fill", "mid", "equity"} <= set(records)
    file = tmp_path / "journal.ndjson"
    assert run("report", "--export", file, home=fresh).code == 0
    assert file.read_text("utf-8") == one.out
