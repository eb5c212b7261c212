"""Opens Hyperliquid for a session: signer, numbers of requests and budget of one account. Layer: venue.

The key is read, and the libraries that sign are imported, at the first action.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from pfmm.venue.hyperliquid.adapter import Hyperliquid
from pfmm.venue.hyperliquid.nonces import NonceFile
from pfmm.venue.hyperliquid.signing import Signer
from pfmm.venue.opening import Opening
from pfmm.venue.registry import MAINNET
from pfmm.venue.weights import WeightBudget

if TYPE_CHECKING:
    from pfmm.venue.client import HttpClient
    from pfmm.venue.hyperliquid.following import Following


def open_venue(opening: Opening) -> Hyperliquid:
    """Open the adapter for an account, an address in lower case, or for public data alone where it is empty."""
    local = opening.network not in ("mainnet", "testnet")
    weights = None if local else WeightBudget(opening.folder / f"{opening.name}.weight", urgent=opening.urgent)
    client = opening.client(weights)

    @cache
    def signer() -> Signer:
        return Signer(opening.key())

    @cache
    def numbers() -> NonceFile:
        return NonceFile(opening.folder / f"{opening.name}-{signer().address}.nonce", client.time.wall_ms)

    def draw() -> int:
        return numbers()()

    return Hyperliquid(
        client,
        account=opening.account,
        mainnet=opening.network == MAINNET,
        signer=signer,
        nonce=draw,
        name=opening.name,
        more_dexes=opening.more_lists,
        weights=weights,
        follow=_follower(opening, client),
        everywhere=opening.urgent,
    )


def _follower(opening: Opening, client: HttpClient) -> Callable[[], Following] | None:
    """Return what opens the socket of a loop; None where each look is to ask. Raises CannotDoThis where a socket is
    wanted that there cannot be."""
    if opening.urgent or opening.stream == "off" or not opening.account:
        return None
    from pfmm.venue.stream import installed, missing

    if not installed():
        if opening.stream == "on":
            raise missing()
        return None

    def follow() -> Following:
        from pfmm.venue.hyperliquid.following import Following

        return Following(client, opening.url, opening.account)

    return follow
