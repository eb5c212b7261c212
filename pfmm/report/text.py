"""The report for a terminal, 80 columns wide or less unless amounts or names are long, readable without colour.

Text only. Layer: report.
"""

from __future__ import annotations

from collections.abc import Sequence

from pfmm.accounting.attribution import Attribution
from pfmm.accounting.metrics import Metric
from pfmm.report.data import Part, ReportData
from pfmm.report.thinning import means
from pfmm.report.wording import break_even_line, gross_line, net_line, pnl_words, sample_line

PLOT_WIDTH = 66
PLOT_HEIGHT = 8
WIDTH = 80
MAX_DIGITS = 8
MIN_SPARK, MAX_SPARK = 15, 40
BLOCKS = "▁▂▃▄▅▆▇█"
METRIC_NAMES = {
    "fill_rate": "fill rate",
    "realized_spread": "realised spread",
    "inventory_turnover": "inventory turnover",
    "adverse_selection_ratio": "adverse selection",
    "daily_pnl": "daily P&L / capital",
    "max_drawdown": "max drawdown",
}
COLUMNS = ("total", "capture", "adverse", "inventory", "fees", "funding")


def report_text(report: ReportData, *, heading: str, width: int = WIDTH) -> str:
    """Write the whole report.

    It has heading, the break-even fee, equity, the six figures, where the profit came from, splits.
    """
    width = min(width, WIDTH)
    blocks = [heading, edge_block(report), _equity_block(report, width), metrics_block(report.metrics, width)]
    blocks += [_pnl_block(report, width), _markouts_line(report), _inventory_block(report, width)]
    return "\n\n".join(block for block in blocks if block)


def edge_block(report: ReportData) -> str:
    """Write the break-even fee, what it is after fees and exits, what it stands on, and the profit gross of rebates."""
    edge = report.edge
    lines = (break_even_line(edge, split=report.pnl.split), net_line(edge), sample_line(edge), gross_line(report.pnl))
    return "\n".join(line for line in lines if line is not None)


def _equity_block(report: ReportData, width: int) -> str:
    if len(report.equity) < 2:
        return "equity: fewer than two readings in this period, so no curve"
    curve = plot([float(value) for _, value in report.equity], width - WIDTH + PLOT_WIDTH, PLOT_HEIGHT)
    return f"{equity_title(report)}\n{curve}"


def equity_title(report: ReportData) -> str:
    """Say what the curve shows.

    For example "equity, USD, without the period's deposits +10,500.00 and withdrawals -200.00".
    """
    amounts = [amount for _, amount in report.cash_flows]
    moved = {
        "deposits": sum(amount for amount in amounts if amount > 0),
        "withdrawals": sum(amount for amount in amounts if amount < 0),
    }
    left_out = " and ".join(f"{name} {amount:+,.2f}" for name, amount in moved.items() if amount)
    return f"equity, USD, without the period's {left_out}" if left_out else "equity, USD"


def plot(values: Sequence[float], width: int, height: int) -> str:
    """Draw a small line plot: a column of the axis with highest, middle and lowest value, one mark a column.

    Longer series show the mean of each stretch. Equal values lie in the middle, beside their one label. Raises
    ValueError without values.
    """
    points = [round(point, MAX_DIGITS - 1) for point in means(values, width)]  # what labels cannot tell apart is equal
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
    """Return the labels by line, with as many decimals as tell them apart; of equal values one, beside their marks."""
    if low == high:
        return {(height - 1) // 2: f"{low:,.2f}"}
    at = {height - 1: low, 0: high} | ({height // 2: (low + high) / 2} if height > 2 else {})
    digits = next((n for n in range(2, MAX_DIGITS) if len({f"{value:.{n}f}" for value in at.values()}) == len(at)), 2)
    return {line: f"{value:,.{digits}f}" for line, value in at.items()}


def metrics_block(metrics: Sequence[Metric], width: int = WIDTH) -> str:
    """Write the figures with their targets and verdicts as a table, then why some are not judged."""
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
    table = _table(("figure", "value", "target", "verdict", "n"), rows, right={1, 4}, spare=(4,), width=width)
    return "\n".join((table, *reason_lines(metrics)))


def reason_lines(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """Say why figures are not judged, a line a reason.

    For example "inventory turnover, daily P&L / capital: under a day of data".
    """
    found: dict[str, list[str]] = {}
    for metric in metrics:
        if metric.reason is not None:
            found.setdefault(metric.reason, []).append(METRIC_NAMES.get(metric.name, metric.name))
    if len(found) == 1 and len(metrics) == sum(map(len, found.values())):
        return (f"unjudged: {next(iter(found))}",)
    return tuple(f"unjudged {', '.join(names)}: {reason}" for reason, names in found.items())


def _pnl_block(report: ReportData, width: int) -> str:
    rows = [("all", str(report.fills), *_amounts(report.pnl))]
    if len(report.markets) > 1:
        rows += [_part_row(part) for part in report.markets]
    if len(report.strategies) > 1:
        rows += [_part_row(part, "by ") for part in report.strategies]  # the same sum once more
    head = ("P&L, USD", "fills", *COLUMNS)
    table = _table(head, rows, right=set(range(1, 8)), spare=(1, 7, 5, 3) if width < WIDTH else (), width=width)
    return f"{table}\ntotal = capture + adverse selection + inventory + fees + funding (a rebate is +)"


def _part_row(part: Part, how: str = "") -> tuple[str, ...]:
    return (f"  {how}{part.name}", str(part.fills), *_amounts(part.pnl))


def _amounts(pnl: Attribution) -> tuple[str, ...]:
    *parts, total = pnl_words(pnl)
    return (total, *parts)


def _markouts_line(report: ReportData) -> str:
    markouts = "   ".join(
        f"{name} {'n/a' if value is None else f'{value:+.3f}'}" for name, value in report.markouts_bps.items()
    )
    return f"markouts, bps: {markouts}"


def _inventory_block(report: ReportData, width: int) -> str:
    """Draw one line a market: the inventory over time between its smallest and largest value, USD."""
    words = {}
    series = {}
    for market, samples in report.samples.items():
        held = [float(sample.size * sample.mid) for sample in samples]
        if any(held):
            series[market] = held
            words[market] = f"{min(held):+,.2f} to {max(held):+,.2f}, now {held[-1]:+,.2f}"
    if not series:
        return ""
    left = width - max(map(len, (*series, "inventory"))) - max(map(len, words.values())) - 4
    lines = [
        (name, _spark(means(held, max(MIN_SPARK, min(MAX_SPARK, left)))), words[name]) for name, held in series.items()
    ]
    return _table(("inventory", "over the period", "USD"), lines)


def _spark(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    if low == high:
        return BLOCKS[3] * len(values)
    return "".join(BLOCKS[round((value - low) / (high - low) * 7)] for value in values)


def _table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: set[int] | None = None,
    spare: Sequence[int] = (),
    width: int = WIDTH,
) -> str:
    """Lay columns two spaces apart.

    Those of `spare` give way, the first of them first, and a last line names them.
    """
    lines = [headers, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    shown = list(range(len(headers)))
    for column in spare:
        if sum(widths[at] for at in shown) + 2 * (len(shown) - 1) > width:
            shown.remove(column)
    to_right = right or set()
    drawn = [
        "  ".join(line[at].rjust(widths[at]) if at in to_right else line[at].ljust(widths[at]) for at in shown).rstrip()
        for line in lines
    ]
    hidden = ", ".join(name for at, name in enumerate(headers) if at not in shown)
    return "\n".join([*drawn, *([f"hidden columns (terminal too narrow): {hidden}"] if hidden else [])])
