"""Signals as data: a handler only sets a flag, and waits end through a pipe. Layer: runner.

`threading.Event.set()` in a handler can deadlock a waiting main thread; a wakeup descriptor cannot.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType

from pfmm.errors import EXIT_HANGUP, EXIT_INTERRUPT, EXIT_TERMINATE, Terminated

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXITS = {signal.SIGINT: EXIT_INTERRUPT, signal.SIGTERM: EXIT_TERMINATE, signal.SIGHUP: EXIT_HANGUP}
SECOND_THOUGHT_S = 1.0


class Signals:
    """While entered, SIGINT, SIGTERM and SIGHUP are noted in `received` and cut `wait_s` short.

    Each later SIGINT raises KeyboardInterrupt wherever the work is, for the one who sees that the first does not get
    through: a venue that leaves requests hanging. Not within a second, since a finger or a terminal may send two for
    one; nor the other signals, of which a closing session sends several. In a `one_shot` command, which has a verdict
    to give and no loop to leave, a later SIGTERM raises Terminated likewise.

    A SIGHUP that was ignored before (nohup) stays ignored.
    """

    def __init__(self, *, one_shot: bool = False) -> None:
        self.received: signal.Signals | None = None
        self._one_shot = one_shot
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)
        self._before: dict[signal.Signals, object] = {}
        self._wakeup_before = -1
        self._noted_s = 0.0

    def __enter__(self) -> Signals:
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for sign in WATCHED:
            if sign is signal.SIGHUP and signal.getsignal(sign) == signal.SIG_IGN:
                continue
            self._before[sign] = signal.signal(sign, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sign, handler in self._before.items():
            signal.signal(sign, handler)  # type: ignore[arg-type]  # what signal.signal itself returned
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            self._noted_s = time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - self._noted_s >= SECOND_THOUGHT_S:
            self._noted_s = time.monotonic()
            raise KeyboardInterrupt
        elif number == signal.SIGTERM and self._one_shot:
            raise Terminated

    @property
    def exit_code(self) -> int:
        """The exit code that the first signal asks for: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP; 0 without."""
        return 0 if self.received is None else EXITS[self.received]

    @property
    def name(self) -> str:
        """The first signal's name ("SIGTERM"); empty without."""
        return "" if self.received is None else self.received.name

    def ignore_interrupts(self) -> None:
        """Ignore Ctrl-C from now on, for the rest of the process.

        What is left is to say what was left undone, and one more must not make a mere interruption of that.
        """
        self._before.pop(signal.SIGINT, None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def fileno(self) -> int:
        """Return what is readable once a signal has arrived or `wake` was called, until `drain`.

        It is for waits elsewhere to end with.
        """
        return self._read

    def stopping(self) -> bool:
        """Tell whether a signal has asked to stop."""
        return self.received is not None

    def wake(self) -> None:
        """End the main thread's wait, from any thread."""
        with suppress(OSError):  # a full pipe wakes as well; a closed one has nobody waiting
            os.write(self._write, b"\0")

    def wait_s(self, seconds: float) -> bool:
        """Wait `seconds`; False as soon as (or if already) a signal was received."""
        if self.received is None and seconds > 0:
            select.select([self._read], [], [], seconds)
        return self.received is None

    def wait_regardless_s(self, seconds: float) -> bool:
        """Wait `seconds` even after a signal: for the clean-up that a signal asked for."""
        self.drain()
        if seconds > 0:
            select.select([self._read], [], [], seconds)
        return True

    def wait_on_s(self, seconds: float) -> bool:
        """Wait `seconds`; the first signal ends the wait, and the waits after it are whole again."""
        return self.wait_s(seconds) if self.received is None else self.wait_regardless_s(seconds)

    def drain(self) -> None:
        """Forget what has made the pipe readable; what was received stays."""
        try:
            while os.read(self._read, 512):
                pass
        except BlockingIOError:
            return


@contextmanager
def hangup_ignored() -> Iterator[None]:
    """Keep the end of the session that started this process from ending it, within the block: an emergency goes on."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
