"""What an account is called at a venue. Layer: venue."""

from __future__ import annotations

from pfmm.errors import ConfigError


def address(text: str, venue: str) -> str:
    """Read an account's address and give it in lower case. Raises ConfigError for what is none."""
    address = text.lower()
    digits = address.removeprefix("0x")
    if len(digits) != 40 or len(address) != 42 or not all(digit in "0123456789abcdef" for digit in digits):
        raise ConfigError(
            f"{venue} accounts are addresses, and {text!r} is none",
            hint="`pfmm profile set account 0x…`: the account's own address, not that of an agent's key",
        )
    return address
