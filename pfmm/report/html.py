"""The report as ONE page with charts that needs no network: the plotting library is written into it.

Readable without colour: fills differ by shape, bars by sign and label. Needs the extra `report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any

from pfmm.accounting.metrics import Metric, peaks
from pfmm.errors import ConfigError
from pfmm.report.data import Part, ReportData
from pfmm.report.fold import Sample
from pfmm.report.text import edge_block, equity_title, reason_lines
from pfmm.report.thinning import extremes
from pfmm.report.wording import pnl_words

CURVE_POINTS = 3_000
HEIGHT = 380
TICKS = ",.12~r"  # as many digits as tell neighbours apart, without letters for powers of ten
INK, BUY, SELL, SHADE = "#1f2933", "#1b6ca8", "#b5501b", "#d9e2ec"
TOOLBAR = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "sendDataToCloud"]}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; background: #ffffff; max-width: 1080px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
table { border-collapse: collapse; } th, td { padding: .25rem .8rem; border-bottom: 1px solid #d9e2ec; }
th { text-align: left; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
p.edge { font-weight: 600; }
p.note { color: #52606d; margin: .2rem 0 .8rem; }
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A fill as a mark on the price chart; `side` is "long" or "short"."""

    time_ms: int
    market: str
    side: str
    price: float
    size: float


def page(report: ReportData, marks: Sequence[Mark], *, heading: str) -> str:
    """The whole page. Raises ConfigError naming the extra when the plotting library is not installed."""
    graph = _plotly()
    charts = [("Equity (USD) and drawdown (%)", _equity(graph, report))] if len(report.equity) > 1 else []
    charts += [(f"Inventory (USD), {market}", _inventory(graph, s)) for market, s in report.samples.items() if s]
    for market, samples in report.samples.items():
        own = [mark for mark in marks if mark.market == market]
        if samples or own:
            charts.append((f"Price and fills (USD), {market}", _price(graph, samples, own)))
    charts += [
        ("Markouts (bps)", _markouts(graph, report.markouts_bps)),
        ("Where the profit came from (USD)", _decomposition(graph, report)),
    ]
    body = [f"<h1>pfmm report</h1><p class=note>{escape(heading)}, {report.fills:,} fills</p>"]
    body.append(f"<p class=edge>{escape(edge_block(report)).replace(chr(10), '<br>')}</p>")
    body += [_metrics_table(report.metrics), _pnl_table(report)]
    if report.cash_flows:
        body.append(f"<p class=note>{escape(equity_title(report))}.</p>")
    if len(marks) < report.fills:
        body.append(f"<p class=note>The price charts mark {len(marks):,} of {report.fills:,} fills, evenly chosen.</p>")
    for index, (title, figure) in enumerate(charts):
        drawn = figure.to_html(full_html=False, include_plotlyjs=index == 0, div_id=f"chart-{index}", config=TOOLBAR)
        body.append(f"<h2>{escape(title)}</h2>{drawn}")
    head = f"<meta charset=utf-8><title>pfmm report: {escape(heading)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(body)}</body></html>\n"


def _plotly() -> Any:
    try:
        import plotly.graph_objects as graph
    except ImportError as error:
        raise ConfigError(
            "the page with charts needs the plotting library plotly, which is not installed",
            hint="pip install 'pfmm[report]'",
        ) from error
    return graph


def _layout(graph: Any, y_title: str, *, x_title: str = "time, UTC") -> Any:
    axis = {"gridcolor": SHADE, "zerolinecolor": INK, "zerolinewidth": 1, "linecolor": INK, "ticks": "outside"}
    return graph.Layout(
        height=HEIGHT,
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        font={"color": INK, "size": 13},
        margin={"l": 80, "r": 30, "t": 20, "b": 60},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={**axis, "title": x_title},
        yaxis={**axis, "title": y_title, "tickformat": TICKS},
    )


def _when(time_ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=time_ms)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _equity(graph: Any, report: ReportData) -> Any:
    """Equity above, the fall from its peak below; points left out are never highs or lows."""
    points = extremes(report.equity, CURVE_POINTS)
    times = [_when(time_ms) for time_ms, _ in points]
    falls = [-float((peak - held) / peak * 100) if peak else 0.0 for held, peak in peaks(points, report.cash_flows)]
    layout = _layout(graph, "equity, USD")
    figure = graph.Figure(layout=layout)
    figure.add_scatter(x=times, y=[float(v) for _, v in points], name="equity, USD", line={"color": INK, "width": 1.6})
    figure.add_scatter(
        x=times,
        y=falls,
        name="drawdown, %",
        yaxis="y2",
        fill="tozeroy",
        line={"color": SELL, "dash": "dot", "width": 1},
    )
    figure.update_layout(
        height=520,
        yaxis={"domain": [0.38, 1]},
        yaxis2={
            "domain": [0, 0.28],
            "title": "drawdown, %",
            "tickformat": TICKS,
            "gridcolor": SHADE,
            "linecolor": INK,
            "zerolinecolor": INK,
            "rangemode": "tozero",
        },
        xaxis={"anchor": "y2"},
    )
    return figure


def _inventory(graph: Any, samples: Sequence[Sample]) -> Any:
    figure = graph.Figure(layout=_layout(graph, "inventory, USD (long above 0)"))
    figure.add_scatter(
        x=[_when(sample.time_ms) for sample in samples],
        y=[float(sample.size * sample.mid) for sample in samples],
        name="inventory, USD",
        fill="tozeroy",
        line={"color": INK, "shape": "hv", "width": 1.2},
        fillcolor=SHADE,
    )
    return figure


def _price(graph: Any, samples: Sequence[Sample], marks: Sequence[Mark]) -> Any:
    figure = graph.Figure(layout=_layout(graph, "price, USD"))
    figure.add_scatter(
        x=[_when(sample.time_ms) for sample in samples],
        y=[float(sample.mid) for sample in samples],
        name="mid",
        line={"color": INK, "width": 1.2},
    )
    for side, name, symbol, colour in (
        ("long", "bought", "triangle-up", BUY),
        ("short", "sold", "triangle-down-open", SELL),
    ):
        own = [mark for mark in marks if mark.side == side]
        figure.add_scatter(
            x=[_when(mark.time_ms) for mark in own],
            y=[mark.price for mark in own],
            text=[f"{mark.size:g}" for mark in own],
            name=name,
            mode="markers",
            marker={"symbol": symbol, "size": 9, "color": colour, "line": {"width": 1.3, "color": colour}},
            hovertemplate="%{y} × %{text}<br>%{x}",
        )
    return figure


def _markouts(graph: Any, markouts: Mapping[str, Decimal | None]) -> Any:
    """Mean move of the mid in favour of our fills, after each horizon; a horizon without data says n/a."""
    names = [
        f"{name.removesuffix('s')} s" + ("" if value is not None else " (n/a)") for name, value in markouts.items()
    ]
    values = [None if value is None else float(value) for value in markouts.values()]
    layout = _layout(graph, "markout, bps of notional", x_title="time after the fill")
    figure = graph.Figure(layout=layout)
    figure.add_scatter(
        x=names,
        y=values,
        mode="lines+markers+text",
        text=["" if value is None else f"  {value:+.3f}" for value in values],
        textposition="middle right",
        line={"color": INK},
        marker={"size": 9},
        cliponaxis=False,
        name="markout",
    )
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=names, range=[-0.5, len(names) - 0.5])
    figure.update_yaxes(rangemode="tozero")
    return figure


def _decomposition(graph: Any, report: ReportData) -> Any:
    """A waterfall from nothing to the total."""
    pnl = report.pnl
    parts = (
        ("spread capture", pnl.spread_capture),
        ("adverse selection", pnl.adverse_selection),
        ("inventory", pnl.inventory),
        ("fees", -pnl.fees),
        ("funding", pnl.funding),
    )
    figure = graph.Figure(layout=_layout(graph, "profit, USD", x_title=""))
    values = [*(float(value) for _, value in parts), float(pnl.total)]
    figure.add_waterfall(
        x=[*(name for name, _ in parts), "total"],
        y=values,
        measure=[*("relative" for _ in parts), "total"],
        text=[f"{value:+.4f}" for value in values],
        textposition="outside",
        cliponaxis=False,
        increasing={"marker": {"color": BUY}},
        decreasing={"marker": {"color": SELL}},
        totals={"marker": {"color": INK}},
        connector={"line": {"color": INK, "dash": "dot", "width": 1}},
    )
    return figure


def _metrics_table(metrics: Sequence[Metric]) -> str:
    rows = [
        (
            metric.name.replace("_", " "),
            metric.shown,
            f"{metric.target} {metric.unit}",
            metric.verdict,
            f"{metric.n:,}",
        )
        for metric in metrics
    ]
    table = _table(("figure", "value", "target", "verdict", "n"), rows, {1, 4})
    notes = "".join(f"<p class=note>{escape(line)}</p>" for line in reason_lines(metrics))
    return f"<h2>Figures against their targets</h2>{table}{notes}"


def _pnl_table(report: ReportData) -> str:
    whole = Part("all", report.fills, report.pnl)
    rows = []
    for part in (whole, *report.markets, *report.strategies):
        *parts, total = pnl_words(part.pnl)
        rows.append((part.name, f"{part.fills:,}", total, *parts))
    headers = ("part", "fills", "total", "capture", "adverse selection", "inventory", "fees", "funding")
    note = "<p class=note>total = capture + adverse selection + inventory + fees + funding (a rebate is +)</p>"
    return "<h2>Profit, USD</h2>" + _table(headers, rows, set(range(1, 8))) + note


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=number' if column in numbers else ''}>{escape(cell)}</{tag}>"
            for column, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><tr>{line('th', headers)}</tr>{body}</table>"
