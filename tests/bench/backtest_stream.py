"""One made-up stream of trades and best quotes for the backtest benches, as a tape and in hftbacktest's own format."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

import numpy as np

from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.feeds.replay_tape import write_tape

ROWS = 2_600_000
START_MS = 1_721_260_800_000
HOURS = 8
MARKET = "BTC-PERP"
TICK, LOT = 0.1, 0.001


def spec() -> MarketSpec:
    return MarketSpec(MARKET, "crypto", 1, 3, 1, None, 1_000_000_000, 20, -20_000, 50_000, 8)


def rows(seed: int = 7, count: int = ROWS) -> np.ndarray:
    """Events of 6 integers (time, kind, bid, bid size, ask, ask size | price, size, aggressor, 0), prices in 0.1 USD.

    A mid that wanders 1.5 % in 8 hours (50 % a year), a spread of mostly one tick, and prints at the touch of which
    some sweep through it.
    """
    random = np.random.default_rng(seed)
    span = HOURS * 3_600_000
    times = START_MS + np.sort(random.integers(0, span, count))
    trades = random.random(count) < 0.16
    trades[0] = False
    moves = np.where((random.random(count) < 0.2) & ~trades, np.rint(random.normal(0, 13.5, count)), 0).astype(np.int64)
    bid = 640_000 + np.cumsum(moves)
    ask = bid + 1 + (random.random(count) < 0.05) * random.integers(1, 5, count)
    sizes = np.maximum(1, np.rint(np.exp(random.normal(6.5, 1.5, (count, 2))))).astype(np.int64)
    table = np.zeros((count, 6), dtype=np.int64)
    table[:, 0], table[:, 1] = times, trades
    table[:, 2], table[:, 3], table[:, 4], table[:, 5] = bid, sizes[:, 0], ask, sizes[:, 1]
    last_quote = np.maximum.accumulate(np.where(trades, 0, np.arange(count)))
    bought = random.random(count) < 0.5
    swept = np.where(random.random(count) < 0.05, random.integers(1, 4, count), 0)
    price = np.where(bought, ask[last_quote] + swept, bid[last_quote] - swept)
    printed = np.maximum(1, np.rint(np.exp(random.normal(4.0, 1.5, count)))).astype(np.int64)
    at = trades.nonzero()[0]
    table[at, 2], table[at, 3], table[at, 4], table[at, 5] = price[at], printed[at], np.where(bought[at], 1, -1), 0
    return table


def write_pfmm(table: np.ndarray, path: Path) -> None:
    """The stream as a tape."""

    def flat(numbers: np.ndarray) -> array[int]:
        found = array("q")
        found.frombytes(np.ascontiguousarray(numbers, dtype=np.int64).tobytes())
        return found

    quotes = table[:, 1] == 0
    high = np.where(quotes, table[:, 4], table[:, 2])
    starts = np.arange(0, len(table), 128)
    blocks = np.column_stack([np.minimum.reduceat(table[:, 2], starts), np.maximum.reduceat(high, starts)])
    sections = {"events": flat(table), "blocks": flat(blocks), "depth": array("q"), "funding": array("q")}
    write_tape(path, [(spec(), sections)])


def write_hftbacktest(table: np.ndarray, path: Path) -> int:
    """The stream as depth and trade events; a best quote that moved deletes its old level. Returns the rows written.

    The same information: of each quote only the sides that changed are told.
    """
    exch_local = (1 << 31) | (1 << 30)
    buy, sell = 1 << 29, 1 << 28
    dtype = np.dtype(
        [("ev", "u8"), ("exch_ts", "i8"), ("local_ts", "i8"), ("px", "f8"), ("qty", "f8"), ("order_id", "u8"),
         ("ival", "i8"), ("fval", "f8")], align=True,
    )  # fmt: skip
    parts = []
    order = np.arange(len(table))
    quotes = order[table[:, 1] == 0]
    for column, side in ((2, buy), (4, sell)):
        price, size = table[quotes, column], table[quotes, column + 1]
        before_price, before_size = np.roll(price, 1), np.roll(size, 1)
        before_price[0] = before_size[0] = -1
        gone = (price != before_price) & (before_price > 0)
        told = (price != before_price) | (size != before_size)
        parts.append((quotes[gone] * 4, 1 | side, before_price[gone], np.zeros(int(gone.sum()), dtype=np.int64)))
        parts.append((quotes[told] * 4 + 1, 1 | side, price[told], size[told]))
    trades = order[table[:, 1] == 1]
    sides = np.where(table[trades, 4] > 0, buy, sell)
    parts.append((trades * 4 + 2, 2 | sides, table[trades, 2], table[trades, 3]))
    place = np.concatenate([part[0] for part in parts])
    found = np.zeros(len(place), dtype=dtype)
    found["ev"] = np.concatenate([np.broadcast_to(part[1], part[0].shape) for part in parts]) | exch_local
    found["exch_ts"] = found["local_ts"] = table[place // 4, 0] * 1_000_000
    found["px"] = np.round(np.concatenate([part[2] for part in parts]) * TICK, 1)
    found["qty"] = np.round(np.concatenate([part[3] for part in parts]) * LOT, 3)
    np.savez(path, data=found[np.argsort(place, kind="stable")])
    return len(place)


def main() -> None:
    """Writes both files into a folder and prints the first mid. A process of its own: what it took for that would
    otherwise count as the peak memory of every process that the bench starts."""
    folder = Path(sys.argv[1])
    table = rows()
    write_pfmm(table, folder / "stream.tape")
    write_hftbacktest(table, folder / "stream.npz")
    write_hftbacktest(np.ascontiguousarray(table[:2_000]), folder / "tiny.npz")
    print((int(table[0, 2]) + int(table[0, 4])) / 20)


if __name__ == "__main__":
    main()
