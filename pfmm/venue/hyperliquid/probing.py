"""What a start should know of an account before its first order: margin, protection, the key's end. Layer: venue.

Reads only: leverage and margin mode are shown and never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from pfmm.errors import BadVenueData
from pfmm.venue.hyperliquid.actions import DEAD_MAN_LEAST_S
from pfmm.venue.hyperliquid.identity import agent_warning, refuse_portfolio_margin, role_of
from pfmm.venue.hyperliquid.info import Info
from pfmm.venue.hyperliquid.numbers import coin_of

DEAD_MAN_VOLUME_USD: Final = Decimal(1_000_000)  # the venue grants its switch to who has traded so much


def probe(info: Info, name: str, signer: str, markets: Sequence[str], now_ms: int) -> tuple[str, ...]:
    """Read mode, leverage and protection; a line each. Raises CannotDoThis for portfolio margin."""
    mode = info.ask(info.mine("userAbstraction"))
    if not isinstance(mode, str):
        raise BadVenueData("userAbstraction: must be a word")
    refuse_portfolio_margin(mode, name)
    told = [_leverage(info, market) for market in markets]
    traded = info.record(info.mine("userRateLimit")).decimal_text("cumVlm")
    if traded < DEAD_MAN_VOLUME_USD:
        told.append(
            f"{traded:,.0f} USD traded: the venue grants its dead-man switch from {DEAD_MAN_VOLUME_USD:,}; where it is "
            "refused, unprotected stands on the screen, and orders rest on if this machine dies"
        )
    else:
        fed_s = DEAD_MAN_LEAST_S // 2
        told.append(f"dead-man switch: fed every {fed_s} s, {86_400 // fed_s:,} of the account's actions a day")
    if signer != info.account:
        role = role_of(info, signer)
        warning = agent_warning(info, role.owner or info.account, signer, now_ms)
        told += [] if warning is None else [warning]
    return tuple(told)


def _leverage(info: Info, market: str) -> str:
    found = info.record(info.mine("activeAssetData", coin=coin_of(market))).record("leverage")
    mode, value = found.text("type"), found.whole("value", 1, 1000)
    return f"{market}: {mode} margin at {value}x, which pfmm never changes"
