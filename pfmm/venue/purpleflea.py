"""The `purpleflea` dialect as a Venue: the paths, the paging and the proofs of the article's API and its extension.

The paper exchange speaks it too; which one is behind it shows only in `name`. Layer: venue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from pfmm.errors import (
    BadVenueData,
    CannotDoThis,
    OutcomeUnknown,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.ports import Amend, Capabilities
from pfmm.venue import purpleflea_json as form
from pfmm.venue.client import HttpClient
from pfmm.venue.purpleflea_public import PublicReads, listed, part
from pfmm.venue.ratelimit import Lane
from pfmm.venue.wire import Record

if TYPE_CHECKING:  # a command that only reads the market does not pay for defining orders and accounts
    from pfmm.model.account import Account, Cursors, FundingPayment, Position, Snapshot, VenueTime
    from pfmm.model.market import Book
    from pfmm.model.order import Batch, BatchAnswer, Fill, Order

MAX_PAGES = 1000
# the fate of orders must not hold up a cycle, since their slots can wait: questions that get no answer take no more
# than this between two snapshots, each at most half of what is left, so that those after a silent one are asked too
QUESTIONS_TOTAL_S = 10.0
UNKNOWN_QUESTION = "bad_request"  # of a query parameter that the server does not know
PAPER = "paper"  # of which there may be many, in contrast to a real venue: each tells which one it is

Row = TypeVar("Row")


class PurpleFlea(PublicReads):
    """One account on one venue of this dialect. Safe to share between threads; owns its client."""

    def __init__(self, http: HttpClient, *, name: str, account: str) -> None:
        super().__init__(http, name)
        # the dialect as such has no stops: a server that passes over the trigger would trade at once
        self.capabilities = Capabilities(Amend.IN_PLACE, past_mids=True, trigger_orders=name == PAPER)
        self.account = account
        self._patience_s = QUESTIONS_TOTAL_S
        self._levels = 0

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def advance(self, to_ms: int) -> VenueTime:
        """Move the clock of a stepped paper exchange to `to_ms`; any other venue refuses (VenueRefused)."""
        path = "/api/paper/advance"
        answer = self.http.act("POST", path, {"to_ms": to_ms}, lane=Lane.CANCEL)
        return _acted(lambda: form.venue_time(Record(answer, path)))

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        """Read one consistent view: the fills of all pages, and the rest of the last, which belongs to all of them."""
        from pfmm.model.account import Cursors
        from pfmm.venue import purpleflea_account as own

        self._patience_s = QUESTIONS_TOTAL_S
        fills: list[Fill] = []
        payments: list[FundingPayment] = []
        time_ms = 0
        for _ in range(MAX_PAGES):
            query = _given(markets=listed(markets) or None, fills_since=cursors.fills, funding_since=cursors.funding)
            record = self._whole_state(query, markets)
            if record.millis("time_ms") < time_ms:
                raise record.refusal("time_ms", f"must not be before {time_ms}, the page before it")
            time_ms = record.millis("time_ms")
            fills += [own.fill(row) for row in record.records("fills", form.MAX_ROWS)]
            payments += [own.funding_payment(row) for row in record.records("funding_payments")]
            moved = Cursors(record.text("fills_cursor"), record.text("funding_cursor"))
            if not record.flag("more"):
                return self._snapshot(record, markets, fills, payments, moved)
            if moved == cursors:
                raise record.refusal("fills_cursor", "must move while more is true")
            cursors = moved
        raise BadVenueData(f"/api/state: still more after {MAX_PAGES} pages")

    def _whole_state(self, query: dict[str, str], markets: Sequence[str]) -> Record:
        """Read a page of the state, with the books where they are wanted and the server knows the question."""
        if self._levels:
            try:
                return self._get("/api/state", {**query, "depth": str(self._levels)}, about=markets)
            except VenueRefused as error:
                if error.venue_code != UNKNOWN_QUESTION:
                    raise
                self._levels = 0  # an older server
        return self._get("/api/state", query, about=markets)

    def tell_depth(self, levels: int) -> None:
        """Ask the paper exchange for the books with its state; a real venue is asked nothing that it need not know."""
        self._levels = levels if self.name == PAPER else 0

    def look_anew(self) -> None:
        """Do nothing: every snapshot is whole."""

    def state(self, markets: Sequence[str]) -> Snapshot:
        """Read a snapshot without fills and payments: one request, however long the account's history is. A market that
        the venue took off its list costs its own ticker alone: what is held and rests there is shown all the same."""
        try:
            return self._state(markets)
        except VenueRefused as error:
            if error.venue_code != "unknown_market":
                raise
            served = {one.market for one in self.markets()}
            known = [market for market in markets if market in served]
            if len(known) == len(markets):
                raise
        return self._state(known)

    def _state(self, markets: Sequence[str]) -> Snapshot:
        from pfmm.model.account import Cursors

        self._patience_s = QUESTIONS_TOTAL_S
        query = _given(markets=listed(markets) or None, limit="0")
        record = self._get("/api/state", query)
        return self._snapshot(record, markets, (), (), Cursors())

    def submit(self, batch: Batch) -> BatchAnswer:
        """Send the batch in order cancel, amend, place, at most 100 items a request; see `purpleflea_batch.send`."""
        from pfmm.venue.purpleflea_batch import send

        return send(self.http, batch)

    def order(self, client_order_id: str) -> Order | None:
        """Find the order with that client order id; None only when the venue says in so many words that it has none.

        Waits for an answer no longer than 5 s, and 2.5, 1.2 and so on after each that did not come, until the next
        snapshot.
        """
        from pfmm.venue import purpleflea_account as own

        path = f"/api/orders/by-client-id/{part(client_order_id)}"
        asked_s = self.http.time.monotonic_s()
        try:
            found = own.order(Record(self.http.get(path, total_s=self._patience_s / 2), path))
        except VenueUnreachable:
            self._patience_s = max(self._patience_s - (self.http.time.monotonic_s() - asked_s), 0.0)
            raise
        except VenueRefused as error:
            if error.status == 404 and error.venue_code == "order_not_found":
                return None
            raise
        if found.client_order_id != client_order_id:
            raise BadVenueData(f"{path}: answered with the order of {found.client_order_id}")
        return found

    def open_orders(self, market: str | None = None) -> tuple[Order, ...]:
        """Read every open order of the account, or of one market."""
        record = self._get("/api/orders", _given(status="open", market=market), about=_named(market))
        return _open_orders(record, market)

    def positions(self) -> tuple[Position, ...]:
        """Read one signed position a market."""
        return _positions(self._get("/api/positions"))

    def account_state(self) -> Account:
        """Read equity and margin."""
        from pfmm.venue import purpleflea_account as own

        return own.account(self._get("/api/account"))

    def fills(self, since: str | None = None, market: str | None = None) -> tuple[Fill, ...]:
        """Read every fill since a cursor, oldest first, all pages."""
        from pfmm.venue import purpleflea_account as own

        found = self._pages("/api/fills", "fills", market, since, own.fill)
        form.once_each((one.fill_id for one in found), "/api/fills")
        return found

    def funding_payments(self, since: str | None = None) -> tuple[FundingPayment, ...]:
        """Read every funding payment since a cursor, oldest first, all pages."""
        from pfmm.venue import purpleflea_account as own

        found = self._pages("/api/funding-payments", "payments", None, since, own.funding_payment)
        form.once_each((one.payment_id for one in found), "/api/funding-payments")
        return found

    def cancel_all(self, market: str | None = None) -> int:
        """Cancel every open order of the account, or of one market, and return how many the venue says it cancelled."""
        path = "/api/orders"
        answer = self.http.act("DELETE", path, query=_given(market=market), lane=Lane.CANCEL)
        return _acted(lambda: Record(answer, f"DELETE {path}").whole("cancelled", 0, 1_000_000))

    def arm_dead_man(self, timeout_s: int) -> None:
        """Arm the switch to cancel everything after `timeout_s` seconds of silence; 0 disarms it."""
        path = "/api/dead-man"
        try:
            answer = self.http.act("POST", path, {"timeout_s": timeout_s}, lane=Lane.DEAD_MAN)
        except VenueRefused as error:
            from pfmm.venue.purpleflea_probe import absent

            if absent(error):
                raise CannotDoThis(
                    f"{self.name} has no dead-man switch", venue_code=error.venue_code, status=error.status
                ) from None
            raise
        armed = _acted(lambda: Record(answer, path).flag("armed"))
        if armed != (timeout_s > 0):
            raise OutcomeUnknown(f"{path}: asked for {timeout_s} s, the venue answers armed={armed}")

    def margin_mode(self, market: str) -> None:
        """Return None: the venue does not tell."""

    def actions_left(self) -> None:
        """Return None: actions are not counted here."""

    def budget_text(self) -> str:
        """Tell how many requests may still be sent, for a screen."""
        return self.http.budget_text()

    def budget_low(self) -> bool:
        """Tell whether little is left of the requests."""
        return self.http.budget_low()

    def probe(self, markets: Sequence[str]) -> tuple[str, ...]:
        """Ask every read that trading needs, once. Raises CannotDoThis naming those the venue lacks."""
        from pfmm.venue.purpleflea_probe import refuse_missing

        refuse_missing(self, markets[0])
        return ()

    def _snapshot(
        self,
        record: Record,
        markets: Sequence[str],
        fills: Sequence[Fill],
        payments: Sequence[FundingPayment],
        cursors: Cursors,
    ) -> Snapshot:
        from pfmm.model.account import Snapshot
        from pfmm.venue import purpleflea_account as own

        form.once_each((one.fill_id for one in fills), f"{record.where}.fills")
        form.once_each((one.payment_id for one in payments), f"{record.where}.funding_payments")
        return Snapshot(
            time=form.venue_time(record),
            account=own.account(record.record("account")),
            positions=_positions(record),
            orders=_open_orders(record, None),
            fills=tuple(fills),
            funding_payments=tuple(payments),
            tickers=self._tickers(record, markets or None),
            cursors=cursors,
            exchange_id=record.optional_text("exchange_id") if self.name == PAPER else None,
            books=_books(record) if self._levels and record.given("books") else (),
        )

    def _pages(
        self, path: str, name: str, market: str | None, since: str | None, row: Callable[[Record], Row]
    ) -> tuple[Row, ...]:
        found: list[Row] = []
        for _ in range(MAX_PAGES):
            record = self._get(path, _given(since=since, market=market), about=_named(market))
            found += [row(one) for one in record.records(name, form.MAX_ROWS)]
            if not record.flag("more"):
                return tuple(found)
            cursor = record.text("cursor")
            if cursor == since:
                raise record.refusal("cursor", "must move while more is true")
            since = cursor
        raise BadVenueData(f"{path}: still more after {MAX_PAGES} pages")


def _open_orders(record: Record, market: str | None) -> tuple[Order, ...]:
    from pfmm.venue import purpleflea_account as own

    rows = record.records("orders")
    found = tuple(own.open_order(row) for row in rows)
    form.once_each((one.order_id for one in found), f"{record.where}.orders")
    if market is not None:
        for row in rows:
            form.same_market(row, market)
    return found


def _books(record: Record) -> tuple[Book, ...]:
    return tuple(form.book(row, row.text("market")) for row in record.records("books", form.MAX_MARKETS))


def _positions(record: Record) -> tuple[Position, ...]:
    from pfmm.venue import purpleflea_account as own

    found = tuple(own.position(row) for row in record.records("positions", form.MAX_MARKETS))
    form.once_each((one.market for one in found), f"{record.where}.positions")
    return found


def _acted(read: Callable[[], Row]) -> Row:
    """Read an answer to a request that acts: one that cannot be read leaves its outcome unknown."""
    try:
        return read()
    except BadVenueData as error:
        raise OutcomeUnknown(f"{error.message}: the request may or may not have acted") from None


def _given(**fields: str | None) -> dict[str, str]:
    """Leave out of a query what is None. A blank market stays, for the venue to refuse: it must not mean every one."""
    return {name: value for name, value in fields.items() if value is not None}


def _named(market: str | None) -> tuple[str, ...]:
    return () if market is None else (market,)
