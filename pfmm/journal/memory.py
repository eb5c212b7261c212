"""The account's journal for the life of one backtest: ports.Journal over plain dictionaries.

Keeps what the engine asks for again and counts what a report needs. Must not know venues, strategies or files; it
answers exactly as the journal on disk does, because the engine decides by its answers. Layer: journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any

from pfmm.accounting.adopting import moves_of
from pfmm.accounting.books import EndedRun, MemoryBooks, end_run, fold_fill, fold_move, settle, sum_beside_runs
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.event import Event
from pfmm.model.ledger import ACCOUNT, Adoption, OwnerBook
from pfmm.model.order import Fill
from pfmm.model.plan import OwnOrder
from pfmm.model.quick import replace
from pfmm.model.run import Absorbed, EquityReading, Intents, JournalFill, Run, RunSave

_DAY_MS = 86_400_000


class MemoryJournal:
    """One account's runs, orders, fills and payments. Raises ValueError for ids that it does not know."""

    def __init__(self, nonce: str = "b") -> None:
        self.nonce = nonce
        self._runs: dict[str, Run] = {}
        self._orders: dict[str, OwnOrder] = {}
        self._live: dict[str, OwnOrder] = {}
        self._fills: list[JournalFill] = []
        self._fill_ids: set[str] = set()
        self._payments: list[FundingPayment] = []
        self._payment_ids: set[str] = set()
        self._books = MemoryBooks(lambda through: reversed(self._fills[:through]))
        self._cursors = Cursors()
        self._peak: Decimal | None = None
        self._first: EquityReading | None = None
        self._last_of_day: dict[int, EquityReading] = {}
        self.actions = {"placed": 0, "amended": 0, "cancelled": 0}

    def start_run(
        self,
        kind: str,
        market: str,
        config: Mapping[str, Any],
        *,
        time_ms: int,
        wall_ms: int,
        pid: int | None,
        adopts: Adoption | None = None,
    ) -> Run:
        """Record a new run, and what it `adopts`."""
        number = len(self._runs) + 1
        run = Run(
            run_id=f"{self.nonce}-r{number}",
            number=number,
            kind=kind,
            market=market,
            config=dict(config),
            status="running",
            started_ms=time_ms,
            wall_started_ms=wall_ms,
            last_cycle_ms=None,
            wall_last_cycle_ms=None,
            pid=pid,
            memory=None,
            folded_through=0,
            stop_reason=None,
            ended_ms=None,
        )
        self._runs[run.run_id] = run
        if adopts is not None:
            books, opened = self._books.open_books(market), self._opened(market)
            for move in moves_of(adopts, books, opened, market=market, taker=run.run_id, time_ms=time_ms):
                fold_move(self._books, move)
        return run

    def open_run(self, kind: str, market: str) -> Run | None:
        """Return the newest run of that kind and market that has not ended."""
        found = self.runs(kind=kind, market=market, ended=False)
        return found[-1] if found else None

    def runs(self, *, kind: str | None = None, market: str | None = None, ended: bool | None = None) -> tuple[Run, ...]:
        """Return the runs, oldest first."""
        return tuple(
            run
            for run in self._runs.values()
            if kind in (None, run.kind) and market in (None, run.market) and ended in (None, run.ended_ms is not None)
        )

    def save_run(self, run_id: str, save: RunSave) -> None:
        """Record a finished cycle."""
        run = self._runs[run_id]
        self._runs[run_id] = replace(
            run,
            status=save.status if run.ended_ms is None else run.status,
            memory=save.memory,
            folded_through=save.folded_through,
            last_cycle_ms=save.time_ms,
            wall_last_cycle_ms=save.wall_ms,
            pid=save.pid,
            last_mid=run.last_mid if save.last_mid is None else save.last_mid,
        )

    def end_run(self, run_id: str, *, status: str, reason: str, time_ms: int) -> None:
        """End a run; the first end stays."""
        run = self._runs[run_id]
        if run.ended_ms is None:
            self._runs[run_id] = replace(run, status=status, stop_reason=reason, ended_ms=time_ms)
            since_ms = run.started_ms if run.last_cycle_ms is None else run.last_cycle_ms
            end_run(self._books, EndedRun(run.market, run_id, run.number, since_ms))

    def recognise(self, exchange_id: str) -> None:
        """Do nothing: a backtest has one exchange."""

    def cursors(self) -> Cursors:
        """Return where the next read of the venue goes on."""
        return self._cursors

    def together(self) -> AbstractContextManager[None]:
        """Join nothing: every record is kept at once."""
        return nullcontext()

    def newest_fill(self) -> int:
        """Return the running number of the newest fill; 0 before the first."""
        return len(self._fills)

    def book(self, market: str, owner: str) -> OwnerBook:
        """Return what the owner holds and earned on a market, up to the newest fill."""
        return self._books.book(market, owner)

    def beside_runs(self, market: str) -> Decimal:
        """Return what of the market's position no run that has not ended holds, signed base units."""
        return sum_beside_runs(self._books.open_books(market)) - self._opened(market)

    def left_by_ended(self, market: str) -> Decimal:
        """Return what ended runs left open on a market, signed base units."""
        left = (book.ledger.size for book in self._books.open_books(market) if book.left_since_ms is not None)
        return sum(left, Decimal(0))

    def filled(self, markets: Iterable[str]) -> tuple[int, dict[str, Decimal]]:
        """Return the newest fill's number, and the position of each market as its fills make it, signed base units."""
        return self.newest_fill(), {one: self.book(one, ACCOUNT).ledger.size - self._opened(one) for one in markets}

    def _opened(self, market: str) -> Decimal:
        return sum((move.size for move in self._books.moves(market) if move.giver is None), Decimal(0))

    def claims_of(self, seq: int) -> Sequence[JournalFill]:
        """Return what the fill of a number, of no run, closed of each run's position."""
        return self._books.claims(seq)

    def unjudged(self, limit: int, *, since_ms: int, closed: bool) -> Sequence[JournalFill]:  # noqa: ARG002 - the port's
        """Return no fill: a backtest's report judges every fill by the tape."""
        return ()

    def record_fill_mids(self, fills: Sequence[JournalFill], rows: Sequence[tuple[str, int, Decimal]]) -> None:
        """Do nothing: a backtest's mids are the tape's own."""

    def close_minutes(self, slices: int | None = None) -> None:
        """Do nothing: a backtest's report judges every fill by the tape."""

    def record_events(self, events: Sequence[Event], run_ids: Mapping[tuple[str, str], str]) -> None:
        """Do nothing: nobody reads a backtest's events from its journal."""

    def absorb(self, *, fills: Sequence[Fill], funding: Sequence[FundingPayment], cursors: Cursors) -> Absorbed:
        """Record what a read brought; return what was new."""
        new_fills = []
        for fill in fills:
            if fill.fill_id in self._fill_ids:
                continue
            self._fill_ids.add(fill.fill_id)
            own = self._orders.get(fill.client_order_id or "")
            item = JournalFill(len(self._fills) + 1, own.run_id if own else None, own.slot if own else None, fill)
            self._fills.append(item)
            new_fills.append(item)
            fold_fill(self._books, item)
            if own is not None:
                self._keep(replace(own, filled=own.filled + fill.size))
        payments = [one for one in funding if one.payment_id not in self._payment_ids]
        for payment in payments:
            self._payments.append(payment)
            self._payment_ids.add(payment.payment_id)
            settle(self._books, len(self._payments), payment)
        self._cursors = cursors
        return Absorbed(tuple(new_fills), tuple(payments))

    def fills(
        self, *, run_id: str | None = None, market: str | None = None, after_seq: int = 0, since_ms: int | None = None
    ) -> Iterator[JournalFill]:
        """Return the fills with a running number above `after_seq`."""
        return (
            item
            for item in self._fills[after_seq:]
            if run_id in (None, item.run_id)
            and market in (None, item.fill.market)
            and (since_ms is None or item.fill.time_ms >= since_ms)
        )

    def funding(self) -> Iterator[FundingPayment]:
        """Return the funding payments in the order of recording."""
        return iter(self._payments)

    def live_orders(self, *, run_id: str | None = None, market: str | None = None) -> tuple[OwnOrder, ...]:
        """Return the own orders that could still fill, oldest first."""
        if run_id is None and market is None:  # as the engine asks, several times a cycle
            return tuple(self._live.values())
        return tuple(
            order for order in self._live.values() if run_id in (None, order.run_id) and market in (None, order.market)
        )

    def orders(self) -> tuple[OwnOrder, ...]:
        """Return every order that was ever placed, oldest first."""
        return tuple(self._orders.values())

    def order(self, client_order_id: str) -> OwnOrder | None:
        """Return the own order with that client order id."""
        return self._orders.get(client_order_id)

    def commit_intents(self, decide: Callable[[tuple[OwnOrder, ...], int], Intents], *, time_ms: int) -> Intents:
        """Let `decide` judge, and record what it wants."""
        intents = decide(self.live_orders(), len(self._orders) + 1)
        for order in intents.place:
            self._keep(order)
        for order in intents.amend:
            self._keep(replace(order, updated_ms=time_ms))
        for name, items in (("placed", intents.place), ("amended", intents.amend), ("cancelled", intents.cancel)):
            self.actions[name] += len(items)
        return intents

    def update_orders(self, updates: Sequence[OwnOrder], *, time_ms: int) -> None:
        """Write the state of known orders; `filled` never goes back."""
        for order in updates:
            known = self._orders[order.client_order_id]
            if order.filled < known.filled or order.updated_ms != time_ms:
                order = replace(order, filled=max(order.filled, known.filled), updated_ms=time_ms)  # noqa: PLW2901 - as it is kept
            self._keep(order)

    def record_mids(self, rows: Sequence[tuple[str, int, Decimal]]) -> None:
        """Do nothing: a backtest's mids are the tape's own."""

    def record_equity(self, time_ms: int, equity: Decimal, deposits: Decimal | None) -> None:
        """Keep the highest, and the last of each day: what the account's limits ask for."""
        found = EquityReading(time_ms, equity, deposits)
        self._peak = equity if self._peak is None else max(self._peak, equity)  # nobody deposits in a backtest
        self._first = self._first or found
        self._last_of_day[time_ms // _DAY_MS] = found

    def limit_peak(self) -> Decimal | None:
        """Return the highest equity so far."""
        return self._peak

    def equity_from(self, time_ms: int) -> EquityReading | None:
        """Return the last equity of a day before that of `time_ms`, which begins it; else the first of all."""
        before = [day for day in self._last_of_day if day < time_ms // _DAY_MS]
        return self._last_of_day[max(before)] if before else self._first

    def _keep(self, order: OwnOrder) -> None:
        self._orders[order.client_order_id] = order
        if order.status.live:
            self._live[order.client_order_id] = order
        else:
            self._live.pop(order.client_order_id, None)
