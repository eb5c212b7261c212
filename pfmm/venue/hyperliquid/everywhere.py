"""Looks for what an account has on builders' lists of markets that no setting names: flat means flat everywhere.

A position there, an order or collateral counts. The first look leaves them out: what is known must be cancelled without
waiting for that. Each list is looked at once; where something is, it is one of the lists in use from then on.
Layer: venue.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from pfmm.errors import CannotDoThis, VenueRefused, VenueUnreachable
from pfmm.venue.hyperliquid.info import Info
from pfmm.venue.hyperliquid.market_data import PublicData

ALL_LISTS: Final = "builders' lists of markets"


class Everywhere:
    """The search of one account. `unseen` are the lists that could not be looked at, or whose markets cannot be traded
    while the account has something there."""

    def __init__(self, info: Info, public: PublicData) -> None:
        self._info = info
        self._public = public
        self._empty: set[str] = set()
        self._begun = False
        self.unseen: tuple[str, ...] = (ALL_LISTS,)

    def look(self, used: Sequence[str]) -> tuple[str, ...]:
        """Find further lists on which the account has something, of those that are not `used` yet. Raises nothing for a
        venue that does not answer: what is known must be cancelled and closed whatever else there is."""
        if not self.unseen or not self._begun:
            self._begun = True
            return ()
        found, unseen = [], []
        try:
            names = self._public.builders()
        except (VenueUnreachable, VenueRefused):
            return ()
        for dex in names:
            if dex in used or dex in self._empty:
                continue
            try:
                if not self._anything(dex):
                    self._empty.add(dex)
                    continue
                self._public.refuse_other_collateral(dex)
                found.append(dex)
            except CannotDoThis:
                unseen.append(f"{dex} (not settled in USDC, and the account has something there)")
            except (VenueUnreachable, VenueRefused):
                unseen.append(dex)
        self.unseen = tuple(unseen)
        return tuple(found)

    def _anything(self, dex: str) -> bool:
        state = self._info.record(self._info.mine("clearinghouseState", dex=dex))
        value = state.record("marginSummary").decimal_text("accountValue")
        if state.records("assetPositions") or value != Decimal(0):
            return True
        return bool(self._info.rows(self._info.mine("frontendOpenOrders", dex=dex)))
