"""What every command's options share: the global options on both sides of the command, and number parsers.

Typer's own numbers let NaN, infinity and 1e999 through; these parsers refuse them, naming the option and the value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from pfmm.cli.output import Globals, Result, emit
from pfmm.config.settings import SCHEMA, describe_range, from_text, from_value, parse_decimal, parse_integer

Number = TypeVar("Number", int, float, Decimal)

EPILOG = "Global options work here too: --profile NAME, --json, -q/--quiet, -v/--verbose, --version."


@dataclass(slots=True)
class Invocation:
    """What the parser has learned so far about one invocation; lives in Typer's context object."""

    profile: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False


def globals_of(context: typer.Context) -> Globals:
    """The global options as the command finds them, wherever on the line they stood; the last --profile wins."""
    seen = context.find_root().obj
    name = context.command_path.removeprefix("pfmm").strip()
    return Globals(name, seen.profile, seen.json, seen.quiet, seen.verbose)


def share_globals(command: Any, *, hidden: bool = True) -> None:
    """Gives `command`, and everything below it, the global options and the plain help format.

    The options are hidden in the list of a command's own, and named once below it.
    """
    command.params.extend(_global_options(hidden=hidden))
    command.rich_markup_mode = None
    if hidden:
        command.epilog = f"{command.epilog}\n\n{EPILOG}" if command.epilog else EPILOG
    if isinstance(command, TyperGroup):
        command.no_args_is_help = not command.invoke_without_command
        for child in command.commands.values():
            share_globals(child)


def commands_of(command: Any) -> dict[str, TyperCommand | TyperGroup]:
    """The visible subcommands of a group by name; empty for a single command."""
    if not isinstance(command, TyperGroup):
        return {}
    # a child is declared as a bare Command, but Typer makes nothing else than these two
    return {name: child for name, child in command.commands.items() if not child.hidden}  # type: ignore[misc]


def _global_options(*, hidden: bool) -> list[TyperOption]:
    def note(context: typer.Context, parameter: Any, value: Any) -> None:
        if value:
            setattr(context.find_root().obj, parameter.name, value)

    def version(context: typer.Context, _parameter: Any, value: Any) -> None:
        if value:
            from pfmm import __version__

            emit(globals_of(context), Result({"version": __version__}, lambda: f"pfmm {__version__}"))
            raise typer.Exit

    def flag(*names: str, text: str, callback: Callable[..., None] = note, eager: bool = False) -> TyperOption:
        return TyperOption(
            param_decls=list(names), is_flag=True, default=False, expose_value=False, callback=callback,
            is_eager=eager, help=text, hidden=hidden,
        )  # fmt: skip

    def named(context: typer.Context, parameter: Any, value: Any) -> None:
        if value == "":  # an unset variable of a script: not the wish for whichever profile is active
            raise typer.BadParameter("must name a profile, not ''")
        note(context, parameter, value)

    profile = TyperOption(
        param_decls=["--profile"], type=str, metavar="NAME", expose_value=False, callback=named, hidden=hidden,
        help="Use this profile instead of the active one.",
    )  # fmt: skip
    return [
        profile,
        flag("--json", text="Answer with one JSON envelope (streams: NDJSON)."),
        flag("--quiet", "-q", text="No talk on stderr, only warnings and errors."),
        flag("--verbose", "-v", text="More talk on stderr."),
        flag("--version", text="Show the version and exit.", callback=version, eager=True),
    ]


def setting(name: str, *flags: str) -> Any:
    """A Typer option that stands for a setting: same checks, help and range as in the config file.

    Example: `levels: Annotated[int | None, setting("grid.levels", "--levels")] = None`; the value goes, as it is, into
    `load_settings(..., overrides={"grid.levels": levels})`.
    """
    schema = SCHEMA[name]
    shown = "unset" if schema.default is None else f"{schema.default}"
    text = f"{schema.help[0].upper()}{schema.help[1:]} ({describe_range(schema)}; default {shown})."
    metavar = {"choice": "CHOICE", "number": "NUMBER", "decimal": "NUMBER", "integer": "N"}.get(schema.kind, "TEXT")

    def parse(raw: Any) -> Any:
        try:
            return from_text(schema, raw) if isinstance(raw, str) else from_value(schema, raw)
        except ValueError as error:
            raise typer.BadParameter(str(error).removeprefix(f"{name} ")) from error

    return typer.Option(*flags, parser=parse, metavar=metavar, help=text, show_default=False)


def positive_decimal(text: str | Decimal) -> Decimal:
    """Option parser: a finite Decimal above zero."""
    return _above(_decimal(text), text)


def any_decimal(text: str | Decimal) -> Decimal:
    """Option parser: a finite Decimal of either sign."""
    return _decimal(text)


def positive_float(text: str | float) -> float:
    """Option parser: a finite float above zero."""
    return _above(float(_decimal(text)), text)


def non_negative_float(text: str | float) -> float:
    """Option parser: a finite float, zero or more."""
    return _at_least_zero(float(_decimal(text)), text)


def positive_integer(text: str | int) -> int:
    """Option parser: a whole number above zero."""
    return _above(_integer(text), text)


def non_negative_integer(text: str | int) -> int:
    """Option parser: a whole number, zero or more."""
    return _at_least_zero(_integer(text), text)


def _decimal(text: object) -> Decimal:
    try:
        return parse_decimal(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _integer(text: object) -> int:
    try:
        return parse_integer(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _above(value: Number, text: object) -> Number:
    if value <= 0:
        raise typer.BadParameter(f"must be above 0, not {text}")
    return value


def _at_least_zero(value: Number, text: object) -> Number:
    if value < 0:
        raise typer.BadParameter(f"must be 0 or more, not {text}")
    return value
