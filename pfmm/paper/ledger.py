"""The exchange's ledger: one-way positions, fees, funding and margin in whole 1e-8 USD. Pure integers.

Equity is deposits + realized + unrealized - fees + funding, exactly, because every division rounds once and the
remainder stays in the cost basis. Prices are price units, sizes size steps, `unit` is what one price unit times one
size step is worth in 1e-8 USD. Layer: paper.
"""

from __future__ import annotations

from dataclasses import dataclass

from pfmm.model.quick import quick
from pfmm.paper.feeds.feed import USD, MarketSpec

DEFAULT_DEPOSIT = 10_000 * USD  # of an account on its first use
LEVERAGE = 5
_POWERS: tuple[int, ...] = tuple(10**n for n in range(19))
MAINTENANCE_SHARE = 2  # maintenance margin is 1/2 of the initial margin at the market's maximum leverage


def half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded to the nearest whole, ties to even: 5/2 = 2, 7/2 = 4, -5/2 = -2."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2):
        quotient += 1
    return quotient


def notional_unit(spec: MarketSpec) -> int:
    """Return how many 1e-8 USD one price unit times one size step is: 1 and 3 decimals give 10_000."""
    return _POWERS[8 - spec.price_decimals - spec.size_decimals]


def fee_of(notional: int, rate: int) -> int:
    """Return the fee in 1e-8 USD, positive = paid: 127.8878 USD at +5 bps (50_000) is 0.06394390 = 6_394_390."""
    return half_even(notional * rate, USD)


@dataclass(slots=True)
class Position:
    """One market's signed size with its cost basis (>= 0) and everything that it has earned and paid."""

    size: int = 0
    basis: int = 0
    realized: int = 0
    fees: int = 0
    funding: int = 0

    def trade(self, signed_size: int, price: int, unit: int) -> None:
        """Apply one execution. Reductions remove basis*closed/size, half-even; a flip is split at zero.

        Buying 1 at 100, 101 and 101 and selling 3 at 102 realizes exactly 306 - 302 = 4.
        """
        direction = 1 if signed_size > 0 else -1
        opened = abs(signed_size)
        if self.size * direction < 0:
            held = abs(self.size)
            closed = min(opened, held)
            removed = half_even(self.basis * closed, held)
            self.realized -= direction * (price * closed * unit - removed)
            self.basis -= removed
            self.size += direction * closed
            opened -= closed
        if opened:
            self.basis += price * opened * unit
            self.size += direction * opened

    def unrealized(self, mark: int, unit: int) -> int:
        """Return size*mark - basis for a long, basis - |size|*mark for a short, 1e-8 USD."""
        return self.size * mark * unit - (self.basis if self.size > 0 else -self.basis)


def funding_amount(size: int, mark: int, unit: int, rate: int) -> int:
    """Return what a settlement pays us, 1e-8 USD: -size*mark*rate; long 1 at 100 USD and +1 bp gives -0.01 USD."""
    return half_even(-size * mark * unit * rate, USD)


@quick(frozen=True, slots=True)
class Totals:
    """The account's sums, 1e-8 USD."""

    deposits: int
    realized: int
    unrealized: int
    fees: int
    funding: int

    @property
    def cash(self) -> int:
        """deposits + realized - fees + funding."""
        return self.deposits + self.realized - self.fees + self.funding

    @property
    def equity(self) -> int:
        """cash + unrealized."""
        return self.cash + self.unrealized


@dataclass(slots=True)
class Exposure:
    """What one market could become: the position and its open buys and sells, as notional in 1e-8 USD.

    `position` is signed and at the mark; reduce-only orders add nothing.
    """

    position: int = 0
    buys: int = 0
    sells: int = 0

    def worst(self) -> int:
        """Return the larger side if every order of that side filled: long 100 with buys 50 and sells 120 is 150."""
        return max(abs(self.position), self.position + self.buys, self.sells - self.position)


def initial_margin(exposure: Exposure, max_leverage: int) -> int:
    """Return the margin to hold the worst side, rounded up: 150 USD at 5x is 30 USD."""
    return -(-exposure.worst() // min(LEVERAGE, max_leverage))


def maintenance_margin(size: int, mark: int, unit: int, max_leverage: int) -> int:
    """Return the equity below which the account is liquidated, rounded up: 1,000 USD at a maximum of 50x is 10 USD."""
    return -(-abs(size) * mark * unit // (MAINTENANCE_SHARE * max_leverage))


def liquidation_price(
    size: int, mark: int, unit: int, max_leverage: int, *, equity: int, maintenance: int
) -> int | None:
    """Solve for the mark (price units) at which equity meets maintenance while every other market stays where it is.

    equity + size*(p - mark) = maintenance + |size|*(p - mark)/(2*max_leverage), solved for p. Long 1 at 100 with
    equity 10 and maximum leverage 50 (maintenance 1): p = 100 - 9/0.99 = 90.9. None when no price does it.
    """
    if not size:
        return None
    share = MAINTENANCE_SHARE * max_leverage
    slope = unit * (size * share - abs(size))
    price = mark - half_even((equity - maintenance) * share, slope)
    return price if price > 0 else None
