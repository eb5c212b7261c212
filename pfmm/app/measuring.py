"""Measure on the venue what a strategy is built on, and keep it young while the loop waits. Layer: app.

Fitted numbers live in the run's saved memory, so that a loop, a restart and `--once` from cron all quote with them
and ask the venue for trades again only when they are old.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pfmm.errors import VenueRefused, VenueUnreachable
from pfmm.strategy.base import Measured
from pfmm.venue.recent import SPAN_MS, recent_trades

if TYPE_CHECKING:
    from pfmm.config.values import MarketSettings
    from pfmm.model.run import Run
    from pfmm.ports import Venue
    from pfmm.strategy.base import Needs
    from pfmm.strategy.calibration import Calibration

FRESH_MS = 60_000  # fitted numbers older than this, in venue time, are fitted again; so is a market without a fit
FITS_AT_START = 10  # further markets are fitted one a cycle: no start waits for hundreds of reads


class Measurements:
    """What the runs of one start are built on, market by market."""

    def __init__(self) -> None:
        self._fitted = 0
        self._fits: dict[str, Calibration | None] = {}
        self._tried_ms: dict[str, int] = {}

    def first(
        self,
        venue: Venue,
        settings: MarketSettings,
        market: str,
        needs: Needs,
        run: Run | None,
        now_ms: int,
    ) -> Measured:
        """What the market starts with; `run` is its open run, None for a new one, `now_ms` the venue's time.

        Asks the venue for a fit of at most FITS_AT_START markets. A run that is carried on has its range already: its
        volatility is not measured again.
        """
        sigma = _volatility(venue, settings, market, now_ms) if needs.volatility and run is None else None
        return Measured(sigma, self._first_fit(venue, market, run, now_ms) if needs.fit else None)

    def _first_fit(self, venue: Venue, market: str, run: Run | None, now_ms: int) -> Calibration | None:
        found = _remembered(run)
        if _is_old(found, now_ms) and self._fitted < FITS_AT_START:
            self._fitted += 1
            self._tried_ms[market] = now_ms
            found = _fit(venue, market, now_ms) or found
        self._fits[market] = found
        return found

    def due(self, venue: Venue, now_ms: int) -> tuple[str, Calibration] | None:
        """A new fit of the market that has waited longest, if any is due and can be had."""
        due = [
            market
            for market, known in self._fits.items()
            if _is_old(known, now_ms) and now_ms - self._tried_ms.get(market, 0) >= FRESH_MS
        ]
        if not due:
            return None
        market = min(due, key=lambda name: self._tried_ms.get(name, 0))
        self._tried_ms[market] = now_ms
        found = _fit(venue, market, now_ms)
        if found is None:
            return None
        self._fits[market] = found
        return market, found


def measured_now(
    venue: Venue, settings: MarketSettings, market: str, needs: Needs, run: Run | None, now_ms: Callable[[], int]
) -> Measured:
    """Measure what one computation is built on that is only shown, from one look.

    A fit that the open run remembers is taken while it is young, else a new one; the old one where none can be had.
    """
    sigma = _volatility(venue, settings, market, now_ms()) if needs.volatility else None
    known = _remembered(run) if needs.fit else None
    if needs.fit and _is_old(known, now_ms()):
        known = _fit(venue, market, now_ms()) or known
    return Measured(sigma, known, one_look=True)


def _volatility(venue: Venue, settings: MarketSettings, market: str, now_ms: int) -> float:
    """The market's volatility over the last half hour of public trades, a fraction a year; of its candles where the
    trades are too few, and the profile's where both are."""
    from pfmm.strategy.history import volatility_of_candles, volatility_of_trades

    unknown = 0.0
    found = volatility_of_trades(recent_trades(venue, market, now_ms), unknown)
    if found != unknown:
        return found
    return volatility_of_candles(venue.candles(market, now_ms - SPAN_MS), settings.volatility.default_annual_pct / 100)


def _fit(venue: Venue, market: str, now_ms: int) -> Calibration | None:
    """A calibration from the venue's recent trades; None when it serves none."""
    from pfmm.strategy.calibration import calibrate, implied_mids

    try:
        trades = recent_trades(venue, market, now_ms)
    except (VenueRefused, VenueUnreachable):
        return None  # the profile's numbers hold, and the source says so
    return replace(calibrate(trades, implied_mids(trades)), at_ms=now_ms)


def _remembered(run: Run | None) -> Calibration | None:
    """The calibration that an open run last quoted with."""
    from pfmm.strategy.calibration import load

    raw = None if run is None or run.memory is None else run.memory.get("calibration")
    return None if raw is None else load(raw)


def _is_old(calibration: Calibration | None, now_ms: int) -> bool:
    """True when it is time for a new fit."""
    if calibration is None:
        return True
    return not 0 <= now_ms - calibration.at_ms < FRESH_MS
