"""The account, the key that signs for it and the vault are told apart before one is taken for another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pfmm.errors import AuthenticationError, CannotDoThis
from pfmm.venue.client import IN_PROCESS_URL, HttpClient
from pfmm.venue.http import in_process
from pfmm.venue.hyperliquid import identity
from pfmm.venue.hyperliquid.info import Info
from pfmm.venue.hyperliquid.probing import probe
from tests.unit.venue.hyperliquid.answering import answering

ACCOUNT, KEY, OTHER, MASTER = (f"0x{digit * 40}" for digit in "1234")
NAME = "hyperliquid-testnet"
DAY_MS = 86_400_000
NOW_MS = 1_750_000_000_000


def info(roles: dict[str, Any], **more: Any) -> Info:
    """A venue that knows these addresses, and answers other questions by their type."""

    def answer(asked: dict[str, Any]) -> Any:
        if asked["type"] == "userRole":
            return roles.get(asked["user"], {"role": "missing"})
        return more[asked["type"]]

    return Info(HttpClient(IN_PROCESS_URL, transport=in_process(answering(answer))), NAME, ACCOUNT)


def agent_of(address: str) -> dict[str, Any]:
    return {"role": "agent", "data": {"user": address}}


USER = {"role": "user"}
SUB = {"role": "subAccount", "data": {"master": MASTER}}


@pytest.mark.parametrize(
    ("roles", "signer", "vault"),
    [
        ({ACCOUNT: USER}, ACCOUNT, None),
        ({ACCOUNT: USER, KEY: agent_of(ACCOUNT)}, KEY, None),
        ({ACCOUNT: USER, KEY: agent_of(ACCOUNT.upper().replace("0X", "0x"))}, KEY, None),
        ({ACCOUNT: SUB, KEY: agent_of(MASTER)}, KEY, ACCOUNT),
        ({ACCOUNT: SUB, MASTER: USER}, MASTER, ACCOUNT),
        ({ACCOUNT: {"role": "vault"}, KEY: agent_of(MASTER)}, KEY, ACCOUNT),
    ],
)
def test_who_acts_for_whom(roles: dict[str, Any], signer: str, vault: str | None) -> None:
    assert identity.vault_for(info(roles, vaultDetails={"leader": MASTER}), NAME, signer) == vault


@pytest.mark.parametrize(
    "roles",
    [
        {ACCOUNT: USER, KEY: agent_of(OTHER)},
        {ACCOUNT: USER, KEY: USER},
        {ACCOUNT: USER},
        {ACCOUNT: SUB, KEY: agent_of(OTHER)},
        {ACCOUNT: {"role": "vault"}, KEY: agent_of(OTHER)},
    ],
)
def test_a_key_of_somebody_else_is_refused(roles: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError, match=f"{KEY}.*may not act for the account {ACCOUNT}"):
        identity.vault_for(info(roles, vaultDetails={"leader": MASTER}), NAME, KEY)


def test_an_agent_s_address_is_no_account() -> None:
    with pytest.raises(AuthenticationError, match="address of an agent's key") as failure:
        identity.refuse_no_account(info({ACCOUNT: agent_of(MASTER)}), NAME)
    assert f"profile set account {MASTER}" in (failure.value.hint or "")
    with pytest.raises(AuthenticationError, match="knows no account"):
        identity.refuse_no_account(info({}), NAME)


def told(days: float, mode: str = "disabled", volume: str = "2000000") -> tuple[str, ...]:
    agents = [{"name": "desk", "address": KEY, "validUntil": NOW_MS + round(days * DAY_MS)}]
    found = info(
        {ACCOUNT: USER, KEY: agent_of(ACCOUNT)},
        extraAgents=agents, userAbstraction=mode, userRateLimit={"cumVlm": volume},
    )  # fmt: skip
    return probe(found, NAME, KEY, NOW_MS)


def test_what_a_start_should_know_is_told() -> None:
    assert told(90) == (
        "dead-man switch: fed every 60 s, 1,440 of the account's actions a day",  # which the venue counts
    )
    assert "ends in 5.0 days" in told(5)[-1]
    assert "grants its dead-man switch from 1,000,000" in told(90, volume="12")[0]


def test_portfolio_margin_is_refused() -> None:
    refused: Callable[[], object] = lambda: told(90, mode="portfolioMargin")  # noqa: E731 - one line, as its neighbours
    with pytest.raises(CannotDoThis, match="portfolio margin"):
        refused()
