"""Follows an account and its markets through the venue's socket, so that nothing is asked while nothing changes.

What comes through the socket is never taken for the truth about orders, fills or positions. It shows prices, and it
tells that something has changed: then, after a break, and once a minute all is read anew. Layer: venue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pfmm.errors import BadVenueData
from pfmm.model.account import Cursors
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid import reads
from pfmm.venue.hyperliquid.frames import PING, market_frame, socket_url
from pfmm.venue.hyperliquid.looking import FillNews, Look, Memory, News, OrderNews
from pfmm.venue.hyperliquid.market_data import Price
from pfmm.venue.hyperliquid.numbers import coin_of, dex_of, market_of
from pfmm.venue.stream import Json, Publication, Stream
from pfmm.venue.wire import Record

FRESH_S: Final = 3.0  # a book, and the last word of the socket, may be so old: the venue tells books twice a second
CONTEXT_S: Final = 60.0  # marks and rates may be as old as where they are asked for
SETTLED_MS: Final = 60_000  # a look that was read stands so long while the socket tells of no change
NEXT_BOOK_S, PAUSE_S = 1.0, 0.05  # a loop that is faster than the books waits for the next one
NEWS_S: Final = 75.0  # news that no look confirms counts so long: longer than any look stands
BOOKS, CONTEXTS = "l2Book", "activeAssetCtx"
ORDERS, FILLS = "orderUpdates", "userFills"
NEWS: Final = "news"


class Following:
    """One account over one socket. Markets are subscribed to as they are asked for."""

    def __init__(self, http: HttpClient, url: str, account: str) -> None:
        self._now_s = http.time.monotonic_s
        self._rest = http.rest
        self._stream = Stream(socket_url(url), frame, ping=PING, timekeeper=http.time)
        self._account = account
        self._news: dict[str, tuple[News, float]] = {}

    def close(self) -> None:
        """Close the socket."""
        self._stream.close()

    def text(self) -> str:
        """Tell how the socket is, for a screen."""
        problem = self._stream.problem
        return "socket open" if problem is None else f"no socket ({problem}): asked instead"

    def follow(self, markets: Sequence[str]) -> None:
        """Subscribe to what was not yet."""
        wanted: list[Mapping[str, str]] = [{"type": kind, "user": self._account} for kind in (ORDERS, FILLS)]
        wanted += [{"type": kind, "coin": coin_of(market)} for market in markets for kind in (BOOKS, CONTEXTS)]
        self._stream.subscribe({"method": "subscribe", "subscription": one} for one in wanted)

    def connection(self) -> int:
        """Return the number of the connection on which every change of the account is told. It is 0 where there is
        none, where it has not yet said that it will, and where it has been silent for 3 s. A look is good for the
        connection that was there before its first read."""
        number, heard_s = self._stream.heard
        told = [self._stream.slot(kind) for kind in (ORDERS, FILLS)]
        sure = all(one is not None and one.connection == number for one in told)
        return number if sure and self._now_s() - heard_s <= FRESH_S else 0

    def price(self, market: str) -> Price | None:
        """Return book and context of a market; None where they are too old to act on."""
        coin, (number, _) = coin_of(market), self._stream.heard
        book, context = self._stream.slot(f"{BOOKS}:{coin}"), self._stream.slot(f"{CONTEXTS}:{coin}")
        if book is None or context is None or not number == book.connection == context.connection:
            return None
        now_s = self._now_s()
        if now_s - book.at_s > FRESH_S or now_s - context.at_s > CONTEXT_S:
            return None
        return Price(book.value, context.value)

    def unchanged(
        self, markets: Sequence[str], cursors: Cursors, dexes: Sequence[str], memory: Memory
    ) -> tuple[Look, int] | None:
        """Return the look of before where nothing has changed since, and the venue time of the newest of the books,
        which is later than that of any snapshot before; None where all is to be read anew."""
        number = self.connection()
        if not number:
            return None
        look = memory.unchanged(cursors, dexes, number, self._newest_ms(markets), SETTLED_MS)
        if look is None or not self._confirms(look, memory):
            return None
        until_s = self._now_s() + NEXT_BOOK_S
        while (now_ms := self._newest_ms(markets)) <= memory.shown_ms:
            if self._now_s() >= until_s:
                return None
            self._rest(PAUSE_S)
        return look, now_ms

    def _newest_ms(self, markets: Sequence[str]) -> int:
        prices = (self.price(market) for market in markets)
        return max((one.book.time_ms for one in prices if one is not None), default=0)

    def _confirms(self, look: Look, memory: Memory) -> bool:
        """Tell whether the look shows all news of the socket from the last 75 s, of which none was lost."""
        arrivals, lost = self._stream.take(NEWS)
        self._news |= {one.value.key: (one.value, one.at_s) for one in arrivals}
        oldest_s = self._now_s() - NEWS_S
        self._news = {key: one for key, one in self._news.items() if one[1] >= oldest_s}
        return not lost and look.tells((news for news, _ in self._news.values()), memory.told)


def frame(message: Json) -> Iterable[Publication]:
    """Say where a frame belongs. That changes will be told from now on is published under the channel's name: of orders
    with the acknowledgement, of fills with the snapshot that follows it, which shows what a look will read."""
    channel, data = message.get("channel"), message.get("data")
    if channel == "subscriptionResponse":
        if Record(data, channel).record("subscription").words("type") == ORDERS:
            yield Publication(ORDERS, data, queued=False)
    elif channel == FILLS:
        record = Record(data, FILLS)
        if record.given("isSnapshot") and record.flag("isSnapshot"):
            yield Publication(FILLS, None, queued=False)
            return
        for fill in reads.fills(record.records("fills")):
            yield Publication(NEWS, FillNews(fill.fill_id), queued=True)
    elif channel == ORDERS:
        if not isinstance(data, list):
            raise BadVenueData("orderUpdates: must be a list")
        for place, row in enumerate(data):
            yield Publication(NEWS, _order_news(Record(row, f"orderUpdates[{place}]")), queued=True)
    else:
        yield from market_frame(message)


def _order_news(row: Record) -> OrderNews:
    """Read what is told of one order. A state that is not known counts as the end: a look tells whether it is."""
    order = row.record("order")
    filled = order.decimal_text("origSz") - order.decimal_text("sz")
    order_id = str(order.whole("oid", 0, 10**20))
    dex = dex_of(market_of(order.text("coin")))
    return OrderNews(order_id, dex, row.text("status") in ("open", "triggered"), filled)
