"""The events of a journal: what happened, numbered for good, so that a reader goes on from where it was.

Kept are 90 days and 200,000 events; the oldest are pruned as new ones come, a few at a time. A number is never given
twice, also when every event was pruned. Works on an open connection, in the caller's transaction. Layer: journal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pfmm.journal.schema import decimal_text, json_text
from pfmm.model.event import Event
from pfmm.model.run import JournalFill
from pfmm.store.database import Connection

KEPT_MS = 90 * 86_400_000
KEPT_ROWS = 200_000
PRUNED_AT_ONCE = 200
NOT_KEPT = frozenset({"cycle", "fill"})  # a cycle is no event; a fill is kept with its own record

COUNT = "in_a_row"  # how often a warning was told so far: no other warning for that
REPEATS_WITHIN = 50  # so many events back the same warning is not kept again

_ADD = "INSERT INTO events (time_ms, run_id, market, name, data) VALUES (?, ?, ?, ?, ?)"
_PRUNE = (
    "DELETE FROM events WHERE seq <= (SELECT coalesce(max(seq), 0) FROM "
    "(SELECT seq, time_ms FROM events ORDER BY seq LIMIT ?) WHERE seq <= ? OR time_ms < ?)"
)
_TOLD = (
    "SELECT 1 FROM (SELECT run_id, market, name, data FROM events ORDER BY seq DESC LIMIT ?) "
    "WHERE run_id IS ? AND market = ? AND name = ? AND data = ?"
)


class Told(NamedTuple):
    """An event with its number, which is the cursor of a reader, and the run that it is of."""

    seq: int
    run_id: str | None
    event: Event


class EventLog:
    """Reads and writes events on one connection."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def add(self, events: Sequence[Event], run_ids: Mapping[tuple[str, str], str]) -> None:
        """Keep the events, but for those of NOT_KEPT and a warning that is among the last ones already. `run_ids` tells
        the run of a (market, strategy)."""
        for event in events:
            if event.name in NOT_KEPT:
                continue
            data = {name: value for name, value in event.data.items() if name != COUNT}
            text = json_text("event", {"strategy": event.strategy, **data})
            run_id = run_ids.get((event.market, event.strategy))
            row = (event.time_ms, run_id, event.market, event.name, text)
            if event.name != "warning" or not self._told(row):
                self._db.execute(_ADD, row)
        self._prune(len(events))

    def _told(self, row: tuple[object, ...]) -> bool:
        found = self._db.execute(_TOLD, (REPEATS_WITHIN, *row[1:])).fetchone()
        return found is not None

    def add_fills(self, fills: Sequence[JournalFill]) -> None:
        """Keep the event of each fill, whoever traded."""
        rows = [(i.fill.time_ms, i.run_id, i.fill.market, "fill", _fill_data(i)) for i in fills]
        self._db.executemany(_ADD, rows)
        self._prune(len(rows))

    def _prune(self, added: int) -> None:
        """Take away what is too old or too many, a little more than was added just now: so that it keeps pace."""
        oldest = self._db.execute("SELECT seq, time_ms FROM events ORDER BY seq LIMIT 1").fetchone()
        newest_ms = self._db.execute("SELECT time_ms FROM events ORDER BY seq DESC LIMIT 1").fetchone()[0]
        through, before_ms = self.newest() - KEPT_ROWS, newest_ms - KEPT_MS
        if oldest[0] <= through or oldest[1] < before_ms:
            self._db.execute(_PRUNE, (PRUNED_AT_ONCE + added, through, before_ms))

    def read(self, after: int, *, run_id: str | None, limit: int) -> list[Told]:
        """Return the events with a number above `after`, of one run or all, oldest first."""
        query = (
            "SELECT seq, time_ms, run_id, market, name, data FROM events "
            "WHERE seq > ? AND coalesce(?, run_id) IS run_id ORDER BY seq LIMIT ?"
        )
        found = []
        for seq, time_ms, owner, market, name, text in self._db.execute(query, (after, run_id, limit)):
            data = json.loads(text)
            found.append(Told(seq, owner, Event(name, time_ms, market, data.pop("strategy", ""), data)))
        return found

    def newest(self) -> int:
        """Return the number of the newest event, kept or pruned; 0 before the first."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return int(row[0]) if row else 0

    def pruned_through(self) -> int:
        """Return the number of the last pruned event: a cursor below it has lost some. 0 while all are kept."""
        row = self._db.execute("SELECT seq FROM events ORDER BY seq LIMIT 1").fetchone()
        return int(row[0]) - 1 if row else self.newest()


def _fill_data(item: JournalFill) -> str:
    fill = item.fill
    return json_text(
        "fill",
        {
            "fill_id": fill.fill_id,
            "client_order_id": fill.client_order_id,
            "slot": item.slot,
            "side": fill.side.value,
            "price": decimal_text("price", fill.price),
            "size": decimal_text("size", fill.size),
            "fee": decimal_text("fee", fill.fee),
        },
    )
