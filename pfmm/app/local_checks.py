"""The checks of `pfmm doctor` that need no venue: what lies in the state folder, on the disk and in this Python.

Each answers Checks and raises nothing for what it looks for; it changes nothing either. Layer: app.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pfmm.errors import ConfigError, NoJournal, PfmmError

if TYPE_CHECKING:
    from pfmm.journal.journal import Journal
    from pfmm.runner.locks import AccountLocks, Holder

OK: Literal["ok"] = "ok"
WARN: Literal["warn"] = "warn"
FAIL: Literal["fail"] = "fail"

LITTLE_DISK = 1 << 30
NO_DISK = 50 << 20
EXTRAS = {  # the modules of each extra
    "backtest": ("numpy", "pyarrow", "orjson"),
    "parquet": ("pyarrow",),
    "hyperliquid": ("coincurve", "msgpack", "sha3"),
    "ws": ("wsproto",),
    "keyring": ("keyring",),
    "cluster": ("dask", "distributed", "numpy"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `fix` says what to do about a warning or a failure; `error` is what a failure exits with."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    detail: str
    fix: str | None = None
    error: PfmmError | None = None


def failure(name: str, error: PfmmError) -> Check:
    """Build the Check that an error of the tree stands for."""
    return Check(name, FAIL, error.message, error.hint, error)


def python() -> Check:
    """Check the interpreter and the optional extras that it can import."""
    from importlib.util import find_spec

    here = [extra for extra, modules in EXTRAS.items() if all(map(find_spec, modules))]
    missing = [extra for extra in EXTRAS if extra not in here]
    detail = f"Python {sys.version.split()[0]}, extras: {', '.join(here) or 'none'}"
    return Check("python", OK, detail + (f" (not installed: {', '.join(missing)})" if missing else ""))


def state_folder(folder: Path) -> Check:
    """Check whether state can be written, there or where it would be made."""
    existing = _nearest(folder)
    blocked = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None)
    if blocked is not None and existing in blocked.parents:
        hint = "move it away, or set PFMM_HOME"
        return failure("state folder", ConfigError(f"{blocked} is not a folder", hint=hint))
    if not os.access(existing, os.W_OK | os.X_OK):
        error = ConfigError(f"{existing} cannot be written", hint="make it writable, or set PFMM_HOME")
        return failure("state folder", error)
    return Check("state folder", OK, str(folder) + ("" if folder.is_dir() else " (made at the first start)"))


def disk(folder: Path) -> Check:
    """Check the free space where journals and the paper exchange are written."""
    import shutil

    free = shutil.disk_usage(_nearest(folder)).free
    detail = f"{free / 2**30:.1f} GiB free"
    fix = f"free some space on the disk of {folder}, or set PFMM_HOME to another"
    if free < NO_DISK:
        return failure(
            "disk", ConfigError(f"only {free / 2**20:.0f} MiB free: a journal could not be written", hint=fix)
        )
    return Check("disk", WARN, detail, fix) if free < LITTLE_DISK else Check("disk", OK, detail)


def journals(state_dir: Path, *, deep: bool = False) -> Iterator[Check]:
    """Check every journal: readable, of this version, whole; with `deep` also whether its books are what its fills add
    up to."""
    from pfmm.journal.journal import Journal

    files = _journal_files(state_dir)
    if not files:
        yield Check("journal", OK, "none yet: the first start makes one")
    for path in files:
        name = f"journal {path.stem}"
        try:
            with Journal.open_readonly(path) as journal:
                damage = journal.damage()
                wrong = _wrong_books(journal) if deep and not damage else []
        except NoJournal:
            fix = "the next start makes it; `pfmm inventory` asks the venue itself what is held and rests"
            yield Check(name, WARN, "empty: nothing was written yet, or it was lost", fix)
            continue
        except PfmmError as error:
            yield failure(name, error)
            continue
        if damage:
            hint = "move the file away; the venue still knows orders, fills and positions"
            yield failure(name, ConfigError(f"{path} is damaged: {damage[0]} ({len(damage)} findings)", hint=hint))
        elif wrong:
            what = f"the books of {path} differ from its fills: {', '.join(wrong)}"
            hint = "keep a copy of the file and report it; `pfmm inventory` shows what the venue holds"
            yield failure(name, ConfigError(what, hint=hint))
        else:
            yield Check(name, OK, f"whole, {path.stat().st_size / 2**20:.1f} MiB")


def _wrong_books(journal: Journal) -> list[str]:
    """Return whose books are not what a fold of the whole journal says, as "market owner"."""
    with journal.one_reading():
        kept = {(book.market, book.owner): book for book in journal.books()}
        folded = dict(journal.books_in_full())
    differ = (key for key in sorted(kept | folded) if kept.get(key) != folded.get(key))
    return [f"{market} {owner}" for market, owner in differ]


def locks(state_dir: Path, now_ms: int) -> Iterator[Check]:
    """Check who runs, whose run ended without a word, who hangs, and which accounts a HALT binds."""
    from pfmm.runner.locks import AccountLocks

    names = {path.name for path in (state_dir / "locks").glob("*-*")} | {p.stem for p in _journal_files(state_dir)}
    found = False
    for name in sorted(names):
        venue, _, account = name.partition("-")
        account_locks = AccountLocks(state_dir, venue, account)
        holders = account_locks.holders()
        checks = (*_runners(name, holders, state_dir, now_ms), *_watchdogs(name, account_locks, holders))
        for check in (*checks, _halt(name, account_locks)):
            if check is not None:
                found = True
                yield check
    if not found:
        yield Check("locks", OK, "nothing runs, nothing was left behind, no HALT")


def _halt(name: str, account_locks: AccountLocks) -> Check | None:
    record = account_locks.halted()
    if record is None:
        return None
    detail = f"halted by {record.halted_by} since {record.since}: {record.reason}"
    return Check(f"halt {name}", WARN, detail, "`pfmm resume` lifts it, after showing why it was set")


def _watchdogs(name: str, locks: AccountLocks, holders: Sequence[Holder]) -> Iterator[Check]:
    """Check whether the watchdogs that loops began still live."""
    from pfmm.app.watchdog import is_there

    for holder in holders:
        if holder.watched and not is_there(locks, holder.market, holder.strategy):
            fix = f"`pfmm {holder.strategy} stop {holder.market}` and a new start begin another"
            words = "the run's watchdog is gone: nothing cancels its orders if its process dies"
            yield Check(f"watchdog {name} {holder.market} {holder.strategy}", WARN, words, fix)


def _runners(name: str, holders: Sequence[Holder], state_dir: Path, now_ms: int) -> Iterator[Check]:
    from pfmm.journal.journal import Journal
    from pfmm.runner.dead_man import LOCK_STRATEGY

    alive = {(holder.market, holder.strategy): holder for holder in holders if holder.strategy != LOCK_STRATEGY}
    dead: list[tuple[str, str]] = []
    silent: dict[tuple[str, str], int] = {}
    try:
        with Journal.open_readonly(state_dir / "journals" / f"{name}.sqlite3") as journal:
            dead, silent = _judge(journal, alive, now_ms)
    except PfmmError:
        pass  # the journal has a check of its own; the locks are told without it
    for (market, strategy), holder in alive.items():
        quiet_ms = silent.get((market, strategy))
        label, words = f"run {name} {market} {strategy}", f"running (pid {holder.pid})"
        if quiet_ms is None:
            yield Check(label, OK, words)
        else:
            fix = f"`pfmm {strategy} stop {market}` ends it, whatever it hangs in"
            yield Check(label, WARN, f"{words}, but without a finished cycle for {quiet_ms // 1000} s", fix)
    for market, strategy in dead:
        fix = f"`pfmm {strategy} start {market}` takes its orders over, `pfmm {strategy} stop {market}` cancels them"
        yield Check(f"run {name} {market} {strategy}", WARN, "its process died without ending it; orders may rest", fix)


def _judge(
    journal: Journal, alive: Mapping[tuple[str, str], Holder], now_ms: int
) -> tuple[list[tuple[str, str]], dict[tuple[str, str], int]]:
    """Return the runs whose process is gone, and how long in ms a living one has been silent: both by (market,
    strategy). Silence counts from a minute, or three of the runner's intervals."""
    dead: list[tuple[str, str]] = []
    silent: dict[tuple[str, str], int] = {}
    for run in journal.runs(ended=False):
        key = (run.market, run.kind)
        last_ms = run.wall_last_cycle_ms
        if key not in alive and run.status != "between_runs":
            dead.append(key)
        elif key in alive and last_ms is not None:
            quiet_ms = now_ms - last_ms
            if quiet_ms > alive[key].silent_after_ms(speed=1):
                silent[key] = quiet_ms
    return dead, silent


def _journal_files(state_dir: Path) -> list[Path]:
    return sorted((state_dir / "journals").glob("*.sqlite3"))


def _nearest(folder: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())
