"""What a market charges: maker and taker fee in bps, the presets of known venues, and where the numbers come from.

Positive is paid, negative is a rebate. Imports nothing of a venue: a preset is a published figure with its date.
Layer: model.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from pfmm.errors import UsageError
from pfmm.model.quick import quick

AS_OF = "2026-11"  # when the entry tiers below were read
ARTICLE = "article"
CUSTOM = "custom"
MOST_BPS = Decimal(100)
STEP_BPS = Decimal("0.0001")  # the exchange's rates are whole 1e-8 of the notional


@quick(frozen=True, slots=True)
class Fees:
    """Maker and taker fee in bps of the notional, and the preset that they are, or "custom"."""

    maker_bps: Decimal
    taker_bps: Decimal
    source: str

    @property
    def text(self) -> str:
        """The fees as a header says them: "fees maker -2, taker 5 bps (article)"."""
        return f"fees maker {self.maker_bps:f}, taker {self.taker_bps:f} bps ({self.source})"

    def data(self) -> dict[str, object]:
        """Return the fees as an answer has them."""
        return {"maker_bps": self.maker_bps, "taker_bps": self.taker_bps, "source": self.source}

    def kept(self) -> dict[str, object]:
        """Return the fees as a feed's configuration stores them, to the last digit."""
        return {"maker_bps": f"{self.maker_bps:f}", "taker_bps": f"{self.taker_bps:f}", "source": self.source}


PRESETS: Mapping[str, Fees] = {
    name: Fees(Decimal(maker), Decimal(taker), name)
    for name, maker, taker in (
        (ARTICLE, "-2", "5"),
        ("hyperliquid", "1.5", "4.5"),
        ("binance", "2", "5"),
        ("bybit", "2", "5.5"),
        ("okx", "2", "5"),
    )
}


@quick(frozen=True, slots=True)
class FeeChoice:
    """What the options say about fees; nothing where all are None."""

    preset: str | None = None
    maker_bps: Decimal | None = None
    taker_bps: Decimal | None = None

    def among(self, default: Fees) -> Fees:
        """Choose the fees: the preset (else `default`), with a rate that is given in the place of its own.

        `--fees binance --maker-bps 0` is maker 0, taker 5, "custom". Raises UsageError for an unknown preset, and for
        a rate that is no finite number within 100 bps and whole in 0.0001.
        """
        if self.preset is not None and self.preset not in PRESETS:
            raise UsageError(f"--fees must be one of {', '.join(PRESETS)}, not {self.preset!r}")
        base = default if self.preset is None else PRESETS[self.preset]
        if self.maker_bps is None and self.taker_bps is None:
            return base
        maker = base.maker_bps if self.maker_bps is None else _rate("--maker-bps", self.maker_bps)
        taker = base.taker_bps if self.taker_bps is None else _rate("--taker-bps", self.taker_bps)
        return Fees(maker, taker, CUSTOM)


def fees_text(fees: Mapping[str, Fees]) -> str:
    """Write the fees of some markets as a header says them: "fees maker 1.5, taker 4.5 bps (hyperliquid)".

    Where they differ "fees maker/taker, bps: BTC-PERP 1.5/4.5, X-PERP 3/9 (hyperliquid)"; of none "fees as the fills
    were charged".
    """
    if not fees:
        return "fees as the fills were charged"
    first, *others = fees.values()
    if all(one == first for one in others):
        return first.text
    each = ", ".join(f"{market} {one.maker_bps:f}/{one.taker_bps:f}" for market, one in fees.items())
    return f"fees maker/taker, bps: {each} ({first.source})"


def entry_tier(venue: str | None) -> Fees | None:
    """Return the entry tier of a known venue; None for any other."""
    return PRESETS.get(venue or "")


def stored(raw: object) -> Fees | None:
    """Read the fees that `Fees.kept` or `Fees.data` wrote; None where there are none.

    Raises ValueError naming the field.
    """
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        raise ValueError(f"fees must be an object, not {raw!r}")
    found = []
    for name in ("maker_bps", "taker_bps"):
        try:
            given = raw[name]
            rate = Decimal(str(given)).normalize() if isinstance(given, float) else Decimal(str(given))
        except (KeyError, InvalidOperation):
            raise ValueError(f"fees: {name} is {raw.get(name)!r}") from None
        if not rate.is_finite() or abs(rate) > MOST_BPS:
            raise ValueError(f"fees: {name} is {rate}")
        found.append(rate)
    return Fees(found[0], found[1], str(raw.get("source", CUSTOM)))


def _rate(option: str, bps: Decimal) -> Decimal:
    if not bps.is_finite() or abs(bps) > MOST_BPS:
        raise UsageError(f"{option} must lie between -{MOST_BPS} and {MOST_BPS} bps, not {bps}")
    if bps % STEP_BPS:
        raise UsageError(f"{option} must be whole in {STEP_BPS} bps, not {bps}")
    return bps
