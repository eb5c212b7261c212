"""The way into a running loop: frozen commands from keys, signals and listeners. Layer: runner.

Whoever wants something posts a command; the loop takes it at the boundary of a cycle or during its wait, and nobody
calls into the loop. Knows no terminal: keys come as something that can be waited for and read.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from queue import Empty, SimpleQueue
from typing import Protocol

from pfmm.runner.signals import Signals


class Action(StrEnum):
    """What can be asked of a running loop."""

    PAUSE = "pause"
    GO_ON = "go_on"
    FLATTEN = "flatten"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing asked of the loop. `by` says who asks, in words for people ("key q", "signal SIGTERM"); `exit_code`
    is what a loop that ends by it answers."""

    action: Action
    by: str
    exit_code: int = 0


class Keys(Protocol):
    """A keyboard that can be waited for."""

    @property
    def open(self) -> bool:
        """False once it has nothing to say any more."""
        ...

    def fileno(self) -> int: ...

    def read(self) -> Sequence[Command]:
        """Return the commands of the keys that were pressed; called only when `fileno` is readable."""
        ...


@dataclass(slots=True)
class Inbox:
    """The commands that wait for the loop. `post` may be called from any thread, the rest from the main thread."""

    _signals: Signals
    _keys: Keys | None = None
    _commands: SimpleQueue[Command] = field(default_factory=SimpleQueue)
    _told_signal: bool = False

    def post(self, command: Command) -> None:
        """Leave a command and end the loop's wait."""
        self._commands.put(command)
        self._signals.wake()

    def take(self) -> tuple[Command, ...]:
        """Take the commands that have come since the last call, a signal first."""
        found: list[Command] = []
        received = self._signals.received
        if received is not None and not self._told_signal:
            self._told_signal = True
            found.append(Command(Action.QUIT, f"signal {received.name}", self._signals.exit_code))
        while True:
            try:
                found.append(self._commands.get_nowait())
            except Empty:
                return tuple(found)

    def wait_s(self, seconds: float) -> bool:
        """Wait `seconds`; False as soon as a command is there to be taken."""
        until_s = time.monotonic() + seconds
        self._listen(0.0)
        while not self._waiting():
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return True
            self._listen(left_s)
        return False

    def _waiting(self) -> bool:
        return not self._commands.empty() or (self._signals.received is not None and not self._told_signal)

    def _listen(self, seconds: float) -> None:
        keys = self._keys if self._keys is not None and self._keys.open else None
        watched = [self._signals.fileno(), *([] if keys is None else [keys.fileno()])]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._signals.fileno() in ready:
            self._signals.drain()
        if keys is not None and keys.fileno() in ready:
            for command in keys.read():
                self._commands.put(command)
