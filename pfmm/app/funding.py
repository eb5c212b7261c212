"""Check what funding rates are worth and which way they advise to lean, of some markets or of all. Layer: app.

The maths is `strategy.funding`'s. Sends nothing; a check of named markets is one request.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.app.asserting import is_false, offending
from pfmm.errors import AssertionFalse, BadVenueData, UnknownMarket, UsageError, VenueRefused
from pfmm.model.encoding import ABSENT
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.assertions import Assertion
    from pfmm.model.market import Ticker

SORTS = ("rate", "apr", "market")
FIELDS = (
    "market", "rate", "interval_hours", "rate_bps", "rate_8h_bps", "annualized_pct", "next_funding_at",
    "seconds_to_funding", "action", "source",
)  # fmt: skip
HISTORY_FIELDS = ("count", "mean_8h_bps", "deviation_8h_bps", "share_positive")
MOST_HISTORIES = 30


@dataclass(frozen=True, slots=True)
class FundingRequest:
    """What to check: markets, or none of them and `scan`. `floor_bps` leaves smaller 8 h rates out of a scan,
    `history_ms` is the span of the settled rates to add."""

    markets: tuple[str, ...] = ()
    scan: bool = False
    sort: str | None = None
    limit: int | None = None
    floor_bps: float | None = None
    history_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FundingHistory:
    """The settled rates of a span: their mean and deviation in bps per 8 h, the share that was positive."""

    since: str
    count: int
    mean_8h_bps: float | None
    deviation_8h_bps: float | None
    share_positive: float | None
    sparkline: str


@dataclass(frozen=True, slots=True)
class FundingRow:
    """One market's rate as a fraction of notional, in bps, per 8 h and a year; None where the venue tells none."""

    market: str
    rate: Decimal | None
    interval_hours: int
    rate_bps: Decimal | None
    rate_8h_bps: Decimal | None
    annualized_pct: Decimal | None
    next_funding_at: str | None
    seconds_to_funding: int | None
    action: str  # lean_long, lean_short or neutral
    source: str  # venue or estimated
    history: FundingHistory = ABSENT


@dataclass(frozen=True, slots=True)
class FundingResult:
    """The markets that were asked for, in the order that was asked for, at the venue's time."""

    markets: tuple[FundingRow, ...]
    warnings: tuple[str, ...] = ()
    time_ms: int = 0


def check_request(request: FundingRequest) -> None:
    """Raise UsageError where markets and a scan are both asked for, or neither."""
    if request.scan == bool(request.markets):
        both = "name markets, or --all, not both"
        raise UsageError(both if request.scan else "name a market, or --all for every market")


def funding(request: FundingRequest, *, session: Session) -> FundingResult:
    """Read the rates of now. Raises UsageError, UnknownMarket, BadVenueData and what the venue's reads raise."""
    check_request(request)
    try:
        tickers = session.venue.tickers() if request.scan else _tickers(session, request.markets)
    except VenueRefused as error:
        raise session.whole_refusal(error) from error
    if not tickers:
        raise BadVenueData(f"{session.venue_name} shows no market")
    time_ms = max(ticker.time_ms for ticker in tickers)
    rows = _selected([_row(session, ticker, time_ms) for ticker in tickers], request)
    warnings = _stale(session, tickers, time_ms, {row.market for row in rows})
    if request.history_ms is not None:
        rows = _with_history(session, rows, time_ms - request.history_ms)
    return FundingResult(tuple(rows), warnings, time_ms)


def broken(check: Assertion | None, result: FundingResult) -> AssertionFalse | None:
    """Return the failure of an assertion that is false for a row, with the offending rows as its result; else None."""
    if check is None:
        return None
    rows = [flat(row) for row in result.markets]
    places = offending(check, rows)
    if not places:
        return None
    wrong = replace(result, markets=tuple(result.markets[place] for place in places))
    failure = is_false(check, [rows[place] for place in places], len(rows))
    failure.result = wrong
    return failure


def flat(row: FundingRow) -> Mapping[str, Any]:
    """Return a row as an assertion sees it: its fields, with those of its history beside them."""
    own = {one.name: getattr(row, one.name) for one in fields(row)}
    past = own.pop("history")
    return own if past is ABSENT else {**own, **{one.name: getattr(past, one.name) for one in fields(past)}}


def _tickers(session: Session, spellings: Sequence[str]) -> tuple[Ticker, ...]:
    """Read the tickers of the markets that the spellings most likely mean, in one request; the venue's list is read
    only when it does not know one of them."""
    try:
        return session.venue.tickers(_unique(_usual_name(text) for text in spellings))
    except UnknownMarket:
        names = _unique(session.market(text).market for text in spellings)
    return session.venue.tickers(names)


def _usual_name(spelling: str) -> str:
    from pfmm.model.spelling import market_name

    return market_name(spelling)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _stale(session: Session, tickers: Sequence[Ticker], time_ms: int, shown: Container[str]) -> tuple[str, ...]:
    """Warn of shown rates that are too old to act on: beside the newest ticker, and of a live venue by our clock."""
    from pfmm.app.wall_clock import wall_ms

    limit_s = session.settings.general.run.stale_after_s
    since_ms = (max(time_ms, wall_ms()) if session.live else time_ms) - limit_s * 1000
    old = [ticker.market for ticker in tickers if ticker.time_ms < since_ms and ticker.market in shown]
    if not old:
        return ()
    more = f" and {len(old) - 5} more" if len(old) > 5 else ""
    return (f"rates older than {limit_s:g} s (run.stale_after_s): {', '.join(old[:5])}{more}",)


def _row(session: Session, ticker: Ticker, now_ms: int) -> FundingRow:
    """Build the row of one market; the time left counts from the newest time that the venue tells."""
    from pfmm.strategy.funding import read_funding

    min_bps = Decimal(str(session.settings.for_market(ticker.market).funding.min_bps))
    found = read_funding(ticker, now_ms=now_ms, min_bps=min_bps)
    return FundingRow(
        market=found.market,
        rate=found.rate,
        interval_hours=found.interval_hours,
        rate_bps=found.rate_bps,
        rate_8h_bps=found.rate_8h_bps,
        annualized_pct=found.annualized_pct,
        next_funding_at=None if found.next_funding_ms is None else iso(found.next_funding_ms),
        seconds_to_funding=found.seconds_to_funding,
        action=found.action,
        source=found.source,
    )


def _selected(rows: list[FundingRow], request: FundingRequest) -> list[FundingRow]:
    """Return the rows to show, sorted; a market without a rate comes last and is never beyond a floor."""
    if request.floor_bps is not None:
        floor = Decimal(str(request.floor_bps))
        rows = [row for row in rows if row.rate_8h_bps is not None and abs(row.rate_8h_bps) >= floor]
    order = request.sort or ("apr" if request.scan else None)
    if order is not None:
        rows = sorted(rows, key=lambda row: row.market)
    if order == "rate":
        rows = sorted(rows, key=lambda row: (row.rate_8h_bps is None, -(row.rate_8h_bps or 0)))
    if order == "apr":
        rows = sorted(rows, key=lambda row: (row.annualized_pct is None, -(row.annualized_pct or 0)))
    return rows[: request.limit]


def _with_history(session: Session, rows: Sequence[FundingRow], since_ms: int) -> list[FundingRow]:
    """Read the settled rates of the rows: one request a market, so only for as many as can be read."""
    from pfmm.report.sparkline import sparkline
    from pfmm.strategy.funding import history, rate_8h_bps

    if len(rows) > MOST_HISTORIES:
        raise UsageError(
            f"--history of {len(rows)} markets would be as many requests; at most {MOST_HISTORIES}",
            hint=f"name the markets, or add --limit {MOST_HISTORIES} or less",
        )
    found = []
    for row in rows:
        rates = session.venue.funding_rates(row.market, since_ms)
        past = history(rates)
        line = sparkline([float(rate_8h_bps(each.rate, each.interval_hours)) for each in rates])
        told = FundingHistory(
            iso(since_ms), past.count, past.mean_8h_bps, past.deviation_8h_bps, past.share_positive, line
        )
        found.append(replace(row, history=told))
    return found
