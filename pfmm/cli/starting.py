"""The four ways to start, from a request to what is printed: dry run, one cycle, loop, background. Layer: cli."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import typer

from pfmm.cli.output import Globals, answer, say
from pfmm.cli.prompt import agreed
from pfmm.errors import UsageError

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.app.starting import StartRequest


def refuse_contradictions(*, cycles: int | None, once: bool, detach: bool, dry_run: bool, exit_code: bool) -> None:
    """A flag that would be passed over in silence is a mistake of whoever gave it: raise UsageError."""
    short = "--dry-run" if dry_run else "--once" if once else None
    long = "--cycles" if cycles is not None else "--detach" if detach else None
    if short is not None and long is not None:
        raise UsageError(f"{short} and {long} exclude each other", hint=f"leave one of {short} and {long} out")
    if exit_code and not dry_run:
        raise UsageError("--exit-code needs --dry-run", hint="add --dry-run, or leave --exit-code out")


def dry_run(options: Globals, request: StartRequest, session: Session, *, pending_fails: bool) -> None:
    """Print what a start would change."""
    from pfmm.app.dry_run import dry_run as look
    from pfmm.cli.render.start import render_dry_run

    tell = partial(_note, options)
    answer(options, lambda: look(request, session=session, tell=tell, pending_fails=pending_fails), render_dry_run)


def once(options: Globals, request: StartRequest, session: Session, confirm: Confirm) -> None:
    """Run one cycle and print what it did."""
    from pfmm.app.once import once as run
    from pfmm.cli.render.start import render_once

    tell = partial(_note, options)
    answer(options, lambda: agreed(run(request, session=session, confirm=confirm, tell=tell)), render_once)


def detach(options: Globals, request: StartRequest, session: Session, confirm: Confirm) -> None:
    """Start in the background and print where."""
    from pfmm.app.detaching import detach as begin
    from pfmm.cli.render.start import render_detached

    command = [sys.executable, "-m", "pfmm", *child_arguments(sys.argv[1:])]
    tell = partial(_note, options)
    answer(
        options, lambda: agreed(begin(request, command, session=session, confirm=confirm, tell=tell)), render_detached
    )


def loop(options: Globals, request: StartRequest, session: Session, confirm: Confirm) -> None:
    """Run the loop, shown by a screen on a terminal and as NDJSON anywhere else; ends the process."""
    from pfmm.app.loop import start
    from pfmm.cli.live.running import TerminalDisplay

    start(request, session=session, confirm=confirm, tell=partial(_note, options), display=TerminalDisplay(options))
    raise typer.Abort  # declined


def _note(options: Globals, note: str) -> None:
    say(options, f"note: {note}")


def child_arguments(given: Sequence[str]) -> list[str]:
    """Make the child's command line of the parent's: without --detach, with --yes, both before a `--`."""
    end = list(given).index("--") if "--" in given else len(given)
    options = [argument for argument in given[:end] if argument not in ("--detach", "--yes")]
    return [*options, "--yes", *given[end:]]
