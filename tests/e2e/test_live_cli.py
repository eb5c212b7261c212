"""`paper feed live` and `record --venue` as commands, against a scripted venue on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfmm.model.market import Trade
from pfmm.tape import read
from tests.e2e.driver import Completed, run, run_here
from tests.scripted_hyperliquid import ScriptedVenue, served


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    made = ScriptedVenue(page=4)
    with served(made) as made.url:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def follow(venue: ScriptedVenue, home: Path, *more: str) -> Completed:
    return run("paper", "feed", "live", "--venue", "hyperliquid", "--url", venue.url, *more, "--json", home=home)


def test_paper_money_on_live_data_says_so(venue: ScriptedVenue, home: Path) -> None:
    shown = follow(venue, home, "--reset").data
    assert (shown["feed"]["kind"], shown["feed"]["venue"], shown["feed"]["network"]) == (
        "live", "hyperliquid", "mainnet",
    )  # fmt: skip
    assert shown["feed"]["fees"] == {"maker_bps": 1.5, "taker_bps": 4.5, "source": "hyperliquid"}
    text = run("paper", "status", home=home).out
    assert "market live hyperliquid mainnet (paper money on live data)" in text
    assert run("quote", "show", "BTC", "--json", home=home).data["mid"] == "100000.5"
    (btc,) = run("funding", "BTC", "--json", home=home).data["markets"]
    assert (btc["interval_hours"], float(btc["rate_bps"])) == (1, 0.125)
    assert {one["market"] for one in run("markets", "--json", home=home).data["markets"]} == {"BTC-PERP", "ETH-PERP"}
    once = run("grid", "start", "BTC", "--lower", 99_000, "--upper", 101_000, "--once", "--json", home=home)
    assert once.code == 0
    flattened = run("flatten", "BTC", "--yes", "--json", home=home)
    assert flattened.data["state"] == "flat", flattened.out
    assert all(asked["type"] in ("metaAndAssetCtxs", "exchangeStatus", "l2Book", "recentTrades")
               for asked in venue.requests)  # fmt: skip


def test_without_the_network_it_says_that(venue: ScriptedVenue, home: Path) -> None:
    venue.down = True
    failed = follow(venue, home, "--reset")
    assert (failed.code, "got no answer" in failed.error["message"]) == (5, True)
    assert run("paper", "feed", "--json", home=home).data["feed"]["kind"] == "synthetic"
    venue.down = False
    follow(venue, home, "--reset")
    venue.down = True
    dark = run("quote", "show", "BTC", "--json", home=home)
    assert dark.code == 5
    assert "nothing is known of BTC-PERP on hyperliquid" in dark.error["message"]
    assert run("paper", "status", "--json", home=home).envelope["warnings"] == []  # nobody had to look


def test_another_venue_is_refused(home: Path) -> None:
    refused = run("paper", "feed", "live", "--venue", "purpleflea", "--json", home=home)
    assert (refused.code, refused.error["hint"]) == (6, "it follows hyperliquid")


def trades(*files: Path) -> list[str]:
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return [one["id"] for one in found if one.get("kind") == "trade"]


def record(venue: ScriptedVenue, home: Path, out: Path, *more: Any) -> Completed:
    arguments = ("record", "BTC", "--venue", "hyperliquid", "--out", out, "--cycles", 1, *more, "--json")
    return run(*arguments, home=home, env={"PFMM_BASE_URL": venue.url})


def test_a_recording_goes_on_without_a_print_twice(venue: ScriptedVenue, home: Path, tmp_path: Path) -> None:
    tape = tmp_path / "btc.tape"
    record(venue, home, tape)
    for _ in range(2):
        venue.trade(100_000)
    venue.step(3)
    assert record(venue, home, tape).code == 2  # it is there already
    done = record(venue, home, tape, "--resume")
    assert (done.code, done.events[-1]["trades"], done.events[-1]["gaps"]) == (0, 2, 0)
    assert done.events[0]["message"] == "a poll every 2.2 s: the venue's limits allow no more"
    venue.step(1)
    for _ in range(6):
        venue.trade(100_000)
    venue.step(3)
    tape.write_bytes(tape.read_bytes() + b'{"kind":"trade","mar')  # as a full disk leaves it
    done = record(venue, home, tape, "--resume")
    assert (done.events[-1]["trades"], done.events[-1]["gaps"]) == (4, 1)  # two of six were shown no more
    ids = trades(tape)
    assert (len(ids), len(set(ids))) == (6, 6)
    assert sum(isinstance(entry.event, Trade) for entry in read([tape])) == 6
    assert run("backtest", "data", tape, "--json", home=home).code == 0
    assert run("paper", "feed", "replay", tape, "--reset", home=home).code == 0


def test_a_recording_rotates_and_each_file_stands_alone(venue: ScriptedVenue, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "btc.tape"
    for _ in range(3):
        venue.trade(100_000)
        venue.step(3)
        assert record(venue, home, out, "--rotate", 2, "--resume").code == 0
        venue.step(3)
    files = sorted(tmp_path.glob("btc-*.tape"))
    assert len(files) == 1  # each went on with the newest
    assert not out.exists()
    assert len(trades(*files)) == len(set(trades(*files))) == 2  # the first was printed before the recording began


def test_through_the_socket_it_is_the_same(venue: ScriptedVenue, home: Path, tmp_path: Path) -> None:
    venue.trade(100_000)
    assert follow(venue, home, "--socket", "--reset").data["feed"]["socket"] is True
    assert run("quote", "show", "BTC", "--json", home=home).data["mid"] == "100000.5"
    tape = tmp_path / "btc.tape"
    done = record(venue, home, tape, "--socket")
    assert (done.code, done.events[-1]["quotes"], done.events[-1]["gaps"]) == (0, 1, 0)
    assert not [asked for asked in venue.requests if asked["type"] in ("l2Book", "recentTrades")]
    assert (
        run_here("record", "BTC", "--out", str(tmp_path / "x"), "--socket", "--json", home=tmp_path / "paper").code == 6
    )


KEY = "sk-live-3f9a77c1e0b24d5599aa"


class Echo(ScriptedVenue):
    """Puts the key, which it was never sent, into what anybody may read: once `echoes`."""

    echoes = False

    def answer(self, asked: Any) -> Any:
        found = super().answer(asked)
        if self.echoes and asked["type"] == "l2Book":
            return {**found, "levels": [[{"px": KEY, "sz": KEY, "n": 1}], []]}
        if self.echoes and asked["type"] == "recentTrades":
            return KEY
        return found


@pytest.mark.waits
def test_a_key_in_what_a_live_market_answers_is_shown_nowhere(home: Path) -> None:
    """The key of the environment: in answers to public reads, messages, the log of problems and the exchange's file."""
    made = Echo(page=4)
    with served(made) as made.url:
        env = {"PFMM_API_KEY": KEY}
        assert follow(made, home, "--reset").code == 0
        made.echoes = True
        lines = ("book BTC", "quote show BTC", "paper status", "doctor", "grid start BTC --once")
        shown = [run(*line.split(), *more, home=home, env=env) for line in lines for more in ((), ("--json",))]
    assert any(done.code != 0 for done in shown), "it did harm"
    assert [done for done in shown if KEY in done.out + done.err] == []
    kept = [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert kept == []
