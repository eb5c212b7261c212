"""The report as ONE page that needs no network and no script: tables, and charts drawn in it as SVG. Text only.

It follows the reader's dark or light and is readable on a telephone: tables scroll by themselves. Readable without
colour: fills differ by shape, bars by sign and label. Whatever it shows is escaped. Layer: report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pfmm.accounting.metrics import Metric
from pfmm.model.order import Fill, Side
from pfmm.model.text import iso
from pfmm.report import charts
from pfmm.report.data import Part, ReportData
from pfmm.report.escaping import escape
from pfmm.report.fold import Sample
from pfmm.report.round_trips import Matched, round_trips
from pfmm.report.text import METRIC_NAMES, equity_title, reason_lines
from pfmm.report.wording import CAPTION, bps_words, break_even_line, gross_line, net_line, pnl_words, sample_line

TRIPS_SHOWN = 200
DAYS_SHOWN = 400
FIRST_DAY = date(1970, 1, 1)
STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --paper: #ffffff; --dim: #52606d; --grid: #d9e2ec; --buy: #1b6ca8;
  --sell: #b5501b; --fee: #7c4d9e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --paper: #16191d; --dim: #9aa5b1; --grid: #323f4b;
  --buy: #6cb2eb; --sell: #f0a36b; --fee: #c3a1dd; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1120px;
  margin: 1.5rem auto; padding: 0 .8rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .3rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; overflow-wrap: normal; white-space: nowrap; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--grid); text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.note { color: var(--dim); margin: .2rem 0 .6rem; } .first { font-size: 1.25rem; font-weight: 600; margin: .6rem 0 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: .4rem 1.4rem; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 15px; fill: var(--ink); }
svg .small { font-size: 13px; }
svg path, svg polygon, svg rect { fill: none; stroke-width: 1.6; } .axis, .zero { stroke: var(--ink); }
.grid { stroke: var(--grid); } .line { stroke: var(--ink); } .gross { stroke: var(--dim); stroke-dasharray: 5 4; }
svg .thick { stroke: var(--ink); stroke-width: 6; } .fee { stroke: var(--fee); stroke-dasharray: 2 3; }
svg .band { fill: var(--buy); opacity: .22; } svg .dot { fill: var(--ink); } .sell-line { stroke: var(--sell); }
svg .gain { fill: var(--buy); } svg .loss { fill: var(--sell); opacity: .8; }
svg .buy { fill: var(--buy); } svg .sell { stroke: var(--sell); }
"""


TRADED = {Side.LONG: "bought", Side.SHORT: "sold"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows beside the figures: a `heading` of some lines, the `settings` used as (whose, name, value), and
    the fills to mark, of which there are `all_fills` (None: these are all)."""

    heading: str
    fills: Sequence[Fill]
    settings: Sequence[tuple[str, str, str]] = ()
    all_fills: int | None = None


def page(report: ReportData, shown: Page) -> str:
    """Write the whole page."""
    period = f"{iso(report.start_ms)[:19]}Z to {iso(report.end_ms)[:19]}Z"
    when = "" if period in shown.heading else f"\n{period}"  # the axes tell times of day alone
    body = ["<h1>pfmm report</h1>", _lines(f"{shown.heading}, {report.fills:,} fills{when}", "note"), _first(report)]
    body += [_metrics_table(report.metrics), _pnl_table(report)]
    body.append(f'<div class="charts">{"".join(_charts(report, shown))}</div>')
    body += [_days(report), _trips(shown), _settings(shown.settings), _fills(shown)]
    title = f"pfmm report: {shown.heading.splitlines()[0]}"
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{escape(title)}</title><style>{STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def _first(report: ReportData) -> str:
    """Show the break-even fee, its interval, and what it is after fees and exits."""
    edge, headline = report.edge, report.edge.headline
    if headline.bps is None:
        first, drawn = break_even_line(edge, split=report.pnl.split), ""
    else:
        first, drawn = f"{CAPTION} {bps_words(headline)} bps, 5 s after the fills", _chart("", charts.interval(edge))
    more = (break_even_line(edge) if headline.bps is not None else None, net_line(edge), sample_line(edge))
    words = "\n".join(line for line in (*more, gross_line(report.pnl)) if line is not None)
    return f'<p class="first">{escape(first)}</p><div class="charts">{drawn}</div>{_lines(words, "note")}'


def _apart(samples: Sequence[Sample]) -> str:
    """Say how far apart the looks at the inventory are: what was held in between is not drawn."""
    seconds = (samples[-1].time_ms - samples[0].time_ms) / (len(samples) - 1) / 1_000
    return f", looked at every {f'{seconds:.1f} s' if seconds < 60 else f'{seconds / 60:.1f} min'}"


def _charts(report: ReportData, shown: Page) -> list[str]:
    found = []
    if len(report.equity) > 1:
        title = equity_title(report)
        found.append(
            _chart(f"{title[0].upper()}{title[1:]}: net (line) and gross of rebates (dashes)", charts.equity(report))
        )
        found.append(
            _chart("Drawdown, % of the highest equity so far", charts.drawdown(report.equity, report.cash_flows))
        )
    for market, samples in report.samples.items():
        own = [fill for fill in shown.fills if fill.market == market]
        if len(samples) > 1:
            found.append(_chart(f"Inventory, USD, {market}{_apart(samples)}", charts.inventory(samples)))
        if samples or own:
            found.append(_chart(f"Price and fills, USD, {market} (▲ bought, ▽ sold)", charts.price(samples, own)))
    title = "Gain after the fills, bps: break-even fee with its 95 % band, markouts (dashes), the fee that was paid"
    found.append(_chart(title, charts.markouts(report)))
    found.append(_chart("Where the profit came from, USD", charts.split(report)))
    return found


def _chart(title: str, drawn: str) -> str:
    caption = f"<h2>{escape(title)}</h2>" if title else ""
    return f'<figure style="margin:0">{caption}{drawn}</figure>'


def _metrics_table(metrics: Sequence[Metric]) -> str:
    rows = [
        (METRIC_NAMES.get(one.name, one.name), one.shown, f"{one.target} {one.unit}", one.verdict, f"{one.n:,}")
        for one in metrics
    ]
    table = _table(("figure", "value", "target", "verdict", "n"), rows, {1, 4})
    return f"<h2>Figures against their targets</h2>{table}{_lines(chr(10).join(reason_lines(metrics)), 'note')}"


def _pnl_table(report: ReportData) -> str:
    whole = Part("all", report.fills, report.pnl)
    rows = []
    named = [(part.name, part) for part in (whole, *report.markets)]
    named += [(f"by {part.name}", part) for part in report.strategies]  # the same sum once more
    for name, part in named:
        *parts, total = pnl_words(part.pnl)
        rows.append((name, f"{part.fills:,}", total, *parts))
    headers = ("part", "fills", "total", "capture", "adverse selection", "inventory", "fees", "funding")
    note = _lines("total = capture + adverse selection + inventory + fees + funding (a rebate is +)", "note")
    return f"<h2>Profit, USD</h2>{_table(headers, rows, set(range(1, 8)))}{note}"


def _days(report: ReportData) -> str:
    found = charts.days(report.equity)[-DAYS_SHOWN:]
    if not found:
        return ""
    rows = [
        (str(FIRST_DAY + timedelta(days=day)), f"{last:,.4f}", f"{change:+,.4f}", f"{lowest:,.4f}")
        for day, last, change, lowest in found
    ]
    return f"<h2>Day by day (UTC), USD</h2>{_table(('day', 'equity at its end', 'change', 'lowest'), rows, {1, 2, 3})}"


def _trips(shown: Page) -> str:
    if shown.all_fills is not None:
        return _lines(f"Round trips: not matched, since only some of the {shown.all_fills:,} fills are here.", "note")
    trips = round_trips(shown.fills)
    if not trips:
        return ""
    rows = [
        (
            iso(one.closed_ms)[:19], one.market, one.side, f"{one.size:f}", f"{one.entry_price:f}",
            f"{one.exit_price:f}", f"{one.gross:+.4f}", f"{one.gross_bps:+.2f}", _held(one),
        )
        for one in trips[-TRIPS_SHOWN:]
    ]  # fmt: skip
    headers = ("closed", "market", "side", "size", "entry", "exit", "gross, USD", "bps", "held")
    won = sum(one.gross > 0 for one in trips)
    note = f"{len(trips):,} round trips before fees, first in, first out, {won:,} of them above zero; "
    note += f"the newest {len(rows):,} are below"
    drawn = f'<div class="charts">{_chart("", charts.histogram(trips))}</div>'
    table = _table(headers, rows, set(range(3, 9)))
    return f"<h2>Round trips</h2>{_lines(note, 'note')}{drawn}<details><summary>each</summary>{table}</details>"


def _held(trip: Matched) -> str:
    """Say how long it was held: "1:02:03"."""
    return str(timedelta(seconds=(trip.closed_ms - trip.opened_ms) // 1_000))


def _settings(settings: Sequence[tuple[str, str, str]]) -> str:
    if not settings:
        return ""
    table = _table(("of", "setting", "value"), settings, set())
    return f"<h2>Settings</h2><details><summary>{len(settings):,} used</summary>{table}</details>"


def _fills(shown: Page) -> str:
    """Write a row a fill, each to be found by its id: page.html#fill-ID."""
    if not shown.fills:
        return ""
    rows = "".join(
        f'<tr id="fill-{escape(fill.fill_id)}">'
        + "".join(
            f"<td{' class=number' if place in (3, 4, 5) else ''}>{escape(cell)}</td>"
            for place, cell in enumerate(
                (
                    iso(fill.time_ms), fill.market, TRADED[fill.side], f"{fill.price:f}", f"{fill.size:f}",
                    f"{-fill.fee:+.6f}", fill.liquidity.value, fill.fill_id, fill.order_id,
                )
            )
        )
        + "</tr>"
        for fill in shown.fills
    )  # fmt: skip
    names = ("time", "market", "side", "price", "size", "fee effect", "liquidity", "fill", "order")
    head = "".join(
        f"<th{' class=number' if place in (3, 4, 5) else ''}>{name}</th>" for place, name in enumerate(names)
    )
    some = "" if shown.all_fills is None else f" of {shown.all_fills:,}, evenly chosen"
    table = f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
    return f"<h2>Fills</h2><details open><summary>{len(shown.fills):,}{some}</summary>{table}</details>"


def _lines(text: str, kind: str) -> str:
    return f'<p class="{kind}">{escape(text).replace(chr(10), "<br>")}</p>' if text else ""


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=number' if column in numbers else ''}>{escape(cell)}</{tag}>"
            for column, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{line("th", headers)}</tr>{body}</table></div>'
