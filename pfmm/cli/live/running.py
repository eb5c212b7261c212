"""A loop with whoever watches it: the screen on its thread, the keys of the terminal, and how the process ends.

The order at the end is fixed: first the exit policy (it is part of the loop's run), then at most DRAIN_S for what the
screen still has to write, then the terminal's own mode, then the last words; and where a writer hangs even then,
`os._exit` with the code, since the interpreter would wait for it for ever.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import nullcontext
from typing import TYPE_CHECKING, NoReturn

from pfmm.cli.live.screens import NOTICE, EventScreen, LiveScreen
from pfmm.cli.output import Failure, Globals, drop_stdout, emit_failure, warn
from pfmm.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPT, OutputLost, PfmmError
from pfmm.model.event import Event
from pfmm.runner.inbox import Action, Command, Inbox
from pfmm.runner.keyboard import Keyboard
from pfmm.runner.listeners import DRAIN_S, Listeners, within
from pfmm.runner.loop import Ending
from pfmm.runner.signals import Signals

if TYPE_CHECKING:
    from pfmm.app.loop import Run, Shown

READER_GONE = "the reader of the output went away"
HUNG_WORDS_S = 1.0


def show_run(options: Globals, shown: Shown, run: Run) -> NoReturn:
    """Runs the loop `run` with a screen, and ends the process with its exit code. `run` gets the function that emits
    an event, the inbox, and the signals. Raises what `run` raised if that was a bug, to be shown with its traceback.
    """
    on_terminal = not options.json and _is_terminal(sys.stdout)
    keys_on = on_terminal and _is_terminal(sys.stdin)
    lost: list[BaseException] = []
    ending: Ending | BaseException
    with Signals() as signals:

        def drop(error: BaseException) -> None:
            lost.append(error)
            if isinstance(error, BrokenPipeError):  # as SIGPIPE ends any other program
                drop_stdout()
                inbox.post(Command(Action.QUIT, READER_GONE))

        screen = LiveScreen(shown, keys=keys_on) if on_terminal else EventScreen(shown)
        listeners = Listeners([screen], drop)
        keyboard = _keyboard(shown, listeners) if keys_on else None
        inbox = Inbox(signals, keyboard)
        with keyboard or nullcontext():
            try:
                ending = run(listeners.put, inbox, signals)
            except BaseException as error:  # noqa: BLE001 - it ends the process, below, with its own code
                ending = error
            drained = _drained(listeners)
        # still under `signals`: one more must not begin the interpreter's own end, which waits for a hanging writer
        _end(options, ending, lost, drained=drained)


def _is_terminal(stream: object) -> bool:
    """True for an open stream that is a terminal; a stream can be None, and can have been closed."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return False


def _keyboard(shown: Shown, listeners: Listeners) -> Keyboard:
    real = "" if shown.venue == "paper" else "with REAL money "
    question = (
        f"Cancel the orders and close the whole position on {', '.join(shown.markets)} {real}"
        f"at {shown.venue} account {shown.account}?"
    )
    return Keyboard(sys.stdin.fileno(), question, lambda text: listeners.put(Event(NOTICE, 0, "", "", {"text": text})))


def _drained(listeners: Listeners) -> bool:
    """False where a writer still hangs, or where one more Ctrl-C cuts the wait short: the policy is over by now."""
    try:
        return listeners.close()
    except KeyboardInterrupt:
        return False


def _end(options: Globals, ending: Ending | BaseException, lost: list[BaseException], *, drained: bool) -> NoReturn:
    code = _exit_code(ending, lost)
    if drained and isinstance(ending, BaseException) and not isinstance(ending, PfmmError):
        raise ending  # its traceback is the answer
    words_s = DRAIN_S if drained else HUNG_WORDS_S
    try:
        said = within(words_s, lambda: _last_words(options, ending, lost, as_json=options.json and drained))
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


def _last_words(options: Globals, ending: Ending | BaseException, lost: list[BaseException], *, as_json: bool) -> None:
    """What is left to say after the screen: that it failed, and why the loop did. On stderr alone where `as_json` is
    False, since a hanging writer has stdout."""
    for error in lost:
        if not isinstance(error, BrokenPipeError):
            warn(f"the display failed and the run went on without it: {type(error).__name__}: {error}")
            if options.verbose:
                sys.stderr.write("".join(traceback.format_exception(error)))
    if isinstance(ending, PfmmError):
        emit_failure(options.command, Failure.of(ending), as_json=as_json)
    elif isinstance(ending, BaseException):
        sys.stderr.write("".join(traceback.format_exception(ending)))
