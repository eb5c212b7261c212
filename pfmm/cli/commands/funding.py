"""`pfmm funding`: what funding rates are worth and which way they advise to lean, of some markets or of all.

The maths is `strategy.funding`'s. Sends nothing; a check of named markets is one request.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from pfmm.cli import assertion_check
from pfmm.cli.live import watch as watching
from pfmm.cli.options import flags_of, globals_of, positive_integer, takes_settings
from pfmm.cli.output import Result, iso, table
from pfmm.cli.times import in_words, span_ms
from pfmm.errors import BadVenueData, UnknownMarket, UsageError

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.assertions import Assertion
    from pfmm.cli.live.watch import Look
    from pfmm.model.market import Ticker

SORTS = ("rate", "apr", "market")
FIELDS = (
    "market", "rate", "interval_hours", "rate_bps", "rate_8h_bps", "annualized_pct", "next_funding_at",
    "seconds_to_funding", "action", "source",
)  # fmt: skip
HISTORY_FIELDS = ("count", "mean_8h_bps", "deviation_8h_bps", "share_positive")
MOST_HISTORIES = 30

app = typer.Typer()


class _Wanted(NamedTuple):
    """What was asked for; `floor_bps` leaves smaller 8 h rates out of a scan, `history_ms` is a span."""

    markets: tuple[str, ...]
    scan: bool
    sort: str | None
    limit: int | None
    floor_bps: float | None
    history_ms: int | None


def _sort(text: str) -> str:
    if text not in SORTS:
        raise typer.BadParameter(f"must be {' | '.join(SORTS)}, not {text!r}")
    return text


@app.command()
@takes_settings("funding.min_bps", "run.interval_s")
def funding(
    context: typer.Context,
    markets: Annotated[
        list[str] | None, typer.Argument(metavar="[MARKET]...", help="Markets: BTC-PERP, btc-perp, BTC or btc.")
    ] = None,
    scan: Annotated[bool, typer.Option("--all", help="Every market of the venue.")] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            parser=_sort,
            metavar="CHOICE",
            show_default=False,
            help="rate (8 h rate, highest first), apr (largest a year first) or market. --all: apr.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", parser=positive_integer, metavar="N", help="The first N only.", show_default=False),
    ] = None,
    history: Annotated[
        int | None,
        typer.Option(
            "--history",
            parser=span_ms,
            metavar="SPAN",
            show_default=False,
            help="Also the settled rates of the last 7d (or 24h, 2w): mean, deviation, share positive.",
        ),
    ] = None,
    watch: watching.Watch = False,
    assertion: assertion_check.Assert = None,
) -> None:
    """Check funding: rate, 8 h equivalent, a year's worth, next payment, and which way to lean.

    Positive rates: longs pay shorts. With --all, --min-bps leaves out the markets below it. --assert is about the
    markets that are shown, and holds where none is.
    """
    from pfmm.cli.opening import session

    options = globals_of(context)
    check = assertion_check.read_assertion(assertion, FIELDS if history is None else (*FIELDS, *HISTORY_FIELDS))
    if scan == bool(markets):
        raise UsageError("name markets, or --all, not both" if scan else "name a market, or --all for every market")
    flags = flags_of(context)
    least = flags.get("funding.min_bps")
    wanted = _Wanted(tuple(markets or ()), scan, sort, limit, least if scan else None, history)
    with session(options, flags) as opened:
        every_s = opened.settings.general.run.interval_s if watch else None
        watching.show_looks(options, opened, "funding", lambda: _look(opened, wanted, check), every_s=every_s)


def _look(opened: Session, wanted: _Wanted, check: Assertion | None) -> Look:
    tickers = opened.venue.tickers() if wanted.scan else _tickers(opened, wanted.markets)
    if not tickers:
        raise BadVenueData(f"{opened.venue_name} shows no market")
    time_ms = max(ticker.time_ms for ticker in tickers)
    rows = _selected([_row(opened, ticker, time_ms) for ticker in tickers], wanted)
    warnings = _stale(opened, tickers, time_ms, {row["market"] for row in rows})
    if wanted.history_ms is not None:
        _add_history(opened, rows, time_ms - wanted.history_ms)
    broken = None
    places = assertion_check.offending(check, [{**row, **row.get("history", {})} for row in rows])
    if check is not None and places:
        wrong = [rows[place] for place in places]
        flat = [{**row, **row.get("history", {})} for row in wrong]
        broken = (assertion_check.is_false(check, flat, len(rows)), _result(wrong, warnings))
    return watching.Look(time_ms, _result(rows, warnings), broken)


def _tickers(opened: Session, spellings: Sequence[str]) -> tuple[Ticker, ...]:
    """The tickers of the markets that the spellings most likely mean, in one request; the venue's list is read only
    when it does not know one of them."""
    try:
        return opened.venue.tickers(_unique(_usual_name(text) for text in spellings))
    except UnknownMarket:
        names = _unique(opened.market(text).market for text in spellings)
    return opened.venue.tickers(names)


def _usual_name(spelling: str) -> str:
    upper = spelling.strip().upper()
    return upper if upper.endswith("-PERP") else f"{upper}-PERP"


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _stale(opened: Session, tickers: Sequence[Ticker], time_ms: int, shown: Container[str]) -> tuple[str, ...]:
    """Warns of shown rates that are too old to act on: beside the newest ticker, and of a live venue by our clock."""
    from pfmm.app.session import wall_ms

    limit_s = opened.settings.general.run.stale_after_s
    since_ms = (max(time_ms, wall_ms()) if opened.live else time_ms) - limit_s * 1000
    old = [ticker.market for ticker in tickers if ticker.time_ms < since_ms and ticker.market in shown]
    if not old:
        return ()
    more = f" and {len(old) - 5} more" if len(old) > 5 else ""
    return (f"rates older than {limit_s:g} s (run.stale_after_s): {', '.join(old[:5])}{more}",)


def _row(opened: Session, ticker: Ticker, now_ms: int) -> dict[str, Any]:
    """The fields of one market; the time left counts from the newest time that the venue tells."""
    from pfmm.strategy.funding import read_funding

    min_bps = Decimal(str(opened.settings.for_market(ticker.market).funding.min_bps))
    found = read_funding(ticker, now_ms=now_ms, min_bps=min_bps)
    return {
        "market": found.market,
        "rate": found.rate,
        "interval_hours": found.interval_hours,
        "rate_bps": found.rate_bps,
        "rate_8h_bps": found.rate_8h_bps,
        "annualized_pct": found.annualized_pct,
        "next_funding_at": None if found.next_funding_ms is None else iso(found.next_funding_ms),
        "seconds_to_funding": found.seconds_to_funding,
        "action": found.action,
        "source": found.source,
    }


def _selected(rows: list[dict[str, Any]], wanted: _Wanted) -> list[dict[str, Any]]:
    """The rows to show, sorted; a market without a rate comes last and is never beyond a floor."""
    if wanted.floor_bps is not None:
        floor = Decimal(str(wanted.floor_bps))
        rows = [row for row in rows if row["rate_8h_bps"] is not None and abs(row["rate_8h_bps"]) >= floor]
    order = wanted.sort or ("apr" if wanted.scan else None)
    if order is not None:
        rows = sorted(rows, key=lambda row: row["market"])
    if order in ("rate", "apr"):
        field = "rate_8h_bps" if order == "rate" else "annualized_pct"
        rows = sorted(rows, key=lambda row: (row[field] is None, -(row[field] or 0)))
    return rows[: wanted.limit]


def _add_history(opened: Session, rows: Sequence[dict[str, Any]], since_ms: int) -> None:
    """One request a market, so only for as many as can be read."""
    from pfmm.cli.render.sparkline import sparkline
    from pfmm.strategy.funding import history, rate_8h_bps

    if len(rows) > MOST_HISTORIES:
        raise UsageError(
            f"--history of {len(rows)} markets would be as many requests; at most {MOST_HISTORIES}",
            hint=f"name the markets, or add --limit {MOST_HISTORIES} or less",
        )
    for row in rows:
        rates = opened.venue.funding_rates(row["market"], since_ms)
        found = history(rates)
        row["history"] = {
            "since": iso(since_ms),
            "count": found.count,
            "mean_8h_bps": found.mean_8h_bps,
            "deviation_8h_bps": found.deviation_8h_bps,
            "share_positive": found.share_positive,
            "sparkline": sparkline([float(rate_8h_bps(each.rate, each.interval_hours)) for each in rates]),
        }


def _result(rows: Sequence[dict[str, Any]], warnings: tuple[str, ...]) -> Result:
    return Result({"markets": list(rows)}, lambda: _text(rows), warnings)


def _text(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "No market is beyond the rate that was asked for."
    headers = ("market", "rate", "8 h", "a year", "next payment", "in", "advice")
    lines = [table(headers, [_cells(row) for row in rows], right=(1, 2, 3, 5), spare=(4, 1))]
    past = [row for row in rows if "history" in row]
    if past:
        columns = ("market", "mean 8 h", "deviation", "positive", "rates", f"since {past[0]['history']['since'][:16]}Z")
        cells = [_history_cells(row["market"], row["history"]) for row in past]
        lines += ["", table(columns, cells, right=(1, 2, 3, 4))]
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["rate"] is None:
        rate, bps_8h, year = "n/a", "n/a", "n/a"
    else:
        rate = f"{row['rate_bps']:+.4f} bps/{row['interval_hours']}h"
        bps_8h, year = f"{row['rate_8h_bps']:+.4f} bps", f"{row['annualized_pct']:.2f} %"
    left = row["seconds_to_funding"]
    return (
        row["market"], rate, bps_8h, year,
        "n/a" if row["next_funding_at"] is None else f"{row['next_funding_at'][:16].replace('T', ' ')}Z",
        "n/a" if left is None else in_words(left),
        row["action"].replace("_", " ") + (" (estimated rate)" if row["source"] == "estimated" else ""),
    )  # fmt: skip


def _history_cells(market: str, past: dict[str, Any]) -> tuple[str, ...]:
    mean, deviation, share = past["mean_8h_bps"], past["deviation_8h_bps"], past["share_positive"]
    return (
        market,
        "n/a" if mean is None else f"{mean:+.4f} bps",
        "n/a" if deviation is None else f"{deviation:.4f} bps",
        "n/a" if share is None else f"{share:.0%}",
        str(past["count"]),
        past["sparkline"],
    )
