"""Start a loop with its watchers: the screen on its thread, the keys of the terminal, and how the process ends.

The order at the end is fixed: first the exit policy (it is part of the loop's run), then at most DRAIN_S for what the
screen still has to write, then the terminal's own mode, then the last words; and where a writer hangs even then,
`os._exit` with the code, since the interpreter would wait for it for ever. Layer: app.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from pfmm.app import watchdog
from pfmm.app.running import run_loop
from pfmm.app.starting import started
from pfmm.app.watched import NOTICE, VIEW, Shown
from pfmm.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPT, OutputLost, PfmmError
from pfmm.model.event import Event
from pfmm.runner.inbox import Action, Command, Inbox
from pfmm.runner.keyboard import Keyboard
from pfmm.runner.listeners import DRAIN_S, Listeners, within
from pfmm.runner.loop import Ending
from pfmm.runner.signals import Signals

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.app.starting import Start, StartRequest, Tell
    from pfmm.app.watched import Display

    Run = Callable[[Callable[[Event], None], Inbox, Signals], Ending]

READER_GONE = "the reader of the output went away"
HUNG_WORDS_S = 1.0


def start(request: StartRequest, *, session: Session, confirm: Confirm, tell: Tell, display: Display) -> None:
    """Run a strategy on its markets; returns only where the question about real money was declined.

    `display` shows it. The process ends, with the exit code of the loop's end, once the exit policy was carried out.
    Raises what stands in the way, before anything is sent.
    """
    on_exit = request.on_exit or session.settings.general.run.on_exit

    def watched(begun: Start) -> None:
        if watchdog.wanted(session, on_exit):
            watchdog.begin(begun)

    with started(request, session=session, confirm=confirm, tell=tell, before_locks=watched) as begun:
        if begun is None:
            return
        shown = Shown(
            begun.kind, tuple(begun.markets), session.venue_name, session.account, on_exit,
            real_money=session.real_money, fees=begun.fees, limits=begun.limits_usd,
        )  # fmt: skip
        session.venue.tell_depth(display.depth_levels)
        run_watched(partial(run_loop, begun, on_exit), shown, display)


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

    def say(text: str, *, asks: bool = False) -> None:
        listeners.put(Event(NOTICE, 0, "", "", {"text": text, "asks": asks}))

    def view(name: str) -> None:
        listeners.put(Event(VIEW, 0, "", "", {"name": name}))

    return Keyboard(fd, question, say=say, ask=partial(say, asks=True), view=view)


def _drained(listeners: Listeners) -> bool:
    """Close the listeners; False where a writer still hangs, or where one more Ctrl-C cuts the wait short: the policy
    is over by now."""
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
