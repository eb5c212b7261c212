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
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from pfmm.cli import output
from pfmm.cli.options import Invocation, share_globals
from pfmm.cli.output import Failed, Failure
from pfmm.cli.registry import commands, root_help
from pfmm.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPT, PfmmError, UsageError
from pfmm.settings import nearest


class Root(TyperGroup):
    """The `pfmm` command. Loads commands by name, and its `main` is the error boundary of the whole program."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return list(commands())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        if cmd_name not in self.commands and cmd_name in commands():
            app: typer.Typer = importlib.import_module(f"pfmm.cli.{cmd_name}").app
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

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # Typer would exit without a word
            raise typer.Abort from error

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 - always pfmm, however it was started
        complete_var: str | None = None,  # noqa: ARG002 - completions are static files
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002 - Typer's own mode hides failures
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        seen = Invocation(json=_asks_for_json(given))

        def call() -> int:
            answer = TyperGroup.main(
                self, given, "pfmm", standalone_mode=False, windows_expand_args=windows_expand_args, obj=seen, **extra
            )
            return answer if isinstance(answer, int) else EXIT_DONE

        sys.exit(_guarded(seen, call))

    def _main_shell_completion(self, *args: Any, **kwargs: Any) -> None:
        """Typer's dynamic completion stays off: it would start the whole program at each key press."""


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


def _guarded(seen: Invocation, call: Any) -> int:
    """The error boundary: what `call` raises is printed once, as text or as an envelope, and becomes the exit code."""
    result = None
    try:
        return int(call())
    except Failed as failed:
        failure, result = Failure.of(failed.error), failed.result
    except PfmmError as error:
        failure = Failure.of(error)
    except TyperException as error:
        failure = _usage(seen, error)
    except (typer.Abort, KeyboardInterrupt):
        failure = Failure("interrupted", "interrupted", None, EXIT_INTERRUPT)
    except BrokenPipeError:
        output.drop_stdout()
        return EXIT_DONE
    except Exception as error:  # noqa: BLE001 - the last resort of the program: a bug keeps its traceback
        traceback.print_exc()
        hint = "this is a bug in pfmm; the traceback is on stderr"
        failure = Failure("bug", f"{type(error).__name__}: {error}", hint, EXIT_BUG)
    return _report(seen, failure, result)


def _report(seen: Invocation, failure: Failure, result: output.Result | None) -> int:
    command = seen.command.removeprefix("pfmm").strip()
    output.emit_failure(command, failure, as_json=seen.json, result=result)
    return failure.exit_code


def _usage(seen: Invocation, error: TyperException) -> Failure:
    context = getattr(error, "ctx", None)
    hint = None
    if context is not None:
        seen.command = context.command_path
        hint = f"`{context.command_path} --help` shows how to use it"
    message = error.format_message().strip().removesuffix(".")
    if message.startswith("Usage:"):  # a group without a command: its help is the message
        message, hint = f"which command?\n\n{message}", None
    return Failure("usage", message, hint, getattr(error, "exit_code", UsageError.exit_code))


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether --json stands on the line, for errors that end the parse before it is reached."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in before
