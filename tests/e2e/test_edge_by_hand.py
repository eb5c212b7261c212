"""What `report` says after a paper run is the edge worked out by hand from its fills and the tape's mids, and what a
backtest of the same tape says."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.model.market import Trade
from pfmm.tape import TapeQuote, event_line, header_line
from tests.e2e.driver import run, run_here

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

START_MS = 1_700_000_000_000
MARKET = "X-PERP"
GRID = ("grid.lower=90", "grid.upper=110", "grid.levels=4", "grid.size_usd=95", "grid.spacing=arithmetic")

# (seconds, bid, ask). What a fill meets: 0.1 s before it the mid by which it is judged, and in its own ms another one
QUOTES = (
    (0, "99.00", "101.00"),
    (19.9, "95.50", "96.50"),  # mid 96 before the purchase at 95
    (20, "94.00", "95.00"),  # of the same ms as the print that fills it: mid 94.50
    (24.9, "94.20", "95.20"),  # 5 s after it: 94.70
    (49.9, "94.60", "95.60"),  # 30 s: 95.10
    (199.9, "98.00", "99.00"),  # mid 98.50 before the sale at 100
    (200, "100.00", "101.00"),
    (204.9, "99.90", "100.90"),  # 5 s after it: 100.40
    (229.9, "99.40", "100.40"),  # 30 s: 99.90
    (319.9, "97.00", "98.00"),  # 300 s after the purchase: 97.50
    (499.9, "99.00", "100.00"),  # 300 s after the sale: 99.50
    (520, "99.00", "100.00"),
)
SIZE = Decimal("50.01")  # as finely as orders may be sized
PRINTS = ((20, "94.50", -1), (200, "100.50", 1))


def tape(folder: Path) -> Path:
    """The market as a recording. Its best quotes are told again every half second, as a live stream tells them."""
    rows: list[tuple[int, int, Any]] = []
    for number, (seconds, bid, ask) in enumerate(QUOTES):
        until = QUOTES[number + 1][0] if number + 1 < len(QUOTES) else seconds + 0.1
        at_ms = round(seconds * 1_000)
        while at_ms < round(until * 1_000):
            quote = TapeQuote(MARKET, START_MS + at_ms, Decimal(bid), SIZE, Decimal(ask), SIZE)
            rows.append((at_ms, 1, quote))
            at_ms += 500
    for seconds, price, aggressor in PRINTS:
        trade = Trade(MARKET, START_MS + seconds * 1_000, Decimal(price), Decimal(40), aggressor)
        rows.append((seconds * 1_000, 0, trade))
    file = folder / "tape.ndjson"
    file.write_text(header_line({}) + "".join(event_line(row[2]) for row in sorted(rows, key=lambda row: row[:2])))
    return file


def test_report_says_the_edge_that_the_tape_gives(tmp_path: Path) -> None:
    file = tape(tmp_path)
    fed = run("paper", "feed", "replay", file, "--speed", "0", "--fees", "article", "--json", home=tmp_path)
    assert fed.code == 0, fed.out
    sets = [word for one in GRID for word in ("--set", one)]
    started = run_here(
        "grid", "start", MARKET, "--lower", "90", "--upper", "110", "--levels", "4", "--size", "95", "--spacing",
        "arithmetic", "--on-exit", "keep", home=tmp_path,
    )  # fmt: skip
    assert started.code == 0, started.err
    said = run("report", "--json", home=tmp_path).envelope["data"]
    sold, bought = Decimal(1), Decimal(1)  # 95 USD at 95, and the same base quantity at 100
    by_hand = {
        "5s": bought * (Decimal("94.70") - 95) - sold * (Decimal("100.40") - 100),  # -0.30 - 0.40
        "30s": bought * (Decimal("95.10") - 95) - sold * (Decimal("99.90") - 100),  # 0.10 + 0.10
        "300s": bought * (Decimal("97.50") - 95) - sold * (Decimal("99.50") - 100),  # 2.50 + 0.50
    }
    notional = 96 * bought + Decimal("98.50") * sold  # at the mids before the fills: 194.50
    edge = said["edge"]
    assert said["fills"] == 2
    assert edge["break_even_maker_bps"] == {
        name: pytest.approx(float(gain / notional * 10_000), abs=1e-5) for name, gain in by_hand.items()
    }
    # -35.99, 10.28 and 154.24 bps. Two minutes: -0.30 of 96 and -0.40 of 98.50, against -0.70 of 194.50
    ratio = -0.70 / 194.50
    error = (2 * ((-0.30 - ratio * 96) ** 2 + (-0.40 - ratio * 98.5) ** 2)) ** 0.5 / 194.50 * 1e4
    assert edge["se_bps"]["5s"] == pytest.approx(error, abs=1e-5)
    assert [edge[f"n_{name}"] for name in ("fills", "orders", "blocks", "sessions", "exits")] == [2, 2, 2, 1, 0]
    assert edge["paid_maker_bps"] == pytest.approx(-2)
    assert edge["net_bps"] == pytest.approx(ratio * 1e4 + 2, abs=1e-5)
    # capture 96 - 95 and 100 - 98.50; 30 s later the mid was 95.10, not 96, and 99.90, not 98.50
    assert (Decimal(said["pnl"]["spread_capture"]), Decimal(said["pnl"]["adverse_selection"])) == (
        Decimal("2.50"), Decimal("-2.30"),
    )  # fmt: skip
    assert Decimal(edge["rebates_usd"]) == Decimal("0.039")  # 0.0002 * (95 + 100)
    assert Decimal(edge["gross_usd"]) == Decimal(said["pnl"]["total"]) - Decimal("0.039") == 5

    tried = run("backtest", "run", "grid", MARKET, "--data", file, "--latency-ms", "0", "--fees", "article", *sets,
                "--queue", "pessimistic", "--json", home=tmp_path).envelope["data"]  # fmt: skip
    for name in ("fills", "pnl", "edge", "markouts_bps"):
        assert tried[name] == said[name], name

    heads_name_the_fee(tmp_path, file, started.out, said, tried)


def heads_name_the_fee(home: Path, file: Path, stream: str, said: Any, tried: Any) -> None:
    """Every header says what fee was used: of the loop's stream, the report, the backtest, the sweep and the pages."""
    rates = {"maker_bps": -2, "taker_bps": 5}
    told = [json.loads(line) for line in stream.splitlines()]
    assert [event["fees"] for event in told if event["event"] == "started"] == [{**rates, "source": "paper"}]
    assert said["fees"] == [{"market": MARKET, **rates, "source": "paper"}]
    assert tried["fees"] == {**rates, "source": "article"}
    page, other = home / "report.html", home / "backtest.html"
    text = run("report", "--html", page, home=home).out
    assert text.splitlines()[1] == "fees maker -2, taker 5 bps (paper)"
    assert text.splitlines()[3].startswith("break-even maker fee: 5s -35.99 ± ")
    common = (
        "grid",
        MARKET,
        "--data",
        file,
        "--fees",
        "article",
        "--set",
        "grid.levels=4",
        "--set",
        "grid.size_usd=95",
    )
    ranged = ("--set", "grid.lower=90", "--set", "grid.upper=110")
    text = run("backtest", "run", *common, *ranged, "--latency-ms", "0", "--html", other, home=home).out
    assert text.splitlines()[1] == "fees maker -2, taker 5 bps (article)"
    assert text.splitlines()[3].startswith("break-even maker fee: 5s -35.99 ± ")
    swept = run("backtest", "sweep", *common, *ranged, home=home).out
    assert "fees maker -2, taker 5 bps (article)" in swept.splitlines()[0]
    for file_ in (page, other):
        assert "fees maker -2, taker 5 bps" in file_.read_text("utf-8")


@pytest.mark.slow
def test_a_loop_on_recorded_ticks_says_what_a_backtest_of_them_says(tmp_path: Path, shared_data: Path) -> None:
    """The same decision times and no latency: orders, fills, calibration and so every figure are the same."""
    files = [shared_data / "binance-usdm-ticks" / f"btcusdt_202407{day}.gz" for day in (18, 19)]
    assert run("paper", "feed", "replay", *files, "--fees", "binance", "--speed", "0", home=tmp_path).code == 0
    assert run("quote", "start", "BTC-PERP", "--on-exit", "keep", home=tmp_path).code == 0
    said = run("report", "--json", home=tmp_path).envelope["data"]
    data = [word for file in files for word in ("--data", file)]
    ran = run("backtest", "run", "quote", "BTC-PERP", *data, "--fees", "binance", "--latency-ms", "0", "--queue",
              "pessimistic", "--json", home=tmp_path).envelope["data"]  # fmt: skip
    assert said["fills"] > 10
    for name in ("fills", "pnl", "edge", "markouts_bps"):
        assert ran[name] == said[name], name
