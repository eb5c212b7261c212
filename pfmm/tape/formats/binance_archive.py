"""The files of Binance's public archive, USD-M futures and spot, with a header or without, in ms or µs. Layer: tape."""

from __future__ import annotations

from pfmm.tape.layout import BUYER_WAS_MAKER, Table, candle_lists, named

KLINES = Table(
    name="binance-klines",
    says="Binance 1-minute candles",
    holds="candles",
    columns=named("time=open_time open high low close volume close_time"),
    bare=(
        "time:t open:n high:n low:n close:n volume:n close_time:t quote_volume:n count:i taker_volume:n "
        "taker_quote_volume:n ignore:n",
    ),
)
AGG_TRADES = Table(
    name="binance-aggtrades",
    says="Binance aggregate trades",
    holds="trades",
    columns=named("id=agg_trade_id price size=quantity time=transact_time side=is_buyer_maker"),
    bare=(
        "id:i price:n size:n first:i last:i time:t side:b",
        "id:i price:n size:n first:i last:i time:t side:b best:b",
    ),
    sides=BUYER_WAS_MAKER,
)
TRADES = Table(
    name="binance-trades",
    says="Binance trades",
    holds="trades",
    columns=named("id price size=qty time side=is_buyer_maker"),
    bare=("id:i price:n size:n quote:n time:t side:b", "id:i price:n size:n quote:n time:t side:b best:b"),
    sides=BUYER_WAS_MAKER,
)
BOOK_TICKER = Table(
    name="binance-bookticker",
    says="Binance best bids and asks",
    holds="quotes",
    columns=named(
        "bid=best_bid_price bid_size=best_bid_qty ask=best_ask_price ask_size=best_ask_qty time=transaction_time"
    ),
    extras=named("id=update_id"),
    bare=("id:i bid:n bid_size:n ask:n ask_size:n time:t event_time:t",),
)
BOOK_DEPTH = Table(
    name="binance-bookdepth",
    says="Binance depth totals",
    holds="totals",
    columns=named("time=timestamp percent=percentage depth notional"),
    note="it holds totals within percents of the price, no prices: no market can be made of it",
)
FUNDING = Table(
    name="binance-funding",
    says="Binance settled funding rates",
    holds="funding",
    columns=named("time=calc_time interval_h=funding_interval_hours rate=last_funding_rate"),
    extras=named("symbol"),
    bare=("time:t interval_h:i rate:n",),
)
KLINES_ANSWER = candle_lists(
    "binance-klines-json", "Binance's answer of past candles", KLINES,
    "open_time open high low close volume close_time quote_volume count taker_volume taker_quote_volume ignore",
)  # fmt: skip
FORMATS = (KLINES, AGG_TRADES, TRADES, BOOK_TICKER, BOOK_DEPTH, FUNDING, KLINES_ANSWER)
