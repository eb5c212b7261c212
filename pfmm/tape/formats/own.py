"""The project's own files: what `pfmm record` writes, tables of trades and quotes, settled rates. Layer: tape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pfmm.model.market import Trade
from pfmm.tape.events import Gap, Place, TapeEvent
from pfmm.tape.layout import Lines, Table, named
from pfmm.tape.native import FORMAT, Units, parse_event, parse_header
from pfmm.tape.seen import SeenIds


class RecordingReader:
    """The header states the steps of markets; every other line is one event. A print counts once, whatever number of
    files holds it; gaps, and prints that were made within one, are passed over."""

    def __init__(self) -> None:
        self.units: dict[str, Units] = {}
        self.begun = False
        self.seen = SeenIds()
        self.duplicates = 0
        self.skipped = 0

    def begin_file(self) -> None:
        """Expect a header next."""
        self.begun = False

    def remembered(self) -> tuple[SeenIds, int, int, bool]:
        """Return a copy of what is remembered of the lines so far, for `go_back`."""
        return self.seen.copy(), self.duplicates, self.skipped, self.begun

    def go_back(self, remembered: tuple[SeenIds, int, int, bool]) -> None:
        """Remember that instead."""
        self.seen, self.duplicates, self.skipped, self.begun = remembered

    def read(self, record: Any, place: Place, local_ms: int | None = None) -> Iterator[TapeEvent]:  # noqa: ARG002 # as the port
        """Yield the event of one line."""
        if not isinstance(record, dict):
            raise place.error(f"must hold a JSON object, not {str(record)[:40]!r}")
        if not self.begun:
            self.units.update(parse_header(record, place))
            self.begun = True
            return
        event = parse_event(record, place)
        if isinstance(event, Gap) or record.get("missed") is True:
            self.skipped += 1
        elif isinstance(event, Trade) and event.trade_id and self.seen.again(event.market, event.trade_id):
            self.duplicates += 1
        else:
            yield event


def _knows(record: Any) -> bool:
    return isinstance(record, dict) and record.get("format") == FORMAT


FORMATS = (
    Lines(name="recording", says="recording", holds="ticks", knows=_knows, reader=RecordingReader),
    Table(
        name="table",
        says="table of trades and quotes",
        holds="ticks",
        columns=named("time=time_ms|time|timestamp kind price size side bid bid_size ask ask_size"),
        extras=named("symbol=market"),
    ),
    Table(
        name="funding",
        says="settled funding rates",
        holds="funding",
        columns=named("time=time_ms|time|timestamp rate_8h"),
    ),
)
