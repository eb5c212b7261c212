"""Asks before something irreversible. Talks on stderr and never waits where nobody can answer."""

from __future__ import annotations

import sys

import typer

from pfmm.errors import UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Returns when the answer is yes. Raises UsageError at once off a terminal, Abort (exit 130) when declined."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("this needs a confirmation, and there is no terminal to ask on", hint="add --yes")
    typer.confirm(question, abort=True, err=True)
