"""Who and what a request of the Hyperliquid dialect names: accounts, markets, orders, times. Layer: paper wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.messages import ExchangeError, FillRecord, OrderRecord
from pfmm.paper.wire import hyperliquid_json as form
from pfmm.paper.wire import hyperliquid_keys as keys

Json = Mapping[str, Any]
FIRST_DEX, DEX_STRIDE = 100_000, 10_000  # market 3 of the first builder's list is 110,003


class Names:
    """The names of one exchange, as requests write them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._accounts: dict[str, str] = {}  # by address

    def account_of(self, address: str) -> str | None:
        """Find the account of an address; accounts that were opened since the last question are found too."""
        if address not in self._accounts:
            self._accounts = {keys.address(name): name for name in self._exchange.accounts()}
        return self._accounts.get(address)

    def account(self, asked: Json) -> str | None:
        """Find the account that a read names, None for an address that nobody has. Raises ExchangeError 422."""
        address = keys.plain_address(asked.get("user"))
        if address is None:
            raise unreadable("user is no address")
        return self.account_of(address)

    def dexes(self) -> tuple[str, ...]:
        """Name the builders' lists of markets, in the order of their numbers from 1: xyz:TSLA-PERP is on xyz."""
        found = dict.fromkeys(form.dex(spec.market) for spec in self._exchange.specs())
        return tuple(name for name in found if name)

    def dex(self, asked: Json) -> str:
        """Name the list of markets that a read asks for, "" for the first. Raises ExchangeError 422 for no list."""
        name = asked.get("dex") or ""
        if name and name not in self.dexes():
            raise unreadable(f"there is no dex {name!r}")
        return str(name)

    def specs(self, dex: str) -> tuple[MarketSpec, ...]:
        """Return the markets of one list; an asset's number counts its place among them."""
        return tuple(spec for spec in self._exchange.specs() if form.dex(spec.market) == dex)

    def market(self, asked: Json) -> str:
        """Find the market of a read's coin. Raises ExchangeError 422 for a coin that is not listed."""
        market = f"{asked.get('coin')}{form.SUFFIX}"
        if not any(spec.market == market for spec in self._exchange.specs()):
            raise unreadable(f"there is no coin {str(asked.get('coin'))[:40]!r}")
        return market

    def by_asset(self, asset: object) -> str | None:
        """Find the market of an asset's number, None where there is none."""
        if not isinstance(asset, int) or isinstance(asset, bool) or asset < 0:
            return None
        number, place = divmod(asset - FIRST_DEX, DEX_STRIDE) if asset >= FIRST_DEX else (0, asset)
        lists = ("", *self.dexes())
        specs = self.specs(lists[number]) if number < len(lists) else ()
        return specs[place].market if place < len(specs) else None

    def all_fills(self, account: str) -> list[FillRecord]:
        """Return every execution of the account, oldest first."""
        found: list[FillRecord] = []
        cursor, more = 0, True
        while more:
            page = self._exchange.fills(account, since=cursor)
            found += page.fills
            cursor, more = page.cursor, page.more
        return found

    def order(self, account: str, oid: object) -> OrderRecord | None:
        """Find an order by its number or by the cloid that it carries now; of two with one cloid, the newer."""
        try:
            if isinstance(oid, int) and not isinstance(oid, bool):
                return self._exchange.order(account, order_id=f"o{oid}")
            cloid = oid.lower() if isinstance(oid, str) else ""
            if not form.is_cloid(cloid):
                return None
            named = self._exchange.orders_named(account, cloid)
            return next((one for one in reversed(named) if form.cloid_of(one) == cloid), None)
        except ExchangeError:
            return None

    def bbo(self, market: str) -> str:
        """Write best bid and offer as the refusal of a post-only order says them: "100000@100001"."""
        ticker = self._exchange.ticker(market)
        return "@".join("-" if side is None else form.number(side) for side in (ticker.bid, ticker.ask))


def object_of(value: object) -> Json:
    """Return the value, which must be an object. Raises ExchangeError 422."""
    if not isinstance(value, Mapping):
        raise unreadable("an object is missing")
    return value


def time_of(asked: Json, field: str) -> int:
    """Read a field that holds a time in ms. Raises ExchangeError 422."""
    value = asked.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise unreadable(f"{field} must be a time in ms")
    return value


def start_of(asked: Json) -> int:
    """Read the first time of a read in ms; 0 where the request names none."""
    return 0 if asked.get("startTime") is None else time_of(asked, "startTime")


def end_of(asked: Json) -> int:
    """Read the last time of a read in ms; for ever where the request names none."""
    return 2**53 if asked.get("endTime") is None else time_of(asked, "endTime")


def unreadable(what: str) -> ExchangeError:
    """Make the refusal of a body that is no request of the dialect."""
    return ExchangeError(422, "unreadable", f"Failed to deserialize the JSON body into the target type: {what}")
