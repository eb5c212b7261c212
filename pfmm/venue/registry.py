"""The venues that pfmm can speak to. Names and texts only: an adapter is imported when its venue is used.

A venue is one adapter and one line here. Layer: venue.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PAPER: Final = "paper"


class VenueLine(NamedTuple):
    """One venue: the function `open_venue` of its adapter as module:name, its own address (empty: in this process),
    the variables that may hold its key, and whether the account is named by an address (`address`), by the key's
    fingerprint (`key`) or freely (`name`). `trades` is False where pfmm only reads so far. `public` opens what shows
    the venue's public data to the paper exchange and to a recording, `testnet` is the address of its test network;
    reads may cost `weight_per_minute` in all."""

    opener: str
    url: str
    key_variables: tuple[str, ...]
    account: str
    trades: bool = True
    public: str = ""
    testnet: str = ""
    weight_per_minute: int = 600


VENUES: Final = {
    PAPER: VenueLine("pfmm.venue.purpleflea:open_venue", "", ("PFMM_API_KEY",), "name"),
    "purpleflea": VenueLine(
        "pfmm.venue.purpleflea:open_venue",
        "https://trading.purpleflea.com",
        ("PFMM_API_KEY", "PURPLE_FLEA_KEY"),
        "key",
    ),
    "hyperliquid": VenueLine(
        "pfmm.venue.hyperliquid.opening:open_venue",
        "https://api.hyperliquid.xyz",
        ("PFMM_API_KEY",),
        "address",
        trades=False,
        public="pfmm.venue.hyperliquid.public:open_public",
        testnet="https://api.hyperliquid-testnet.xyz",
        weight_per_minute=1_200,
    ),
}
