"""Locks between real processes: who holds them, what a signal may reach, and the HALT latch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pfmm.errors import AlreadyRunning, ConfigError, Halted
from pfmm.runner.locks import AccountLocks, Holder
from pfmm.store.use_lock import UseLock

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import os, signal, sys
from pathlib import Path
from pfmm.runner.locks import AccountLocks
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = AccountLocks(Path(sys.argv[1]), "paper", "main").run_lock("BTC-PERP", "grid")
lock.acquire(pid=os.getpid(), started_wall_ms=5)
print("held", flush=True)
signal.pause()
"""


@pytest.fixture
def locks(tmp_path: Path) -> AccountLocks:
    return AccountLocks(tmp_path, "paper", "main")


@contextmanager
def runner(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it is killed."""
    command = [sys.executable, "-c", HOLD, str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_held_lock_names_its_holder_and_frees_itself_on_kill_9(locks: AccountLocks, tmp_path: Path) -> None:
    lock = locks.run_lock("BTC-PERP", "grid")
    with runner(tmp_path) as process:
        assert locks.holders() == (Holder("BTC-PERP", "grid", process.pid, 5),)
        with pytest.raises(AlreadyRunning, match=rf"a grid already runs on BTC-PERP \(pid {process.pid}\)"):
            lock.acquire(pid=1, started_wall_ms=0)
        with locks.run_lock("ETH-PERP", "grid") as another:
            another.acquire(pid=1, started_wall_ms=0)  # another market is free
        process.kill()
        process.wait()
    assert locks.holders() == ()
    assert "pid" in (locks.folder / "BTC-PERP.grid.lock").read_text(), "a dead runner's note is still there"
    with lock:
        lock.acquire(pid=os.getpid(), started_wall_ms=7)
        assert lock.holder() == Holder("BTC-PERP", "grid", os.getpid(), 7)
    assert lock.holder() is None


def test_a_lock_whose_note_is_half_written_is_held_by_nobody_known(locks: AccountLocks) -> None:
    lock = locks.run_lock("BTC-PERP", "grid")
    lock.acquire(pid=os.getpid(), started_wall_ms=7)
    (locks.folder / "BTC-PERP.grid.lock").write_text('{"market": "BT')
    assert locks.holders() == (Holder("BTC-PERP", "grid", 0, 0),)
    locks.send_signal(Holder("BTC-PERP", "grid", 0, 0), signal.SIGKILL)  # pid 0 would be our own group
    lock.release()


@pytest.mark.parametrize(("options", "ended_by"), [((), signal.SIGTERM), (("deaf",), signal.SIGKILL)])
def test_a_runner_is_asked_and_then_killed(
    locks: AccountLocks, tmp_path: Path, options: tuple[str, ...], ended_by: signal.Signals
) -> None:
    with runner(tmp_path, *options) as process:
        assert locks.stop_runner("BTC-PERP", "grid", grace_s=20.0 if not options else 0.1)
        assert process.wait() == -ended_by
    assert not locks.stop_runner("BTC-PERP", "grid", grace_s=1.0)


def test_a_pid_is_signalled_only_while_it_holds_the_lock(locks: AccountLocks, tmp_path: Path) -> None:
    with runner(tmp_path) as process:
        locks.send_signal(Holder("BTC-PERP", "grid", process.pid + 1, 5), signal.SIGKILL)
        locks.send_signal(Holder("ETH-PERP", "grid", process.pid, 5), signal.SIGKILL)
        assert process.poll() is None
        locks.send_signal(Holder("BTC-PERP", "grid", process.pid, 5), signal.SIGTERM)
        assert process.wait() == -signal.SIGTERM


def test_the_latch_halts_until_it_is_lifted_and_keeps_the_first_reason(locks: AccountLocks) -> None:
    locks.refuse_if_halted()
    first = locks.halt(halted_by="kill_switch", reason="loss", since="2026-01-01T00:00:00Z")
    assert locks.halt(halted_by="kill_switch", reason="later", since="2026-01-02T00:00:00Z") == first == locks.halted()
    with pytest.raises(Halted, match="account main is halted by kill_switch since 2026-01-01T00:00:00Z: loss"):
        locks.refuse_if_halted()
    assert locks.lift(first)
    assert locks.halted() is None
    assert locks.lift(first), "as well when another resume was first"


def test_a_flatten_adds_itself_to_what_halted_before(locks: AccountLocks) -> None:
    first = locks.halt(halted_by="kill_switch", reason="loss", since="2026-01-01T00:00:00Z")
    both = locks.halt(halted_by="flatten", reason="panic", since="2026-01-02T00:00:00Z")
    assert both == replace(first, halted_by="flatten", reason="panic; before it kill_switch: loss")
    assert locks.halt(halted_by="kill_switch", reason="last", since="2026-01-03T00:00:00Z") == both == locks.halted()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"halted_by": 1}', "\xff"])
def test_a_latch_that_cannot_be_read_still_halts(locks: AccountLocks, content: str) -> None:
    locks.folder.mkdir(parents=True)
    (locks.folder / "HALT.json").write_text(content, encoding="latin-1")
    record = locks.halted()
    assert record is not None
    assert record.halted_by == "unknown"


def test_the_latch_is_one_account_s(locks: AccountLocks, tmp_path: Path) -> None:
    locks.halt(halted_by="flatten", reason="r", since="s")
    assert AccountLocks(tmp_path, "paper", "other").halted() is None
    assert AccountLocks(tmp_path, "paper", "main").halted() is not None
    assert json.loads((locks.folder / "HALT.json").read_text())["account"] == "main"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file where the folder should be")
    locks = AccountLocks(tmp_path, "paper", "main")
    with pytest.raises(ConfigError, match="cannot write the lock file"):
        locks.run_lock("BTC-PERP", "grid").acquire(pid=1, started_wall_ms=0)
    with pytest.raises(ConfigError, match="cannot write"):
        locks.halt(halted_by="flatten", reason="r", since="s")
    assert locks.holders() == ()


# what others do happens at a chosen look at a lock (Python tells its audit hooks of every flock), not at a lucky moment
AT_A_LOOK = """
import fcntl, os, sys, threading
from pathlib import Path
from pfmm.errors import AlreadyRunning
from pfmm.runner.locks import AccountLocks
locks = AccountLocks(Path(sys.argv[1]), "paper", "main")
lock, other = (locks.run_lock("BTC-PERP", "grid") for _ in range(2))
hooks = []
sys.addaudithook(lambda event, arguments: [hook(event) for hook in tuple(hooks)])
looks = 0
def after(wanted, act):
    def look(event):
        global looks
        looks += event == "fcntl.flock"
        if looks == wanted:
            hooks.clear()
            act()
    hooks.append(look)
"""


def told(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", AT_A_LOOK + code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


def test_a_stop_waits_for_another_one_and_does_not_end_it(tmp_path: Path) -> None:
    code = """
lock.acquire(pid=os.getpid(), started_wall_ms=5, stopping=True)
try:
    other.acquire(pid=os.getpid(), started_wall_ms=5)
except AlreadyRunning as error:
    print(error.message.replace(str(os.getpid()), "P"))
after(4, lock.release)
print(locks.stop_runner("BTC-PERP", "grid", grace_s=60.0))
lock.acquire(pid=os.getpid(), started_wall_ms=5, stopping=True)
looks = 0
after(4, lock.release)
other.acquire(pid=os.getpid(), started_wall_ms=6, stopping=True)
print(other.holder().started_wall_ms)
"""
    assert told(code, tmp_path).splitlines() == ["the grid on BTC-PERP is just being stopped (pid P)", "True", "6"]


def test_a_reader_that_a_busy_machine_lets_wait_is_no_runner(tmp_path: Path) -> None:
    code = """
lock.acquire(pid=os.getpid(), started_wall_ms=5)
lock.release()
reader = os.open(locks.folder / "BTC-PERP.grid.lock", os.O_RDONLY)
fcntl.flock(reader, fcntl.LOCK_SH)
after(60, lambda: os.close(reader))  # for more than half a second
lock.acquire(pid=os.getpid(), started_wall_ms=7)
print(lock.holder().started_wall_ms)
"""
    assert told(code, tmp_path) == "7\n"


def test_a_flatten_is_not_lost_in_a_kill_switch_of_the_same_moment(tmp_path: Path) -> None:
    """`resume` ends the runs that a flatten closed, which a kill switch's latch alone does not ask for."""
    code = """
far_enough = threading.Event()  # the flatten waits for its turn, or is done
def flatten():
    locks.halt(halted_by="flatten", reason="panic", since="s")
    far_enough.set()
flattening = threading.Thread(target=flatten)
def hook(event):
    if event == "os.rename" and threading.current_thread() is not flattening:
        flattening.start()
        far_enough.wait()
    if event == "fcntl.flock" and threading.current_thread() is flattening:
        far_enough.set()
hooks.append(hook)
locks.halt(halted_by="kill_switch", reason="loss", since="s")
flattening.join()
print(locks.halted().halted_by)
"""
    assert told(code, tmp_path) == "flatten\n"


def test_halting_does_not_wait_for_a_process_that_hangs_at_the_latch(tmp_path: Path) -> None:
    code = """
from pfmm.store.use_lock import UseLock
assert UseLock(locks.folder / "HALT.turn").take(0)
after(-1, lambda: None)
locks.halt(halted_by="flatten", reason="panic", since="s")
print(locks.halted().reason, looks < 60)  # 50 a second at most
"""
    assert told(code, tmp_path) == "panic True\n"


def test_a_latch_that_a_flatten_has_set_anew_is_not_lifted_for_the_one_before(locks: AccountLocks) -> None:
    for before in ("kill_switch", "flatten"):
        seen = locks.halt(halted_by=before, reason="first", since="2026-01-01T00:00:00Z")
        again = locks.halt(halted_by="flatten", reason="second", since="2026-01-02T00:00:00Z")
        assert not locks.lift(seen)
        assert locks.halted() == again
        assert locks.lift(again)
    assert locks.halted() is None


def test_the_last_of_those_that_share_gets_it_alone(tmp_path: Path) -> None:
    one, two, three = (UseLock(tmp_path / "folder" / "use.lock") for _ in range(3))
    assert one.share(0)
    assert two.share(0)
    assert not one.take(0)
    assert two.take(0)
    assert not three.share(0)
    two.release()
    assert three.share(0)
    three.release()


@pytest.mark.parametrize(
    ("interval_s", "speed", "silent_after_ms"),
    [(3, 1, 60_000), (300, 1, 900_000), (300, 60, 60_000), (300, 0.1, 9_000_000), (300, 0, 60_000)],
)
def test_a_runner_is_silent_after_three_of_its_intervals_or_a_minute(
    interval_s: float, speed: float, silent_after_ms: float
) -> None:
    holder = Holder("BTC-PERP", "grid", 1, 0, interval_s=interval_s)
    assert holder.silent_after_ms(speed) == pytest.approx(silent_after_ms)


def test_a_full_disk_leaves_out_the_note_and_not_the_lock(locks: AccountLocks, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    lock = locks.run_lock("BTC-PERP", "grid")
    monkeypatch.setattr(os, "pwrite", full)
    monkeypatch.setattr(os, "ftruncate", full)
    lock.acquire(pid=os.getpid(), started_wall_ms=5)
    assert [(one.market, one.pid) for one in locks.holders()] == [("BTC-PERP", 0)]
    lock.release()
    assert locks.holders() == ()
