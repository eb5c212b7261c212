"""The actions that are signed in tests, and the official SDK's signatures of them.

`python tests/unit/venue/hyperliquid/sdk_signatures.py > tests/unit/venue/hyperliquid/sdk_signatures.json`
makes the golden file anew, in an environment with `pip install hyperliquid-python-sdk`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

KEY = "0x" + "0123456789abcdef" * 4  # a well-known test key: it guards nothing
VAULT = "0x" + "ab" * 20
EXPIRES_MS = 1_735_689_660_000
NONCE = 1_735_689_600_123
CLOID = "0x70f0a1b2c3000000000000000000001a"


def _order(**changes: Any) -> dict[str, Any]:
    order = {"a": 0, "b": True, "p": "65432", "s": "0.001", "r": False, "t": {"limit": {"tif": "Alo"}}}
    return {**order, **changes}


def _place(*orders: dict[str, Any]) -> dict[str, Any]:
    return {"type": "order", "orders": list(orders), "grouping": "na"}


ACTIONS: dict[str, dict[str, Any]] = {
    "post-only order": _place(_order()),
    "ioc sell, reduce-only": _place(_order(b=False, r=True, t={"limit": {"tif": "Ioc"}})),
    "order with a cloid": _place(_order(c=CLOID)),
    "order of a builder dex": _place(_order(a=110_003, p="321.5", s="2")),
    "39 orders": _place(*(_order(p=str(60_000 + n), c=f"0x70f0a1b2c3{n:022x}") for n in range(39))),
    "trigger order": _place(
        _order(b=False, r=True, t={"trigger": {"isMarket": True, "triggerPx": "60000", "tpsl": "sl"}})
    ),
    "cancel": {"type": "cancel", "cancels": [{"a": 0, "o": 77}, {"a": 4, "o": 2**40}]},
    "cancel by cloid": {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]},
    "modify": {"type": "batchModify", "modifies": [{"oid": 77, "order": _order(c=CLOID)}]},
    "leverage": {"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": 5},
    "dead-man": {"type": "scheduleCancel", "time": 1_735_689_720_000},
    "dead-man cleared": {"type": "scheduleCancel"},
}


def combinations() -> Iterator[tuple[str, str | None, int | None, bool]]:
    """12 actions × vault or none × expiry or none × network."""
    return itertools.product(ACTIONS, (None, VAULT), (None, EXPIRES_MS), (True, False))


def name_of(action: str, vault: str | None, expires_ms: int | None, mainnet: bool) -> str:
    return " · ".join(
        [action, "vault" if vault else "own", "expires" if expires_ms else "lasts", "main" if mainnet else "test"]
    )


def made_by_the_sdk() -> dict[str, list[str | int]]:
    """Signs everything with the SDK; r and s are padded, since the SDK drops their leading zeros."""
    from eth_account import Account
    from hyperliquid.utils.signing import sign_l1_action

    account = Account.from_key(KEY)
    made = {}
    for action, vault, expires_ms, mainnet in combinations():
        signed = sign_l1_action(account, ACTIONS[action], vault, NONCE, expires_ms, mainnet)
        row = [f"0x{int(signed['r'], 16):064x}", f"0x{int(signed['s'], 16):064x}", signed["v"]]
        made[name_of(action, vault, expires_ms, mainnet)] = row
    return made


if __name__ == "__main__":
    print(json.dumps(made_by_the_sdk(), indent=0, ensure_ascii=False))
