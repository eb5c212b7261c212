"""Runs pfmm on a pseudo-terminal: what a person at a screen of a given size and kind sees."""

from __future__ import annotations

import codecs
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.driver import PATIENCE_S, environment

# the terminal is the process's own, as a shell would give it: without that single keys are not read
AS_IN_A_SHELL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "pfmm", *sys.argv[1:]])
"""


class OnTerminal:
    """A process whose stdin, stdout and stderr are one terminal; `seen` is all that it has written so far."""

    def __init__(
        self, *args: object, home: Path, columns: int, lines: int, term: str, env: dict[str, str] | None = None
    ) -> None:
        size = {"COLUMNS": str(columns), "LINES": str(lines), "TERM": term, **(env or {})}
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", AS_IN_A_SHELL, *map(str, args)],
            env=environment(home, size), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = ""
        self._text = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a character

    def wait_for(self, wanted: str, *, after: int = 0, timeout: float = PATIENCE_S) -> None:
        """Reads until `wanted` has been written, behind the first `after` characters."""
        deadline = time.monotonic() + timeout
        while wanted not in self.seen[after:]:
            assert self._read(deadline), f"never saw {wanted!r} in {self.seen!r}"

    def type(self, text: str) -> None:
        """What a person types, with Return at its end."""
        os.write(self._master, text.encode() + b"\n")

    def press(self, key: str) -> None:
        """One key, without Return."""
        os.write(self._master, key.encode())

    def end(self, *, timeout: float = PATIENCE_S) -> int:
        """Reads to the end; returns the exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        return self.process.wait(timeout=timeout)

    def interrupt(self, *, timeout: float = PATIENCE_S) -> int:
        """Ctrl-C, then reads to the end; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.end(timeout=timeout)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
        try:
            text = os.read(self._master, 65_536) if ready else b""
        except OSError:  # Linux tells the end of the other side so
            return False
        self.seen += self._text.decode(text)
        return bool(text)

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=PATIENCE_S)
        os.close(self._master)
