"""`pfmm flatten` as people run it in a panic: beside running loops, with broken files, and with the venue gone."""

from __future__ import annotations

import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pfmm.app import halting, session
from pfmm.app.embedded import open_exchange
from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import PlaceRequest, StateRecord
from tests.e2e.driver import PATIENCE_S, Completed, Running, environment, interrupt, run, run_until
from tests.e2e.homes import resting_grid, served

D = Decimal
BTC, ETH, SOL = "BTC-PERP", "ETH-PERP", "SOL-PERP"
GRID = ("grid", "start", BTC, "--range-pct", "0.35")  # no volatility to measure first
STATED = ("--kappa", "1.5", "--sigma", "40")  # nothing to fit first


@contextmanager
def ledger(home: Path) -> Iterator[Exchange]:
    """The exchange's own books, behind pfmm's back."""
    exchange = open_exchange(home / "state")
    with closing(exchange):
        yield exchange


def hold(home: Path, *places: tuple[str, str, str | None, str]) -> None:
    """Trades or rests (market, side, price, USD) as somebody else with the same key would."""
    with ledger(home) as exchange:
        for market, side, price, usd in places:
            kind = "market" if price is None else "limit"
            exchange.place(
                "default",
                PlaceRequest(market, side, kind, size_usd=D(usd), price=None if price is None else D(price)),
            )


def books(home: Path) -> StateRecord:
    with ledger(home) as exchange:
        return exchange.state("default", [])


def sizes(state: StateRecord) -> dict[str, Decimal]:
    return {position.market: position.size_base for position in state.positions if position.size_base}


def assert_flat(home: Path) -> None:
    state = books(home)
    assert (state.orders, sizes(state)) == ((), {})


def journal_of(home: Path) -> Path:
    return home / "state" / "journals" / "paper-default.sqlite3"


def flatten(home: Path, *args: str, env: dict[str, str] | None = None) -> Completed:
    return run("flatten", *args, "--json", home=home, env=env)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flatten's requests may last as long as its own time allows, and its runners a minute."""
    monkeypatch.setattr(session, "HURRIED_TIMEOUT_S", 600.0)
    monkeypatch.setattr(halting, "GRACE_S", 60.0)


def test_grid_ladder_and_quote_stop_and_stay_stopped(tmp_path: Path, patient: None) -> None:
    hold(tmp_path, (BTC, "long", None, "300"), (SOL, "short", None, "200"))
    with (
        Running(
            "grid",
            "start",
            BTC,
            "--range-pct",
            "0.35",
            "--json",
            "--interval",
            "0.2",
            "--on-exit",
            "keep",
            home=tmp_path,
        ) as grid,
        Running("ladder", "start", ETH, *STATED, "--json", "--interval", "0.2", home=tmp_path) as ladder,
        Running("quote", "start", SOL, *STATED, "--json", "--interval", "0.2", home=tmp_path) as quote,
    ):
        loops = (grid, ladder, quote)
        for loop in loops:
            loop.wait_for_event("cycle")
        resting = len(books(tmp_path).orders)
        assert resting > 4
        done = flatten(tmp_path, "--all", "--timeout", "120")
        assert done.code == 0, done.out
        assert [loop.end() for loop in loops] == [75, 75, 75]
    data = done.data
    assert (data["venue"], data["account"], data["state"], data["orders_left"]) == ("paper", "default", "flat", 0)
    assert {m["market"]: D(m["after"]) for m in data["markets"]}.keys() >= {BTC, SOL}
    stopped = {(r["market"], r["strategy"], r["how"]) for r in data["runners_stopped"]}
    assert stopped == {(BTC, "grid", "terminated"), (ETH, "ladder", "terminated"), (SOL, "quote", "terminated")}
    assert_flat(tmp_path)
    with ledger(tmp_path) as exchange:
        created = [order.created_at for order in exchange.orders("default", status="all")]
        flattened = {fill.time for fill in exchange.fills("default").fills if fill.client_order_id is not None}
    verdict_ms = _ms(data["time"])
    assert flattened
    assert max(created) <= verdict_ms, "an order was placed after the account was proven flat"
    # cron comes by: refused until somebody resumes
    refused = run(*GRID, "--once", "--json", home=tmp_path)
    assert (refused.code, refused.error["code"]) == (75, "halted")
    assert_flat(tmp_path)
    resumed = run("resume", "--json", home=tmp_path).data
    assert (resumed["halted_by"], resumed["reason"]) == ("flatten", "flatten the whole account")
    fresh = run(*GRID, "--once", "--json", home=tmp_path).data
    assert (fresh["adopted_orders"], fresh["runs"][0]["placed"] > 0) == (0, True)


def _ms(iso: str) -> int:
    from datetime import datetime

    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def test_a_hung_runner_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halting, "GRACE_S", 0.5)
    with Running(*GRID, "--json", "--interval", "0.2", home=tmp_path) as grid:
        grid.wait_for_event("cycle")
        grid.process.send_signal(signal.SIGSTOP)
        done = flatten(tmp_path, "--all")
        assert grid.end() == -signal.SIGKILL
    assert done.code == 0, done.out
    assert {r["how"] for r in done.data["runners_stopped"]} == {"killed"}
    assert_flat(tmp_path)
    (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
    assert (row["state"], row["orders"], row["stop_reason"]) == ("halted", [], "flatten")


def test_one_market_stops_every_run_and_leaves_other_positions(tmp_path: Path) -> None:
    hold(tmp_path, (BTC, "long", None, "300"), (ETH, "long", None, "300"), (ETH, "long", "100", "50"))
    assert run(*GRID, "--once", "--json", home=tmp_path).code == 0
    assert run(*GRID[:2], ETH, *GRID[3:], "--once", "--json", home=tmp_path).code == 0
    done = flatten(tmp_path, "btc")
    assert done.code == 0, done.out
    state = books(tmp_path)
    assert list(sizes(state)) == [ETH]
    # the order on ETH that pfmm did not place stays; those of the grid there, which nobody tends any more, do not
    assert [(order.market, order.client_order_id) for order in state.orders] == [(ETH, None)]


def test_cancel_only_and_half(tmp_path: Path) -> None:
    hold(tmp_path, (BTC, "long", None, "400"), (BTC, "long", "1000", "50"), (ETH, "short", "99999", "50"))
    before = sizes(books(tmp_path))[BTC]
    done = flatten(tmp_path, "--all", "--cancel-only")
    assert (done.code, done.data["state"], done.data["cancelled"]) == (0, "cancelled", 2)
    state = books(tmp_path)
    assert (state.orders, sizes(state)) == ((), {BTC: before})
    done = flatten(tmp_path, "--all", "--half")
    assert (done.code, done.data["state"]) == (0, "reduced")
    left = sizes(books(tmp_path))[BTC]
    assert before / 2 <= left <= before / 2 + D("0.00001")


def test_a_single_lot_cannot_be_halved_and_is_not_called_reduced(tmp_path: Path) -> None:
    lot = D("0.00001")
    hold(tmp_path, (BTC, "long", None, "300"))
    rest = sizes(books(tmp_path))[BTC] - lot
    with ledger(tmp_path) as exchange:
        exchange.place("default", PlaceRequest(BTC, "short", "market", size_base=rest, reduce_only=True))
    planned = flatten(tmp_path, "--all", "--half", "--dry-run").data["markets"]
    assert [(D(m["before"]), D(m["would_close"])) for m in planned] == [(lot, 0)]
    done = flatten(tmp_path, "--all", "--half")
    assert (done.code, done.error["code"], done.envelope["data"]["state"]) == (9, "not_flat", "residual")
    (market,) = done.envelope["data"]["markets"]
    assert (D(market["after"]), D(market["closed_size"])) == (lot, 0)
    assert market["reason"] == "0.00001 cannot be halved in lots of 0.00001"
    assert market["reason"] in done.error["message"]
    assert sizes(books(tmp_path)) == {BTC: lot}
    assert "without --half" in done.error["hint"]
    assert flatten(tmp_path, "--all").data["state"] == "flat"


def test_dust_below_the_minimum_is_swept(tmp_path: Path) -> None:
    hold(tmp_path, (BTC, "long", None, "300"), (BTC, "short", None, "296"))
    dust = sizes(books(tmp_path))[BTC]
    assert 0 < dust * 50_000 < 10, "worth less than the exchange's minimum order of 10 USD"
    done = flatten(tmp_path, "BTC")
    assert (done.code, done.data["state"]) == (0, "flat")
    assert_flat(tmp_path)


def test_dry_run_shows_and_does_nothing(tmp_path: Path) -> None:
    hold(tmp_path, (BTC, "long", None, "400"), (ETH, "long", "100", "50"))
    before = books(tmp_path)
    data = flatten(tmp_path, "--all", "--dry-run").data
    size = sizes(before)[BTC]
    assert (data["state"], data["would_cancel"]) == ("planned", 1)
    assert [(m["market"], D(m["would_close"])) for m in data["markets"]] == [(BTC, size)]
    after = books(tmp_path)
    assert (len(after.orders), sizes(after)) == (1, sizes(before))
    assert run("resume", "--json", home=tmp_path).data["halted_by"] is None
    assert flatten(tmp_path, "btc", BTC, "--dry-run").data["markets"] == data["markets"]  # one market, named twice
    half = flatten(tmp_path, "BTC", "--half", "--dry-run").data
    planned = D(half["markets"][0]["would_close"])
    assert (half["would_cancel"], size / 2 - planned in (0, D("0.000005"))) == (0, True), "whole lots only"


@pytest.mark.parametrize(
    "args",
    [(), ("BTC", "--all"), ("--all", "--half", "--cancel-only"), ("--all", "--timeout", "0"), ("--all", "--half=x")],
)
def test_what_makes_no_sense_is_a_usage_error(tmp_path: Path, args: tuple[str, ...]) -> None:
    done = flatten(tmp_path, *args)
    assert (done.code, done.error["code"]) == (2, "usage")


def test_an_unknown_market_halts_nothing(tmp_path: Path) -> None:
    done = flatten(tmp_path, "BTCC")
    assert (done.code, done.error["code"]) == (6, "unknown_market")
    assert "BTC-PERP" in done.error["hint"]
    assert run("resume", "--json", home=tmp_path).data["halted_by"] is None


def test_a_live_account_needs_yes_at_once(tmp_path: Path) -> None:
    env = {"PFMM_VENUE": "purpleflea", "PFMM_API_KEY": "k", "PFMM_BASE_URL": "http://127.0.0.1:9"}
    done = flatten(tmp_path, "--all", env=env)
    assert (done.code, done.error["code"], done.error["hint"]) == (2, "usage", "add --yes")
    done = flatten(tmp_path, "--all", "--yes", "--timeout", "1", env=env)
    assert (done.code, done.error["code"]) == (8, "state_unknown")


@pytest.mark.parametrize(
    ("command", "how"),
    [
        *((kind, "--once") for kind in ("grid", "ladder", "quote")),
        *(pytest.param(kind, "--detach", marks=pytest.mark.slow) for kind in ("grid", "ladder", "quote")),
    ],
)
def test_a_live_start_needs_yes_before_anything_is_asked(tmp_path: Path, command: str, how: str) -> None:
    env = {"PFMM_VENUE": "purpleflea", "PFMM_API_KEY": "k", "PFMM_BASE_URL": "http://127.0.0.1:9"}
    done = run(command, "start", BTC, how, "--json", home=tmp_path, env=env)
    assert (done.code, done.error["code"], done.error["hint"]) == (2, "usage", "add --yes")


def test_a_key_refused_on_the_listing_halts_all_the_same(tmp_path: Path) -> None:
    with refusing() as url:
        env = {"PFMM_VENUE": "purpleflea", "PFMM_API_KEY": "wrong-key", "PFMM_BASE_URL": url}
        done = flatten(tmp_path, "BTC", "--yes", "--timeout", "30", env=env)
        assert (done.code, done.error["code"]) == (4, "authentication")
        assert (done.envelope["data"]["state"], done.envelope["data"]["halted"]) == ("unknown", True)
        assert run("grid", "start", BTC, "--once", "--yes", "--json", home=tmp_path, env=env).code == 75


@contextmanager
def refusing() -> Iterator[str]:
    """A venue whose gate answers everything, listings too, with 401."""

    class Gate(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"error":"unauthorized","message":"no"}'
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_hung_venue_cannot_stretch_a_short_timeout(tmp_path: Path, patient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, answers nothing
        env = {"PFMM_VENUE": "paper", "PFMM_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        done = flatten(tmp_path, "--all", "--timeout", "0.5", env=env)
    assert (done.code, done.error["code"]) == (8, "state_unknown")  # after the time itself and three requests of 0.5 s


def test_a_venue_that_is_gone_is_unknown_with_data_and_error(tmp_path: Path) -> None:
    env = {"PFMM_VENUE": "paper", "PFMM_BASE_URL": "http://127.0.0.1:9"}
    done = flatten(tmp_path, "--all", "--timeout", "1", env=env)
    assert (done.code, done.error["code"], done.error["exit_code"]) == (8, "state_unknown", 8)
    data = done.envelope["data"]
    assert (data["state"], data["orders_left"], data["halted"]) == ("unknown", None, True)
    named = flatten(tmp_path, "BTC", "--timeout", "1", env=env)
    assert (named.code, named.envelope["data"]["state"]) == (8, "unknown")


def test_random_bytes_for_a_config(tmp_path: Path) -> None:
    hold(tmp_path, (BTC, "short", None, "300"), (ETH, "long", "100", "50"))
    (tmp_path / "config.toml").write_bytes(random.Random(1).randbytes(2_000))
    done = flatten(tmp_path, "--all")
    assert (done.code, done.error["code"]) == (3, "config")
    assert "PFMM_VENUE" in done.error["hint"]
    assert sizes(books(tmp_path)), "nothing may fall back to paper silently"
    done = flatten(tmp_path, "--all", env={"PFMM_VENUE": "paper"})
    assert (done.code, done.data["state"], done.data["venue"]) == (0, "flat", "paper")
    assert_flat(tmp_path)


@pytest.mark.waits
def test_a_locked_journal(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    hold(tmp_path, (BTC, "long", None, "300"))
    with closing(sqlite3.connect(journal_of(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = flatten(tmp_path, "--all")
    assert (done.code, done.data["state"]) == (0, "flat")
    assert any("pfmm resume" in warning for warning in done.envelope["warnings"])
    assert_flat(tmp_path)
    resumed = run("resume", "--json", home=tmp_path).data
    assert resumed["runs_ended"] == [{"market": BTC, "strategy": "grid"}]
    fresh = run("grid", "start", BTC, "--once", "--json", home=tmp_path).data
    assert fresh["adopted_orders"] == 0


def test_a_corrupt_journal(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    journal_of(tmp_path).write_bytes(random.Random(2).randbytes(20_000))
    done = flatten(tmp_path, "--all")
    assert (done.code, done.data["state"]) == (0, "flat")
    assert done.data["cancelled"] > 0
    assert_flat(tmp_path)
    resumed = run("resume", "--json", home=tmp_path)
    assert resumed.code == 0
    assert "could not be ended" in resumed.envelope["warnings"][0]


@pytest.mark.waits
def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    exchange_home, home = tmp_path / "exchange", tmp_path / "home"
    home.mkdir()
    (home / "state").write_text("a file where the folder should be")
    with served(exchange_home) as url:
        env = {"PFMM_VENUE": "paper", **url}
        hold(exchange_home, (BTC, "long", None, "300"), (ETH, "short", "99999", "50"))
        done = flatten(home, "--all", env=env | {"PFMM_RUN_INTERVAL_S": "0.5"})
        assert (done.code, done.data["state"], done.data["cancelled"]) == (0, "flat", 1)
        assert done.data["halted"] is False
        assert "a scheduled start may trade again" in done.envelope["warnings"][0]
        assert done.data["duration_ms"] > 500, "proven twice, one interval apart"
        assert_flat(exchange_home)


@pytest.mark.waits
def test_a_full_disk(tmp_path: Path) -> None:
    exchange_home, home = tmp_path / "exchange", tmp_path / "home"
    with served(exchange_home) as url:
        env = {"PFMM_VENUE": "paper", **url}
        assert run(*GRID, "--once", "--json", home=home, env=env).code == 0
        hold(exchange_home, (BTC, "long", None, "300"))
        command = 'ulimit -f 0; exec "$0" -m pfmm flatten --all --json'
        done = subprocess.run(
            ["/bin/sh", "-c", command, sys.executable],
            env=environment(home, env | {"PFMM_RUN_INTERVAL_S": "0.5"}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        answer = Completed.of(done)
        assert (answer.code, answer.data["state"]) == (0, "flat"), done.stdout + done.stderr
        assert answer.envelope["warnings"]
        assert_flat(exchange_home)


def test_stop_with_flatten(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    hold(tmp_path, (BTC, "long", None, "300"), (ETH, "long", None, "300"))
    done = run("grid", "stop", BTC, "--flatten", "--json", home=tmp_path)
    assert (done.code, done.data["flatten"]["state"]) == (0, "flat")
    state = books(tmp_path)
    assert (state.orders, list(sizes(state))) == ((), [ETH])
    assert run("grid", "start", BTC, "--once", "--json", home=tmp_path).code == 0, "stop leaves no HALT"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_on_exit_flatten(tmp_path: Path, how: signal.Signals) -> None:
    hold(tmp_path, (BTC, "short", None, "300"))
    args = (*GRID, "--json", "--interval", "0.2", "--on-exit", "flatten")
    assert run_until('"event":"cycle"', partial(interrupt, how), *args, home=tmp_path).code == 128 + how
    assert_flat(tmp_path)
    (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
    assert row["state"] == "stopped"


def test_nothing_has_ever_run_here(tmp_path: Path) -> None:
    done = flatten(tmp_path, "--all")
    assert (done.code, done.data["state"], done.data["markets"]) == (0, "flat", [])
    assert not journal_of(tmp_path).exists()
    assert (tmp_path / "state" / "locks" / "paper-default" / "HALT.json").exists()
