"""The keys of the terminal that a loop runs on, as commands. Layer: runner.

The terminal hands over single keys, unechoed, while this is entered; its own mode comes back at the end, while the
process is stopped by Ctrl-Z, and is left alone while the process is in the background. Every change is made at once:
waiting for the output to drain, as is usual, would hang on a terminal that has stopped reading.
"""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from pfmm.runner.inbox import Action, Command

HELP = (
    "keys: p pause (cancels, keeps running) and go on, f flatten (asks), q quit by the exit policy, "
    "d depth with your orders, e events and reasons in full, ? this help"
)
VIEWS = {"d": "depth", "e": "events"}  # not in capitals: an arrow key ends in one
_LOCAL_FLAGS, _CONTROL_CHARACTERS = 3, 6  # where `termios.tcgetattr` has them


class Keyboard:
    """Reads keys of the terminal `fd`. `question` is what `f` asks before it flattens. `say` shows a text for a while,
    `ask` until something else is said, `view` another picture: the same key again goes back."""

    def __init__(
        self,
        fd: int,
        question: str,
        *,
        say: Callable[[str], None],
        ask: Callable[[str], None],
        view: Callable[[str], None],
    ) -> None:
        self._fd = fd
        self._question = question
        self._say = say
        self._ask = ask
        self._view = view
        self._own_mode: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._asking = False
        self._paused = False
        self._gone = False

    @property
    def open(self) -> bool:
        """False once the terminal is gone, and while the process is in the background: a read would stop it."""
        return not self._gone and self._in_foreground()

    def fileno(self) -> int:
        return self._fd

    def read(self) -> Sequence[Command]:
        """Return the commands of the keys that were pressed; a terminal that is gone is not read again."""
        try:
            pressed = os.read(self._fd, 64)
        except OSError:
            pressed = b""
        self._gone = not pressed
        return [command for key in pressed.decode("ascii", "ignore") if (command := self._command(key)) is not None]

    def _command(self, key: str) -> Command | None:
        if self._asking:
            self._asking = False
            if key in "yY":
                return Command(Action.FLATTEN, "key f")
            self._say("not flattened; the run goes on")
        elif key in "fF":
            self._asking = True
            self._ask(f"{self._question} y/n")
        elif key in "pP":
            self._paused = not self._paused
            return Command(Action.PAUSE if self._paused else Action.GO_ON, "key p")
        elif key in "qQ":
            return Command(Action.QUIT, "key q")
        elif key == "?":
            self._say(HELP)
        elif key in VIEWS:
            self._view(VIEWS[key])
        return None

    def __enter__(self) -> Keyboard:
        self._key_mode()
        for sign, handler in ((signal.SIGTSTP, self._stopped), (signal.SIGCONT, self._continued)):
            if signal.getsignal(sign) != signal.SIG_IGN:  # a shell without job control ignores them
                self._handlers[sign] = signal.signal(sign, handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sign, handler in self._handlers.items():
            signal.signal(sign, handler)
        self._terminal_mode()

    def _stopped(self, number: int, _frame: FrameType | None) -> None:
        """Obey Ctrl-Z: the shell gets its terminal back as it was; this returns when the process goes on."""
        self._terminal_mode()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._stopped)
        self._key_mode()

    def _continued(self, _number: int, _frame: FrameType | None) -> None:
        self._key_mode()

    def _key_mode(self) -> None:
        """Have the terminal send single keys, unechoed.

        Not from the background, where a change would stop the process.
        """
        with suppress(OSError, termios.error):
            if not self._in_foreground():
                return
            if self._own_mode is None:
                self._own_mode = termios.tcgetattr(self._fd)
            mode = [*self._own_mode]
            mode[_LOCAL_FLAGS] &= ~(termios.ICANON | termios.ECHO)
            mode[_CONTROL_CHARACTERS] = [*mode[_CONTROL_CHARACTERS]]
            mode[_CONTROL_CHARACTERS][termios.VMIN], mode[_CONTROL_CHARACTERS][termios.VTIME] = 1, 0
            termios.tcsetattr(self._fd, termios.TCSANOW, mode)

    def _terminal_mode(self) -> None:
        own, self._own_mode = self._own_mode, None
        with suppress(OSError, termios.error):
            if own is not None and self._in_foreground():
                termios.tcsetattr(self._fd, termios.TCSANOW, own)

    def _in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return False
