"""Tell whether it makes money, and where the money came from, out of the account's journal. Layer: app.

The venue is read first so that the fills are current; a venue that does not answer leaves the journal's own view, if
there is anything in it. Files are written where they are wanted; what goes to stdout is handed a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pfmm.app.strategies import names
from pfmm.errors import ConfigError, PfmmError, UnknownMarket, UsageError
from pfmm.model.collecting import no_collecting
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.parallel_markouts import Part
    from pfmm.app.position_closers import Closings
    from pfmm.app.session import Session
    from pfmm.journal.journal import Journal
    from pfmm.model.fees import Fees
    from pfmm.model.run import EquityReading
    from pfmm.report.csv_rows import CsvFill
    from pfmm.report.data import ReportData
    from pfmm.report.inputs import MidSeries, Slice

STDOUT = "-"
OLD_MID_MS = 600_000
MINUTES_FROM_MS = 36_000_000  # the sampled moments of less lie within minutes


@dataclass(frozen=True, slots=True)
class Files:
    """What else is to be written where; `export` may be stdout."""

    html: Path | None = None
    csv: Path | None = None
    export: str | None = None


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """The part of the account and the period (as it was written), and the files that are wanted."""

    since: str | None = None
    market: str | None = None
    strategy: str | None = None
    files: Files = Files()


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The figures of one part of an account; `heading` says in words what they are about, `fees` what each of its
    markets charges now (empty where the venue did not answer)."""

    venue: str
    account: str
    market: str | None
    strategy: str | None
    report: ReportData
    heading: str
    fees: Mapping[str, Fees]
    warnings: tuple[str, ...] = ()

    def figures(self) -> dict[str, Any]:
        """Return the figures as JSON-ready values, as `backtest run` has them too."""
        from pfmm.report.figures import report_json

        fees = [{"market": market, **one.data()} for market, one in self.fees.items()]
        return {**report_json(self.report), "fees": fees}

    def text(self, width: int | None = None) -> str:
        """Return the figures for people, on a terminal of so many columns (None: none)."""
        from pfmm.report.text import WIDTH, report_text

        return report_text(self.report, heading=self.heading, width=WIDTH if width is None else width)


def check_request(request: ReportRequest) -> None:
    """Raise UsageError for a strategy that there is not, and for files that would be written to stdout."""
    strategy, files = request.strategy, request.files
    if strategy is not None and strategy not in names():
        raise UsageError(f"--strategy must be one of {', '.join(names())}, not {strategy!r}")
    for option, target in (("--csv", files.csv), ("--html", files.html)):
        if target is not None and str(target) == STDOUT:
            raise UsageError(f"{option} must name a file, not stdout, where the report itself goes")


def report(
    request: ReportRequest,
    *,
    session: Session,
    stdout: Callable[[], TextIO],
    tell: Callable[[str], None],
) -> ReportResult | None:
    """Measure performance and write the files that are wanted; None where an export to stdout was all.

    `stdout` gives the stream for an export to "-", `tell` is told what was written where. Raises ConfigError for a file
    that cannot be written, UnknownMarket for a market that the journal does not know.
    """
    from pfmm.app.position_closers import closing_fills
    from pfmm.app.report_page import text_of

    check_request(request)
    files = request.files
    marks, warnings = ({}, ()) if files.export is not None else _observe(session)
    listed = files.export is None and not warnings and _lists_markets(session)
    if files.export is None:
        session.journal.close_minutes()
    with session.journal.one_reading():  # a loop beside goes on recording: figures and files tell of one moment
        if files.export is not None:
            count = _export(session.journal, files.export, stdout)
            if files.export == STDOUT:
                return None
            tell(f"{count:,} records written to {files.export}")
        asked = _slice(session.journal, request.since, request.market, request.strategy)
        found, doubts = _found(session, asked, marks, files, tell)
        fees = _fees(session, found.samples) if listed else {}
        if files.html is not None:
            closed = closing_fills(session.journal, asked.market)
            drawn = text_of(session.journal, asked, found, closed, _heading(session, asked, fees))
            with _opened(str(files.html)) as out:
                out.write(drawn)
            tell(f"charts written to {files.html}")
    where = (session.venue_name, session.account, asked.market, asked.strategy)
    return ReportResult(*where, found, _heading(session, asked, fees), fees, (*warnings, *doubts))


def _found(
    session: Session, asked: Slice, marks: Mapping[str, Decimal], files: Files, tell: Callable[[str], None]
) -> tuple[ReportData, tuple[str, ...]]:
    """Work out the figures and warnings about them, after the fills were written to where they are wanted."""
    from pfmm.app.position_closers import closing_fills

    journal = session.journal
    closed = closing_fills(journal, asked.market)
    with no_collecting():  # the fold makes millions of tuples and no cycle: to look took a third of its time
        found, mids = _data(journal, asked, marks, closed, every_fill=files.csv is not None)
    if files.csv is not None:
        count = _write_csv(files.csv, journal, asked, mids, closed)
        tell(f"{count:,} fills written to {files.csv}")
    return found, tuple(_old_openings(journal, asked, found, mids))


def _lists_markets(session: Session) -> bool:
    """Read the venue's list of markets, once; False where it does not answer: a report goes without it."""
    try:
        return bool(session.instruments)
    except PfmmError:
        return False


def _fees(session: Session, markets: Iterable[str]) -> dict[str, Fees]:
    """Return what each of the markets that the venue lists charges this account now."""
    from pfmm.model.fees import Fees

    listed = [session.as_charged(market) for market in markets if market in session.instruments]
    return {one.market: Fees(one.maker_bps, one.taker_bps, session.venue_name) for one in listed}


def _heading(session: Session, asked: Slice, fees: Mapping[str, Fees]) -> str:
    from pfmm.model.fees import fees_text

    part = " ".join(word for word in (asked.market, asked.strategy) if word is not None)
    period = f"{iso(asked.start_ms)[:19]}Z to {iso(asked.end_ms)[:19]}Z"
    return f"{session.venue_name}/{session.account}{f'  {part}' if part else ''}  {period}\n{fees_text(fees)}"


def _observe(session: Session) -> tuple[dict[str, Decimal], tuple[str, ...]]:
    """Bring the journal up to the venue. Return the venue's marks, of what was traded by hand too, and a warning where
    it did not answer."""
    from pfmm.app.session import unlisted
    from pfmm.engine.fill_mids import read_mids
    from pfmm.engine.observe import observe_listed

    markets = sorted({run.market for run in session.journal.runs()})
    try:
        snapshot, gone = observe_listed(session.venue, session.journal, markets, ())
    except PfmmError as error:
        if session.journal.span_ms() is None:
            raise  # neither the venue nor the journal tells anything: zeros would look like an answer
        return {}, (f"{error.message}; this is the journal's own view, without what happened since",)
    read_mids(session.venue, session.journal, snapshot.time.time_ms, closed=False)
    marks = {position.market: position.mark_price for position in snapshot.positions}
    return marks | {ticker.market: ticker.mark for ticker in snapshot.tickers}, tuple(unlisted(gone))


def _slice(journal: Journal, since: str | None, market: str | None, strategy: str | None) -> Slice:
    """Work out the period: it ends with the last record and begins with the first, or where `since` says: a span before
    the end, or a moment. Raises UsageError for a moment after the end."""
    from pfmm.model.units import since_ms
    from pfmm.report.inputs import Slice

    first_ms, end_ms = journal.span_ms() or (0, 0)
    start_ms = first_ms if since is None else max(first_ms, since_ms(since, end_ms))
    if start_ms > end_ms:
        raise UsageError(f"--since {since} is after the last record, {iso(end_ms)}")
    return Slice(start_ms, end_ms, None if market is None else _market(journal, market), strategy)


def _market(journal: Journal, spelling: str) -> str:
    """Find the market that `spelling` means among those that the journal knows: the venue may be out of reach."""
    from pfmm.model.spelling import spelled

    known = {run.market for run in journal.runs()} | set(journal.markets_with_mids())
    found = spelled(spelling, known)
    if found is None:  # traded by hand only: to look through very many fills takes a while
        known |= set(journal.markets_traded())
        found = spelled(spelling, known)
    if found is not None:
        return found
    hint = f"it knows {', '.join(sorted(known))}" if known else "nothing has run on this account yet"
    raise UnknownMarket(f"the journal holds nothing of a market {spelling!r}", hint=hint)


def _data(
    journal: Journal, asked: Slice, marks: Mapping[str, Decimal], closed: Closings, *, every_fill: bool
) -> tuple[ReportData, Mapping[str, MidSeries]]:
    """Work out the figures, and return with them the mids that they were judged by, if any were read. Everything that
    happened is worked out from the minute rows; a part of it, less than MINUTES_FROM_MS, or with `every_fill`, from the
    fills."""
    from pfmm.app.report_minutes import of_minutes

    whole = asked.strategy is None and asked.start_ms == (journal.span_ms() or (0, 0))[0]
    if whole and not every_fill and asked.end_ms - asked.start_ms >= MINUTES_FROM_MS:
        readings = _equity(journal, asked.start_ms)
        return of_minutes(journal, (asked.start_ms, asked.end_ms), asked.market, marks, readings), {}
    return of_fills(journal, asked, marks, closed)


def of_fills(
    journal: Journal, asked: Slice, marks: Mapping[str, Decimal], closed: Closings
) -> tuple[ReportData, Mapping[str, MidSeries]]:
    """Report from every fill. Those that the venue told late are sorted first, at the price of memory."""
    from pfmm.app.parallel_markouts import rows_of, shared_out
    from pfmm.report.data import report_data
    from pfmm.report.inputs import OrderCounts, OutOfOrder, of_trading

    kinds = {run.run_id: run.kind for run in journal.runs()}
    whole = _all_fills(journal, asked, closed, kinds)
    with shared_out(journal, whole) as (fills, later, mids):
        curve, cash_flows = of_trading(_equity(journal, asked.start_ms))
        figures = partial(
            report_data, start_ms=asked.start_ms, end_ms=asked.end_ms,
            funding=list(journal.funding(market=asked.market, since_ms=asked.start_ms)),
            mids=mids, equity=curve, cash_flows=cash_flows,
            orders=OrderCounts(
                *journal.order_counts(since_ms=asked.start_ms, market=asked.market, kind=asked.strategy)
            ),
            marks=marks, strategies=kinds, only_strategy=asked.strategy,
            own_curve=asked.market is not None or asked.strategy is not None,
            moves=journal.adoptions_by_market(asked.market),
        )  # fmt: skip
        try:
            return figures(fills=fills, later=later), mids
        except OutOfOrder:
            pass
    return figures(fills=sorted(rows_of(journal, whole), key=lambda row: row[0])), mids


def _all_fills(journal: Journal, asked: Slice, closed: Closings, kinds: Mapping[str, str]) -> Part:
    from pfmm.app.parallel_markouts import Part
    from pfmm.report.data import counted_owners

    counted = counted_owners(kinds, asked.strategy)
    period = (asked.start_ms, asked.end_ms)
    return Part(journal.path, asked.market, 0, journal.newest_fill(), period, counted, closed)


def _equity(journal: Journal, start_ms: int) -> list[EquityReading]:
    """Read the equity of the period, after the reading that held when it began: what was lost before the next one is
    lost within the period."""
    readings, opening = journal.equity_readings(start_ms), journal.equity_at(start_ms)
    if opening is None or (readings and readings[0].time_ms == start_ms):
        return readings
    return [opening._replace(time_ms=start_ms), *readings]


def _old_openings(journal: Journal, asked: Slice, found: ReportData, mids: Mapping[str, MidSeries]) -> Iterator[str]:
    """Yield a warning for each market whose holdings at the start are valued at a price of more than ten minutes
    before: what the price did in between counts as earned in the period."""
    for market, samples in found.samples.items():
        if not samples or not samples[0].size:
            continue
        times = mids[market].times if market in mids else []
        seen_ms = times[0] if times and times[0] <= asked.start_ms else None
        known_ms = journal.last_fill_ms(market, before_ms=asked.start_ms) if seen_ms is None else seen_ms
        if known_ms is None or asked.start_ms - known_ms <= OLD_MID_MS:
            continue
        minutes = (asked.start_ms - known_ms) // 60_000
        price = (
            f"the mid of {minutes} minutes before, the last that was seen"
            if seen_ms is not None
            else f"its last trade, of {minutes} minutes before: no mid of before the period was seen"
        )
        yield f"{market}: what was held when the period began is valued at {price}"


def _export(journal: Journal, target: str, stdout: Callable[[], TextIO]) -> int:
    """Write one canonical record a line; return how many."""
    import json

    from pfmm.journal.export import canonical

    count = 0
    with _opened(target, stdout) as out:
        for record in canonical(journal):
            out.write(json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def _write_csv(path: Path, journal: Journal, asked: Slice, mids: Mapping[str, MidSeries], closed: Closings) -> int:
    from pfmm.report.csv_rows import write_csv

    with _opened(str(path)) as out:
        return write_csv(out, _csv_fills(journal, asked, closed), mids, iso)


def _csv_fills(journal: Journal, asked: Slice, closed: Closings) -> Iterator[CsvFill]:
    from pfmm.report.csv_rows import CsvFill
    from pfmm.report.data import UNATTRIBUTED

    kinds = {run.run_id: run.kind for run in journal.runs()}
    for entry in journal.fills(market=asked.market, since_ms=asked.start_ms):
        for owner, fill in closed.get(entry.seq, ((entry.run_id or "", entry.fill),)):
            kind = kinds.get(owner, UNATTRIBUTED)
            if asked.strategy in (None, kind):
                yield CsvFill(fill, kind, owner or None, entry.slot)


@contextmanager
def _opened(target: str, stdout: Callable[[], TextIO] | None = None) -> Iterator[TextIO]:
    """Open a file to write, or stdout for "-" where that may be. Raises ConfigError for one that cannot be written."""
    if target == STDOUT and stdout is not None:
        out = stdout()
        yield out
        out.flush()
        return
    try:
        with Path(target).open("w", encoding="utf-8", newline="") as out:
            yield out
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written: {error.strerror}", hint="name a file that you can write"
        ) from error
