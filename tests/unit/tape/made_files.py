"""One small market, written in every format that is read: 60 quotes and 60 prints of a second, and an hour of bars.

Every writer returns the text of a file; what they should be read as stands in `QUOTES` and `PRINTS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

START_MS = 1_735_689_600_000  # 2025-01-01
MINUTE_MS = 60_000
COUNT = 60


def price(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


# (ms, bid, bid size, ask, ask size) and (ms, id, price, size, aggressor)
QUOTES = [
    (START_MS + 1_000 * n + 8, price(640_000 + n % 7), f"1.{n + 10}", price(640_001 + n % 7), f"2.{n + 10}")
    for n in range(COUNT)
]
PRINTS = [
    (START_MS + 1_000 * n + 300, 900 + n, price(640_000 + n % 7 + n % 2), f"0.{n + 100}", 1 if n % 2 else -1)
    for n in range(COUNT)
]
BARS = [
    (
        START_MS + MINUTE_MS * n,
        "64000.0",
        price(640_300 + n),
        price(639_700 - n),
        price(640_000 + n % 5),
        f"12.{n + 10}",
    )
    for n in range(COUNT)
]


def csv(header: str, rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in ([header, *rows] if header else rows))


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}"


def side(aggressor: int, buy: str, sell: str) -> str:
    return buy if aggressor > 0 else sell


def maker(aggressor: int) -> str:
    return side(aggressor, "false", "true")


def ticks() -> str:
    rows = [(t, f"{t},quote,,,,{b},{bs},{a},{az}") for t, b, bs, a, az in QUOTES]
    rows += [(t, f"{t},trade,{p},{s},{side(g, 'buy', 'sell')},,,,") for t, _, p, s, g in PRINTS]
    return csv("time_ms,kind,price,size,side,bid,bid_size,ask,ask_size", [row for _, row in sorted(rows)])


def recording() -> str:
    head = {"format": "pfmm-tape", "version": 1, "units": {"time": "ms", "price": "USD", "size": "base"}}
    rows = [
        (t, {"kind": "quote", "market": "BTC-PERP", "time": t, "bid": b, "bid_size": bs, "ask": a, "ask_size": az})
        for t, b, bs, a, az in QUOTES
    ]
    rows += [
        (t, {"kind": "trade", "market": "BTC-PERP", "time": t, "price": p, "size": s,
             "aggressor": side(g, "long", "short")})
        for t, _, p, s, g in PRINTS
    ]  # fmt: skip
    return lines([head, *(row for _, row in sorted(rows, key=lambda row: row[0]))])


def lines(records: list[object], stamps: list[int] | None = None) -> str:
    texts = [json.dumps(record, separators=(",", ":")) for record in records]
    if stamps is None:
        return "".join(f"{text}\n" for text in texts)
    return "".join(f"{stamp} {text}\n" for stamp, text in zip(stamps, texts, strict=True))


def binance_stream() -> str:
    rows: list[tuple[int, object]] = [
        (t, {"stream": "btcusdt@bookTicker",
             "data": {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": b, "B": bs, "a": a, "A": az, "T": t, "E": t}})
        for t, b, bs, a, az in QUOTES
    ]  # fmt: skip
    rows += [
        (t, {"stream": "btcusdt@trade",
             "data": {"e": "trade", "E": t, "T": t, "s": "BTCUSDT", "t": i, "p": p, "q": s, "m": g < 0}})
        for t, i, p, s, g in PRINTS
    ]  # fmt: skip
    rows.sort(key=lambda row: row[0])
    return lines([row for _, row in rows], [t * 1_000_000 for t, _ in rows])


def bybit_stream() -> str:
    rows: list[tuple[int, object]] = [
        (t, {"topic": "orderbook.1.BTCUSDT", "type": "snapshot", "ts": t + 2, "cts": t,
             "data": {"s": "BTCUSDT", "b": [[b, bs]], "a": [[a, az]], "u": n, "seq": n}})
        for n, (t, b, bs, a, az) in enumerate(QUOTES)
    ]  # fmt: skip
    rows += [
        (t, {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": t,
             "data": [{"T": t, "s": "BTCUSDT", "S": side(g, "Buy", "Sell"), "v": s, "p": p, "i": f"id-{i}"}]})
        for t, i, p, s, g in PRINTS
    ]  # fmt: skip
    rows.sort(key=lambda row: row[0])
    return lines([{"success": True, "op": "subscribe"}, *(row for _, row in rows)])


def book(t: int, b: str, bs: str, a: str, az: str) -> dict[str, object]:
    levels = [[{"px": b, "sz": bs, "n": 1}], [{"px": a, "sz": az, "n": 1}]]
    return {"channel": "l2Book", "data": {"coin": "BTC", "time": t, "levels": levels}}


def hyperliquid_trade(t: int, i: int, p: str, s: str, g: int) -> dict[str, object]:
    return {"coin": "BTC", "side": side(g, "B", "A"), "time": t, "px": p, "sz": s, "hash": f"0x{i:x}", "tid": i}


def hyperliquid_stream() -> str:
    rows: list[tuple[int, object]] = [(quote[0], book(*quote)) for quote in QUOTES]
    rows += [(one[0], {"channel": "trades", "data": [hyperliquid_trade(*one)]}) for one in PRINTS]
    rows.sort(key=lambda row: row[0])
    return lines([{"channel": "subscriptionResponse", "data": {}}, *(row for _, row in rows)])


def vendor(columns: str, rows: list[str]) -> str:
    return csv(
        f"exchange,symbol,timestamp,local_timestamp,{columns}", [f"binance-futures,BTCUSDT,{row}" for row in rows]
    )


def stamps(t: int) -> str:
    return f"{t}000,{t}123"


# quotes alone, and prints alone, by the format's name
QUOTE_FILES: dict[str, str] = {
    "binance-bookticker": csv(
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time",
        [f"{n + 900},{b},{bs},{a},{az},{t},{t + 3}" for n, (t, b, bs, a, az) in enumerate(QUOTES)],
    ),
    "vendor-quotes": vendor(
        "ask_amount,ask_price,bid_price,bid_amount", [f"{stamps(t)},{az},{a},{b},{bs}" for t, b, bs, a, az in QUOTES]
    ),
    "vendor-book": vendor(
        "is_snapshot,side,price,amount",
        [
            f"{stamps(t)},{'true' if first else 'false'},{word},{level},{size}"
            for n, (t, b, bs, a, az) in enumerate(QUOTES)
            for first, word, level, size in (
                *(((False, "bid", QUOTES[n - 1][1], "0"), (False, "ask", QUOTES[n - 1][3], "0")) if n else ()),
                (n == 0, "bid", b, bs),
                (n == 0, "ask", a, az),
            )
        ],
    ),
    "hyperliquid-l2book": lines(
        [{"time": iso(q[0]) + "000123", "ver_num": 1, "raw": book(*q)} for q in QUOTES]
    ),
    "fastmm": csv(
        "ts_ns,type,inst,side,price,qty,seq",
        [
            f"{t}000000,B,0,{word},{level},{size},{n}"
            for n, (t, b, bs, a, az) in enumerate(QUOTES)
            for word, level, size in (("B", b, bs), ("A", a, az))
        ],
    ),
}  # fmt: skip
PRINT_FILES: dict[str, str] = {
    "binance-aggtrades": csv(
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
        [f"{i},{p},{s},{i},{i},{t},{maker(g)}" for t, i, p, s, g in PRINTS],
    ),
    "binance-trades": csv(
        "id,price,qty,quote_qty,time,is_buyer_maker", [f"{i},{p},{s},1.5,{t},{maker(g)}" for t, i, p, s, g in PRINTS]
    ),
    "vendor-trades": vendor(
        "id,side,price,amount", [f"{stamps(t)},{i},{side(g, 'buy', 'sell')},{p},{s}" for t, i, p, s, g in PRINTS]
    ),
    "bybit-trades": csv(
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional",
        [
            f"{t // 1000}.{t % 1000:03d}0,BTCUSDT,{side(g, 'Buy', 'Sell')},{s},{p},ZeroPlusTick,id-{i},1,1,1"
            for t, i, p, s, g in PRINTS
        ],
    ),
    "bybit-spot-trades": csv(
        "id,timestamp,price,volume,side", [f"{i},{t},{p},{s},{side(g, 'buy', 'sell')}" for t, i, p, s, g in PRINTS]
    ),
    "okx-trades": csv(
        "instrument_name,trade_id,side,price,size,created_time",
        [f"BTC-USDT-SWAP,{i},{side(g, 'buy', 'sell')},{p},{s},{t}" for t, i, p, s, g in PRINTS],
    ),
    "prints": csv("timestamp,side,price,amount", [f"{t},{side(g, 'buy', 'sell')},{p},{s}" for t, _, p, s, g in PRINTS]),
    "hyperliquid-trades": lines([hyperliquid_trade(*one) for one in PRINTS]),
    "hyperliquid-fills": lines(
        [
            [f"0x{account}", {**hyperliquid_trade(t, i, p, s, g if crossed else -g), "crossed": crossed}]
            for t, i, p, s, g in PRINTS
            for account, crossed in ((1, False), (2, True))
        ]
    ),
    "freqtrade-trades": csv(
        "timestamp,id,type,side,price,amount,cost",
        [f"{t},{i},,{side(g, 'buy', 'sell')},{p},{s},1.5" for t, i, p, s, g in PRINTS],
    ),
    "freqtrade-trades-json": json.dumps(
        [[t, str(i), None, side(g, "buy", "sell"), float(p), float(s), 1.5] for t, i, p, s, g in PRINTS]
    ),
}
TICK_FILES: dict[str, str] = {
    "table": ticks(),
    "recording": recording(),
    "binance-stream": binance_stream(),
    "bybit-stream": bybit_stream(),
    "hyperliquid-stream": hyperliquid_stream(),
}
CANDLE_FILES: dict[str, str] = {
    "candles": csv("time_ms,open,high,low,close,volume", [",".join(map(str, bar)) for bar in BARS]),
    "binance-klines": csv(
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
        "taker_buy_quote_volume,ignore",
        [f"{t},{o},{h},{lo},{c},{v},{t + 59_999},1.5,120,5.1,3.2,0" for t, o, h, lo, c, v in BARS],
    ),
    "okx-candles": csv(
        "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm",
        [f"BTC-USDT-SWAP,{o},{h},{lo},{c},999,{v},1,{t},1" for t, o, h, lo, c, v in BARS],
    ),
    "freqtrade-candles-json": json.dumps([[t, *map(float, rest)] for t, *rest in BARS]),
    "binance-klines-json": json.dumps(
        [[t, o, h, lo, c, v, t + 59_999, "1.5", 120, "5.1", "3.2", "0"] for t, o, h, lo, c, v in BARS]
    ),
    "bybit-candles-json": json.dumps(
        {
            "retCode": 0,
            "result": {
                "symbol": "BTCUSDT",
                "list": [[str(t), o, h, lo, c, v, "9.5"] for t, o, h, lo, c, v in BARS[::-1]],
            },
        }
    ),
    "okx-candles-json": json.dumps(
        {"code": "0", "data": [[str(t), o, h, lo, c, "999", v, "9.5", "1"] for t, o, h, lo, c, v in BARS[::-1]]}
    ),
    "candles-records": json.dumps(
        [{"timestamp": t, "open": o, "high": h, "low": lo, "close": c, "volume": v} for t, o, h, lo, c, v in BARS]
    ),
    "hyperliquid-candles": json.dumps(
        [
            {"t": t, "T": t + 59_999, "s": "BTC", "i": "1m", "o": o, "c": c, "h": h, "l": lo, "v": v, "n": 9}
            for t, o, h, lo, c, v in BARS
        ]
    ),
}


def settled(header: str, row: Callable[[int, str], str]) -> str:
    """Twenty settlements, four hours apart and some ms late, of which every third is negative."""
    return csv(header, [row(START_MS + n * 4 * 60 * MINUTE_MS + 7, f"{'-' if n % 3 == 0 else ''}0.000{n + 100}")
                        for n in range(20)])  # fmt: skip


FUNDING_FILES: dict[str, str] = {
    "funding": settled("time_ms,rate_8h", lambda t, rate: f"{t},{rate}"),
    "binance-funding": settled("calc_time,funding_interval_hours,last_funding_rate", lambda t, r: f"{t},4,{r}"),
    "rates": settled("symbol,fundingRate,fundingRateTimestamp", lambda t, rate: f"BTCUSDT,{rate},{t}"),
    "vendor-funding": settled(
        "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,mark_price",
        lambda t, rate: f"x,BTCUSDT,{t - 7}000,{t}123,{t - 7}000,{rate},64000.5",
    ),
    "rates-json": json.dumps(
        [
            {"coin": "BTC", "fundingRate": f"0.000{n + 100}", "premium": "0.1", "time": START_MS + n * 3_600_000 + 7}
            for n in range(20)
        ]
    ),
}
