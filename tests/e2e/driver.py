"""Runs pfmm as a shell, cron or an agent would: as real processes, and in this one where that shows the same."""

from __future__ import annotations

import io
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.e2e.said import keep
from tests.held import hold_text

PATIENCE_S = 300.0  # a busy machine lets a process wait, and where all is well nobody waits


@dataclass(frozen=True)
class Completed:
    """A finished process: exit code, both streams, and the envelope when stdout held one."""

    code: int
    out: str
    err: str

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[str]) -> Completed:
        """A process that a test started by itself, its answers held against their schemas."""
        hold_text(done.stdout)  # of what is printed in this process, the fixture of every test holds it
        return cls(done.returncode, done.stdout, done.stderr)

    @cached_property
    def envelope(self) -> dict[str, Any]:
        lines = [line for line in self.out.splitlines() if line.strip()]
        assert len(lines) == 1, f"one envelope expected, got: {self.out!r} / {self.err!r}"
        answer = json.loads(lines[0])
        assert answer["schema"] == "pfmm/1"
        return answer

    @property
    def data(self) -> Any:
        assert self.envelope["ok"], self.envelope
        return self.envelope["data"]

    @property
    def error(self) -> dict[str, Any]:
        assert not self.envelope["ok"], self.envelope
        return self.envelope["error"]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


def environment(home: Path, extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a run: nothing of the caller's pfmm settings, everything under `home`, and compiled modules
    kept as an installation keeps them (otherwise every process would compile the package again)."""
    strange = ("PFMM_", "PURPLE_FLEA", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
    return {**kept, "PFMM_HOME": str(home), "PFMM_PAPER_SEED": "1", "NO_COLOR": "1", "COLUMNS": "100", **(extra or {})}


def names_path(line: str, folder: Path) -> bool:
    """Whether a line of text shows a path below `folder`, or what is left of one that was wrapped at a space."""
    return any(part in line for part in str(folder).split())


def run(
    *args: object, home: Path, env: dict[str, str] | None = None, timeout: float = PATIENCE_S, stdin: str | None = None
) -> Completed:
    """Runs `pfmm ARGS` to its end: in this process where that shows the same, else in one of its own.

    A process is real for loops and servers, which signals end, from a thread (stdout belongs to one at a time), and
    with variables of the interpreter or the terminal.
    """
    words = [str(arg) for arg in args]
    if stdin is None and _same_in_process(words, env or {}):
        return run_here(*words, home=home, env=env)
    return run_process(*words, home=home, env=env, timeout=timeout, stdin=stdin)


ENDS = {"--once", "--dry-run", "--help", "--cycles", "--exit-code", "--detach"}


def _same_in_process(line: list[str], env: dict[str, str]) -> bool:
    words = [word.partition("=")[0] if word.startswith("--") else word for word in line]
    loops = "start" in words and not ENDS & set(words)
    records = "record" in words and not {"--cycles", "--for", "--help"} & set(words)
    waits = loops or records or "serve" in words or "--watch" in words or "--jobs" in words
    plain = all(name.startswith(("PFMM_", "PURPLE_FLEA")) or name == "COLUMNS" for name in env)
    return plain and not waits and threading.current_thread() is threading.main_thread()


class Screen(io.TextIOWrapper):
    """A stream that says of itself that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Told(io.BytesIO):
    """What a command writes; whoever waits for a text (a regular expression) acts once, as it is written."""

    def __init__(self, wanted: str, act: Callable[[], object]) -> None:
        super().__init__()
        self._wanted, self._act = re.compile(wanted.encode(), re.DOTALL), act
        self.acted = False
        self.failure: Exception | None = None

    def write(self, data: Any) -> int:
        written = super().write(data)
        if not self.acted and self._wanted.search(self.getvalue()):
            self.acted = True
            try:
                self._act()
            except Exception as error:  # noqa: BLE001 - told when the loop has ended, which drops a failing writer
                self.failure = error
                interrupt()
        return written


def interrupt(number: signal.Signals = signal.SIGINT) -> None:
    """Sends this process the signal, as a shell does that has it in the foreground."""
    os.kill(os.getpid(), number)


def run_until(
    wanted: str,
    act: Callable[[], object],
    *args: object,
    home: Path,
    env: dict[str, str] | None = None,
    screen: bool = False,
) -> Completed:
    """Runs a command that goes on in this process; `act`, which must bring its end, is called on the thread that writes
    stdout, as soon as the regular expression `wanted` is found there. It runs no other command: stdout belongs to this
    one."""
    told = Told(wanted, act)
    done = run_here(*map(str, args), home=home, env=env, screen=screen, stdout=told)
    if told.failure is not None:
        raise told.failure
    assert told.acted, f"ended without {wanted!r}: {done}"
    return done


def run_here(
    *args: str,
    home: Path,
    env: dict[str, str] | None = None,
    encoding: str = "utf-8",
    screen: bool = False,
    stdout: io.BytesIO | None = None,
) -> Completed:
    """Runs a command line in this process, with an environment and streams of its own: of that encoding, and with
    `screen` streams that are one terminal, as wide as COLUMNS: all that it shows is `out`. What is written to stdout
    goes to `stdout`."""
    from pfmm.cli.app import end_on_signals
    from pfmm.cli.app import run as run_line
    from pfmm.cli.main import write_any_text

    kinds = (Screen if screen else io.TextIOWrapper,) * 2
    written = stdout or io.BytesIO()
    buffers = (written, written if screen else io.BytesIO())
    streams = [kind(buffer, encoding=encoding, write_through=True) for kind, buffer in zip(kinds, buffers, strict=True)]
    before = dict(os.environ), sys.argv, sys.stdin, sys.stdout, sys.stderr
    handlers = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        os.environ.clear()
        os.environ.update(environment(home, env))
        sys.argv, sys.stdin, (sys.stdout, sys.stderr) = ["pfmm", *args], nothing, streams
        write_any_text()
        end_on_signals()
        try:
            code = run_line(list(args))
        finally:
            os.environ.clear()
            os.environ.update(before[0])
            sys.argv, sys.stdin, sys.stdout, sys.stderr = before[1:]
            for number, handler in handlers.items():  # a process that a test starts next would inherit an ignored one
                signal.signal(number, handler)
    out, err = (buffer.getvalue().decode(encoding) for buffer in buffers)
    keep(args, env, out, err, screen=screen)
    return Completed(code, out, "" if screen else err)


def run_process(
    *args: object, home: Path, env: dict[str, str] | None = None, timeout: float = PATIENCE_S, stdin: str | None = None
) -> Completed:
    """Runs `pfmm ARGS` to its end in a process of its own: for what only a process shows."""
    done = subprocess.run(
        [sys.executable, "-m", "pfmm", *map(str, args)],
        env=environment(home, env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
    )
    keep(args, env, done.stdout, done.stderr)
    return Completed.of(done)


class Running:
    """A process that goes on: its stdout is read by a thread, line by line, and waited for by content."""

    def __init__(self, *args: object, home: Path, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pfmm", *map(str, args)],
            env=environment(home, env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._env = env
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._read_out, daemon=True),
            threading.Thread(target=self._read_err, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put(None)

    def _read_err(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def wait_for(self, wanted: str, *, timeout: float = PATIENCE_S) -> str:
        """The next line of stdout that contains `wanted`."""
        while True:
            try:
                line = self._queue.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError(f"no line with {wanted!r} within {timeout} s; stderr: {self.errors}") from None
            if line is None:
                raise AssertionError(f"ended without a line with {wanted!r}; lines: {self.lines}; {self.errors}")
            self.lines.append(line)
            hold_text(line)
            if wanted in line:
                return line

    def wait_for_event(self, name: str, *, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """The next NDJSON event called `name`."""
        found: dict[str, Any] = json.loads(self.wait_for(f'"event":"{name}"', timeout=timeout))
        return found

    def end(self, *, timeout: float = PATIENCE_S) -> int:
        """Waits for the process to end by itself; returns its exit code."""
        code = self.process.wait(timeout=timeout)
        for thread in self._threads:
            thread.join(timeout=timeout)
        while not self._queue.empty():
            line = self._queue.get_nowait()
            if line is not None:
                self.lines.append(line)
        self._close()
        keep(self.process.args, self._env, "".join(self.lines), "".join(self.errors))
        return code

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def _close(self) -> None:
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()
