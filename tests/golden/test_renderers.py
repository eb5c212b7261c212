"""What people see, drawn from values alone at 60, 80, 100 and 140 columns."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from pfmm.app.backtest_files import Described, Unusable
from pfmm.app.backtest_sweep import FailedSlice, SweepResult, SweepRow
from pfmm.app.book import BookLevel, BookResult, OwnOrderRow
from pfmm.app.doctor import DoctorResult, Finding
from pfmm.app.funding import FundingHistory, FundingResult, FundingRow
from pfmm.app.help import Page, Topic, Topics
from pfmm.app.inventory import UNTOLD, AccountRow, InventoryResult, PositionRow
from pfmm.app.markets import MarketRow, MarketsResult, Price
from pfmm.app.paper import Deposited, FeedShown, PaperOrder, PaperPosition, PaperStatus
from pfmm.app.preview import PreviewResult
from pfmm.app.profiles import ProfileList, ProfilePaths, ProfileRow, ProfileShown
from pfmm.app.resume import ResumeResult
from pfmm.app.status import RunRow, StatusResult
from pfmm.app.strategies import kind
from pfmm.backtest.describing import Description, MarketFigures
from pfmm.cli.render import backtest, book, doctor, funding, inventory, markets, paper, preview, profile, resume, status
from pfmm.cli.render import help as pages
from pfmm.config.settings import OWN
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, MarketView
from pfmm.model.setting import Values, defaults
from pfmm.strategy.base import Measured, Preview
from pfmm.strategy.grid.plan import GridConfig, plan_grid
from tests.golden.screens import assert_drawn_as_kept

D = Decimal
BTC = MarketRow("BTC-PERP", "crypto", Price(D("0.1"), None), D("0.00001"), D(10), 50, D("-0.2"), D(5), 8)
PEPE = MarketRow("PEPE-PERP", "meme", Price(D("1E-8"), 5), D(1000), D(10), 10, D("1.5"), D("4.5"), 4)
MARKETS = MarketsResult("paper", (BTC, PEPE))
VOLUME = MarketsResult(
    "paper",
    tuple(
        MarketRow(
            row.market, row.category, row.price_rule, row.size_step, row.min_notional, row.max_leverage,
            row.maker_bps, row.taker_bps, row.funding_interval_hours, volume,
        )
        for row, volume in ((BTC, D("1234567890.5")), (PEPE, None))
    ),
)  # fmt: skip
FINDINGS = DoctorResult(
    (
        Finding("python", "ok", "Python 3.11.7, extras: backtest (not installed: report)", None),
        Finding(
            "configuration", "warn", "profile live, venue purpleflea; others can write /a/long/way/down/to/config.toml",
            "chmod 600 /a/long/way/down/to/config.toml",
        ),
        Finding("clock", "fail", "this machine is 70000 ms behind the venue", "synchronise this machine's clock"),
    )
)  # fmt: skip
HALTED = ResumeResult("paper", "default", "flatten", "flatten the whole account", "2025-01-01T00:00:00.000Z")
RATES = FundingResult(
    (
        FundingRow(
            "BTC-PERP",
            D("0.0003"),
            8,
            D(3),
            D(3),
            D("32.85"),
            "2025-01-01T08:00:00.000Z",
            15_120,
            "lean_short",
            "venue",
        ),
        FundingRow("NEW-PERP", None, 8, None, None, None, None, None, "neutral", "estimated"),
    )
)
PAST = FundingResult(
    (replace(RATES.markets[0], history=FundingHistory("2024-12-25T08:00:00.000Z", 3, 0.5, 2.6457, 2 / 3, "▇█▁")),)
)
PAPER = PaperStatus(
    "default",
    None,
    "x1",
    {"kind": "synthetic", "seed": 1},
    "open",
    "2025-01-01T00:00:00.000Z",
    1,
    D("10001.5"),
    D(10_000),
    D("12.5"),
    D("9989"),
    D(10_000),
    (PaperPosition("BTC-PERP", "short", D("-0.002"), D("-130.1"), D(65_050), D("1.5"), None),),
    (PaperOrder("BTC-PERP", Side.LONG, D("64000.5"), D("0.001"), D(0), "7", None),),
)
FEED = FeedShown(
    {"kind": "replay", "files": ["/data/one.gz"]},
    "open",
    "2025-01-01T00:00:00.000Z",
    0,
    ("default",),
    ({"from": "/a.sqlite3", "to": "/archive/a.sqlite3"},),
)
PROFILES = ProfileList(
    (ProfileRow("paper", "paper", "default", True, True), ProfileRow("live", "purpleflea", "desk", False, False))
)
TOPICS = Topics(
    (
        Topic("json", "The JSON contract"),
        Topic("measured", "Measured: what the strategies earned on recorded data, and how fast pfmm is"),
    )
)
PROFILE = ProfileShown(
    "paper",
    "/c.toml",
    "paper",
    "default",
    {"grid.levels": 10, "grid.lower": None, "base_url": ""},
    {"grid.levels": "flag", "grid.lower": "default", "base_url": "default"},
    "unset",
)
RUNS = StatusResult(
    "paper",
    "default",
    (
        RunRow("BTC-PERP", "grid", "running", 4711, fills=12, round_trips=3, realized_pnl=D("1.25"),
               unrealized_pnl=D("-0.5"), fees=D("-0.02"), fees_effect=D("0.02"), funding=D("0.001"),
               inventory=D("0.0005")),
        RunRow("ETH-PERP", "grid", "stale"),
    ),
)  # fmt: skip
INVENTORY = InventoryResult(
    "paper", "2025-01-01T00:00:00.000Z",
    AccountRow("default", D(10_050), D(10_000), D("26.2"), D("10023.8"), D(10_100), D("0.495050"), D(10_000)),
    (
        PositionRow(
            "BTC-PERP", "long", D("0.002"), D("131.0"), D(65_000), D(65_500), 0.262, "skewed", D(1), D("2.5"),
            D("-0.01"), D("0.01"), D("0.2"), D(40), D(60), D(40_000), D("38.931298"), "journal", D(500),
        ),
        replace(UNTOLD, market="DOGE-PERP", mark_price=D("0.1"), limit_usd=D(500)),
    ),
)  # fmt: skip
MARKET = Instrument("BTC-PERP", "crypto", PriceRule(D("0.1"), None), D("0.00001"), D(10), 50, D("-0.2"), D(5), 8)
PLAN = PreviewResult(
    "BTC-PERP", "grid", "lines", D(65_000),
    Preview(
        plan_grid(GridConfig(levels=4, lower=D(64_000), upper=D(66_000)), instrument=MARKET, mid=D(65_000))
    ),
)  # fmt: skip
TICKER = Ticker("BTC-PERP", 1, D("64999.9"), D(1), D("65000.1"), D(1), D(65_000))
VIEW = MarketView(1, MARKET, TICKER, D("0.001"), D("0.001"), D(500))


def quoted() -> PreviewResult:
    """The quote of a market at 65,000 with a long of 0.001, volatility told by a flag."""
    settings = (*(one for name in ("quote", "ladder") for one in kind(name).settings), *OWN)
    values = Values(defaults(settings), told=("quote.sigma_annual_pct",))
    strategy = kind("quote").build("BTC-PERP", values, Measured(one_look=True))
    return PreviewResult(
        "BTC-PERP", "quote", "components", D(65_000), kind("quote").preview_of(strategy, VIEW, None, None)
    )


QUOTE = quoted()
ORDERS = PreviewResult(
    "BTC-PERP", "toy", "orders", D(65_000),
    Preview(
        {"width_bps": 20.0}, (DesiredOrder("bid", Side.LONG, D("64870.0"), D("0.00077")),), {"ask": "not wanted"},
        ("a note",),
    ),
)  # fmt: skip


def shown(result: PreviewResult, _width: int) -> str:
    return preview.preview_text(result, explain=True)


def swept(levels: str, size: str, pnl: str) -> SweepRow:
    one = {"fills": 4, "pnl": pnl, "drawdown_usd": "1.5"}
    settings = {"grid.levels": levels, "grid.size_usd": size}
    return SweepRow(settings, "a.csv", 0, None, ok=True, pessimistic=one, optimistic=one)


ROWS = tuple(
    swept(a, b, pnl) for a, b, pnl in (("4", "20", "1"), ("4", "40", "2"), ("8", "20", "-1"), ("8", "40", "3"))
)
SWEEP = SweepResult(
    "X-PERP", "grid", {"grid.levels": ["4", "8"], "grid.size_usd": ["20", "40"]}, ROWS, ROWS[-1], None,
    (FailedSlice("b.csv", "b.csv, line 3: not a number"),), 4, 0,
)  # fmt: skip
BOOK = BookResult(
    "paper", "2025-01-01T00:00:00.000Z", "BTC-PERP", D("65000.5"), D(1), 0.15, -0.25, 0.2,
    bids=(
        BookLevel(D(65_000), D("1.5"), D(97_500), D(97_500), -0.08, D("0.00031")),
        BookLevel(D(64_997), D("4.25"), D("276237.25"), D("373737.25"), -0.54, D(0)),
    ),
    asks=(
        BookLevel(D(65_001), D("1.0"), D(65_001), D(65_001), 0.08, D(0)),
        BookLevel(D(65_004), D("8.5"), D(552_534), D(617_535), 0.54, D(0)),
    ),
    own_orders=(
        OwnOrderRow("short", D("65002.5"), D("0.00031"), 0.31, "grid", "cell:6:ask", "a-1"),
        OwnOrderRow("long", D(65_000), D("0.00031"), -0.08, "grid", "cell:4:bid", "a-2"),
        OwnOrderRow("long", D(64_900), D("0.002"), -15.46, None, None, None),
    ),
)  # fmt: skip
NOBODYS = replace(
    BOOK, own_orders=None, asks=(), bids=tuple(replace(one, own_size=None) for one in BOOK.bids), mid=None, spread=None,
    spread_bps=None, imbalance=None, imbalance_top=None,
)  # fmt: skip
FILES = Described(
    (
        Description(
            file="a.csv", usable=True, format="table",
            markets=(
                MarketFigures(
                    "BTC-PERP", "2025-01-01T00:00:00.000Z", "2025-01-02T00:00:00.000Z", quotes=10, trades=5, depths=0,
                    funding=3, gaps=1, longest_silence_s=12.5, price_unit=D("0.1"),
                ),
            ),
            time_unit="milliseconds", bad_rows=0, notes=("one gap",),
        ),
        Unusable("b.csv", usable=False, problem="b.csv, line 3: not a number"),
    )
)  # fmt: skip
PAGE = Page("words", "# Words\n\nA paragraph that is longer than sixty columns is wrapped between words.\n\n- one\n")


@pytest.mark.parametrize(
    ("name", "render", "result"),
    [
        ("markets", markets.render, MARKETS),
        ("markets-volume", markets.render, VOLUME),
        ("markets-none", markets.render, MarketsResult("paper", ())),
        ("doctor", doctor.render, FINDINGS),
        ("resume", resume.render, HALTED),
        ("resume-nothing", resume.render, ResumeResult("paper", "default", None, None, None)),
        ("funding", funding.render, RATES),
        ("funding-history", funding.render, PAST),
        ("funding-none", funding.render, FundingResult(())),
        ("inventory", inventory.render, INVENTORY),
        ("inventory-none", inventory.render, replace(INVENTORY, positions=())),
        ("book", book.render, BOOK),
        ("book-without-account", book.render, NOBODYS),
        ("grid-plan", shown, PLAN),
        ("quote-show", shown, QUOTE),
        ("ladder-show", shown, replace(QUOTE, layout="levels", strategy="ladder")),
        ("orders-preview", shown, ORDERS),
        ("sweep", backtest.render_sweep, SWEEP),
        ("data-files", backtest.render_files, FILES),
        ("paper-status", paper.render_status, PAPER),
        ("paper-feed", paper.render_feed, FEED),
        ("paper-deposit", paper.render_deposit, Deposited("default", D(5), D(10_005), D("10004.5"))),
        ("status", partial(status.render, "grid"), RUNS),
        ("status-none", partial(status.render, "grid"), StatusResult("paper", "default", ())),
        ("profiles", profile.render_list, PROFILES),
        ("profile", profile.render_shown, PROFILE),
        ("profile-paths", profile.render_paths, ProfilePaths("/c.toml", "/state", "/log")),
        ("help-topics", pages.render_topics, TOPICS),
        ("help-page", pages.render_page, PAGE),
    ],
)
def test_results_are_drawn_as_they_were_looked_at(name: str, render: Any, result: Any) -> None:
    assert_drawn_as_kept(name, lambda width: render(result, width))


def test_a_book_whose_imbalance_rounds_to_nothing_is_heavier_on_neither_side() -> None:
    text = book.render(replace(BOOK, imbalance=-0.004), 80)
    assert "imbalance +0.00 over 2 levels (even)" in text
