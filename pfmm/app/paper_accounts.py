"""The address and the test key of a paper account, for clients of the exchange's second dialect. Layer: app.

The key is made from the account's name and guards play money only; it is shown or written on request alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pfmm.config.secrets import keep_key
from pfmm.paper.wire import hyperliquid_keys as keys

if TYPE_CHECKING:
    from pfmm.app.session import Session


@dataclass(frozen=True, slots=True)
class PaperAccount:
    """One account of the embedded exchange: its name, its address, and its key where that was asked for."""

    account: str
    address: str
    key: str | None
    key_file: str | None


def paper_account(name: str | None, *, show_key: bool, key_file: Path | None, session: Session) -> PaperAccount:
    """Open the account `name` (None: the profile's) if it was not, so that its address is known to the exchange.

    The key is written to `key_file`, mode 0600, and returned only with `show_key`. Raises ConfigError without the extra
    `hyperliquid`, UsageError for a file that is there already.
    """
    account = name or session.account
    address = keys.address(account)
    session.exchange.open_account(account)
    key = keys.test_key(account)
    if key_file is not None:
        keep_key(key_file, key)
    shown = None if key_file is None else os.fspath(key_file.absolute())
    return PaperAccount(account, address, key if show_key else None, shown)
