"""Minute rows in the journal's file: written once the mids of their horizons are known, read by reports.

Works on an open connection and leaves transactions to the journal. A fill that is told late opens its row again.
Layer: journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from pfmm.accounting.attribution import HORIZONS_S, MAX_GAP_MS, assess
from pfmm.accounting.closing import less
from pfmm.accounting.minutes import MINUTE_MS, Horizon, MinuteFold, MinuteRow, MinuteTable, closed_through
from pfmm.journal import schema
from pfmm.journal.books import stored_claims
from pfmm.journal.schema_minutes import HORIZON_FIELDS, MINUTE_FIELDS, horizon_columns
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED
from pfmm.model.run import JournalFill
from pfmm.store.database import Connection

REACH_MS = HORIZONS_S[-1] * 1_000
LATE_ROWS = 5  # a late fill leaves the newest state in one of so many last rows

Owned = tuple[tuple[str, ...], JournalFill]  # whose a fill, or a part of one, is
Rows = dict[tuple[str, str, int], MinuteRow]

_NAMES = (*MINUTE_FIELDS, *horizon_columns())
_COLUMNS = ", ".join(_NAMES)
_KEEP = f"INSERT OR REPLACE INTO minute_rows ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 - our constants, here and below
_ROWS = f"SELECT {_COLUMNS} FROM minute_rows WHERE market = ? AND owner = ?"  # noqa: S608 - likewise
_FILLS = f"SELECT seq, {schema.FILL_COLUMNS} FROM fills WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - likewise
_RECENT_FILLS = _FILLS.replace("seq > ?", "seq > ? AND time_ms >= ?")
_THROUGH = "SELECT through FROM minute_progress"
_ORDERS_OF = (
    "SELECT DISTINCT order_id, liquidity = 'maker' FROM fills WHERE seq BETWEEN ? AND ? AND market = ? "
    "AND time_ms BETWEEN ? AND ? AND ? IN ('*', coalesce(run_id, ''))"
)
_SEEN = (
    "SELECT max(coalesce((SELECT max(time_ms) FROM equity), 0), "
    "coalesce((SELECT time_ms FROM fills ORDER BY seq DESC LIMIT 1), 0))"
)


class Prepared(NamedTuple):
    """Rows that take in the fills numbered above `after` up to `through`, with the newest claim that they know."""

    after: int
    through: int
    claims: int
    rows: Sequence[schema.Row]


class MinuteLog:
    """Folds fills into minute rows on one connection."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.through: int = db.execute(_THROUGH).fetchone()[0]

    def unjudged(self, limit: int, *, since_ms: int, closed: bool) -> Sequence[JournalFill]:
        """Read at most `limit` fills since a time that no minute row counts yet, oldest first; only those whose minutes
        are closed, or all."""
        asked = (self.through, since_ms, limit)
        fills = [schema.fill_from(row) for row in self._db.execute(_RECENT_FILLS, asked)]
        return closed_through(fills, self._seen_ms()) if closed else fills

    def prepare(self, limit: int) -> Prepared | None:
        """Fold at most `limit` more fills whose minutes are closed; None where none is left. Needs no transaction:
        `keep` notices what came between."""
        claims = self._newest_claim()
        fills = closed_through(self._fills(limit), self._seen_ms())
        if not fills:
            return None
        values = [row_values(row) for row in self._folded(fills).rows.values()]
        return Prepared(self.through, fills[-1].seq, claims, values)

    def keep(self, prepared: Prepared) -> None:
        """Write what was prepared, in the caller's transaction; nothing where another process was first, or a fill of
        no run was claimed meanwhile: then it must be prepared again."""
        kept = self._db.execute(_THROUGH).fetchone()[0]
        if (kept, self._newest_claim()) == (prepared.after, prepared.claims):
            self._db.executemany(_KEEP, prepared.rows)
            self._db.execute("UPDATE minute_progress SET through = ?", (prepared.through,))

    def _newest_claim(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(number), 0) FROM claims").fetchone()[0])

    def recent(self, market: str, owner: str, since_ms: int, limit: int) -> list[MinuteRow]:
        """Read the rows of an owner on a market since a time, with those that at most `limit` newer fills would make
        now. The cost does not grow with the age of the journal."""
        query = _ROWS + " AND minute >= ? ORDER BY minute"
        rows = [row_from(row) for row in self._db.execute(query, (market, owner, since_ms // MINUTE_MS))]
        fills = self.unjudged(limit, since_ms=since_ms, closed=False)
        mine = [item for item in fills if (item.fill.market, item.run_id or UNATTRIBUTED) == (market, owner)]
        fold = MinuteFold({})
        if mine:
            judged = assess([item.fill for item in mine], self._mids(market, mine))
            for item, quality in zip(mine, judged, strict=True):
                fold.add(owner, item, quality)
        return [*rows, *fold.rows.values()]

    def open_rows(self, limit: int) -> list[MinuteRow]:
        """Make the rows of the fills that no row counts yet, with the stored rows that these fills open again."""
        rows: Rows = {}
        while fills := self._fills(limit):
            rows |= self._folded(fills, rows).rows
            self.through = fills[-1].seq
        return list(rows.values())

    def table(self, market: str, owner: str, names: Sequence[str], more: Sequence[MinuteRow]) -> MinuteTable:
        """Read the stored rows of an owner on a market together with `more`. A row of `more` replaces the stored one of
        its minute, unless it is a late claim, which adds to it."""
        asked = ("minute", *names)
        query = f"SELECT {', '.join(asked)} FROM minute_rows WHERE market = ? AND owner = ? ORDER BY minute"  # noqa: S608 - likewise
        kept = self._db.execute(query, (market, owner)).fetchall()
        places = [_NAMES.index(name) for name in asked]
        if more:
            again = {row.minute for row in more if row.first_seq}
            kept = [row for row in kept if row[0] not in again]
            kept += [tuple(values[place] for place in places) for values in map(row_values, more)]
            kept.sort(key=lambda row: row[0])
        columns = zip(*kept, strict=True) if kept else ((),) * len(asked)
        return MinuteTable(dict(zip(asked, columns, strict=True)))

    def owners(self, market: str) -> list[str]:
        """Return the owners that have rows on a market."""
        found, owner = [], ""
        # one step an owner, however many rows
        query = "SELECT min(owner) FROM minute_rows WHERE market = ? AND owner > ?"
        if self._db.execute(_ROWS + " LIMIT 1", (market, UNATTRIBUTED)).fetchone() is not None:
            found.append(UNATTRIBUTED)
        while (owner := self._db.execute(query, (market, owner)).fetchone()[0]) is not None:
            found.append(owner)
        return found

    def late_rows(self) -> list[MinuteRow]:
        """Make what must be added to stored rows for parts of fills that were claimed after those rows were written:
        the part of the run that was closed, and its opposite for the owner of unattributed fills."""
        found: list[MinuteRow] = []
        claimed: dict[int, list[JournalFill]] = {}
        for part in stored_claims(self._db, 1, self.through, late=1):
            claimed.setdefault(part.seq, []).append(part)
        for parts in claimed.values():
            fold = MinuteFold({})
            for part in parts:
                back = replace(part.fill, side=part.fill.side.opposite, fee=-part.fill.fee)
                mids = self._mids(part.fill.market, [part])
                for owner, fill in ((part.run_id or UNATTRIBUTED, part.fill), (UNATTRIBUTED, back)):
                    (quality,) = assess([fill], mids)
                    fold.add(owner, replace(part, fill=fill), quality)
            whole = claimed_wholly(self._db, parts)
            for row in fold.rows.values():
                row.first_seq = 0  # it adds to a kept row and does not stand for it
                if row.owner == UNATTRIBUTED:
                    row.fills = -int(whole)
                    # the fee that is taken back was no rebate, and the rebate no fee
                    row.fees, row.rebates = -row.rebates, -row.fees
            found += fold.rows.values()
        return found

    def _fills(self, limit: int) -> list[JournalFill]:
        return [schema.fill_from(row) for row in self._db.execute(_FILLS, (self.through, limit))]

    def _seen_ms(self) -> int:
        return int(self._db.execute(_SEEN).fetchone()[0])

    def _folded(self, fills: Sequence[JournalFill], known: Rows | None = None) -> MinuteFold:
        latest: dict[tuple[str, str], MinuteRow] = {}
        fold = MinuteFold(latest)
        owned = self._owned(fills)
        minutes: dict[tuple[str, str], set[int]] = {}
        for owners, item in owned:
            for owner in owners:
                minutes.setdefault((item.fill.market, owner), set()).add(item.fill.time_ms // MINUTE_MS)
        for whose, wanted in minutes.items():
            self._resume(fold, latest, whose, wanted, known or {}, fills[0].seq)
        for market in dict.fromkeys(market for market, _ in minutes):
            for run in _runs([one for one in owned if one[1].fill.market == market]):
                judged = assess([item.fill for _, item in run], self._mids(market, [item for _, item in run]))
                for (owners, item), quality in zip(run, judged, strict=True):
                    for owner in owners:
                        fold.add(owner, item, quality)
        return fold

    def _owned(self, fills: Sequence[JournalFill]) -> list[Owned]:
        """Return each fill for the account and for its owner; one of no run in its parts, as far as they are known by
        now."""
        claimed: dict[int, list[JournalFill]] = {}
        for part in stored_claims(self._db, fills[0].seq, fills[-1].seq, late=0):
            claimed.setdefault(part.seq, []).append(part)
        owned: list[Owned] = []
        for item in fills:
            parts = claimed.get(item.seq)
            if parts is None:
                owned.append(((ACCOUNT, item.run_id or UNATTRIBUTED), item))
                continue
            owned.append(((ACCOUNT,), item))
            owned += [((part.run_id or UNATTRIBUTED,), part) for part in parts]
            rest = rest_of(item, parts)
            owned += [] if rest is None else [((UNATTRIBUTED,), rest)]
        return owned

    def _resume(
        self,
        fold: MinuteFold,
        latest: dict[tuple[str, str], MinuteRow],
        whose: tuple[str, str],
        minutes: set[int],
        known: Rows,
        first_seq: int,
    ) -> None:
        """Give the fold, of fills from `first_seq` on, the rows of (market, owner) that its fills fall into, and the
        one that its net stands in."""
        newest = self._db.execute(f"{_ROWS} ORDER BY minute DESC LIMIT {LATE_ROWS}", whose)
        rows = {row.key: row for row in map(row_from, newest)}
        rows |= {row.key: row for row in known.values() if (row.market, row.owner) == whose}
        if rows:
            latest[whose] = max(rows.values(), key=lambda row: row.last_seq)
        for minute in minutes:
            key = (*whose, minute)
            if key not in rows:
                found = self._db.execute(_ROWS + " AND minute = ?", key).fetchone()
                if found is None:
                    continue
                rows[key] = row_from(found)
            fold.resume(rows[key], *self._orders_of(rows[key], first_seq))

    def _orders_of(self, row: MinuteRow, first_seq: int) -> tuple[set[str], set[str]]:
        """Return the orders that the fills of a row before `first_seq` were of, and those that made."""
        begin_ms = row.minute * MINUTE_MS
        within = (row.first_seq, first_seq - 1, row.market, begin_ms, begin_ms + MINUTE_MS - 1, row.owner)
        found = self._db.execute(_ORDERS_OF, within).fetchall()
        return {order_id for order_id, _ in found}, {order_id for order_id, made in found if made}

    def _mids(self, market: str, items: Sequence[JournalFill]) -> list[tuple[int, Decimal]]:
        times = [item.fill.time_ms for item in items]
        query = "SELECT time_ms, mid FROM mids WHERE market = ? AND time_ms BETWEEN ? AND ? ORDER BY time_ms"
        found = self._db.execute(query, (market, min(times) - MAX_GAP_MS, max(times) + REACH_MS))
        return [(time_ms, Decimal(mid)) for time_ms, mid in found]


def claimed_wholly(db: Connection, late: Sequence[JournalFill]) -> bool:
    """Tell whether the parts of a fill, late ones included, make up the whole of it."""
    seq = late[0].seq
    stored = db.execute(f"SELECT seq, {schema.FILL_COLUMNS} FROM fills WHERE seq = ?", (seq,)).fetchone()  # noqa: S608 - likewise
    return rest_of(schema.fill_from(stored), list(stored_claims(db, seq, seq))) is None


def rest_of(item: JournalFill, parts: Sequence[JournalFill]) -> JournalFill | None:
    """Take some parts out of a fill; None where nothing is left."""
    rest = less(item.fill, [part.fill for part in parts])
    return None if rest is None else replace(item, fill=rest)


def _runs(owned: Sequence[Owned]) -> Iterator[list[Owned]]:
    """Cut the fills, of which there are some, where they lie so far apart in time that no mid is of use to both
    sides."""
    run = [owned[0]]
    for one in owned[1:]:
        if abs(one[1].fill.time_ms - run[-1][1].fill.time_ms) > REACH_MS:
            yield run
            run = []
        run.append(one)
    yield run


def row_values(row: MinuteRow) -> schema.Row:
    """Return a row's columns as they are stored."""
    values = [getattr(row, name) for name in MINUTE_FIELDS]
    values += [getattr(horizon, name) for horizon in row.horizons for name in HORIZON_FIELDS]
    return tuple(schema.decimal_text("minute row", one) if isinstance(one, Decimal) else one for one in values)


def row_from(stored: schema.Row) -> MinuteRow:
    """Read a MinuteRow from its columns."""
    own = len(MINUTE_FIELDS)
    values: list[Any] = [Decimal(one) if isinstance(one, str) and at > 1 else one for at, one in enumerate(stored)]
    size = len(HORIZON_FIELDS)
    horizons = [Horizon(*values[at : at + size]) for at in range(own, len(values), size)]
    return MinuteRow(*[*values[:own], horizons])
