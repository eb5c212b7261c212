"""`--watch`: the same look again and again, redrawn on a terminal, one JSON event a line anywhere else.

It is handed the look and knows no command. Layer: cli.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from pfmm.cli.output import EventStream, Failed, Globals, Result, emit, printed, warn
from pfmm.errors import PfmmError

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.errors import AssertionFalse

Watch = Annotated[bool, typer.Option("--watch", help="Look again every --interval seconds until Ctrl-C.")]


class Look(NamedTuple):
    """One look: the venue's time, the answer, and where an assertion is false the failure with its offending rows."""

    time_ms: int
    result: Result
    broken: tuple[AssertionFalse, Result] | None = None


def look_at(found: Any, failure: AssertionFalse | None, render: Callable[[Any, int | None], str]) -> Look:
    """Make a look of the result of a use case that has `time_ms`, and of the failure of its assertion, if so."""
    broken = None if failure is None else (failure, printed(failure.result, render))
    return Look(found.time_ms, printed(found, render), broken)


def show_looks(
    options: Globals, session: Session, event: str, look: Callable[[], Look], *, every_s: float | None
) -> None:
    """Print one look, or look after look every so many seconds. Raises Failed, with the offending rows, where the
    assertion is false of the one."""
    if every_s is not None:
        _watch(options, session, event, every_s, look)
        return
    only = look()
    if only.broken is not None:
        raise Failed(*only.broken)
    emit(options, only.result)


def _watch(options: Globals, session: Session, event: str, interval_s: float, look: Callable[[], Look]) -> None:
    """Show look after look until a signal, then exit with 128 + its number. Ends at the first look that breaks the
    assertion (AssertionFalse)."""
    from pfmm.app.watching import watch

    @contextmanager
    def screen() -> Iterator[Show]:
        with _screen(options, event) as show:

            def shown(found: Look, problem: PfmmError | None) -> None:
                show(found, problem)
                if problem is None:
                    _stop_if_broken(options, found)

            yield shown

    number = watch(look, screen, session=session, every_s=interval_s)
    sys.exit(128 + number)


def _stop_if_broken(options: Globals, look: Look) -> None:
    if look.broken is None:
        return
    if options.json:
        raise Failed(*look.broken)
    raise look.broken[0]  # the screen has just shown every row


Show = Callable[[Look, PfmmError | None], None]


@contextmanager
def _screen(options: Globals, event: str) -> Iterator[Show]:
    if options.json or sys.stdout is None or not sys.stdout.isatty():
        yield _Events(event).show
        return
    from rich.text import Text

    from pfmm.cli.live.fitting import whole
    from pfmm.cli.live.terminal import Screenful, Terminal

    terminal = Terminal()

    def show(look: Look, problem: PfmmError | None) -> None:
        told = [line for text in look.result.warnings for line in whole(f"! {text}", terminal.console.width, further=2)]
        last = f"! {problem.message}; the figures are of the last good look" if problem else "Ctrl-C ends"
        terminal.show(Screenful([Text(look.result.render())], [], [], [*told, Text(last)], terminal.height))

    terminal.start()
    try:
        yield show
    finally:
        terminal.stop()


class _Events:
    """One line a look; a warning is told once while it lasts."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._stream = EventStream()
        self._told: tuple[str, ...] = ()

    def show(self, look: Look, problem: PfmmError | None) -> None:
        if problem is not None:
            failure = {"code": problem.code, "reason": problem.message}
            self._stream.write("warning", look.time_ms, **failure)
            return
        data: Mapping[str, Any] = look.result.data
        self._stream.write(self._event, look.time_ms, **data)
        if look.result.warnings != self._told:
            self._told = look.result.warnings
            for text in self._told:
                warn(text)
