"""What changes the embedded exchange as a whole: switching its market, and starting afresh.

A journal belongs to the epoch of the exchange that it recorded: whoever forgets the accounts moves their journals
aside, or the next run would believe in orders and positions that no longer exist. Layer: app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm.app.embedded import feed_of, open_exchange, refuse_wrong_clock
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import AlreadyRunning, ConfigError, DataFileError, UsageError, VenueRefused

if TYPE_CHECKING:
    from pfmm.paper.exchange import Exchange

VENUE = "paper"
JOURNAL_PATIENCE_S = 10.0
_SIDE_FILES = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a reset did: the accounts that it dropped, the journals that it moved (old and new place), the accounts
    that a HALT still binds, and whether the exchange's file was damaged and had to be set aside."""

    accounts: tuple[str, ...]
    journals: tuple[tuple[Path, Path], ...]
    halted: tuple[str, ...]
    damaged: bool


@contextmanager
def refusals() -> Iterator[None]:
    """Raise the refusals of the exchange as errors of pfmm: a bad amount is a usage error, all else exit 6."""
    from pfmm.paper.messages import ExchangeError

    try:
        yield
    except ExchangeError as refusal:
        if refusal.code == "invalid_amount":
            raise UsageError(refusal.message) from refusal
        hint = "close them first, or add --reset to drop every paper account" if refusal.code == "feed_in_use" else None
        raise VenueRefused(
            f"the paper exchange refused: {refusal.message}", hint=hint, venue_code=refusal.code, status=refusal.status
        ) from refusal


def refuse_while_running(state_dir: Path) -> None:
    """Raise AlreadyRunning while any runner works on any paper account: the market must not change under it."""
    from pfmm.runner.dead_man import LOCK_STRATEGY
    from pfmm.runner.locks import AccountLocks

    for account in _accounts_with_locks(state_dir):
        for holder in AccountLocks(state_dir, VENUE, account).holders():
            if holder.strategy == LOCK_STRATEGY:
                continue  # its runner holds a lock of its own
            raise AlreadyRunning(
                f"a {holder.strategy} runs on {holder.market} of paper account {account} (pid {holder.pid})",
                hint=f"`pfmm {holder.strategy} stop {holder.market}` first",
            )


def reset(state_dir: Path) -> Fresh:
    """Drop every paper account and start the market's clock anew; their journals go to journals/archive.

    Order ids and cursors go on above the old ones. A file that cannot be used is set aside for a new exchange with the
    default market. Raises AlreadyRunning while a runner works, ConfigError for a folder that cannot be written.
    """
    return _afresh(state_dir, lambda exchange: exchange.reset())


def switch_feed(state_dir: Path, config: Mapping[str, Any], *, afresh: bool) -> Fresh | None:
    """Change the market of the exchange; with `afresh` every account is dropped as `reset` does.

    Raises VenueRefused while an account has orders or a position, unless `afresh`; AlreadyRunning while a runner works.
    """
    if afresh:
        return _afresh(state_dir, lambda exchange: exchange.set_feed(config, reset=True))
    with _alone(state_dir):
        exchange = open_exchange(state_dir)
        try:
            with refusals():
                exchange.set_feed(config)
        finally:
            exchange.close()
    return None


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """See to it that nobody runs, and nobody opens a journal, meanwhile: a run that began now would write to a journal
    that is moved away, and its orders would be known to none."""
    from pfmm.journal.sharing import journals_in_use

    refuse_wrong_clock()
    refuse_while_running(state_dir)
    use = journals_in_use(state_dir)
    try:
        if not use.take(JOURNAL_PATIENCE_S):
            refuse_while_running(state_dir)
            raise AlreadyRunning("another command works on a paper account", hint="try again when it has ended")
        yield
    finally:
        use.release()


def _afresh(state_dir: Path, change: Callable[[Exchange], None]) -> Fresh:
    with _alone(state_dir):
        return _changed(state_dir, change)


def _changed(state_dir: Path, change: Callable[[Exchange], None]) -> Fresh:
    damaged = False
    try:
        exchange = open_exchange(state_dir)
    except (ConfigError, DataFileError):
        exchange = _recreated(state_dir)
        damaged = True
    try:
        with refusals():
            accounts = exchange.accounts()
            change(exchange)
    finally:
        exchange.close()
    return Fresh(accounts, move_journals(state_dir, wall_ms()), _halted(state_dir), damaged)


def _recreated(state_dir: Path) -> Exchange:
    from pfmm.paper.exchange import Exchange
    from pfmm.store.uptime import uptime_clock

    path = state_dir / "paper" / "exchange.sqlite3"
    try:
        return Exchange.recreate(path, feed_of, wall_ms, uptime_clock())
    except OSError as error:
        raise ConfigError(f"cannot set {path} aside: {error.strerror}") from error


def move_journals(state_dir: Path, now_ms: int) -> tuple[tuple[Path, Path], ...]:
    """Move the journals of all paper accounts to journals/archive, under names with the time; return each (old, new).

    The write-ahead log goes first: left behind, it would be merged into the account's next journal.
    """
    folder = state_dir / "journals"
    moved = []
    for path in sorted(folder.glob(f"{VENUE}-*.sqlite3")):
        target = folder / "archive" / f"{path.stem}-{now_ms}.sqlite3"
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            for suffix in (*_SIDE_FILES, ""):
                part = path.with_name(path.name + suffix)
                if part.exists():
                    part.rename(target.with_name(target.name + suffix))
        except OSError as error:
            raise ConfigError(
                f"the paper exchange was reset, but the journal {path} could not be moved aside: {error.strerror}",
                hint=f"make {folder} writable and reset again",
            ) from error
        moved.append((path, target))
    return tuple(moved)


def _accounts_with_locks(state_dir: Path) -> Iterator[str]:
    for folder in sorted((state_dir / "locks").glob(f"{VENUE}-*")):
        yield folder.name.removeprefix(f"{VENUE}-")


def _halted(state_dir: Path) -> tuple[str, ...]:
    from pfmm.runner.locks import AccountLocks

    names = _accounts_with_locks(state_dir)
    return tuple(name for name in names if AccountLocks(state_dir, VENUE, name).halted() is not None)
