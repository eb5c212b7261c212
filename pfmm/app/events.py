"""Read what happened from the journal, in its order and from a cursor on; with `follow` also what is yet to come.

Reads the journal alone: the venue is not asked, nothing is written, and a loop that runs beside it is not slowed.
Layer: app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pfmm.errors import NoJournal, UsageError

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.journal.events import Told
    from pfmm.journal.journal import Journal
    from pfmm.model.run import Run
    from pfmm.runner.signals import Signals

LAST = 100  # events that are told where no cursor is named
PAGE = 1_000
POLL_S = 0.3
SHOWN_RUNS = 3
GAP = "gap"


@dataclass(frozen=True, slots=True)
class EventsRequest:
    """Which events: of the run that `run` means (its id, a strategy or a market), with a number above `since`.

    `since` None: the last LAST ones. `follow`: go on as new ones come.
    """

    run: str | None = None
    since: int | None = None
    follow: bool = False


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """One event as the journal keeps it. `cursor` is its number: the next read goes on behind it. `run` is empty for
    what is about the account as a whole.

    The event GAP says that `dropped` events up to `cursor` are no longer kept.
    """

    event: str
    time_ms: int
    cursor: int
    run: str | None
    market: str
    strategy: str
    data: Mapping[str, Any] = field(default_factory=dict)


def events(
    request: EventsRequest,
    *,
    session: Session,
    tell: Callable[[ToldEvent], None],
    left_out: Callable[[], None] = lambda: None,
) -> int:
    """Tell every event that was asked for; returns the exit code.

    Calls `left_out` first where no cursor was named and more is kept than the last LAST events.

    With `follow` goes on until a signal (128 + its number), or until the run that was named has ended (0). Raises
    NoJournal where nothing has run yet and none is waited for, UsageError for a run that is not known, JournalUnusable.
    """
    from pfmm.journal.journal import Journal

    if not request.follow:
        with Journal.open_readonly(session.journal_path) as journal:
            reader = _Reader(journal, request)
            if reader.leaves_out:
                left_out()
            reader.tell_all(tell)
        return 0
    from pfmm.runner.signals import Signals

    with Signals() as signals:
        while True:
            try:
                journal = Journal.open_readonly(session.journal_path)
                break
            except NoJournal:  # an agent may look before it starts something, or while the file is just being made
                if not signals.wait_s(POLL_S):
                    return signals.exit_code
        with journal:
            return _follow(journal, request, tell, signals, left_out)


def newest_cursor(session: Session) -> int:
    """Tell the number of the newest event: what comes after it is new. 0 before anything has run."""
    from pfmm.journal.journal import Journal

    if not session.has_journal:
        return 0
    with Journal.open_readonly(session.journal_path) as journal:
        return journal.newest_event()


def _follow(
    journal: Journal,
    request: EventsRequest,
    tell: Callable[[ToldEvent], None],
    signals: Signals,
    left_out: Callable[[], None],
) -> int:
    journal.verify()
    reader = _Reader(journal, request)
    if reader.leaves_out:
        left_out()
    ended = False
    while True:
        last = ended  # once more after the end was seen: its last event may be written just behind it
        ended = reader.run_has_ended()
        reader.tell_all(tell)
        if last:
            return 0
        if not signals.wait_s(POLL_S):
            return signals.exit_code
        journal.verify()  # a reset of the paper exchange moves the file away: its numbers mean nothing any more


class _Reader:
    """Goes through the events of one journal, each once."""

    def __init__(self, journal: Journal, request: EventsRequest) -> None:
        self._journal = journal
        self._run_id = None if request.run is None else run_meant(request.run, journal.runs())
        newest = journal.newest_event()
        if request.since is not None and request.since > newest:
            raise UsageError(
                f"--since {request.since} is past the newest event, {newest}",
                hint=f"this journal is {journal.path}; `pfmm events --since {newest}` goes on from its end",
            )
        first = max(newest - LAST, journal.events_pruned_through())
        self.leaves_out = request.since is None and first > journal.events_pruned_through()
        self._cursor = first if request.since is None else request.since
        self._kinds = {run.run_id: run.kind for run in journal.runs()}

    def run_has_ended(self) -> bool:
        """Tell whether the run that was named will have no more events."""
        if self._run_id is None:
            return False
        return any(one.run_id == self._run_id and one.ended_ms is not None for one in self._journal.runs(ended=True))

    def tell_all(self, tell: Callable[[ToldEvent], None]) -> None:
        """Tell what is new since the last time."""
        while True:
            newest = self._journal.newest_event()
            page = self._journal.events(self._cursor, run_id=self._run_id, limit=PAGE)
            for one in self._with_gap(page):
                tell(one)
            if len(page) < PAGE:
                self._cursor = max(self._cursor, newest)  # of other runs' events too
                return
            self._cursor = page[-1].seq

    def _with_gap(self, page: Sequence[Told]) -> Iterator[ToldEvent]:
        """Yield the events of a page; before them, where some were pruned that nobody has told, how many."""
        pruned = self._journal.events_pruned_through()
        through = min(pruned, page[0].seq - 1) if page else pruned
        if through > self._cursor:
            time_ms = page[0].event.time_ms if page else 0
            yield ToldEvent(GAP, time_ms, through, None, "", "", {"dropped": through - self._cursor})
            self._cursor = through
        for one in page:
            event = one.event
            strategy = event.strategy or self._kind(one.run_id)
            yield ToldEvent(event.name, event.time_ms, one.seq, one.run_id, event.market, strategy, event.data)
            self._cursor = one.seq

    def _kind(self, run_id: str | None) -> str:
        """Return the strategy of a run, which its fills are kept without; empty for a trade of no run."""
        if run_id is not None and run_id not in self._kinds:  # begun since
            self._kinds = {run.run_id: run.kind for run in self._journal.runs()}
        return self._kinds.get(run_id or "", "")


def run_meant(text: str, runs: Sequence[Run]) -> str:
    """Choose the run that a text means: its id, else the newest of that strategy or market (`grid`, `BTC`, `grid-BTC`).

    Raises UsageError with the newest runs.
    """
    from pfmm.model.spelling import spelled

    if any(run.run_id == text for run in runs):
        return text
    kind, _, rest = text.partition("-")
    for run in sorted(runs, key=lambda one: one.number, reverse=True):
        of_kind = run.kind == text.lower()
        of_both = run.kind == kind.lower() and spelled(rest, [run.market]) is not None
        if of_kind or of_both or spelled(text, [run.market]) is not None:
            return run.run_id
    newest = [f"{run.run_id} ({run.kind} on {run.market})" for run in runs][-SHOWN_RUNS:]
    hint = f"the newest are {', '.join(newest)}" if newest else "nothing has run on this account yet"
    raise UsageError(f"there is no run {text!r}", hint=hint)
