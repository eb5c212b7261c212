"""The account's fees at Hyperliquid: its own tier, and what the builders of further lists of markets add. Pure.

Layer: venue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pfmm.venue.wire import Record

_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Dex:
    """One list of markets that a builder deployed: its number in requests, and how much of the fees he adds."""

    name: str
    number: int
    fee_scale: Decimal


def dexes(rows: Sequence[object]) -> Mapping[str, Dex]:
    """Read the builders' lists of `perpDexs` by name; the first entry, the venue's own, is null."""
    found = [(number, Record(row, f"perpDexs[{number}]")) for number, row in enumerate(rows) if row is not None]
    return {
        row.text("name"): Dex(
            row.text("name"),
            number,
            row.decimal_text("deployerFeeScale") if row.given("deployerFeeScale") else Decimal(1),
        )
        for number, row in found
    }


def dex_fees_bps(maker_bps: Decimal, taker_bps: Decimal, dex: Dex, *, growth: bool) -> tuple[Decimal, Decimal]:
    """Work out the account's fees on a builder's list: the builder adds his share, and growth takes nine tenths off.

    1.5 bps with a scale of 1 are 3, in growth 0.3; with 0.5 they are 2.25. A rebate only shrinks. Source: the venue's
    documentation of fees.
    """
    scale = dex.fee_scale + 1 if dex.fee_scale < 1 else dex.fee_scale * 2
    share = Decimal("0.1") if growth else Decimal(1)
    return (maker_bps * (scale if maker_bps > 0 else 1) * share, taker_bps * scale * share)


def fees_bps(user_fees: Record) -> tuple[Decimal, Decimal]:
    """Read the account's fees in bps, maker and taker, negative for a rebate: 0.00015 and 0.00045 are 1.5 and 4.5."""
    return user_fees.decimal_text("userAddRate") * _BPS, user_fees.decimal_text("userCrossRate") * _BPS
