"""Turns Hyperliquid's answers to reads into the model. Layer: venue. Pure.

Prices and sizes arrive as text. Sides are A (ask, sell) and B (bid, buy). An answer for an address that the venue does
not know is EMPTY and never an error, so nothing here takes an empty answer for proof of anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from pfmm.errors import BadVenueData, CannotDoThis
from pfmm.model.account import Account, FundingPayment, MarginMode, Position
from pfmm.model.market import Book, Candle, FundingRate, Instrument, Level, Ticker, Trade
from pfmm.model.order import Fill, Liquidity, Order, OrderStatus, OrderType, Side
from pfmm.venue.hyperliquid.client_ids import from_cloid
from pfmm.venue.hyperliquid.numbers import MAX_DECIMALS, MIN_NOTIONAL_USD, market_of, price_rule, size_step
from pfmm.venue.wire import Record

MAX_MARKETS = 2000
MAX_LEVELS = 20
MAX_ROWS = 5000
HOUR_MS = 3_600_000
COLLATERAL = "USDC"


class WireSide(StrEnum):
    """The venue's letters for a side: A rests on the ask side, B on the bid side."""

    SELL = "A"
    BUY = "B"


class Margin(StrEnum):
    """The venue's words for how a position is margined."""

    CROSS = "cross"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True)
class Listing:
    """One market of a universe. `index` counts delisted markets too: it is what requests call the market by. `dex` is
    the builder's list that it is on, empty for the venue's own; `growth` is True where its fees are a tenth."""

    coin: str
    index: int
    size_decimals: int
    max_leverage: int
    delisted: bool
    dex: str = ""
    growth: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What the venue says of one market beside its book: USD, base units, and the hourly funding rate as a fraction."""

    mark: Decimal
    oracle: Decimal
    funding_rate: Decimal
    open_interest: Decimal
    volume_24h_usd: Decimal


def listings(meta: Record, dex: str = "") -> tuple[Listing, ...]:
    """Read every market of `meta.universe`, delisted ones included.

    Raises CannotDoThis for a builder's list that is settled in another coin than USDC.
    """
    if meta.given("collateralToken") and meta.whole("collateralToken", 0, 10**6):
        raise CannotDoThis(f"the markets of {dex or 'the venue'} are not settled in {COLLATERAL}; nothing was sent")
    return tuple(_listing(row, index, dex) for index, row in enumerate(meta.records("universe", MAX_MARKETS)))


def _listing(row: Record, index: int, dex: str) -> Listing:
    return Listing(
        dex=dex,
        growth=row.words("growthMode") == "enabled",
        coin=row.text("name"),
        index=index,
        size_decimals=row.whole("szDecimals", 0, MAX_DECIMALS),
        max_leverage=row.whole("maxLeverage", 1, 1000),
        delisted=row.flag("isDelisted") if row.given("isDelisted") else False,
    )


def instrument(listing: Listing, maker_bps: Decimal, taker_bps: Decimal) -> Instrument:
    """Describe the market as pfmm trades it, at the account's own fees in bps."""
    return Instrument(
        market=market_of(listing.coin),
        category="crypto" if ":" not in listing.coin else listing.coin.partition(":")[0],
        price_rule=price_rule(listing.size_decimals),
        size_step=size_step(listing.size_decimals),
        min_notional=MIN_NOTIONAL_USD,
        max_leverage=listing.max_leverage,
        maker_bps=maker_bps,
        taker_bps=taker_bps,
        funding_interval_hours=1,
    )


def context(row: Record) -> Context:
    """Read one entry of the second list of `metaAndAssetCtxs`."""
    return Context(
        mark=row.positive_text("markPx"),
        oracle=row.positive_text("oraclePx"),
        funding_rate=row.decimal_text("funding"),
        open_interest=row.decimal_text("openInterest"),
        volume_24h_usd=row.decimal_text("dayNtlVlm"),
    )


def book(record: Record, coin: str) -> Book:
    """Read the levels of `l2Book`, best first on each side.

    Raises BadVenueData for another coin, and for levels that are out of order or crossed.
    """
    if record.text("coin") != coin:
        raise record.refusal("coin", f"must be {coin}")
    sides = record.items("levels", 2)
    if len(sides) != 2:
        raise record.refusal("levels", "must be two lists")
    bids, asks = (_levels(record, side, index) for index, side in enumerate(sides))
    falling = all(a.price > b.price for a, b in pairwise(bids))
    rising = all(a.price < b.price for a, b in pairwise(asks))
    if not falling or not rising or (bids and asks and bids[0].price >= asks[0].price):
        raise BadVenueData(f"{record.where}.levels: the book of {coin} is crossed or out of order")
    return Book(market_of(coin), record.millis("time"), bids, asks)


def _levels(record: Record, side: object, index: int) -> tuple[Level, ...]:
    if not isinstance(side, list) or len(side) > MAX_LEVELS:
        raise record.refusal("levels", f"must be two lists of at most {MAX_LEVELS} levels")
    rows = (Record(row, f"{record.where}.levels[{index}][{place}]") for place, row in enumerate(side))
    return tuple(Level(row.positive_text("px"), row.positive_text("sz")) for row in rows)


def ticker(found: Book, of: Context) -> Ticker:
    """Join the best quotes of the book with mark, oracle and funding.

    The rate is that of the running hour and an estimate until the hour ends, so it is marked as one.
    """
    bid = found.bids[0] if found.bids else None
    ask = found.asks[0] if found.asks else None
    return Ticker(
        market=found.market,
        time_ms=found.time_ms,
        bid=bid.price if bid else None,
        bid_size=bid.size if bid else None,
        ask=ask.price if ask else None,
        ask_size=ask.size if ask else None,
        mark=of.mark,
        index=of.oracle,
        funding_rate=of.funding_rate,
        funding_interval_hours=1,
        next_funding_ms=(found.time_ms // HOUR_MS + 1) * HOUR_MS,
        funding_estimated=True,
        volume_24h_usd=of.volume_24h_usd,
    )


def trade(row: Record) -> Trade:
    """Read one public print; `side` is the aggressor's. The venue's number of a print is unique in its millisecond
    only, so the id joins both."""
    aggressor = 1 if row.choice("side", WireSide) is WireSide.BUY else -1
    price, size, time_ms = row.positive_text("px"), row.positive_text("sz"), row.millis("time")
    trade_id = f"{time_ms}:{row.whole('tid', 0, 10**20)}" if row.given("tid") else ""
    return Trade(market_of(row.text("coin")), time_ms, price, size, aggressor, trade_id)


def candles(rows: Sequence[Record]) -> tuple[Candle, ...]:
    """Read the candles of `candleSnapshot`, oldest first."""
    found = [
        Candle(
            time_ms=row.millis("t"),
            open=row.positive_text("o"),
            high=row.positive_text("h"),
            low=row.positive_text("l"),
            close=row.positive_text("c"),
            volume=row.decimal_text("v"),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: one.time_ms))


def funding_rates(rows: Sequence[Record]) -> tuple[FundingRate, ...]:
    """Read settled hourly rates of `fundingHistory`, oldest first."""
    found = [
        FundingRate(market_of(row.text("coin")), row.millis("time"), row.decimal_text("fundingRate"), 1) for row in rows
    ]
    return tuple(sorted(found, key=lambda rate: rate.time_ms))


def open_order(row: Record) -> Order:
    """Read one entry of `frontendOpenOrders`; it carries no time of its last change but that of its making."""
    made_ms = row.millis("timestamp")
    return _order(row, OrderStatus.OPEN, updated_ms=made_ms, reason=None)


def order_status(answer: Record) -> Order | None:
    """Read the order of an `orderStatus` answer; None for `unknownOid`.

    A wrong account or network answers unknownOid too, so None alone proves nothing. What was filled is `origSz` less
    `sz`, of a cancelled order too.
    """
    if answer.text("status") == "unknownOid":
        return None
    outer = answer.record("order")
    word = outer.text("status")
    status = status_of(word)
    reason = None if status in (OrderStatus.OPEN, OrderStatus.FILLED) else word
    return _order(outer.record("order"), status, updated_ms=outer.millis("statusTimestamp"), reason=reason)


def status_of(word: str) -> OrderStatus:
    """Translate the venue's word for an order's state. Raises BadVenueData for a word that is not known."""
    if word in ("open", "triggered"):
        return OrderStatus.OPEN
    if word == "filled":
        return OrderStatus.FILLED
    if word in ("canceled", "scheduledCancel", "internalCancel") or word.endswith("Canceled"):
        return OrderStatus.CANCELLED
    if word == "rejected" or word.endswith("Rejected"):
        return OrderStatus.REJECTED
    raise BadVenueData(f"orderStatus: the status {word!a} is not known")


def _order(row: Record, status: OrderStatus, *, updated_ms: int, reason: str | None) -> Order:
    waits = _waits(row)
    # a stop for a whole position shows a size of 0, whatever the position comes to be
    size, left = row.decimal_text("origSz") if waits else row.positive_text("origSz"), row.decimal_text("sz")
    if not 0 <= left <= size:
        raise row.refusal("sz", f"must be from 0 to {size:f}, the order's size")
    cloid = row.optional_text("cloid")
    return Order(
        order_id=str(row.whole("oid", 0, 10**20)),
        client_order_id=None if cloid is None else from_cloid(cloid),
        market=market_of(row.text("coin")),
        side=side_of(row),
        type=OrderType.LIMIT,
        price=row.positive_text("limitPx"),
        size=size,
        filled=size if status is OrderStatus.FILLED else size - left,
        status=status,
        post_only=row.words("tif") == "Alo",
        trigger_price=row.positive_text("triggerPx") if waits else None,
        reduce_only=row.flag("reduceOnly") if row.given("reduceOnly") else False,
        created_ms=row.millis("timestamp"),
        updated_ms=updated_ms,
        reason=reason,
    )


def _waits(row: Record) -> bool:
    """Tell whether an order waits for the mark to reach its trigger."""
    return row.given("isTrigger") and row.flag("isTrigger")


def side_of(row: Record) -> Side:
    """Read a side: B is long (buy), A is short (sell)."""
    return Side.LONG if row.choice("side", WireSide) is WireSide.BUY else Side.SHORT


def fills(rows: Sequence[Record], account: str = "") -> tuple[Fill, ...]:
    """Read an account's executions of `userFills` or `userFillsByTime`, oldest first; in one millisecond as they were
    served."""
    newest_first = len(rows) > 1 and rows[0].millis("time") > rows[-1].millis("time")
    served = [fill(row, account) for row in (reversed(rows) if newest_first else rows)]
    return tuple(sorted(served, key=lambda one: one.time_ms))


def fill(row: Record, account: str = "") -> Fill:
    """Read one execution of an account.

    Its id joins time, coin, trade and order: the trade's number alone is not unique.

    Old answers have no trade number; there position before the fill, price and size tell fills of one order apart.
    Raises BadVenueData for a fee in another coin than USDC.
    """
    coin, time_ms, order_id = row.text("coin"), row.millis("time"), row.whole("oid", 0, 10**20)
    if row.given("feeToken") and row.text("feeToken") != COLLATERAL:
        raise row.refusal("feeToken", f"must be {COLLATERAL}")
    if row.given("tid"):
        trade_id = str(row.whole("tid", 0, 10**20))
    else:
        trade_id = "/".join(row.text(name) for name in ("startPosition", "px", "sz"))
    cloid = row.optional_text("cloid")
    return Fill(
        fill_id=f"{time_ms}:{coin}:{trade_id}:{order_id}",
        order_id=str(order_id),
        client_order_id=None if cloid is None else from_cloid(cloid),
        market=market_of(coin),
        side=side_of(row),
        price=row.positive_text("px"),
        size=row.positive_text("sz"),
        fee=row.decimal_text("fee"),
        liquidity=Liquidity.TAKER if row.flag("crossed") else Liquidity.MAKER,
        time_ms=time_ms,
        liquidation=row.given("liquidation") and _liquidated(row.record("liquidation"), account),
    )


def _liquidated(told: Record, account: str) -> bool:
    """Tell whether it was this account that was liquidated; where the venue or the caller does not say who, it was.

    Who trades with somebody else's liquidation is told of it in the same way. Addresses are the same in any case.
    """
    who = told.optional_text("liquidatedUser") or account
    return not account or who.lower() == account.lower()


def funding_payment(row: Record) -> FundingPayment:
    """Read one settlement of `userFunding`: `usdc` is negative when it was paid.

    The price is worked out of the amount, and `nSamples` hours may be in one row: -0.572915 paid at 0.0001 on
    100.86333333 over 3 samples is a price of 18.93.
    """
    time_ms, delta = row.millis("time"), row.record("delta")
    samples = delta.whole("nSamples", 1, 1000) if delta.given("nSamples") else 1
    rate, size, amount = (delta.decimal_text(name) for name in ("fundingRate", "szi", "usdc"))
    base = abs(size * rate * samples)
    coin = delta.text("coin")
    return FundingPayment(
        payment_id=f"{time_ms}:{coin}",
        market=market_of(coin),
        time_ms=time_ms,
        rate=rate * samples,
        price=abs(amount) / base if base else Decimal(0),
        size=size,
        amount=amount,
    )


def unified_equity(spot: Record, unrealized: Decimal) -> Decimal:
    """Work out the equity of a unified account, whose perpetual side shows none: USDC and what positions gained."""
    rows = spot.records("balances", MAX_MARKETS)
    total = sum((row.decimal_text("total") for row in rows if row.text("coin") == COLLATERAL), Decimal(0))
    return total + unrealized


def positions(state: Record) -> tuple[Position, ...]:
    """Read the positions of `clearinghouseState`. The cost basis comes from value and profit: the entry price that the
    venue rounds for display is off by up to 1.1 bps."""
    rows = (entry.record("position") for entry in state.records("assetPositions", MAX_MARKETS))
    return tuple(_position(row) for row in rows)


def _position(row: Record) -> Position:
    size, value, profit = (row.decimal_text(name) for name in ("szi", "positionValue", "unrealizedPnl"))
    if not size:
        raise row.refusal("szi", "must not be zero")
    sign = 1 if size > 0 else -1
    return Position(
        market=market_of(row.text("coin")),
        size=size,
        cost_basis=value - sign * profit,
        mark_price=value / abs(size),
        unrealized_pnl=profit,
        liquidation_price=row.optional_decimal_text("liquidationPx"),
        leverage=row.record("leverage").whole("value", 1, 1000),
    )


def margin_mode(record: Record) -> MarginMode:
    """Read how a position is margined of `activeAssetData`."""
    leverage = record.record("leverage")
    isolated = leverage.choice("type", Margin) is Margin.ISOLATED
    return MarginMode(isolated, leverage.whole("value", 1, 1000))


def account(states: Sequence[Record], address: str) -> Account:
    """Sum up the account over the `clearinghouseState` of each list of markets: equity is the account's value, cash is
    equity less unrealised profit."""
    zero = Decimal(0)
    equity = sum((state.record("marginSummary").decimal_text("accountValue") for state in states), zero)
    unrealized = sum((one.unrealized_pnl for state in states for one in positions(state)), zero)
    return Account(
        account_id=address,
        equity=equity,
        cash=equity - unrealized,
        margin_used=sum((state.record("marginSummary").decimal_text("totalMarginUsed") for state in states), zero),
        free_margin=sum((state.decimal_text("withdrawable") for state in states), zero),
        unrealized_pnl=unrealized,
    )


def contexts(answer: Sequence[object], where: str, dex: str = "") -> Mapping[str, tuple[Listing, Context]]:
    """Read listing and context of every market that is not delisted, by coin, from `metaAndAssetCtxs`.

    Raises BadVenueData when the two lists differ in length.
    """
    if len(answer) != 2 or not isinstance(answer[1], list):
        raise BadVenueData(f"{where}: must be a list of the universe and its contexts")
    listed = listings(Record(answer[0], f"{where}[0]"), dex)
    if len(listed) != len(answer[1]):
        raise BadVenueData(f"{where}: {len(listed)} markets and {len(answer[1])} contexts")
    return {
        one.coin: (one, context(Record(row, f"{where}[1][{one.index}]")))
        for one, row in zip(listed, answer[1], strict=True)
        if not one.delisted
    }
