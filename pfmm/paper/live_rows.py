"""What was seen of a live market, in the exchange's file: read by time, written once. SQL over the store's connection.

Numbers are whole units of the market. `kind`, `a` to `d` are those of the feed's events: bid, its size, ask and its
size of a quote; price, size and aggressor of a print. A print is known by its id, so that whoever looks at the market
again, in whatever process, brings it no second time. Layer: paper.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pfmm.paper.feeds.feed import QUOTE, TRADE, Quote, Settlement, TradeEvent
from pfmm.store.database import Connection

_LEVELS = list[tuple[int, int]]


class SeenEvent(NamedTuple):
    """One event in its place. `print_id` is empty for a quote; a `missed` print fills nothing."""

    market: str
    time_ms: int
    kind: int
    numbers: tuple[int, int, int, int]
    made_ms: int
    missed: bool
    print_id: str


class Seen(NamedTuple):
    """What is kept of one market beside its events: when it was looked at, by the venue's and by the wall's clock, its
    mark in price units, and the indicated funding rate in 1e-8 per hour."""

    looked_ms: int
    looked_wall_ms: int
    mark: int
    rate: int


class LiveRows:
    """The rows of one exchange's file. What writes is called within a write transaction."""

    def __init__(self, connection: Connection) -> None:
        self._execute = connection.execute
        self._many = connection.executemany

    # -- reading

    def seen(self, market: str) -> Seen | None:
        """Return what is known of the market; None where nobody has looked at it."""
        row = self._execute(
            "SELECT looked_ms, looked_wall_ms, mark, rate FROM live_markets WHERE market = ?", (market,)
        ).fetchone()
        return None if row is None else Seen._make(row)

    def through(self) -> tuple[int, int]:
        """Return the venue's time that all looks together reached, and the wall's time then; 0 before the first."""
        through_ms, wall_ms = self._execute("SELECT max(looked_ms), max(looked_wall_ms) FROM live_markets").fetchone()
        return through_ms or 0, wall_ms or 0

    def quote(self, market: str, time_ms: int) -> Quote | None:
        """Return the last quote at or before a time, with its own time."""
        row = self._execute(
            "SELECT time_ms, a, b, c, d FROM live_events WHERE market = ? AND time_ms <= ? AND kind = ? "
            "ORDER BY time_ms DESC, seq DESC LIMIT 1",
            (market, time_ms, QUOTE),
        ).fetchone()
        return None if row is None else Quote._make(row)

    def events(self, market: str, after_ms: int, to_ms: int) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Return (time, kind, a, b, c, d) of what can fill with after_ms < time <= to_ms, in order."""
        yield from self._execute(
            "SELECT time_ms, kind, a, b, c, d FROM live_events "
            "WHERE market = ? AND time_ms > ? AND time_ms <= ? AND NOT missed ORDER BY time_ms, seq",
            (market, after_ms, to_ms),
        )

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        """Return the first `limit` prints that were made with after_ms < time <= to_ms, at their own times."""
        rows = self._execute(
            "SELECT made_ms, a, b, c FROM live_events WHERE market = ? AND time_ms > ? AND kind = ? "
            "AND made_ms > ? AND made_ms <= ? ORDER BY made_ms, time_ms, seq LIMIT ?",
            (market, after_ms, TRADE, after_ms, to_ms, limit),
        )
        return [TradeEvent(made_ms, TRADE, price, size, aggressor) for made_ms, price, size, aggressor in rows]

    def book(self, market: str) -> tuple[_LEVELS, _LEVELS]:
        """Return the newest book, bids and asks, best first."""
        row = self._execute("SELECT book FROM live_markets WHERE market = ?", (market,)).fetchone()
        if row is None or row[0] is None:
            return [], []
        bids, asks = json.loads(row[0])
        return [(price, size) for price, size in bids], [(price, size) for price, size in asks]

    def settlements(self, market: str, after_ms: int, to_ms: int) -> list[Settlement]:
        """Return the settlements with after_ms < time <= to_ms, in order."""
        rows = self._execute(
            "SELECT time_ms, rate, interval_h FROM live_funding WHERE market = ? AND time_ms > ? AND time_ms <= ? "
            "ORDER BY time_ms",
            (market, after_ms, to_ms),
        )
        return [Settlement._make(row) for row in rows]

    def newest_prints(self, market: str, since_ms: int) -> list[tuple[str, int]]:
        """Return id and time of the prints since a time."""
        rows = self._execute(
            "SELECT id, made_ms FROM live_prints WHERE market = ? AND made_ms >= ? ORDER BY made_ms", (market, since_ms)
        )
        return [(name, made_ms) for name, made_ms in rows]

    def gaps(self, market: str) -> list[tuple[int, int]]:
        """Return the spans of which prints may be missing, as (from, until)."""
        rows = self._execute("SELECT from_ms, until_ms FROM live_gaps WHERE market = ? ORDER BY from_ms", (market,))
        return [(from_ms, until_ms) for from_ms, until_ms in rows]

    # -- writing

    def clear(self) -> None:
        """Forget everything: another market is traded from now on."""
        for table in ("live_events", "live_prints", "live_funding", "live_markets", "live_gaps"):
            self._execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names

    def put_events(self, events: Iterable[SeenEvent]) -> None:
        """Write events in their order; a print whose id is known already is left out."""
        for event in events:
            if event.print_id and not self._new_print(event):
                continue
            last = self._execute(
                "SELECT max(seq) FROM live_events WHERE market = ? AND time_ms = ?", (event.market, event.time_ms)
            ).fetchone()[0]
            seq = 0 if last is None else last + 1
            row = (event.market, event.time_ms, seq, event.kind, *event.numbers, event.made_ms, event.missed)
            self._execute("INSERT INTO live_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _new_print(self, event: SeenEvent) -> bool:
        row = (event.market, event.print_id, event.made_ms)
        return self._execute("INSERT OR IGNORE INTO live_prints VALUES (?, ?, ?)", row).rowcount == 1

    def put_gap(self, market: str, from_ms: int, until_ms: int) -> None:
        """Note a span of which prints may be missing."""
        self._execute("INSERT OR REPLACE INTO live_gaps VALUES (?, ?, ?)", (market, from_ms, until_ms))

    def put_settlement(self, market: str, due: Settlement) -> None:
        """Note a settlement, in the place of what was indicated for it before."""
        self._execute("INSERT OR REPLACE INTO live_funding VALUES (?, ?, ?, ?)", (market, *due))

    def put_mark(self, market: str, mark: int, rate: int) -> None:
        """Note mark and funding rate of a market, looked at or not."""
        self._execute(
            "INSERT INTO live_markets VALUES (?, 0, 0, ?, ?, NULL) "
            "ON CONFLICT (market) DO UPDATE SET mark = excluded.mark, rate = excluded.rate",
            (market, mark, rate),
        )

    def put_look(self, markets: Sequence[str], looked_ms: int, wall_ms: int) -> None:
        """Note when the markets were looked at."""
        self._many(
            "UPDATE live_markets SET looked_ms = max(looked_ms, ?), looked_wall_ms = ? WHERE market = ?",
            [(looked_ms, wall_ms, market) for market in markets],
        )

    def put_book(self, market: str, bids: _LEVELS, asks: _LEVELS) -> None:
        """Keep the newest book of a market."""
        self._execute("UPDATE live_markets SET book = ? WHERE market = ?", (json.dumps([bids, asks]), market))

    def prune(self, before_ms: int) -> None:
        """Forget events from before a time."""
        self._execute("DELETE FROM live_events WHERE time_ms < ?", (before_ms,))
        self._execute("DELETE FROM live_prints WHERE made_ms < ?", (before_ms,))
