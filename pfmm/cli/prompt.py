"""Asks before something irreversible. Talks on stderr and never waits where nobody can answer. Layer: cli."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer

from pfmm.app.contract import Question
from pfmm.cli.output import as_written, columns, fitted
from pfmm.errors import UsageError

Found = TypeVar("Found")
DECLINED = "declined: nothing was sent or changed"


def refuse_unasked(*, yes: bool) -> None:
    """Raise UsageError where `confirm` could not ask: for a command that has work to do before its question."""
    if not yes and not on_terminal():
        raise UsageError("this needs a confirmation, and there is no terminal to ask on", hint="add --yes")


def on_terminal() -> bool:
    """Tell whether somebody can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: Question, *, yes: bool) -> bool:
    """Ask as the `confirm` of a use case: --yes answers for it; off a terminal a question is a usage error (exit 2)."""
    refuse_unasked(yes=yes)
    if yes:
        return True
    # one column is left for what is typed
    text = fitted(as_written(f"{question_text(question)} [y/N]:", sys.stderr), columns() - 1, 0)
    with own_line():
        return typer.confirm(text, show_default=False, prompt_suffix=" ", err=True)


@contextmanager
def own_line() -> Iterator[None]:
    """Let what is said after a Ctrl-C begin a line: it leaves the cursor behind the question."""
    try:
        yield
    except (typer.Abort, KeyboardInterrupt):
        typer.echo(err=True)
        raise


def asked(text: str, default: str | None = None) -> str:
    """Read what somebody types, or the default for an empty line. Raises Abort (exit 130) at the end of the input."""
    with own_line():
        answer: str = typer.prompt(text, default=default, err=True)
        return answer


def asked_secret(text: str) -> str:
    """Read what somebody types without showing it; empty for an empty line. Raises Abort (exit 130) at the end of the
    input.

    The terminal stops to show what is typed before the question is asked: a key pasted at once is not seen either.
    """
    import getpass

    with own_line():
        try:
            return getpass.getpass(f"{text}: ")
        except EOFError:
            raise typer.Abort from None


def agreed(found: Found | None) -> Found:
    """Return the result of a use case that asks first, before it sends anything. Raises Abort (exit 130) for None: it
    was declined."""
    if found is None:
        raise typer.Abort(DECLINED)
    return found


def question_text(question: Question) -> str:
    """Word a question for people: what would be done, and with which money where."""
    money = "REAL" if question.real_money else "play" if question.play_money else None
    where = "" if money is None else f" with {money} money at {question.venue} account {question.account}?"
    return "\n".join([*question.amounts(), f"{question.action}{where}"])
