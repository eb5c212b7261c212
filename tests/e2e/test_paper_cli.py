"""`pfmm paper` as real processes: the market, the money, starting afresh, and serving."""

from __future__ import annotations

import json
import os
import re
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from tests.e2e.driver import Running, interrupt, run, run_here, run_until
from tests.e2e.homes import as_if_killed, resting_grid, runner_of, stepped_home

START_MS = 1_735_689_600_000
START = "2025-01-01T00:00:00.000Z"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose exchange is stepped, seed 7, at the start of 2025."""
    home = tmp_path / "home"
    stepped_home(home, seed=7, at_ms=START_MS)
    return home


GRID = ("grid", "start", "BTC-PERP", "--range-pct", "0.35")  # no volatility to measure first
ARTICLE = {"maker_bps": -2, "taker_bps": 5, "source": "article"}
ARTICLE_TEXT = "fees maker -2, taker 5 bps (article)"


def status(home: Path, **env: str) -> Any:
    return run("paper", "status", "--json", home=home, env=env).data


def test_a_new_home_has_ten_thousand_and_a_running_market(tmp_path: Path) -> None:
    data = status(tmp_path / "new")
    assert (data["account"], data["equity"], data["positions"], data["open_orders"], data["url"]) == (
        "default",
        "10000.00000000",
        [],
        [],
        None,
    )
    assert (data["feed"], data["state"], data["speed"]) == (
        {"kind": "synthetic", "seed": 1, "generator": 2, "fees": ARTICLE},
        "open",
        1,
    )


def test_a_deposit_adds_exactly(home: Path) -> None:
    # 10,000 + 0.00000001 + 250.5 = 10,250.50000001
    assert run("paper", "deposit", "0.00000001", home=home).code == 0
    data = run("paper", "deposit", "250.5", "--json", home=home).data
    assert (data["deposits"], data["equity"]) == ("10250.50000001", "10250.50000001")
    assert status(home)["equity"] == "10250.50000001"
    assert status(home, PFMM_ACCOUNT="other")["equity"] == "10000.00000000"


def test_a_deposit_that_is_none(home: Path) -> None:
    for amount in ("0", "nan", "1e10", "0.000000001", "ten"):
        failed = run("paper", "deposit", amount, "--json", home=home)
        assert (failed.code, failed.error["code"]) == (2, "usage"), amount
    assert status(home)["equity"] == "10000.00000000"


def test_a_live_profile_leaves_paper_money_paper(home: Path) -> None:
    live = {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": "http://127.0.0.1:9"}
    assert run("paper", "deposit", "1", home=home, env=live).code == 0
    shown = status(home, **live)
    assert (shown["url"], shown["equity"], shown["feed"]["seed"]) == (None, "10001.00000000", 7)


def test_a_feed_says_what_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shown = run("paper", "feed", "synthetic", "--seed", 7, "--speed", 0, "--at", START, "--json", home=home).data
    assert shown == {
        "feed": {"kind": "synthetic", "seed": 7, "generator": 2, "fees": ARTICLE, "speed": 0, "at": START},
        "state": "open",
        "time": START,
        "speed": 0,
    }
    words = run("paper", "feed", home=home).out
    assert words == f"market synthetic seed 7   {START}   stepped by its clients   open   {ARTICLE_TEXT}\n"


def test_the_same_seed_and_time_are_the_same_market(home: Path) -> None:
    def plan() -> Any:
        return run("grid", "plan", "BTC", "--range-pct", "0.35", "--json", home=home).data

    switch = ("paper", "feed", "synthetic", "--speed", 0, "--at", "1735689600000")
    assert run(*switch, "--seed", 7, home=home).code == 0
    first = plan()
    assert plan() == first  # stepped: nothing moved it
    assert run(*switch, "--seed", 8, home=home).code == 0
    assert plan()["mid"] != first["mid"]
    assert run(*switch, "--seed", 7, home=home).code == 0
    assert plan() == first


def test_the_market_is_not_switched_under_orders_unless_told_to(home: Path) -> None:
    placed = run(*GRID, "--once", "--json", home=home).data["runs"][0]["placed"]
    shown = status(home)
    assert len(shown["open_orders"]) == placed > 0
    assert {order["market"] for order in shown["open_orders"]} == {"BTC-PERP"}
    refused = run("paper", "feed", "synthetic", "--seed", 8, "--json", home=home)
    assert (refused.code, refused.error["code"]) == (6, "venue_refused")
    assert "default" in refused.error["message"]
    assert "--reset" in refused.error["hint"]
    assert status(home) == shown
    done = run("paper", "feed", "synthetic", "--seed", 8, "--reset", "--json", home=home).data
    assert (done["feed"]["seed"], done["dropped_accounts"], len(done["journals"])) == (8, ["default"], 1)
    assert status(home)["open_orders"] == []


def test_a_reset_starts_clean_and_never_reuses_an_order_id(home: Path) -> None:
    run("paper", "deposit", "5", home=home)
    before = run(*GRID, "--once", "--json", home=home).data
    old_ids = {order["order_id"] for order in status(home)["open_orders"]}
    asked = run("paper", "reset", home=home)
    assert (asked.code, "--yes" in asked.err) == (2, True)
    assert len(status(home)["open_orders"]) == len(old_ids)
    moved = run("paper", "reset", "--yes", "--json", home=home).data
    (journal,) = moved["journals"]
    assert (Path(journal["from"]).exists(), Path(journal["to"]).is_file()) == (False, True)
    assert Path(journal["to"]).parent == home / "state" / "journals" / "archive"
    shown = status(home)
    assert (shown["equity"], shown["open_orders"], shown["time"]) == ("10000.00000000", [], START)
    again = run(*GRID, "--once", "--json", home=home).data
    assert again["adopted_orders"] == 0
    assert again["runs"][0]["placed"] == before["runs"][0]["placed"]
    assert not old_ids & {order["order_id"] for order in status(home)["open_orders"]}
    ids = [{e["client_order_id"] for e in answer["events"] if e["event"] == "placed"} for answer in (before, again)]
    assert not ids[0] & ids[1]


def test_nothing_changes_under_a_runner_and_a_killed_one_does_not_block(tmp_path: Path) -> None:
    home = tmp_path / "home"
    resting_grid(home)
    as_if_killed(home)
    with runner_of(home, "grid", "BTC-PERP"):
        for command in (
            ("paper", "reset", "--yes"),
            ("paper", "feed", "synthetic", "--seed", 3),
            ("paper", "feed", "synthetic", "--seed", 3, "--reset"),
        ):
            refused = run(*command, "--json", home=home)
            assert (refused.code, refused.error["code"]) == (11, "already_running")
            assert "grid runs on BTC-PERP" in refused.error["message"]
    killed = run("doctor", "--json", home=home).data["checks"]
    (left,) = [check for check in killed if check["name"] == "run paper-default BTC-PERP grid"]
    assert (left["verdict"], "`pfmm grid stop BTC-PERP`" in left["fix"]) == ("warn", True)
    assert run("paper", "reset", "--yes", home=home).code == 0
    assert {check["verdict"] for check in run("doctor", "--json", home=home).data["checks"]} == {"ok"}


def test_a_halt_outlives_a_reset_and_is_named(home: Path) -> None:
    latch = home / "state" / "locks" / "paper-default" / "HALT.json"
    latch.parent.mkdir(parents=True)
    latch.write_text(json.dumps({"halted_by": "flatten", "reason": "by hand", "since": START}))
    answer = run("paper", "reset", "--yes", "--json", home=home).envelope
    assert answer["warnings"] == ["account default is still halted: `pfmm resume` lifts that"]
    assert run("grid", "start", "BTC-PERP", "--once", home=home).code == 75


@pytest.mark.parametrize("damage", ["garbage", "empty tape"])
def test_a_reset_mends_an_exchange_that_does_not_open(home: Path, damage: str) -> None:
    store = home / "state" / "paper" / "exchange.sqlite3"
    if damage == "garbage":
        store.write_bytes(b"this is no database" * 200)
    else:
        assert run("record", "BTC", "--cycles", 3, "--out", home / "a.tape", home=home).code == 0
        assert run("paper", "feed", "replay", home / "a.tape", home=home).code == 0
        (tape,) = (home / "state" / "paper" / "tapes").glob("*.tape")
        tape.write_bytes(b"")
    broken = run("paper", "status", "--json", home=home)
    assert (broken.code in (3, 13), str(home) in broken.error["message"]) == (True, True)
    mended = run("paper", "reset", "--yes", "--json", home=home).envelope
    assert "set aside" in mended["warnings"][0]
    assert status(home)["equity"] == "10000.00000000"
    assert len(list(store.parent.glob("exchange.sqlite3.damaged-*"))) == 1


def test_a_feed_that_is_none(home: Path) -> None:
    for arguments in (
        ("synthetic", "--speed", "nan"),
        ("synthetic", "--speed", "-1"),
        ("synthetic", "--seed", "1.5"),
        ("synthetic", "--at", "yesterday"),
        ("synthetic", "--at", "0"),
        ("synthetic", "--at", "1999-12-31T23:59:59Z"),  # no command would read the market's time
        ("synthetic", "--at", "2100-01-01T00:00:00Z"),
        ("replay",),
        ("cinema",),
    ):
        assert run("paper", "feed", *arguments, "--json", home=home).code == 2, arguments
    assert run("paper", "feed", "--json", home=home).data["feed"]["seed"] == 7


def test_a_speed_or_a_file_that_cannot_be_leaves_the_market_alone(home: Path) -> None:
    fast = run("paper", "feed", "synthetic", "--speed", "2e6", "--json", home=home)
    assert (fast.code, "1000000" in fast.error["message"]) == (3, True)
    absent = run("paper", "feed", "replay", home / "absent.tape", "--json", home=home)
    assert (absent.code, absent.error["code"]) == (13, "data_file")
    assert run("paper", "feed", "--json", home=home).data["feed"]["seed"] == 7


def test_recorded_ticks_replay_from_a_chosen_point(home: Path, shared_data: Path) -> None:
    files = sorted((shared_data / "binance-usdm-ticks").glob("*0719*"))[:1]
    if not files:
        pytest.skip("the recorded ticks are not here")
    at = "2024-07-19T00:02:00.000Z"
    shown = run("paper", "feed", "replay", *files, "--speed", 0, "--at", at, "--json", home=home).data
    assert (shown["feed"]["kind"], shown["time"], shown["state"]) == ("replay", at, "open")
    assert run("markets", "--json", home=home).data["markets"]
    for typed in (str(START), "2031-05-04 15:33"):
        outside = run("paper", "feed", "replay", *files, "--at", typed, "--json", home=home)
        assert outside.code == 3
        assert f"--at {typed} lies outside the recording, 2024-07-1" in outside.error["message"]


def test_a_served_exchange_is_the_same_exchange(home: Path, tmp_path: Path) -> None:
    with Running("paper", "serve", "--port", 0, "--json", home=home) as server:
        event = server.wait_for_event("serving")
        assert (event["time"], event["url"].startswith("http://127.0.0.1:")) == (START, True)
        url = {"PFMM_BASE_URL": event["url"]}
        elsewhere = tmp_path / "elsewhere"
        placed = run(*GRID, "--once", "--json", home=elsewhere, env=url).data["runs"][0]["placed"]
        over_the_wire = status(elsewhere, **url)
        assert (over_the_wire["feed"], over_the_wire["url"]) == ({"kind": "served"}, event["url"])
        assert len(over_the_wire["open_orders"]) == placed > 0
        assert status(home)["open_orders"] == over_the_wire["open_orders"]
        assert run("paper", "feed", "synthetic", "--speed", 0, "--at", "2025-02-01", "--reset", home=home).code == 0
        assert status(elsewhere, **url)["time"] == "2025-02-01T00:00:00.000Z"  # the server follows
        for command in (("reset", "--yes"), ("deposit", "1"), ("feed", "synthetic")):
            refused = run("paper", *command, "--json", home=elsewhere, env=url)
            assert (refused.code, event["url"] in refused.error["message"]) == (3, True)
            assert refused.error["hint"].endswith(", without PFMM_BASE_URL")
        port = event["url"].rpartition(":")[2]
        taken = run_here("paper", "serve", "--port", port, "--json", home=home)
        assert (taken.code, taken.error["code"]) == (3, "port_in_use")
        server.process.send_signal(signal.SIGINT)
        assert server.end() == 130


def test_the_way_back_to_the_embedded_exchange_is_one_that_works(home: Path) -> None:
    """README has the address of a served exchange set in the profile paper itself."""
    assert run("profile", "set", "base_url", "http://127.0.0.1:9", home=home).code == 0
    refused = run("paper", "deposit", 5, "--json", home=home)
    assert (refused.code, "http://127.0.0.1:9" in refused.error["message"]) == (3, True)
    advised = re.fullmatch(r"run it where that exchange is served, after `pfmm (.*)`", refused.error["hint"])
    assert advised is not None, refused.error
    assert run(*advised[1].split(), home=home).code == 0
    assert run("paper", "deposit", 5, "--json", home=home).data["equity"] == "10005.00000000"


def test_serve_prints_the_url_alone_and_ends_on_sigterm(home: Path) -> None:
    line = ("paper", "serve", "--port", 0, "--rate-limit", "--latency-ms", 1)
    done = run_until("http://127.0.0.1:", partial(interrupt, signal.SIGTERM), *line, home=home)
    assert (done.code, re.fullmatch(r"http://127\.0\.0\.1:\d+\n", done.out) is not None) == (143, True), done


@pytest.mark.slow  # a server in a process of its own answers by default in the test above
def test_a_server_with_limits_answers_until_it_is_told_to_end(home: Path) -> None:
    with Running("paper", "serve", "--port", 0, "--rate-limit", "--latency-ms", 1, home=home) as server:
        url = server.wait_for("http://127.0.0.1:").strip()
        assert status(home, PFMM_BASE_URL=url)["equity"] == "10000.00000000"
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.end() == 143
    assert server.lines == [url + "\n"]


def test_serve_refuses_what_it_cannot_do(home: Path) -> None:
    for arguments in (("--faults", "rate=2"), ("--port", "70000"), ("--latency-ms", "-1"), ("--latency-ms", "60001")):
        assert run_here("paper", "serve", *arguments, "--json", home=home).code == 2, arguments


def test_a_new_home_gets_a_seed_of_its_own_and_says_it(tmp_path: Path) -> None:
    answers = [run("paper", "status", "--json", home=tmp_path / name, env={"PFMM_PAPER_SEED": ""}) for name in "abc"]
    seeds = [one.data["feed"]["seed"] for one in answers]
    assert len(set(seeds)) == 3
    for seed, one in zip(seeds, answers, strict=True):
        assert f"synthetic, seed {seed}" in one.err
    assert "seed" not in run("paper", "status", home=tmp_path / "a").err  # only when it is made


def test_fees_are_chosen_stored_shown_and_charged(tmp_path: Path) -> None:
    home = tmp_path / "home"
    feed = ("paper", "feed", "synthetic", "--seed", 7, "--speed", 0, "--at", START)
    shown = run(*feed, "--fees", "binance", "--maker-bps", "1.25", "--json", home=home).data
    assert shown["feed"]["fees"] == {"maker_bps": 1.25, "taker_bps": 5, "source": "custom"}
    markets = run("markets", "--json", home=home).data["markets"]
    assert {(one["maker_bps"], one["taker_bps"]) for one in markets} == {(1.25, 5)}
    assert "fees maker 1.25, taker 5 bps (custom)" in run("paper", "status", home=home).out
    for options in (("--fees", "nobody"), ("--maker-bps", "nan"), ("--taker-bps", "101"), ("--maker-bps", "0.00001")):
        failed = run(*feed, *options, "--json", home=home)
        assert (failed.code, failed.error["code"]) == (2, "usage"), options


def test_a_reset_takes_the_newest_generator_and_keeps_the_seed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    old = {"kind": "synthetic", "seed": 7, "speed": 0, "at_ms": 1_790_000_000_000}
    exchange = open_exchange(home / "state", 7)
    exchange.set_feed(old)
    exchange.close()
    before = status(home)["feed"]
    assert before == {"kind": "synthetic", "seed": 7, "speed": 0, "at": "2026-09-21T14:13:20.000Z", "fees": ARTICLE}
    assert run("paper", "reset", "--yes", home=home).code == 0
    after = status(home)["feed"]
    assert (after["seed"], after["generator"]) == (7, 2)
