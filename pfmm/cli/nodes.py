"""Commands and their options as they are looked at, and what is wrong with a command line. Values only. Layer: cli."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple


class Option(NamedTuple):
    """One option of a command as its help shows it; `valued` is True where the next word is its value, of which
    `metavar` says what it is and `choices` which words there are."""

    names: tuple[str, ...]
    help: str
    hidden: bool
    valued: bool
    metavar: str = ""
    choices: tuple[str, ...] = ()


class Node(NamedTuple):
    """One command: its path ("grid start"), its help whole and in a line, subcommands by name with their line, and what
    its arguments are called ("[MARKET]...")."""

    path: str
    help: str
    line: str
    children: Mapping[str, str]
    options: tuple[Option, ...]
    arguments: tuple[str, ...] = ()


class UsageProblem(NamedTuple):
    """What Typer found wrong with a command line: its complaint, the path of the command that was being read, what kind
    of mistake it is, and the words that it is about (an option's name, the words that are too many)."""

    message: str
    exit_code: int | None
    path: str
    kind: Literal["command", "option", "missing", "extra", "no value", "needless value", "value", "which"]
    about: tuple[str, ...] = ()
