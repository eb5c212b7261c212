"""The root command: finds a command's module when it is invoked, and turns every failure into an exit code.

A command file plugs in by its line in `registry.py` and an `app: typer.Typer` of its own:

    app = typer.Typer()                       # help text: the callback's or help=

    @app.command()
    def show(context: typer.Context, market: str) -> None:
        options = globals_of(context)         # --profile, --json, -q, -v from either side
        settings = load_settings(os.environ, profile=options.profile, overrides={...})
        emit(options, Result(data, lambda: text))

It raises the errors of `pfmm.errors`, or `output.Failed` when there is an answer to print as well. An app with one
command and no callback is that command (`pfmm flatten`); give it a callback to keep it a group. Layer: cli.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial

import typer

from pfmm.app import strategies
from pfmm.cli import output
from pfmm.cli.nodes import Node, UsageProblem
from pfmm.cli.output import Failed, Failure
from pfmm.cli.registry import commands, root_help
from pfmm.cli.typer_seam import (
    USAGE_ERRORS,
    Invocation,
    ReaderGone,
    Root,
    look,
    path_of,
    root_command,
    unloaded,
    usage_problem,
)
from pfmm.errors import EXIT_BUG, EXIT_DONE, EXIT_HANGUP, EXIT_INTERRUPT, PfmmError, Terminated, UsageError


def build() -> Root:
    """Build the root command without any command loaded."""
    return root_command(
        load=_load, names=lambda: tuple(commands()), help_text=root_help, unknown=_unknown, boundary=_boundary
    )


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end the command as Ctrl-C does: what is open is closed, and there is an answer. What was
    ignored before (nohup) stays ignored; a loop, a stop and a flatten have a way of their own."""
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _hung_up)


def _terminated(*_: object) -> None:
    raise Terminated


def _hung_up(*_: object) -> None:
    raise Terminated("hung_up", EXIT_HANGUP)


def run(arguments: Sequence[str]) -> int:
    """Run one command line in this process; return its exit code."""
    try:
        build().main(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_DONE
    return EXIT_DONE


def _load(name: str) -> typer.Typer | None:
    if name not in commands():
        return None
    if name in strategies.names():
        from pfmm.cli.commands.strategies import app_of

        app: typer.Typer = app_of(name)
    else:
        app = importlib.import_module(f"pfmm.cli.commands.{name}").app
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.default_int_handler):
        # from here on there may be work to wind up
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return app


def _unknown(root: Root, name: str, given: Sequence[str]) -> UsageError:
    from pfmm.cli import advice
    from pfmm.cli.lines import shown

    hint = advice.of_command(name, given, partial(_look, root))
    return UsageError(f"there is no command {shown(name)!r}", hint=hint)


def _boundary(root: Root, given: list[str], parse: Callable[[Invocation], int | None]) -> None:
    """Run the parse of a line, then end the process with its exit code, after a failure was told. This is the error
    boundary of the whole program."""
    seen = Invocation(json=_asks_for_json(given), words=tuple(given))
    failure, result = _guarded(lambda: parse(seen) or EXIT_DONE, lambda problem: _misread(problem, root, given))
    if isinstance(failure, int):
        sys.exit(failure)
    output.emit_failure(path_of(root, given), failure, as_json=seen.json, result=result)
    sys.exit(failure.exit_code)


def _misread(problem: UsageProblem, root: Root, given: Sequence[str]) -> Failure:
    """Build the failure of a line that Typer could not read, with what to type instead."""
    from pfmm.cli import advice

    code = UsageError.exit_code if problem.exit_code is None else problem.exit_code
    placed = problem._replace(path=problem.path or path_of(root, given))
    return Failure("usage", problem.message, advice.of_problem(placed, given, partial(_look, root)), code)


def _look(root: Root, path: str) -> Node | None:
    """Find the command of that path; of the root command only what is known without loading any other."""
    return look(root, path) if path else unloaded(root, commands())


def _guarded(
    call: Callable[[], int], misread: Callable[[UsageProblem], Failure]
) -> tuple[Failure | int, output.Result | None]:
    """Return the exit code of `call`, or the failure to report with the answer it still has."""
    try:
        return call(), None
    except Failed as failed:
        return Failure.of(failed.error), failed.result
    except PfmmError as error:
        failure: Failure | int = Failure.of(error)
    except USAGE_ERRORS as error:
        failure = misread(usage_problem(error))
    except (typer.Abort, KeyboardInterrupt) as abort:  # only what was declined has words of its own
        failure = Failure("interrupted", str(abort) or "interrupted", None, EXIT_INTERRUPT)
    except Terminated as end:
        failure = Failure(end.word, end.word.replace("_", " "), None, end.exit_code)
    except ReaderGone:
        output.drop_stdout()
        failure = EXIT_DONE
    except Exception as error:  # noqa: BLE001 - the last resort of the program: a bug keeps its traceback
        output.trace(error)
        hint = "this is a bug in pfmm; the traceback is on stderr"
        failure = Failure("bug", f"{type(error).__name__}: {error}", hint, EXIT_BUG)
    return failure, None


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """Tell whether --json stands on the line, for errors that end the parse before it is reached."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in before
