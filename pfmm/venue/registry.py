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
    fingerprint (`key`) or freely (`name`). `testnet` is the address of its play-money network, if it has one, and
    `mainnet_refusal` says why pfmm does not trade there with real money yet.

    `public` opens what shows the venue's public data to the paper exchange and to a recording, `stream` the same
    through a socket.
    """

    opener: str
    url: str
    key_variables: tuple[str, ...]
    account: str
    testnet: str = ""
    mainnet_refusal: str = ""
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
        mainnet_refusal="what a maker must earn there to break even has not been measured yet",
        public="pfmm.venue.hyperliquid.public:open_public",
        stream="pfmm.venue.hyperliquid.streaming:open_stream",
    ),
}


def address_of(venue: str, network: str) -> str:
    """The venue's own address on a network; that of its one network where it has no other."""
    line = VENUES[venue]
    return line.url if network == MAINNET or not line.testnet else line.testnet


def network_of(venue: str, network: str, base_url: str) -> str:
    """Which of a venue's networks is meant: `local` is an exchange on this machine, whatever the setting says."""
    if not VENUES[venue].testnet:
        return MAINNET
    from urllib.parse import urlsplit

    return LOCAL if urlsplit(base_url).hostname in _LOOPBACK else network


def name_on(venue: str, network: str) -> str:
    """What the venue is called on every screen and in every file: hyperliquid, hyperliquid-testnet."""
    return venue if network == MAINNET else f"{venue}-{network}"


def trading_refusal(venue: str, network: str) -> str:
    """Why pfmm does not trade there; empty where it does."""
    return VENUES[venue].mainnet_refusal if network == MAINNET else ""
