"""The bench's grid in hftbacktest, run by a Python that has it: `python hft_grid.py DATA.npz START_NS STEP_NS LINES…`.

A cell between two lines buys at its lower and sells at its upper line; one order a cell, post-only, answered by its
counter-order at the first step after it filled. Prints one JSON line with its figures.
"""

from __future__ import annotations

import json
import sys
import time

BEGAN = time.perf_counter()

import numpy as np  # noqa: E402 - everything counts
from hftbacktest import BUY, FILLED, GTX, LIMIT, BacktestAsset, HashMapMarketDepthBacktest  # noqa: E402 - likewise
from numba import njit  # noqa: E402 - likewise


@njit  # type: ignore[untyped-decorator]
def run(hbt, lows, highs, sizes, starts, step_ns, orders_out):  # type: ignore[no-untyped-def]
    cells = len(lows)
    live = np.zeros(cells, np.uint64)
    holds = starts.copy()
    number = np.uint64(1)
    fills = 0
    steps = 0
    while hbt.elapse(step_ns) == 0:
        steps += 1
        hbt.clear_inactive_orders(0)
        orders = hbt.orders(0)
        depth = hbt.depth(0)
        for cell in range(cells):
            if live[cell] != 0:
                if live[cell] in orders:
                    continue
                holds[cell] = not holds[cell]
                fills += 1
            if holds[cell]:
                price = max(highs[cell], depth.best_ask)
                hbt.submit_sell_order(0, number, price, sizes[cell], GTX, LIMIT, False)
            else:
                price = min(lows[cell], depth.best_bid)
                hbt.submit_buy_order(0, number, price, sizes[cell], GTX, LIMIT, False)
            live[cell] = number
            number += np.uint64(1)
    orders_out[0] = number - 1
    orders_out[1] = fills
    orders_out[2] = steps


def build(data: str):  # type: ignore[no-untyped-def]
    asset = (
        BacktestAsset()
        .data([data])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .partial_fill_exchange()
        .trading_value_fee_model(-0.0002, 0.0005)
        .tick_size(0.1)
        .lot_size(0.001)
    )
    return HashMapMarketDepthBacktest([asset])


def main() -> None:
    _, data, tiny, step_ns, lines, empty, size_usd = sys.argv
    prices = np.array([float(one) for one in lines.split(",")])
    lows, highs = prices[:-1], prices[1:]
    sizes = np.floor(float(size_usd) / lows / 0.001 + 1e-9) * 0.001
    starts = np.arange(len(lows)) >= int(empty)
    out = np.zeros(3, np.int64)
    run(build(tiny), lows, highs, sizes, starts, int(step_ns), out)
    compiled = time.perf_counter() - BEGAN
    hbt = build(data)
    loaded = time.perf_counter()
    run(hbt, lows, highs, sizes, starts, int(step_ns), out)
    loop = time.perf_counter() - loaded
    state = hbt.state_values(0)
    print(
        json.dumps(
            {
                "compile_s": compiled,
                "loop_s": loop,
                "whole_s": time.perf_counter() - BEGAN,
                "orders": int(out[0]),
                "fills": int(state.num_trades),
                "steps": int(out[2]),
                "position": float(state.position),
                "buy": BUY,
                "filled": FILLED,
            }
        )
    )


if __name__ == "__main__":
    main()
