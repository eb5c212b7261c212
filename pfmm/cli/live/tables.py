"""The screen of a running loop, built from one cycle's report: lines of text. No input, no output, no clock.

Colour repeats what words and signs already say, and is readable on black and on white. Nothing is wider or higher than
what is given, and what there is no room for is counted or one key away. Layer: cli.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from pfmm.app import strategies
from pfmm.cli.live.colours import GOOD, NOTE
from pfmm.cli.live.depth import depth_table
from pfmm.cli.live.fitting import cut, flow, whole
from pfmm.cli.live.holdings import holdings, others, profit_lines
from pfmm.cli.live.order_tables import grid_table, levels_table
from pfmm.cli.live.reasons import nearest, reasons
from pfmm.cli.live.recent import event_lines, whole_events
from pfmm.cli.live.terminal import Screenful
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.strategies import GridExplained
    from pfmm.model.cycle import CycleReport, RunReport
    from pfmm.model.event import Event

BODY = 100  # columns that a table may take; beyond it lies the panel
PANEL_COLUMNS, PANEL_LINES = 136, 36
PANEL_WIDTH = 48
FEW_MARKETS = 2
REASONS_SHOWN = 3
RECENT_SHOWN = 6
GRID_LINES = 17
PAUSED, PAUSED_BY_KEY = "paused by", "paused by key"  # how the loop begins its words for it
LEAVING = {"cancel": "stops and cancels", "keep": "stops, orders stay", "flatten": "cancels and closes"}


def body_width(width: int, height: int | None, markets: int) -> int:
    """Return the columns of everything but the panel, which one market has where there is room."""
    return min(width - PANEL_WIDTH - 2 if _has_panel(width, height, markets) else width, BODY)


def _has_panel(width: int, height: int | None, markets: int) -> bool:
    return width >= PANEL_COLUMNS and (height or 0) >= PANEL_LINES and markets == 1


def frame(
    kind: str,
    report: CycleReport,
    recent: Sequence[Event],
    health: Mapping[str, Any],
    width: int,
    height: int | None = None,
) -> Screenful:
    """Draw one screen of a running `kind`: who trades where, its orders, why nothing happens, what it earned and holds.

    `health` is what is known beside the report. A screen of few lines (`height`, None: any number) shows fewer lines
    and fills, never less of the sums and of the last lines, which tell what is wrong.
    """
    panel = _has_panel(width, height, len(report.runs))
    body = body_width(width, height, len(report.runs))
    head = _head(kind, report, health, body)
    why = _why(report, body)
    sums = [*why, *_sums(kind, report, health, body)]
    foot = _foot(report, health, body)
    view = health.get("view")
    taken = len(head) + len(sums) + len(foot)
    if view == "events":
        told = [line for name in ("edge", "net", "fees") for line in whole(str(health.get(name) or ""), body)]
        head = [*_head(kind, report, {**health, "edge": None, "net": None, "fees": None}, body), *told]
        head += [*_whole_reasons(report, body), *whole_events(recent, body)]
        return Screenful(head, sums[len(why) :], [], _foot(report, health, body, whole_state=True), height)
    if view == "depth":
        now, each = report.time.time_ms, None if height is None else (height - taken) // len(report.runs)
        head += [line for run in report.runs for line in depth_table(run, now, body, each)]
        return Screenful(head, sums, [], foot, height)
    main = _main(kind, report, body, None if height is None else height - taken)
    left = None if height is None else height - taken - len(main)
    spare = [*_more_orders(kind, report, body, left), *_series(health, body), *event_lines(recent[:RECENT_SHOWN], body)]
    if not panel:
        return Screenful([*head, *main], sums, spare, foot, height)
    depth = depth_table(report.runs[0], report.time.time_ms, PANEL_WIDTH, height)
    return Screenful([*head, *main], sums, spare, foot, height, depth, width - PANEL_WIDTH)


def _head(kind: str, report: CycleReport, health: Mapping[str, Any], width: int) -> list[Text]:
    """Say what runs, where, with which money and when; then the break-even fee, what is left of it, and the fees."""
    markets = [run.market for run in report.runs]
    parts = [
        f"{kind} {markets[0]}" if len(markets) == 1 else f"{kind} on {len(markets)} markets",
        f"{health['venue']}/{health['account']}",
        health.get("money", "").partition(":")[0],
        _clock(report),
        f"equity {report.account.equity:.2f}",
        _market_state(report) if health.get("answered", True) else "no answer",
    ]
    lines = flow(parts, width, style="bold")
    for name, style in (("edge", "bold"), ("net", ""), ("fees", "dim")):
        if health.get(name):
            lines.append(Text(cut(str(health[name]), width), style=style))
    return lines


def _clock(report: CycleReport) -> str:
    return f"{iso(report.time.time_ms)[11:19]}Z"


def _market_state(report: CycleReport) -> str:
    """Say whether the markets can be traded now, by their data."""
    bad = sum(run.problem is not None for run in report.runs)
    if bad == len(report.runs) and all(str(run.problem).startswith(PAUSED) for run in report.runs):
        return "paused"
    if bad:
        return "not quoted" if len(report.runs) == 1 else f"{bad} of {len(report.runs)} markets not quoted"
    return "open" if report.fresh else "data late"


def _main(kind: str, report: CycleReport, width: int, room: int | None) -> list[Text]:
    """Draw the table that a strategy is watched by."""
    now = report.time.time_ms
    layout = strategies.kind(kind).layout
    if layout == "lines":
        return [line for run in report.runs for line in _grid(run, now, width, room)]
    if layout == "levels" or len(report.runs) == 1:
        return [line for run in report.runs for line in levels_table(run, now, width, room)]
    from pfmm.cli.live.quote_tables import quotes

    return quotes(report, strategies.kind(kind).columns(), width)


def _grid(run: RunReport, now_ms: int, width: int, room: int | None) -> list[Text]:
    if run.ticker is None or run.decision is None:
        return whole(f"{run.market} grid: {run.problem or 'waiting for the first price'}", width, style=NOTE)
    explain: GridExplained = run.decision.explain
    title = flow([f"range {explain.lower:f} to {explain.upper:f}", f"{explain.levels} {explain.spacing} steps"], width)
    beside_lines = len(title) + 3  # its head, the price and the line that counts the others
    shown = GRID_LINES if room is None else min(room - beside_lines, 2 * GRID_LINES)
    return [*title, *grid_table(explain, run, now_ms, width, shown)]


def _more_orders(kind: str, report: CycleReport, width: int, room: int | None) -> list[Text]:
    """Draw the orders of a few markets, with distance and age; those of one market are the table itself. A table that
    does not fit whole in `room` lines (None: any number) is named instead: half of one would hide a side."""
    if strategies.kind(kind).layout != "components" or not 1 < len(report.runs) <= FEW_MARKETS:
        return []
    now = report.time.time_ms
    tables = [[Text(run.market, style="bold"), *levels_table(run, now, width)] for run in report.runs]
    if room is None or sum(map(len, tables)) <= room:
        return [line for table in tables for line in table]
    lines: list[Text] = []
    named: list[str] = []
    for table in tables:
        if len(lines) + len(table) < room:
            lines += table
        else:
            named.append(table[0].plain)
    return [*lines, Text(f"orders of {', '.join(named)} not shown: d shows them", style="dim")]


def _why(report: CycleReport, width: int) -> list[Text]:
    """Give the first reasons, each cut to its line; how many more there are, and the key that shows them whole. What
    the last lines say whole of every market is not said here, too."""
    problem = report.runs[0].problem
    if problem is not None and len(problem) + 2 <= width and all(run.problem == problem for run in report.runs):
        return []
    found = reasons(report)
    lines = [cut(line, width) for line in found[:REASONS_SHOWN]]
    shown = [Text(line, style=NOTE) for line in lines]
    more = len(found) - len(lines)
    if more or lines != found[:REASONS_SHOWN]:
        count = f"and {more} more reasons; " if more else ""
        shown.append(Text(f"{count}e shows them whole", style="dim"))
    return shown


def _whole_reasons(report: CycleReport, width: int) -> list[Text]:
    return [line for reason in reasons(report) for line in whole(reason, width, style=NOTE)]


def _sums(kind: str, report: CycleReport, health: Mapping[str, Any], width: int) -> list[Text]:
    """Tell what was earned, with its parts; then who holds what."""
    runs, limits = report.runs, health.get("limits", {})
    ledgers = [run.ledger for run in runs]
    lines = profit_lines(
        sum((run.total for run in runs), start=runs[0].total * 0),
        sum((ledger.realized for ledger in ledgers), start=ledgers[0].realized * 0),
        sum((run.unrealized for run in runs), start=runs[0].unrealized * 0),
        sum((ledger.fees for ledger in ledgers), start=ledgers[0].fees * 0),
        sum((ledger.funding for ledger in ledgers), start=ledgers[0].funding * 0),
        width,
    )
    if len(runs) > 1:
        return [*lines, *others(report, limits, width)]
    trips = strategies.kind(kind).layout == "lines"
    return [*lines, *holdings(runs[0], limits.get(runs[0].market), width, trips=trips)]


def _series(health: Mapping[str, Any], width: int) -> list[Text]:
    """Draw equity and inventory over the last cycles, as lines of blocks."""
    return [Text(cut(line, width), style="dim") for line in health.get("series", ())]


def _foot(report: CycleReport, health: Mapping[str, Any], width: int, *, whole_state: bool = False) -> list[Text]:
    """Draw dead-man, requests and funding; what is wrong, or how far the price is from doing something; the keys."""
    parts = [_protection(health["dead_man"]), f"cycle {health['cycles']}", health["budget"], *_next_funding(report)]
    problem = next((told for run in report.runs if (told := run.problem or run.no_new_risk)), None) or health["warning"]
    if not health.get("answered", True):  # what the last answer told is of before
        told = str(health["warning"] or "").removeprefix("warning: ")
        problem = f"no answer, figures of {_clock(report)}: {told}"
    if problem and problem.startswith(PAUSED_BY_KEY) and health.get("keys"):
        problem += "; p goes on"
    state = f"! {problem}" if problem else f"OK, {nearest(report) or 'no order rests'}"
    keys = "   keys p f q d e ?" if health.get("keys") else ""
    lines = flow(parts, width, style="dim")
    style = NOTE if problem else GOOD
    lines += whole(state, width, style=style) if whole_state else [Text(cut(state, width), style=style)]
    lines.append(Text(f"Ctrl-C {LEAVING[health['on_exit']]}{keys}", style="dim"))
    if health.get("notice"):
        lines += whole(health["notice"], width, style="bold")
    return lines


def _protection(state: str) -> str:
    """Say what protects the run when this machine is gone."""
    return {"stop": "protection: stop", "unprotected": "unprotected"}.get(state, f"dead-man {state}")


def _next_funding(report: CycleReport) -> list[str]:
    """Tell the next payment of each of a few markets; of many, that of the market with the largest rate."""
    told = []
    for run in report.runs:
        ticker = run.ticker
        if ticker is None or ticker.funding_rate is None or ticker.next_funding_ms is None:
            continue
        left_s = max(ticker.next_funding_ms - report.time.time_ms, 0) // 1000
        rate_bps = ticker.funding_rate * 10_000
        said = f"{run.market.removesuffix('-PERP')} {rate_bps:+.2f} bps in {left_s // 3600}h{left_s % 3600 // 60:02d}m"
        told.append((abs(rate_bps), said))
    if len(report.runs) > FEW_MARKETS:
        return [f"largest funding {max(told)[1]}"] if told else []
    return [f"funding {said}" for _, said in told]
