"""Markets and market data: instruments with their price rule, tickers, books and trades.

Prices and sizes are Decimal. Times are integer milliseconds of the VENUE's clock since 1970. Layer: model.
"""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.quick import quick

HOURS_PER_YEAR = 365 * 24
MAINTENANCE_SHARE = Decimal("0.5")  # of the initial margin at the market's maximum leverage
QUOTE_HOLDS_MS = 60_000  # a recorded quote that no other follows for longer tells nothing of the market any more


@quick(frozen=True, slots=True)
class PriceRule:
    """Which prices a market accepts: whole multiples of `unit`, and a bounded number of significant figures.

    `unit` is the smallest step at any price (Binance: the tick). `significant_figures` (Hyperliquid: 5) makes the
    step grow with the price; whole numbers are always allowed. Example: unit 0.1, 5 figures: at 65,432.1 the tick
    is 1, at 6,543.21 it is 0.1.
    """

    unit: Decimal
    significant_figures: int | None = None

    def tick_at(self, price: Decimal) -> Decimal:
        """Return the price step around `price` (USD).

        Raises ValueError for a price that is not positive and finite.
        """
        if not price.is_finite() or price <= 0:
            raise ValueError(f"price must be positive and finite, not {price}")
        if self.significant_figures is None:
            return self.unit
        step = Decimal(1).scaleb(price.adjusted() + 1 - self.significant_figures)
        return max(self.unit, min(step, Decimal(1)))


@quick(frozen=True, slots=True)
class Instrument:
    """What a venue says about one perpetual market.

    `size_step` in base units, `min_notional` in USD, fees in bps of notional (negative = rebate),
    `funding_interval_hours` the venue's own payment interval.
    """

    market: str
    category: str
    price_rule: PriceRule
    size_step: Decimal
    min_notional: Decimal
    max_leverage: int
    maker_bps: Decimal
    taker_bps: Decimal
    funding_interval_hours: int

    @property
    def maintenance(self) -> Decimal:
        """The margin below which a position is liquidated, as a part of its value: half of the initial one at the
        maximum leverage, 0.01 at 50."""
        return MAINTENANCE_SHARE / self.max_leverage


@quick(frozen=True, slots=True)
class Ticker:
    """Best quotes and marks of one market at venue time `time_ms`.

    A side that has no quote is None, never zero, and `mark` is above zero. `funding_rate` is a fraction per
    `funding_interval_hours`, None where the venue serves none; `funding_estimated` marks a rate that must be shown but
    never acted on.
    """

    market: str
    time_ms: int
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    mark: Decimal
    index: Decimal | None = None
    funding_rate: Decimal | None = None
    funding_interval_hours: int = 8
    next_funding_ms: int | None = None
    funding_estimated: bool = False
    volume_24h_usd: Decimal | None = None

    @property
    def mid(self) -> Decimal | None:
        """(bid + ask) / 2 in USD, or None when a side is absent: 99 and 101 give 100."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2


@quick(frozen=True, slots=True)
class Level:
    """One price of a book with the size displayed there, in base units."""

    price: Decimal
    size: Decimal


@quick(frozen=True, slots=True)
class Book:
    """Levels of one market, best first on each side."""

    market: str
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@quick(frozen=True, slots=True)
class Trade:
    """One public print. `aggressor` is +1 when the taker bought, -1 when the taker sold; `trade_id` is the venue's own
    name of it, unique in its market, empty where the venue gives none."""

    market: str
    time_ms: int
    price: Decimal
    size: Decimal
    aggressor: int
    trade_id: str = ""


@quick(frozen=True, slots=True)
class FundingRate:
    """One published funding rate: a fraction of notional per `interval_hours`, settled at `time_ms`."""

    market: str
    time_ms: int
    rate: Decimal
    interval_hours: int


@quick(frozen=True, slots=True)
class Candle:
    """One minute of a market that begins at `time_ms`: prices in USD, `volume` in base units."""

    time_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
