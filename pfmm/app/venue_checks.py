"""The checks of `pfmm doctor` on one venue: the key, the way there, the clock, the request budget, the paper exchange.

They send reads only. What a check cannot find out because an earlier one failed is a warning that says so. Layer: app.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pfmm.app.local_checks import FAIL, OK, WARN, Check, failure
from pfmm.app.session import Session
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import ConfigError, PfmmError, SecretError, VenueRefused, VenueUnreachable
from pfmm.model.expiry import CLOCK_SKEW_MS
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.config.values import Settings
    from pfmm.model.account import VenueTime
    from pfmm.paper.messages import ClockState

SKEW_FAIL_MS = 60_000


def key(settings: Settings) -> Check:
    """Check whether a key is to be had, and a key file is private. Opens what a command would open, and shows
    nothing."""
    if settings.venue == "paper":
        return Check("key", OK, "paper accounts need none")
    from pfmm.config.secrets import key_path, require_secret

    try:
        if settings.secret.file is not None:
            _private(key_path(settings.secret.file))
        require_secret(settings.secret, settings.venue, os.environ)
    except PfmmError as error:
        return failure("key", error)
    return Check("key", OK, f"there is one for {settings.venue}")


def _private(path: Path) -> None:
    """Raise SecretError for a key file that others may read, also when the environment's key goes before it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return  # reading it says more
    if mode & 0o077:
        raise SecretError(f"the key file {path} is open to others (mode {mode:04o})", hint=f"chmod 600 {path}")


def paper_exchange(state_dir: Path) -> Check:
    """Check the embedded exchange's file and market, without making either."""
    from pfmm.app.clock_steps import words_of
    from pfmm.app.embedded import open_exchange
    from pfmm.paper.messages import ExchangeError

    name = "paper exchange"
    if not (state_dir / "paper" / "exchange.sqlite3").exists():
        return Check(name, OK, "none yet: the first use makes it")
    try:
        exchange = open_exchange(state_dir)
        try:
            damage = exchange.damage()
            clock, kind = exchange.time(), exchange.feed_config()["kind"]
            stepped = words_of(exchange)
        finally:
            exchange.close()
    except PfmmError as error:
        hint = error.hint or "`pfmm paper reset` starts afresh"
        return Check(name, FAIL, error.message, hint, error)
    except ExchangeError as busy:
        return Check(name, WARN, busy.message, "another process holds it: wait, or find that process")
    if damage:
        hint = "`pfmm paper reset` sets it aside and starts afresh"
        return failure(name, ConfigError(f"its file is damaged: {damage[0]}", hint=hint))
    return _paper_market(kind, clock, stepped)


def _paper_market(kind: str, clock: ClockState, stepped: Sequence[str]) -> Check:
    name = "paper exchange"
    if clock.state == "ended":
        fix = "`pfmm paper feed` switches the market, or plays the recording again"
        return Check(name, WARN, f"the {kind} market ended at {iso(clock.time_ms)}: nothing fills any more", fix)
    if stepped:
        text, _, fix = stepped[0].partition(": ")
        return Check(name, WARN, f"{kind} market at {iso(clock.time_ms)}: {text}", fix)
    return Check(name, OK, f"whole, {kind} market at {iso(clock.time_ms)}, {clock.state}")


def venue(session: Session) -> Iterator[Check]:
    """Check reach, clock, account and request budget of the session's venue."""
    if session.in_process and not (session.state_dir / "paper" / "exchange.sqlite3").exists():
        yield Check("venue", OK, "the embedded paper exchange, not made yet")
        return
    try:
        before_ms = wall_ms()
        time = session.venue.time()
        after_ms = wall_ms()
    except PfmmError as first:
        error = session.whole_refusal(first) if isinstance(first, VenueRefused) else first
        where = "" if session.in_process else f" (base_url {session.settings.base_url})"
        lost = isinstance(error, VenueUnreachable)
        hint = f"check the network and the profile's venue{where}" if lost or not error.hint else error.hint
        yield Check("venue", FAIL, error.message, hint, error)
        yield Check("clock", WARN, "not checked: the venue did not answer", "mend the venue first")
        return
    yield Check("venue", OK, f"{session.venue_name} answers in {after_ms - before_ms} ms")
    yield _clock(session, time, before_ms, after_ms)
    yield _account(session)
    yield from _orders(session)
    if not session.live and session.has_journal:
        yield from _other_exchange(session)
    yield _budget(session)
    if session.live:
        yield _protection(session)


def _protection(session: Session) -> Check:
    """Check what would protect a run if this machine were gone; whether the switch is granted to the account, only
    arming it tells."""
    venue, run = session.venue.capabilities, session.settings.general.run
    stop = "a stop where a run has max_loss" if venue.trigger_orders else ""
    if venue.dead_man and run.dead_man_s:
        return Check("protection", OK, "dead-man switch" + (f", where it is not granted {stop}" if stop else ""))
    if stop and run.max_loss_usd is not None:
        return Check("protection", OK, "stop: one waits at the venue where the loss reaches run.max_loss_usd")
    fix = "set run.max_loss_usd" if stop else "stay near: nothing cancels for you if this machine is gone"
    return Check("protection", WARN, "unprotected: no dead-man switch, and no stop", fix)


def _clock(session: Session, time: VenueTime, before_ms: int, after_ms: int) -> Check:
    """Check how far this machine's clock is from the venue's, which was read between two times of ours: what a slow
    answer may account for is no skew. Read between 0 and 6 s, the venue's 0 s may be 3 s behind ours, or right."""
    if not session.live:
        return Check(
            "clock",
            OK,
            f"paper time {iso(time.time_ms)} at speed {time.speed:g}: it need not agree with ours",
        )
    skew_ms = (before_ms + after_ms) // 2 - time.time_ms
    certain_ms = abs(skew_ms) - (after_ms - before_ms) // 2
    detail = f"this machine is {abs(skew_ms)} ms {'ahead of' if skew_ms > 0 else 'behind'} the venue"
    fix = "synchronise this machine's clock (chrony, systemd-timesyncd)"
    if certain_ms >= SKEW_FAIL_MS:
        return failure("clock", ConfigError(detail, hint=fix))
    return Check("clock", WARN, detail, fix) if certain_ms >= CLOCK_SKEW_MS else Check("clock", OK, detail)


def _account(session: Session) -> Check:
    try:
        account = session.venue.account_state()
    except PfmmError as error:
        return failure("account", error)
    return Check("account", OK, f"{session.account}: equity {account.equity:.2f} USD, free {account.free_margin:.2f}")


def _orders(session: Session) -> Iterator[Check]:
    """Check for orders with pfmm's ids that the account's journal does not know. What cannot be read is another's
    finding."""
    from pfmm.app.unknown_orders import words_of
    from pfmm.engine.unknown_orders import unknown_orders
    from pfmm.journal.journal import Journal

    try:
        resting = session.venue.open_orders()
        if session.has_journal:
            with Journal.open_readonly(session.journal_path) as journal:
                found = unknown_orders(resting, journal)
        else:
            found = unknown_orders(resting, None)
    except PfmmError:
        return
    if found:
        text, _, fix = words_of(found, "grid").partition("; ")
        yield Check("orders", WARN, text, fix)
    else:
        yield Check("orders", OK, f"{len(resting)} rest at the venue; this journal knows those with pfmm's ids")


def _other_exchange(session: Session) -> Iterator[Check]:
    """Yield a failure where the account's journal is about another paper exchange than the one that answers. What
    cannot be read is another check's finding."""
    from pfmm.errors import OtherExchange
    from pfmm.journal.journal import Journal

    try:
        answering = session.venue.state(()).exchange_id
        with Journal.open_readonly(session.journal_path) as journal:
            if answering is not None:
                journal.refuse_other(answering)
    except OtherExchange as error:
        yield failure("exchange", error)
    except PfmmError:
        return


def _budget(session: Session) -> Check:
    detail = session.venue.budget_text()
    if session.venue.budget_low():
        return Check("rate budget", WARN, detail, "run fewer loops, or a longer --interval")
    return Check("rate budget", OK, detail)
