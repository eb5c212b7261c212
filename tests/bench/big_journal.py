"""A journal of very many fills, written behind the journal's back: as it would be after days of three loops."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

MARKETS, PRICES = ("BTC-PERP", "ETH-PERP", "SOL-PERP"), (65_000, 3_500, 200)
START_MS, CYCLE_MS = 1_767_225_600_000, 3_000
CYCLES = 288_000  # ten days at 3 s, where there are a million fills

INSERT_FILL = (
    "INSERT INTO fills (seq, fill_id, order_id, client_order_id, market, side, price, size, fee, liquidity, time_ms, "
    "liquidation, run_id, slot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_ORDER = (
    "INSERT INTO orders (number, client_order_id, run_id, market, slot, side, price, size, filled_reported, status, "
    "live, reduce_only, created_ms, updated_ms, filled_absorbed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def fill_rows(fills: int, step_ms: int) -> Iterator[tuple[object, ...]]:
    """Fills of three markets in turn, near the price; sizes that mostly lead the inventory back to nothing, and the
    last ones all the way, so that the account is as flat as an exchange that knows nothing of it."""
    chance = random.Random(1)
    held = [0, 0, 0]
    for n in range(fills):
        which = n % 3
        side = ("short" if held[which] > 0 else "long") if chance.random() < 0.7 else chance.choice(("long", "short"))
        size = chance.randint(1, 3_000)
        if n >= fills - 3 and held[which]:
            side, size = "short" if held[which] > 0 else "long", abs(held[which])
        sign = 1 if side == "long" else -1
        held[which] += sign * size
        price = PRICES[which] * (1 - sign * chance.randint(0, 300) / 1e6)
        yield (
            n + 1, f"past-{n}", f"v{n // 2}", f"n-{n // 2}", MARKETS[which], side, f"{price:.2f}", f"{size / 1e5:.5f}",
            f"{-price * size * 2e-9:.8f}", "maker", START_MS + n * step_ms, 0, f"n-r{which + 1}", "bid",
        )  # fmt: skip


def fill_journal(path: Path, fills: int, *, orders: int, cycles: int = CYCLES, span_cycles: int = CYCLES) -> None:
    """Adds three ended runs with `fills` fills, `orders` orders, and `cycles` mids a market and readings of equity to
    the journal at `path`, over `span_cycles` cycles of time."""
    chance = random.Random(2)
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")  # a power cut may have what a bench made
    db.execute("PRAGMA cache_size = -400000")
    with db:
        db.executemany(
            "INSERT INTO runs (number, run_id, kind, market, config, status, started_ms, wall_started_ms, ended_ms) "
            "VALUES (?, ?, 'grid', ?, '{}', 'stopped', ?, 0, ?)",
            [(n + 1, f"n-r{n + 1}", market, START_MS, START_MS + 1) for n, market in enumerate(MARKETS)],
        )
        db.executemany(INSERT_FILL, fill_rows(fills, CYCLE_MS * span_cycles // max(fills, 1)))
        db.executemany(
            INSERT_ORDER,
            (
                (n, f"n-{n}", f"n-r{n % 3 + 1}", MARKETS[n % 3], "bid", "long", "65000.12", "0.00154", "0", "cancelled",
                 0, 0, START_MS + n, START_MS + n, "0.00154" if n < fills // 2 else "0")
                for n in range(orders)
            ),
        )  # fmt: skip
        for market, price in zip(MARKETS, PRICES, strict=True):
            db.executemany(
                "INSERT INTO mids VALUES (?, ?, ?)",
                (
                    (market, START_MS + n * CYCLE_MS, f"{price + chance.randint(-100, 100) * price / 1e6:.2f}")
                    for n in range(cycles)
                ),
            )
        db.executemany(
            "INSERT INTO equity (time_ms, equity) VALUES (?, ?)",
            ((START_MS + n * CYCLE_MS, f"{10_000 + chance.randint(-5_000, 5_000) / 100:.8f}") for n in range(cycles)),
        )
        db.execute("UPDATE meta SET value = ? WHERE key = 'next_order'", (str(orders + 1),))
    db.close()
