"""kill -9 of every command that acts, at chosen points and at random ones, judged by the exchange's own ledger.

After each kill nothing is healed before it is looked at: what rests must be what the journal holds for live. After the
last one the command is run to its end, and both sides' books must be the same to the last digit.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.app.session import Session
from pfmm.engine.risk import worst_usd
from pfmm.model.ledger import ACCOUNT as NET
from pfmm.model.ledger import LedgerState
from pfmm.model.order import Side
from tests.e2e.driver import Completed, environment, run
from tests.e2e.homes import own_session, restore, saved_releases, stepped_home

ZERO = Decimal(0)
LIMIT_USD = Decimal(500)  # the default of max_inventory
STEP_MS = 3_000
KILLS = 43  # of each of the seven kinds: 301 in all
LOOPS = {
    "grid": ("grid", "start", "BTC-PERP", "--range-pct", "0.2", "--cycles", "12"),
    "ladder": ("ladder", "start", "ETH-PERP", "--cycles", "10"),
    "quote": ("quote", "start", "SOL-PERP", "--model", "fixed", "--cycles", "15"),
}


def die(home: Path, point: str, *words: str) -> Completed:
    """Runs a command line that kills itself at the point."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.dying_process", point, *words],
        env={**environment(home), "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Completed.of(done)


@dataclass
class Chooser:
    """Chooses where the next process dies: every kind of point in turn, early ones as likely as late ones."""

    dice: random.Random
    passed: dict[str, int]
    turn: int = 0
    told: dict[str, int] = field(default_factory=dict)

    def next(self) -> str:
        """The next point, as `dying_process` reads it."""
        kind = ("statement", "before_request", "after_request", "commit", "after")[self.turn % 5]
        self.turn += 1
        if kind == "after":
            return f"after:{self.dice.uniform(0.2, 0.9):.4f}"
        number = self.dice.randint(1, max(1, self.passed[kind]))
        return f"commit:{number}:{self.dice.randint(0, 900)}" if kind == "commit" else f"{kind}:{number}"


def chooser(home: Path, scratch: Path, seed: int, *words: str) -> Chooser:
    """Counts the points of the command in a copy of the home."""
    shutil.copytree(home, scratch)
    counted = die(scratch, "count", *words)
    assert counted.code == 0, counted.err
    shutil.rmtree(scratch)
    return Chooser(random.Random(seed), json.loads(counted.err.splitlines()[-1]))


def kill_until(
    chosen: Chooser,
    kills: int,
    home: Path,
    words: tuple[str, ...],
    look: Callable[[], None],
    before: Callable[[], None],
) -> None:
    """Kills that many processes of the command, with a look after each; one that ended first does not count."""
    tries = 0
    while sum(chosen.told.values()) < kills:
        tries += 1
        assert tries <= 4 * kills + 8, f"the points are never reached: {chosen.told} of {chosen.passed}"
        before()
        point = chosen.next()
        done = die(home, point, *words)
        assert done.code in (0, -signal.SIGKILL), (point, done.code, done.out[-600:], done.err[-600:])
        if done.code:
            chosen.told[point.partition(":")[0]] = chosen.told.get(point.partition(":")[0], 0) + 1
        try:
            look()
        except AssertionError as wrong:
            raise AssertionError(f"after {words} killed at {point} (try {tries}): {wrong}") from wrong


def seen_now(home: Path) -> None:
    """What must hold at every moment, by the exchange's own word: each order that rests is live in the journal, no slot
    has two, no client order id acted twice, and no side can grow over the limit."""
    exchange = open_exchange(home / "state")
    try:
        resting = exchange.orders("default")
        every = [one.client_order_id for one in exchange.orders("default", status="all")]
        held = {one.market: one.size_base for one in exchange.positions("default")}
        marks = {one.market: exchange.ticker(one.market).mark for one in resting}
    finally:
        exchange.close()
    assert len(every) == len(set(every)), "a client order id acted twice"
    if resting:
        with own_session(home) as session:
            live = {one.client_order_id: one for one in session.journal.live_orders()}
        orphans = [one.client_order_id for one in resting if one.client_order_id not in live]
        assert not orphans, f"orders rest that the journal does not hold for live: {orphans}"
        slots = [(live[one.client_order_id or ""].run_id, live[one.client_order_id or ""].slot) for one in resting]
        assert len(slots) == len(set(slots)), f"two orders rest in one slot: {sorted(slots)}"
    for market, mark in marks.items():
        size = held.get(market, ZERO)
        for side in Side:
            orders = [
                (one.size_base - one.filled_base, one.price or mark)
                for one in resting
                if one.market == market and one.side == side
            ]
            worst, along = worst_usd(size, side, orders, mark), max(size * side.sign, ZERO) * mark
            assert worst <= max(LIMIT_USD, along) + Decimal(1), f"{market} {side}: {worst} USD possible, {size} held"


def books_agree(home: Path) -> int:
    """Both sides' books at the end, nothing resting: fills, position, fees, funding and P&L to the last digit."""
    exchange = open_exchange(home / "state")
    try:
        assert exchange.orders("default") == ()
        theirs = exchange.fills("default", limit=1_000_000).fills
        held = {one.market: one.size_base for one in exchange.positions("default") if one.size_base}
        account = exchange.account("default")
    finally:
        exchange.close()
    with own_session(home) as session:
        journal = session.journal
        assert journal.live_orders() == ()
        ours = [item.fill for item in journal.fills()]
        books = journal.books()
        assert {(book.market, book.owner): book for book in books} == journal.books_in_full()
    # no fill is lost, none doubled
    assert sorted(one.fill_id for one in ours) == sorted(str(one.fill_id) for one in theirs), (
        "a fill is lost or doubled"
    )
    nets = {book.market: book.ledger for book in books if book.owner == NET}
    assert {market: net.size for market, net in nets.items() if net.size} == held
    assert sum((net.realized for net in nets.values()), ZERO) == account.realized_pnl
    assert sum((net.fees for net in nets.values()), ZERO) == account.fees
    assert sum((net.funding for net in nets.values()), ZERO) == account.funding
    owned = [book.ledger for book in books if book.owner != NET]
    assert sum((one.fees for one in owned), ZERO) == account.fees
    assert _cash(owned) == _cash(list(nets.values()))
    return len(theirs)


def _cash(ledgers: list[LedgerState]) -> Decimal:
    """What selling brought less what buying cost: equal however the fills are shared out among owners."""
    return sum((one.realized - (one.cost_basis if one.size > 0 else -one.cost_basis) for one in ledgers), ZERO)


def step(home: Path) -> None:
    """Lets the market go on by one interval."""
    exchange = open_exchange(home / "state")
    try:
        exchange.advance_clock(exchange.time().time_ms + STEP_MS)
    finally:
        exchange.close()


def crash_loop(tmp_path: Path, kind: str, kills: int, seed: int) -> dict[str, int]:
    """Kills a loop again and again; each start takes over what the dead one left."""
    home, words = tmp_path / "home", LOOPS[kind]
    stepped_home(home, seed=7)
    chosen = chooser(home, tmp_path / "scratch", seed, *words)
    kill_until(chosen, kills, home, words, lambda: seen_now(home), lambda: None)
    assert run(*words, home=home).code == 0
    assert books_agree(home) > 0
    return chosen.told


def crash_once(tmp_path: Path, kills: int, seed: int) -> dict[str, int]:
    """Kills a run of cron again and again, the market going on between."""
    home, words = tmp_path / "home", ("grid", "start", "BTC-PERP", "--range-pct", "0.2", "--once")
    stepped_home(home, seed=7)
    chosen = chooser(home, tmp_path / "scratch", seed, *words)
    kill_until(chosen, kills, home, words, lambda: seen_now(home), lambda: step(home))
    assert run(*words, home=home).code == 0
    assert run("grid", "stop", home=home).code == 0
    books_agree(home)
    return chosen.told


def crash_stop(tmp_path: Path, kills: int, seed: int) -> dict[str, int]:
    """Kills `stop` while a run's orders rest; the next one proves that none does."""
    home, words = tmp_path / "home", ("grid", "stop")
    stepped_home(home, seed=7)
    begin = ("grid", "start", "BTC-PERP", "--range-pct", "0.2", "--once")

    def resting_again() -> None:
        step(home)
        assert run(*begin, home=home).code == 0

    resting_again()
    chosen = chooser(home, tmp_path / "scratch", seed, *words)
    kill_until(chosen, kills, home, words, lambda: seen_now(home), resting_again)
    assert run(*words, home=home).code == 0
    books_agree(home)
    return chosen.told


def crash_flatten(tmp_path: Path, kills: int, seed: int) -> dict[str, int]:
    """Kills `flatten` with orders and a position; the next one says FLAT, and the ledger agrees."""
    home, words = tmp_path / "home", ("flatten", "--all", "--yes")
    stepped_home(home, seed=7)
    begin = ("quote", "start", "SOL-PERP", "--model", "fixed", "--cycles", "6", "--on-exit", "keep")

    def trade_again() -> None:
        run("resume", home=home)
        done = run(*begin, home=home)
        assert done.code == 0, (done.out[-500:], done.err[-500:])

    def look() -> None:
        seen_now(home)
        done = run(*words, "--json", home=home)
        assert done.code == 0, done.out
        assert done.data["state"] == "flat"
        exchange = open_exchange(home / "state")
        try:
            assert exchange.orders("default") == ()
            assert not any(one.size_base for one in exchange.positions("default")), "FLAT was said, and it is not"
        finally:
            exchange.close()

    trade_again()
    chosen = chooser(home, tmp_path / "scratch", seed, *words)
    kill_until(chosen, kills, home, words, look, trade_again)
    trade_again()
    assert run("quote", "stop", home=home).code == 0
    books_agree(home)
    return chosen.told


def crash_migration(tmp_path: Path, kills: int, seed: int) -> dict[str, int]:
    """Kills the first command that meets the files of an earlier release; each file is then old or new, never between,
    and none of its fills, orders and runs is lost."""
    saved = saved_releases()
    told: dict[str, int] = {}
    for index, folder in enumerate(saved):
        home = tmp_path / f"home{index}"
        words = ("inventory",)
        restore(home, folder)
        before = _rows(home)
        chosen = chooser(home, tmp_path / "scratch", seed + index, *words)

        def fresh(home: Path = home, folder: Path = folder) -> None:
            shutil.rmtree(home)
            restore(home, folder)

        def look(home: Path = home, before: Any = before) -> None:
            assert _rows(home) == before, "the upgrade lost or doubled a row"
            run("inventory", home=home)
            assert _rows(home)["orders"] == before["orders"]
            with own_session(home) as session:
                _whole(session)

        share = kills // len(saved) + (index < kills % len(saved))
        kill_until(chosen, share, home, words, look, fresh)
        for kind, number in chosen.told.items():
            told[kind] = told.get(kind, 0) + number
    return told


def _rows(home: Path) -> dict[str, list[Any]]:
    """The ids of fills, orders and runs of the journal, whatever its schema."""
    with closing(sqlite3.connect(home / "state" / "journals" / "paper-default.sqlite3")) as database:
        return {
            "fills": sorted(database.execute("SELECT fill_id FROM fills")),
            "orders": sorted(database.execute("SELECT client_order_id FROM orders")),
            "runs": sorted(database.execute("SELECT run_id FROM runs")),
        }


def _whole(session: Session) -> None:
    journal = session.journal
    assert {(book.market, book.owner): book for book in journal.books()} == journal.books_in_full()


CRASHES: dict[str, Callable[[Path, int, int], dict[str, int]]] = {
    **{kind: (lambda path, kills, seed, kind=kind: crash_loop(path, kind, kills, seed)) for kind in LOOPS},
    "once": crash_once,
    "stop": crash_stop,
    "flatten": crash_flatten,
    "migration": crash_migration,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", CRASHES)
def test_three_hundred_kills_lose_and_double_nothing(tmp_path: Path, kind: str) -> None:
    told = CRASHES[kind](tmp_path, KILLS, 1)
    print(f"\n{kind}: {sum(told.values())} kills: {told}")
    assert sum(told.values()) >= KILLS


def test_a_few_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    assert sum(crash_flatten(tmp_path, 3, 2).values()) == 3
