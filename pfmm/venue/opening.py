"""What a session gives a venue's adapter when it opens it. Values only. Layer: venue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfmm.venue.client import HttpClient
    from pfmm.venue.ratelimit import Budget

MakeClient = Callable[["Budget | None"], "HttpClient"]


@dataclass(frozen=True, slots=True)
class Opening:
    """The account's session: `name` is what the venue is called, `account` what it calls the account (empty: public
    data alone), `key` gives the key in clear. `client` makes the one client, with the budget that the adapter counts
    by. `folder` keeps what processes share. `limited` is False where nothing limits requests, `urgent` True for an
    emergency. `more_lists` names further lists of markets that the account uses. `url` is the venue's address, and
    `stream` (auto, on, off) whether a loop follows its socket."""

    name: str
    network: str
    account: str
    key: Callable[[], str]
    client: MakeClient
    folder: Path
    limited: bool = True
    urgent: bool = False
    more_lists: tuple[str, ...] = ()
    url: str = ""
    stream: str = "off"
