"""Tells the account, the key that signs for it and the vault apart, before one is taken for another. Layer: venue.

A question about an agent's address is answered as an EMPTY account, never as an error: a flatten would call it flat.
A key of another account's would trade there while this one is read.
"""

from __future__ import annotations

from typing import Final

from pfmm.errors import AuthenticationError, CannotDoThis
from pfmm.venue.hyperliquid.info import Info, Role

AGENT_WARNING_MS: Final = 14 * 86_400_000


def role_of(info: Info, address: str) -> Role:
    """Ask the venue, once, what an address is."""
    if address in info.roles:
        return info.roles[address]
    record = info.record({"type": "userRole", "user": address})
    word = record.text("role")
    owner = None
    if word in ("agent", "subAccount"):
        owner = record.record("data").text("user" if word == "agent" else "master").lower()
    info.roles[address] = Role(word, owner)
    return info.roles[address]


def refuse_no_account(info: Info, name: str) -> Role:
    """Return the role of the account's address. Raises AuthenticationError where no orders can be read of it."""
    role = role_of(info, info.account)
    if role.word == "agent":
        raise AuthenticationError(
            f"{info.account} is the address of an agent's key: {name} answers for it as for an empty account",
            hint=f"the account that it acts for is {role.owner}: `pfmm profile set account {role.owner}`",
        )
    if role.word == "missing":
        raise AuthenticationError(
            f"{name} knows no account {info.account}",
            hint="is it the address of the other network, or has nothing been deposited yet?",
        )
    return role


def vault_for(info: Info, name: str, signer: str) -> str | None:
    """Find the address to name as the one that is traded for: None where the key acts for the account itself.

    Raises AuthenticationError where `signer`, the key's address, may not act for the account.
    """
    if signer == info.account:
        return None
    acting = role_of(info, signer)
    owner = acting.owner if acting.word == "agent" else signer
    if owner == info.account:
        return None
    account = refuse_no_account(info, name)
    if account.word == "subAccount" and account.owner == owner:
        return info.account
    if account.word == "vault" and _leader(info) == owner:
        return info.account
    whose = f"that of an agent of {owner}" if acting.word == "agent" else f"a {acting.word}'s own"
    raise AuthenticationError(
        f"the key's address {signer} is {whose} at {name}: it may not act for the account {info.account}",
        hint="approve an agent for this account at the venue and use its key, or set the account that the key is of",
    )


def _leader(info: Info) -> str:
    return info.record({"type": "vaultDetails", "vaultAddress": info.account}).text("leader").lower()


def agent_warning(info: Info, owner: str, signer: str, now_ms: int) -> str | None:
    """Warn of an agent's key that ends within two weeks; None for any other."""
    for row in info.rows({"type": "extraAgents", "user": owner}):
        if row.text("address").lower() == signer and row.given("validUntil"):
            left_ms = row.millis("validUntil") - now_ms
            if left_ms < AGENT_WARNING_MS:
                days = max(left_ms, 0) / 86_400_000
                return f"the agent's key ends in {days:.1f} days: approve a new one before, it is refused afterwards"
    return None


def refuse_portfolio_margin(mode: str, name: str) -> None:
    """Raise CannotDoThis for a mode of the account whose margin pfmm cannot work out."""
    if mode == "portfolioMargin":
        raise CannotDoThis(
            f"the account is in portfolio margin at {name}, which pfmm does not trade with; nothing was sent",
            hint="switch it to a unified or an ordinary account at the venue",
        )
