"""Signs Hyperliquid's actions: msgpack, three keccaks and one ECDSA signature. Layer: venue.

The libraries of the extra `hyperliquid` are imported at the first signature. The key leaves this module in no repr,
message or traceback. Source: the venue's documentation of L1 actions and EIP-712.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pfmm.errors import ConfigError, SecretError

MAINNET_SOURCE = "a"
TESTNET_SOURCE = "b"

_ADDRESS = re.compile(r"0x[0-9a-f]{40}", re.ASCII)
_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}", re.ASCII)
_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT = b"Agent(string source,bytes32 connectionId)"
_CHAIN_ID = 1337

Keccak = Callable[[bytes], bytes]


class Signature(NamedTuple):
    """One signature as the venue's JSON carries it: r and s as 0x and 64 hex digits, v as 27 or 28."""

    r: str
    s: str
    v: int

    def as_json(self) -> dict[str, Any]:
        """Return the object of the request's field `signature`."""
        return {"r": self.r, "s": self.s, "v": self.v}


class Signer:
    """One signing key. Its address is all that it shows of itself."""

    def __init__(self, key_text: str) -> None:
        """Take the key as 64 hex digits, with or without 0x.

        Raises SecretError for anything else, and ConfigError when the extra `hyperliquid` is not installed.
        """
        if _KEY.fullmatch(key_text) is None:
            raise SecretError("the venue's key must be 64 hex digits, with or without 0x")
        self._keccak, _, keys = _libraries()
        try:
            self._key = keys.PrivateKey(bytes.fromhex(key_text.removeprefix("0x")))
        except ValueError:
            raise SecretError("the venue's key is no key of the curve secp256k1") from None
        self.address = address_of(self._key.public_key.format(compressed=False), self._keccak)
        self._domain = _domain_separator(self._keccak)
        self._agent_type = self._keccak(_AGENT)

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    def sign(
        self,
        action: Mapping[str, Any],
        *,
        nonce: int,
        mainnet: bool,
        vault: str | None = None,
        expires_after_ms: int | None = None,
    ) -> Signature:
        """Sign one action whose keys stand in the venue's order.

        `vault` is the address of the sub-account or vault that is traded for, `expires_after_ms` the venue time after
        which the request must not act. Raises ConfigError for a malformed address.
        """
        digest = self._digest(action, nonce, vault, expires_after_ms, MAINNET_SOURCE if mainnet else TESTNET_SOURCE)
        raw = self._key.sign_recoverable(digest, hasher=None)
        return Signature(f"0x{raw[:32].hex()}", f"0x{raw[32:64].hex()}", 27 + raw[64])

    def _digest(
        self, action: Mapping[str, Any], nonce: int, vault: str | None, expires_after_ms: int | None, source: str
    ) -> bytes:
        connection_id = action_hash(action, nonce, vault, expires_after_ms)
        struct = self._keccak(self._agent_type + self._keccak(source.encode()) + connection_id)
        return self._keccak(b"\x19\x01" + self._domain + struct)


def action_hash(
    action: Mapping[str, Any], nonce: int, vault: str | None = None, expires_after_ms: int | None = None
) -> bytes:
    """Work out the 32 bytes that identify one action: keccak of its msgpack, nonce, vault and expiry.

    Raises ConfigError for an address that is not 0x and 40 lower-case hex digits.
    """
    keccak, packb, _ = _libraries()
    parts = [packb(action), nonce.to_bytes(8, "big")]
    parts.append(b"\x00" if vault is None else b"\x01" + bytes.fromhex(checked_address(vault)[2:]))
    if expires_after_ms is not None:
        parts += [b"\x00", expires_after_ms.to_bytes(8, "big")]
    return keccak(b"".join(parts))


def address_of(public_key: bytes, keccak: Keccak) -> str:
    """Work out the address of an uncompressed public key: the last 20 bytes of its keccak, lower case."""
    return f"0x{keccak(public_key[1:])[-20:].hex()}"


def checked_address(text: str) -> str:
    """Return the address itself, if it is 0x and 40 lower-case hex digits.

    Raises ConfigError otherwise: the venue answers a malformed address with an empty account, never with an error.
    """
    if _ADDRESS.fullmatch(text) is None:
        raise ConfigError(f"{text!r} is no address: 0x and 40 hex digits in lower case are needed")
    return text


def _domain_separator(keccak: Keccak) -> bytes:
    return keccak(
        keccak(_DOMAIN) + keccak(b"Exchange") + keccak(b"1") + _CHAIN_ID.to_bytes(32, "big") + bytes(32)
    )  # the verifying contract is the zero address


def _libraries() -> tuple[Keccak, Callable[[Any], bytes], Any]:
    try:
        import coincurve
        import msgpack
        import sha3
    except ImportError as error:
        raise ConfigError(
            f"signing for hyperliquid needs the library {error.name}",
            hint="pip install 'pfmm[hyperliquid]', on Python 3.11 to 3.13",
        ) from None

    def keccak(data: bytes) -> bytes:
        return bytes(sha3.keccak_256(data).digest())

    return keccak, msgpack.packb, coincurve
