"""What every command's options share: the global options on both sides of the command, and number parsers.

Typer's own numbers let NaN, infinity and 1e999 through; these parsers refuse them, naming the option and the value.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

import typer

from pfmm.cli.output import Globals
from pfmm.cli.typer_seam import invocation_of, name_of
from pfmm.config.settings import SCHEMA, describe_range, from_text, from_value, parse_decimal, parse_integer

Number = TypeVar("Number", int, float, Decimal)


def globals_of(context: typer.Context) -> Globals:
    """The global options as the command finds them, wherever on the line they stood; the last --profile wins."""
    seen = invocation_of(context)
    return Globals(name_of(context), seen.profile, seen.json, seen.quiet, seen.verbose)


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
