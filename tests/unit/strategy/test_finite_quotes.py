"""The exact quotes inside an inventory limit of a few lots, against an eigenvector and against the asymptotic ones."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from pfmm.strategy.quote.finite import MOST_LOTS, finite_quotes
from pfmm.strategy.quote.spread import ModelSpread, glft, with_exact_quotes


def test_one_lot_by_hand() -> None:
    """Step 1, one lot: −λ·f0 = 2·f1 and (1 − λ)·f1 = f0 give λ = −1, f1 = f0/2. The ask of one that holds the lot is
    ln 2 closer than without price risk, and ln 2 further when flat."""
    found = finite_quotes(1.0, 1)
    assert found.falls == pytest.approx((math.log(2),))
    assert found.shift(0) == 0
    assert found.widening(0) == pytest.approx(math.log(2))
    ask = {lots: -found.shift(lots) + found.widening(lots) for lots in (0, 1)}
    assert ask == {0: pytest.approx(math.log(2)), 1: pytest.approx(-math.log(2))}


@pytest.mark.parametrize(("step", "lots"), [(0.5, 10), (1.0, 3), (2.5, 5), (0.7, 60)])
def test_falls_are_those_of_the_eigenvector(step: float, lots: int) -> None:
    np = pytest.importorskip("numpy")
    places = np.arange(-lots, lots + 1)
    matrix = np.diag(step * step * places**2) - np.eye(2 * lots + 1, k=1) - np.eye(2 * lots + 1, k=-1)
    vector = np.abs(np.linalg.eigh(matrix)[1][:, 0])
    wanted = [math.log(vector[lots + n] / vector[lots + n + 1]) for n in range(min(lots, 5))]
    assert list(finite_quotes(step, lots).falls[:5]) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("step", [0.01, 0.05])
def test_small_steps_are_the_asymptotic_quotes(step: float) -> None:
    """Where a lot moves the quotes by 1 % of 1/κ, both say so, as long as the limit is far."""
    found = finite_quotes(step, 30) if step > 0.04 else finite_quotes(step, MOST_LOTS)
    for lots in (0.0, 1.0, 2.5):
        assert found.shift(lots) == pytest.approx(step * lots, abs=0.02 * step + 1e-3)


def test_the_shift_rises_with_inventory_and_is_odd() -> None:
    found = finite_quotes(1.3, 4)
    at = [found.shift(lots / 4) for lots in range(-24, 25)]
    assert all(later > earlier for earlier, later in pairwise(at))
    assert at == pytest.approx([-value for value in reversed(at)])


def test_a_large_lot_moves_the_quotes_less_than_the_asymptotic_formula() -> None:
    """κ 0.5 per bp (1/κ = 2 bps) and an asymptotic skew of 5 bps a lot: exact 5.1 for the first, 2.2 for the second,
    1.6 for the third."""
    exact = with_exact_quotes(ModelSpread(2.0, 2.5, 5.0), size=1.0, kappa=0.5, limit=3.0)
    at = [exact.shift(lots) for lots in range(4)]
    assert [b - a for a, b in pairwise(at)] == pytest.approx([5.10, 2.16, 1.61], abs=0.01)
    assert at[3] < 3 * 5.0


def test_the_exact_quotes_begin_where_a_lot_moves_them_by_half_of_one_over_kappa() -> None:
    def model(gamma: float) -> ModelSpread:
        found = glft(size=1.0, gamma=gamma, kappa=0.5, sigma=1.0, intensity=1.0, xi=0.0)
        return with_exact_quotes(found, size=1.0, kappa=0.5, limit=4.0)

    # skew·Δ·κ = σ·√(γe/(2AΔκ))·Δ·κ = ½·√(2.71828γ) is ½ at γ = 0.36788
    assert model(0.36).exact is None
    assert model(0.37).exact is not None
