"""What the command line brings to a running loop: a screen, a terminal's keys, and the last words. Layer: cli."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pfmm.cli.live.screens import EventScreen, LiveScreen
from pfmm.cli.output import Failure, Globals, drop_stdout, emit_failure, trace, warn
from pfmm.errors import PfmmError

if TYPE_CHECKING:
    from pfmm.app.watched import Shown


class TerminalDisplay:
    """A live table and keys on a terminal, NDJSON events anywhere else; see `Display`."""

    def __init__(self, options: Globals, money: Callable[[], str]) -> None:
        """`money` answers what a live table says of the money that it is about."""
        self._options, self._money = options, money
        self._on_terminal = not options.json and _is_terminal(sys.stdout)
        self.keyboard_fd = sys.stdin.fileno() if self._on_terminal and _is_terminal(sys.stdin) else None

    def screen(self, shown: Shown) -> EventScreen | LiveScreen:
        """The live table or the stream."""
        if not self._on_terminal:
            return EventScreen(shown)
        return LiveScreen(replace(shown, money=self._money()), keys=self.keyboard_fd is not None)

    def drop_output(self) -> None:
        """Point stdout at nothing."""
        drop_stdout()

    def last_words(self, failure: BaseException | None, lost: list[BaseException], *, drained: bool) -> None:
        """What is left to say after the screen. On stderr alone where it is not drained."""
        for error in lost:
            if not isinstance(error, BrokenPipeError):
                warn(f"the display failed and the run went on without it: {type(error).__name__}: {error}")
                if self._options.verbose:
                    trace(error)
        if isinstance(failure, PfmmError):
            as_json = self._options.json and drained
            emit_failure(self._options.command, Failure.of(failure), as_json=as_json)
        elif failure is not None:
            trace(failure)


def _is_terminal(stream: object) -> bool:
    """True for an open stream that is a terminal; a stream can be None, and can have been closed."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return False
