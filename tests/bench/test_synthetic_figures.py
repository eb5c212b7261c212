"""The figures of the synthetic market beside those of recorded ticks: the table of `pfmm help paper-fills`.

`python -m pytest -m bench -s tests/bench/test_synthetic_figures.py` prints it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from statistics import fmean, median

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import load
from pfmm.model.market import Trade
from pfmm.paper.feeds.feed import QUOTE
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.strategy.calibration import calibrate
from tests.bench.synthetic_worlds import SEEDS, synthetic

pytestmark = [pytest.mark.bench, pytest.mark.slow]
LAGS = (1, 5, 20)
FIT_MS = 1_800_000


def figures(columns: Columns) -> dict[str, float]:
    """What the table says of one stretch of a market."""
    rows = columns.rows
    quotes, prints = rows[rows[:, 1] == QUOTE], rows[rows[:, 1] != QUOTE]
    times = quotes[:, 0].tolist()
    mids = ((quotes[:, 2] + quotes[:, 4]) / 2).tolist()
    span_s = (times[-1] - times[0]) / 1000
    sweeps: dict[tuple[int, int], int] = {}
    for time_ms, _, _, _, side, _ in prints.tolist():
        sweeps[time_ms, side] = 1
    signs = [side for _, side in sorted(sweeps)]
    found = {
        "spread, bps": median(((quotes[:, 4] - quotes[:, 2]) / (quotes[:, 2] + quotes[:, 4]) * 20_000).tolist()),
        "sweeps a second": len(sweeps) / span_s,
    }
    for lag in LAGS:
        found[f"sign autocorrelation, lag {lag}"] = fmean(a * b for a, b in zip(signs, signs[lag:], strict=False))
    for seconds in (1, 30):
        moves = _moves(times, mids, seconds * 1000)
        found[f"volatility over {seconds} s"] = sqrt(fmean(move**2 for move in moves) / seconds) * 10_000
        if seconds == 1:
            squares = fmean(move**2 for move in moves)
            found["kurtosis of 1 s moves"] = fmean(move**4 for move in moves) / squares**2
    return {**found, **_fits(columns, times, mids)}


def _moves(times: Sequence[int], mids: Sequence[float], step_ms: int) -> list[float]:
    seen = [mids[bisect_right(times, at) - 1] for at in range(times[0], times[-1], step_ms)]
    return [log(after / before) for before, after in pairwise(seen)]


def _fits(columns: Columns, times: list[int], mids: list[float]) -> dict[str, float]:
    """κ per bp, A of both sides a second and R² by the book's own mids, the means over the half hours."""
    spec = columns.tape.spec
    unit = Decimal(1).scaleb(-spec.price_decimals)
    series = [(at, mid * float(unit)) for at, mid in zip(times, mids, strict=True)]
    rows = columns.rows[columns.rows[:, 1] != QUOTE].tolist()
    fits = []
    for start in range(times[0], times[-1], FIT_MS):
        trades = [
            Trade(spec.market, r[0], r[2] * unit, Decimal(r[3]), r[4]) for r in rows if start <= r[0] < start + FIT_MS
        ]
        first = max(bisect_left(times, start) - 1, 0)
        made = calibrate(trades, series[first : bisect_left(times, start + FIT_MS)])
        if made.fit is not None and made.kappa_per_bp is not None:
            fits.append((made.kappa_per_bp, made.fit.intensity_per_s, made.fit.r_squared))
    names = ("κ per bp", "A a second", "R²")
    return {name: fmean(column) for name, column in zip(names, zip(*fits, strict=True), strict=True)} if fits else {}


def test_the_table(shared_data: Path, tmp_path: Path) -> None:
    folder, columns = shared_data / "binance-usdm-ticks", {}
    for coin in ("BTC", "ETH"):
        files = [folder / f"{coin.lower()}usdt_{day}.gz" for day in ("20240718", "20240719")]
        columns[f"recorded {coin}"] = figures(load(files, f"{coin}-PERP", TapeCache(tmp_path)).columns)
        several = [figures(synthetic(seed, f"{coin}-PERP").columns) for seed in SEEDS]
        columns[f"{coin}-PERP"] = {
            name: fmean(one[name] for one in several if name in one) for name in columns[f"recorded {coin}"]
        }
    print("\n" + " " * 30 + "".join(f"{name:>14}" for name in columns))
    for name in columns["recorded BTC"]:
        print(f"{name:30}" + "".join(f"{one[name]:14.3f}" for one in columns.values()))
    assert columns["BTC-PERP"]["sweeps a second"] > 1
