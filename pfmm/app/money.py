"""Which money a command's session is about, in words for the head of a screen. Layer: app."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pfmm.errors import PfmmError

if TYPE_CHECKING:
    from pfmm.app.session import Session


def money_text(session: Session) -> str:
    """Say whose exchange it is, and whether its money is real: "paper money: the embedded exchange". Asks nobody; a
    paper exchange that cannot be opened is one all the same."""
    if session.real_money:
        return f"REAL money: {session.venue_name}"
    if session.live:
        return f"play money: {session.venue_name}"
    if not session.in_process:
        return f"paper money: the exchange at {session.settings.base_url}"
    return f"paper money: the embedded exchange{_live_data(session)}"


def _live_data(session: Session) -> str:
    from pfmm.paper.feed_config import LIVE

    with suppress(PfmmError):
        if (session.state_dir / "paper" / "exchange.sqlite3").exists():
            config = session.exchange.feed_config()
            if config.get("kind") == LIVE:
                return f", on live data of {config['venue']} {config['network']}"
    return ""
