"""The paper exchange's records as the JSON objects of the Hyperliquid dialect. Layer: paper wire. Pure.

Prices and sizes are texts without exponent. A coin is a market's name without -PERP. Funding is per hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.ledger import LEVERAGE, MAINTENANCE_SHARE
from pfmm.paper.messages import (
    AccountRecord,
    BookRecord,
    ClockState,
    ExchangeError,
    FillRecord,
    FundingRateRecord,
    FundingRecord,
    OrderRecord,
    PositionRecord,
    TickerRecord,
    TradeRecord,
)

Json = dict[str, Any]

SUFFIX = "-PERP"
NO_HASH = "0x" + "0" * 64
GENERATION = "~"  # a modified order keeps its cloid: `CLOID~2` is its second life
_RATE_UNITS = Decimal(10**8)

# the exchange's own code → the venue's words; a code that is not here keeps the exchange's words
_WORDS = {
    "below_minimum": "Order must have minimum value of $10.",
    "price_off_tick": "Price must be divisible by tick size.",
    "size_off_step": "Order has invalid size.",
    "insufficient_margin": "Insufficient margin to place order.",
    "insufficient_balance": "Insufficient margin to place order.",
    "reduce_only_would_increase": "Reduce only order would increase position.",
    "no_liquidity": "Order could not immediately match against any resting orders.",
    "order_not_found": "Order was never placed, already canceled, or filled.",
    "order_not_open": "Order was never placed, already canceled, or filled.",
    "expired": "Action already expired.",
}
_STATES = {"open": "open", "filled": "filled", "expired": "canceled", "rejected": "rejected"}
_CANCELS = {
    "dead_man": "scheduledCancel",
    "liquidation": "liquidatedCanceled",
    "margin": "marginCanceled",
    "reduce_only": "reduceOnlyCanceled",
    "ioc": "iocCancelRejected",
}


def coin(market: str) -> str:
    """Name the coin of a market: BTC-PERP → BTC."""
    return market.removesuffix(SUFFIX)


def dex(market: str) -> str:
    """Name the builder's list that a market is on: xyz:TSLA-PERP → xyz, BTC-PERP → "" (the first list)."""
    before, colon, _ = market.partition(":")
    return before if colon else ""


def perp_dexs(names: Sequence[str]) -> list[Json | None]:
    """Show the lists of markets: the first is null, the builders' have names."""
    return [
        None,
        *(
            {
                "name": name,
                "fullName": name,
                "deployer": "0x" + "0" * 40,
                "oracleUpdater": None,
                "feeRecipient": None,
                "assetToStreamingOiCap": [],
            }
            for name in names
        ),
    ]


def number(value: Decimal) -> str:
    """Write a number as plain decimal text without trailing zeros: 25.20 → "25.2", 0E-8 → "0"."""
    text = format(value, "f")
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if short == "-0" else short


def meta(specs: Iterable[MarketSpec]) -> Json:
    """Show the universe: an asset's number is its place in it."""
    rows = [
        {"szDecimals": spec.size_decimals, "name": coin(spec.market), "maxLeverage": spec.max_leverage,
         "marginTableId": spec.max_leverage}
        for spec in specs
    ]  # fmt: skip
    return {"universe": rows, "marginTables": [], "collateralToken": 0}


def spot_meta() -> Json:
    """Show that there is no spot market; the one token is what is paid in."""
    usdc = {"name": "USDC", "szDecimals": 8, "weiDecimals": 8, "index": 0, "tokenId": "0x" + "0" * 32,
            "isCanonical": True, "evmContract": None, "fullName": None}  # fmt: skip
    return {"universe": [], "tokens": [usdc]}


def context(ticker: TickerRecord) -> Json:
    """Show mark, oracle, mid and hourly funding rate of one market; the exchange keeps no price of the day before."""
    rate = Decimal(0) if ticker.funding_rate is None else ticker.funding_rate / ticker.funding_interval_h
    both = ticker.bid is not None and ticker.ask is not None
    volume = ticker.volume_24h or Decimal(0)
    return {
        "funding": number(rate.quantize(Decimal("1e-12")).normalize()),
        "openInterest": "0",
        "prevDayPx": None,
        "dayNtlVlm": number(volume),
        "premium": None,
        "oraclePx": number(ticker.index_price),
        "markPx": number(ticker.mark),
        "midPx": number(ticker.price) if both else None,
        "impactPxs": [number(side) for side in (ticker.bid, ticker.ask) if side is not None] if both else None,
        "dayBaseVlm": number((volume / ticker.mark).quantize(Decimal("0.00001"))),
    }


def book(record: BookRecord) -> Json:
    """Show at most 20 levels a side, best first."""
    sides = [[{"px": number(px), "sz": number(sz), "n": 1} for px, sz in side] for side in (record.bids, record.asks)]
    return {"coin": coin(record.market), "time": record.time, "levels": sides}


def bbo(ticker: TickerRecord) -> Json:
    """Show the best bid and offer, null for a side that is absent."""
    sides = ((ticker.bid, ticker.bid_size), (ticker.ask, ticker.ask_size))
    shown = [
        None if px is None else {"px": number(px), "sz": number(sz or Decimal(0)), "n": 1} for px, sz in sides
    ]  # fmt: skip
    return {"coin": coin(ticker.market), "time": ticker.time, "bbo": shown}


def trades(market: str, records: Sequence[TradeRecord]) -> list[Json]:
    """Show public prints, oldest first as they are given; the side is the aggressor's. `records` hold every print of
    each of their milliseconds, so that the number of a print, its place in its millisecond, is always the same."""
    rows: list[Json] = []
    number_in_ms = 0
    for record in records:
        number_in_ms = number_in_ms + 1 if rows and rows[-1]["time"] == record.time else 1
        side = "B" if record.aggressor == "long" else "A"
        rows.append(
            {"coin": coin(market), "side": side, "px": number(record.price), "sz": number(record.size_base),
             "time": record.time, "hash": NO_HASH, "tid": number_in_ms}
        )  # fmt: skip
    return rows


def rate(market: str, record: FundingRateRecord, interval_h: int) -> Json:
    """Show a settled rate, told per hour."""
    hourly = (record.rate / interval_h).quantize(Decimal("1e-12")).normalize()
    return {"coin": coin(market), "fundingRate": number(hourly), "premium": None, "time": record.time}


def cloid_of(order: OrderRecord | FillRecord) -> str | None:
    """Return the cloid of an order; None where its client id is no cloid (it was placed in the other dialect)."""
    found = (order.client_order_id or "").partition(GENERATION)[0]
    return found if is_cloid(found) else None


def is_cloid(text: str) -> bool:
    """Tell whether a text has the form of a cloid."""
    return text.startswith("0x") and len(text) == 34


def order(record: OrderRecord) -> Json:
    """Return an order as `frontendOpenOrders` shows it."""
    tif = "Alo" if record.post_only else "Ioc" if record.time_in_force == "IOC" else "Gtc"
    left = record.size_base - record.filled_base
    return {
        "coin": coin(record.market),
        "side": side(record.side),
        "limitPx": number(record.price or record.avg_fill_price or Decimal(0)),
        "sz": number(left),
        "oid": oid(record.order_id),
        "timestamp": record.created_at,
        "triggerCondition": _condition(record),
        "isTrigger": record.trigger_price is not None,
        "triggerPx": "0.0" if record.trigger_price is None else number(record.trigger_price),
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": record.reduce_only,
        "orderType": _type(record),
        "origSz": number(record.size_base),
        "tif": None if record.trigger_price is not None else tif,
        "cloid": cloid_of(record),
    }


def _condition(record: OrderRecord) -> str:
    """Say what a stop waits for: a sell for the mark to be at its trigger or below, a buy at it or above."""
    if record.trigger_price is None:
        return "N/A"
    return f"Price {'below' if record.side == 'short' else 'above'} {number(record.trigger_price)}"


def _type(record: OrderRecord) -> str:
    if record.trigger_price is not None:
        return "Stop Market"
    return "Limit" if record.type == "limit" else "Market"


def order_with_status(record: OrderRecord) -> Json:
    """Show an order with its state, as `orderStatus` and `historicalOrders` tell it."""
    was_reached = record.status == "open" and record.reason == "triggered"
    state = "triggered" if was_reached else _STATES.get(record.status) or _CANCELS.get(record.reason or "", "canceled")
    return {"order": order(record), "status": state, "statusTimestamp": record.updated_at}


def order_update(record: OrderRecord) -> Json:
    """Show an order with its state, as the stream of orders tells it."""
    told = order_with_status(record)
    names = ("coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz", "cloid")
    shown = {name: told["order"][name] for name in names if told["order"][name] is not None}
    return {**told, "order": shown}


def placed(record: OrderRecord) -> Json:
    """Tell what became of one order of a batch. An immediate order that found nothing is an error."""
    if record.filled_base and (record.status == "filled" or record.time_in_force == "IOC" or record.type == "market"):
        done = {"totalSz": number(record.filled_base), "avgPx": number(record.avg_fill_price or Decimal(0))}
        return {"filled": {**done, "oid": oid(record.order_id), **_cloid(record)}}
    if record.status == "open":
        return {"resting": {"oid": oid(record.order_id), **_cloid(record)}}
    return {"error": _WORDS["no_liquidity"]}


def _cloid(record: OrderRecord) -> Json:
    found = cloid_of(record)
    return {} if found is None else {"cloid": found}


def refusal(error: ExchangeError, asset: int, bbo: str) -> Json:
    """Write a refusal in the venue's words; `bbo` is the best bid and offer, "100000@100001"."""
    if error.code == "post_only_would_cross":
        words = f"Post only order would have immediately matched, bbo was {bbo}."
    else:
        words = _WORDS.get(error.code, error.message)
    return {"error": f"{words} asset={asset}"}


def fills(records: Iterable[FillRecord]) -> list[Json]:
    """Show executions, newest first, with the position before each and what it closed.

    `records` are all fills of the account, oldest first. Closing 1 of 2 that cost 200 at 103 gains 3.
    """
    held: dict[str, tuple[Decimal, Decimal]] = {}  # signed size and cost, by market
    rows = []
    for record in records:
        before, cost = held.get(record.market, (Decimal(0), Decimal(0)))
        signed = record.size_base if record.side == "long" else -record.size_base
        closed = min(record.size_base, abs(before)) if before * signed < 0 else Decimal(0)
        removed = cost * closed / abs(before) if closed else Decimal(0)
        gained = (record.price * closed - removed) * (1 if before > 0 else -1)
        opened = record.size_base - closed
        held[record.market] = (before + signed, cost - removed + opened * record.price)
        rows.append(_fill(record, before, closed, gained))
    return rows[::-1]


def _fill(record: FillRecord, before: Decimal, closed: Decimal, gained: Decimal) -> Json:
    way = ("Close Long" if before > 0 else "Close Short") if closed else f"Open {record.side.capitalize()}"
    row: Json = {
        "coin": coin(record.market),
        "px": number(record.price),
        "sz": number(record.size_base),
        "side": side(record.side),
        "time": record.time,
        "startPosition": number(before),
        "dir": way,
        "closedPnl": number(gained.quantize(Decimal("1e-8"))),
        "hash": NO_HASH,
        "oid": oid(record.order_id),
        "crossed": record.liquidity == "taker",
        "fee": number(record.fee),
        "tid": record.sequence,
        "feeToken": "USDC",
        "twapId": None,
    }
    found = cloid_of(record)
    if found is not None:
        row["cloid"] = found
    if record.liquidation:
        row["liquidation"] = {"method": "market"}
    return row


def funding(record: FundingRecord, interval_h: int) -> Json:
    """Show a funding payment; one of an 8-hour market counts as 8 hourly samples."""
    hourly = (record.rate / interval_h).quantize(Decimal("1e-12")).normalize()
    delta = {"type": "funding", "coin": coin(record.market), "usdc": number(record.amount),
             "szi": number(record.size_base), "fundingRate": number(hourly), "nSamples": interval_h}  # fmt: skip
    return {"time": record.time, "hash": NO_HASH, "delta": delta}


def clearinghouse(
    account: AccountRecord | None,
    positions: Sequence[PositionRecord],
    clock: ClockState,
    specs: Mapping[str, MarketSpec],
) -> Json:
    """Show account and positions; all zero for an address that nobody has. `specs` are the markets by name."""
    held = [_position(one, specs[one.market]) for one in positions if one.size_base and one.market in specs]
    values = [(Decimal(one["positionValue"]), Decimal(one["szi"]), one["maxLeverage"]) for one in held]
    zero = Decimal(0)
    equity, used, free = (
        (zero, zero, zero) if account is None else (account.equity, account.margin_used, account.free_margin)
    )
    signed = sum((value if size > 0 else -value for value, size, _ in values), zero)
    summary = {
        "accountValue": number(equity),
        "totalNtlPos": number(sum((value for value, _, _ in values), zero)),
        "totalRawUsd": number(equity - signed),
        "totalMarginUsed": number(used),
    }
    maintenance = sum((value / (MAINTENANCE_SHARE * most) for value, _, most in values), zero)
    return {
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": number(maintenance.quantize(Decimal("1e-6"))),
        "withdrawable": number(max(free, zero)),
        "assetPositions": [{"type": "oneWay", "position": one} for one in held],
        "time": clock.time_ms,
    }


def _position(record: PositionRecord, spec: MarketSpec) -> Json:
    value = abs(record.size_base) * record.mark_price
    margin = value / record.leverage
    return {
        "coin": coin(record.market),
        "szi": number(record.size_base),
        "leverage": {"type": "cross", "value": record.leverage},
        "entryPx": None if record.entry_price is None else number(record.entry_price),
        "positionValue": number(value),
        "unrealizedPnl": number(record.unrealized_pnl),
        "returnOnEquity": number((record.unrealized_pnl / margin).quantize(Decimal("1e-8"))),
        "liquidationPx": None if record.liquidation_price is None else number(record.liquidation_price),
        "marginUsed": number(margin),
        "maxLeverage": spec.max_leverage,
        "cumFunding": {"allTime": number(-record.funding)},
    }


def leverage(most: int) -> Json:
    """Show the one leverage of the exchange, at most that of the market."""
    return {"leverage": {"type": "cross", "value": min(LEVERAGE, most)}}


def fees(spec: MarketSpec) -> Json:
    """Show the rates of the exchange as fractions: 1.5 bps is 0.00015."""
    maker, taker = (number(Decimal(rate) / _RATE_UNITS) for rate in (spec.maker_rate, spec.taker_rate))
    schedule = {"cross": taker, "add": maker, "spotCross": taker, "spotAdd": maker,
                "tiers": {"vip": [], "mm": []}, "referralDiscount": "0.0", "stakingDiscountTiers": []}  # fmt: skip
    return {"dailyUserVlm": [], "feeSchedule": schedule, "userCrossRate": taker, "userAddRate": maker,
            "userSpotCrossRate": taker, "userSpotAddRate": maker, "activeReferralDiscount": "0.0"}  # fmt: skip


def side(word: str) -> str:
    """Write a side as the venue does: long → B, short → A."""
    return "B" if word == "long" else "A"


def oid(order_id: str) -> int:
    """Return an order's number: o17 → 17."""
    return int(order_id[1:])
