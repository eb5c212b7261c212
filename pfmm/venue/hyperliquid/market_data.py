"""The public side of Hyperliquid: its lists of markets, their numbers, books, marks and rates. Layer: venue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from pfmm.errors import BadVenueData, UnknownMarket
from pfmm.model.market import Book, Instrument, Ticker
from pfmm.venue.hyperliquid import fees, reads
from pfmm.venue.hyperliquid.fees import Dex
from pfmm.venue.hyperliquid.info import Info
from pfmm.venue.hyperliquid.numbers import asset_id, coin_of, market_of
from pfmm.venue.hyperliquid.reads import Context, Listing

CONTEXTS_EVERY_MS: Final = 60_000

Contexts = Mapping[str, tuple[Listing, Context]]


@dataclass(frozen=True, slots=True)
class Price:
    """The newest book and context of one market."""

    book: Book
    context: Context


class PublicData:
    """What needs no account. `dexes` are the lists of markets in use: the venue's own, "", and builders' by name."""

    def __init__(self, info: Info, name: str, dexes: Sequence[str]) -> None:
        self._info = info
        self._name = name
        self._dexes = tuple(dexes)
        self._recent: tuple[int, Contexts] | None = None
        # book and context of a market where something shows them without being asked
        self.shown: Callable[[str], Price | None] = lambda _: None

    def instruments(self, maker_bps: Decimal, taker_bps: Decimal) -> tuple[Instrument, ...]:
        """Read every market that is not delisted, at these fees of the account; a builder's list has its own share."""
        found = []
        for one in self._listings:
            rates = (maker_bps, taker_bps)
            if one.dex:
                rates = fees.dex_fees_bps(*rates, self._builders[one.dex], growth=one.growth)
            if not one.delisted:
                found.append(reads.instrument(one, *rates))
        return tuple(found)

    @cached_property
    def listed(self) -> frozenset[str]:
        """Name the markets that are not delisted."""
        return frozenset(market_of(one.coin) for one in self._listings if not one.delisted)

    @cached_property
    def assets(self) -> Mapping[str, int]:
        """Return the number of each market in requests, delisted ones too: what rests there must be cancellable."""
        return {
            market_of(one.coin): asset_id(one.index, self._builders[one.dex].number if one.dex else 0)
            for one in self._listings
        }

    def refuse_unlisted(self, markets: Sequence[str]) -> None:
        """Raise UnknownMarket for markets that the venue does not list."""
        self._refuse(markets, {coin_of(market) for market in self.listed})

    def contexts(self, dexes: Sequence[str]) -> Contexts:
        """Read listing, mark, oracle and rate of every market of these lists, in one request each, by coin."""
        found: dict[str, tuple[Listing, Context]] = {}
        for dex in dexes:
            answer = self._info.ask({"type": "metaAndAssetCtxs", "dex": dex} if dex else {"type": "metaAndAssetCtxs"})
            if not isinstance(answer, list):
                raise BadVenueData("metaAndAssetCtxs: must be a list of the universe and its contexts")
            found |= reads.contexts(answer, "metaAndAssetCtxs", dex)
        return found

    def book(self, market: str) -> Book:
        """Read the levels of one market."""
        return reads.book(self._info.record({"type": "l2Book", "coin": coin_of(market)}), coin_of(market))

    def tickers(self, markets: Sequence[str], contexts: Contexts) -> tuple[Ticker, ...]:
        """Read tickers with the best quotes of each book. Raises UnknownMarket."""
        self._refuse(markets, contexts)
        return tuple(reads.ticker(self.book(market), contexts[coin_of(market)][1]) for market in markets)

    def recent(self, markets: Sequence[str], dexes: Sequence[str], now_ms: int) -> tuple[tuple[Ticker, Book], ...]:
        """Read tickers whose marks and rates are at most a minute old, each with the book of now that has its quotes.

        Raises UnknownMarket."""
        shown = {market: self.shown(market) for market in markets}
        asked = [market for market in markets if shown[market] is None]
        if asked and (self._recent is None or not 0 <= now_ms - self._recent[0] < CONTEXTS_EVERY_MS):
            self._recent = now_ms, self.contexts(dexes)
        contexts = self._recent[1] if self._recent else {}
        self._refuse(asked, contexts)
        told = {market: (self.book(market), contexts[coin_of(market)][1]) for market in asked}
        told |= {market: (one.book, one.context) for market, one in shown.items() if one is not None}
        return tuple((reads.ticker(*told[market]), told[market][0]) for market in markets)

    @staticmethod
    def all_tickers(contexts: Contexts, now_ms: int) -> tuple[Ticker, ...]:
        """Build a ticker without quotes of every market."""
        return tuple(reads.ticker(Book(market_of(coin), now_ms, (), ()), one) for coin, (_, one) in contexts.items())

    def builders(self) -> tuple[str, ...]:
        """Name all builders' lists of markets."""
        return tuple(self._builders)

    def refuse_other_collateral(self, dex: str) -> None:
        """Raise CannotDoThis for a list whose markets are settled in another coin than USDC."""
        reads.listings(self._info.record({"type": "meta", "dex": dex}), dex)

    def use(self, dexes: Sequence[str]) -> None:
        """Take these as the lists in use from now on."""
        self._dexes = tuple(dexes)
        self._recent = None
        self._drop("listed", "assets", "_listings")

    def forget(self) -> None:
        """Forget markets, their numbers and their lists: the next question about them reads these anew."""
        self._drop("listed", "assets", "_builders", "_listings")

    def _drop(self, *names: str) -> None:
        for name in names:
            vars(self).pop(name, None)

    def _refuse(self, markets: Sequence[str], coins: Mapping[str, object] | set[str]) -> None:
        unknown = [market for market in markets if coin_of(market) not in coins]
        if unknown:
            self.forget()
            words = f"{self._name} does not list {', '.join(unknown)}"
            raise UnknownMarket(words, hint="`pfmm markets` lists them").naming(*unknown)

    @cached_property
    def _builders(self) -> Mapping[str, Dex]:
        answer = self._info.ask({"type": "perpDexs"})
        if not isinstance(answer, list) or len(answer) > reads.MAX_ROWS:
            raise BadVenueData("perpDexs: must be a list")
        found = fees.dexes(answer)
        unknown = [dex for dex in self._dexes if dex and dex not in found]
        if unknown:
            known = ", ".join(found) or "none"
            raise UnknownMarket(f"{self._name} has no list of markets {', '.join(unknown)}", hint=f"it has: {known}")
        return found

    @cached_property
    def _listings(self) -> tuple[Listing, ...]:
        found = list(reads.listings(self._info.record({"type": "meta"})))
        for dex in self._dexes[1:]:
            found += reads.listings(self._info.record({"type": "meta", "dex": self._builders[dex].name}), dex)
        return tuple(found)
