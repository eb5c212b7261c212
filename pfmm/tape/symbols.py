"""What venues call a market, as the project calls it: BTCUSDT, BTC-USDT-SWAP, BTC/USDC:USDC and BTC are BTC-PERP.

Layer: tape. Pure.
"""

from __future__ import annotations

import re

QUOTE_CURRENCIES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")
_CONTRACT = re.compile(r"[-_/]?(SWAP|PERPETUAL|PERP)$")
_IN_A_NAME = re.compile(r"(?<![A-Z0-9])([A-Z0-9]{1,15}?)[-_]?(?:USDT|USDC|FDUSD|BUSD|USD)(?![A-Z])")


def market_name(symbol: str) -> str:
    """Name the market of a venue's symbol: BTCUSDT is BTC-PERP, 1000PEPEUSDT is 1000PEPE-PERP."""
    plain = _CONTRACT.sub("", symbol.strip().upper().partition(":")[0])
    base, _, quoted = plain.replace("/", "-").replace("_", "-").rpartition("-")
    if base and quoted in QUOTE_CURRENCIES:
        return base.replace("-", "") + "-PERP"
    for currency in QUOTE_CURRENCIES:
        if plain.endswith(currency) and len(plain) > len(currency):
            return plain.removesuffix(currency) + "-PERP"
    return plain + "-PERP"


def market_in(file_name: str) -> str | None:
    """Find the market that a file's name tells of: BTCUSDT-1m-2025-01-01.csv is of BTC-PERP; None without one."""
    found = _IN_A_NAME.search(file_name.upper())
    return None if found is None else found[1] + "-PERP"
