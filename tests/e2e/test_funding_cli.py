"""`pfmm funding` as people and cron run it, against the embedded exchange and scripted venues."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.funding import FIELDS, FundingResult, _row
from pfmm.app.session import Session
from pfmm.cli.render.funding import render
from pfmm.config.resolve import load_settings
from pfmm.model.market import Ticker
from tests.e2e.driver import PATIENCE_S, environment, interrupt, run, run_here, run_until
from tests.e2e.scripted_venue import ScriptedVenue

NOW_MS = 1_750_000_000_000  # 2025-06-15T15:06:40Z


def ticker(market: str, rate: float | None, hours: int, left_s: int = 600) -> dict[str, Any]:
    return {
        "market": market, "price": 100, "mark": 100, "time": NOW_MS, "funding_rate": rate,
        "funding_interval_h": hours, "next_funding_at": NOW_MS + 1000 * left_s,
    }  # fmt: skip


def venue(*tickers: dict[str, Any], **more: Any) -> ScriptedVenue:
    each = {f"/api/ticker/{one['market']}": one for one in tickers}

    def listed(query: str) -> dict[str, Any]:
        names = query.removeprefix("markets=").replace("%2C", ",").split(",") if query else []
        return {"tickers": [one for one in tickers if not names or one["market"] in names]}

    return ScriptedVenue({**each, "/api/tickers": listed, **more})


# rate, interval → bps, 8 h bps, % a year (|rate| · 8,760 / hours · 100), action at 3 bps
RATES = [
    (0.0001, 8, 1, 1, 10.95, "neutral"),  # 1e-4 · 1,095 = 10.95 %
    (0.0003, 8, 3, 3, 32.85, "lean_short"),  # the edge belongs to the lean
    (-0.0004, 8, -4, -4, 43.8, "lean_long"),  # unsigned a year
    (0.0002, 4, 2, 4, 43.8, "lean_short"),  # 2e-4 · 2,190
    (0.0000125, 1, 0.125, 1, 10.95, "neutral"),  # 1.25e-5 · 8,760
    (-0.00005, 1, -0.5, -4, 43.8, "lean_long"),
]


@pytest.mark.parametrize(("rate", "hours", "bps", "bps_8h", "year", "action"), RATES)
def test_a_rate_is_worth_the_same_whatever_the_interval(
    tmp_path: Path, rate: float, hours: int, bps: float, bps_8h: float, year: float, action: str
) -> None:
    with venue(ticker("BTC-PERP", rate, hours)).serving() as served:
        done = run("funding", "btc", "--json", home=tmp_path, env={"PFMM_BASE_URL": served.url})
    (row,) = done.data["markets"]
    assert set(row) == set(FIELDS)
    assert [row[name] for name in ("rate_bps", "rate_8h_bps", "annualized_pct")] == [bps, bps_8h, year]
    assert (row["market"], row["interval_hours"], row["action"], row["source"]) == ("BTC-PERP", hours, action, "venue")
    assert row["seconds_to_funding"] == 600
    assert row["next_funding_at"] == "2025-06-15T15:16:40.000Z"
    assert served.requests == ["/api/ticker/BTC-PERP"]


def test_public_data_of_a_live_venue_needs_no_key(tmp_path: Path) -> None:
    with venue(ticker("BTC-PERP", 0.0001, 8)).serving() as served:
        env = {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": served.url}
        assert run("funding", "BTC", "--json", home=tmp_path, env=env).data["markets"][0]["market"] == "BTC-PERP"
        keyed = {**env, "PFMM_SECRET_FILE": str(tmp_path / "gone")}
        for settings in (env, keyed):
            refused = run("inventory", "--json", home=tmp_path, env=settings)
            assert (refused.code, refused.error["code"]) == (3, "secret")
        assert served.requests == ["/api/ticker/BTC-PERP"]


def test_every_spelling_is_one_market_and_one_request(tmp_path: Path) -> None:
    with venue(ticker("BTC-PERP", 0.0001, 8), ticker("ETH-PERP", None, 8)).serving() as served:
        done = run(
            "funding", "eth-perp", "BTC", "btc", "ETH", "--json", home=tmp_path, env={"PFMM_BASE_URL": served.url}
        )
    rows = done.data["markets"]
    assert [row["market"] for row in rows] == ["ETH-PERP", "BTC-PERP"]  # in the order asked for
    assert [rows[0][name] for name in ("rate", "rate_8h_bps", "annualized_pct")] == [None, None, None]
    assert rows[0]["action"] == "neutral"
    assert len(served.requests) == 1


def test_the_venues_own_spelling_is_found_in_its_list(tmp_path: Path) -> None:
    listed = {
        "market": "kPEPE", "category": "crypto", "price_unit": 0.1, "significant_figures": None, "size_step": 1,
        "min_notional": 10, "max_leverage": 5, "maker_bps": 0, "taker_bps": 0, "funding_interval_h": 1,
    }  # fmt: skip
    answers = {"/api/markets": {"markets": [listed]}}
    with venue(ticker("kPEPE", 0.0001, 1), **answers).serving() as served:
        env = {"PFMM_BASE_URL": served.url}
        assert run("funding", "kpepe", "--json", home=tmp_path, env=env).data["markets"][0]["market"] == "kPEPE"
        unknown = run("funding", "kpep", "--json", home=tmp_path, env=env)
    assert (unknown.code, unknown.error["code"]) == (6, "unknown_market")
    assert "kPEPE" in unknown.error["hint"]


def test_a_scan_is_sorted_cut_and_one_request(tmp_path: Path) -> None:
    tickers = [
        ticker("A-PERP", 0.0002, 8), ticker("B-PERP", -0.0009, 8), ticker("C-PERP", None, 8),
        ticker("D-PERP", 0.0001, 1),  # 8 bps per 8 h
    ]  # fmt: skip
    with venue(*tickers).serving() as served:
        env = {"PFMM_BASE_URL": served.url}

        def scan(*args: object) -> list[str]:
            found = run("funding", "--all", "--json", *args, home=tmp_path, env=env).data["markets"]
            return [row["market"][0] for row in found]

        assert scan() == ["B", "D", "A", "C"]  # the largest a year first, whatever its sign
        assert served.requests == ["/api/tickers"]
        assert scan("--sort", "rate") == ["D", "A", "B", "C"]  # the highest first, none last
        assert scan("--sort", "market") == ["A", "B", "C", "D"]
        assert scan("--sort", "rate", "--limit", 2) == ["D", "A"]
        assert scan("--min-bps", 3) == ["B", "D"]
        assert scan("--min-bps", 50) == []
        named = run("funding", "A", "D", "--min-bps", 9, "--json", home=tmp_path, env=env).data["markets"]
        assert [(row["market"], row["action"]) for row in named] == [("A-PERP", "neutral"), ("D-PERP", "neutral")]


def test_a_scan_of_a_venue_that_shows_no_market_asserts_nothing(tmp_path: Path) -> None:
    with venue().serving() as served:
        line = ("funding", "--all", "--assert", "abs(rate_8h_bps) < 3", "--json")
        done = run(*line, home=tmp_path, env={"PFMM_BASE_URL": served.url})
    assert (done.code, done.error["code"]) == (6, "bad_venue_data")
    with venue(ticker("A-PERP", 0.0009, 8)).serving() as served:
        line = ("funding", "--all", "--min-bps", "50", "--assert", "abs(rate_8h_bps) < 3", "--json")
        none = run(*line, home=tmp_path, env={"PFMM_BASE_URL": served.url})
    assert none.data["markets"] == []  # there are markets, and none of them is one that was asked about


def test_a_rate_of_yesterday_is_told_and_counted_by_the_venues_time(tmp_path: Path) -> None:
    day_ms = 86_400_000
    old = {**ticker("BTC-PERP", 0.0009, 8), "time": NOW_MS - day_ms, "next_funding_at": NOW_MS - day_ms + 600_000}
    fresh = {**ticker("ETH-PERP", 0.0001, 8), "time": NOW_MS - 15_000}
    with venue(old, fresh, ticker("SOL-PERP", 0.0001, 8)).serving() as served:
        env = {"PFMM_BASE_URL": served.url}
        done = run("funding", "BTC", "ETH", "SOL", "--json", home=tmp_path, env=env)
        elsewhere = run("funding", "--all", "--sort", "market", "--limit", "1", "--json", home=tmp_path, env=env)
        unshown = run("funding", "--all", "--sort", "rate", "--min-bps", "50", "--json", home=tmp_path, env=env)
        alone = run("funding", "SOL", "--json", home=tmp_path, env=env)
        live = run("funding", "SOL", "--json", home=tmp_path, env={**env, "PFMM_VENUE": "purpleflea"})
    assert [row["seconds_to_funding"] for row in done.data["markets"]] == [0, 600, 600]
    assert done.envelope["warnings"] == ["rates older than 15 s (run.stale_after_s): BTC-PERP"]
    assert elsewhere.envelope["warnings"] == done.envelope["warnings"]
    assert unshown.envelope["warnings"] == alone.envelope["warnings"] == []
    assert live.envelope["warnings"] == ["rates older than 15 s (run.stale_after_s): SOL-PERP"]  # NOW_MS is long past


def test_history_is_mean_deviation_and_share(tmp_path: Path) -> None:
    rates = [0.0001, 0.0002, -0.0003]  # 1, 2, -3 bps: mean 0, deviation sqrt(14 / 2) = 2.6458, 2 of 3 positive
    past = {
        "market": "BTC-PERP", "funding_interval_h": 8,
        "rates": [{"time": NOW_MS - (3 - i) * 28_800_000, "rate": rate} for i, rate in enumerate(rates)],
    }  # fmt: skip
    with venue(ticker("BTC-PERP", 0.0001, 8), **{"/api/funding/BTC-PERP": lambda _: past}).serving() as served:
        env = {"PFMM_BASE_URL": served.url}
        done = run("funding", "BTC", "--history", "7d", "--json", home=tmp_path, env=env)
        text = run("funding", "BTC", "--history", "7d", home=tmp_path, env=env)
        asserted = run("funding", "BTC", "--history", "7d", "--assert", "share_positive > 0.7", home=tmp_path, env=env)
        bad = run("funding", "BTC", "--history", "7y", home=tmp_path, env=env)
    (row,) = done.data["markets"]
    found = row["history"]
    assert found["mean_8h_bps"] == pytest.approx(0, abs=1e-12)
    assert found["deviation_8h_bps"] == pytest.approx(2.645751)
    assert found["share_positive"] == pytest.approx(2 / 3)
    assert (found["count"], found["sparkline"]) == (3, "▇█▁")  # (1 + 3) / 5 · 7 = 5.6 → 6, the seventh block
    assert found["since"] == "2025-06-08T15:06:40.000Z"
    assert f"since={NOW_MS - 7 * 86_400_000}" in served.requests[1]
    assert "▇█▁" in text.out
    assert "67%" in text.out
    assert asserted.code == 10
    assert (bad.code, "such as 24h or 7d" in bad.err) == (2, True)


def test_history_of_a_whole_scan_is_refused_before_hundreds_of_requests(tmp_path: Path) -> None:
    done = run("funding", "--all", "--history", "7d", "--json", home=tmp_path)
    assert done.error["exit_code"] == done.code == 2
    assert "--limit" in done.error["hint"]


def test_an_estimated_rate_is_marked_and_never_acted_on(pfmm_home: Path) -> None:
    big = Ticker(
        market="BTC-PERP", time_ms=NOW_MS, bid=None, bid_size=None, ask=None, ask_size=None, mark=Decimal(100),
        funding_rate=Decimal("0.01"), funding_estimated=True,
    )  # fmt: skip
    row = _row(Session(load_settings({"PFMM_HOME": str(pfmm_home)})), big, NOW_MS)
    assert (row.rate_8h_bps, row.action, row.source) == (100, "neutral", "estimated")
    assert "neutral (estimated)" in render(FundingResult((row,)), None)


def test_assertions_decide_the_exit_code(tmp_path: Path) -> None:
    with venue(ticker("BTC-PERP", 0.0001, 8), ticker("ETH-PERP", 0.0005, 8)).serving() as served:
        env = {"PFMM_BASE_URL": served.url}

        def check(expression: str, *args: str) -> Any:
            return run("funding", "BTC", "ETH", "--assert", expression, *args, home=tmp_path, env=env)

        assert check("abs(rate_8h_bps) < 6").code == 0
        assert check("rate_8h_bps >= 3 or market == 'BTC-PERP'").code == 0
        false = check("rate_8h_bps >= 3", "--json")
        assert (false.code, false.error["code"]) == (10, "assertion_false")
        assert "BTC-PERP (rate_8h_bps 1" in false.error["message"]
        assert [row["market"] for row in false.envelope["data"]["markets"]] == ["BTC-PERP"]  # the offending one alone
        shown = check("rate_8h_bps >= 3")
        assert shown.code == 10
        assert "ETH-PERP" not in shown.out
        asked = len(served.requests)
        unknown, broken = check("rate_8h_bsp >= 3", "--json"), check("rate_8h_bps >", "--json")
        assert (unknown.code, unknown.error["hint"]) == (2, "did you mean rate_8h_bps or rate_bps?")
        assert (broken.code, broken.error["code"]) == (2, "assertion_syntax")
        assert "(column 14)" in broken.error["message"]
        assert len(served.requests) == asked  # a bad expression is known before anything is asked
        for wrong in (unknown, broken, check("market < 3", "--json")):
            assert wrong.error["message"].startswith("--assert: ")


@pytest.mark.parametrize("args", [(), ("BTC", "--all"), ("BTC", "--sort", "size"), ("--all", "--limit", "0")])
def test_lines_that_make_no_sense_are_usage_errors(tmp_path: Path, args: tuple[str, ...]) -> None:
    assert run("funding", *args, "--json", home=tmp_path).error["exit_code"] == 2


def test_watch_is_one_event_a_look_until_interrupted(tmp_path: Path) -> None:
    line = ("funding", "BTC", "--watch", "--interval", "0.05")
    watching = run_until("funding.*\n.*funding", interrupt, *line, home=tmp_path)  # the second look
    assert (watching.code, watching.err) == (130, "")
    first, second, *_ = watching.events
    assert first["markets"][0]["market"] == "BTC-PERP"
    assert first["time"] <= second["time"]
    assert {event["event"] for event in watching.events} == {"funding"}


def test_watch_ends_where_its_assertion_breaks(tmp_path: Path) -> None:
    seen: list[int] = []

    def falling(_: str) -> dict[str, Any]:
        seen.append(1)
        return ticker("BTC-PERP", 0.0005 if len(seen) < 3 else 0.0001, 8)

    with venue(**{"/api/ticker/BTC-PERP": falling}).serving() as served:
        done = run_here(
            "funding", "BTC", "--watch", "--interval", "0.01", "--assert", "rate_8h_bps >= 3",
            home=tmp_path, env={"PFMM_BASE_URL": served.url},
        )  # fmt: skip
    assert done.code == 10
    assert [event["markets"][0]["rate_8h_bps"] for event in done.events] == [5, 5, 1]
    assert "is false for 1 of 1: BTC-PERP" in done.err


def test_watch_looks_past_an_outage_that_passes(tmp_path: Path) -> None:
    seen: list[int] = []

    def failing_second(_: str) -> dict[str, Any]:
        seen.append(1)
        return {"nonsense": True} if len(seen) == 2 else ticker("BTC-PERP", 0.0005, 8)

    with venue(**{"/api/ticker/BTC-PERP": failing_second}).serving() as served:
        env = {"PFMM_BASE_URL": served.url}
        line = ("funding", "BTC", "--watch", "--interval", "0.01")
        again = '"event":"warning".*"event":"funding"'
        watching = run_until(again, partial(interrupt, signal.SIGTERM), *line, home=tmp_path, env=env)
    assert watching.code == 143
    (warning,) = (event for event in watching.events if event["event"] == "warning")
    assert warning["code"] == "bad_venue_data"


def test_watch_on_a_terminal_redraws_in_place(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    env = environment(tmp_path, {"TERM": "xterm"})
    command = [sys.executable, "-m", "pfmm", "funding", "BTC", "--watch", "--interval", "0.05"]
    with subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        shown = b""
        while shown.count(b"BTC-PERP") < 3:
            ready, _, _ = select.select([ours], [], [], PATIENCE_S)
            assert ready, shown
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        drain_terminal(ours)
        assert process.wait(timeout=PATIENCE_S) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(ours)
    assert b"Ctrl-C ends" in shown
    assert b"\x1b[1A" in shown  # the cursor goes back up: the table is drawn over
    assert b'{"event"' not in shown


def drain_terminal(descriptor: int) -> None:
    """Reads until the other side is closed, so that it never blocks on a full terminal."""
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:  # how Linux says that the other side is gone
        return
