"""A quoting job in FastMM, run by a Python that has it: `python fastmm_quote.py ROWS.csv HALF_SPREAD_BPS DRIFT_BPS`.

Quotes 0.001 on both sides of the mid, as far as the half-spread, and moves both when the mid has drifted by more than
the band since, or after a fill. Prints one JSON line with its figures.
"""

from __future__ import annotations

import json
import sys
import time

BEGAN = time.perf_counter()

import fastmm  # noqa: E402 - everything counts
import numba  # noqa: E402 - likewise
from fastmm import Param, State  # noqa: E402 - likewise


@numba.njit  # type: ignore[untyped-decorator]
def requote(self, ctx, book):  # type: ignore[no-untyped-def]
    ctx.clear()
    half = book.mid * self.half_spread_bps * 1e-4
    if ctx.position < self.max_inventory:
        ctx.bid(book.mid - half, self.quote_qty)
    if ctx.position > -self.max_inventory:
        ctx.ask(book.mid + half, self.quote_qty)
    ctx.keep_passive()
    self.quoted_mid = book.mid


class Quote(fastmm.Strategy):  # type: ignore[misc]
    half_spread_bps = Param(2.0, min=0.0, max=10000.0, doc="half spread, bps")
    drift_bps = Param(5.0, min=0.0, max=10000.0, doc="drift of the mid that moves the quotes, bps")
    quote_qty = Param(0.001, min=1e-9, doc="size of each side")
    max_inventory = Param(0.007, min=0.0, doc="limit, base units: about 450 USD")
    quoted_mid = State(0.0, doc="mid of the last quotes")

    @fastmm.hot  # type: ignore[untyped-decorator]
    def on_book(self, ctx, book):  # type: ignore[no-untyped-def]
        if book.valid:
            drift = abs(book.mid - self.quoted_mid)
            if self.quoted_mid <= 0.0 or drift > self.quoted_mid * self.drift_bps * 1e-4:
                requote(self, ctx, book)

    @fastmm.hot  # type: ignore[untyped-decorator]
    def on_fill(self, ctx, book):  # type: ignore[no-untyped-def]
        if book.valid:
            requote(self, ctx, book)


def main() -> None:
    path, half_bps, drift_bps = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    config = fastmm.BacktestConfig.single_instrument("BTCUSDT", "0.1", "0.001")
    config.fill_model = "l2_queue"
    config.latency_fixed_us = 0
    began = time.perf_counter()
    params = {"half_spread_bps": half_bps, "drift_bps": drift_bps}
    result = fastmm.run_backtest(config, data=path, strategy=Quote, params=params)
    stats = result.stats()
    ended = time.perf_counter()
    print(json.dumps({"fills": stats["fills"], "run_s": ended - began, "whole_s": ended - BEGAN}))


if __name__ == "__main__":
    main()
