"""The public side of the paper exchange: its clock and its markets, which need no account. Layer: paper."""

from __future__ import annotations

from collections.abc import Sequence

from pfmm.paper import market_data
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.messages import (
    BookRecord,
    ClockState,
    ExchangeError,
    FundingRateRecord,
    MidRecord,
    TickerRecord,
    TradeRecord,
)
from pfmm.paper.present import Present, caught_up, kept
from pfmm.paper.session import Sessions


class PublicSide:
    """What an exchange tells everybody. Every operation raises ExchangeError."""

    _sessions: Sessions

    def time(self) -> ClockState:
        """Return the venue's time, speed and state. Asking does not count as use of a clock that pauses when idle."""
        with self._sessions.lock:
            return self._sessions.clock(self._sessions.row())

    def advance_clock(self, to_ms: int) -> ClockState:
        """Move a stepped clock (speed 0) forward; 409 not_stepped otherwise, 400 invalid_to_ms when it would go
        back."""
        with self._sessions.lock, self._sessions.store.write():
            row = self._sessions.row()
            if row.clock.speed:
                raise ExchangeError(409, "not_stepped", f"the clock runs by itself at speed {row.clock.speed:g}")
            now = self._sessions.clock(row).time_ms
            if not now <= to_ms < 2**53:
                raise ExchangeError(400, "invalid_to_ms", f"to_ms {to_ms} is before the venue's time {now}")
            span = self._sessions.feed.span()
            venue_ms = to_ms if span is None else min(to_ms, span[1])
            row = row._replace(clock=row.clock._replace(wall_ms=self._sessions.present_ms(row), venue_ms=venue_ms))
            self._sessions.store.save_exchange(row)
            return self._sessions.clock(row)

    def present(self) -> Present:
        """Tell what time it is by this machine's clocks, and how far the wall's is from what it should say."""
        with self._sessions.lock:
            return self._sessions.present(self._sessions.row())

    def set_right(self, *, catch_up: bool) -> Present:
        """Take the wall's clock for right: the exchange goes on from where it is, or with `catch_up` lives through what
        it is behind. Nothing is undone where it is ahead."""
        with self._sessions.lock, self._sessions.store.write():
            row = self._sessions.row()
            known = self._sessions.present(row).noted
            change = caught_up if catch_up else kept
            noted = change(known, self._sessions.wall_ms(), self._sessions.uptime())
            self._sessions.store.save_exchange(row._replace(noted=noted))
            return self._sessions.present(row._replace(noted=noted))

    def specs(self) -> Sequence[MarketSpec]:
        """Return every market."""
        with self._sessions.lock:
            self._sessions.row()
            return tuple(self._sessions.specs.values())

    def spec(self, market: str) -> MarketSpec:
        """Return one market; 404 unknown_market."""
        return self._sessions.spec(market)

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[TickerRecord, ...]:
        """Return the tickers of `markets`, or of all, at one moment."""
        with self._sessions.lock:
            moment = self._sessions.public_moment(markets or ())
            return tuple(market_data.ticker(moment, self.spec(market)) for market in markets or self._sessions.specs)

    def ticker(self, market: str) -> TickerRecord:
        """Return the ticker of one market."""
        return self.tickers([market])[0]

    def depth(self, market: str, levels: int) -> BookRecord:
        """Return the displayed book, at most `levels` a side."""
        with self._sessions.lock:
            return market_data.book(self._sessions.public_moment([market]), self.spec(market), levels)

    def trades(self, market: str, since_ms: int | None = None) -> tuple[TradeRecord, ...]:
        """Return public prints after `since_ms`, oldest first, at most 1000."""
        with self._sessions.lock:
            return market_data.trades(self._sessions.public_moment([market]), self.spec(market), since_ms)

    def mids(self, market: str, times: Sequence[int]) -> tuple[MidRecord, ...]:
        """Return the mids in force at past times, in time order."""
        with self._sessions.lock:
            return market_data.mids(self._sessions.public_moment([market]), self.spec(market), times)

    def funding_rates(self, market: str, since_ms: int | None = None) -> tuple[FundingRateRecord, ...]:
        """Return settled funding rates after `since_ms`, oldest first, at most 1000."""
        with self._sessions.lock:
            return market_data.funding_rates(self._sessions.public_moment([market]), self.spec(market), since_ms)
