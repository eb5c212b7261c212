"""`pfmm doctor` as a real process: each thing that can be wrong is found, named with its fix, and changes nothing."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.app.local_checks import EXTRAS
from pfmm.app.wall_clock import wall_ms
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import Completed, run, run_here
from tests.e2e.homes import as_if_killed, resting_grid, runner_of

EVERY_CHECK = ["python", "configuration", "state folder", "disk", "journal paper-default", "paper exchange", "locks"]
EVERY_CHECK += ["key", "venue", "clock", "account", "orders", "rate budget"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home where a grid rests: an exchange and a journal are there."""
    home = tmp_path / "home"
    resting_grid(home, seed=3, speed=0)
    return home


def doctor(home: Path, **env: str) -> Completed:
    return run("doctor", "--json", home=home, env=env)


def checks(done: Completed) -> dict[str, dict[str, Any]]:
    """The checks by name, of a failure's envelope too."""
    rows = done.envelope["data"]["checks"]
    assert all(set(row) == {"name", "verdict", "detail", "fix"} for row in rows)
    assert all(row["fix"] for row in rows if row["verdict"] != "ok"), "every finding has its fix"
    return {row["name"]: row for row in rows}


def verdicts(done: Completed) -> dict[str, str]:
    """What is not in order."""
    return {name: row["verdict"] for name, row in checks(done).items() if row["verdict"] != "ok"}


def files(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_a_healthy_home_passes_every_check_and_stays_as_it_was(home: Path) -> None:
    before = files(home)
    done = doctor(home)
    assert (done.code, list(checks(done)), verdicts(done)) == (0, EVERY_CHECK, {})
    text = run("doctor", home=home)
    assert (text.code, text.out.splitlines()[-1]) == (0, "13 checks: 0 failed, 0 warned")
    assert files(home) == before


def test_a_new_home_is_healthy_and_stays_unmade(tmp_path: Path) -> None:
    done = doctor(tmp_path / "new")
    assert (done.code, verdicts(done), (tmp_path / "new").exists()) == (0, {}, False)


def test_every_extra_is_told_of(tmp_path: Path) -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    offered = project["optional-dependencies"].keys() - {"dev", "proofs", "data"}  # data is what backtest needs
    assert offered == EXTRAS.keys()
    told = checks(doctor(tmp_path))["python"]["detail"]
    assert [name for name in offered if name not in told] == []


def test_an_unreadable_config_is_one_finding_among_others(home: Path) -> None:
    (home / "config.toml").write_text("schema = 1\n[profiles.x\n")
    done = doctor(home)
    assert (done.code, done.error["code"]) == (3, "config")
    assert verdicts(done) == {"configuration": "fail", "venue": "warn"}
    assert checks(done)["journal paper-default"]["verdict"] == "ok"


def test_a_config_that_others_can_write(home: Path) -> None:
    (home / "config.toml").write_text("schema = 1\n[profiles.x]\nvenue = 'paper'\n")
    (home / "config.toml").chmod(0o666)
    done = doctor(home)
    assert (done.code, verdicts(done)) == (0, {"configuration": "warn"})
    assert "chmod 600" in checks(done)["configuration"]["fix"]


@pytest.mark.parametrize(("what", "name"), [("journals/paper-default", "journal paper-default")])
def test_a_damaged_journal(home: Path, what: str, name: str) -> None:
    (home / "state" / f"{what}.sqlite3").write_bytes(b"no database at all" * 100)
    done = doctor(home)
    assert (done.code, verdicts(done)) == (3, {name: "fail"})


def test_a_page_of_the_journal_turned_to_noise(home: Path) -> None:
    path = home / "state" / "journals" / "paper-default.sqlite3"
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xa5" * 4096  # a page behind the schema: the file still opens
    path.write_bytes(content)
    done = doctor(home)
    assert (done.code, verdicts(done)) == (3, {"journal paper-default": "fail"})


def test_a_damaged_paper_exchange(home: Path) -> None:
    (home / "state" / "paper" / "exchange.sqlite3").write_bytes(b"no database at all" * 100)
    done = doctor(home)
    assert (done.code, verdicts(done)) == (3, {"paper exchange": "fail", "venue": "fail", "clock": "warn"})
    assert "paper reset" in checks(done)["paper exchange"]["fix"]


def test_a_halt_is_named_with_its_reason(home: Path) -> None:
    record = {"halted_by": "kill_switch", "reason": "lost 50 USD", "since": "2025-01-01T00:00:00.000Z"}
    latch = home / "state" / "locks" / "paper-default" / "HALT.json"
    latch.write_text(json.dumps(record))
    done = doctor(home)
    assert (done.code, verdicts(done)) == (0, {"halt paper-default": "warn"})
    found = checks(done)["halt paper-default"]
    assert ("lost 50 USD" in found["detail"], "pfmm resume" in found["fix"]) == (True, True)


def test_a_runner_is_named_alive_and_dead(home: Path) -> None:
    assert run("paper", "feed", "synthetic", "--reset", home=home).code == 0  # a clock that runs by itself
    name = "run paper-default ETH-PERP grid"
    assert run("grid", "start", "ETH-PERP", "--once", home=home).code == 0
    as_if_killed(home)
    with runner_of(home, "grid", "ETH-PERP") as pid:
        alive = doctor(home)
        assert (alive.code, verdicts(alive)) == (0, {})
        assert checks(alive)[name]["detail"] == f"running (pid {pid})"
    dead = doctor(home)
    assert (dead.code, verdicts(dead)) == (0, {name: "warn"})
    assert run("grid", "stop", "ETH-PERP", home=home).code == 0
    assert verdicts(doctor(home)) == {}


def test_the_end_of_a_replay_is_told(home: Path, tmp_path: Path) -> None:
    tape = tmp_path / "short.tape"
    assert run("record", "BTC", "--out", tape, "--cycles", 2, home=home).code == 0
    assert run("paper", "feed", "replay", tape, "--speed", 0, "--reset", home=home).code == 0
    assert run_here("record", "BTC", "--out", str(tmp_path / "again.tape"), home=home).code == 0  # steps to the end
    done = doctor(home)
    assert (done.code, verdicts(done)) == (0, {"paper exchange": "warn"})


def test_a_venue_that_is_not_there(home: Path) -> None:
    done = doctor(home, PFMM_BASE_URL="http://127.0.0.1:9")
    assert (done.code, done.error["code"]) == (5, "venue_unreachable")
    assert verdicts(done) == {"venue": "fail", "clock": "warn"}


def test_a_live_venue_without_a_key_or_with_a_key_for_all_to_read(home: Path, tmp_path: Path) -> None:
    without = doctor(home, PFMM_VENUE="purpleflea")
    assert (without.code, without.error["code"]) == (3, "secret")
    assert verdicts(without) == {"key": "fail", "venue": "warn"}
    key = tmp_path / "key"
    absent = doctor(home, PFMM_VENUE="purpleflea", PFMM_SECRET_FILE=str(key))
    assert f"`chmod 600 {key}`" in checks(absent)["key"]["fix"]
    key.write_text("sk_live_0123456789\n")
    key.chmod(0o644)
    public = doctor(home, PFMM_VENUE="purpleflea", PFMM_SECRET_FILE=str(key), PFMM_API_KEY="paper-x")
    assert (public.code, checks(public)["key"]["fix"]) == (3, f"chmod 600 {key}")
    assert "sk_live" not in public.out + public.err


@contextmanager
def served(home: Path) -> Iterator[str]:
    exchange = open_exchange(home / "state")
    try:
        with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
            yield server.url
    finally:
        exchange.close()


def running_home(home: Path, behind_ms: int) -> None:
    """An exchange whose clock goes as ours does, that much behind it."""
    exchange = open_exchange(home / "state")
    exchange.set_feed({"kind": "synthetic", "seed": 1, "at_ms": wall_ms() - behind_ms})
    exchange.close()


@pytest.mark.parametrize(
    ("behind_ms", "verdict", "code"), [(500, None, 0), (10_000, "warn", 0), (-10_000, "warn", 0), (600_000, "fail", 3)]
)
def test_the_clock_of_a_live_venue(tmp_path: Path, behind_ms: int, verdict: str | None, code: int) -> None:
    venue = tmp_path / "venue"
    running_home(venue, behind_ms)
    with served(venue) as url:
        live = {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": url, "PFMM_API_KEY": "paper-me"}
        done = doctor(tmp_path / "home", **live)
    assert (done.code, verdicts(done)) == (code, {"clock": verdict} if verdict else {})
    words = "ahead of" if behind_ms > 0 else "behind"
    assert words in checks(done)["clock"]["detail"] or behind_ms == 500
    assert "/600" in checks(done)["rate budget"]["detail"]


def test_a_venue_that_does_not_accept_the_key(tmp_path: Path) -> None:
    venue = tmp_path / "venue"
    running_home(venue, 0)
    with served(venue) as url:
        live = {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": url, "PFMM_API_KEY": "wrong"}
        done = doctor(tmp_path / "home", **live)
    assert (done.code, done.error["code"]) == (4, "authentication")
    assert verdicts(done) == {"account": "fail"}


class _Gibberish(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: Any) -> None:
        pass


def test_a_venue_that_is_something_else(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gibberish)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        done = doctor(tmp_path / "home", PFMM_BASE_URL=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (done.code, verdicts(done)) == (6, {"venue": "fail", "clock": "warn"})


def test_a_state_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be\n")
    done = doctor(tmp_path / "home")
    assert done.code == 3
    assert "fail" in verdicts(done).values()
