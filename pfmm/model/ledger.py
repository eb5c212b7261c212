"""What one owner holds and earned on one market, as frozen values. Layer: model."""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.quick import quick

ACCOUNT = "*"  # the owner of a market's net book: every fill of the account, whoever traded, as the venue nets it
UNATTRIBUTED = ""  # owns the fills of no run, but those that closed what an ended run left

_ZERO = Decimal(0)


@quick(frozen=True, slots=True)
class LedgerState:
    """One position: signed `size` in base units, `cost_basis` in USD (always >= 0), and what it earned so far.

    `realized` and `funding` are USD received, `fees` USD paid (rebates negative).
    """

    size: Decimal = _ZERO
    cost_basis: Decimal = _ZERO
    realized: Decimal = _ZERO
    fees: Decimal = _ZERO
    funding: Decimal = _ZERO


@quick(frozen=True, slots=True)
class OwnerBook:
    """The ledger of one owner (a run id, UNATTRIBUTED or ACCOUNT) on one market, and of how many fills of its own
    orders it is made. `left_since_ms` is None while its run goes on; of an ended run it is the time of the last cycle,
    from which on fills of no run close what the run left. `number` is the run's, 0 where there is none."""

    market: str
    owner: str
    ledger: LedgerState = LedgerState()
    fills: int = 0
    number: int = 0
    left_since_ms: int | None = None


@quick(frozen=True, slots=True)
class Adoption:
    """What a run is to take over as it begins, at `price` in USD, the mark: what ended runs left on its market, and
    with `foreign` what no run ever held. `unbooked` is what of the account's position no fill tells of, signed base
    units."""

    price: Decimal
    foreign: bool = False
    unbooked: Decimal = _ZERO


@quick(frozen=True, slots=True)
class Move:
    """A position of `size`, signed base units, that went from one owner to another at a price in USD, without a trade.
    The giver is None where no fill tells of it: then the ACCOUNT's book gets it too."""

    market: str
    giver: str | None
    taker: str
    size: Decimal
    price: Decimal
    time_ms: int
