"""A pfmm process that kills itself at a chosen point: `python -m tests.faults.dying_process POINT ARGS…`.

POINT is `count` (live, and print how many points were passed), or one of:

- `statement:N`: SQLite begins the N-th statement, of journal and exchange together (before and after an intent, between
  two orders of a batch, inside a migration)
- `commit:N:MICROSECONDS`: that long after the N-th COMMIT began; every commit then copies the log into the file as
  well, so that this is in the middle of a checkpoint
- `before_request:N`, `after_request:N`: the venue has not acted yet; it has, and its answer is never read
- `after:SECONDS`: anywhere
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
import time
from typing import Any


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Points:
    """Counts the points that the process passes, and kills it at the one that was chosen."""

    def __init__(self, spec: str) -> None:
        self.kind, _, rest = spec.partition(":")
        number, _, delay = rest.partition(":")
        self.number = float(number or 0)
        self.delay_s = float(delay or 0) / 1e6
        self.passed = {"statement": 0, "commit": 0, "before_request": 0, "after_request": 0}

    def reach(self, kind: str) -> None:
        """Notes one more point of the kind; does not return when it is the one to die at."""
        self.passed[kind] += 1
        if kind == self.kind and self.passed[kind] == self.number:
            if self.delay_s:
                threading.Thread(target=self._die_later, daemon=True).start()
            else:
                _die()

    def _die_later(self) -> None:
        until = time.perf_counter() + self.delay_s
        while time.perf_counter() < until:
            pass
        _die()

    def statement(self, text: str) -> None:
        """What SQLite calls with each statement that it begins."""
        self.reach("statement")
        if text == "COMMIT":
            self.reach("commit")


def arm(points: Points) -> None:
    """Puts the points in the way of SQLite and of the HTTP client, and starts the clock of `after`."""
    connect = sqlite3.connect

    def watched(*args: Any, **options: Any) -> sqlite3.Connection:
        database = connect(*args, **options)
        if points.kind == "commit":
            database.execute("PRAGMA wal_autocheckpoint = 1")
        database.set_trace_callback(points.statement)
        return database

    sqlite3.connect = watched  # type: ignore[assignment]
    import httpx

    send = httpx.Client.send

    def sent(self: httpx.Client, *args: Any, **options: Any) -> httpx.Response:
        points.reach("before_request")
        answer = send(self, *args, **options)
        points.reach("after_request")
        return answer

    httpx.Client.send = sent  # type: ignore[method-assign]
    if points.kind == "after":
        timer = threading.Timer(points.number, _die)
        timer.daemon = True
        timer.start()


def main() -> int:
    """Runs the command line of the arguments with the points armed."""
    points = Points(sys.argv[1])
    sys.argv = ["pfmm", *sys.argv[2:]]
    arm(points)
    from pfmm.cli.app import run

    code = run(sys.argv[1:])
    if points.kind == "count":
        print(json.dumps(points.passed), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.stdout.flush()
    code = main()
    sys.stdout.flush()
    os._exit(code)
