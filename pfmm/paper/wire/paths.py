"""Which paths of the paper exchange only read, whatever their method says. Names only."""

from __future__ import annotations

from typing import Final

POSTED_READS: Final = ("/info",)  # a dialect whose questions are posted


def reads(method: str, path: str) -> bool:
    """True for a request that changes nothing."""
    return method == "GET" or path in POSTED_READS
