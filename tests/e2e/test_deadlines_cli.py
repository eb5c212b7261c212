"""Every command that talks to a venue ends within its time plus 2 s, whatever the venue or the name service does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.cli import app
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import Running
from tests.e2e.homes import resting_grid
from tests.held import answer_of
from tests.slow_server import PATIENCE_S, SlowServer, no_name_service, serving

TIMEOUT_S = 1.0
SLACK_S = 2.0
MANY = 10**9

# command → the exit code where the venue answers nothing at all
COMMANDS: dict[str, int] = {
    "funding BTC": 5,
    "funding --all": 5,
    "markets": 5,
    "inventory": 5,
    "quote show BTC": 5,
    "ladder show BTC": 5,
    "grid plan BTC": 5,
    "grid start BTC --once": 5,
    "quote start ETH --once": 5,
    "grid status": 0,  # the journal's own view, with a warning
    "grid stop": 8,  # orders of it may rest
    "grid stop --flatten --yes": 8,
    "flatten --all --yes": 8,
    "flatten BTC --yes": 8,
    "flatten --all --dry-run": 5,
    "report": 0,
    "doctor": 5,
    "paper status": 5,
    "record BTC --out FILE --interval 0.001 --cycles 2": 5,
}
# one of each kind for every run of the suite; the whole table is slow
QUICK = (
    "funding BTC",
    "quote show BTC",
    "grid start BTC --once",
    "grid status",
    "grid stop",
    "flatten --all --yes",
    "doctor",
)
# what has more than one time: to stop and to flatten; two polls and the second between them
TIMES = {"grid stop --flatten --yes": 2, "record BTC --out FILE --interval 0.001 --cycles 2": 3}


@pytest.fixture(autouse=True)
def hangup() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    for name in [name for name in os.environ if name.startswith(("PFMM_", "PURPLE_FLEA"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PFMM_HOME", str(folder))
    for name in ("COMMAND_TIMEOUT_S", "RUN_EXIT_TIMEOUT_S", "FLATTEN_TIMEOUT_S"):
        monkeypatch.setenv(f"PFMM_{name}", str(TIMEOUT_S))
    return folder


@contextmanager
def venue(home: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> Iterator[SlowServer]:
    """A served paper exchange on which a grid has orders resting; it answers until `answered` says otherwise."""
    resting_grid(home)
    with (
        closing(open_exchange(home / "state")) as exchange,
        serving(way, app=make_app(exchange), after=MANY) as server,
    ):
        monkeypatch.setenv("PFMM_BASE_URL", server.url)
        yield server


def timed(command: str, tmp_path: Path) -> tuple[int, float]:
    words = [str(tmp_path / "tape") if word == "FILE" else word for word in command.split()]
    begin_s = time.monotonic()
    code = app.run([*words, "--json"])
    return code, time.monotonic() - begin_s


def in_time(command: str) -> float:
    return TIMEOUT_S * TIMES.get(command, 1) + SLACK_S


@pytest.mark.parametrize("command", QUICK)
def test_a_command_ends_in_time_where_headers_are_dripped(
    command: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with venue(home, monkeypatch, "headers") as server:
        server.answered = 0
        capsys.readouterr()
        code, took_s = timed(command, tmp_path)
    out = capsys.readouterr().out
    assert (code, took_s < in_time(command)) == (COMMANDS[command], True), (took_s, out)
    assert answer_of(out.splitlines()[-1])["ok"] == (code == 0)


def test_stop_names_the_orders_that_may_rest(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with venue(home, monkeypatch, "silent") as server:
        server.answered = 0
        capsys.readouterr()
        code, _ = timed("grid stop BTC", tmp_path)
        answer = answer_of(capsys.readouterr().out)
        with closing(open_exchange(home / "state")) as exchange:
            resting = [order.client_order_id for order in exchange.orders("default")]
    assert (code, answer["error"]["code"], len(resting) > 1) == (8, "state_unknown", True)
    assert [name for name in resting if name not in answer["error"]["message"]] == []
    (row,) = answer["data"]["runs"]
    assert (row["state"], row["orders_left"], row["cancelled"]) == ("unknown", len(resting), 0)


@pytest.mark.waits
@pytest.mark.parametrize("way", ["headers", *(pytest.param(way, marks=pytest.mark.slow) for way in ("body", "silent"))])
def test_a_loop_told_to_stop_within_a_read_leaves_within_its_time_and_names_what_may_rest(
    way: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with venue(home, monkeypatch, way) as server:
        env = {name: value for name, value in os.environ.items() if name.startswith("PFMM_")}
        with Running("grid", "start", "BTC", "--json", "--interval", "0.001", home=home, env=env) as loop:
            loop.wait_for_event("cycle")
            server.answered = 0
            assert server.dripping.wait(PATIENCE_S)
            begin_s = time.monotonic()
            loop.process.send_signal(signal.SIGINT)
            code = loop.end()
            took_s = time.monotonic() - begin_s
        told = loop.events[-1]
    assert (code, told["error"]["code"], took_s < TIMEOUT_S + SLACK_S) == (8, "state_unknown", True), (took_s, told)
    assert "could not be proven gone" in told["error"]["message"]


@pytest.mark.parametrize(
    ("command", "event"),
    [
        ("funding BTC --watch --interval 0.1", "funding"),
        pytest.param("record BTC --out FILE --interval 0.001", "cycle", marks=pytest.mark.slow),
    ],
)
def test_a_signal_within_a_body_ends_what_goes_on_for_ever(
    command: str, event: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request could still take as long as the test has patience."""
    with venue(home, monkeypatch, "body") as server:
        monkeypatch.setenv("PFMM_COMMAND_TIMEOUT_S", "3600")
        env = {name: value for name, value in os.environ.items() if name.startswith("PFMM_")}
        words = [str(tmp_path / "tape") if word == "FILE" else word for word in command.split()]
        with Running(*words, "--json", home=home, env=env) as running:
            running.wait_for_event(event)
            server.answered = 0
            assert server.dripping.wait(PATIENCE_S)
            begin_s = time.monotonic()
            running.process.send_signal(signal.SIGINT)
            assert running.end() == 130
            assert time.monotonic() - begin_s < SLACK_S


@pytest.mark.slow
@pytest.mark.parametrize("answered", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("way", ["headers", "body", "silent"])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_whole_table(
    command: str,
    way: str,
    answered: int,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the nth request of the command on."""
    with venue(home, monkeypatch, way) as server:
        server.answered = len(server.requests) + answered
        capsys.readouterr()
        code, took_s = timed(command, tmp_path)
    print(f"{command}, {way} after {answered}: {took_s:.2f} s, exit {code}")
    assert took_s < in_time(command), (took_s, capsys.readouterr().out)
    assert code in ((COMMANDS[command],) if answered == 0 else (0, 5, 8, 9))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_whole_table_without_a_name_service(
    command: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("VENUE", "purpleflea"), ("BASE_URL", "https://venue.example"), ("API_KEY", "sk-0123456789")):
        monkeypatch.setenv(f"PFMM_{name}", value)
    if " start " in command:
        command += " --yes"
    with no_name_service(monkeypatch, "venue.example"):
        code, took_s = timed(command, tmp_path)
    print(f"{command}, no name service: {took_s:.2f} s, exit {code}")
    assert took_s < in_time(command), (took_s, capsys.readouterr().out)
    assert code in (0, 3, 5, 8)
