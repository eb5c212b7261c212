"""Hyperliquid's public data for a recording and for the live market of the paper exchange. Layer: venue.

The venue counts requests by weight, 1,200 a minute for one address: a book costs 2, the newest prints 20, the contexts
of all markets 20. So contexts are kept for a minute, and one book serves for the best quotes and for the depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pfmm.errors import BadVenueData, UnknownMarket
from pfmm.model.market import Book, FundingRate, Instrument, Ticker, Trade
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid import reads
from pfmm.venue.hyperliquid.adapter import ENTRY_FEES_BPS
from pfmm.venue.hyperliquid.info import PATH as INFO
from pfmm.venue.hyperliquid.numbers import coin_of, market_of
from pfmm.venue.hyperliquid.reads import Context, Listing
from pfmm.venue.weights import PACE_PER_MINUTE
from pfmm.venue.wire import Record

NAME = "hyperliquid"
CONTEXTS_S = 60.0
LATE_MS = 60_000
BOOK_WEIGHT, PRINTS_WEIGHT, CONTEXTS_WEIGHT = 2, 20, 20


class PublicData:
    """The public data of one network. `late_ms` is how long after its time a print may still come out."""

    late_ms = LATE_MS

    def __init__(self, http: HttpClient) -> None:
        self.name = NAME
        self._http = http
        self._contexts: Mapping[str, tuple[Listing, Context]] = {}
        self._read_at_s = -CONTEXTS_S
        self._books: dict[str, Book] = {}
        self._known_from: dict[str, int] = {}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def time_ms(self) -> int:
        """Read the venue's clock."""
        return self._record({"type": "exchangeStatus"}, 2).millis("time")

    def markets(self) -> tuple[Instrument, ...]:
        """Read every market that is not delisted, at the entry tier's fees."""
        found = (listing for listing, _ in self._fresh_contexts().values())
        return tuple(reads.instrument(one, *ENTRY_FEES_BPS) for one in found)

    def least_interval_s(self, markets: int) -> float:
        """Work out the shortest time between two looks at so many markets, at the pace of all loops of this machine: 22
        a market and look, 600 a minute, are 2.2 s for one and 13.2 s for six."""
        return (BOOK_WEIGHT + PRINTS_WEIGHT) * markets * 60 / PACE_PER_MINUTE

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:
        """Read tickers of `markets` with their best quotes, or of every market in one request, without quotes.

        Raises UnknownMarket.
        """
        if markets is None:
            contexts = self._fresh_contexts()
            now_ms = self.time_ms()
            books = (Book(market_of(coin), now_ms, (), ()) for coin in contexts)
            return tuple(reads.ticker(book, contexts[coin_of(book.market)][1]) for book in books)
        contexts = self.refuse_unlisted(markets)
        for market in markets:
            self._books[market] = self._read_book(market)
        return tuple(reads.ticker(self._books[market], contexts[coin_of(market)][1]) for market in markets)

    def refuse_unlisted(self, markets: Sequence[str]) -> Mapping[str, tuple[Listing, Context]]:
        """Return listing, mark and rate of all markets, at most a minute old, by coin. Raises UnknownMarket."""
        contexts = self._fresh_contexts()
        unknown = [market for market in markets if coin_of(market) not in contexts]
        if unknown:
            words = f"{self.name} does not list {', '.join(unknown)}"
            raise UnknownMarket(words, hint="`pfmm markets` lists them").naming(*unknown)
        return contexts

    def book(self, market: str, depth: int) -> Book:
        """Return the best `depth` levels of each side, at most 20. A book that `tickers` read serves once."""
        found = self._books.pop(market, None) or self._read_book(market)
        return Book(found.market, found.time_ms, found.bids[:depth], found.asks[:depth])

    def trades(self, market: str, since_ms: int) -> tuple[Trade, ...]:
        """Read the few newest prints after a venue time, oldest first. Raises BadVenueData for one without a number."""
        rows = self._rows({"type": "recentTrades", "coin": coin_of(market)}, PRINTS_WEIGHT)
        found = sorted(map(reads.trade, rows), key=lambda one: one.time_ms)
        if any(not one.trade_id for one in found):
            raise BadVenueData("recentTrades: a print without tid cannot be told from another one")
        self._known_from.pop(market, None)
        if found:
            self._known_from[market] = found[0].time_ms
        return tuple(one for one in found if one.time_ms > since_ms)

    def known_from(self, market: str) -> int | None:
        """Return the time of the oldest print of the newest answer; None where it showed none."""
        return self._known_from.get(market)

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        """Read settled hourly rates after a venue time, oldest first."""
        asked = {"type": "fundingHistory", "coin": coin_of(market), "startTime": since_ms + 1}
        return reads.funding_rates(self._rows(asked, PRINTS_WEIGHT))

    def _fresh_contexts(self) -> Mapping[str, tuple[Listing, Context]]:
        now_s = self._http.time.monotonic_s()
        if now_s - self._read_at_s >= CONTEXTS_S:
            answer = self._http.ask(INFO, {"type": "metaAndAssetCtxs"}, weight=CONTEXTS_WEIGHT)
            if not isinstance(answer, list):
                raise BadVenueData("metaAndAssetCtxs: must be a list of the universe and its contexts")
            self._contexts, self._read_at_s = reads.contexts(answer, "metaAndAssetCtxs"), now_s
        return self._contexts

    def _read_book(self, market: str) -> Book:
        asked = {"type": "l2Book", "coin": coin_of(market)}
        return reads.book(self._record(asked, BOOK_WEIGHT), coin_of(market))

    def _record(self, asked: Mapping[str, object], weight: int) -> Record:
        return Record(self._http.ask(INFO, asked, weight=weight), str(asked["type"]))

    def _rows(self, asked: Mapping[str, object], weight: int) -> list[Record]:
        answer = self._http.ask(INFO, asked, weight=weight)
        if not isinstance(answer, list) or len(answer) > reads.MAX_ROWS:
            raise BadVenueData(f"{asked['type']}: must be a list of at most {reads.MAX_ROWS} rows")
        return [Record(row, f"{asked['type']}[{place}]") for place, row in enumerate(answer)]


def open_public(http: HttpClient) -> PublicData:
    """Open the public data that `http` reaches."""
    return PublicData(http)
