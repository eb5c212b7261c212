"""Every way a loop can end, on a real terminal, with real pipes and signals: the exchange's ledger says what is left.

The market stands still and the account holds a position, so that each exit policy leaves something else behind.
"""

from __future__ import annotations

import os
import pty
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from fcntl import F_SETPIPE_SZ, fcntl
from itertools import product
from pathlib import Path
from typing import IO

import pytest

from pfmm.journal.journal import Journal
from pfmm.paper.messages import PlaceRequest
from tests.e2e.driver import PATIENCE_S, environment
from tests.e2e.homes import open_exchange, stepped_home
from tests.e2e.test_interrupted_again import hanging

ENDS_WITHIN_S = 40.0
MARKET = "BTC-PERP"
SPEED = 0.02  # a market that hardly moves, in which the shortest interval is a twentieth of a second of the wall
LINE = ("start", "BTC", "--interval", "0.001", "--on-exit")
# stated, what a start would have to measure first
STATED = {"grid": ("--range-pct", "0.35"), **dict.fromkeys(("quote", "ladder"), ("--kappa", "1.5", "--sigma", "40"))}
# the terminal becomes the controlling one of the session that the process leads, as a shell makes it
LAUNCH = (
    "import fcntl, sys, termios\n"
    "if sys.stdin.isatty(): fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "fails_at = int(sys.argv.pop(1))\n"
    "if fails_at:\n"
    "    from pfmm.cli.live.screens import LiveScreen\n"
    "    write, seen = LiveScreen.write, []\n"
    "    def failing(screen, event):\n"
    "        seen.append(event)\n"
    "        if len(seen) == fails_at: raise ZeroDivisionError('a bug of the screen')\n"
    "        write(screen, event)\n"
    "    LiveScreen.write = failing\n"
    "from pfmm.cli.main import main\n"
    "main()\n"
)


@dataclass
class Run:
    """A loop in a process of its own, and the home of the exchange that it trades at."""

    home: Path  # the process's own
    exchange: Path
    process: subprocess.Popen[bytes]
    master: int | None = None
    pipe: int | None = None
    seen: bytes = b""
    free: Callable[[], None] = field(default=lambda: None)
    hang: Callable[[], None] = field(default=lambda: None)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def read(self, seconds: float = 0.0) -> bool:
        """Takes what the process has written; False when there was nothing, or the other side is gone."""
        fd = self.master if self.master is not None else self.pipe
        if fd is None or not select.select([fd], [], [], seconds)[0]:
            return False
        with suppress(OSError):
            found = os.read(fd, 65_536)
            self.seen += found
            return bool(found)
        return False

    def cycles(self, count: int, *, reading: bool) -> None:
        """Waits until the run has finished so many cycles more, by its journal."""
        seen: set[int | None] = set()
        deadline_s = time.monotonic() + PATIENCE_S
        while len(seen) <= count:
            assert time.monotonic() < deadline_s, f"no {count} cycles: {self.seen.decode()}"
            assert self.process.poll() is None, self.seen.decode()
            while reading and self.read():
                pass
            time.sleep(0.06)  # a little more than a cycle
            seen |= {ms for ms in [self._last_cycle_ms()] if ms is not None}

    def _last_cycle_ms(self) -> int | None:
        paths = list((self.home / "state" / "journals").glob("*.sqlite3"))
        if not paths:
            return None
        with suppress(Exception), Journal.open_readonly(paths[0]) as journal:  # it may be just being made
            return next((run.wall_last_cycle_ms for run in journal.runs()), None)
        return None

    def end(self, *, reading: bool) -> tuple[int, float]:
        """Waits for the end; the exit code as a shell sees it, and how long it took."""
        began_s = time.monotonic()
        while self.process.poll() is None and time.monotonic() < began_s + ENDS_WITHIN_S:
            if not reading or not self.read(0.05):
                time.sleep(0.01)
        took_s = time.monotonic() - began_s
        code = self.process.poll()
        assert code is not None, f"still running after {took_s:.0f} s: {self.seen.decode()}"
        while self.read():
            pass
        return (code if code >= 0 else 128 - code), took_s

    def close_terminal(self) -> None:
        assert self.master is not None
        os.close(self.master)
        self.master = None


@contextmanager
def running(
    tmp_path: Path, strategy: str, policy: str, *, output: str, fails_at: int = 0, url: str = ""
) -> Iterator[Run]:
    """A loop on a terminal, with a pipe, or with a full disk for its two outputs."""
    home = tmp_path / "home" if url else tmp_path
    extra = {"TERM": "xterm", "LINES": "24", "COLUMNS": "80"}
    env = environment(home, {**extra, **({"PFMM_BASE_URL": url, "PFMM_RUN_EXIT_TIMEOUT_S": "3"} if url else {})})
    master, pipe = None, None
    stdin: int | IO[bytes] = subprocess.DEVNULL
    if output == "terminal":
        master, out = pty.openpty()
        stdin = out
    elif output == "pipe":
        pipe, out = os.pipe()
        fcntl(out, F_SETPIPE_SZ, 4096)
    else:
        out = os.open("/dev/full", os.O_WRONLY)
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(fails_at), strategy, *LINE, policy, *STATED[strategy]],
        stdin=stdin, stdout=out, stderr=out, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(out)
    run = Run(home, tmp_path, process, master, pipe)
    try:
        yield run
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=PATIENCE_S)
        for fd in (run.master, run.pipe):
            if fd is not None:
                os.close(fd)


def overwrite_journal(run: Run) -> None:
    for file in (run.home / "state" / "journals").glob("*.sqlite3*"):
        with file.open("r+b") as stream:
            stream.write(random.Random(file.suffix).randbytes(file.stat().st_size))


@dataclass(frozen=True)
class Cause:
    """What ends a run: where it writes, whether that is read, what is done, and the exit code."""

    act: Callable[[Run], object]
    code: int
    output: str = "terminal"
    reading: bool = True
    cycles: int = 3
    fails_at: int = 0
    hangs: bool = False


def twice(run: Run) -> None:
    run.signal(signal.SIGINT)
    run.signal(signal.SIGINT)


def term(run: Run) -> None:
    run.signal(signal.SIGTERM)


def hang_and_term(run: Run) -> None:
    run.hang()
    run.signal(signal.SIGTERM)


CAUSES = {
    "terminal closed": Cause(Run.close_terminal, 129),
    "terminal that stopped reading": Cause(term, 143, reading=False, cycles=30),
    "pipe never read": Cause(term, 143, output="pipe", reading=False, cycles=20),
    "both outputs full": Cause(term, 143, output="full", reading=False),
    "HUP": Cause(lambda run: run.signal(signal.SIGHUP), 129),
    "TERM": Cause(term, 143),
    "INT twice": Cause(twice, 130),
    "screen raises at its first event": Cause(term, 143, fails_at=1),
    "screen raises at its fifth event": Cause(term, 143, fails_at=5),
    "journal overwritten": Cause(overwrite_journal, 8),
    "venue hangs": Cause(hang_and_term, 8, hangs=True),
}
STRATEGIES = ("grid", "quote", "ladder")
POLICIES = ("cancel", "keep", "flatten")
# each cause once, strategy and policy rotated. By default those which a process alone shows: its terminal, its pipe, a
# venue that hangs, a second Ctrl-C; the loop itself meets every cause in tests/faults/test_exits.py
ROTATED = [(cause, STRATEGIES[n % 3], POLICIES[(n // 3 + n) % 3]) for n, cause in enumerate(CAUSES)]
OF_A_PROCESS = {"terminal closed", "terminal that stopped reading", "pipe never read", "INT twice", "venue hangs"}
ONCE = [one if one[0] in OF_A_PROCESS else pytest.param(*one, marks=pytest.mark.slow) for one in ROTATED]
EVERY = [story for story in product(CAUSES, STRATEGIES, POLICIES) if story not in ROTATED]


def state(home: Path) -> tuple[set[str], Decimal]:
    """The open orders and the position, by the exchange's ledger."""
    exchange = open_exchange(home / "state")
    try:
        held = sum((p.size_base for p in exchange.positions("default") if p.market == MARKET), Decimal(0))
        return {order.order_id for order in exchange.orders("default")}, held
    finally:
        exchange.close()


def with_a_position(home: Path) -> None:
    stepped_home(home, seed=5, speed=SPEED)
    exchange = open_exchange(home / "state")
    try:
        exchange.place("default", PlaceRequest(MARKET, "long", "market", size_usd=Decimal(50)))
    finally:
        exchange.close()


@contextmanager
def venue(tmp_path: Path, cause: Cause, strategy: str, policy: str) -> Iterator[Run]:
    with_a_position(tmp_path)
    if not cause.hangs:
        with running(tmp_path, strategy, policy, output=cause.output, fails_at=cause.fails_at) as run:
            yield run
        return
    with hanging(tmp_path) as (app, url), running(tmp_path, strategy, policy, output=cause.output, url=url) as run:

        def hang() -> None:
            app.free.clear()
            assert app.asked.wait(PATIENCE_S)

        run.hang = hang
        yield run


def ends_as_it_should(tmp_path: Path, name: str, strategy: str, policy: str) -> None:
    cause = CAUSES[name]
    with venue(tmp_path, cause, strategy, policy) as run:
        run.cycles(cause.cycles, reading=cause.reading)
        before, held = state(tmp_path)
        assert before
        assert held
        cause.act(run)
        code, took_s = run.end(reading=cause.reading)
        print(f"{name}, {strategy}, {policy}: exit {code} after {took_s:.1f} s")
        after, left = state(tmp_path)
        text = run.seen.decode(errors="replace")
        assert "Traceback" not in text, text
    if policy == "keep" and name == "venue hangs":
        assert code == 143, text
    else:
        assert code == cause.code, text
    if cause.code == 8:
        policy = "keep" if cause.hangs else "cancel"
    assert after == (before if policy == "keep" else set()), text
    assert left == (Decimal(0) if policy == "flatten" else held), text


@pytest.mark.waits
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(("name", "strategy", "policy"), ONCE)
def test_each_cause_once(tmp_path: Path, name: str, strategy: str, policy: str) -> None:
    ends_as_it_should(tmp_path, name, strategy, policy)


def test_keys_pause_go_on_and_flatten_after_asking(tmp_path: Path) -> None:
    with_a_position(tmp_path)
    with running(tmp_path, "grid", "keep", output="terminal") as run:
        run.cycles(2, reading=True)

        def press(keys: bytes, *, resting: bool) -> None:
            assert run.master is not None
            os.write(run.master, keys)
            deadline_s = time.monotonic() + PATIENCE_S
            while bool(state(tmp_path)[0]) != resting:
                assert time.monotonic() < deadline_s, run.seen.decode()
                run.read(0.05)

        press(b"p", resting=False)
        press(b"p", resting=True)
        press(b"fn", resting=True)
        press(b"fy", resting=False)
        code, _ = run.end(reading=True)
    assert (code, state(tmp_path)) == (0, (set(), Decimal(0)))
    text = run.seen.decode()
    assert f"close the whole position on {MARKET}" in " ".join(text.split())
    assert "flatten by key f" in text


@pytest.mark.slow
@pytest.mark.parametrize(("name", "strategy", "policy"), EVERY)
def test_every_cause_with_every_strategy_and_policy(tmp_path: Path, name: str, strategy: str, policy: str) -> None:
    ends_as_it_should(tmp_path, name, strategy, policy)
