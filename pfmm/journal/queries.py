"""The reading half of the journal: what it answers, and in which order. It opens no file and changes nothing.

Layer: journal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from pfmm.journal import schema
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import EquityReading, JournalFill, Run

NEWEST_AMONG = 10_000  # a market that traded before these is not looked for: the time would grow with the account
LIMIT_PEAK, LIMITS_SINCE = "limit_peak", "limits_since"  # of what the limits of the account count
PAGE_ROWS = 500  # so few are still in the cache of the processor when they are used


class JournalReads(ABC):
    """Every question to the journal. In filters None means any; results are in the order of recording."""

    venue: str
    account: str
    path: Path

    @abstractmethod
    def _select(self, columns: str, table: str, where: Mapping[str, object], order: str) -> list[schema.Row]:
        """Read rows of a table; `where` maps terms like "market = ?" to their value, None leaves a term out."""

    def runs(self, *, kind: str | None = None, market: str | None = None, ended: bool | None = None) -> tuple[Run, ...]:
        """Return the runs, oldest first."""
        where = {"kind = ?": kind, "market = ?": market, "(ended_ms IS NOT NULL) = ?": ended}
        return tuple(schema.run_from(row) for row in self._select(schema.RUN_COLUMNS, "runs", where, "number"))

    def open_run(self, kind: str, market: str) -> Run | None:
        """Return the newest run of that kind and market that has not ended."""
        found = self.runs(kind=kind, market=market, ended=False)
        return found[-1] if found else None

    def count_actions(self, run_id: str) -> dict[str, int]:
        """Count the orders that the run placed, amended, asked to cancel, and had refused.

        Every amend counts; an order asked to be cancelled twice counts once.
        """
        names = ("placed", "amended", "cancelled", "refused")
        rows = self._select(", ".join(names), "runs", {"run_id = ?": run_id}, "number")
        if not rows:
            raise ValueError(f"the journal knows no run {run_id!r}")
        return dict(zip(names, rows[0], strict=True))

    def cursors(self) -> Cursors:
        """Return where the next read of the venue goes on."""
        return Cursors(fills=self._meta("fills_cursor"), funding=self._meta("funding_cursor"))

    def fills(
        self, *, run_id: str | None = None, market: str | None = None, after_seq: int = 0, since_ms: int | None = None
    ) -> Iterator[JournalFill]:
        """Return the fills with a running number above `after_seq`. Holds no transaction open between its pages."""
        where = {"run_id = ?": run_id, "market = ?": market, "time_ms >= ?": since_ms}
        rows = self._pages("seq, " + schema.FILL_COLUMNS, "fills", where, after_seq)
        return (schema.fill_from(row) for row in rows)

    def fill(self, seq: int) -> JournalFill:
        """Return the fill of a running number; raises ValueError where there is none."""
        rows = self._select("seq, " + schema.FILL_COLUMNS, "fills", {"seq = ?": seq}, "seq")
        if not rows:
            raise ValueError(f"the journal has no fill {seq}")
        return schema.fill_from(rows[0])

    def fills_between(self, market: str, first: int, last: int) -> list[JournalFill]:
        """Return the fills of a market from one running number to another, both included."""
        where = {"market = ?": market, "seq >= ?": first, "seq <= ?": last}
        return [schema.fill_from(row) for row in self._select("seq, " + schema.FILL_COLUMNS, "fills", where, "seq")]

    def newest_fills(self, market: str, limit: int) -> list[JournalFill]:
        """Return at most `limit` of the newest fills of a market, newest first, among the account's last
        NEWEST_AMONG."""
        where = {"market = ?": market, "seq > ?": self.newest_fill() - NEWEST_AMONG}
        rows = self._select("seq, " + schema.FILL_COLUMNS, "fills", where, f"seq DESC LIMIT {limit}")
        return [schema.fill_from(row) for row in rows]

    def newest_fill(self) -> int:
        """Return the running number of the newest fill; 0 before the first."""
        return int(self._select("coalesce(max(seq), 0)", "fills", {}, "seq")[0][0])

    def fill_rows(
        self, *, market: str | None = None, after_seq: int = 0, through_seq: int | None = None
    ) -> Iterator[schema.Row]:
        """Yield fills as (time in ms, market, run id or "", side, price, size, fee, order id, liquidity), amounts as
        text, for folds over very many. Those are given that have a running number above `after_seq`, up to
        `through_seq` or the newest. Holds no transaction open between its pages."""
        last = self.newest_fill() if through_seq is None else through_seq
        for after in range(after_seq, last, PAGE_ROWS):
            where = {"market = ?": market, "seq > ?": after, "seq <= ?": min(after + PAGE_ROWS, last)}
            yield from self._select(schema.FILL_ROW, "fills", where, "seq")

    def last_fill_ms(self, market: str, *, before_ms: int) -> int | None:
        """Return the time in ms of the last fill of a market before a time; None without any."""
        where: dict[str, object] = {"market = ?": market, "time_ms < ?": before_ms}
        found: int | None = self._select("max(time_ms)", "fills", where, "1")[0][0]
        return found

    def funding(self, *, market: str | None = None, since_ms: int | None = None) -> Iterator[FundingPayment]:
        """Return the funding payments. Holds no transaction open between its pages."""
        where = {"market = ?": market, "time_ms >= ?": since_ms}
        rows = self._pages("seq, " + schema.FUNDING_COLUMNS, "funding", where, 0)
        return (schema.funding_from(row[1:]) for row in rows)

    def live_orders(self, *, run_id: str | None = None, market: str | None = None) -> tuple[OwnOrder, ...]:
        """Return the own orders that could still fill."""
        # the plus keeps SQLite from the index of the run's orders: it would go through every one that the run placed
        return self._orders({"live = 1 AND 1 = ?": 1, "+run_id = ?": run_id, "market = ?": market})

    def orders(self, *, run_id: str) -> tuple[OwnOrder, ...]:
        """Return every order that the run ever placed."""
        return self._orders({"run_id = ?": run_id})

    def order_counts(self, *, since_ms: int, market: str | None = None, kind: str | None = None) -> tuple[int, int]:
        """Count the orders that were placed since a time, and those of them that filled at all.

        An amended order counts once; one that the venue refused never stood and does not count.
        """
        columns = "count(*), coalesce(sum(filled_absorbed <> '0' OR filled_reported <> '0'), 0)"
        where = {
            "created_ms >= ?": since_ms,
            "status <> ?": OwnStatus.REJECTED.value,
            "market = ?": market,
            "run_id IN (SELECT run_id FROM runs WHERE kind = ?)": kind,
        }
        placed, filled = self._select(columns, "orders", where, "1")[0]
        return placed, filled

    def span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last venue time of a fill, a payment or a reading of equity; None without any."""
        edges = [
            self._select("min(time_ms), max(time_ms)", table, {}, "1")[0] for table in ("fills", "equity", "funding")
        ]
        known = [edge for edge in edges if edge[0] is not None]
        return (min(low for low, _ in known), max(high for _, high in known)) if known else None

    def order(self, client_order_id: str) -> OwnOrder | None:
        """Return the own order with that client order id."""
        found = self._orders({"client_order_id = ?": client_order_id})
        return found[0] if found else None

    def mids(self, market: str, since_ms: int | None = None) -> list[tuple[int, Decimal]]:
        """Return (time in ms, mid in USD) of a market, in time order."""
        where = {"market = ?": market, "time_ms >= ?": since_ms}
        return [(time_ms, Decimal(mid)) for time_ms, mid in self._select("time_ms, mid", "mids", where, "time_ms")]

    def mid_before(self, market: str, time_ms: int) -> tuple[Decimal | None, int | None]:
        """Return the last mid strictly before a time, USD, and how many ms before; None and None without one."""
        where: dict[str, object] = {"market = ?": market, "time_ms < ?": time_ms}
        rows = self._select("mid, time_ms", "mids", where, "time_ms DESC LIMIT 1")
        return (Decimal(rows[0][0]), time_ms - rows[0][1]) if rows else (None, None)

    def mid_at(self, market: str, time_ms: int) -> Decimal | None:
        """Return the last mid at or before a time, else the first one, USD; None without any."""
        before: dict[str, object] = {"market = ?": market, "time_ms <= ?": time_ms}
        rows = self._select("mid", "mids", before, "time_ms DESC LIMIT 1")
        rows = rows or self._select("mid", "mids", {"market = ?": market}, "time_ms LIMIT 1")
        return Decimal(rows[0][0]) if rows else None

    def mid_columns(self, market: str, since_ms: int) -> tuple[list[int], list[str]]:
        """Return times in ms and mids in USD as text, in time order, from the last one at or before `since_ms` on."""
        where: dict[str, object] = {"market = ?": market, "time_ms <= ?": since_ms}
        before = self._select("max(time_ms)", "mids", where, "time_ms")[0][0]
        where = {"market = ?": market, "time_ms >= ?": since_ms if before is None else before}
        rows = self._select("time_ms, mid", "mids", where, "time_ms")
        return [row[0] for row in rows], [row[1] for row in rows]

    def markets_with_mids(self) -> tuple[str, ...]:
        """Return the markets that have recorded mids, by name."""
        return tuple(row[0] for row in self._select("DISTINCT market", "mids", {}, "market"))

    def equity_readings(self, since_ms: int | None = None) -> list[EquityReading]:
        """Return every reading of the account's equity, in time order."""
        rows = self._select(schema.EQUITY_COLUMNS, "equity", {"time_ms >= ?": since_ms}, "time_ms")
        return [schema.equity_from(row) for row in rows]

    def equity_at(self, time_ms: int | None = None) -> EquityReading | None:
        """Return the last equity that was read at or before a time, or at all; None before the first."""
        where: dict[str, object] = {"time_ms <= ?": time_ms}
        rows = self._select(schema.EQUITY_COLUMNS, "equity", where, "time_ms DESC LIMIT 1")
        return schema.equity_from(rows[0]) if rows else None

    def peak_equity(self) -> Decimal | None:
        """Return the highest equity ever recorded, restated to the money that is in the account now (see `next_peak`),
        USD; None before the first."""
        return schema.optional_decimal(self._meta("peak_equity"))

    def limit_peak(self) -> Decimal | None:
        """Return the highest equity that the account's limits count from: as `peak_equity`, since they were lifted
        last. None before the first reading of a pfmm that knows of them."""
        return schema.optional_decimal(self._meta(LIMIT_PEAK))

    def equity_from(self, time_ms: int) -> EquityReading | None:
        """Return the last equity that was read at or before a time, else the first after it; of those since the
        account's limits were lifted last. None without any."""
        since_ms = int(self._meta(LIMITS_SINCE) or 0)
        first: dict[str, object] = {"time_ms >= ?": since_ms}
        wanted: dict[str, object] = {**first, "time_ms <= ?": time_ms}
        rows = self._select(schema.EQUITY_COLUMNS, "equity", wanted, "time_ms DESC LIMIT 1")
        rows = rows or self._select(schema.EQUITY_COLUMNS, "equity", first, "time_ms LIMIT 1")
        return schema.equity_from(rows[0]) if rows else None

    def _orders(self, where: Mapping[str, object]) -> tuple[OwnOrder, ...]:
        return tuple(schema.order_from(row) for row in self._select(schema.ORDER_COLUMNS, "orders", where, "number"))

    def _meta(self, key: str) -> str | None:
        rows = self._select("value", "meta", {"key = ?": key}, "key")
        return rows[0][0] if rows else None

    def _pages(self, columns: str, table: str, where: Mapping[str, object], after: int) -> Iterator[schema.Row]:
        """Yield rows by their running number, page by page, so that a slow reader never holds up a checkpoint."""
        while True:
            page = self._select(columns, table, {**where, "seq > ?": after}, f"seq LIMIT {PAGE_ROWS}")
            yield from page
            if len(page) < PAGE_ROWS:
                return
            after = page[-1][0]
