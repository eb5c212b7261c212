"""A large journal's fills shared out: most of them are judged by a second process while this one does the books.

The books need every fill in its order, but how a fill fared is its own matter. The other process opens the journal by
itself, for reading only, and judges by the mids that it is handed. It prints nothing. Layer: app.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pfmm.app.position_closers import Closings
from pfmm.errors import PfmmError
from pfmm.journal.journal import Journal
from pfmm.report.data import Later
from pfmm.report.inputs import FillRow, MidSeries, OutOfOrder, row_of
from pfmm.report.markouts import Judgement, judged

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MANY_FILLS = 200_000  # fewer are judged before another process has even begun
SHARE_HERE = 6  # the books take so long that one in six of the fills is left to judge here

Mids = Mapping[str, MidSeries]


@dataclass(frozen=True, slots=True)
class Part:
    """The fills that are judged elsewhere: those above `after_seq` up to `through_seq` in the journal at `path`, of one
    market or all, within the period in ms, of the owners that count. `closings` say whose those of no run are."""

    path: Path
    market: str | None
    after_seq: int
    through_seq: int
    period: tuple[int, int]
    counted_owners: frozenset[str] | None
    closings: Closings


def mids_of(journal: Journal, market: str | None, start_ms: int) -> dict[str, MidSeries]:
    """Read the mids of one market or all, from the last one before the period on."""
    markets = journal.markets_with_mids() if market is None else (market,)
    return {name: MidSeries(*journal.mid_columns(name, start_ms)) for name in markets}


def rows_of(journal: Journal, part: Part) -> Iterator[FillRow]:
    """Yield the fills of a part: plain tuples, which serve as rows. What closed that which ended runs left is
    theirs."""
    after = part.after_seq
    for seq in sorted(part.closings):
        if part.after_seq < seq <= part.through_seq:
            yield from _rows_between(journal, part, after, seq - 1)
            yield from (row_of(fill, owner) for owner, fill in part.closings[seq])
            after = seq
    yield from _rows_between(journal, part, after, part.through_seq)


def _rows_between(journal: Journal, part: Part, after_seq: int, through_seq: int) -> Iterator[FillRow]:
    rows = journal.fill_rows(market=part.market, after_seq=after_seq, through_seq=through_seq)
    return cast("Iterator[FillRow]", rows)


def judge_part(part: Part, mids: Mids) -> dict[str, Judgement]:
    """Judge the fills of a part by the mids, by market."""
    with Journal.open_readonly(part.path) as journal:
        return judged(rows_of(journal, part), mids, part.period, part.counted_owners)


@contextmanager
def shared_out(journal: Journal, whole: Part) -> Iterator[tuple[Iterator[FillRow], Later | None, Mids]]:
    """Share the fills of `whole` out, where they are many and there is a second processor: those to fold and judge
    here, the later ones that a second process judges meanwhile, and the mids for both."""
    if whole.through_seq - whole.after_seq < MANY_FILLS or (os.cpu_count() or 1) == 1:
        yield rows_of(journal, whole), None, mids_of(journal, whole.market, whole.period[0])
        return
    cut = whole.after_seq + (whole.through_seq - whole.after_seq) // SHARE_HERE
    here, elsewhere = replace(whole, through_seq=cut), replace(whole, after_seq=cut)
    with judged_elsewhere(journal, elsewhere) as (judgements, mids):
        yield rows_of(journal, here), Later(rows_of(journal, elsewhere), judgements), mids


@contextmanager
def judged_elsewhere(journal: Journal, part: Part) -> Iterator[tuple[Callable[[], Mapping[str, Judgement]], Mids]]:
    """Start a process on the part; returns a function that waits for its judgements. It judges by the mids of `journal`
    that it is handed, since what it would read itself could be newer. Where it was killed or failed, the function
    judges the part itself: slower, and with any error where it is seen."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_answer, args=(part, there), daemon=True)
    process.start()
    there.close()

    try:
        mids = mids_of(journal, part.market, part.period[0])
        with suppress(OSError):  # it is gone, as `judgements` finds out too
            here.send(mids)

        def judgements() -> Mapping[str, Judgement]:
            try:
                found: Mapping[str, Judgement] = here.recv()
            except (EOFError, OSError):
                return judge_part(part, mids)
            return found

        yield judgements, mids
    finally:
        process.terminate()
        process.join()
        here.close()


def _answer(part: Part, asking: Connection) -> None:
    """Judge a part in the other process. An interrupt is meant for the one that waits, and ends this one too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    try:
        asking.send(judge_part(part, asking.recv()))
    except (PfmmError, OutOfOrder, EOFError):
        asking.close()  # the one that waits meets the same error, and says it
