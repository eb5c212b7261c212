"""The command `start` of a strategy, and the four ways to start: loop, one cycle, background, dry run. Layer: cli."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pfmm.cli import start_options as option
from pfmm.cli.opening import session as opened_session
from pfmm.cli.options import several_markets, takes_settings
from pfmm.cli.output import Globals, answer, say
from pfmm.cli.prompt import DECLINED, agreed, ask, refuse_unasked
from pfmm.cli.typer_seam import globals_of
from pfmm.errors import UsageError

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.app.starting import StartRequest
    from pfmm.app.strategies import Kind
    from pfmm.model.setting import Setting

Markets = Annotated[
    list[str],
    typer.Argument(metavar="MARKET...", help="Markets: BTC-PERP, btc-perp, BTC or btc.", show_default=False),
]


class Way(NamedTuple):
    """Which of the four ways to start is asked for: a dry run, one cycle, the background, or else the loop."""

    cycles: int | None
    once: bool
    detach: bool
    dry_run: bool
    exit_code: bool
    yes: bool
    yes_unprotected: bool

    def refuse_contradictions(self) -> None:
        """Raise UsageError for flags of which one would be passed over in silence."""
        short = "--dry-run" if self.dry_run else "--once" if self.once else None
        long = "--cycles" if self.cycles is not None else "--detach" if self.detach else None
        if short is not None and long is not None:
            raise UsageError(f"{short} and {long} exclude each other", hint=f"leave one of {short} and {long} out")
        if self.exit_code and not self.dry_run:
            raise UsageError("--exit-code needs --dry-run", hint="add --dry-run, or leave --exit-code out")


def add_start(app: typer.Typer, kind: Kind, flags: Sequence[Setting]) -> None:
    """Give a strategy's app the command `start`, with the flags of its settings."""

    def start_one(
        context: typer.Context,
        market: option.Market,
        cycles: option.Cycles = None,
        once: option.Once = False,
        detach: option.Detach = False,
        dry_run: option.DryRun = False,
        exit_code: option.ExitCode = False,
        yes: option.Yes = False,
        yes_unprotected: option.YesUnprotected = False,
    ) -> None:
        _start(context, kind.name, (market,), Way(cycles, once, detach, dry_run, exit_code, yes, yes_unprotected))

    def start_many(
        context: typer.Context,
        markets: Markets,
        cycles: option.Cycles = None,
        once: option.Once = False,
        detach: option.Detach = False,
        dry_run: option.DryRun = False,
        exit_code: option.ExitCode = False,
        yes: option.Yes = False,
        yes_unprotected: option.YesUnprotected = False,
    ) -> None:
        several = several_markets(markets, f"pfmm {kind.name} start BTC ETH")
        _start(context, kind.name, several, Way(cycles, once, detach, dry_run, exit_code, yes, yes_unprotected))

    start = takes_settings(*option.RUN, tables=flags)(start_many if kind.many_markets else start_one)
    app.command("start", help=kind.start_help)(start)


def _start(context: typer.Context, name: str, markets: tuple[str, ...], way: Way) -> None:
    """Read what is asked for and hand it to one of the four ways to start."""
    from pfmm.app.starting import StartRequest

    way.refuse_contradictions()
    options = globals_of(context)
    given = options.flags
    cycles = 1 if way.once else way.cycles
    on_exit, on_restart = given.get("run.on_exit"), given.get("run.on_restart")
    request = StartRequest(name, markets, on_exit, on_restart, cycles, way.yes_unprotected)
    with opened_session(options) as session:
        if way.dry_run:
            _dry_run(options, request, session, pending_fails=way.exit_code)
            return
        if session.live:
            refuse_unasked(yes=way.yes)
        start = _once if way.once else _detach if way.detach else _loop
        start(options, request, session, partial(ask, yes=way.yes))


def _dry_run(options: Globals, request: StartRequest, session: Session, *, pending_fails: bool) -> None:
    """Print what a start would change."""
    from pfmm.app.dry_run import dry_run
    from pfmm.cli.render.start import render_dry_run

    tell = partial(_note, options)
    answer(options, lambda: dry_run(request, session=session, tell=tell, pending_fails=pending_fails), render_dry_run)


def _once(options: Globals, request: StartRequest, session: Session, confirm: Confirm) -> None:
    """Run one cycle and print what it did."""
    from pfmm.app.once import once
    from pfmm.cli.render.start import render_once

    tell = partial(_note, options)
    answer(options, lambda: agreed(once(request, session=session, confirm=confirm, tell=tell)), render_once)


def _detach(options: Globals, request: StartRequest, session: Session, confirm: Confirm) -> None:
    """Start in the background and print where."""
    from pfmm.app.detaching import detach
    from pfmm.cli.render.start import render_detached

    command = [sys.executable, "-m", "pfmm", *child_arguments(sys.argv[1:])]
    tell = partial(_note, options)
    answer(
        options, lambda: agreed(detach(request, command, session=session, confirm=confirm, tell=tell)), render_detached
    )


def _loop(options: Globals, request: StartRequest, session: Session, confirm: Confirm) -> None:
    """Run the loop, shown by a screen on a terminal and as NDJSON anywhere else; ends the process."""
    from pfmm.app.loop import start
    from pfmm.app.money import money_text
    from pfmm.cli.live.running import TerminalDisplay

    display = TerminalDisplay(options, partial(money_text, session))
    start(request, session=session, confirm=confirm, tell=partial(_note, options), display=display)
    raise typer.Abort(DECLINED)


def _note(options: Globals, note: str) -> None:
    say(options, f"note: {note}")


def child_arguments(given: Sequence[str]) -> list[str]:
    """Make the child's command line of the parent's: without --detach, with --yes, both before a `--`."""
    end = list(given).index("--") if "--" in given else len(given)
    options = [argument for argument in given[:end] if argument not in ("--detach", "--yes")]
    return [*options, "--yes", *given[end:]]
