"""The venues that pfmm can speak to. Names and texts only: an adapter is imported when its venue is used.

A venue is one adapter and one line here. Layer: venue.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PAPER: Final = "paper"
MAINNET: Final = "mainnet"
TESTNET: Final = "testnet"
LOCAL: Final = "local"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class VenueLine(NamedTuple):
    """One venue: the function `open_venue` of its adapter as module:name, its own address (empty: in this process),
    the variables that may hold its key, and whether the account is named by an address (`address`), by the key's
    fingerprint (`key`) or freely (`name`). `testnet` is the address of its play-money network, if it has one.

    `public` opens what shows the venue's public data to the paper exchange and to a recording, `stream` the same
    through a socket.
    """

    opener: str
    url: str
    key_variables: tuple[str, ...]
    account: str
    testnet: str = ""
    public: str = ""
    stream: str = ""


VENUES: Final = {
    PAPER: VenueLine("pfmm.venue.purpleflea_opening:open_venue", "", ("PFMM_API_KEY",), "name"),
    "purpleflea": VenueLine(
        "pfmm.venue.purpleflea_opening:open_venue",
        "https://trading.purpleflea.com",
        ("PFMM_API_KEY", "PURPLE_FLEA_KEY"),
        "key",
    ),
    "hyperliquid": VenueLine(
        "pfmm.venue.hyperliquid.opening:open_venue",
        "https://api.hyperliquid.xyz",
        ("PFMM_API_KEY",),
        "address",
        testnet="https://api.hyperliquid-testnet.xyz",
        public="pfmm.venue.hyperliquid.public:open_public",
        stream="pfmm.venue.hyperliquid.streaming:open_stream",
    ),
}


class Place(NamedTuple):
    """Where on a venue a profile trades. `address` has no trailing slash and is empty for the exchange in this process,
    `network` is mainnet, testnet or local (an exchange on this machine), `name` is what screens and files call it
    (hyperliquid, hyperliquid-testnet)."""

    address: str
    network: str
    name: str


def place_of(venue: str, network: str, url: str = "") -> Place:
    """Find a venue's place on a network; `url` is an address that takes the place of its own.

    A venue of one network is on that, whatever is asked for. An address on this machine is `local`.
    """
    line = VENUES[venue]
    if not line.testnet:
        return Place(url or line.url, MAINNET, venue)
    from urllib.parse import urlsplit

    address = url or (line.url if network == MAINNET else line.testnet)
    network = LOCAL if urlsplit(address).hostname in _LOOPBACK else network
    return Place(address, network, venue if network == MAINNET else f"{venue}-{network}")
