"""The charts of the report's page, from the report's own figures. Text only: see `report.svg` for the drawing.

Layer: report.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal

from pfmm.accounting.edge import Edge
from pfmm.accounting.metrics import Amount, peaks
from pfmm.model.order import Fill, Side
from pfmm.report.data import ReportData
from pfmm.report.fold import Sample
from pfmm.report.round_trips import Matched
from pfmm.report.svg import Chart, Point, over, times
from pfmm.report.thinning import extremes
from pfmm.report.wording import PNL_PARTS, pnl_amounts, pnl_words

CURVE_POINTS = 1_200
Z_95 = 1.96
BINS = 21
LABEL_SHARE = 8  # of the width, which a label beside a line takes up


def equity(report: ReportData) -> str:
    """Draw the equity net, and what it would be without the rebates."""
    points = extremes(report.equity, CURVE_POINTS)
    net = [(float(at), float(value)) for at, value in points]
    gross = [(at, value - received(report, at)) for at, value in net]
    chart = Chart((net[0][0], net[-1][0]), over(y for _, y in (*net, *gross)), "equity, USD")
    chart.line(gross, "gross")
    chart.line(net, "line")
    return chart.svg(times(points[0][0], points[-1][0]))


def received(report: ReportData, time_ms: float) -> float:
    """Sum the rebates that came in by a time, USD, as of the last sampled moment before it."""
    total = 0.0
    for samples in report.samples.values():
        place = bisect_right(samples, time_ms, key=lambda sample: sample.time_ms) - 1
        total += float(samples[place].rebates) if place >= 0 else 0.0
    return total


def drawdown(curve: Sequence[Amount], cash_flows: Sequence[Amount]) -> str:
    """Draw the fall from the highest equity so far, in percent of it."""
    points = extremes(curve, CURVE_POINTS)
    falls = [
        (float(at), -float((peak - held) / peak * 100) if peak else 0.0)
        for (at, _), (held, peak) in zip(points, peaks(points, cash_flows), strict=True)
    ]
    chart = Chart((falls[0][0], falls[-1][0]), over((y for _, y in falls), zero=True), "drawdown, %", height=160)
    chart.area(falls, [(x, 0.0) for x, _ in falls], "loss")
    chart.line(falls, "sell-line")
    return chart.svg(times(points[0][0], points[-1][0]))


def inventory(samples: Sequence[Sample]) -> str:
    """Draw what was held, USD at the mid: long above zero."""
    held = [(float(one.time_ms), float(one.size * one.mid)) for one in samples]
    chart = Chart((held[0][0], held[-1][0]), over((y for _, y in held), zero=True), "inventory, USD", height=180)
    chart.line(held, "line", steps=True)
    return chart.svg(times(samples[0].time_ms, samples[-1].time_ms))


def price(samples: Sequence[Sample], fills: Sequence[Fill]) -> str:
    """Draw the mid at the sampled moments, with the fills marked: upwards bought, downwards sold."""
    mids = [(float(one.time_ms), float(one.mid)) for one in samples]
    marks = [(float(one.time_ms), float(one.price)) for one in fills]
    every = [*mids, *marks]
    start_ms, end_ms = min(x for x, _ in every), max(x for x, _ in every)
    chart = Chart((start_ms, end_ms), over(y for _, y in every), "price, USD", height=280)
    chart.line(mids, "line")
    for fill in fills:
        bought = fill.side is Side.LONG
        words = f"{fill.fill_id}: {'bought' if bought else 'sold'} {fill.size:f} at {fill.price:f}"
        chart.triangle(fill.time_ms, float(fill.price), "buy" if bought else "sell", words, up=bought)
    return chart.svg(times(round(start_ms), round(end_ms)))


def markouts(report: ReportData) -> str:
    """Draw the break-even fee at its horizons with bands of 95 %, and the markouts, in bps.

    Seconds are logarithmic.
    """
    gains = [(_log(one.horizon_s), one.bps, one.se_bps) for one in report.edge.break_even]
    known = [(x, bps, Z_95 * (se or 0.0)) for x, bps, se in gains if bps is not None]
    moved = [(_log(int(name[:-1])), float(value)) for name, value in report.markouts_bps.items() if value is not None]
    paid = report.edge.paid_maker_bps
    values = [y for _, bps, wide in known for y in (bps - wide, bps + wide)] + [y for _, y in moved]
    values += [] if paid is None else [paid]
    chart = Chart((_log(1), _log(300)), over(values, zero=True), "gain after a fill, bps")
    chart.area([(x, bps + wide) for x, bps, wide in known], [(x, bps - wide) for x, bps, wide in known], "band")
    chart.line([(x, bps) for x, bps, _ in known], "line")
    chart.line(moved, "gross")
    if paid is not None:
        chart.line([(_log(1), paid), (_log(300), paid)], "fee")
        chart.text(_log(1), paid, f"fee {paid:+.2f}")
    for x, bps, wide in known:
        chart.whisker(x, bps - wide, bps + wide, "line")
        chart.dot(x, bps, f"break-even {bps:+.2f} ± {wide / Z_95:.2f} bps")
    for x, y in moved:
        chart.dot(x, y, f"markout {y:+.3f} bps")
    return chart.svg([(_log(seconds), f"{seconds} s") for seconds in (1, 5, 30, 300)])


def split(report: ReportData) -> str:
    """Draw where the profit came from, a bar a part, and the total."""
    *words, total = pnl_words(report.pnl)
    amounts = [*map(float, pnl_amounts(report.pnl)), float(report.pnl.total)]
    chart = Chart((0.0, 6.0), over(amounts, zero=True), "profit by part, USD")
    labels = []
    for place, (name, amount, word) in enumerate(zip((*PNL_PARTS, "total"), amounts, (*words, total), strict=True)):
        known = word != "n/a"
        if known:
            chart.bar(place + 0.15, place + 0.85, amount, "gain" if amount >= 0 else "loss", f"{name} {word}")
        labels.append((place + 0.5, name.split()[0] if known else f"{name.split()[0]} n/a"))
    labels[0], labels[-1] = (0.1, labels[0][1]), (5.95, labels[-1][1])
    return chart.svg(labels, small=True)


def histogram(trips: Sequence[Matched]) -> str:
    """Draw how many round trips earned how many bps before fees."""
    gains = sorted(trip.gross_bps for trip in trips)
    low, high = gains[0], gains[-1]
    wide = (high - low) / BINS or 1.0
    counts = [0] * BINS
    for gain in gains:
        counts[min(int((gain - low) / wide), BINS - 1)] += 1
    chart = Chart((low, low + wide * BINS), (0.0, max(counts) * 1.05), "round trips by gain, bps", height=180)
    for place, count in enumerate(counts):
        left = low + place * wide
        if count:
            name = "gain" if left + wide / 2 >= 0 else "loss"
            chart.bar(left, left + wide, count, name, f"{count} of {left:+.2f} to {left + wide:+.2f} bps")
    return chart.svg([(low, f"{low:+.1f} bps"), (low + wide * BINS, f"{low + wide * BINS:+.1f} bps")])


def interval(edge: Edge) -> str:
    """Draw the headline with its interval of 95 %, beside the fee that was paid: one line, read from left to right."""
    bps, se_bps, paid = edge.headline.bps, edge.headline.se_bps, edge.paid_maker_bps
    if bps is None:
        return ""
    wide = Z_95 * (se_bps or 0.0)
    values = [bps - wide, bps + wide, 0.0, *([] if paid is None else [paid])]
    chart = Chart(over(values, zero=True), (0.0, 1.0), "break-even fee and its 95 % interval, bps", height=84)
    points: list[Point] = [(bps - wide, 0.35), (bps + wide, 0.35)]
    chart.line(points, "thick")
    chart.dot(bps, 0.35, f"break-even {bps:+.2f} bps")
    if paid is not None:
        chart.line([(paid, 0.0), (paid, 1.0)], "fee")
        chart.text(paid, 0.75, "fee")
    chart.line([(0.0, 0.0), (0.0, 1.0)], "zero")
    if paid is None or abs(paid) > (chart.x.high - chart.x.low) / LABEL_SHARE:
        chart.text(0.0, 0.75, "0")
    return chart.svg(
        [(chart.x.low, f"{chart.x.low:+.1f} bps"), (chart.x.high, f"{chart.x.high:+.1f} bps")], heights=False
    )


def days(curve: Sequence[Amount]) -> list[tuple[int, Decimal, Decimal, Decimal]]:
    """List (day since 1970, equity at its end, the change of it, the lowest) of each UTC day that has a reading."""
    found: list[tuple[int, Decimal, Decimal, Decimal]] = []
    before = curve[0][1] if curve else Decimal(0)
    day, lowest, last = None, before, before
    for at, value in (*curve, (None, Decimal(0))):
        this = None if at is None else at // 86_400_000
        if day is not None and this != day:
            found.append((day, last, last - before, lowest))
            before, lowest = last, value
        if at is None:
            break
        lowest = min(lowest, value)
        day, last = this, value
    return found


def _log(seconds: float) -> float:
    return math.log10(seconds)
