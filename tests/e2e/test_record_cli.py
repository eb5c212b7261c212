"""`pfmm record`: round trips, kills and signals of real processes, and files that must not be touched."""

from __future__ import annotations

import signal
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.model.market import Book, FundingRate, Trade
from pfmm.tape import TapeQuote, read
from tests.e2e.driver import Running, interrupt, run, run_here, run_until
from tests.e2e.homes import served, stepped_home

START_MS = 1_735_718_390_000  # 10 s before the funding of 08:00
MARKETS = ("BTC-PERP", "ETH-PERP")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    stepped_home(home, seed=3, at_ms=START_MS)
    return home


def quote(home: Path, market: str) -> tuple[Decimal | None, ...]:
    """Best quotes as the embedded exchange shows them now."""
    exchange = open_exchange(home / "state")
    try:
        shown = exchange.ticker(market)
        return shown.bid, shown.bid_size, shown.ask, shown.ask_size
    finally:
        exchange.close()


def step(home: Path, to_ms: int) -> None:
    exchange = open_exchange(home / "state")
    try:
        exchange.advance_clock(to_ms)
    finally:
        exchange.close()


@pytest.mark.parametrize("name", ["a.tape", "a.tape.gz"])
def test_a_recording_replays_as_the_market_it_was(home: Path, tmp_path: Path, name: str) -> None:
    tape = tmp_path / name
    done = run("record", "btc", "ETH-PERP", "btc-perp", "--out", tape, "--for", 20, home=home)
    assert done.code == 0
    assert [event["event"] for event in done.events] == ["started", *["cycle"] * 21, "stopped"]
    last = done.events[-1]
    assert (last["reason"], last["quotes"], last["late"]) == ("20 s are over", 42, 0)
    assert last["bytes"] == tape.stat().st_size

    original, replayed = tmp_path / "original", tmp_path / "replayed"
    stepped_home(original, seed=3, at_ms=START_MS)
    assert run("paper", "feed", "replay", tape, "--speed", 0, home=replayed).code == 0
    for to_ms in range(START_MS, START_MS + 20_001, 4_000):
        step(original, to_ms)
        step(replayed, to_ms)
        for market in MARKETS:
            assert quote(replayed, market) == quote(original, market), (to_ms, market)

    trades = [entry.event for entry in read([tape]) if isinstance(entry.event, Trade)]
    exchange = open_exchange(original / "state")
    try:
        for market in MARKETS:
            printed = exchange.trades(market, START_MS)
            recorded = [trade for trade in trades if trade.market == market]
            assert [(t.time_ms, t.price, t.size) for t in recorded] == [
                (t.time, t.price, t.size_base) for t in printed if t.time <= START_MS + 20_000
            ]
            assert recorded
    finally:
        exchange.close()


def test_the_funding_that_settled_is_on_the_tape(home: Path, tmp_path: Path) -> None:
    tape = tmp_path / "f.tape"
    assert run("record", "BTC", "--out", tape, "--for", 12, "--interval", 4, "--depth", 0, home=home).code == 0
    exchange = open_exchange(home / "state")
    try:
        (settled,) = exchange.funding_rates("BTC-PERP", START_MS)
    finally:
        exchange.close()
    rates = {e.event.time_ms: e.event.rate for e in read([tape]) if isinstance(e.event, FundingRate)}
    assert rates[START_MS + 10_000] == settled.rate
    assert sorted(rates) == [START_MS + 10_000, START_MS + 10_000 + 8 * 3_600_000]
    kinds = [type(entry.event) for entry in read([tape])]
    assert (kinds.count(TapeQuote), kinds.count(Book)) == (4, 0)


@pytest.mark.parametrize("name", [pytest.param("k.tape", marks=pytest.mark.slow), "k.tape.gz"])
def test_a_killed_recording_is_readable_up_to_its_last_poll(home: Path, tmp_path: Path, name: str) -> None:
    tape = tmp_path / name
    with Running("record", *MARKETS, "--out", tape, "--interval", 0.5, "--json", home=home) as recording:
        for _ in range(5):
            seen = recording.wait_for_event("cycle")
        recording.process.kill()
        recording.end()
    assert sum(isinstance(entry.event, TapeQuote) for entry in read([tape])) >= seen["quotes"] == 10
    assert run("paper", "feed", "replay", tape, "--reset", home=home).code == 0


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_a_whole_file(home: Path, tmp_path: Path, sign: signal.Signals, code: int) -> None:
    tape = tmp_path / "s.tape"
    line = ("record", "BTC-PERP", "--out", tape)
    recording = run_until('"event":"cycle"', partial(interrupt, sign), *line, home=home)
    assert recording.code == code
    last = recording.events[-1]
    assert (last["event"], last["reason"]) == ("stopped", f"signal {sign.name}")
    assert sum(1 for _ in read([tape])) == sum(last[kind] for kind in ("quotes", "trades", "depths", "funding"))


def test_an_existing_file_is_safe_without_force(home: Path, tmp_path: Path) -> None:
    tape = tmp_path / "x.tape"
    tape.write_text("precious\n")
    refused = run("record", "BTC", "--out", tape, "--cycles", 1, "--json", home=home)
    assert (refused.code, "--force" in refused.error["hint"]) == (2, True)
    assert tape.read_text() == "precious\n"
    assert run("record", "BTC", "--out", tape, "--cycles", 1, "--force", home=home).code == 0
    assert sum(isinstance(entry.event, TapeQuote) for entry in read([tape])) == 1


def test_what_cannot_be_recorded_leaves_no_file(home: Path, tmp_path: Path) -> None:
    def code(*arguments: Any, **env: str) -> int:
        return run_here("record", *map(str, arguments), "--json", home=home, env=env).code

    tape = tmp_path / "n.tape"
    assert code("BTC", "--out", tmp_path / "absent" / "n.tape", "--cycles", 1) == 13
    assert code("NOSUCH", "--out", tape, "--cycles", 1) == 6
    assert code("BTC", "--out", tape, "--for", "0") == 2
    assert code("BTC", "--out", tape, "--interval", "nan") == 2
    assert code("BTC", "--out", tape, "--depth", 21) == 2
    assert code("BTC", "--out", tape, PFMM_BASE_URL="http://127.0.0.1:9") == 5
    assert code("BTC", "--out", tmp_path / ("n" * 5_000), "--cycles", 1) == 13
    assert not tape.exists()
    unset = run("record", "BTC", "--out", "", "--cycles", 1, "--json", home=home)
    assert (unset.code, unset.error["message"]) == (2, "Invalid value for '--out': must name a file, not ''")


def test_the_end_of_a_replay_ends_its_recording(home: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.tape", tmp_path / "2.tape"
    assert run("record", "BTC", "--out", first, "--cycles", 4, home=home).code == 0
    assert run("paper", "feed", "replay", first, "--speed", 0, home=home).code == 0
    done = run_here("record", "BTC", "--out", str(second), home=home)
    assert (done.code, done.events[-1]["reason"]) == (0, "the market's data ended")

    def quotes(tape: Path) -> list[Any]:
        return [entry.event for entry in read([tape]) if isinstance(entry.event, TapeQuote)]

    assert quotes(second) == quotes(first)


def test_a_session_in_which_nothing_filled_is_not_measured(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")
    done = run("record", "BTC", "--out", tmp_path / "n.tape", "--cycles", 3, "--break-even", "quote", home=home)
    assert [event["event"] for event in done.events[-2:]] == ["stopped", "break_even"]
    told = done.events[-1]
    assert (told["market"], told["break_even_maker_bps"]) == ("BTC-PERP", None)
    assert "no fill whose next 5 s" in told["reason"]
    wrong = run("record", "BTC", "--out", tmp_path / "x.tape", "--break-even", "nope", "--json", home=home)
    assert (wrong.code, "--break-even must be one of" in wrong.error["message"]) == (2, True)


def test_without_numpy_nothing_is_recorded_that_could_not_be_measured(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)  # as where the extra is not installed
    out = tmp_path / "n.tape"
    done = run("record", "BTC", "--out", out, "--cycles", 1, "--break-even", "quote", "--json", home=home)
    assert (done.code, done.error["hint"], out.exists()) == (3, "pip install 'pfmm[backtest]'", False)


def test_without_a_venue_that_answers_it_is_not_measured(tmp_path: Path) -> None:
    env = {"PFMM_VENUE": "hyperliquid", "PFMM_BASE_URL": "http://127.0.0.1:1"}
    out = tmp_path / "x.tape"
    done = run("record", "BTC", "--out", out, "--for", 5, "--break-even", "quote", "--json", home=tmp_path, env=env)
    assert done.code == 5
    assert done.error["message"].endswith("the break-even maker fee on BTC: not measured")
    assert not out.exists()


@pytest.mark.slow
def test_sessions_are_recorded_and_their_break_even_fees_are_told(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")
    source = tmp_path / "source.tape"
    assert run("record", *MARKETS, "--out", source, "--for", 46, home=home).code == 0
    assert run("paper", "feed", "replay", source, "--speed", 0, home=home).code == 0
    words = ("record", *MARKETS, "--out", tmp_path / "be.tape", "--rotate", 20, "--for", 44, "--break-even", "quote")
    done = run(*words, home=home)
    assert done.code == 0
    told = [event for event in done.events if event["event"] == "break_even"]
    files = sorted(tmp_path.glob("be-*.tape"))
    assert len(files) == 3
    assert [one["market"] for one in told] == [MARKETS[0]] * 4 + [MARKETS[1]] * 4
    for market in MARKETS:
        *sessions, whole = [one for one in told if one["market"] == market]
        assert [one["session"].partition(" ")[0] for one in sessions] == [file.name for file in files]
        assert whole["session"] == "all sessions"
        given = [word for file in files for word in ("--data", file)]
        alone = run("backtest", "run", "quote", market, *given, "--queue", "pessimistic", "--json", home=home).data
        assert whole["fills"] == alone["fills"]
        assert whole["break_even_maker_bps"] == alone["edge"]["break_even_maker_bps"]["5s"]
        assert (whole["break_even_maker_bps"] is None) is (whole["reason"] is not None)
    assert any(one["break_even_maker_bps"] is not None for one in told)
    assert any(one["reason"] for one in told)


def test_an_answer_that_is_none_does_not_end_it(home: Path, tmp_path: Path) -> None:
    tape = tmp_path / "f.tape"
    faults = "seed=6,rate=0.2,kinds=crossed,only=GET+/api/orderbook"
    with served(home, faults=faults) as env:
        done = run("record", "BTC", "--out", tape, "--cycles", 20, home=tmp_path / "client", env=env)
    assert (done.code, done.events[-1]["reason"]) == (0, "20 polls done")
    assert any("is out of order" in event["message"] for event in done.events if event["event"] == "warning")
    assert sum(isinstance(entry.event, TapeQuote) for entry in read([tape])) == 20
