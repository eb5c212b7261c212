"""The paper exchange: every operation of the API over one store and one feed.

Whoever touches an account first advances it to the venue's now. Safe to call from several threads (one lock an
exchange) and from several processes at once (the store). Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pfmm.paper import market_data
from pfmm.paper.account import Account, OrderState
from pfmm.paper.clock import start_clock
from pfmm.paper.conversions import account_record, fill_record, funding_record, order_record, position_records
from pfmm.paper.feed_config import LIVE, renewed, synthetic
from pfmm.paper.feeds.feed import USD, Feed
from pfmm.paper.market_data import MAX_ROWS
from pfmm.paper.messages import (
    AccountRecord,
    AmendRequest,
    BatchItem,
    CancelRequest,
    ClockState,
    DeadManRecord,
    ExchangeError,
    FillPage,
    FundingPage,
    OrderRecord,
    PlaceRequest,
    PositionRecord,
    StateRecord,
)
from pfmm.paper.present import first, unknown
from pfmm.paper.public_side import PublicSide
from pfmm.paper.session import FeedFactory, Sessions
from pfmm.paper.store import ExchangeRow, Store, set_aside
from pfmm.paper.trading import Desk

DEFAULT_FEED: Mapping[str, Any] = synthetic(1)
MAX_DEPOSIT = 10**9
MAX_DEAD_MAN_S = 86_400


class Exchange(PublicSide):
    """All accounts of one store. Every operation raises ExchangeError (Busy when the store stays locked)."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        wall_ms: Callable[[], int],
        feed_factory: FeedFactory,
        uptime: Callable[[], tuple[str, int]] = unknown,
    ) -> None:
        self._sessions = Sessions(store, feed, wall_ms, feed_factory, uptime)

    @classmethod
    def open(
        cls,
        path: Path,
        feed_factory: FeedFactory,
        wall_ms: Callable[[], int],
        *,
        first_feed: Mapping[str, Any] = DEFAULT_FEED,
        first_epoch: int = 0,
        uptime: Callable[[], tuple[str, int]] = unknown,
    ) -> Exchange:
        """Open the store at `path`, or create it with `first_feed`. `wall_ms` and `uptime` are the machine's clocks:
        the wall's, and the boot's name with a steady clock's ms since. Raises ConfigError for a damaged file or a
        folder that cannot be written."""

        def first() -> ExchangeRow:
            span = feed_factory(first_feed).span()
            return ExchangeRow(first_epoch, first_feed, 1, start_clock(first_feed, wall_ms(), span))

        store = Store.open(path, first)
        try:
            return cls(store, feed_factory(store.exchange().feed), wall_ms, feed_factory, uptime)
        except BaseException:
            store.close()
            raise

    @classmethod
    def recreate(
        cls,
        path: Path,
        feed_factory: FeedFactory,
        wall_ms: Callable[[], int],
        uptime: Callable[[], tuple[str, int]] = unknown,
    ) -> Exchange:
        """Set a damaged file aside and start a new exchange whose ids are above all that the old one can have used. For
        a file that opens, `reset` is the right operation."""
        now = wall_ms()
        set_aside(path, now)
        return cls.open(path, feed_factory, wall_ms, first_epoch=now // 1000, uptime=uptime)

    def close(self) -> None:
        """Close the store's connection, and that to a live market."""
        with self._sessions.lock:
            self._sessions.stop_following()
            self._sessions.store.close()

    def damage(self) -> tuple[str, ...]:
        """Return what a full check of the store finds wrong; empty for a healthy one."""
        with self._sessions.lock:
            return self._sessions.store.damage()

    # -- orders

    def place(self, account: str, request: PlaceRequest) -> OrderRecord:
        """Place one order. 409 duplicate_client_order_id carries the order that has that id already."""
        return self._sessions.act(account, lambda desk, _: order_record(desk.place(request)), [request.market])

    def amend(self, account: str, request: AmendRequest) -> OrderRecord:
        """Change price and/or total size; a refusal leaves the order as it was."""
        return self._sessions.act(account, lambda desk, _: order_record(desk.amend(request)))

    def cancel(self, account: str, request: CancelRequest) -> OrderRecord:
        """Cancel one order; 404 order_not_found, 409 order_not_open with the order."""
        return self._sessions.act(account, lambda desk, _: order_record(desk.cancel(request)))

    def cancel_all(self, account: str, market: str | None = None) -> tuple[OrderRecord, ...]:
        """Cancel every open order (of one market) and return them as they now are."""

        def work(desk: Desk, clock: ClockState) -> tuple[OrderRecord, ...]:
            if market is not None:
                self.spec(market)
            return tuple(order_record(order) for order in desk.account.cancel_all("user", clock.time_ms, market))

        return self._sessions.act(account, work)

    def batch(
        self,
        account: str,
        cancels: Sequence[CancelRequest],
        amends: Sequence[AmendRequest],
        places: Sequence[PlaceRequest],
    ) -> tuple[tuple[BatchItem, ...], tuple[BatchItem, ...], tuple[BatchItem, ...]]:
        """Cancel, then amend, then place, in one transaction; a refusal of one item stops no other."""

        def work(desk: Desk, _: ClockState) -> tuple[tuple[BatchItem, ...], ...]:
            return _each(desk.cancel, cancels), _each(desk.amend, amends), _each(desk.place, places)

        cancelled, amended, placed = self._sessions.act(account, work, {place.market for place in places})
        return cancelled, amended, placed

    def order(self, account: str, *, order_id: str | None = None, client_order_id: str | None = None) -> OrderRecord:
        """Find one order by exactly one of its ids, open or not; 404 order_not_found."""
        return self._sessions.view(account, lambda desk, _: order_record(desk.named(order_id, client_order_id)))

    def orders(self, account: str, *, status: str = "open", market: str | None = None) -> tuple[OrderRecord, ...]:
        """Return the orders of `status` open, or all (the newest 1000 of the market, or of every one), oldest first."""

        def work(desk: Desk, _: ClockState) -> tuple[OrderRecord, ...]:
            found = _open_orders(desk.account)
            if status == "all":
                found = self._sessions.store.orders(account, only_open=False, limit=MAX_ROWS, market=market)
            return tuple(order_record(order) for order in found if market in (None, order.market))

        return self._sessions.view(account, work)

    def orders_named(self, account: str, beginning: str) -> tuple[OrderRecord, ...]:
        """Return the orders, open or not, whose client order id begins so; oldest first."""
        return self._sessions.view(
            account, lambda *_: tuple(map(order_record, self._sessions.store.orders_named(account, beginning)))
        )

    def orders_since(self, account: str, after: int, open_before: Collection[int]) -> tuple[OrderRecord, ...]:
        """Return what may have changed: the open orders, those numbered above `after`, and those of `open_before` that
        rest no more; oldest first. However many orders the account ever had, only these are read."""

        def work(desk: Desk, _: ClockState) -> tuple[OrderRecord, ...]:
            fresh = self._sessions.store.orders(account, only_open=False, limit=MAX_ROWS, after=after)
            found = {order.number: order for order in (*fresh, *_open_orders(desk.account))}
            ended = (number for number in open_before if number not in found)
            found |= {number: desk.named(f"o{number}", None) for number in ended}
            return tuple(order_record(found[number]) for number in sorted(found))

        return self._sessions.view(account, work)

    # -- account

    def account(self, account: str) -> AccountRecord:
        """Return equity and what it is made of."""
        return self._sessions.view(account, lambda desk, _: account_record(desk.account, desk.moment.mark))

    def positions(self, account: str) -> tuple[PositionRecord, ...]:
        """Return the position of every market that the account has traded, by name."""
        return self._sessions.view(
            account, lambda desk, _: position_records(desk.account, desk.moment.mark, self._sessions.specs)
        )

    def fills(self, account: str, *, since: int = 0, market: str | None = None, limit: int = MAX_ROWS) -> FillPage:
        """Return the executions after the cursor `since`, oldest first."""
        return self._sessions.view(account, lambda *_: self._fill_page(account, since, limit, market))

    def funding_payments(self, account: str, *, since: int = 0) -> FundingPage:
        """Return the funding payments after the cursor `since`, oldest first."""
        return self._sessions.view(account, lambda *_: self._funding_page(account, since, MAX_ROWS))

    def state(
        self,
        account: str,
        markets: Sequence[str],
        *,
        fills_since: int = 0,
        funding_since: int = 0,
        limit: int = MAX_ROWS,
        levels: int = 0,
    ) -> StateRecord:
        """Return one consistent snapshot of clock, account, positions, open orders, new fills and payments, and
        tickers; with `levels` also so many levels a side of each market's book."""

        def work(desk: Desk, clock: ClockState) -> StateRecord:
            moment = desk.moment
            return StateRecord(
                clock=self._sessions.shown(clock),
                account=account_record(desk.account, moment.mark),
                positions=position_records(desk.account, moment.mark, self._sessions.specs),
                orders=tuple(order_record(order) for order in _open_orders(desk.account)),
                fills=self._fill_page(account, fills_since, limit),
                funding=self._funding_page(account, funding_since, limit),
                tickers=tuple(market_data.ticker(moment, self.spec(market)) for market in markets),
                exchange_id=self._sessions.exchange_id,
                books=tuple(market_data.book(moment, self.spec(one), levels) for one in markets) if levels else (),
            )

        return self._sessions.view(account, work, markets)

    def arm_dead_man(self, account: str, timeout_s: int) -> DeadManRecord:
        """Arm the dead-man switch: it cancels every order after `timeout_s` s of venue time without a call; 0
        disarms."""
        if not 0 <= timeout_s <= MAX_DEAD_MAN_S:
            raise ExchangeError(400, "invalid_timeout_s", f"timeout_s must be 0 to {MAX_DEAD_MAN_S}, not {timeout_s}")

        def work(desk: Desk, clock: ClockState) -> DeadManRecord:
            desk.account.dead_man_ms = clock.time_ms + 1000 * timeout_s if timeout_s else None
            return DeadManRecord(bool(timeout_s), desk.account.dead_man_ms)

        return self._sessions.act(account, work)

    def deposit(self, account: str, amount: Decimal) -> AccountRecord:
        """Add USDC to the account; 400 invalid_amount unless positive, at most 1e9 and whole in 1e-8."""
        if not amount.is_finite() or not 0 < amount <= MAX_DEPOSIT or amount != amount.quantize(Decimal("1e-8")):
            rule = f"must be above 0, at most {MAX_DEPOSIT} and whole in 0.00000001"
            raise ExchangeError(400, "invalid_amount", f"amount {rule}, not {amount}")

        def work(desk: Desk, _: ClockState) -> AccountRecord:
            desk.account.deposits += int(amount * USD)
            return account_record(desk.account, desk.moment.mark)

        return self._sessions.act(account, work)

    def open_account(self, account: str) -> AccountRecord:
        """Open the account with the usual deposit, so that others find it by name; an open one stays as it is."""
        return self._sessions.act(account, lambda desk, _: account_record(desk.account, desk.moment.mark))

    def use_nonce(self, signer: str, nonce: int) -> bool:
        """Note the number of a signed request; return False where a request of that signer has used it already."""
        with self._sessions.lock, self._sessions.store.write():
            return self._sessions.store.use_nonce(signer, nonce)

    # -- the exchange as a whole

    def accounts(self) -> tuple[str, ...]:
        """Name every account that has ever acted, sorted."""
        with self._sessions.lock, self._sessions.store.read():
            return tuple(self._sessions.store.account_names())

    def feed_config(self) -> Mapping[str, Any]:
        """Return the configuration of the feed in use."""
        with self._sessions.lock:
            return self._sessions.row().feed

    def market_problem(self) -> str | None:
        """Say why a live market cannot be seen now; None where it can, and for any other market."""
        with self._sessions.lock:
            return self._sessions.market_problem()

    def reset(self) -> None:
        """Drop every account, order and fill and start the feed's clock anew; ids and cursors go on above the old ones.
        A synthetic market takes the newest generator."""
        with self._sessions.lock, self._sessions.store.write():
            row = self._sessions.row()
            config, feed = renewed(row.feed), self._sessions.feed
            if config != row.feed:
                feed = self._sessions.feed_factory(config)
                row = row._replace(feed=config, feed_revision=row.feed_revision + 1)
            self._sessions.store.forget_everything()
            # a live market does not begin anew: its time is the venue's
            if not _is_live(config):
                wall_ms = self._sessions.wall_ms()
                noted = first(wall_ms, self._sessions.uptime())
                row = row._replace(clock=start_clock(config, wall_ms, feed.span()), noted=noted)
            self._sessions.store.save_exchange(row._replace(epoch=row.epoch + 1))
            self._sessions.use(feed, row.feed_revision)

    def set_feed(self, config: Mapping[str, Any], *, reset: bool = False) -> None:
        """Switch the market; 409 feed_in_use while any account has an open order or a position, unless `reset`."""
        feed = self._sessions.feed_factory(config)
        wall_ms = self._sessions.wall_ms()
        clock = start_clock(config, wall_ms, feed.span())
        with self._sessions.lock:
            for name in () if reset else self.accounts():
                self._sessions.view(name, lambda *_: None)
            with self._sessions.store.write():
                row = self._sessions.row()
                exposed = [] if reset else self._sessions.store.exposed_accounts()
                if exposed:
                    message = f"open orders or positions in account {', '.join(exposed)}"
                    raise ExchangeError(409, "feed_in_use", message)
                if reset:
                    self._sessions.store.forget_everything()
                    row = row._replace(epoch=row.epoch + 1)
                self._sessions.store.live.clear()
                self._restart_accounts(clock.venue_ms)
                row = row._replace(feed=config, feed_revision=row.feed_revision + 1, clock=clock)
                row = row._replace(noted=first(wall_ms, self._sessions.uptime()))
                self._sessions.store.save_exchange(row)
            self._sessions.use(feed, row.feed_revision)

    def _restart_accounts(self, time_ms: int) -> None:
        """Start the accounts anew: history stays; time, dead-man and what was taken from the old display do not."""
        for name in self._sessions.store.account_names():
            loaded = self._sessions.store.load(name, self.spec)
            assert loaded is not None
            account, revision = loaded
            account.time_ms, account.dead_man_ms, account.books = time_ms, None, {}
            self._sessions.store.save(account, revision)

    def _fill_page(self, account: str, since: int, limit: int, market: str | None = None) -> FillPage:
        found = self._sessions.store.fills(account, since, limit + 1, market)
        page = tuple(fill_record(fill) for fill in found[:limit])
        return FillPage(page, page[-1].sequence if page else since, len(found) > limit)

    def _funding_page(self, account: str, since: int, limit: int) -> FundingPage:
        found = self._sessions.store.payments(account, since, limit + 1)
        page = tuple(funding_record(payment) for payment in found[:limit])
        return FundingPage(page, page[-1].sequence if page else since, len(found) > limit)


Request = TypeVar("Request")


def _is_live(config: Mapping[str, Any]) -> bool:
    return config.get("kind") == LIVE


def _each(act: Callable[[Request], OrderState], requests: Sequence[Request]) -> tuple[BatchItem, ...]:
    answers: list[BatchItem] = []
    for request in requests:
        try:
            answers.append(order_record(act(request)))
        except ExchangeError as refusal:
            answers.append(refusal)
    return tuple(answers)


def _open_orders(account: Account) -> list[OrderState]:
    return [order for _, order in sorted(account.orders.items())]
