"""What ended runs left open, and what a flatten, or somebody by hand, closed of it: whose that is in a report.

The same cuts as in the fold behind `status`, but found from the sizes alone, for a journal of very many fills. It
judges nothing and prints nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal

from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.accounting.portfolio import UNATTRIBUTED, parts_of
from pfmm.journal.journal import Journal
from pfmm.model.order import Fill, Side
from pfmm.model.run import JournalFill

Closings = Mapping[int, Sequence[tuple[str, Fill]]]


def closing_fills(journal: Journal, market: str | None) -> dict[int, tuple[tuple[str, Fill], ...]]:
    """The fills of no run that closed what ended runs left, by running number, each as its parts with their owners: the
    same cuts as in `run_ledgers`, without the books of very many fills. `market` None: on all.

    Run 1 ended long 3, run 2 long 1; a sale of 5 that no run placed is 3 of run 1, 1 of run 2 and 1 of nobody.
    """
    foreign: dict[str, list[JournalFill]] = {}
    for item in journal.fills_of_no_run(market):
        foreign.setdefault(item.fill.market, []).append(item)
    found: dict[int, tuple[tuple[str, Fill], ...]] = {}
    for name, items in foreign.items():
        ended = journal.runs(market=name, ended=True)
        if not ended:
            continue
        items.sort(key=_in_time)
        sizes: dict[str, Decimal] = {}
        for item, moved in zip(items, _moved_before(journal, name, items), strict=True):
            for run_id, size in moved.items():
                sizes[run_id] = EXACT.add(sizes.get(run_id, ZERO), size)
            parts = parts_of(item.fill, sizes, ended)
            if len(parts) > 1 or parts[0][0] != UNATTRIBUTED:
                found[item.seq] = parts
            for owner, part in parts:
                sizes[owner] = EXACT.add(sizes.get(owner, ZERO), part.signed_size)
    return found


def left_by_ended(journal: Journal, market: str, position: Decimal) -> Decimal:
    """How much of the account's `position` on `market` ended runs left open, signed base units: every limit counts it,
    and nothing works it off. 2 of a position of 5 where ended runs add up to 2; 0 where they are short."""
    ended = {run.run_id for run in journal.runs(market=market, ended=True)}
    if not ended or not position:
        return ZERO
    left = ZERO
    for _, _, run_id, side, size in journal.sizes_of_runs(market):
        if run_id in ended:
            left = EXACT.add(left, _signed(side, size))
    for parts in closing_fills(journal, market).values():
        for owner, part in parts:
            if owner in ended:
                left = EXACT.add(left, part.signed_size)
    return min(left, position, key=abs) if left * position > 0 else ZERO


def _moved_before(journal: Journal, market: str, items: Sequence[JournalFill]) -> list[dict[str, Decimal]]:
    """What each run bought or sold, net, before each of the items and after the one ahead of it."""
    moments = [_in_time(item) for item in items]
    moved: list[dict[str, Decimal]] = [{} for _ in items]
    for seq, time_ms, run_id, side, size in journal.sizes_of_runs(market, to_ms=moments[-1][0]):
        at = bisect_right(moments, (time_ms, seq))
        if at < len(moved):
            moved[at][run_id] = EXACT.add(moved[at].get(run_id, ZERO), _signed(side, size))
    return moved


def _signed(side: str, size: str) -> Decimal:
    return Decimal(size) if side == Side.LONG else -Decimal(size)


def _in_time(item: JournalFill) -> tuple[int, int]:
    return item.fill.time_ms, item.seq
