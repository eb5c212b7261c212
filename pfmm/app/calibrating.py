"""Numbers fitted to a market's recent trades: when they are fitted, and how long they hold. Layer: app.

Fitted numbers live in the run's saved memory, so that a loop, a restart and `--once` from cron all quote with them
and ask the venue for trades again only when they are old.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pfmm.errors import VenueRefused, VenueUnreachable

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.strategy.calibration import Calibration

FRESH_MS = 600_000  # fitted numbers older than this are fitted again
RETRY_MS = 120_000  # and where the market gave no fit, after this
FITS_AT_START = 10  # further markets are fitted one a cycle: no start waits for hundreds of reads


def fit(session: Session, market: str, now_ms: int) -> Calibration | None:
    """A calibration from the venue's recent trades, in at most 5 requests; None when it serves none."""
    from pfmm.app.recent_trades import recent_trades
    from pfmm.strategy.calibration import calibrate, implied_mids

    try:
        trades = recent_trades(session.venue, market, now_ms)
    except (VenueRefused, VenueUnreachable):
        return None  # the profile's numbers hold, and the source says so
    return replace(calibrate(trades, implied_mids(trades)), at_ms=now_ms)


def remembered_fit(session: Session, name: str, market: str) -> Calibration | None:
    """The calibration that the market's open run last quoted with. Makes no journal."""
    from pfmm.strategy.calibration import load

    run = session.journal.open_run(name, market) if session.has_journal else None
    raw = None if run is None or run.memory is None else run.memory.get("calibration")
    return None if raw is None else load(raw)


def is_old(calibration: Calibration | None, now_ms: int) -> bool:
    """True when it is time for a new fit."""
    if calibration is None:
        return True
    return not 0 <= now_ms - calibration.at_ms < (FRESH_MS if calibration.fit is not None else RETRY_MS)


def current_fit(session: Session, name: str, market: str, now_ms: int) -> Calibration | None:
    """The remembered calibration while it is young, else a new one; the old one where no new one can be had."""
    known = remembered_fit(session, name, market)
    return (fit(session, market, now_ms) or known) if is_old(known, now_ms) else known


class Fits:
    """The calibrations of one start's markets."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._fitted = 0
        self._fits: dict[str, Calibration | None] = {}
        self._tried_ms: dict[str, int] = {}

    def first(self, session: Session, market: str) -> Calibration | None:
        """The calibration that the market starts with; asks the venue for at most FITS_AT_START markets."""
        now_ms = session.venue.time().time_ms
        found = remembered_fit(session, self._name, market)
        if is_old(found, now_ms) and self._fitted < FITS_AT_START:
            self._fitted += 1
            self._tried_ms[market] = now_ms
            found = fit(session, market, now_ms) or found
        self._fits[market] = found
        return found

    def due(self, session: Session, now_ms: int) -> tuple[str, Calibration] | None:
        """A new fit of the market that has waited longest, if any is due and can be had."""
        due = [
            market
            for market, known in self._fits.items()
            if is_old(known, now_ms) and now_ms - self._tried_ms.get(market, 0) >= RETRY_MS
        ]
        if not due:
            return None
        market = min(due, key=lambda name: self._tried_ms.get(name, 0))
        self._tried_ms[market] = now_ms
        found = fit(session, market, now_ms)
        if found is None:
            return None
        self._fits[market] = found
        return market, found
