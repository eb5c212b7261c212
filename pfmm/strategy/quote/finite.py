"""The exact quotes of Guéant–Lehalle–Fernandez-Tapia inside an inventory limit of a few lots. Pure arithmetic.

The asymptotic quotes move by the same amount for every lot, without end. Where a lot moves them by more than half of
1/κ the exact ones do not: the distance grows like a logarithm. Layer: strategy.
"""

from __future__ import annotations

import math

from pfmm.model.quick import quick

MOST_LOTS = 200  # from there on quotes move no further
SOLVED_LOTS = 30  # more of them change no digit of the eigenvalue where a step is ½ or more
BISECTIONS = 52


@quick(frozen=True, slots=True)
class FiniteQuotes:
    """What the limit of `lots` lots makes of a model whose asymptotic quotes move by `step`/κ a lot.

    `falls[n]` is ln f(n)/f(n+1) for n from 0 to lots − 1, where f is the eigenvector of the smallest eigenvalue of the
    matrix with step²·n² on its diagonal and −1 beside it, for n from −lots to lots (f is even). A bid at inventory n
    stands falls(n)/κ further from the fair price than without price risk, an ask −falls(n − 1)/κ.
    """

    falls: tuple[float, ...]

    def fall(self, lots: float) -> float:
        """Return ln f(u)/f(u+1) at `lots` = u, on straight lines between whole lots and beyond the outermost.

        f is even, so that the fall at −1 is the rise at 0, and at −½ nothing: fall(u) = −fall(−1 − u).
        """
        if lots < -0.5:
            return -self.fall(-1 - lots)
        whole = min(math.floor(lots), len(self.falls) - 2)
        low = self.falls[whole] if whole >= 0 else -self.falls[0]
        return low + (self.falls[whole + 1] - low) * (lots - whole)

    def shift(self, lots: float) -> float:
        """Tell how far both quotes stand below the fair price at an inventory of `lots`, in 1/κ: 0 when flat."""
        return (self.fall(lots) + self.fall(lots - 1)) / 2

    def widening(self, lots: float) -> float:
        """Tell how much the half-spread gains from price risk at an inventory of `lots`, in 1/κ."""
        return (self.fall(lots) - self.fall(lots - 1)) / 2


def finite_quotes(step: float, lots: int) -> FiniteQuotes:
    """Solve the quotes for at most `lots` lots (at least 1) either way.

    Asymptotically they move by `step`/κ a lot. Source: Guéant, Lehalle and Fernandez-Tapia, "Dealing with the inventory
    risk" (2013), the limit of a far horizon, for lots of size Δ: α/η = (σ·c2·Δ·κ)². Solved by ratios r(n) = f(n)/f(n−1)
    = 1/(step²·n² − λ − r(n+1)), which neither overflow nor underflow, and −λ = 2·r(1). One lot, step 1: λ = −1 and
    f(1)/f(0) = ½, so the fall is ln 2.
    """
    count = max(1, min(lots, MOST_LOTS))
    low, high = -2.0, 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        ratios = _ratios(step, min(count, SOLVED_LOTS), middle)
        if ratios is None or middle + 2 * ratios[0] > 0:
            high = middle
        else:
            low = middle
    found = _ratios(step, count, low)
    assert found is not None
    return FiniteQuotes(tuple(-math.log(ratio) for ratio in found))


def _ratios(step: float, count: int, eigenvalue: float) -> list[float] | None:
    """Compute f(n)/f(n−1) for n from 1 to `count`; None where the eigenvalue is too high for f to stay positive."""
    ratios = [0.0] * count
    beyond = 0.0
    for n in range(count, 0, -1):
        left = step * step * n * n - eigenvalue - beyond
        if left <= 0:
            return None
        beyond = ratios[n - 1] = 1 / left
    return ratios
