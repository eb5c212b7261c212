"""The live market: a real venue's public data, looked at when somebody touches the exchange. Paper money only.

What a look brings is written to the exchange's file before anything else is done: what a client sees and what fills is
one and the same, in whatever process. Accounts and orders are brought to the last look, and all that a look brings
takes its place after the look before. Where prints may be missing is a gap, and nothing fills in it; what the market
shows afterwards is a quote like any other. The mark is the mid, as in a replay. While the venue does not answer, time
goes on, nothing fills, and both sides of the market are absent.
Knows no network: the source is given. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from pfmm.errors import BadVenueData, PfmmError, UnknownMarket
from pfmm.model.fees import Fees
from pfmm.model.market import Book, FundingRate, Level, Ticker, Trade
from pfmm.paper.feeds.feed import (
    QUOTE,
    TRADE,
    Event,
    MarketSpec,
    Quote,
    Settlement,
    TradeEvent,
    Watch,
    charged,
    watched,
)
from pfmm.paper.feeds.replay import ladder_of
from pfmm.paper.feeds.settlements import on_the_minute
from pfmm.paper.instruments import unknown_market
from pfmm.paper.live_rows import LiveRows, SeenEvent
from pfmm.paper.messages import ExchangeError
from pfmm.tape.events import Gap, Placed, TapeQuote
from pfmm.tape.recorder import OUT_OF_SIGHT_MS, Look

LEAST_INTERVAL_S = 1.0  # between two looks
SUMMARY_MS = 60_000  # between two looks at the marks of all markets
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0  # after a look that failed
HOUR_MS = 3_600_000
KEPT_MS = 24 * HOUR_MS
RATE_DECIMALS = 8


class Source(Protocol):
    """The public data of one venue, for an exchange that keeps what it shows."""

    def look(self, markets: Sequence[str]) -> Look:
        """Look at the markets once; raises an error of pfmm where the venue does not answer."""
        ...

    def resume(self, market: str, looked_ms: int, prints: Iterable[tuple[str, int]]) -> None:
        """Go on where another process stopped, given when it looked last and the (id, time) of its newest prints."""
        ...

    def summaries(self) -> tuple[Ticker, ...]:
        """Return mark and indicated funding of every market."""
        ...

    def least_interval_s(self, markets: int) -> float:
        """Return the shortest time between two looks at so many markets that the venue allows."""
        ...

    def close(self) -> None: ...


class LiveFeed:
    """A Feed over rows of the exchange's file, which `attach` gives it. `open_source` is called at the first look."""

    def __init__(self, venue: str, specs: Sequence[MarketSpec], fees: Fees, open_source: Callable[[], Source]) -> None:
        self.venue = venue
        self._specs = {spec.market: charged(spec, fees) for spec in specs}
        self._open_source = open_source
        self._source: Source | None = None
        self._rows: LiveRows | None = None
        self._next_try_wall_ms = 0
        self._pause_s = FIRST_PAUSE_S
        self._interval_ms = 1000 * LEAST_INTERVAL_S
        self._gone_wall_ms: dict[str, int] = {}  # when the venue was last seen not to list a market
        self.problem: PfmmError | None = None

    def attach(self, rows: LiveRows) -> None:
        """Serve from these rows from now on."""
        self._rows = rows

    def close(self) -> None:
        """Let go of the source."""
        if self._source is not None:
            self._source.close()
            self._source = None

    @property
    def rows(self) -> LiveRows:
        """What was seen so far."""
        assert self._rows is not None
        return self._rows

    # -- looking

    @property
    def in_sight_ms(self) -> float:
        """How old what is shown may be: beyond that time goes on without it, and both sides are absent."""
        return max(OUT_OF_SIGHT_MS, 2 * self._interval_ms)

    def reached(self, now_ms: int, wall_ms: int) -> int:
        """Tell how far accounts can be brought at venue time `now_ms`: to the last look, or now where that is old."""
        through_ms, looked_wall_ms = self.rows.through()
        seen = through_ms and 0 <= wall_ms - looked_wall_ms <= self.in_sight_ms
        return min(through_ms, now_ms) if seen else now_ms

    def due(self, markets: Iterable[str], wall_ms: int) -> list[str]:
        """Find those of `markets` to look at now; none while the venue is left alone after a failure."""
        wanted = sorted({market for market in markets if market in self._specs and not self._gone(market, wall_ms)})
        if not wanted or wall_ms < self._next_try_wall_ms:
            return []
        if self._source is not None:
            self._interval_ms = 1000 * max(LEAST_INTERVAL_S, self._source.least_interval_s(len(wanted)))
        looked = ((market, self.rows.seen(market)) for market in wanted)
        return [market for market, seen in looked if seen is None or wall_ms - seen.looked_wall_ms >= self._interval_ms]

    def _gone(self, market: str, wall_ms: int) -> bool:
        """Tell whether the venue did not list a market a moment ago: such a one is looked for once a minute."""
        at_ms = self._gone_wall_ms.get(market)
        return at_ms is not None and 0 <= wall_ms - at_ms < SUMMARY_MS

    def look(self, markets: Sequence[str], wall_ms: int) -> tuple[Look, tuple[Ticker, ...]] | None:
        """Look at `markets`; None where the venue does not answer, and then `problem` says why. Once a minute the marks
        of all markets come with it."""
        try:
            if self._source is None:
                self._source = self._open_source()
            for market in markets:
                seen = self.rows.seen(market)
                if seen is not None and seen.looked_ms:
                    newest = self.rows.newest_prints(market, seen.looked_ms - SUMMARY_MS)
                    self._source.resume(market, seen.looked_ms, newest)
            look = self._source.look(markets)
            self._gone_wall_ms |= dict.fromkeys(set(markets) - set(look.markets), wall_ms)
            marks = self._source.summaries() if self._marks_due(markets, wall_ms) else ()
        except UnknownMarket as error:  # a list without a market is no venue out of sight
            self.problem = error
            self._gone_wall_ms |= dict.fromkeys(markets, wall_ms)
            return None
        except PfmmError as error:
            self.problem = error
            self._next_try_wall_ms = wall_ms + int(1000 * self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            return None
        self.problem, self._pause_s = None, FIRST_PAUSE_S
        return look, marks

    def _marks_due(self, markets: Sequence[str], wall_ms: int) -> bool:
        known = [self.rows.seen(market) for market in markets]
        return any(one is None or wall_ms - one.looked_wall_ms >= SUMMARY_MS for one in known)

    def publish(self, look: Look, marks: Sequence[Ticker], *, wall_ms: int) -> int:
        """Write what a look brought, within a write transaction, and return how far the looks reach with it.

        It takes its place after the look before. Raises BadVenueData for a price or size that is not whole in the
        market's steps.
        """
        rows = self.rows
        after_ms = rows.through()[0]
        for ticker in marks:
            spec = self._specs.get(ticker.market)
            if spec is not None:
                rate = ticker.funding_rate or Decimal(0)
                mark = int(ticker.mark.scaleb(spec.price_decimals))
                rows.put_mark(ticker.market, max(mark, 1), round(rate.scaleb(RATE_DECIMALS)))
        for placed in look.placed:
            self._put(placed, after_ms)
        through_ms = max(look.time_ms, after_ms + 1)
        rows.put_look(look.markets, through_ms, wall_ms)
        return through_ms

    def _put(self, placed: Placed, after_ms: int) -> None:
        event, rows = placed.event, self.rows
        if isinstance(event, Gap):
            rows.put_gap(event.market, event.time_ms, event.until_ms)
        elif isinstance(event, FundingRate):
            rate = round(event.rate.scaleb(RATE_DECIMALS))
            rows.put_settlement(event.market, Settlement(on_the_minute(event.time_ms), rate, event.interval_hours))
        elif isinstance(event, Book):
            spec = self._spec(event.market)
            rows.put_book(event.market, _levels(event.bids, spec), _levels(event.asks, spec))
        else:
            rows.put_events([self._seen_event(event, placed, after_ms)])

    def _seen_event(self, event: TapeQuote | Trade, placed: Placed, after_ms: int) -> SeenEvent:
        time_ms = event.time_ms if placed.missed else max(event.time_ms, after_ms + 1)
        spec = self._spec(event.market)
        numbers: tuple[int, int, int, int]
        if isinstance(event, Trade):
            price = _units(event.price, spec.price_decimals, "price")
            numbers = (price, _units(event.size, spec.size_decimals, "size"), event.aggressor, 0)
            return SeenEvent(event.market, time_ms, TRADE, numbers, placed.made_ms, placed.missed, event.trade_id)
        bid = 0 if event.bid is None else _units(event.bid, spec.price_decimals, "bid")
        ask = 0 if event.ask is None else _units(event.ask, spec.price_decimals, "ask")
        bid_size = _units(event.bid_size, spec.size_decimals, "bid size")
        ask_size = _units(event.ask_size, spec.size_decimals, "ask size")
        numbers = (bid, bid_size, ask, ask_size)
        return SeenEvent(event.market, time_ms, QUOTE, numbers, placed.made_ms, placed.missed, "")

    # -- the market

    def specs(self) -> Sequence[MarketSpec]:
        """Return every market that the venue listed when the exchange was switched to it."""
        return tuple(self._specs.values())

    def span(self) -> None:
        """Return None: a live market has no end."""

    def as_of(self, market: str, time_ms: int) -> int:
        """Tell when the market was looked at last, or `time_ms` where that is earlier."""
        seen = self.rows.seen(market)
        return min(time_ms, seen.looked_ms) if seen is not None and seen.looked_ms else time_ms

    def quote(self, market: str, time_ms: int) -> Quote:
        """Return the last quote at or before `time_ms`; both sides absent where the market is out of sight."""
        self._spec(market)
        found = self.rows.quote(market, time_ms)
        if found is None or time_ms - self.as_of(market, time_ms) > self.in_sight_ms:
            return Quote(time_ms, 0, 0, 0, 0)
        return found

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks), best first: the quote, then what the newest book had beyond it."""
        quote = self.quote(market, time_ms)
        sides = [[number for level in side for number in level] for side in self.rows.book(market)]
        bids = ladder_of(quote.bid, quote.bid_size, -1, sides[0])
        return bids[:levels], ladder_of(quote.ask, quote.ask_size, 1, sides[1])[:levels]

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        """Return the first `limit` prints with after_ms < time <= to_ms, at their own times, those in gaps too."""
        self._spec(market)
        return self.rows.trades(market, after_ms, to_ms, limit)

    def mark(self, market: str, time_ms: int) -> int:
        """Return the mid of the last quote in whole price units, in sight or not; of a market that nobody has looked at
        yet, the venue's mark. Raises ExchangeError 503 where there is neither."""
        found = self.rows.quote(market, time_ms)
        if found is not None and (found.bid or found.ask):
            return (found.bid + found.ask) // 2 if found.bid and found.ask else found.bid or found.ask
        seen = self.rows.seen(market)
        if seen is None:
            raise self.dark(market)
        return seen.mark

    def settlements(self, market: str, after_ms: int, to_ms: int) -> list[Settlement]:
        """Return the settlements of markets that were looked at, at the rate that was known last."""
        return self.rows.settlements(market, after_ms, to_ms)

    def next_settlement(self, market: str, time_ms: int) -> Settlement:
        """Return the next full hour, at the rate that is indicated for it."""
        due_ms = (time_ms // HOUR_MS + 1) * HOUR_MS
        known = self.rows.settlements(market, due_ms - 1, due_ms)
        seen = self.rows.seen(market)
        return known[0] if known else Settlement(due_ms, 0 if seen is None else seen.rate, 1)

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        """Yield the events with after_ms < time <= to_ms that matter to `watch`, in order."""
        for numbers in self.rows.events(market, after_ms, to_ms):
            event = watched(numbers, watch)
            if event is not None:
                yield event

    def dark(self, market: str) -> ExchangeError:
        """Make the error for a market of which nothing was ever seen."""
        why = "nobody has looked at it yet" if self.problem is None else self.problem.message
        return ExchangeError(503, "out_of_sight", f"nothing is known of {market} on {self.venue}: {why}")

    def _spec(self, market: str) -> MarketSpec:
        try:
            return self._specs[market]
        except KeyError:
            raise self._unknown(market) from None

    def _unknown(self, market: str) -> UnknownMarket:
        return unknown_market(market, tuple(self._specs))


def _levels(levels: Sequence[Level], spec: MarketSpec) -> list[tuple[int, int]]:
    return [
        (_units(one.price, spec.price_decimals, "price"), _units(one.size, spec.size_decimals, "size"))
        for one in levels
    ]


def _units(value: Decimal, decimals: int, name: str) -> int:
    scaled = value.scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise BadVenueData(f"{name} {value:f} has more than {decimals} decimals")
    return int(scaled)
