"""The root command: finds a command's module when it is invoked, and turns every failure into an exit code.

A command file plugs in by its line in `registry.py` and an `app: typer.Typer` of its own:

    app = typer.Typer()                       # help text: the callback's or help=

    @app.command()
    def show(context: typer.Context, market: str) -> None:
        options = globals_of(context)         # --profile, --json, -q, -v from either side
        settings = load_settings(os.environ, profile=options.profile, overrides={...})
        emit(options, Result(data, lambda: text))

It raises the errors of `pfmm.errors`, or `output.Failed` when there is an answer to print as well. An app with one
command and no callback is that command (`pfmm flatten`); give it a callback to keep it a group.
"""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from pfmm.cli import output
from pfmm.cli.options import Invocation, share_globals
from pfmm.cli.output import Failed, Failure
from pfmm.cli.registry import commands, root_help
from pfmm.config.settings import nearest
from pfmm.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPT, PfmmError, UsageError


class Root(TyperGroup):
    """The `pfmm` command. Loads commands by name, and its `main` is the error boundary of the whole program."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return list(commands())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        if cmd_name not in self.commands and cmd_name in commands():
            app: typer.Typer = importlib.import_module(f"pfmm.cli.commands.{cmd_name}").app
            app._add_completion = False  # completions are static files, see `pfmm completions`
            command: Any = get_command(app)
            command.name = cmd_name
            share_globals(command)
            self.commands[cmd_name] = command
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            guess = nearest(name, tuple(self.list_commands(ctx)))
            hint = f"did you mean `pfmm {guess}`?" if guess else "`pfmm --help` lists the commands"
            raise UsageError(f"there is no command {name!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: Any) -> str:  # noqa: ARG002 - Typer's signature
        return root_help()

    # Typer exits by itself, with 1 or without a word, on what these two turn into failures of our own

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _own_failures():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _own_failures():
            return super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 - always pfmm, however it was started
        complete_var: str | None = None,  # noqa: ARG002 - completions are static files
        standalone_mode: bool = True,  # noqa: ARG002 - Typer's own mode hides failures
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        seen = Invocation(json=_asks_for_json(given))

        def call() -> int:
            answer = TyperGroup.main(
                self, given, "pfmm", standalone_mode=False, windows_expand_args=windows_expand_args, obj=seen, **extra
            )
            return answer if isinstance(answer, int) else EXIT_DONE

        failure, result = _guarded(call)
        if isinstance(failure, int):
            sys.exit(failure)
        output.emit_failure(_path(self, given), failure, as_json=seen.json, result=result)
        sys.exit(failure.exit_code)

    def _main_shell_completion(self, *args: Any, **kwargs: Any) -> None:
        """Typer's dynamic completion stays off: it would start the whole program at each key press."""


class _ReaderGone(Exception):
    """Whoever read our stdout has closed it."""


@contextmanager
def _own_failures() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        raise typer.Abort from error
    except BrokenPipeError as error:
        raise _ReaderGone from error


def build() -> Root:
    """The root command without any command loaded."""
    root = Root(
        name="pfmm", rich_markup_mode=None, no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )  # fmt: skip
    share_globals(root, hidden=False)
    return root


def run(arguments: Sequence[str]) -> int:
    """Runs one command line in this process; returns its exit code."""
    try:
        build().main(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_DONE
    return EXIT_DONE


def _guarded(call: Callable[[], int]) -> tuple[Failure | int, output.Result | None]:
    """The error boundary: the exit code of `call`, or the failure to report with the answer it still has."""
    try:
        return call(), None
    except Failed as failed:
        return Failure.of(failed.error), failed.result
    except PfmmError as error:
        failure: Failure | int = Failure.of(error)
    except TyperException as error:
        failure = _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        failure = Failure("interrupted", "interrupted", None, EXIT_INTERRUPT)
    except _ReaderGone:
        output.drop_stdout()
        failure = EXIT_DONE
    except Exception as error:  # noqa: BLE001 - the last resort of the program: a bug keeps its traceback
        traceback.print_exc()
        hint = "this is a bug in pfmm; the traceback is on stderr"
        failure = Failure("bug", f"{type(error).__name__}: {error}", hint, EXIT_BUG)
    return failure, None


def _usage(error: TyperException) -> Failure:
    context = getattr(error, "ctx", None)
    hint = f"`{context.command_path} --help` shows how to use it" if context is not None else None
    message = error.format_message().strip().removesuffix(".")
    if re.match(r"No such option: -[.\d]", message):
        hint = "a negative value goes behind two dashes, after every option: `-- -5`"
    if message.startswith("Usage:"):  # a group without a command: its help is the message
        message, hint = f"which command?\n\n{message}", None
    return Failure("usage", message, hint, getattr(error, "exit_code", UsageError.exit_code))


def _path(root: Root, arguments: Sequence[str]) -> str:
    """The full name of the command that was loaded for these arguments: "grid start"; empty where there was none."""
    node: Any = root
    names = []
    for word in arguments:
        if isinstance(node, TyperGroup) and word in node.commands:
            node = node.commands[word]
            names.append(word)
    return " ".join(names)


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether --json stands on the line, for errors that end the parse before it is reached."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in before
