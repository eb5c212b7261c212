"""Signatures equal the official SDK's to the byte, and a key shows nothing of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pfmm.errors import ConfigError, SecretError
from pfmm.venue.hyperliquid.signing import Signer, checked_address
from tests.dialects import need_signing
from tests.unit.venue.hyperliquid.sdk_signatures import ACTIONS, KEY, NONCE, combinations, made_by_the_sdk, name_of

GOLDEN = Path(__file__).with_name("sdk_signatures.json")


@pytest.fixture(scope="module")
def signer() -> Signer:
    need_signing()
    return Signer(KEY)


def test_every_signature_equals_the_sdks(signer: Signer) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert len(golden) == 96
    for action, vault, expires_ms, mainnet in combinations():
        made = signer.sign(ACTIONS[action], nonce=NONCE, mainnet=mainnet, vault=vault, expires_after_ms=expires_ms)
        assert [made.r, made.s, made.v] == golden[name_of(action, vault, expires_ms, mainnet)]


def test_the_golden_file_is_what_the_sdk_makes_today() -> None:
    pytest.importorskip("hyperliquid.utils.signing", reason="the official SDK is a test extra")
    assert made_by_the_sdk() == json.loads(GOLDEN.read_text("utf-8"))


def test_the_address_is_the_one_of_the_key(signer: Signer) -> None:
    eth_account = pytest.importorskip("eth_account", reason="the official SDK is a test extra")
    assert signer.address == eth_account.Account.from_key(KEY).address.lower()


def test_a_signer_shows_its_address_and_never_its_key(signer: Signer) -> None:
    assert repr(signer) == f"Signer({signer.address})"
    assert KEY[2:] not in repr(vars(signer))


@pytest.mark.parametrize("text", ["", "0x12", "zz" * 32, "0x" + "0" * 64, "0x" + "f" * 64, " " + KEY, KEY + "\n"])
def test_what_is_no_key_is_refused_without_being_repeated(signer: Signer, text: str) -> None:
    with pytest.raises(SecretError) as failure:
        Signer(text)
    assert not text.strip() or text.strip() not in str(failure.value)


@pytest.mark.parametrize("text", ["", "0x", "0xAB" + "ab" * 19, "ab" * 20, "0x" + "ab" * 19, "0x" + "ab" * 20 + " "])
def test_a_malformed_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no address"):
        checked_address(text)
