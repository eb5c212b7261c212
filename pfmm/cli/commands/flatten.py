"""`pfmm flatten`: the emergency. Halts the account, cancels, closes, and proves it from the venue.

The order matters: the latch first (no cron start gets in), then every runner is signalled, and while they die the
cancelling has begun already. The journal is only asked, and written, where it answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pfmm.cli.options import flags_of, globals_of, takes_settings
from pfmm.cli.output import Failed, Result, emit, iso, plain, warn
from pfmm.model.encoding import jsonable

if TYPE_CHECKING:
    from pfmm.app.halting import StoppingRunners
    from pfmm.app.session import Session
    from pfmm.errors import PfmmError
    from pfmm.flatten.contract import FlattenResult
    from pfmm.model.account import Position
    from pfmm.model.deadline import Deadline
    from pfmm.runner.signals import Signals

app = typer.Typer(help="Emergency: cancel orders and close positions, and prove it.")

RETRY_S = 0.2
BOOKKEEPING_ATTEMPTS = 2
LOG = "flatten.log"

Markets = Annotated[
    list[str] | None, typer.Argument(metavar="[MARKET]...", help="Markets: BTC-PERP, btc-perp, BTC or btc.")
]
Everything = Annotated[bool, typer.Option("--all", help="The whole account: every market, every order.")]
Half = Annotated[bool, typer.Option("--half", help="Close half of each position.")]
CancelOnly = Annotated[bool, typer.Option("--cancel-only", help="Cancel orders; leave positions as they are.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be cancelled and closed; send nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before flattening a live account.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for; no markets means the whole account."""

    spellings: tuple[str, ...]
    half: bool
    cancel_only: bool

    @property
    def words(self) -> str:
        """For the latch and for the question."""
        where = ", ".join(self.spellings) if self.spellings else "the whole account"
        how = "cancel the orders of " if self.cancel_only else "halve " if self.half else "flatten "
        return how + where


@app.command()
@takes_settings("flatten.max_slippage_bps", "flatten.timeout_s")
def flatten(
    context: typer.Context,
    markets: Markets = None,
    everything: Everything = False,
    half: Half = False,
    cancel_only: CancelOnly = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Halt the account's runners, cancel all orders, close the positions with reduce-only orders, and prove it.

    Stops every runner of the account, also those on other markets, and leaves a HALT that only `pfmm resume` lifts.
    Orders that pfmm did not place are cancelled too.
    """
    from pfmm.cli.flattening import flattening
    from pfmm.cli.opening import emergency_session
    from pfmm.errors import OutputLost, UsageError
    from pfmm.runner.signals import Signals, ignore_hangup

    ignore_hangup()  # a connection that breaks must not end an emergency half-way
    if bool(markets) == everything:
        both = "both markets and --all" if everything else "no market"
        raise UsageError(f"flatten was given {both}", hint="name the markets, or say --all for the whole account")
    if half and cancel_only:
        raise UsageError("--half and --cancel-only exclude each other")
    options = globals_of(context)
    asked = Asked(tuple(dict.fromkeys(markets or ())), half, cancel_only)
    with emergency_session(options, flags_of(context)) as opened:
        if dry_run:
            with flattening(opened):
                emit(options, _preview(opened, asked))
            return
        if opened.live:
            _confirm(opened, asked, yes=yes)
        with Signals(one_shot=True) as signals, flattening(opened) as deadline:
            answer, failure = _carry_out(opened, asked, deadline, signals)
        _keep(opened, answer, failure)
        if failure is not None:
            raise Failed(failure, answer)
        try:
            emit(options, answer)
        except OutputLost as error:  # the verdict stands, and is in the log
            warn(error.message)


def _confirm(session: Session, asked: Asked, *, yes: bool) -> None:
    from pfmm.cli.prompt import confirm, on_terminal
    from pfmm.errors import PfmmError

    shown = ""
    if not yes and on_terminal():
        try:
            shown = _preview(session, asked).render() + "\n"
        except PfmmError as error:
            shown = f"its state cannot be read now: {error.message}\n"
    confirm(
        f"{shown}{asked.words.capitalize()} with REAL money at {session.venue_name} account {session.account}?",
        yes=yes,
    )


def _preview(session: Session, asked: Asked) -> Result:
    """What would be cancelled and closed now. Sends nothing, stops nobody and sets no latch."""
    markets = tuple(dict.fromkeys(session.known_market(name) for name in asked.spellings))
    snapshot = session.venue.state(markets)
    orders = [order for order in snapshot.orders if not markets or order.market in markets]
    positions = [p for p in snapshot.positions if p.size and (not markets or p.market in markets)]
    data: dict[str, Any] = {
        "venue": session.venue_name,
        "account": session.account,
        "time": iso(snapshot.time.time_ms),
        "state": "planned",
        "would_cancel": len(orders),
        "markets": [
            {"market": p.market, "before": p.size, "would_close": _would_close(session, asked, p)} for p in positions
        ],
        "runners": [{"market": h.market, "strategy": h.strategy, "pid": h.pid} for h in session.locks.holders()],
    }
    return Result(data, lambda: _preview_text(data))


def _would_close(session: Session, asked: Asked, position: Position) -> Decimal:
    """Of one position, in base units: half of it in whole lots, which of a single lot is nothing."""
    if asked.cancel_only:
        return Decimal(0)
    if not asked.half:
        return abs(position.size)
    from pfmm.strategy.ticks import snap_size

    instrument = session.instruments.get(position.market)
    return Decimal(0) if instrument is None else snap_size(abs(position.size) / 2, instrument.size_step)


def _preview_text(data: dict[str, Any]) -> str:
    lines = [f"{data['venue']} account {data['account']} at {data['time']}, nothing sent:"]
    lines += [f"would stop the {r['strategy']} on {r['market']} (pid {r['pid']})" for r in data["runners"]]
    lines.append(f"would cancel {data['would_cancel']} orders")
    lines += [f"would close {plain(m['would_close'])} of {m['market']} {plain(m['before'])}" for m in data["markets"]]
    return "\n".join(lines)


def _carry_out(session: Session, asked: Asked, deadline: Deadline, signals: Signals) -> tuple[Result, PfmmError | None]:
    """The emergency itself: the whole answer, and the failure where the end could not be proven by the deadline.

    The first SIGINT or SIGTERM lets no further order leave: what rests is cancelled, looked at once, and told.
    """
    from pfmm.app.halting import StoppingRunners, strange_exchange
    from pfmm.cli.flattening import failure_of, result_data
    from pfmm.errors import AuthenticationError
    from pfmm.flatten.contract import FlatState, FlattenResult

    started_s = time.monotonic()
    try:
        first_try = _markets(session, asked)
    except AuthenticationError:  # it will be said when it comes again, after the runners have been told to stop
        first_try = None
    warnings = _halt(session, asked)
    runners = StoppingRunners(session, monotonic_s=time.monotonic)
    refused: AuthenticationError | None = None
    try:
        result = _flatten(
            session, asked, first_try, runners, proofs=2 if warnings else 1, deadline=deadline, signals=signals
        )
    except AuthenticationError as error:
        refused, result = error, FlattenResult(FlatState.UNKNOWN, None, 0, None, (), error.message)
    if not warnings:  # whoever resumed meanwhile did so before the end that this HALT guards
        warnings = _halt(session, asked)
    strange = strange_exchange(session, result.exchange_id)
    if strange is not None:  # whose snapshots prove nothing about the orders of the journal's runs
        warnings.append(strange)
    elif result.state.done:
        warnings += _end_runs(session, deadline)
    data = result_data(session, result)
    data["runners_stopped"] = [
        {"market": r.market, "strategy": r.strategy, "pid": r.pid, "how": r.how} for r in runners.stopped
    ]
    data["halted"] = session.locks.halted() is not None
    data["duration_ms"] = round((time.monotonic() - started_s) * 1000)
    failure = refused or failure_of(session, result.state, result.reason, half=asked.half)
    return Result(data, lambda: _text(data), tuple(warnings)), failure


def _keep(session: Session, answer: Result, failure: PfmmError | None) -> None:
    """Adds the verdict to the log of the emergencies, one JSON object a line: stdout may be a terminal that is gone."""
    import json
    import os

    line = {"exit_code": 0 if failure is None else failure.exit_code, **jsonable(answer.data)}
    folder = session.settings.paths.log_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, (json.dumps(line) + "\n").encode())
        finally:
            os.close(fd)
    except OSError as error:
        warn(f"the verdict could not be added to {folder / LOG}: {error.strerror}")


def _markets(session: Session, asked: Asked) -> tuple[str, ...] | None:
    """The venue's names of the markets; None when it does not answer now. Raises UnknownMarket and
    AuthenticationError, before anything."""
    from pfmm.errors import UnknownMarket, VenueRefused, VenueUnreachable

    try:
        return tuple(dict.fromkeys(session.known_market(name) for name in asked.spellings))
    except UnknownMarket:
        raise
    except (VenueUnreachable, VenueRefused):
        return None


def _halt(session: Session, asked: Asked) -> list[str]:
    """Sets the latch; where it cannot be written the warning says what that means."""
    from pfmm.app.session import wall_ms
    from pfmm.errors import ConfigError
    from pfmm.runner.locks import FLATTEN

    try:
        session.locks.halt(halted_by=FLATTEN, reason=asked.words, since=iso(wall_ms()))
    except ConfigError as error:
        return [f"no HALT could be set, so a scheduled start may trade again: {error.message}"]
    return []


def _flatten(
    session: Session,
    asked: Asked,
    markets: tuple[str, ...] | None,
    runners: StoppingRunners,
    *,
    proofs: int,
    deadline: Deadline,
    signals: Signals,
) -> FlattenResult:
    """Flattens, after the markets' names are known: a venue that was silent is asked on, while the runners stop."""
    from pfmm.cli.flattening import new_tools, order_of
    from pfmm.flatten.contract import FlatState, FlattenResult
    from pfmm.flatten.emergency import flatten as flatten_account

    runners.press()
    while markets is None and not deadline.passed and not signals.stopping():
        signals.wait_on_s(RETRY_S)
        runners.press()
        markets = _markets(session, asked)
    if markets is None:
        reason = f"{session.venue_name} did not answer " + ("before the interrupt" if signals.stopping() else "in time")
        return FlattenResult(FlatState.UNKNOWN, None, 0, None, (), reason)
    order = order_of(
        session,
        markets or None,
        half=asked.half,
        cancel_only=asked.cancel_only,
        proofs=proofs,
        timeout_s=deadline.left_s(),
    )
    return flatten_account(session.venue, order, new_tools(signals), runners)


def _end_runs(session: Session, deadline: Deadline) -> list[str]:
    """After the fact, and only if that works soon: flatness does not hang on the journal, nor the answer on this."""
    from pfmm.app.halting import end_halted_runs
    from pfmm.errors import PfmmError

    try:
        end_halted_runs(session, attempts=BOOKKEEPING_ATTEMPTS, deadline=deadline)
    except PfmmError as error:
        return [f"the stopped runs could not be ended, `pfmm resume` will try again: {error.message}"]
    return []


def _text(data: dict[str, Any]) -> str:
    from pfmm.cli.flattening import result_text

    lines = [result_text(data)]
    lines += [f"{r['strategy']} on {r['market']} (pid {r['pid']}) was {r['how']}" for r in data["runners_stopped"]]
    if data["halted"]:
        lines.append("The account is halted: every start is refused until `pfmm resume`.")
    return "\n".join(lines)
