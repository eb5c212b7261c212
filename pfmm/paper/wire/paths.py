"""What the paths of the paper exchange are for: which only read, which tell quotes or the time. Names only.

Layer: paper.
"""

from __future__ import annotations

from typing import Final

ORDERS: Final = "/api/orders"
WEB_SOCKET: Final = "/ws"
POSTED_READS: Final = ("/info",)  # a dialect whose questions are posted
_QUOTES: Final = ("/api/ticker", "/api/orderbook/", "/api/state")
_TIME: Final = "/api/time"


def reads(method: str, path: str) -> bool:
    """Tell whether a request changes nothing."""
    return method == "GET" or path in POSTED_READS


def shows_quotes(method: str, path: str) -> bool:
    """Tell whether a request is a read whose answer has bids and asks."""
    return method == "GET" and path.startswith(_QUOTES)


def tells_time(method: str, path: str) -> bool:
    """Tell whether a request is the read of the venue's clock."""
    return method == "GET" and path == _TIME
