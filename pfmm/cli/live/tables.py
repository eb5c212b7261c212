"""The live tables of running loops, built from one cycle's report. Rich only; no input, no output, no clock.

Colour repeats what words, signs and arrows already say; nothing is wider or higher than what is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pfmm.app import strategies
from pfmm.cli.live.terminal import Screenful
from pfmm.model.event import Event
from pfmm.model.text import adding_up, iso, plain

if TYPE_CHECKING:
    from pfmm.app.strategies import GridExplained, GridLine
    from pfmm.model.cycle import CycleReport, RunReport

LINES_SHOWN = 17
LINES_FEWEST = 3
# of a grid's screen: break-even, edge and fees, title, head and price; sums, a blank and the health line, some wrapped
LINES_BESIDE = 15
BAR_WIDTH = 21
LEAVING = {"cancel": "stops and cancels", "keep": "stops, orders stay", "flatten": "cancels and closes"}


def frame(
    kind: str,
    report: CycleReport,
    recent: Sequence[Event],
    health: Mapping[str, Any],
    width: int,
    height: int | None = None,
) -> RenderableType:
    """One screen of a running `kind`: its market tables, what it earned, the last fills and the health line.

    A screen of few lines (`height`, None: any number) shows fewer grid lines and fills, never less of the sums and of
    the health line, which tells what is wrong.
    """
    room = strategies.kind(kind)
    if room.layout == "lines":
        parts = [_grid(run, width, height) for run in report.runs]
        top, sums = [part for table, _ in parts for part in table], [part for _, sums in parts for part in sums]
    else:
        from pfmm.cli.live.quote_tables import quotes

        top, sums = quotes(report, room.columns(), width)
    return Screenful([*_edge(health, width), *top], sums, [_recent(recent)], [_health(report, health)], height)


def _edge(health: Mapping[str, Any], width: int) -> list[RenderableType]:
    """The break-even maker fee first, then what is left of it and the fees that are charged: a line each."""
    told = (("edge", "bold"), ("net", ""), ("fees", "dim"))
    lines = [(str(health[name])[:width], style) for name, style in told if health.get(name)]
    return [Text(line, style=style, no_wrap=True, overflow="ellipsis") for line, style in lines]


def _grid(run: RunReport, width: int, height: int | None) -> tuple[list[RenderableType], list[RenderableType]]:
    """The table of lines with its notes, and the sums below it."""
    if run.ticker is None or run.decision is None:
        return [Text(f"{run.market} grid: {run.problem or 'waiting for the first price'}", style="yellow")], []
    explain: GridExplained = run.decision.explain
    table = Table(
        title=f"{run.market} grid  {explain.lower:f} … {explain.upper:f}",
        title_justify="left",
        title_style="bold",
        width=min(width, 72),
        pad_edge=False,
        box=None,
    )
    for name in ("line", "price", "side", "size", "USD"):
        table.add_column(name, justify="left" if name == "side" else "right", no_wrap=True)
    notes = [Text(note, style="yellow") for note in run.decision.notes]
    notes += [Text(f"waiting: {w.slot} {w.reason}", style="dim") for w in explain.waiting[:3]]
    notes += [Text(f"held: {h.slot} {h.reason}", style="yellow") for h in run.plan.held[:3]]
    room = LINES_SHOWN if height is None else height - LINES_BESIDE - len(notes)
    for row in _grid_rows(explain, run, min(max(room, LINES_FEWEST), LINES_SHOWN)):
        table.add_row(*row)
    return [table, *notes], [_profit(run), _inventory(run)]


def _grid_rows(explain: GridExplained, run: RunReport, shown: int) -> list[tuple[Text, ...]]:
    """The `shown` lines nearest the price, highest first, with the price itself between them."""
    assert run.ticker is not None
    mid = run.ticker.mid or run.ticker.mark
    lines = sorted(explain.lines, key=lambda line: line.price, reverse=True)
    nearest = sorted(lines, key=lambda line: abs(line.price - mid))[:shown]
    resting = {order.slot for order in run.orders}
    rows: list[tuple[Text, ...]] = []
    told = False
    for line in (line for line in lines if line in nearest):
        if not told and line.price < mid:
            rows.append(_price_row(mid))
            told = True
        rows += _line_rows(line, resting)
    if not told:
        rows.append(_price_row(mid))
    return rows


def _price_row(mid: Decimal) -> tuple[Text, ...]:
    return (Text("→", style="bold"), Text(f"{mid:f}", style="bold"), Text("mid", style="bold"), Text(""), Text(""))


def _line_rows(line: GridLine, resting: set[str]) -> list[tuple[Text, ...]]:
    rows: list[tuple[Text, ...]] = []
    index, price = Text(str(line.line)), Text(plain(line.price))
    for side, size, slot, style in (
        ("sell", line.sell, line.sell_slot, "red"),
        ("buy", line.buy, line.buy_slot, "green"),
    ):
        if size is None:
            continue
        state = side if slot in resting else f"{side} (not resting)"
        rows.append((index, price, Text(state, style=style), Text(plain(size)), Text(f"{size * line.price:.2f}")))
    if not rows:
        rows.append((index, price, Text("empty", style="dim"), Text(""), Text("")))
    return rows


def _profit(run: RunReport) -> Text:
    return profit_line(run.total, run.ledger.realized, run.unrealized, run.ledger.fees, run.ledger.funding)


def profit_line(total: Decimal, realised: Decimal, unrealised: Decimal, fees: Decimal, funding: Decimal) -> Text:
    """`total +1.2 USD = realised …`: the parts add up as printed, a rebate is a plus."""
    *words, whole = adding_up(total, (realised, unrealised, -fees, funding), remainder=1)
    text = Text(f"total {whole} USD", style=_sign_style(total))
    named = zip(("realised", "unrealised", "fees", "funding"), words, strict=True)
    text.append(" = " + "  ".join(f"{name} {word}" for name, word in named), style="not bold default")
    return text


def _inventory(run: RunReport) -> Text:
    """[     short ███|          ] with the share of the limit; the sign and the word carry the meaning."""
    assert run.ticker is not None
    notional = run.ledger.size * run.ticker.mark
    word = "flat" if not run.ledger.size else "long" if run.ledger.size > 0 else "short"
    text = Text("inventory ")
    text.append(bar(run.ratio), style="red" if abs(run.ratio) >= 0.9 else "")
    text.append(f" {word} {abs(run.ledger.size):f} ({notional:+.2f} USD, {run.ratio:+.0%} of the limit)")
    text.append(f"  round trips {run.round_trips}", style="bold")
    return text


def bar(ratio: float) -> str:
    """A bar of fixed width around its middle: 0.5 → `[----------|#####-----]`."""
    half = BAR_WIDTH // 2
    filled = min(half, round(abs(ratio) * half))
    left = "-" * half if ratio >= 0 else "-" * (half - filled) + "#" * filled
    right = "-" * half if ratio <= 0 else "#" * filled + "-" * (half - filled)
    return f"[{left}|{right}]"


def _recent(events: Sequence[Event]) -> Text:
    text = Text("")
    for event in events:
        data = event.data
        when = iso(event.time_ms)[11:19]
        if event.name == "round_trip":
            text.append(
                f"{when}  {event.market}  round trip {data['size']:f} from {data['entry_price']:.6g} to "
                f"{data['exit_price']:.6g}: {data['net']:+.6f} USD\n",
                style=_sign_style(data["net"]),
            )
        else:
            what = "bought" if data["side"] == "long" else "sold"
            text.append(
                f"{when}  {event.market}  {what} {data['size']:f} at {data['price']:f} (fee {data['fee']:+.6f})\n"
            )
    return text


def _health(report: CycleReport, health: Mapping[str, Any]) -> Text:
    funding = _next_funding(report)
    text = Text(
        f"{health['venue']}/{health['account']}  {iso(report.time.time_ms)[:19]}Z  equity {report.account.equity:.4f}  "
        f"cycle {health['cycles']}  dead-man {health['dead_man']}",
        style="dim",
    )
    if funding:
        text.append(f"\n{funding}", style="dim")
    for line in _beside(report):
        text.append(f"\n{line}", style="dim")
    problem = next((run.problem for run in report.runs if run.problem is not None), None) or health["warning"]
    text.append(f"\n{'! ' + problem if problem else 'OK'}", style="yellow" if problem else "green")
    keys = "   ? keys" if health.get("keys") else ""
    text.append(f"   {health['budget']}   Ctrl-C {LEAVING[health['on_exit']]}{keys}", style="dim")
    if health.get("notice"):
        text.append(f"\n{health['notice']}", style="bold")
    return text


def _beside(report: CycleReport) -> list[str]:
    """The account's position, a line a market, where it is not what the run there holds: never on one line with it."""
    lines = []
    for run in report.runs:
        if run.ticker is not None and run.position != run.ledger.size:
            usd = run.position * run.ticker.mark
            base = f", of which {run.base:f} is a base: counted in the limit, never traded" if run.base else ""
            lines.append(f"the account holds {run.position:f} {run.market} ({usd:+.2f} USD){base}")
    return lines


def _next_funding(report: CycleReport) -> str:
    parts = []
    for run in report.runs[:4]:
        ticker = run.ticker
        if ticker is None or ticker.funding_rate is None or ticker.next_funding_ms is None:
            continue
        left_s = max(ticker.next_funding_ms - report.time.time_ms, 0) // 1000
        rate_bps = ticker.funding_rate * 10_000
        parts.append(f"{run.market} {rate_bps:+.2f} bps in {left_s // 3600}h{left_s % 3600 // 60:02d}m")
    return "next funding  " + "  ".join(parts) if parts else ""


def _sign_style(value: Decimal) -> str:
    return "green" if value > 0 else "red" if value < 0 else ""
