"""Opens Hyperliquid for a session: for reading. Layer: venue.

No command trades on it yet: the adapter's actions are held against the paper exchange alone, and the crash, fault and
lagging-server suites do not run through it. Until they do, the registry calls the venue one that is only read, and an
action is refused here before anything is signed.
"""

from __future__ import annotations

from typing import NoReturn

from pfmm.errors import CannotDoThis
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid.adapter import Hyperliquid

MAINNET_HOST = "api.hyperliquid.xyz"


def open_venue(http: HttpClient, *, name: str, account: str) -> Hyperliquid:
    """The adapter for `account`, an address in lower case, or for public data alone where it is empty."""

    def refuse() -> NoReturn:
        raise CannotDoThis(
            f"pfmm does not trade on {name} yet: nothing was sent",
            hint="funding, markets, inventory and quote show read it; `--profile paper` trades with paper money",
        )

    return Hyperliquid(http, account=account, mainnet=http.place == MAINNET_HOST, signer=refuse, nonce=refuse)
