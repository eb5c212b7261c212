"""Which market a data file is of, by its name, and a row, by its symbol.

Layer: tape. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pfmm.model.spelling import market_name

_IN_A_NAME = re.compile(r"(?<![A-Z0-9])([A-Z0-9]{1,15}?)[-_]?(?:USDT|USDC|FDUSD|BUSD|USD)(?![A-Z])")


def market_in(file_name: str) -> str | None:
    """Find the market that a file's name tells of: BTCUSDT-1m-2025-01-01.csv is of BTC-PERP; None without one."""
    found = _IN_A_NAME.search(file_name.upper())
    return None if found is None else found[1] + "-PERP"


@lru_cache(maxsize=4_096)
def market_called(symbol: str) -> str:
    """Name the market of a symbol, of which millions of rows may have the same."""
    return market_name(symbol)
