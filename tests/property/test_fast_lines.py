"""Captures and archives are read whole blocks at a time as they are line by line, and as the market that they tell of.

Each file is made with what it must be read as: quotes and prints in 1e-8, and a book of twenty levels once a second.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow", reason="columns need the extra `data`")
pytest.importorskip("orjson", reason="columns need the extra `data`")

import numpy as np

from pfmm.errors import DataFileError
from pfmm.model.market import FundingRate
from pfmm.tape import ReadOptions
from pfmm.tape.batches import batches_of
from pfmm.tape.gather import Gathering
from pfmm.tape.reading import TapeReader
from tests.examples import examples
from tests.whole_blocks import whole_blocks

OPTIONS = ReadOptions(market="BTC-PERP")
START_MS = 1_735_689_600_000
TENTH = 10_000_000  # in 1e-8
SIZE = 100_000  # a thousandth
Row = tuple[int, ...]


@dataclass
class Told:
    """What a file tells of one market."""

    quotes: list[Row] = field(default_factory=list)  # ms, bid, size, ask, size
    prints: list[Row] = field(default_factory=list)  # ms, price, size, aggressor
    books: list[list[int]] = field(default_factory=list)
    rates: list[tuple[int, str, int]] = field(default_factory=list)  # ms, rate, hours


@dataclass
class Made:
    """A file being made: its lines, and what it tells. Times rise."""

    random: Random
    stamped: bool
    ms: int = START_MS
    lines: list[str] = field(default_factory=list)
    binary: bytes = b""
    told: dict[str, Told] = field(default_factory=dict)
    levels: dict[str, tuple[dict[int, int], dict[int, int]]] = field(default_factory=dict)
    next_ms: dict[str, int] = field(default_factory=dict)

    def write(self, record: object) -> None:
        stamp = f"{self.ms * 1_000_000 + 17} " if self.stamped else ""
        self.lines.append(f"{stamp}{json.dumps(record, separators=(',', ':'))}\n")

    def of(self, market: str) -> Told:
        return self.told.setdefault(market, Told())

    def later(self) -> int:
        self.ms += self.random.randrange(1, 400)
        return self.ms

    def number(self, most: int = 900) -> int:
        return self.random.randrange(1, most)

    def quote(self, market: str, bid: int, bid_size: int, ask: int, ask_size: int) -> None:
        row = (bid * TENTH, bid_size * SIZE, ask * TENTH, ask_size * SIZE)
        quotes = self.of(market).quotes
        if not quotes or quotes[-1][1:] != row:
            quotes.append((self.ms, *row))

    def trade(self, market: str, price: int, size: int, side: int) -> None:
        self.of(market).prints.append((self.ms, price * TENTH, size * SIZE, side))

    def book(self, market: str, key: str, *, quotes: bool = True, depth: bool = True, always: bool = False) -> None:
        """Note what the book of `key` shows."""
        bids, asks = self.levels[key]
        if quotes:
            bid, ask = max(bids, default=0), min(asks, default=0)
            self.quote(market, bid, bids.get(bid, 0), ask, asks.get(ask, 0))
        if depth and (always or self.ms >= self.next_ms.get(key, 0)):
            self.next_ms[key] = self.ms + 1_000
            row = [self.ms]
            for side, prices in ((bids, sorted(bids, reverse=True)[:20]), (asks, sorted(asks)[:20])):
                row += [number for price in prices for number in (price * TENTH, side[price] * SIZE)]
                row += [0] * (2 * (20 - len(prices)))
            self.of(market).books.append(row)

    def new_book(self, key: str, levels: int) -> None:
        mid = 1_000 + self.number(50)
        self.levels[key] = ({mid - n: self.number() for n in range(levels)},
                            {mid + 1 + n: self.number() for n in range(levels)})  # fmt: skip

    def change(self, key: str, most: int) -> tuple[list[list[str]], list[list[str]]]:
        """Change up to `most` levels a side and return the changes as a venue writes them."""
        found: tuple[list[list[str]], list[list[str]]] = ([], [])
        bids, asks = self.levels[key]
        for levels, changes, sign in ((bids, found[0], -1), (asks, found[1], 1)):
            for price in self.random.sample(sorted(levels), min(self.random.randrange(most + 1), len(levels))):
                size = self.random.choice([0, self.number()])
                changes.append([px(price), sz(size)])
                levels[price] = size
                if not size:
                    del levels[price]
            other = asks if sign < 0 else bids
            for _ in range(self.random.randrange(most)):
                price = self.random.choice(sorted(levels) or [1_000 + sign * 60]) + sign * self.random.choice([-1, 1])
                if price not in other and (
                    min(other, default=10**9) > price if sign < 0 else max(other, default=0) < price
                ):
                    levels[price] = self.number()
                    changes.append([px(price), sz(levels[price])])
        return found


def px(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def sz(thousandths: int) -> str:
    return (
        f"{thousandths // 1000}.{thousandths % 1000:03d}"
        if thousandths % 10
        else str(thousandths / 1000).removesuffix(".0")
    )


def pairs(levels: dict[int, int], *, down: bool) -> list[list[str]]:
    return [[px(price), sz(levels[price])] for price in sorted(levels, reverse=down)]


# -- makers


def binance(made: Made, count: int) -> None:
    """Two markets of tickers, prints, forced prints, the other kind of prints, marks and books on top of a snapshot."""
    ids = dict.fromkeys(("BTCUSDT", "1000PEPEUSDT"), 0)
    names = {"BTCUSDT": "BTC-PERP", "1000PEPEUSDT": "1000PEPE-PERP"}
    wrapped = made.random.random() < 0.7
    began = dict.fromkeys(ids, False)

    def message(symbol: str, stream: str, event: str, **data: object) -> None:
        record: dict[str, object] = {"e": event, "E": made.ms, "T": made.ms, "s": symbol, **data}
        made.write({"stream": f"{symbol.lower()}@{stream}", "data": record} if wrapped else record)

    for _ in range(count):
        symbol = made.random.choice([*ids])
        market = names[symbol]
        made.later()
        kind = made.random.choice(["ticker", "ticker", "trade", "trade", "forced", "agg", "mark", "depth"])
        if kind == "ticker":
            bid, sizes = 1_000 + made.number(50), (made.number(), made.number())
            message(symbol, "bookTicker", "bookTicker", u=7, b=px(bid), B=sz(sizes[0]), a=px(bid + 1), A=sz(sizes[1]))
            made.quote(market, bid, sizes[0], bid + 1, sizes[1])
        elif kind in ("trade", "forced"):
            ids[symbol] += made.number(5)
            price, size, maker = 1_000 + made.number(50), made.number(), made.random.choice([True, False])
            how = {"X": "MARKET"} if kind == "trade" else {"X": "INSURANCE_FUND"}
            message(symbol, "trade", "trade", t=ids[symbol], p=px(price), q=sz(size), m=maker, **how)
            if kind == "trade":
                made.trade(market, price, size, -1 if maker else 1)
        elif kind == "agg" and made.of(market).prints:
            message(symbol, "aggTrade", "aggTrade", a=ids[symbol], p="9.9", q="1", f=1, l=1, m=True)
        elif kind == "mark" and wrapped:
            message(symbol, "markPrice@1s", "markPriceUpdate", p="9.9", r="0.0001")
        elif kind == "depth":
            if not began[symbol]:
                message(symbol, "bookTicker", "bookTicker", u=7, b="100", B="1", a="100.1", A="1")
                made.quote(market, 1_000, 1_000, 1_001, 1_000)
                made.new_book(symbol, 25)
                bids, asks = made.levels[symbol]
                snapshot = {"lastUpdateId": 5, "bids": pairs(bids, down=True), "asks": pairs(asks, down=False)}
                made.write(snapshot)
                began[symbol] = True
            b, a = made.change(symbol, 3)
            message(symbol, "depth@0ms", "depthUpdate", U=6, u=6, pu=5, b=b, a=a)
            made.book(market, symbol, quotes=False)


def binance_partial(made: Made, count: int) -> None:
    """Whole books of the futures or of the spot market (which tells no time), later with tickers beside them."""
    spot = made.random.random() < 0.5
    made.stamped = made.stamped or spot
    ticked = False
    depth = made.random.choice([5, 20])
    made.new_book("b", depth)
    for number in range(count):
        made.later()
        if made.random.random() < 0.3 and number > count // 2:
            data: dict[str, object] = {
                "u": 1,
                "s": "BTCUSDT",
                "b": "99.1",
                "B": "1",
                "a": "99.2",
                "A": sz(made.number()),
            }
            made.write({"stream": "btcusdt@bookTicker", "data": data if spot else {**data, "T": made.ms}})
            made.quote("BTC-PERP", 991, 1_000, 992, round(float(str(data["A"])) * 1_000))
            ticked = True
            continue
        if made.random.random() < 0.7:
            made.new_book("b", depth - made.random.choice([0, 0, 0, 1]))
        bids, asks = (pairs(side, down=down) for side, down in zip(made.levels["b"], (True, False), strict=True))
        told: dict[str, object] = {"lastUpdateId": 3, "bids": bids, "asks": asks}
        if not spot:
            told = {
                "e": "depthUpdate",
                "E": made.ms,
                "T": made.ms,
                "s": "BTCUSDT",
                "U": 1,
                "u": 1,
                "b": bids,
                "a": asks,
            }
        made.write({"stream": f"btcusdt@depth{depth}@100ms", "data": told})
        made.book("BTC-PERP", "b", quotes=not ticked)


def bybit(made: Made, count: int) -> None:
    """Prints, one and several a message, a deep book, and later the best prices alone."""
    made.write({"success": True, "op": "subscribe", "conn_id": "x"})
    made.later()
    alone = False
    number = 0
    with_cts = made.random.random() < 0.9
    for turn in range(count):
        made.later()
        kind = made.random.choice(
            ["trade", "trade", "book", "book", "ticker", *(["best"] if turn > count // 2 else [])]
        )
        if kind == "trade":
            data = []
            for _ in range(made.random.choice([1, 1, 1, 2, 3])):
                number += 1
                price, size, side = 1_000 + made.number(50), made.number(), made.random.choice([1, -1])
                data.append({"T": made.ms, "s": "BTCUSDT", "S": "Buy" if side > 0 else "Sell", "v": sz(size),
                             "p": px(price),
                             "L": made.random.choice(["PlusTick", "ZeroMinusTick"]), "i": f"{number:x}-a{number}",
                             "BT": made.random.choice([True, False]), "seq": number})  # fmt: skip
                made.trade("BTC-PERP", price, size, side)
            made.write({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": made.ms + 1, "data": data})
        elif kind == "ticker":
            made.write(
                {"topic": "tickers.BTCUSDT", "type": "delta", "data": {"symbol": "BTCUSDT"}, "cs": 1, "ts": made.ms}
            )
        else:
            topic = "orderbook.1.BTCUSDT" if kind == "best" else "orderbook.50.BTCUSDT"
            how = "delta"
            if topic not in made.levels or made.random.random() < 0.1:
                how = "snapshot"
                made.new_book(topic, 1 if kind == "best" else 30)
                b, a = (pairs(side, down=down) for side, down in zip(made.levels[topic], (True, False), strict=True))
            else:
                b, a = made.change(topic, 1 if kind == "best" else 4)
            record = {"topic": topic, "type": how, "ts": made.ms + 2, "data": {"s": "BTCUSDT", "b": b, "a": a, "u": 1}}
            made.write({**record, "cts": made.ms} if with_cts else {**record, "ts": made.ms})
            alone = alone or kind == "best"
            made.book("BTC-PERP", topic, quotes=kind == "best" or not alone, depth=kind != "best")


def hyperliquid(made: Made, count: int) -> None:
    """Books, best prices and prints of two coins, as they are streamed and as the archive wraps them."""
    number = 0
    for _ in range(count):
        made.later()
        coin = made.random.choice(["BTC", "kPEPE"])
        market = f"{coin.upper()}-PERP"
        kind = made.random.choice(["book", "trade", "trade", "best", "other"])
        record: dict[str, object]
        if kind == "book":
            made.new_book(coin, made.random.choice([20, 20, 3, 22]))
            sides = [
                [{"px": price, "sz": size, "n": made.number(30)} for price, size in pairs(side, down=down)]
                for side, down in zip(made.levels[coin], (True, False), strict=True)
            ]
            record = {"channel": "l2Book", "data": {"coin": coin, "time": made.ms, "levels": sides}}
            made.book(market, coin, always=True)
        elif kind == "best":
            bid, size = 1_000 + made.number(50), made.number()
            ask = made.random.choice([None, {"px": px(bid + 1), "sz": "1", "n": 1}])
            record = {"channel": "bbo", "data": {"coin": coin, "time": made.ms,
                                                 "bbo": [{"px": px(bid), "sz": sz(size), "n": 3}, ask]}}  # fmt: skip
            made.quote(market, bid, size, bid + 1 if ask else 0, 1_000 if ask else 0)
        elif kind == "trade":
            data = []
            for _ in range(made.random.choice([1, 1, 2, 5])):
                number += made.number(4)
                price, size, side = 1_000 + made.number(50), made.number(), made.random.choice([1, -1])
                data.append({"coin": coin, "side": "B" if side > 0 else "A", "px": px(price), "sz": sz(size),
                             "time": made.ms, "hash": f"0x{made.random.getrandbits(64):x}", "tid": number})  # fmt: skip
                made.trade(market, price, size, side)
            record = {"channel": "trades", "data": data}
        else:
            record = {"channel": "pong"}
        if kind == "book" and made.random.random() < 0.3:
            record = {"time": "2025-01-01T00:00:00.000000123", "ver_num": 1, "raw": record}
        made.write(record)


def hyperliquid_trades(made: Made, count: int) -> None:
    """The archive of prints, whose times are ISO-8601."""
    made.stamped = False
    for number in range(count):
        made.later()
        price, size, side = 1_000 + made.number(50), made.number(), made.random.choice([1, -1])
        at = datetime.fromtimestamp(made.ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{made.ms % 1000:03d}999999"
        made.write({"coin": "BTC", "side": "B" if side > 0 else "A", "time": at, "px": px(price), "sz": sz(size),
                    "hash": "0xab", "trade_dir_override": "Na", "tid": number})  # fmt: skip
        made.trade("BTC-PERP", price, size, side)


def vendor_book(made: Made, count: int) -> None:
    """Book rows with a snapshot ahead, and another one in their midst."""
    made.lines.append("exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n")
    for number in range(count):
        made.later()
        whole = number in (0, count // 2)
        if whole:
            made.new_book("b", 25)
            changes = tuple(pairs(side, down=False) for side in made.levels["b"])
        else:
            changes = made.change("b", 3)
        rows = [
            (side, price, size) for side, levels in zip(("bid", "ask"), changes, strict=True) for price, size in levels
        ]
        made.lines += [
            f"binance-futures,BTCUSDT,{made.ms}250,{made.ms}900,{str(whole).lower()},{side},{price},{size}\n"
            for side, price, size in rows
        ]
        if rows:
            made.book("BTC-PERP", "b")


def recording(made: Made, count: int) -> None:
    """What `pfmm record` writes of two markets: gaps, prints made within them, settlements, sides that are absent."""
    made.stamped = False
    made.write({"format": "pfmm-tape", "version": 2, "units": {"time": "ms", "price": "USD", "size": "base"}})
    for number in range(count):
        made.later()
        market = made.random.choice(["BTC-PERP", "kPEPE-PERP"])
        head = {"market": market, "time": made.ms}
        kind = made.random.choice(["quote", "quote", "trade", "trade", "missed", "depth", "funding", "gap"])
        price, size = 1_000 + made.number(50), made.number()
        if kind == "quote":
            ask = made.random.random() < 0.9
            made.write({"kind": "quote", **head, "bid": px(price), "bid_size": sz(size),
                        "ask": px(price + 1) if ask else None, "ask_size": "2" if ask else "0"})  # fmt: skip
            made.quote(market, price, size, price + 1 if ask else 0, 2_000 if ask else 0)
        elif kind in ("trade", "missed"):
            side = made.random.choice([1, -1])
            told = {"id": f"{number:x}-7"} if made.random.random() < 0.8 else {}
            late = {"made": made.ms - 5, "missed": True} if kind == "missed" else {}
            made.write({"kind": "trade", **head, "price": px(price), "size": sz(size),
                        "aggressor": "long" if side > 0 else "short", **told, **late})  # fmt: skip
            if kind == "trade":
                made.trade(market, price, size, side)
        elif kind == "depth":
            made.new_book(market, made.random.choice([20, 2, 25]))
            bids, asks = (pairs(one, down=down) for one, down in zip(made.levels[market], (True, False), strict=True))
            made.write({"kind": "depth", **head, "bids": bids, "asks": asks})
            made.book(market, market, quotes=False, always=True)
        elif kind == "funding":
            made.write({"kind": "funding", **head, "rate": f"0.000{number:03d}1", "interval_h": 8})
            made.of(market).rates.append((made.ms, f"0.000{number:03d}1", 8))
        else:
            made.write({"kind": "gap", **head, "until": made.ms + 50})


def _levels_and_trades(made: Made, count: int) -> list[tuple[int, str, int, int, int, int]]:
    """Rows of a book, of trades and of best prices that are told apart: ms, kind, side, price, size, message."""
    made.new_book("book", 22)
    rows = [(made.ms, "S", *row, 0) for row in _both(made.levels["book"])]
    shown: dict[str, Row] = {}
    for number in range(1, count):
        _show(made, rows[-1][1], shown)
        made.later()
        kind = made.random.choice(["D", "D", "D", "T", "T", "S", "B"])
        if kind in ("S", "B"):
            key = "book" if kind == "S" else "best"
            made.new_book(key, 22 if kind == "S" else 1)
            told = _both(made.levels[key])
        elif kind == "T":
            told = [(made.random.choice([1, -1]), 1_000 + made.number(50), made.number())]
            made.trade("BTC-PERP", told[0][1], told[0][2], told[0][0])
        else:
            sides = made.change("book", 3)
            told = [
                (side, int(float(price) * 10 + 0.5), round(float(size) * 1_000))
                for side, levels in zip((1, -1), sides, strict=True) for price, size in levels
            ] or _both(made.levels["book"])[:1]  # fmt: skip
        rows += [(made.ms, kind, *row, number) for row in told]
    _show(made, rows[-1][1], shown)
    return rows


def _both(levels: tuple[dict[int, int], dict[int, int]]) -> list[tuple[int, int, int]]:
    return [(sign, price, size) for sign, side in zip((1, -1), levels, strict=True) for price, size in side.items()]


def _show(made: Made, kind: str, shown: dict[str, Row]) -> None:
    """Note what the message that ends shows: each of the two books where it has changed."""
    if kind == "T":
        return
    key = "best" if kind == "B" else "book"
    bids, asks = made.levels[key]
    best = (*max(bids.items(), default=(0, 0)), *min(asks.items(), default=(0, 0)))
    if shown.get(key) != best:
        shown[key] = best
        made.quote("BTC-PERP", *best)
    made.book("BTC-PERP", key, quotes=False, depth=key == "book")


def fastmm(made: Made, count: int) -> None:
    """FastMM's rows."""
    made.lines.append("ts_ns,type,inst,side,price,qty,seq\n")
    made.lines += [
        f"{ms}000250,{kind},7,{'B' if side > 0 else 'A'},{px(price)},{sz(size)},{number}\n"
        for ms, kind, side, price, size, number in _levels_and_trades(made, count)
    ]


def hftbacktest(made: Made, count: int) -> None:
    """hftbacktest's records, some of them of what the recorder alone saw."""
    codes = {"D": 1, "T": 2, "S": 4, "B": 5}
    found = [
        (codes[kind] | 1 << 31 | (1 << 29 if side > 0 else 1 << 28), ms * 1_000_000 + 250, price / 10, size / 1_000)
        for ms, kind, side, price, size, _ in _levels_and_trades(made, count)
    ]
    for _ in range(count):
        found.insert(made.random.randrange(len(found)), (1 | 1 << 30, 5, 1.0, 1.0))
    kind = np.dtype([("ev", "<u8"), ("exch_ts", "<i8"), ("px", "<f8"), ("qty", "<f8")])
    target = BytesIO()
    np.savez(target, data=np.array(found, dtype=kind))
    made.binary = target.getvalue()


MAKERS: list[Callable[[Made, int], None]] = [
    binance, binance_partial, bybit, hyperliquid, hyperliquid_trades, vendor_book, recording, fastmm, hftbacktest,
]  # fmt: skip


def made_by(maker: Callable[[Made, int], None], seed: int, stamped: bool, count: int) -> Made:
    made = Made(Random(seed), stamped)
    maker(made, count)
    return made


def by_lines(path: Path) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for batch in batches_of(TapeReader(OPTIONS).entries([path])):
        add(found.setdefault(batch.market, Told()), batch.events.tolist(), batch.depth.tolist(), batch.funding)
    return found


def by_blocks(path: Path, few: int = 2, block_bytes: int | None = None) -> dict[str, Told]:
    found: dict[str, Told] = {}
    with whole_blocks(few, block_bytes), Gathering(OPTIONS, path.parent) as gathering:
        gathering.read([path])
        for market in gathering.markets.values():
            rows = [row for chunk in market.chunks() for row in chunk.tolist()]
            add(found.setdefault(market.name, Told()), rows, market.depth_rows().tolist(), market.funding)
    return found


def add(told: Told, rows: list[list[int]], depth: list[list[int]], rates: Iterable[FundingRate]) -> None:
    for ms, kind, a, b, c, d, *_ in rows:
        if kind:
            told.prints.append((ms, a, b, c))
        elif 0 < c <= a:
            continue  # crossed by what was done to it: no tape keeps it
        elif not told.quotes or told.quotes[-1][1:] != (a, b, c, d):
            told.quotes.append((ms, a, b, c, d))
    told.books += depth
    told.rates += [(one.time_ms, format(one.rate, "f"), one.interval_hours) for one in rates]


@pytest.mark.parametrize("maker", MAKERS)
@given(seed=st.integers(0, 2**32), stamped=st.booleans(), count=st.integers(20, 120))
@examples(5, 100)
def test_a_file_is_the_market_that_it_was_made_of(
    tmp_path_factory: pytest.TempPathFactory, maker: Callable[[Made, int], None], seed: int, stamped: bool, count: int
) -> None:
    made = made_by(maker, seed, stamped, count)
    path = tmp_path_factory.mktemp("made") / "file"
    end = b"\r\n" if seed % 3 == 0 else b"\n"
    path.write_bytes(made.binary or "".join(made.lines).encode().replace(b"\n", end))
    assert by_lines(path) == made.told
    assert by_blocks(path) == made.told
    assert by_blocks(path, few=20) == made.told
    assert by_blocks(path, block_bytes=2_000) == made.told


@pytest.mark.parametrize("maker", [maker for maker in MAKERS if maker is not hftbacktest])
@given(seed=st.integers(0, 2**32), data=st.data())
@examples(12, 300)
def test_a_damaged_file_is_read_or_refused_alike_both_ways(
    tmp_path_factory: pytest.TempPathFactory, maker: Callable[[Made, int], None], seed: int, data: st.DataObject
) -> None:
    text = "".join(made_by(maker, seed, seed % 2 > 0, 40).lines)
    at = data.draw(st.integers(len(text) // 4, len(text) - 1))
    damaged = text[:at] + data.draw(st.sampled_from([*'0159.-+eExaB"\\:,{}[] \t', "é", "", "\n"])) + text[at + 1 :]
    path = tmp_path_factory.mktemp("made") / "file"
    path.write_text(damaged)
    right = outcome(by_lines, path)
    assert outcome(by_blocks, path) == right
    assert outcome(lambda path: by_blocks(path, block_bytes=2_000), path) == right


@pytest.mark.parametrize("content", ['"0ata":{}', '"data":[1]', '"data":"x"', '"data":null'])
def test_a_line_of_no_use_is_refused_both_ways_where_it_has_no_content(tmp_path: Path, content: str) -> None:
    made, path = made_by(binance, 7, False, 60).lines, tmp_path / "file"
    for at in range(10, len(made), 10):
        useless = f'{{"stream":"btcusdt@markPrice@1s",{content}}}\n'
        path.write_text("".join([*made[:at], useless, *made[at:]]))
        right = outcome(by_lines, path)
        assert isinstance(right, str)
        assert outcome(by_blocks, path) == right
        assert outcome(lambda path: by_blocks(path, block_bytes=2_000), path) == right


def outcome(read: Callable[[Path], dict[str, Told]], path: Path) -> object:
    try:
        return read(path)
    except DataFileError as error:
        return error.message
