"""Translates pfmm's client order ids to Hyperliquid's 128-bit cloids and back. Layer: venue. Pure.

A cloid is `0x` and 32 lower-case hex digits. Two bytes say that it is ours and of which kind; the rest is the id:

    NONCE-NUMBER            0x70f0  nonce (6 hex digits)   number (22 hex digits)
    flatten-NONCE-NUMBER    0x70f1  nonce (10 hex digits)  number (18 hex digits)
"""

from __future__ import annotations

import re

from pfmm.errors import RiskRefused

_RUN = "0x70f0"
_FLATTEN = "0x70f1"
_RUN_ID = re.compile(r"([0-9a-f]{6})-(0|[1-9][0-9]*)", re.ASCII)
_FLATTEN_ID = re.compile(r"flatten-([0-9a-f]{10})-(0|[1-9][0-9]*)", re.ASCII)
_CLOID = re.compile(r"0x[0-9a-f]{32}", re.ASCII)


def to_cloid(client_order_id: str) -> str:
    """Translate one of pfmm's client order ids to its cloid: "a1b2c3-26" → "0x70f0a1b2c3000000000000000000001a".

    Raises RiskRefused for any other id: it could not be recognised again, and a cloid that is malformed is answered
    as a bad signature.
    """
    for prefix, pattern, digits in ((_RUN, _RUN_ID, 22), (_FLATTEN, _FLATTEN_ID, 18)):
        found = pattern.fullmatch(client_order_id)
        if found is not None and int(found[2]) < 16**digits:
            return f"{prefix}{found[1]}{int(found[2]):0{digits}x}"
    raise RiskRefused(f"client order id {client_order_id!r} has no form on this venue; nothing was sent")


def from_cloid(cloid: str) -> str | None:
    """Translate a cloid to pfmm's client order id; None for one that pfmm did not make: an order of somebody else's."""
    if _CLOID.fullmatch(cloid) is None:
        return None
    if cloid.startswith(_RUN):
        return f"{cloid[6:12]}-{int(cloid[12:], 16)}"
    if cloid.startswith(_FLATTEN):
        return f"flatten-{cloid[6:16]}-{int(cloid[16:], 16)}"
    return None
