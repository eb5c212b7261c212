"""What the commands' options share: flags from the tables of settings, and number parsers. Layer: cli.

Typer's own numbers let NaN, infinity and 1e999 through; these parsers refuse them, naming the option and the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

import typer

from pfmm.cli.lines import typed
from pfmm.cli.plain_words import BESIDE_MARKETS, EVERYTHING
from pfmm.cli.typer_seam import Command, FlagSource, takes
from pfmm.config.tables import setting_of
from pfmm.errors import UsageError
from pfmm.model.numbers import parse_decimal, parse_integer
from pfmm.model.setting import Setting, describe_range, from_text
from pfmm.model.spelling import each

Number = TypeVar("Number", int, float, Decimal)


def takes_settings(*names: str, tables: Iterable[Setting] = ()) -> Callable[[Command], Command]:
    """Give a command, as its decorator, the flags of the settings with these names, and of those in `tables`.

    Checks, help and range are the setting's own; `globals_of` has what was given.
    """
    return takes([_flag_of(setting) for setting in (*tables, *map(setting_of, names))])


def _flag_of(setting: Setting) -> FlagSource:
    shown = "unset" if setting.default in (None, "") else f"{setting.default}"
    text = f"{setting.meaning[0].upper()}{setting.meaning[1:]} ({describe_range(setting)}; default {shown})."
    metavar = {"choice": "CHOICE", "number": "NUMBER", "decimal": "NUMBER", "integer": "N"}.get(setting.kind, "TEXT")
    return FlagSource(setting.name, setting.flags, metavar, text, partial(from_text, setting), setting.choices)


def one_market(text: str) -> str:
    """Argument parser: the spelling of one market; several at once are refused with what to type."""
    if text.lower() in EVERYTHING:
        raise typer.BadParameter(f"takes one market, not {text!r}: leave it out for all, where that is allowed")
    if "," in text:
        first, _, rest = text.partition(",")
        also = f", then the same with {rest.strip()}" if rest.strip() else ""
        raise typer.BadParameter(f"takes one market, not {text!r}: write {first.strip()}{also}")
    return text


def several_markets(words: Sequence[str], everything: str) -> tuple[str, ...]:
    """Return the spellings for a command that takes several markets, BTC,ETH apart. Raises UsageError for the word
    `all`, and for words of a sentence, with the line that is meant."""
    if any(word.lower() in EVERYTHING for word in words):
        raise UsageError(f"no market is called {words[0]!r}", hint=f"did you mean `{everything}`?")
    meant = [word for word in words if word not in BESIDE_MARKETS]
    if len(meant) < len(words):
        path = [word for word in everything.split()[1:] if word.islower() and not word.startswith("-")]
        line = typed(*path, *meant) if meant else everything
        filler = next(word for word in words if word in BESIDE_MARKETS)
        raise UsageError(f"no market is called {filler!r}", hint=f"did you mean `{line}`?")
    return each(words)


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
