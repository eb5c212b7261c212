"""The account's fills on their way from the journal into the runs, and whether the positions follow them.

Whichever process absorbed a fill, every run gets it once and in its order. Reads the journal, writes nothing.
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pfmm.engine.fee_check import warning
from pfmm.engine.outside import taken_from, told_of
from pfmm.engine.position_check import Apart, PositionCheck, later_fills
from pfmm.engine.report import MarketSnapshot
from pfmm.engine.strategy_run import StrategyRun
from pfmm.model.event import Event
from pfmm.model.order import Fill, Liquidity
from pfmm.model.run import JournalFill
from pfmm.ports import Journal


class FillFolder:
    """Hand the journal's fills on to the runs, and know how far that has come.

    `folded_through` is that fill's running number.
    """

    def __init__(self, journal: Journal, markets: Sequence[str]) -> None:
        self._journal = journal
        # every later fill has yet to be given to its run
        self.folded_through, booked = journal.filled(markets)
        self._position_check = PositionCheck(lambda market: booked.get(market, Decimal(0)))
        self._fees_warned: set[tuple[str, Liquidity]] = set()

    def adopted(self, active: StrategyRun) -> None:
        """Go on from what an earlier process found out about the position of a run that was taken up."""
        if active.unbooked is not None:
            self._position_check.expect(active.market, active.unbooked, active.apart)

    def fold(self, runs: Sequence[StrategyRun], told: list[Event]) -> None:
        """Give every run the fills that it does not have yet, whichever process absorbed them, and its book up to the
        last of them. The events go into `told` one by one: an error on the way loses none."""
        by_id = {active.run.run_id: active for active in runs if active.run is not None}
        for run_id, active in by_id.items():
            if active.behind:  # what it filled, and what others did, while no process carried it on
                missed = self._journal.fills(run_id=run_id, after_seq=active.folded_through)
                for item in [item for item in missed if item.seq <= self.folded_through]:
                    told += active.fold(item)
                unseen = self._journal.fills(after_seq=active.seen_through)
                for item in [item for item in unseen if item.seq <= self.folded_through]:
                    told += self._outside(active, item)
                active.behind = False
        while True:
            for item in list(self._journal.fills(after_seq=self.folded_through)):
                self.folded_through = item.seq
                self._position_check.count(item.fill)
                owner = by_id.get(item.run_id or "")
                if owner is not None and item.seq > owner.folded_through:
                    told += [*owner.fold(item), *self._fees_told(owner, item.fill)]
                for active in by_id.values():
                    told += self._outside(active, item)
            for run_id, active in by_id.items():
                active.book = self._journal.book(active.market, run_id)
            if self._journal.newest_fill() == self.folded_through:  # else a book is ahead of its run's memory
                return

    def check_positions(self, runs: Sequence[StrategyRun], seen: MarketSnapshot, seen_through: int) -> None:
        """Check that each position follows its fills, and find the part of it that is a base. Where they disagree
        nothing new is sent, and a disagreement that lasts ends the run: no limit binds on a position that nobody can
        explain."""
        later = later_fills(self._journal, seen, seen_through) if self.folded_through > seen_through else {}
        found: dict[str, Apart | None] = {}
        for active in runs:
            market = active.market
            if market not in found:
                found[market] = self._position_check.check(market, seen.net_position(market), later, seen.now_ms)
                seen.bases[market] = self._position_check.unbooked(market) + self._journal.beside_runs(market)
            active.unbooked, active.apart = self._position_check.unbooked(market), found[market]
            if active.run is None:
                seen.bases[market] -= active.offer(self._journal.left_by_ended(market), seen)
            if active.apart is not None and active.apart.lasting(seen.now_ms):
                active.ended_by = active.ended_by or f"position unexplained: {active.apart.words}"

    def _fees_told(self, active: StrategyRun, fill: Fill) -> list[Event]:
        """Warn where a fill of the run was charged otherwise than its market states, once."""
        told = warning(active.instrument, fill, self._fees_warned)
        return [] if told is None else [Event("warning", fill.time_ms, active.market, active.kind, {"reason": told})]

    def _outside(self, active: StrategyRun, item: JournalFill) -> list[Event]:
        """Tell what a fill of no run means for a run that has begun, once: see `told_of`."""
        if item.seq <= active.seen_through:
            return []
        active.seen_through = item.seq
        if item.run_id is not None or active.run is None or item.fill.time_ms < active.run.started_ms:
            return []
        taken = taken_from(active.run.run_id, self._journal.claims_of(item.seq))
        told = told_of(item, taken, market=active.market, strategy=active.kind)
        if told is None:
            return []
        event, reason = told
        active.ended_by = active.ended_by or reason
        return [event]
