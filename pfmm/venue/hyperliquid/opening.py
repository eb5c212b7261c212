"""Opens Hyperliquid for a session: signer, numbers of requests and budget of one account. Layer: venue.

The key is read, and the libraries that sign are imported, at the first action.
"""

from __future__ import annotations

from functools import cache

from pfmm.venue.hyperliquid.adapter import Hyperliquid
from pfmm.venue.hyperliquid.nonces import NonceFile
from pfmm.venue.hyperliquid.signing import Signer
from pfmm.venue.opening import Opening
from pfmm.venue.registry import MAINNET
from pfmm.venue.weights import WeightBudget


def open_venue(opening: Opening) -> Hyperliquid:
    """The adapter for an account, an address in lower case, or for public data alone where it is empty."""
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
    )
