"""How each fill fared against the recorded mids: what it captured, and what the market did after it. Pure.

No object a fill, and yet to the last digit what `accounting.attribution` says of each. What it answers for two lots of
fills adds up to what it answers for both, so that they can be judged apart. The caller makes accounting's EXACT the
current decimal context. Layer: report.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from itertools import compress, repeat
from operator import lt, mul, sub

from pfmm.accounting.attribution import HORIZONS_S, MAX_GAP_MS, SPLIT
from pfmm.accounting.edge import MINUTE_MS, Sum, Tally
from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.report.block import Block, BlockReader, MidLine, Scale, by_market, exact
from pfmm.report.inputs import FillRow, MidSeries


def _nothing() -> list[Decimal]:
    return [ZERO] * len(HORIZONS_S)


@dataclass(slots=True)
class Judgement:
    """How fills of one market fared: USD captured and moved adversely by owner, USD moved on USD of notional at each of
    HORIZONS_S, of how many fills the edge is known, and below zero, and what the break-even fee follows from."""

    capture: dict[str, Decimal] = field(default_factory=dict)
    adverse: dict[str, Decimal] = field(default_factory=dict)
    moved: list[Decimal] = field(default_factory=_nothing)
    notional: list[Decimal] = field(default_factory=_nothing)
    judged: int = 0
    losing: int = 0
    edge: Tally = field(default_factory=Tally)

    def add(self, other: Judgement) -> None:
        """Add the judgement of other fills of the market: captured 0.2 and 0.1 are 0.3."""
        for mine, others in ((self.capture, other.capture), (self.adverse, other.adverse)):
            for owner, amount in others.items():
                mine[owner] = mine.get(owner, ZERO) + amount
        self.moved = [one + more for one, more in zip(self.moved, other.moved, strict=True)]
        self.notional = [one + more for one, more in zip(self.notional, other.notional, strict=True)]
        self.judged += other.judged
        self.losing += other.losing
        self.edge.add(other.edge)


class _Placed:
    """Fills that have a mid before them, `ages` ms old: `at_mids` is each one's signed value at that mid, and
    `usd` and `notional` are their sums with and without the sign. Bought 2 and sold 1 at 100: 100 and 300."""

    __slots__ = ("ages", "at_mids", "fees", "makers", "notional", "sizes", "times", "usd", "values")

    def __init__(
        self,
        times: Sequence[int],
        ages: Sequence[int],
        sizes: Sequence[int],
        values: Sequence[int],
        fees: Sequence[int],
        makers: Sequence[bool],
        at_mids: Sequence[int],
    ) -> None:
        self.times, self.ages, self.makers = times, ages, makers
        self.sizes, self.values, self.fees, self.at_mids = sizes, values, fees, at_mids
        self.usd = sum(at_mids)
        self.notional = sum(map(abs, at_mids))

    def recent(self, ages: Sequence[int], gap_ms: int) -> _Placed:
        """Keep the fills whose mid is at most `gap_ms` old; the same object where that is true of all."""
        if max(ages, default=0) <= gap_ms:
            return self
        return self._those([age <= gap_ms for age in ages])

    def makers_only(self, gains: Sequence[int]) -> tuple[_Placed, Sequence[int]]:
        """Return the fills that made, with the gain of each; itself where all did."""
        if all(self.makers):
            return self, gains
        return self._those(self.makers), list(compress(gains, self.makers))

    def _those(self, wanted: Sequence[bool]) -> _Placed:
        columns = (self.times, self.ages, self.sizes, self.values, self.fees, self.makers, self.at_mids)
        return _Placed(*(list(compress(column, wanted)) for column in columns))  # type: ignore[arg-type]


class Judge:
    """Judges blocks of ONE market, each in time order, against its mids."""

    def __init__(self, mids: MidLine, counted_owners: Container[str] | None) -> None:
        self._mids, self._counted_owners = mids, counted_owners
        self.found = Judgement()

    def add(self, block: Block) -> None:
        """Judge the fills of the owners that count, None being all."""
        for owner, fills in block.by_owner(self._counted_owners):
            self._judge(owner, fills)

    def _judge(self, owner: str, block: Block) -> None:
        """Add capture = side * (mid - price) * size: bought 2 at 99.9 with the mid before it at 100, capture 0.2."""
        mids, ages = self._mids.before(block.times)
        at_mids = list(map(mul, mids, block.sizes))
        columns = (block.times, ages, block.sizes, block.values, block.fees, block.makers, at_mids)
        placed = _Placed(*columns).recent(ages, MAX_GAP_MS)
        captured = exact(placed.usd - sum(placed.values), block.scale.value)
        self.found.capture[owner] = self.found.capture.get(owner, ZERO) + captured
        self._count(block, placed)
        for index in range(len(HORIZONS_S)):
            moved = self._mark_out(index, placed, block.scale)
            if index == SPLIT:
                self.found.adverse[owner] = self.found.adverse.get(owner, ZERO) + moved

    def _count(self, block: Block, placed: _Placed) -> None:
        """Count what made and what took, before any horizon."""
        edge, scale = self.found.edge, block.scale
        for minute, start, stop in _by_minute(block.times):
            made = set(compress(block.order_ids[start:stop], block.makers[start:stop]))
            if made:
                edge.order_ids[minute] = edge.order_ids.get(minute, set()) | made
        edge.maker_usd += exact(sum(map(mul, map(abs, block.values), block.makers)), scale.value)
        edge.maker_fees += block.maker_fees()
        edge.placed += len(placed.times)
        edge.mid_age_ms += sum(placed.ages)
        exits = len(block) - sum(block.makers)
        if exits:
            took = [not one for one in placed.makers]
            gained = sum(compress(map(sub, placed.at_mids, placed.values), took))
            fees = sum(compress(placed.fees, took))
            edge.exits += exits
            edge.exits_unknown += exits - sum(took)
            edge.exit_gain += exact(gained, scale.value) - exact(fees, scale.fee)

    def _mark_out(self, index: int, placed: _Placed, scale: Scale) -> Decimal:
        """Mark out at one horizon: side * (mid then - mid) * size, where both are recent enough: -0.4 at 99.8."""
        gap_ms = min(MAX_GAP_MS, HORIZONS_S[index] * 500)
        near = placed.recent(placed.ages, gap_ms)
        mids, ages = self._mids.after(near.times, HORIZONS_S[index] * 1_000)
        known = near.recent(ages, gap_ms)
        if known is not near:
            mids = [mid for mid, age in zip(mids, ages, strict=True) if age <= gap_ms]
        later = list(map(mul, mids, known.sizes))
        moved = exact(sum(later) - known.usd, scale.value)
        self.found.moved[index] += moved
        self.found.notional[index] += exact(known.notional, scale.value)
        gains = list(map(sub, later, known.values))
        self._add_gains(index, gains, known, scale)
        if index == SPLIT:
            self._add_edges(gains, known, scale)
        return moved

    def _add_gains(self, index: int, gains: Sequence[int], placed: _Placed, scale: Scale) -> None:
        """Add the gain, capture + markout, of what made, by minute: bought 2 at 99.9 with 99.8 later, -0.2."""
        made, gains = placed.makers_only(gains)
        for minute, start, stop in _by_minute(made.times):
            gain = exact(sum(gains[start:stop]), scale.value)
            notional = exact(sum(map(abs, made.at_mids[start:stop])), scale.value)
            self.found.edge.count(index, minute, Sum(gain, notional), stop - start)

    def _add_edges(self, gains: Sequence[int], placed: _Placed, scale: Scale) -> None:
        """Count the fills judged and those that lose by edge = capture + markout - fee.

        0.2 - 0.4 - (-0.04) = -0.16 USD.
        """
        of_value, of_fee = 10 ** max(0, scale.fee - scale.value), 10 ** max(0, scale.value - scale.fee)
        paid = map(mul, placed.fees, repeat(of_fee))
        self.found.losing += sum(map(lt, map(mul, gains, repeat(of_value)), paid))
        self.found.judged += len(gains)


def _by_minute(times: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (minute, start, stop) of each minute of the ascending times: 5 s, 59 s and 60 s are 0..2 and 2..3."""
    start = 0
    while start < len(times):
        minute = times[start] // MINUTE_MS
        stop = bisect_left(times, (minute + 1) * MINUTE_MS, start)
        yield minute, start, stop
        start = stop


def judged(
    fills: Iterable[FillRow],
    mids: Mapping[str, MidSeries],
    period: tuple[int, int],
    counted_owners: Container[str] | None,
) -> dict[str, Judgement]:
    """Judge the fills of each market, given in time order: any part of a report's fills by itself."""
    judges: dict[str, tuple[BlockReader, Judge]] = {}
    with localcontext(EXACT):
        for market, rows in by_market(fills):
            if market not in judges:
                line = MidLine(mids.get(market, MidSeries()))
                judges[market] = BlockReader(line, *period), Judge(line, counted_owners)
            reader, judge = judges[market]
            block = reader.read(rows)
            if block is not None:
                judge.add(block)
    return {market: judge.found for market, (_, judge) in judges.items()}
