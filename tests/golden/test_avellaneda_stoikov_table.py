"""The published Avellaneda–Stoikov simulation (γ = 0.1), with the project's own functions and the paper's recipe.

s = 100, σ = 2, T = 1, dt = 0.005, k = 1.5, A = 140, 1,000 paths; steps ±σ√dt with equal probability, fills Bernoulli
with probability λ·dt. Published: inventory strategy profit 65.0 ± 6.6 and final inventory 0.08 ± 2.9, symmetric
68.4 ± 12.7 and 0.26 ± 8.4, mean spread 1.49. Both tables are samples of 1,000 paths, so each mean may differ by
√2 standard errors of either; the bounds are four of those.
"""

from __future__ import annotations

import math
import random
import statistics

import pytest

from pfmm.strategy.quote.spread import ModelSpread, avellaneda_stoikov

PATHS, STEPS, DT = 1000, 200, 0.005
SIGMA, GAMMA, KAPPA, INTENSITY, START = 2.0, 0.1, 1.5, 140.0, 100.0

Results = tuple[list[float], list[float]]


def model_at(step: int) -> ModelSpread:
    """The paper counts the horizon down; size is one unit."""
    return avellaneda_stoikov(size=1.0, gamma=GAMMA, kappa=KAPPA, sigma=SIGMA, horizon_s=1.0 - step * DT)


def simulate(*, inventory_aware: bool, seed: int) -> Results:
    """Profit and final inventory of each path."""
    draw = random.Random(seed).random
    move = SIGMA * math.sqrt(DT)
    schedule = [(model.half, model.skew if inventory_aware else 0.0) for model in map(model_at, range(STEPS))]
    profits, inventories = [], []
    for _ in range(PATHS):
        mid, cash, inventory = START, 0.0, 0
        for half, skew in schedule:
            centre = mid - skew * inventory  # the reservation price
            bid, ask = centre - half, centre + half
            bought = draw() < INTENSITY * math.exp(-KAPPA * (mid - bid)) * DT
            sold = draw() < INTENSITY * math.exp(-KAPPA * (ask - mid)) * DT
            cash += sold * ask - bought * bid
            inventory += bought - sold
            mid += move if draw() < 0.5 else -move
        profits.append(cash + inventory * mid)
        inventories.append(float(inventory))
    return profits, inventories


@pytest.fixture(scope="module")
def inventory_strategy() -> Results:
    return simulate(inventory_aware=True, seed=20080101)


@pytest.fixture(scope="module")
def symmetric_strategy() -> Results:
    return simulate(inventory_aware=False, seed=20080102)


def assert_published(values: list[float], mean: float, deviation: float) -> None:
    bound = 4 * math.sqrt(2) * deviation / math.sqrt(PATHS)
    assert statistics.fmean(values) == pytest.approx(mean, abs=bound)
    # the standard error of a deviation is s/√(2n); the paper prints two figures, hence the rounding
    assert statistics.stdev(values) == pytest.approx(deviation, abs=bound / math.sqrt(2) + 0.05)


def test_inventory_strategy(inventory_strategy: Results) -> None:
    profits, inventories = inventory_strategy
    assert_published(profits, 65.0, 6.6)
    assert_published(inventories, 0.08, 2.9)


def test_symmetric_strategy(symmetric_strategy: Results) -> None:
    profits, inventories = symmetric_strategy
    assert_published(profits, 68.4, 12.7)
    assert_published(inventories, 0.26, 8.4)


def test_inventory_control_is_worth_it(inventory_strategy: Results, symmetric_strategy: Results) -> None:
    ratio = statistics.stdev(inventory_strategy[0]) / statistics.stdev(symmetric_strategy[0])
    assert ratio < 0.6


def test_mean_spread() -> None:
    # 0.4·(mean of 1 − t) + 1.2908 = 0.2 + 1.29
    assert statistics.fmean(2 * model_at(step).half for step in range(STEPS)) == pytest.approx(1.49, abs=0.005)
