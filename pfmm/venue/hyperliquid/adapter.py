"""Hyperliquid as a Venue: its reads, put together to snapshots, and its signed actions. Layer: venue.

The account is an address. Reads need no key; the signer is asked for at the first action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from pfmm.errors import BadVenueData, VenueUnreachable
from pfmm.model.account import Account, ActionsLeft, Cursors, FundingPayment, MarginMode, Position, Snapshot, VenueTime
from pfmm.model.market import Book, Candle, FundingRate, Instrument, Ticker, Trade
from pfmm.model.order import Batch, BatchAnswer, CancelOrder, Fill, Order
from pfmm.ports import Amend, Capabilities
from pfmm.venue.assemble import Reads, assemble
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid import actions, fees, identity, reads
from pfmm.venue.hyperliquid.action_budget import ActionBudget
from pfmm.venue.hyperliquid.client_ids import to_cloid
from pfmm.venue.hyperliquid.everywhere import Everywhere
from pfmm.venue.hyperliquid.info import LATE_MS, Info
from pfmm.venue.hyperliquid.looking import PAYMENTS_EVERY_MS, STANDS_MS, Look, Memory, revalued, signature
from pfmm.venue.hyperliquid.market_data import PublicData
from pfmm.venue.hyperliquid.numbers import coin_of, dex_of
from pfmm.venue.hyperliquid.signing import Signer
from pfmm.venue.hyperliquid.submit import Desk, Link
from pfmm.venue.weights import WeightBudget
from pfmm.venue.wire import Record

if TYPE_CHECKING:
    from pfmm.venue.hyperliquid.following import Following

ENTRY_FEES_BPS = (Decimal("1.5"), Decimal("4.5"))  # maker and taker, for reads without an account
FULL_LOOK = 44  # time, orders, fills and state, without prices

States = Mapping[str, Record]
History = tuple[tuple[Fill, ...], tuple[FundingPayment, ...], Cursors]
NO_HISTORY: History = ((), (), Cursors())


class Hyperliquid:
    """One account on Hyperliquid. Owns its client.

    `account` is the address whose orders and positions are read; empty for public data alone. `signer` gives the key
    that may act for it. `more_dexes` are the builders' lists of markets that the account uses beside the venue's own.
    `follow` opens the socket that tells of changes; None where each look is to ask. `everywhere` is for an emergency,
    whose looks take in what the account has on lists that nobody named.
    """

    capabilities = Capabilities(
        Amend.REPLACE,
        atomic_snapshot=False,
        batch_max=actions.MAX_ITEMS,
        trigger_orders=True,
        dead_man_least_s=actions.DEAD_MAN_LEAST_S,
    )

    def __init__(
        self,
        http: HttpClient,
        *,
        account: str,
        mainnet: bool,
        signer: Callable[[], Signer],
        nonce: Callable[[], int],
        name: str = "hyperliquid",
        more_dexes: Sequence[str] = (),
        weights: WeightBudget | None = None,
        follow: Callable[[], Following] | None = None,
        everywhere: bool = False,
    ) -> None:
        self.name = name
        self.account = account
        self.http = http
        self._info = Info(http, name, account)
        self._signer = signer
        self._weights = weights
        self._budget = ActionBudget()
        self._link = Link(http, signer, nonce, mainnet=mainnet, vault=self._vault)
        self._dexes = ("", *more_dexes)
        self._special: str | None = None
        self._was_out = False
        self._newest_ms = 0  # venue time of the newest answer: acknowledgements carry none
        self._shown: dict[str, Order] = {}  # what rested in the newest snapshot, by the venue's id
        self._memory = Memory()
        self._public = PublicData(self._info, name, self._dexes)
        self._everywhere = Everywhere(self._info, self._public) if everywhere else None
        self._follow = follow
        self._socket: Following | None = None
        self._looks = 0

    def close(self) -> None:
        """Close the connections."""
        if self._socket is not None:
            self._socket.close()
        self.http.close()

    # -- public data

    def time(self) -> VenueTime:
        """Read the venue's clock. What it says of special days is kept for the screen."""
        status = self._info.record({"type": "exchangeStatus"})
        found = VenueTime(status.millis("time"))
        self._special = status.shown("specialStatuses") if status.given("specialStatuses") else None
        self._newest_ms = max(self._newest_ms, found.time_ms)
        return found

    def markets(self) -> tuple[Instrument, ...]:
        """Read every market that is not delisted, at the account's own fees (the entry tier's without an account)."""
        rates = ENTRY_FEES_BPS
        if self.account:
            rates = fees.fees_bps(self._info.record(self._info.mine("userFees")))
        return self._public.instruments(*rates)

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:
        """Read tickers of `markets` with best quotes, or of every market, without quotes, in one request a list."""
        dexes = self._dexes if markets is None else tuple(dict.fromkeys(dex_of(market) for market in markets))
        contexts = self._public.contexts(dexes)
        if markets is None:
            return self._public.all_tickers(contexts, self.http.time.wall_ms())
        return self._public.tickers(markets, contexts)

    def book(self, market: str, depth: int) -> Book:
        """Read the best `depth` levels of each side, at most 20."""
        self._public.refuse_unlisted([market])
        found = self._public.book(market)
        return Book(found.market, found.time_ms, found.bids[:depth], found.asks[:depth])

    def trades(self, market: str, since_ms: int) -> tuple[Trade, ...]:
        """Read the few newest public prints since a venue time, oldest first: the venue keeps no history of them."""
        self._public.refuse_unlisted([market])
        rows = self._info.rows({"type": "recentTrades", "coin": coin_of(market)})
        found = sorted(map(reads.trade, rows), key=lambda one: one.time_ms)
        return tuple(one for one in found if one.time_ms > since_ms)

    def candles(self, market: str, since_ms: int) -> tuple[Candle, ...]:
        """Read one-minute candles since a venue time, oldest first, at most 5,000."""
        self._public.refuse_unlisted([market])
        asked = {"coin": coin_of(market), "interval": "1m", "startTime": since_ms, "endTime": self.time().time_ms}
        return reads.candles(self._info.rows({"type": "candleSnapshot", "req": asked}))

    def past_mids(self, market: str, times: Sequence[int]) -> tuple[tuple[int, Decimal], ...]:  # noqa: ARG002 - as the port has it
        """Return none: the venue keeps no past quotes."""
        return ()

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        """Read settled hourly rates after a venue time, oldest first."""
        self._public.refuse_unlisted([market])
        asked = {"type": "fundingHistory", "coin": coin_of(market), "startTime": since_ms + 1}
        return reads.funding_rates(self._info.rows(asked))

    # -- the account

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        """Build one consistent view: time, orders, fills, account state and prices, read in this order.

        Nothing is asked where the socket shows fresh prices and tells of no change since the last whole look, for a
        minute. Without it, while nothing was sent and nothing has filled, orders and fills of that look stand for 15 s.
        After an outage, as of an upgrade, the list of markets and their numbers are read anew.
        """
        try:
            found = self._look(markets, cursors)
        except VenueUnreachable:
            self._was_out = True
            self._memory.sent()
            raise
        if self._was_out:
            self._was_out = False
            self._public.forget()
        return found

    def _look(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        """Take the cheapest look that may be trusted."""
        dexes = self._lists_of(markets)
        socket = self._followed(markets)
        if socket is not None:
            unchanged = socket.unchanged(markets, cursors, dexes, self._memory)
            if unchanged is not None:
                return self._revalued(markets, *unchanged)
        connection = 0 if socket is None else socket.connection()
        standing = None if connection else self._memory.standing(cursors, dexes, self._newest_ms)
        prices = 2 * sum(self._public.shown(market) is None for market in markets)
        self._keep_pace((2 + 2 * len(dexes) if standing else FULL_LOOK) + prices)
        if standing is not None:
            parts = assemble(
                self._reads(dexes, lambda: standing.orders, lambda: ((), (), cursors)),
                pause=self.http.rest,
                monotonic_s=self.http.time.monotonic_s,
            )
            fits = parts.asked_ms - standing.asked_ms < STANDS_MS
            if fits and signature(parts.state) == standing.signature:
                return self._snapshot(markets, parts.state, parts.orders, standing.asked_ms, parts.fills)
            self._keep_pace(FULL_LOOK)
        return self._whole_look(markets, dexes, cursors, connection)

    def _whole_look(
        self, markets: Sequence[str], dexes: tuple[str, ...], cursors: Cursors, connection: int
    ) -> Snapshot:
        """Read everything anew, and remember it."""
        self._learn_actions()

        def agree(history: History, states: States) -> bool:
            return self._memory.agree(history[0], _positions(states))

        whole = assemble(
            replace(self._reads(dexes, self.open_orders, lambda: self._since(cursors)), agree=agree),
            pause=self.http.rest,
            monotonic_s=self.http.time.monotonic_s,
        )
        agreed = agree(whole.fills, whole.state)
        shown = self._snapshot(markets, whole.state, whole.orders, whole.asked_ms, whole.fills)
        self._memory.keep(Look(whole.asked_ms, dexes, shown, signature(whole.state), agreed, connection))
        return shown

    def _revalued(self, markets: Sequence[str], look: Look, now_ms: int) -> Snapshot:
        """Give what the look of before showed, at the prices of now. What the socket does not show is asked for."""
        self._newest_ms = max(self._newest_ms, now_ms)
        self._memory.shown_ms = max(self._memory.shown_ms, now_ms)
        told = self._public.recent(markets, look.dexes, now_ms)
        now = revalued(look, tuple(ticker for ticker, _ in told), now_ms)
        return replace(now, books=tuple(book for _, book in told))

    def _followed(self, markets: Sequence[str]) -> Following | None:
        """Return the socket that follows the account. The second look opens it: who looks once has no use for it."""
        self._looks += 1
        if self._socket is None and self._follow is not None and self._looks > 1 and self.account:
            self._socket = self._follow()
            self._public.shown = self._socket.price
        if self._socket is not None:
            self._socket.follow(markets)
        return self._socket

    def tell_depth(self, levels: int) -> None:
        """Do nothing: the quotes come from the books, which every snapshot has."""

    def look_anew(self) -> None:
        """Make the next snapshot read orders and fills again; who asks for that needs no socket."""
        self._memory.sent()
        self._looks = 0

    def state(self, markets: Sequence[str]) -> Snapshot:
        """Read a snapshot without fills and payments; a market that is not listed costs its own ticker alone. In an
        emergency it takes in every builder's list on which the account has anything, and names those not seen."""
        if self._everywhere is not None:
            more = self._everywhere.look(self._dexes)
            if more:
                self._dexes = (*self._dexes, *more)
                self._public.use(self._dexes)
        dexes = self._lists_of(markets)
        parts = assemble(
            self._reads(dexes, self.open_orders, lambda: NO_HISTORY),
            pause=self.http.rest,
            monotonic_s=self.http.time.monotonic_s,
        )
        priced = [market for market in markets if market in self._public.listed]
        found = self._snapshot(priced, parts.state, parts.orders, parts.asked_ms, parts.fills)
        return found if self._everywhere is None else replace(found, unseen=self._everywhere.unseen)

    def order(self, client_order_id: str) -> Order | None:
        """Find the order of a client order id; None when the venue knows none, which it says of a wrong account too."""
        asked = {**self._info.mine("orderStatus"), "oid": to_cloid(client_order_id)}
        found = reads.order_status(self._info.record(asked))
        if found is not None and found.client_order_id != client_order_id:
            raise BadVenueData(f"orderStatus: asked for {client_order_id}, answered {found.client_order_id}")
        return found

    def open_orders(self, market: str | None = None) -> tuple[Order, ...]:
        """Read every open order of the account on the lists that it uses, or of one market."""
        dexes = self._dexes if market is None else (dex_of(market),)
        rows = (row for dex in dexes for row in self._info.rows(self._mine("frontendOpenOrders", dex)))
        return tuple(one for one in map(reads.open_order, rows) if market in (None, one.market))

    def positions(self) -> tuple[Position, ...]:
        """Read one signed position a market."""
        return _positions(self._states(self._dexes))

    def account_state(self) -> Account:
        """Read equity and margin."""
        return self._account(self._states(self._dexes))

    def fills(self, since: str | None = None, market: str | None = None) -> tuple[Fill, ...]:
        """Read executions since a cursor (a venue time in ms), oldest first, each once."""
        found = self._info.fills_from(0 if since is None else int(since))
        return tuple(one for one in found if market in (None, one.market))

    def funding_payments(self, since: str | None = None) -> tuple[FundingPayment, ...]:
        """Read funding payments since a cursor (a venue time in ms), oldest first."""
        return self._info.payments_from(0 if since is None else int(since))

    # -- actions

    def submit(self, batch: Batch) -> BatchAnswer:
        """Send the batch: cancels by id, cancels by client id, replacements, then new orders, at most 39 a request."""
        self._memory.sent()
        return Desk(self._link, self._public.assets, self._shown, self._newest_ms, self._budget).submit(batch)

    def cancel_all(self, market: str | None = None) -> int:
        """Read what rests, cancel it by the venue's ids, and return how many the venue says it cancelled."""
        resting = self.open_orders(market)
        answer = self.submit(Batch(cancel=tuple(CancelOrder(one.market, order_id=one.order_id) for one in resting)))
        return sum(isinstance(item, Order) for item in answer.cancel)

    def arm_dead_man(self, timeout_s: int) -> None:
        """Arm the switch to cancel everything after `timeout_s` seconds of silence; 0 disarms it.

        Raises CannotDoThis where the venue does not grant it, as below a million of traded volume.
        """
        now_ms = self.time().time_ms
        self._budget.spend(1, now_ms)
        self._link.dead_man(actions.dead_man(now_ms + 1000 * timeout_s if timeout_s else None, now_ms))

    def probe(self, markets: Sequence[str]) -> tuple[str, ...]:
        """Read all that trading needs, prove the key, and tell what protects the account."""
        from pfmm.venue.hyperliquid.probing import probe

        identity.refuse_no_account(self._info, self.name)
        self._link.prove_key()
        now_ms = self.state(markets).time.time_ms
        self._learn_actions()
        return probe(self._info, self.name, self._signer().address, now_ms)

    def margin_mode(self, market: str) -> MarginMode:
        """Read leverage and margin mode, which pfmm never changes, and what lies on the market's list to back it."""
        found = reads.margin_mode(self._info.record(self._info.mine("activeAssetData", coin=coin_of(market))))
        dex = dex_of(market)  # whose positions are isolated; where one is not, all of the account is taken to back it
        return replace(found, collateral=self._collateral(dex)) if found.isolated or not dex else found

    def _collateral(self, dex: str) -> Decimal | None:
        """Return the USD that lie on a list; None where one list is all there is, and where a unified account's money
        backs all of them."""
        if not dex and len(self._dexes) == 1:
            return None
        summary = self._info.record(self._mine("clearinghouseState", dex)).record("marginSummary")
        value = summary.decimal_text("accountValue")
        return None if not value and self._mode == "unifiedAccount" else value

    def actions_left(self) -> ActionsLeft | None:
        """Tell what is left of the account's actions: the venue grants 10,000 and one for each USD ever traded."""
        self._learn_actions()
        return self._budget.left()

    def budget_text(self) -> str:
        """Tell what weight and actions are left, and how long the actions last at the pace of now."""
        actions_left = self._budget.text(self._newest_ms)
        socket = None if self._socket is None else self._socket.text()
        special = None if self._special is None else f"the venue says: {self._special}"
        told = (self.http.budget_text(), actions_left, socket, special)
        return ", ".join(one for one in told if one is not None)

    def budget_low(self) -> bool:
        """Tell whether little is left of either."""
        return self.http.budget_low() or self._budget.low()

    def _learn_actions(self) -> None:
        """Ask what the venue counts, where that is due."""
        if self.account and self._budget.due(self._newest_ms):
            record = self._info.record(self._info.mine("userRateLimit"))
            most = 10**15
            used, cap = record.whole("nRequestsUsed", 0, most), record.whole("nRequestsCap", 0, most)
            self._budget.learn(used, cap, self._newest_ms)

    def _vault(self, signer: str) -> str | None:
        """Return the address that is traded for; see `identity.vault_for`."""
        return identity.vault_for(self._info, self.name, signer)

    # -- reading

    def _lists_of(self, markets: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._dexes, *(dex_of(market) for market in markets))))

    def _mine(self, kind: str, dex: str) -> dict[str, object]:
        return self._info.mine(kind, dex=dex) if dex else self._info.mine(kind)

    def _states(self, dexes: Sequence[str]) -> States:
        return {dex: self._info.record(self._mine("clearinghouseState", dex)) for dex in dexes}

    def _reads(
        self, dexes: Sequence[str], orders: Callable[[], tuple[Order, ...]], history: Callable[[], History]
    ) -> Reads[tuple[Order, ...], History, States]:
        return Reads(
            time_ms=lambda: self.time().time_ms,
            orders=orders,
            fills=history,
            state=lambda: self._states(dexes),
            state_time_ms=lambda states: min(state.millis("time") for state in states.values()),
        )

    def _keep_pace(self, weight: int) -> None:
        """Wait until a look of so much weight fits the pace of loops."""
        weights = self._weights
        if weights is not None:
            self.http.keep_pace(lambda: weights.pace(weight), "a look at the account")

    def _snapshot(
        self, markets: Sequence[str], states: States, orders: tuple[Order, ...], orders_ms: int, history: History
    ) -> Snapshot:
        fills, payments, cursors = history
        time_ms = min(state.millis("time") for state in states.values())
        positions = _positions(states)
        told = self._public.recent(markets, tuple(states), time_ms) if markets else ()
        marks = {one.market: one.mark_price for one in positions}
        self._newest_ms = max(self._newest_ms, time_ms)
        self._memory.shown_ms = max(self._memory.shown_ms, time_ms)
        self._shown = {one.order_id: one for one in orders}
        return Snapshot(
            time=VenueTime(time_ms),
            account=self._account(states),
            positions=positions,
            orders=orders,
            fills=fills,
            funding_payments=payments,
            tickers=tuple(replace(one, mark=marks.get(one.market, one.mark)) for one, _ in told),
            cursors=cursors,
            orders_ms=orders_ms,
            books=tuple(book for _, book in told),
            notice=self._special,
        )

    def _account(self, states: States) -> Account:
        """Read the account over all lists. One without equity is looked at more closely: it may be unified, or none."""
        found = reads.account(list(states.values()), self.account)
        return found if found.equity else self._really_empty(found)

    def _really_empty(self, found: Account) -> Account:
        mode = self._mode
        identity.refuse_portfolio_margin(mode, self.name)
        if mode != "unifiedAccount":
            return found
        spot = self._info.record(self._info.mine("spotClearinghouseState"))
        equity = reads.unified_equity(spot, found.unrealized_pnl or Decimal(0))
        free = max(equity - found.margin_used, Decimal(0))
        return replace(found, equity=equity, cash=equity - (found.unrealized_pnl or Decimal(0)), free_margin=free)

    @cached_property
    def _mode(self) -> str:
        """Read the account's mode, once it is known to be an account: an agent's address, too, shows no equity."""
        identity.refuse_no_account(self._info, self.name)
        answer = self._info.ask(self._info.mine("userAbstraction"))
        if not isinstance(answer, str):
            raise BadVenueData("userAbstraction: must be a word")
        return answer

    def _since(self, cursors: Cursors) -> History:
        """Read new fills and payments. Fills arrive late, so some are read again: the journal takes each once."""
        found = self._info.fills_from(max(int(cursors.fills or 0) - LATE_MS, 0))
        newest_ms = max([int(cursors.fills or 0), *(one.time_ms for one in found)])
        payments: tuple[FundingPayment, ...] = ()
        if self._memory.paid_ms is None or self._newest_ms - self._memory.paid_ms >= PAYMENTS_EVERY_MS:
            payments = self._info.payments_from(max(int(cursors.funding or 0) - LATE_MS, 0))
            self._memory.paid_ms = self._newest_ms
        paid_ms = max([int(cursors.funding or 0), *(one.time_ms for one in payments)])
        return found, payments, Cursors(str(newest_ms), str(paid_ms))


def _positions(states: States) -> tuple[Position, ...]:
    return tuple(one for state in states.values() for one in reads.positions(state))
