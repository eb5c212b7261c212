"""The fee that the venue states for a market, held against what own fills were charged. Pure.

The fee in own fills is the fact; what a venue lists is a claim. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pfmm.model.market import Instrument
from pfmm.model.order import Fill, Liquidity
from pfmm.model.quick import replace

TOLERANCE_BPS = Decimal("0.05")
NEWEST_FILLS = 100  # among which one that made, and one that took, is looked for
STEP_BPS = Decimal("0.0001")
BPS = Decimal(10_000)


def charged_bps(fill: Fill) -> Decimal:
    """Return the fee of a fill in bps of its notional, to 0.0001: 0.0195 on 1 at 195 is 1; a rebate is negative."""
    return (fill.fee / (fill.price * fill.size) * BPS).quantize(STEP_BPS)


def stated_bps(instrument: Instrument, liquidity: Liquidity) -> Decimal:
    """Return what the market states for a fill that made, or took, in bps."""
    return instrument.maker_bps if liquidity is Liquidity.MAKER else instrument.taker_bps


def differs(instrument: Instrument, fill: Fill) -> bool:
    """Tell whether a fill was charged otherwise than stated, by more than 0.05 bp.

    A liquidation has fees of its own, and of a tiny fill the cent that an amount is rounded to is more than that.
    """
    if fill.liquidation or abs(fill.price * fill.size) < 1:
        return False
    return abs(charged_bps(fill) - stated_bps(instrument, fill.liquidity)) > TOLERANCE_BPS


def as_charged(instrument: Instrument, newest_first: Iterable[Fill]) -> Instrument:
    """Return the market with the fees that its newest own fills were charged, where these are not the stated ones."""
    found: dict[Liquidity, Decimal] = {}
    for fill in newest_first:
        if not fill.liquidation and fill.liquidity not in found:
            stated = stated_bps(instrument, fill.liquidity)
            found[fill.liquidity] = charged_bps(fill) if differs(instrument, fill) else stated
    return replace(
        instrument,
        maker_bps=found.get(Liquidity.MAKER, instrument.maker_bps),
        taker_bps=found.get(Liquidity.TAKER, instrument.taker_bps),
    )


def warning(instrument: Instrument, fill: Fill, told: set[tuple[str, Liquidity]]) -> str | None:
    """Warn of a fill's fee: "maker fills are charged 2 bps where BTC-PERP states 1.5: …"; None where it is as stated.

    `told` remembers the markets and kinds of fill that were warned of: each is said once.
    """
    key = (fill.market, fill.liquidity)
    if key in told or not differs(instrument, fill):
        return None
    told.add(key)
    charged, stated = charged_bps(fill).normalize(), stated_bps(instrument, fill.liquidity)
    return (
        f"{fill.liquidity.value} fills are charged {charged:f} bps where {fill.market} states {stated:f}: "
        "figures and forecasts go by the fills"
    )
