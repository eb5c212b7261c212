"""The markets that the paper exchange lists: integer specs, the price rule on integers, and each market's character.

Parsed line by line on demand: a process that trades one market pays for one. Knows neither feeds nor accounts.
Layer: paper.
"""

from __future__ import annotations

from pfmm.errors import UnknownMarket
from pfmm.model.quick import quick
from pfmm.paper.feeds.feed import USD, MarketSpec
from pfmm.paper.listing import TABLE

SUFFIX = "-PERP"
SIGNIFICANT_FIGURES = 5
PRICE_AND_SIZE_DECIMALS = 6
MIN_NOTIONAL = 10 * USD
MAKER_RATE = -20_000  # -2 bps, a rebate
TAKER_RATE = 50_000  # +5 bps
FUNDING_INTERVAL_HOURS = 8


@quick(frozen=True, slots=True)
class Character:
    """What makes one synthetic market differ from another: the price it wanders around (USD), its volatility (a
    fraction a year of 365 days) and how liquid it is, from 0 (hardly traded) to 4 (like bitcoin): each generator of
    prices has its own figures for that."""

    anchor_usd: float
    annual_volatility: float
    liquidity: int


class Listing:
    """The table of markets, split into lines once and parsed one line at a time."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines = {line.partition(" ")[0] + SUFFIX: line for line in TABLE.splitlines()}

    @property
    def names(self) -> tuple[str, ...]:
        """Every market in listing order, like "BTC-PERP"."""
        return tuple(self._lines)

    def spec(self, market: str) -> MarketSpec:
        """Return the integer units and rules of one market; raises UnknownMarket. BTC has 5 size decimals, hence 6 - 5
        = 1 price decimal and a price unit of 0.1 USD."""
        _, category, size_decimals, leverage, _, _, _ = self._fields(market)
        decimals = int(size_decimals)
        return MarketSpec(
            market=market,
            category=category,
            price_decimals=PRICE_AND_SIZE_DECIMALS - decimals,
            size_decimals=decimals,
            tick=1,
            significant_figures=SIGNIFICANT_FIGURES,
            min_notional=MIN_NOTIONAL,
            max_leverage=int(leverage),
            maker_rate=MAKER_RATE,
            taker_rate=TAKER_RATE,
            funding_interval_hours=FUNDING_INTERVAL_HOURS,
        )

    def character(self, market: str) -> Character:
        """Return anchor, volatility and liquidity of one market; raises UnknownMarket."""
        _, _, _, _, anchor, volatility, liquidity = self._fields(market)
        return Character(float(anchor), float(volatility), int(liquidity))

    def _fields(self, market: str) -> list[str]:
        try:
            return self._lines[market].split()
        except KeyError:
            raise unknown_market(market, self.names) from None


def unknown_market(market: str, names: tuple[str, ...]) -> UnknownMarket:
    """Make the error for a market that is not listed, its hint naming the nearest ones."""
    from difflib import get_close_matches

    near = get_close_matches(market.upper(), names, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`pfmm markets` lists them"
    return UnknownMarket(f"the market {market!r} is not listed", hint=hint, venue_code="unknown_market", status=404)


def price_step(spec: MarketSpec, price: int) -> int:
    """Return the step between valid prices around `price`, all in price units.

    With 5 significant figures and 1 decimal, 70,770.0 is 707_700: six digits, so the step is 10 units = 1 USD;
    6,543.2 is 65_432: the step is 1 unit = 0.1 USD. Whole USD are always valid, so it never exceeds 1 USD.
    """
    if spec.significant_figures is None:
        return spec.tick
    excess = len(str(price)) - spec.significant_figures
    if excess <= 0:
        return spec.tick
    return max(spec.tick, int(10 ** min(excess, spec.price_decimals)))
