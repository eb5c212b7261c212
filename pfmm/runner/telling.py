"""What happens in a run, told: kept by the journal first, then handed to whoever watches. Layer: runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from pfmm.engine.engine import Engine
from pfmm.model.event import Event
from pfmm.ports import Journal


class KeepsEvents(Journal, Protocol):
    """A journal whose newest event can be asked for."""

    def newest_event(self) -> int:
        """Return the number of the newest event; 0 before the first."""
        ...


class Teller:
    """Tell one run's events. Each event carries the journal's cursor as it was before the batch of that event: a reader
    that missed it reads on from there, misses nothing, and may read some events twice."""

    def __init__(self, journal: KeepsEvents, engine: Engine, put: Callable[[Event], None]) -> None:
        """Begin after the journal's newest event; `put` hands an event to the listeners and never waits."""
        self._journal = journal
        self._engine = engine
        self._put = put
        self._cursor = journal.newest_event()

    def tell(self, *events: Event) -> None:
        """Keep the events, in one transaction, and show them. Raises what the journal raises, after showing them."""
        try:
            self.keep(*events)
        finally:
            for event in events:
                self.show(event)
        self._cursor = self._journal.newest_event()

    def keep(self, *events: Event) -> None:
        """Record the events without showing them."""
        if events:
            self._journal.record_events(events, self._run_ids())

    def show(self, event: Event) -> None:
        """Hand the event to the listeners, and wait for nothing."""
        self._put(replace(event, cursor=self._cursor))

    def _run_ids(self) -> dict[tuple[str, str], str]:
        """Return the run of each (market, strategy).

        Where there is but one run, what is about the whole loop is about that.
        """
        found = dict(self._engine.run_names)
        if len(found) == 1:
            ((_, kind), run_id) = next(iter(found.items()))
            found |= {("", kind): run_id, ("", ""): run_id}
        return found
