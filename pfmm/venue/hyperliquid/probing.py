"""What a start should know of an account before its first order: its mode, protection, the key's end. Layer: venue."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from pfmm.errors import BadVenueData
from pfmm.venue.hyperliquid.actions import DEAD_MAN_LEAST_S
from pfmm.venue.hyperliquid.identity import agent_warning, refuse_portfolio_margin, role_of
from pfmm.venue.hyperliquid.info import Info

DEAD_MAN_VOLUME_USD: Final = Decimal(1_000_000)  # the venue grants its switch to who has traded so much


def probe(info: Info, name: str, signer: str, now_ms: int) -> tuple[str, ...]:
    """Read mode and protection; a line each. Raises CannotDoThis for portfolio margin."""
    mode = info.ask(info.mine("userAbstraction"))
    if not isinstance(mode, str):
        raise BadVenueData("userAbstraction: must be a word")
    refuse_portfolio_margin(mode, name)
    told = []
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
