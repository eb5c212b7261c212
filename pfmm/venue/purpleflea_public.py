"""What everybody may read on the article's wire: clock, markets, prices, books, prints and rates. Layer: venue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

from pfmm.errors import BadVenueData, PfmmError, UnknownMarket, VenueRefused
from pfmm.model.market import Book, Candle, FundingRate, Instrument, Ticker, Trade
from pfmm.venue import purpleflea_json as form
from pfmm.venue.client import HttpClient
from pfmm.venue.wire import Record

if TYPE_CHECKING:
    from pfmm.model.account import VenueTime


class PublicReads:
    """The reads of one venue of this dialect that need no account."""

    def __init__(self, http: HttpClient, name: str) -> None:
        self.name = name
        self.http = http
        self._tells_mids = True

    def time(self) -> VenueTime:
        """Read the venue's clock."""
        return form.venue_time(self._get("/api/time", signed=False))

    def markets(self) -> tuple[Instrument, ...]:
        """Read every market that the venue lists."""
        record = self._get("/api/markets", signed=False)
        found = tuple(form.instrument(row) for row in record.records("markets", form.MAX_MARKETS))
        form.once_each((one.market for one in found), "/api/markets")
        return found

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:
        """Read tickers in the order asked for, or of every market. One alone comes from the article's own endpoint."""
        if markets is not None and len(markets) == 1:
            path = f"/api/ticker/{part(markets[0])}"
            record = self._get(path, signed=False, about=markets)
            return (form.ticker(record, asked=markets[0], observed_ms=self.http.time.wall_ms()),)
        query = {} if markets is None else {"markets": listed(markets)}
        record = self._get("/api/tickers", query, signed=False, about=markets or ())
        return self._tickers(record, markets)

    def book(self, market: str, depth: int) -> Book:
        """Read the best `depth` levels of each side."""
        record = self._get(f"/api/orderbook/{part(market)}", {"depth": str(depth)}, signed=False, about=[market])
        return form.book(record, market)

    def trades(self, market: str, since_ms: int) -> tuple[Trade, ...]:
        """Read public prints since a venue time, oldest first, at most 1000."""
        record = self._get(f"/api/trades/{part(market)}", {"since": str(since_ms)}, signed=False, about=[market])
        return form.trades(record, market)

    def past_mids(self, market: str, times: Sequence[int]) -> tuple[tuple[int, Decimal], ...]:
        """Read the mids in force at past venue times, in time order, asked for MAX_MOMENTS at a time; none of a server
        that does not know the question."""
        found: dict[int, Decimal] = {}
        wanted = sorted(set(times)) if self._tells_mids else []
        for first in range(0, len(wanted), form.MAX_MOMENTS):
            moments = ",".join(map(str, wanted[first : first + form.MAX_MOMENTS]))
            try:
                record = self._get(f"/api/mids/{part(market)}", {"at": moments}, signed=False, about=[market])
            except VenueRefused as error:
                if isinstance(error, UnknownMarket):
                    raise
                self._tells_mids = False
                return ()
            found |= form.mids(record, market)
        return tuple(sorted(found.items()))

    def candles(self, market: str, since_ms: int) -> tuple[Candle, ...]:  # noqa: ARG002 - the dialect has none
        """Return none: this dialect has public prints."""
        return ()

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        """Read published funding rates since a venue time, oldest first."""
        record = self._get(f"/api/funding/{part(market)}", {"since": str(since_ms)}, signed=False, about=[market])
        return form.funding_rates(record, market)

    def _get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        signed: bool = True,
        about: Sequence[str] = (),
    ) -> Record:
        """Read the object that a path answers. `about` are the markets to name should the venue not know one."""
        try:
            return Record(self.http.get(path, query or None, signed=signed), path)
        except VenueRefused as error:
            if error.venue_code != "unknown_market" or not about:
                raise
            refused = error
        raise self._unknown_market(refused, about)

    def _unknown_market(self, error: VenueRefused, markets: Sequence[str]) -> UnknownMarket:
        """Build the refusal with the nearest names in its hint."""
        from difflib import get_close_matches

        try:
            listed = {one.market for one in self.markets()}
        except PfmmError:
            listed = set()
        unknown = [market for market in markets if market not in listed] or list(markets)
        near = sorted({name for market in unknown for name in get_close_matches(market.upper(), listed, 3, 0.4)})
        return UnknownMarket(
            f"{self.name} does not list {', '.join(unknown)}",
            hint=f"did you mean {', '.join(near)}?" if near else "`pfmm markets` lists them",
            venue_code=error.venue_code,
            status=error.status,
        )

    def _tickers(self, record: Record, markets: Sequence[str] | None) -> tuple[Ticker, ...]:
        observed_ms = self.http.time.wall_ms()
        rows = record.records("tickers", form.MAX_MARKETS)
        found = {one.market: one for one in (form.ticker(row, asked=None, observed_ms=observed_ms) for row in rows)}
        form.once_each((row.text("market") for row in rows), f"{record.where}.tickers")
        if markets is None:
            return tuple(found.values())
        if set(found) != set(markets):
            raise BadVenueData(f"{record.where}.tickers: asked for {listed(markets)}, got {listed(list(found))}")
        return tuple(found[market] for market in markets)


def part(text: str) -> str:
    """Write a name as a part of a path."""
    return quote(text, safe="", errors="surrogateescape")  # a name from the command line may be any bytes


def listed(markets: Sequence[str]) -> str:
    """Write markets as the value of a query."""
    return ",".join(markets)
