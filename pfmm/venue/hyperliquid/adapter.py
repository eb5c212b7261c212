"""Hyperliquid as a Venue: its reads, put together to snapshots, and its signed actions. Layer: venue.

The account is an address. Reads need no key; the signer is asked for at the first action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from pfmm.errors import BadVenueData, ConfigError, UnknownMarket
from pfmm.model.account import Account, Cursors, FundingPayment, Position, Snapshot, VenueTime
from pfmm.model.market import Book, Candle, FundingRate, Instrument, Ticker, Trade
from pfmm.model.order import Batch, BatchAnswer, CancelOrder, Fill, Order
from pfmm.ports import Amend, Capabilities
from pfmm.venue.assemble import Reads, assemble
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid import actions, reads
from pfmm.venue.hyperliquid.client_ids import to_cloid
from pfmm.venue.hyperliquid.numbers import asset_id, coin_of, market_of
from pfmm.venue.hyperliquid.reads import Context, Listing
from pfmm.venue.hyperliquid.signing import Signer
from pfmm.venue.hyperliquid.submit import Desk, Link
from pfmm.venue.wire import Record

INFO = "/info"
PAGE = 2_000
LATE_FILLS_MS = 60_000
MAX_PAGES = 100
# entry tier, for reads without an account
MAKER_BPS = Decimal("1.5")
TAKER_BPS = Decimal("4.5")


class Hyperliquid:
    """One account on Hyperliquid. Owns its client.

    `account` is the address whose orders and positions are read; empty for public data alone. `signer` gives the key
    that may act for it, `vault` is the account's address where it is a sub-account or vault.
    """

    capabilities = Capabilities(Amend.NONE, atomic_snapshot=False, batch_max=actions.MAX_ITEMS)

    def __init__(
        self,
        http: HttpClient,
        *,
        account: str,
        mainnet: bool,
        signer: Callable[[], Signer],
        nonce: Callable[[], int],
        vault: str | None = None,
    ) -> None:
        self.name = "hyperliquid"
        self.account = account
        self.http = http
        self._link = Link(http, signer, nonce, mainnet=mainnet, vault=vault)
        self._newest_ms = 0  # venue time of the newest answer: acknowledgements carry none
        self._shown: dict[str, Order] = {}  # what rested in the newest snapshot, by the venue's id

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # -- public data

    def time(self) -> VenueTime:
        """The venue's clock."""
        found = VenueTime(self._record({"type": "exchangeStatus"}).millis("time"))
        self._newest_ms = max(self._newest_ms, found.time_ms)
        return found

    def markets(self) -> tuple[Instrument, ...]:
        """Every market that is not delisted, with the account's own fees, or the entry tier's without an account."""
        maker_bps, taker_bps = MAKER_BPS, TAKER_BPS
        if self.account:
            maker_bps, taker_bps = reads.fees_bps(self._record(self._mine("userFees")))
        return tuple(reads.instrument(one, maker_bps, taker_bps) for one in self._listings if not one.delisted)

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:
        """Tickers of `markets` with their best quotes, or of every market in one request, without quotes."""
        contexts = self._contexts()
        if markets is None:
            now_ms = self.time().time_ms
            books = (Book(market_of(coin), now_ms, (), ()) for coin in contexts)
            return tuple(reads.ticker(book, contexts[coin_of(book.market)][1]) for book in books)
        self._refuse_unlisted(markets, contexts)
        return tuple(reads.ticker(self.book(market, 1), contexts[coin_of(market)][1]) for market in markets)

    def book(self, market: str, depth: int) -> Book:
        """The best `depth` levels of each side, at most 20."""
        self._asset(market)
        found = reads.book(self._record({"type": "l2Book", "coin": coin_of(market)}), coin_of(market))
        return Book(found.market, found.time_ms, found.bids[:depth], found.asks[:depth])

    def trades(self, market: str, since_ms: int) -> tuple[Trade, ...]:
        """The few newest public prints since a venue time, oldest first: the venue keeps no history of them."""
        self._asset(market)
        rows = self._rows({"type": "recentTrades", "coin": coin_of(market)})
        found = sorted(map(reads.trade, rows), key=lambda one: one.time_ms)
        return tuple(one for one in found if one.time_ms > since_ms)

    def candles(self, market: str, since_ms: int) -> tuple[Candle, ...]:
        """One-minute candles since a venue time, oldest first, at most 5,000."""
        self._asset(market)
        asked = {"coin": coin_of(market), "interval": "1m", "startTime": since_ms, "endTime": self.time().time_ms}
        return reads.candles(self._rows({"type": "candleSnapshot", "req": asked}))

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        """Settled hourly rates after a venue time, oldest first."""
        self._asset(market)
        asked = {"type": "fundingHistory", "coin": coin_of(market), "startTime": since_ms + 1}
        return reads.funding_rates(self._rows(asked))

    # -- the account

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        """One consistent view: time, orders, fills, account state and prices, read in this order."""
        return self._assembled(markets, lambda: self._since(cursors))

    def state(self, markets: Sequence[str]) -> Snapshot:
        """A snapshot without fills and payments; a market that is not listed costs its own ticker alone."""
        listed = {market_of(one.coin) for one in self._listings if not one.delisted}
        nothing: tuple[tuple[Fill, ...], tuple[FundingPayment, ...], Cursors] = ((), (), Cursors())
        return self._assembled([market for market in markets if market in listed], lambda: nothing)

    def order(self, client_order_id: str) -> Order | None:
        """The order of a client order id; None when the venue knows none, which it says of a wrong account too."""
        asked = {**self._mine("orderStatus"), "oid": to_cloid(client_order_id)}
        found = reads.order_status(self._record(asked))
        if found is not None and found.client_order_id != client_order_id:
            raise BadVenueData(f"orderStatus: asked for {client_order_id}, answered {found.client_order_id}")
        return found

    def open_orders(self, market: str | None = None) -> tuple[Order, ...]:
        """Every open order of the account, or of one market."""
        found = tuple(map(reads.open_order, self._rows(self._mine("frontendOpenOrders"))))
        return tuple(one for one in found if market in (None, one.market))

    def positions(self) -> tuple[Position, ...]:
        """One signed position a market."""
        return reads.positions(self._clearinghouse())

    def account_state(self) -> Account:
        """Equity and margin."""
        return reads.account(self._clearinghouse(), self.account)

    def fills(self, since: str | None = None, market: str | None = None) -> tuple[Fill, ...]:
        """Executions since a cursor (a venue time in ms), oldest first, each once."""
        found, _ = self._fills_since(0 if since is None else int(since))
        return tuple(one for one in found if market in (None, one.market))

    def funding_payments(self, since: str | None = None) -> tuple[FundingPayment, ...]:
        """Funding payments since a cursor (a venue time in ms), oldest first."""
        asked = {**self._mine("userFunding"), "startTime": 0 if since is None else int(since)}
        found = {one.payment_id: one for one in map(reads.funding_payment, self._rows(asked))}
        return tuple(sorted(found.values(), key=lambda one: one.time_ms))

    # -- actions

    def submit(self, batch: Batch) -> BatchAnswer:
        """Send the batch: cancels by id, cancels by client id, then new orders, at most 39 items a request."""
        return Desk(self._link, self._assets, self._shown, self._newest_ms).submit(batch)

    def cancel_all(self, market: str | None = None) -> int:
        """Read what rests, and cancel it by the venue's ids; the number that the venue says it cancelled."""
        resting = self.open_orders(market)
        answer = self.submit(Batch(cancel=tuple(CancelOrder(one.market, order_id=one.order_id) for one in resting)))
        return sum(isinstance(item, Order) for item in answer.cancel)

    def probe(self, markets: Sequence[str]) -> tuple[str, ...]:
        """Ask the reads that trading needs."""
        self.state(markets)
        return ()

    def budget_text(self) -> str:
        """The requests that may still be sent."""
        return self.http.budget_text()

    def budget_low(self) -> bool:
        """True when little is left of them."""
        return self.http.budget_low()

    def arm_dead_man(self, timeout_s: int) -> None:
        """Arm the switch to cancel everything after `timeout_s` seconds of silence; 0 disarms it.

        Raises CannotDoThis where the venue does not grant it, as below a million of traded volume.
        """
        now_ms = self.time().time_ms
        self._link.dead_man(actions.dead_man(now_ms + 1000 * timeout_s if timeout_s else None, now_ms))

    # -- reading

    @cached_property
    def _listings(self) -> tuple[Listing, ...]:
        return reads.listings(self._record({"type": "meta"}))

    @cached_property
    def _assets(self) -> Mapping[str, int]:
        return {market_of(one.coin): asset_id(one.index) for one in self._listings if not one.delisted}

    def _asset(self, market: str) -> int:
        self._refuse_unlisted([market], {coin_of(name) for name in self._assets})
        return self._assets[market]

    def _refuse_unlisted(self, markets: Iterable[str], coins: Iterable[str]) -> None:
        listed = set(coins)
        unknown = [market for market in markets if coin_of(market) not in listed]
        if unknown:
            raise UnknownMarket(f"{self.name} does not list {', '.join(unknown)}", hint="`pfmm markets` lists them")

    def _contexts(self) -> Mapping[str, tuple[Listing, Context]]:
        answer = self.http.ask(INFO, {"type": "metaAndAssetCtxs"})
        if not isinstance(answer, list):
            raise BadVenueData("metaAndAssetCtxs: must be a list of the universe and its contexts")
        return reads.contexts(answer, "metaAndAssetCtxs")

    def _clearinghouse(self) -> Record:
        return self._record(self._mine("clearinghouseState"))

    def _assembled(
        self,
        markets: Sequence[str],
        since: Callable[[], tuple[tuple[Fill, ...], tuple[FundingPayment, ...], Cursors]],
    ) -> Snapshot:
        parts = assemble(
            Reads(
                time_ms=lambda: self.time().time_ms,
                orders=self.open_orders,
                fills=since,
                state=self._clearinghouse,
                state_time_ms=lambda state: state.millis("time"),
            ),
            pause=self.http.time.sleep,
            monotonic_s=self.http.time.monotonic_s,
        )
        fills, payments, cursors = parts.fills
        time_ms = parts.state.millis("time")
        tickers = self.tickers(markets) if markets else ()
        self._newest_ms = max(self._newest_ms, time_ms)
        self._shown = {one.order_id: one for one in parts.orders}
        return Snapshot(
            time=VenueTime(time_ms),
            account=reads.account(parts.state, self.account),
            positions=reads.positions(parts.state),
            orders=parts.orders,
            fills=fills,
            funding_payments=payments,
            tickers=tickers,
            cursors=cursors,
        )

    def _since(self, cursors: Cursors) -> tuple[tuple[Fill, ...], tuple[FundingPayment, ...], Cursors]:
        """New fills and payments. What is read again, since fills arrive late, the journal takes once."""
        start_ms = 0 if cursors.fills is None else max(int(cursors.fills) - LATE_FILLS_MS, 0)
        found, newest_ms = self._fills_since(start_ms)
        payments = self.funding_payments(cursors.funding)
        paid_ms = max([int(cursors.funding or 0), *(one.time_ms for one in payments)])
        return found, payments, Cursors(str(max(newest_ms, int(cursors.fills or 0))), str(paid_ms))

    def _fills_since(self, start_ms: int) -> tuple[tuple[Fill, ...], int]:
        """Every fill from a time on. A page goes on at the last time INCLUSIVE: neighbours share a millisecond."""
        found: dict[str, Fill] = {}
        newest_ms = start_ms
        for _ in range(MAX_PAGES):
            asked = {**self._mine("userFillsByTime"), "startTime": newest_ms, "aggregateByTime": False}
            page = reads.fills(self._rows(asked))
            before = len(found)
            found |= {one.fill_id: one for one in page}
            if page:
                newest_ms = max(newest_ms, page[-1].time_ms)
            if len(page) < PAGE:
                return tuple(sorted(found.values(), key=lambda one: one.time_ms)), newest_ms
            if len(found) == before:
                raise BadVenueData(f"userFillsByTime: more than {PAGE} fills in the millisecond {newest_ms}")
        raise BadVenueData(f"userFillsByTime: still more after {MAX_PAGES} pages")

    def _mine(self, kind: str) -> dict[str, object]:
        """A question about the account. Raises ConfigError without one: the venue would answer for an empty account."""
        if not self.account:
            raise ConfigError(
                f"{kind} is about an account, and none is set: {self.name} accounts are addresses",
                hint="`pfmm profile set account 0x…`: the account's own address, not that of an agent's key",
            )
        return {"type": kind, "user": self.account}

    def _record(self, asked: Mapping[str, object]) -> Record:
        return Record(self.http.ask(INFO, asked), str(asked["type"]))

    def _rows(self, asked: Mapping[str, object]) -> list[Record]:
        answer = self.http.ask(INFO, asked)
        if not isinstance(answer, list) or len(answer) > reads.MAX_ROWS:
            raise BadVenueData(f"{asked['type']}: must be a list of at most {reads.MAX_ROWS} rows")
        return [Record(row, f"{asked['type']}[{place}]") for place, row in enumerate(answer)]
