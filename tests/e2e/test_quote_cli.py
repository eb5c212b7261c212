"""`pfmm quote` as a real process: what it shows, what it posts, and that it leaves nothing behind."""

from __future__ import annotations

import signal
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfmm.accounting.attribution import Attribution, assess
from pfmm.accounting.ledger import net_profit
from pfmm.model.ledger import ACCOUNT as NET
from tests.e2e.driver import interrupt, run, run_here, run_until
from tests.e2e.homes import open_orders, own_session, runner_of, stepped_home
from tests.e2e.scripted_venue import ScriptedVenue
from tests.plain_accounting import attribute

D = Decimal
CONTRACT = {
    "market", "mid", "reservation_price", "bid", "ask", "bid_size", "ask_size", "half_spread_bps", "spread_bps",
    "model", "parameters", "components", "absent", "regime", "funding_tilt", "inventory_ratio",
}  # fmt: skip
RECORDINGS = ("btcusdt_20240718.gz", "btcusdt_20240719.gz", "ethusdt_20240718.gz", "ethusdt_20240719.gz")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    stepped_home(tmp_path, seed=11)
    return tmp_path


def summed_price(data: dict[str, Any], side: str) -> Decimal:
    """The posted price as its components make it: mid x (1 + sum of bps / 10,000)."""
    bps = sum(D(repr(part[f"{side}_bps"])) for part in data["components"])
    return D(data["mid"]) * (1 + bps / 10_000)


@pytest.mark.parametrize(
    "options",
    [(), ("--model", "as"), pytest.param(("--model", "fixed"), marks=pytest.mark.slow), ("--inventory", "-300")],
)
def test_the_components_add_up_to_the_posted_price(home: Path, options: tuple[str, ...]) -> None:
    data = run("quote", "show", "btc", *options, "--json", home=home).data
    assert set(data) >= CONTRACT
    assert data["market"] == "BTC-PERP"
    assert D(data["bid"]) < D(data["mid"]) < D(data["ask"])
    tick = D(1)  # 5 figures of a price in the tens of thousands
    for side in ("bid", "ask"):
        assert D(data[side]) % tick == 0
        assert abs(summed_price(data, side) - D(data[side])) < tick / 1000


def test_show_writes_no_journal_and_sends_nothing(home: Path) -> None:
    shown = run("quote", "show", "BTC-PERP", home=home)
    assert shown.code == 0
    assert "half spread" in shown.out
    assert "calibrated" in shown.out
    assert not (home / "state" / "journals").exists()
    assert open_orders(home) == []


def test_flags_are_believed_and_shown_as_such(home: Path) -> None:
    flags = ("--model", "fixed", "--half-spread-bps", "12", "--sigma", "30", "--size", "80")
    data = run("quote", "show", "BTC", *flags, "--json", "--explain", home=home).data
    assert data["half_spread_bps"] == pytest.approx(12)  # 30 % a year is the low regime: times one
    assert data["regime"] == "low"
    assert data["parameters"]["sigma_annual"] == pytest.approx(0.3)
    assert data["parameters"]["sigma_source"] == "override"
    assert {"inputs", "fit", "formula"} <= set(data)
    told = run("quote", "show", "BTC", "--kappa", "0.4", "--json", home=home).data
    assert (told["parameters"]["source"], told["parameters"]["kappa"]) == ("flag", 0.4)
    fitted = run("quote", "show", "BTC", "--json", home=home).data
    assert fitted["parameters"]["source"] == "calibrated"
    run("profile", "set", "quote.calibrate", "false", home=home)
    plain = run("quote", "show", "BTC", "--json", home=home).data
    assert (plain["parameters"]["source"], plain["parameters"]["kappa"]) == ("profile", 0.5)


def test_a_full_side_is_absent_and_says_why(home: Path) -> None:
    data = run("quote", "show", "BTC", "--inventory", "460", "--json", home=home).data
    assert data["bid"] is None
    assert data["ask"] is not None
    assert "92%" in data["absent"]["bid"]
    assert data["inventory_ratio"] == pytest.approx(0.92)
    assert "no bid: inventory at 92%" in run("quote", "show", "BTC", "--inventory", "460", home=home).out


def test_numbers_in_the_wrong_units_are_refused_with_the_units(home: Path) -> None:
    refused = run("quote", "show", "BTC", "--kappa", "0.0001", "--json", home=home)
    assert (refused.code, refused.error["code"]) == (2, "units")
    assert "per bp of mid" in refused.error["hint"]
    started = run_here("quote", "start", "BTC", "--kappa", "0.0001", "--json", home=home)
    assert started.code == 2
    assert open_orders(home) == []


def test_once_from_cron_keeps_amends_and_stops(home: Path) -> None:
    first = run("quote", "start", "BTC", "ETH", "--once", "--json", home=home).data
    assert [row["placed"] for row in first["runs"]] == [2, 2]
    assert len(open_orders(home)) == 4
    again = run("quote", "start", "BTC", "ETH", "--once", "--json", home=home).data
    assert [(row["kept"], row["placed"], row["amended"]) for row in again["runs"]] == [(2, 0, 0)] * 2
    quiet = run("quote", "start", "BTC", "ETH", "--dry-run", "--exit-code", home=home)
    assert quiet.code == 0
    shown = run("quote", "show", "BTC", "--json", home=home).data
    resting = {o.price for o in open_orders(home) if o.market == "BTC-PERP"}
    assert {D(shown["bid"]), D(shown["ask"])} == resting  # show tells what the run has
    changed = run("quote", "start", "BTC", "--once", "--size", "70", "--json", home=home)
    assert changed.code == 2
    assert "quote.size_usd 50 → 70" in changed.error["message"]
    status = run("quote", "status", "--json", home=home).data
    assert [(row["market"], row["state"], len(row["orders"])) for row in status["runs"]] == [
        ("BTC-PERP", "between_runs", 2),
        ("ETH-PERP", "between_runs", 2),
    ]
    stopped = run("quote", "stop", "--json", home=home).data
    assert [(row["cancelled"], row["orders_left"]) for row in stopped["runs"]] == [(2, 0), (2, 0)]
    assert open_orders(home) == []
    pending = run("quote", "start", "BTC", "--dry-run", "--exit-code", "--json", home=home)
    assert pending.code == 12


def test_without_calibration_the_first_look_posts_nothing_and_the_second_does(home: Path) -> None:
    run("profile", "set", "quote.calibrate", "false", home=home)
    first = run("quote", "start", "BTC", "--once", "--json", home=home).data["runs"][0]
    assert (first["placed"], first["resting"]) == (0, 0)
    assert "1 of at least 2 samples" in first["absent"]["bid"]
    with own_session(home) as session:
        session.venue.advance(session.venue.time().time_ms + 60_000)
    text = run("quote", "start", "BTC", "--once", home=home)
    assert "2 placed" in text.out


def test_one_process_quotes_many_markets_and_leaves_nothing(home: Path) -> None:
    markets = ["BTC", "ETH", "SOL", "DOGE", "XRP"]
    done = run("quote", "start", *markets, "--cycles", "15", "--max-inventory", "200", home=home)
    assert done.code == 0, done.err
    names = {event["event"] for event in done.events}
    assert {"started", "cycle", "placed", "fill", "stopped"} <= names
    cycles = [event for event in done.events if event["event"] == "cycle"]
    assert len(cycles) == 15 * 5
    assert {event["market"] for event in cycles} == {f"{name}-PERP" for name in markets}
    assert open_orders(home) == []
    for row in run("quote", "status", "--json", home=home).data["runs"]:
        assert row["state"] == "stopped"
    _check_books(home)


def _check_books(home: Path) -> list[Attribution]:
    """The attribution of every market sums to its total to the last digit; the totals are the account's profit."""
    with own_session(home) as session:
        account = session.venue.account_state()
        assert account.deposits is not None
        whole: list[Attribution] = []
        for market in {item.fill.market for item in session.journal.fills()}:
            (ticker,) = session.venue.tickers([market])
            # one run on each market, nothing else
            (ledger,) = [book.ledger for book in session.journal.books(market) if book.owner != NET]
            judged = assess((i.fill for i in session.journal.fills(market=market)), session.journal.mids(market))
            total = net_profit(ledger, ticker.mark)
            parts = attribute(judged, total=total, funding=ledger.funding)
            assert parts.total == (
                parts.spread_capture + parts.adverse_selection + parts.inventory - parts.fees + parts.funding
            )
            whole.append(parts)
        assert sum(parts.total for parts in whole) == account.equity - account.deposits
    return whole


def test_two_runners_of_one_market_are_refused(tmp_path: Path) -> None:
    with runner_of(tmp_path, "quote", "ETH-PERP"):
        second = run_here("quote", "start", "BTC", "ETH", "--json", home=tmp_path)
    assert (second.code, second.error["code"]) == (11, "already_running")
    assert open_orders(tmp_path) == []


def test_a_signal_leaves_nothing(tmp_path: Path) -> None:
    line = ("quote", "start", "BTC", "ETH", "--kappa", "1.5", "--sigma", "40", "--interval", "0.2")
    assert run_until('"event":"cycle"', partial(interrupt, signal.SIGTERM), *line, home=tmp_path).code == 143
    assert open_orders(tmp_path) == []


@pytest.mark.slow
def test_the_recorded_markets_are_quoted_to_their_end(tmp_path: Path, shared_data: Path) -> None:
    files = [shared_data / "binance-usdm-ticks" / name for name in RECORDINGS]
    fed = run("paper", "feed", "replay", *files, "--speed", "0", "--fees", "article", home=tmp_path)
    assert fed.code == 0, fed.err
    done = run_here("quote", "start", "BTC-PERP", "ETH-PERP", home=tmp_path)
    assert done.code == 0, done.err
    assert done.events[-1]["reason"] == "the recorded data ended"
    assert sum(event["event"] == "fill" for event in done.events) > 20
    assert open_orders(tmp_path) == []
    for parts in _check_books(tmp_path):
        assert parts.spread_capture > 0
        assert parts.fees < 0  # rebates: nothing was taken


TICKER: dict[str, Any] = {
    "market": "BTC-PERP", "price": 100.0, "bid": 99.9, "bid_size": 1.0, "ask": 100.1, "ask_size": 1.0, "mark": 100.0,
    "index": 100.0, "funding_rate": 0.0, "funding_interval_h": 8, "next_funding_at": 1_760_028_800_000,
    "volume_24h": None, "time": 1_760_000_000_000,
}  # fmt: skip
ROW: dict[str, Any] = {
    "market": "BTC-PERP", "category": "crypto", "price_unit": 0.1, "significant_figures": None, "size_step": 0.001,
    "min_notional": 10.0, "max_leverage": 20, "maker_bps": -2.0, "taker_bps": 5.0, "funding_interval_h": 8,
}  # fmt: skip
ACCOUNT = {
    "account_id": "default", "equity": 10000.0, "cash": 10000.0, "margin_used": 0.0, "free_margin": 10000.0,
    "deposits": 10000.0, "realized_pnl": 0.0, "unrealized_pnl": 0.0, "fees": 0.0, "funding": 0.0,
}  # fmt: skip

BAD = [
    ("stale", {"time": 1_759_999_900_000}, "stale"),
    ("crossed", {"bid": 100.2}, "crossed"),
    ("empty", {"bid": None, "bid_size": None, "ask": None, "ask_size": None}, "empty"),
    ("one-sided", {"ask": None, "ask_size": None}, "one-sided"),
]


def answers(ticker: dict[str, Any], row: dict[str, Any] = ROW) -> dict[str, Any]:
    """A venue that serves this ticker and this market, and no trades to learn from."""
    time = {"time_ms": 1_760_000_000_000, "speed": 1.0, "state": "open"}
    state = {
        **time, "account": ACCOUNT, "positions": [], "orders": [], "fills": [], "fills_cursor": "0",
        "funding_payments": [], "funding_cursor": "0", "more": False, "tickers": [ticker],
    }  # fmt: skip
    return {"/api/time": time, "/api/markets": {"markets": [row]}, "/api/state": state}


@pytest.mark.parametrize(("name", "changes", "word"), BAD, ids=[case[0] for case in BAD])
def test_a_bad_market_is_shown_as_not_quoted(tmp_path: Path, name: str, changes: dict[str, Any], word: str) -> None:
    with ScriptedVenue(answers({**TICKER, **changes})).serving() as venue:
        env = {"PFMM_BASE_URL": venue.url}
        data = run("quote", "show", "BTC", "--json", home=tmp_path, env=env).data
        assert (data["bid"], data["ask"]) == (None, None)
        assert word in data["absent"]["bid"]
        assert data["absent"]["bid"] == data["absent"]["ask"]
        text = run("quote", "show", "BTC", home=tmp_path, env=env)
        assert word in text.out
        once = run("quote", "start", "BTC", "--once", "--json", home=tmp_path, env=env)
        assert (once.code, once.error["code"]) == (75, "stale_data")
        assert word in once.error["message"]
        assert not any("/orders" in request for request in venue.requests)


def test_a_venue_that_lists_no_tick_is_refused_by_name(tmp_path: Path) -> None:
    with ScriptedVenue(answers(TICKER, {**ROW, "price_unit": 0.0})).serving() as venue:
        done = run("quote", "start", "BTC", "--once", "--json", home=tmp_path, env={"PFMM_BASE_URL": venue.url})
        assert done.code != 0
        assert "price_unit" in done.error["message"]
        assert not any("/orders" in request for request in venue.requests)


def test_two_spellings_of_a_market_are_one(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=7)
    rows = run("quote", "start", "BTC-PERP", "btc", "--once", "--json", home=tmp_path).data["runs"]
    assert [row["market"] for row in rows] == ["BTC-PERP"]


@pytest.mark.parametrize(
    ("flags", "source", "sigma_source"),
    [
        ((), "calibrated", "calibrated"),
        pytest.param(("--kappa", 1.5), "flag", "calibrated", marks=pytest.mark.slow),
        (("--kappa", 1.5, "--sigma", 40), "flag", "override"),
        pytest.param(("--model", "fixed"), "profile", "calibrated", marks=pytest.mark.slow),
        (("--model", "fixed", "--half-spread-bps", 6), "flag", "calibrated"),
    ],
)
def test_a_flag_replaces_its_own_number_and_no_other(
    tmp_path: Path, flags: tuple[object, ...], source: str, sigma_source: str
) -> None:
    parameters = run("quote", "show", "BTC", *flags, "--json", home=tmp_path).data["parameters"]
    assert (parameters["source"], parameters["sigma_source"]) == (source, sigma_source)
    if "--kappa" in flags:
        assert parameters["kappa"] == 1.5
