"""The report for a terminal, 80 columns wide unless amounts or names are long, readable without colour. Text only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from pfmm.accounting.attribution import Attribution
from pfmm.accounting.metrics import MIN_FILLS, Metric
from pfmm.report.data import Part, ReportData
from pfmm.report.thinning import means

PLOT_WIDTH = 66
PLOT_HEIGHT = 8
WIDTH = 80
MAX_DIGITS = 8
MIN_SPARK, MAX_SPARK = 15, 40
BLOCKS = "▁▂▃▄▅▆▇█"
METRIC_NAMES = {
    "fill_rate": "fill rate",
    "realized_spread": "realized spread",
    "inventory_turnover": "inventory turnover",
    "adverse_selection_ratio": "adverse selection",
    "daily_pnl": "daily P&L / capital",
    "max_drawdown": "max drawdown",
}
COLUMNS = ("total", "capture", "adverse", "inventory", "fees", "funding")


def report_text(report: ReportData, *, heading: str) -> str:
    """The whole report: heading, equity, the six figures, where the profit came from, markouts, splits."""
    blocks = [heading, _equity_block(report), _metrics_block(report.metrics), _pnl_block(report)]
    blocks.append(_quality_block(report))
    blocks += [_inventory_block(report)]
    return "\n\n".join(block for block in blocks if block)


def _equity_block(report: ReportData) -> str:
    if len(report.equity) < 2:
        return "equity: fewer than two readings in this period, so no curve"
    curve = plot([float(value) for _, value in report.equity], PLOT_WIDTH, PLOT_HEIGHT)
    return f"{equity_title(report)}\n{curve}"


def equity_title(report: ReportData) -> str:
    """What the curve shows: "equity, USD, without the period's deposits +10,500.00 and withdrawals -200.00"."""
    amounts = [amount for _, amount in report.cash_flows]
    moved = {
        "deposits": sum(amount for amount in amounts if amount > 0),
        "withdrawals": sum(amount for amount in amounts if amount < 0),
    }
    left_out = " and ".join(f"{name} {amount:+,.2f}" for name, amount in moved.items() if amount)
    return f"equity, USD, without the period's {left_out}" if left_out else "equity, USD"


def plot(values: Sequence[float], width: int, height: int) -> str:
    """A small line plot: a column of the axis with highest, middle and lowest value, one mark a column.

    Longer series show the mean of each stretch. Equal values lie in the middle, beside their one label. Raises
    ValueError without values.
    """
    points = means(values, width)
    if not points:
        raise ValueError("nothing to plot")
    low, high = min(points), max(points)
    eighths = [round((point - low) / (high - low) * (height * 8 - 1)) if high > low else height * 4 for point in points]
    labels = _axis(low, high, height)
    margin = max(len(label) for label in labels.values())
    lines = []
    for row in range(height):
        base = (height - 1 - row) * 8
        marks = "".join(BLOCKS[level - base] if 0 <= level - base < 8 else " " for level in eighths)
        lines.append(f"{labels.get(row, '').rjust(margin)} ┤{marks}".rstrip())
    return "\n".join(lines)


def _axis(low: float, high: float, height: int) -> dict[int, str]:
    """The labels by line, with as many decimals as tell them apart; of equal values one, beside their marks."""
    if low == high:
        return {(height - 1) // 2: f"{low:,.2f}"}
    at = {height - 1: low, 0: high} | ({height // 2: (low + high) / 2} if height > 2 else {})
    digits = next((n for n in range(2, MAX_DIGITS) if len({f"{value:.{n}f}" for value in at.values()}) == len(at)), 2)
    return {line: f"{value:,.{digits}f}" for line, value in at.items()}


def _metrics_block(metrics: Sequence[Metric]) -> str:
    rows = [
        (
            METRIC_NAMES.get(metric.name, metric.name),
            metric.shown,
            f"{metric.target} {metric.unit}",
            metric.verdict,
            str(metric.n),
        )
        for metric in metrics
    ]
    table = _table(("figure", "value", "target", "verdict", "n"), rows, right={1, 4})
    unjudged = any(metric.value is not None and metric.verdict == "n/a" for metric in metrics)
    return f"{table}\na verdict needs {MIN_FILLS} fills" if unjudged else table


def _pnl_block(report: ReportData) -> str:
    rows = [("all", str(report.fills), *_amounts(report.pnl))]
    if len(report.markets) > 1:
        rows += [_part_row(part) for part in report.markets]
    if len(report.strategies) > 1:
        rows += [_part_row(part) for part in report.strategies]
    table = _table(("P&L, USD", "fills", *COLUMNS), rows, right=set(range(1, 8)))
    return f"{table}\ntotal = capture + adverse selection + inventory + fees + funding (a rebate is +)"


def _part_row(part: Part) -> tuple[str, ...]:
    return (f"  {part.name}", str(part.fills), *_amounts(part.pnl))


def _amounts(pnl: Attribution) -> tuple[str, ...]:
    parts = (pnl.total, pnl.spread_capture, pnl.adverse_selection, pnl.inventory, -pnl.fees, pnl.funding)
    return tuple(_usd(part) for part in parts)


def _usd(amount: Decimal) -> str:
    """Fewer decimals for larger amounts, so that a row stays within the width: +1.2346, +1234.57, +123457."""
    digits = 4 if abs(amount) < 1_000 else 2 if abs(amount) < 100_000 else 0
    return f"{amount:+.{digits}f}"


def _quality_block(report: ReportData) -> str:
    markouts = "   ".join(
        f"{name} {'n/a' if value is None else f'{value:+.3f}'}" for name, value in report.markouts_bps.items()
    )
    edge = report.edge
    if edge.mean_bps is None:
        words = "edge per fill: n/a (no fill with a mid near it and one 30 s later)"
    else:
        t = "" if edge.t is None or not math.isfinite(edge.t) else f", t = {edge.t:.2f}"
        loses = "  SIGNIFICANTLY BELOW ZERO" if edge.below_zero else ""
        words = f"edge per fill: {edge.mean_bps:+.3f} bps over {edge.n} fills{t}{loses}"
    return f"markouts, bps: {markouts}\n{words}"


def _inventory_block(report: ReportData) -> str:
    """One line a market: the inventory over time between its smallest and largest value, USD."""
    words = {}
    series = {}
    for market, samples in report.samples.items():
        held = [float(sample.size * sample.mid) for sample in samples]
        if any(held):
            series[market] = held
            words[market] = f"{min(held):+,.2f} … {max(held):+,.2f}, now {held[-1]:+,.2f}"
    if not series:
        return ""
    left = WIDTH - max(map(len, (*series, "inventory"))) - max(map(len, words.values())) - 4
    lines = [
        (name, _spark(means(held, max(MIN_SPARK, min(MAX_SPARK, left)))), words[name]) for name, held in series.items()
    ]
    return _table(("inventory", "over the period", "USD"), lines)


def _spark(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    if low == high:
        return BLOCKS[3] * len(values)
    return "".join(BLOCKS[round((value - low) / (high - low) * 7)] for value in values)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: set[int] | None = None) -> str:
    lines = [headers, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    to_right = right or set()
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in to_right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
