"""Backtests as text: scenarios side by side, a sweep's best rows and heat map, what data files hold. Layer: cli."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.app import strategies
from pfmm.app.backtest_results import edge_text, metrics_text, money_rows, run_data
from pfmm.cli.render.tables import table
from pfmm.cli.wrapping import PARTS, broken
from pfmm.model.encoding import ABSENT, present
from pfmm.model.fees import stored
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.backtest_files import Described
    from pfmm.app.backtest_results import BacktestResult
    from pfmm.app.backtest_sweep import SweepResult, SweepRow, WalkForward

SHADES = "░▒▓█"
SHOWN_ROWS = 20
WIDEST = 100  # columns, off a terminal
WORLDS = "pessimistic and optimistic are whole runs of two queue models, not bounds"
WITHIN_A_BAR = "n/a: candles do not tell what happened inside a bar"


def encode_run(result: BacktestResult) -> dict[str, Any]:
    """Build the `data` of `backtest run`."""
    return run_data(result.job, result.scenarios)


def render_run(result: BacktestResult, width: int | None) -> str:
    """Draw the answer for a terminal: the scenarios side by side, then the figures of the first."""
    job, scenarios = result.job, result.scenarios
    data = run_data(job, scenarios)
    first = scenarios[0]
    runs = [(one.label, one) for one in scenarios]
    trips = strategies.kind(job.kind).layout == "lines"  # a quote has none to count
    break_even, *money = money_rows([one for _, one in runs])
    rows = [
        break_even,
        ("fills", *(str(len(one.outcome.fills)) for _, one in runs)),
        ("round trips", *(str(one.outcome.round_trips) if trips else "-" for _, one in runs)),
        *money,
        ("deepest drawdown", *(_usd(-one.drawdown_usd) for _, one in runs)),
        ("position at the end", *(plain(one.outcome.position) for _, one in runs)),
        ("orders placed", *(str(len(one.outcome.orders)) for _, one in runs)),
        ("requests sent", *(str(one.outcome.requests) for _, one in runs)),
    ]
    period = data["period"]
    rate = data["events_per_second"]
    head = f"{job.kind} on {job.market}, {period['start']} to {period['end']}, latency {job.latency_ms} ms each way"
    speed = f"{data['events']} events, {data['decisions']} decisions; {rate:,} events/s" if rate else ""
    return "\n".join(
        [
            head,
            first.fees.text,
            "",
            edge_text(first),
            "",
            table(("USD", *(label for label, _ in runs)), rows, right=range(1, len(runs) + 1), width=width),
            "",
            metrics_text(first, width),
            "",
            speed,
            WITHIN_A_BAR if first.bar_ms else WORLDS,
        ]
    )


def _usd(amount: Decimal) -> str:
    return f"{amount:+.4f}"


def _fees(row: SweepRow) -> str:
    """Say the fees of a row as a header does; a result that was kept from before says none."""
    found = None if row.fees is ABSENT else stored(row.fees)
    return "fees unknown" if found is None else found.text


def render_sweep(result: SweepResult, width: int | None) -> str:
    """Draw the answer for a terminal: the best rows, the heat map of two axes, the folds, what failed."""
    rows = [row for row in result.rows if row.ok]
    ranked = sorted(rows, key=lambda row: row.profit or Decimal(0), reverse=True)[:SHOWN_ROWS]
    many, folded = len({row.data for row in result.rows}) > 1, result.walk_forward is not None
    lines = [
        (
            *row.settings.values(),
            *([row.data] if many else []),
            *([str(row.segment)] if folded else []),
            *_figures(row),
        )
        for row in ranked
    ]
    more = [*(["data"] if many else []), *(["segment"] if folded else [])]
    names = [*result.axes, *more, "break-even, bps", "fills", "P&L pessim.", "P&L optim.", "drawdown, USD"]
    blocks = [f"{len(result.rows)} runs, {result.computed} computed now, {result.remembered} known before"]
    blocks[0] += "".join(dict.fromkeys(f"; {_fees(row)}" for row in rows))
    if lines:
        figures = range(len(names) - 5, len(names))
        blocks.append(table(names, lines, right=figures, spare=(figures[4], figures[1], figures[3]), width=width))
    varied = {name: values for name, values in result.axes.items() if len(values) > 1}
    if len(varied) == 2 and rows:
        blocks.append(heat_map(varied, result.rows))
    if result.walk_forward is not None:
        blocks.append(_folds_text(result.walk_forward))
    blocks += [f"UNUSABLE {one.data}: {one.problem}" for one in result.failed]
    return "\n\n".join(blocks)


def _figures(row: SweepRow) -> Iterator[str]:
    one = row.figures
    yield _break_even(one)
    yield str(one["fills"])
    for run in (row.pessimistic, row.optimistic):
        yield "" if run is ABSENT else f"{Decimal(run['pnl']):+.4f}"
    yield f"{Decimal(one['drawdown_usd']):.4f}"


def _break_even(one: Mapping[str, Any]) -> str:
    """Write the break-even fee of a row with its error; a result that was kept from before says none."""
    edge = one.get("edge")
    if edge is None or edge["break_even_maker_bps"]["5s"] is None:
        return "n/a"
    se_bps = edge["se_bps"]["5s"]
    return f"{edge['break_even_maker_bps']['5s']:+.2f}" + ("" if se_bps is None else f" ± {se_bps:.2f}")


def heat_map(axes: Mapping[str, Sequence[str]], rows: Sequence[SweepRow]) -> str:
    """Draw the P&L over two axes, summed over slices and segments, with a shade from worst to best beside each figure.
    No sum is given where a run could not be, as that of the others would compare with nothing."""
    (down, downs), (across, acrosses) = axes.items()
    found: dict[tuple[str, str], list[Decimal | None]] = {}
    for row in rows:
        found.setdefault((row.settings[down], row.settings[across]), []).append(row.profit)
    sums = {
        place: sum(known, Decimal(0)) for place, profits in found.items() if (known := _all_known(profits)) is not None
    }
    low, high = min(sums.values(), default=Decimal(0)), max(sums.values(), default=Decimal(0))

    def cell(place: tuple[str, str]) -> str:
        if place not in sums:
            return "-"
        share = (sums[place] - low) / (high - low) if high > low else Decimal(1)
        return f"{sums[place]:+.3f} {SHADES[int(share * (len(SHADES) - 1))] * 2}"

    lines = [(one, *(cell((one, other)) for other in acrosses)) for one in downs]
    title = f"P&L, {down} down, {across} across (shade: {SHADES[0]} low to {SHADES[-1]} high)"
    return title + "\n" + table(("", *acrosses), lines, right=range(1, len(acrosses) + 1))


def _all_known(profits: Sequence[Decimal | None]) -> list[Decimal] | None:
    known = [profit for profit in profits if profit is not None]
    return known if len(known) == len(profits) else None


def _folds_text(found: WalkForward) -> str:
    lines = [
        (
            str(one.fold),
            ", ".join(f"{name}={value}" for name, value in one.settings.items()),
            f"{one.in_sample_pnl:+.4f}",
            f"{one.out_of_sample_pnl:+.4f}" if one.out_of_sample_pnl is not None else "failed",
        )
        for one in found.folds
    ]
    head = table(("fold", "best settings before", "P&L in sample", "P&L out of sample"), lines, right=(2, 3))
    return f"{head}\nout of sample in all: {found.out_of_sample_pnl:+.4f} USD"


def render_files(result: Described, width: int | None) -> str:
    """Draw one block a file: a line a market, or the problem."""
    blocks = []
    for one in result.files:
        if not one.usable:
            blocks.append(f"{one.file}\n  UNUSABLE: {one.problem}")
            continue
        lines = [line for market in one.markets for line in _held(present(market), width)]
        told = present(one)
        notes = [
            f"  {name.replace('_', ' ')}: {told[name]}"
            for name in ("time_unit", "duplicate_trades", "skipped_lines", "bad_rows", "content")
            if name in told
        ]
        notes += [f"  {note}" for note in told.get("notes", ())]
        blocks.append("\n".join([f"{one.file} ({one.format})", *lines, *notes]))
    if result.converted is not None:
        blocks.append(f"written: {result.converted}")
    return "\n\n".join(blocks)


def _held(figures: Mapping[str, Any], width: int | None) -> list[str]:
    """Tell what is known of a market: its name and span, then each figure by its name, on as many lines as it takes."""
    rest = dict(figures)
    name, start, end = (_cell(rest.pop(key, None)) for key in ("market", "from", "to"))
    span = f"{start} to {end}" if start else "no event"
    parts = PARTS.join(_named(key, _cell(value)) for key, value in rest.items() if value is not None)
    return [f"  {name}   {span}", *broken(parts, width or WIDEST, first=" " * 4, rest=" " * 4)]


def _named(key: str, value: str) -> str:
    """Write a figure as people do: longest_silence_s is "longest silence 2.356 s"."""
    words = key.replace("_", " ")
    return f"{words.removesuffix(' s')} {value} s" if words.endswith(" s") else f"{words} {value}"


def _cell(value: Any) -> str:
    return "" if value is None else plain(value) if isinstance(value, Decimal) else str(value)
