"""Asks before something irreversible. Talks on stderr and never waits where nobody can answer."""

from __future__ import annotations

import sys

import typer

from pfmm.errors import UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Returns when the answer is yes. Raises UsageError at once off a terminal, Abort (exit 130) when declined."""
    refuse_unasked(yes=yes)
    if not yes:
        typer.confirm(question, abort=True, err=True)


def refuse_unasked(*, yes: bool) -> None:
    """Raises UsageError where `confirm` could not ask: for a command that has work to do before its question."""
    if not yes and not on_terminal():
        raise UsageError("this needs a confirmation, and there is no terminal to ask on", hint="add --yes")


def on_terminal() -> bool:
    """True where somebody can answer."""
    return sys.stdin is not None and sys.stdin.isatty()
