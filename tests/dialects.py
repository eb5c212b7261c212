"""The two languages of the paper exchange, for suites that run through the adapter of each."""

from __future__ import annotations

import time
from itertools import count

import pytest

from pfmm.paper.messages import FillRecord
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid.adapter import Hyperliquid
from pfmm.venue.weights import WeightBudget

OWN = "purpleflea"
POSTED = "hyperliquid"
DIALECTS = (OWN, POSTED)

_numbers = count(time.time_ns() // 1_000_000)  # of signed requests: never one twice, whatever the test


def need_signing() -> None:
    """Skips the test without the libraries that sign."""
    for library in ("coincurve", "msgpack", "sha3"):
        pytest.importorskip(library, reason="signing needs the extra `hyperliquid`")


def hyperliquid(http: HttpClient, account: str, weights: WeightBudget | None = None) -> Hyperliquid:
    """The adapter of the second language for a paper account; the test skips without the libraries that sign."""
    need_signing()
    from pfmm.paper.wire import hyperliquid_keys as keys
    from pfmm.venue.hyperliquid.signing import Signer

    return Hyperliquid(
        http,
        account=keys.address(account),
        mainnet=False,
        signer=lambda: Signer(keys.test_key(account)),
        nonce=lambda: next(_numbers),
        weights=weights,
    )


def own_id(exchange_s: str | None) -> str:
    """pfmm's id of an order by the one that it has at the exchange."""
    from pfmm.venue.hyperliquid.client_ids import from_cloid

    return from_cloid(exchange_s or "") or exchange_s or ""


def fill_id(dialect: str, fill: FillRecord) -> str:
    """The id under which an adapter tells of a fill of the exchange."""
    if dialect == OWN:
        return fill.fill_id
    return f"{fill.time}:{fill.market.removesuffix('-PERP')}:{fill.sequence}:{fill.order_id[1:]}"
