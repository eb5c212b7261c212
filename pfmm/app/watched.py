"""A loop with its watchers: the screen on its thread, the keys of the terminal, and how the process ends.

The order at the end is fixed: first the exit policy (it is part of the loop's run), then at most DRAIN_S for what the
screen still has to write, then the terminal's own mode, then the last words; and where a writer hangs even then,
`os._exit` with the code, since the interpreter would wait for it for ever. Layer: app.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn, Protocol

from pfmm.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPT, OutputLost, PfmmError
from pfmm.model.event import Event
from pfmm.model.fees import Fees
from pfmm.runner.inbox import Action, Command, Inbox
from pfmm.runner.keyboard import Keyboard
from pfmm.runner.listeners import DRAIN_S, Listener, Listeners, within
from pfmm.runner.loop import Ending
from pfmm.runner.signals import Signals

NOTICE = "notice"  # one line for the one at the keyboard; no event of the stream
VIEW = "view"  # the one at the keyboard asks for another picture; no event of the stream
READER_GONE = "the reader of the output went away"
HUNG_WORDS_S = 1.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a screen says of the run as a whole."""

    kind: str
    markets: tuple[str, ...]
    venue: str
    account: str
    on_exit: str
    real_money: bool = False
    fees: Mapping[str, Fees] = field(default_factory=dict)  # of each market
    limits: Mapping[str, Decimal] = field(default_factory=dict)  # the most that may be held of each market, USD
    money: str = ""  # whose exchange, and whether its money is real


if TYPE_CHECKING:
    Run = Callable[[Callable[[Event], None], Inbox, Signals], Ending]


class Display(Protocol):
    """What a front end brings: a screen, a keyboard where it has one, and the words at the end."""

    @property
    def keyboard_fd(self) -> int | None:
        """The terminal whose keys are commands; None without one. Stdin that is no terminal is never read."""
        ...

    def screen(self, shown: Shown) -> Listener:
        """The listener that shows the run; it may block and it may raise."""
        ...

    def drop_output(self) -> None:
        """Nobody reads any more: what is written from now on goes nowhere."""
        ...

    def last_words(self, failure: BaseException | None, lost: list[BaseException], *, drained: bool) -> None:
        """Say that the screen failed, if so, and why the loop did. `drained` is False where a hanging writer has the
        screen's stream, so that nothing more may be written there."""
        ...


def run_watched(run: Run, shown: Shown, display: Display) -> NoReturn:
    """Run the loop with a screen, and end the process with its exit code. `run` gets the function that takes events,
    the inbox and the signals. Raises what `run` raised if that was a bug, to be shown with its traceback.
    """
    lost: list[BaseException] = []
    ending: Ending | BaseException
    with Signals() as signals:

        def drop(error: BaseException) -> None:
            lost.append(error)
            if isinstance(error, BrokenPipeError):  # as SIGPIPE ends any other program
                display.drop_output()
                inbox.post(Command(Action.QUIT, READER_GONE))

        listeners = Listeners([display.screen(shown)], drop)
        keyboard = _keyboard(shown, listeners, display.keyboard_fd)
        inbox = Inbox(signals, keyboard)
        with keyboard or nullcontext():
            try:
                ending = run(listeners.put, inbox, signals)
            except BaseException as error:  # noqa: BLE001 - it ends the process, below, with its own code
                ending = error
            drained = _drained(listeners)
        # still under `signals`: one more must not begin the interpreter's own end, which waits for a hanging writer
        _end(display, ending, lost, drained=drained)


def _keyboard(shown: Shown, listeners: Listeners, fd: int | None) -> Keyboard | None:
    if fd is None:
        return None
    real = "with REAL money " if shown.real_money else ""
    question = (
        f"Cancel the orders and close the whole position on {', '.join(shown.markets)} {real}"
        f"at {shown.venue} account {shown.account}?"
    )

    def say(text: str) -> None:
        listeners.put(Event(NOTICE, 0, "", "", {"text": text}))

    def view(name: str) -> None:
        listeners.put(Event(VIEW, 0, "", "", {"name": name}))

    return Keyboard(fd, question, say, view)


def _drained(listeners: Listeners) -> bool:
    """False where a writer still hangs, or where one more Ctrl-C cuts the wait short: the policy is over by now."""
    try:
        return listeners.close()
    except KeyboardInterrupt:
        return False


def _end(display: Display, ending: Ending | BaseException, lost: list[BaseException], *, drained: bool) -> NoReturn:
    code = _exit_code(ending, lost)
    if drained and isinstance(ending, BaseException) and not isinstance(ending, PfmmError):
        raise ending  # its traceback is the answer
    words_s = DRAIN_S if drained else HUNG_WORDS_S
    failure = ending if isinstance(ending, BaseException) else None
    try:
        said = within(words_s, lambda: display.last_words(failure, lost, drained=drained))
    except KeyboardInterrupt:
        said = False
    if not (drained and said):
        os._exit(code)
    sys.exit(code)


def _exit_code(ending: Ending | BaseException, lost: list[BaseException]) -> int:
    if isinstance(ending, (Ending, PfmmError)):
        unheard = any(isinstance(error, OutputLost) for error in lost)
        return ending.exit_code or (OutputLost.exit_code if unheard else EXIT_DONE)
    return EXIT_INTERRUPT if isinstance(ending, KeyboardInterrupt) else EXIT_BUG
