"""What people see, drawn from values alone at 60, 80, 100 and 140 columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pfmm.app.doctor import DoctorResult, Finding
from pfmm.app.help import Page, Topic, Topics
from pfmm.app.markets import MarketRow, MarketsResult, Price
from pfmm.app.resume import ResumeResult
from pfmm.cli.render import doctor, markets, resume
from pfmm.cli.render import help as pages
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
        ("help-topics", pages.render_topics, Topics((Topic("json", "The JSON contract"),))),
        ("help-page", pages.render_page, PAGE),
    ],
)
def test_results_are_drawn_as_they_were_looked_at(name: str, render: Any, result: Any) -> None:
    assert_drawn_as_kept(name, lambda width: render(result, width))
