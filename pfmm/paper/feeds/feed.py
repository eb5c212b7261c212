"""The seam between the paper exchange and the market it trades in: integer events, specs and the Feed protocol.

All prices are whole `price_unit`s and all sizes whole `size_step`s of the market; amounts are 1e-8 USD. This module
knows no file, no socket and no wall clock. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, Protocol

from pfmm.model.fees import Fees
from pfmm.model.quick import quick

USD = 100_000_000  # amounts are whole 1e-8 USD
NO_ASK = (1 << 63) - 1  # an absent ask lies beyond every price


@quick(frozen=True, slots=True)
class MarketSpec:
    """One market of the paper exchange in integer units.

    price_usd = n / 10**price_decimals and size_base = n / 10**size_decimals. `tick` is the smallest price step in
    price units, `significant_figures` as in model.market.PriceRule. price_decimals + size_decimals <= 8, so that
    notional = price * size * 10**(8 - price_decimals - size_decimals) is whole in 1e-8 USD: at 1 and 3 decimals,
    price 639_439 and size 2 are 63,943.9 * 0.002 = 127.8878 USD = 12_788_780_000.
    """

    market: str
    category: str
    price_decimals: int
    size_decimals: int
    tick: int
    significant_figures: int | None
    min_notional: int
    max_leverage: int
    maker_rate: int  # 1e-8 of notional: -2 bps = -20_000
    taker_rate: int
    funding_interval_hours: int

    @property
    def funding_interval_ms(self) -> int:
        """Time between two funding settlements where the feed knows none of its own: 8 h is 28_800_000."""
        return self.funding_interval_hours * 3_600_000


def charged(spec: MarketSpec, fees: Fees) -> MarketSpec:
    """Return the market with these fees: -2 bps is a rate of -20_000."""
    return replace(spec, maker_rate=int(fees.maker_bps.scaleb(4)), taker_rate=int(fees.taker_bps.scaleb(4)))


class Quote(NamedTuple):
    """Best bid and ask; a price of 0 means that the side is absent."""

    time_ms: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int


class QuoteEvent(NamedTuple):
    time_ms: int
    kind: Literal[0]
    bid: int
    bid_size: int
    ask: int
    ask_size: int


class TradeEvent(NamedTuple):
    """One print; `aggressor` +1 bought, -1 sold. `price` is the furthest price that the sweep reached."""

    time_ms: int
    kind: Literal[1]
    price: int
    size: int
    aggressor: int


Event = QuoteEvent | TradeEvent
QUOTE: Literal[0] = 0
TRADE: Literal[1] = 1


class Settlement(NamedTuple):
    """One funding settlement: when, its rate in 1e-8 per its own interval, and that interval in hours."""

    time_ms: int
    rate: int
    interval_hours: int


class Watch(Protocol):
    """The prices that matter while events are consumed; read afresh before every event, since fills move them.

    `best_bid` is our highest resting buy (0 = none), `best_ask` our lowest resting sell (0 = none).
    """

    best_bid: int
    best_ask: int


class _Everything:
    """A watch to which every event matters."""

    __slots__ = ()
    best_bid = 1 << 62
    best_ask = 1


EVERYTHING = _Everything()


def touches(watch: Watch, low: int, high: int) -> bool:
    """Tell whether prices from `low` to `high` matter to `watch`: low <= best_bid, or high >= best_ask. Quotes of 98
    and 101 do to a buy at 98 and to a sell at 101."""
    bid = watch.best_bid
    return (bid > 0 and low <= bid) or 0 < watch.best_ask <= high


def watched(event: Sequence[int], watch: Watch) -> Event | None:
    """Make the event of its numbers where it matters to `watch`; None where it does not.

    `event` is time in ms, kind, and then of a print price, size, aggressor and 0, of a quote bid, its size, ask, its
    size. A quote without a side matters to whoever rests on that side.
    """
    time_ms, kind, a, b, c, d = event
    if kind == TRADE:
        return TradeEvent(time_ms, TRADE, a, b, c) if touches(watch, a, a) else None
    return QuoteEvent(time_ms, QUOTE, a, b, c, d) if touches(watch, a, c or NO_ASK) else None


class Feed(Protocol):
    """A market that is a function of time: the same answers in any process and for any sequence of calls.

    `events` yields, in time order and for after_ms < time <= to_ms, AT LEAST every event that could matter to an
    order at or beyond the watched prices: a quote with bid <= best_bid or ask >= best_ask, a trade with price <=
    best_bid or price >= best_ask. It may leave out the rest (that is its speed), and must yield the same events for
    the same interval however the interval is cut.
    """

    def specs(self) -> Sequence[MarketSpec]: ...

    def span(self) -> tuple[int, int] | None:
        """Return the first and last venue time of recorded data; None for a market without end."""
        ...

    def as_of(self, market: str, time_ms: int) -> int:
        """Tell when what is known of the market at `time_ms` was seen: that very time, where nothing can be missing."""
        ...

    def quote(self, market: str, time_ms: int) -> Quote: ...

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks) as (price, size), best first, consistent with `quote`."""
        ...

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]: ...

    def mark(self, market: str, time_ms: int) -> int: ...

    def settlements(self, market: str, after_ms: int, to_ms: int) -> Sequence[Settlement]:
        """Return the funding settlements with after_ms < time <= to_ms, in time order, each at a whole minute."""
        ...

    def next_settlement(self, market: str, time_ms: int) -> Settlement:
        """Return the first settlement after `time_ms`, with what is known at `time_ms` of its rate and interval."""
        ...

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]: ...
