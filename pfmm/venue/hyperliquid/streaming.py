"""Hyperliquid's public data from its WebSocket, for a recording and for the live market. Layer: venue.

Books and contexts come from the latest frames, prints from every frame since the last look; lists of markets and
settled funding are read over HTTP. A market whose book is older than 9 s is out of sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pfmm.errors import VenueUnreachable
from pfmm.model.market import Book, FundingRate, Instrument, Ticker, Trade
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid import reads
from pfmm.venue.hyperliquid.frames import PING, market_frame, socket_url
from pfmm.venue.hyperliquid.numbers import coin_of
from pfmm.venue.hyperliquid.public import PublicData
from pfmm.venue.stream import SILENT_S, Stream

FIRST_FRAMES_S = 5.0
CHANNELS = ("trades", "activeAssetCtx", "l2Book")  # a new book says that the newest prints were shown before it


class StreamedData:
    """The public data of one network over one socket; markets are subscribed to when they are first asked for."""

    late_ms = PublicData.late_ms

    def __init__(self, http: HttpClient, url: str) -> None:
        self._public = PublicData(http)
        self.name = self._public.name
        self._now_s = http.time.monotonic_s
        self._stream = Stream(socket_url(url), market_frame, ping=PING, timekeeper=http.time)
        self._known_from: dict[str, int | None] = {}
        self._connections: dict[str, int] = {}

    def close(self) -> None:
        """Close the socket and the connections."""
        self._stream.close()
        self._public.close()

    def markets(self) -> tuple[Instrument, ...]:
        """Read every market that is not delisted, at the entry tier's fees."""
        return self._public.markets()

    def time_ms(self) -> int:
        """Read the venue's clock."""
        return self._public.time_ms()

    def least_interval_s(self, markets: int) -> float:  # noqa: ARG002 - as the port has it
        """Return 0: looking costs nothing."""
        return 0.0

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:
        """Build tickers of `markets` from the newest frames, or read every market's in one request, without quotes.

        Raises VenueUnreachable where frames do not come.
        """
        if markets is None:
            return self._public.tickers(None)
        coins = [coin_of(market) for market in markets]
        self._stream.subscribe(
            {"method": "subscribe", "subscription": {"type": channel, "coin": coin}}
            for coin in coins
            for channel in CHANNELS
        )
        names = [f"{channel}:{coin}" for coin in coins for channel in ("l2Book", "activeAssetCtx")]
        if not self._stream.wait_for(names, FIRST_FRAMES_S):
            self._public.refuse_unlisted(markets)
            raise VenueUnreachable(f"nothing comes through the socket of {self.name}: {self._stream.problem}")
        return tuple(reads.ticker(self._book(coin), self._newest(f"activeAssetCtx:{coin}")) for coin in coins)

    def book(self, market: str, depth: int) -> Book:
        """Return the best `depth` levels of each side, at most 20."""
        found = self._book(coin_of(market))
        return Book(found.market, found.time_ms, found.bids[:depth], found.asks[:depth])

    def trades(self, market: str, since_ms: int) -> tuple[Trade, ...]:  # noqa: ARG002 - all that has come since
        """Take every print that has come since the last call, oldest first. A new connection shows its newest prints
        first: where it does, all is known from the oldest of them on; else from the book of now on."""
        arrivals, lost = self._stream.take(f"trades:{market}")
        book = self._stream.slot(f"l2Book:{coin_of(market)}")
        connection = 0 if book is None else book.connection
        self._known_from[market] = None
        if book is not None and (lost or connection != self._connections.get(market, 0)):
            first = [one.value.time_ms for one in arrivals if one.connection == connection]
            self._known_from[market] = min([*first, book.value.time_ms])
        self._connections[market] = connection
        return tuple(sorted((one.value for one in arrivals), key=lambda trade: trade.time_ms))

    def known_from(self, market: str) -> int | None:
        """Tell from when on the newest answer holds every print; None where it lacks none."""
        return self._known_from.get(market)

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        """Read settled hourly rates after a venue time, oldest first."""
        return self._public.funding_rates(market, since_ms)

    def _book(self, coin: str) -> Book:
        found: Book = self._newest(f"l2Book:{coin}")
        return found

    def _newest(self, name: str) -> Any:
        arrival = self._stream.slot(name)
        if arrival is None or (name.startswith("l2Book") and self._now_s() - arrival.at_s > SILENT_S):
            why = self._stream.problem or "the socket is silent"
            raise VenueUnreachable(f"nothing comes through the socket of {self.name} for {name}: {why}")
        return arrival.value


def open_stream(http: HttpClient, url: str) -> StreamedData:
    """Open the public data at `url` over its socket; what needs no socket goes through `http`."""
    return StreamedData(http, url)
