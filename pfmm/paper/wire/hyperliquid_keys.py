"""Addresses, test keys and verified signatures of the paper exchange's Hyperliquid dialect. Layer: paper wire.

A paper account NAME has a key that is made from its name: it guards play money only, and anybody can make it anew.
The libraries of the extra `hyperliquid` are imported at the first key or signature.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from pfmm.errors import ConfigError

_KEY_TEXT = b"pfmm paper account "
_DOMAIN_TEXT = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT_TEXT = b"Agent(string source,bytes32 connectionId)"
_SOURCES = (b"a", b"b")  # clients sign the one or the other for an address that is neither mainnet's nor testnet's
_ADDRESS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})", re.ASCII)
_NUMBER = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


def test_key(account: str) -> str:
    """Return the private key of a paper account as 0x and 64 hex digits, made from the account's name."""
    return f"0x{hashlib.sha256(_KEY_TEXT + account.encode()).hexdigest()}"


def address(account: str) -> str:
    """Return the address of a paper account in lower case. Raises ConfigError without the extra `hyperliquid`."""
    keccak, _, coincurve = _libraries()
    key = coincurve.PrivateKey(bytes.fromhex(test_key(account)[2:]))
    return _address_of(key.public_key.format(compressed=False), keccak)


def plain_address(text: object) -> str | None:
    """Return an address as the exchange compares it, 0x and lower case; None for what is no address."""
    found = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    return None if found is None else f"0x{found[1].lower()}"


def signers(
    action: Mapping[str, Any], nonce: int, vault: str | None, expires_after_ms: int | None, signature: object
) -> tuple[str, ...]:
    """Recover the addresses that may have signed: one for each network that a client may take this exchange for.

    A signature over anything else recovers to a random address, so the caller accepts only an address that it knows.
    Empty for numbers that are no signature.
    """
    parts = _signature_bytes(signature)
    if parts is None:
        return ()
    keccak, msgpack, coincurve = _libraries()
    tail = nonce.to_bytes(8, "big") + (b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault[2:]))
    if expires_after_ms is not None:
        tail += b"\x00" + expires_after_ms.to_bytes(8, "big")
    connection_id = keccak(msgpack.packb(action) + tail)
    domain = keccak(keccak(_DOMAIN_TEXT) + keccak(b"Exchange") + keccak(b"1") + (1337).to_bytes(32, "big") + bytes(32))
    found = []
    for source in _SOURCES:
        digest = keccak(b"\x19\x01" + domain + keccak(keccak(_AGENT_TEXT) + keccak(source) + connection_id))
        try:
            public = coincurve.PublicKey.from_signature_and_message(parts, digest, hasher=None)
        except ValueError:
            continue
        found.append(_address_of(public.format(compressed=False), keccak))
    return tuple(found)


def _signature_bytes(signature: object) -> bytes | None:
    """Return r, s and v as 65 bytes. Clients drop leading zeros of r and s, which are numbers and no text."""
    if not isinstance(signature, Mapping):
        return None
    r, s, v = (signature.get(name) for name in ("r", "s", "v"))
    texts = all(isinstance(part, str) and _NUMBER.fullmatch(part) for part in (r, s))
    if not texts or not isinstance(v, int) or isinstance(v, bool) or v not in (27, 28):
        return None
    return int(str(r), 16).to_bytes(32, "big") + int(str(s), 16).to_bytes(32, "big") + bytes([v - 27])


def _address_of(public_key: bytes, keccak: Any) -> str:
    return f"0x{keccak(public_key[1:])[-20:].hex()}"


def _libraries() -> tuple[Any, Any, Any]:
    try:
        import coincurve
        import msgpack
        import sha3
    except ImportError as error:
        raise ConfigError(
            f"the Hyperliquid dialect needs the library {error.name}",
            hint="pip install 'pfmm[hyperliquid]', on Python 3.11 to 3.13",
        ) from None

    def keccak(data: bytes) -> bytes:
        return bytes(sha3.keccak_256(data).digest())

    return keccak, msgpack, coincurve
