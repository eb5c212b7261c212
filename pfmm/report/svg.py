"""Line charts as inline SVG: scales, axes, lines, bars and marks. Text only; knows no report.

A chart is 520 units wide with letters of 15, so that it can be read on a telephone as on a desk. Colours are classes of
the page's style, which follows the reader's dark or light. Layer: report.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pfmm.report.escaping import escape

WIDTH, HEIGHT = 520, 240
LEFT, RIGHT, TOP, BOTTOM = 84, 14, 12, 34
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places between `begin` and `end`; equal values lie in the middle."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Place a value on the scale: 5 of 0 to 10 over 0 to 100 is at 50."""
        if self.high == self.low:
            return (self.begin + self.end) / 2
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


def over(values: Iterable[float], *, zero: bool = False) -> tuple[float, float]:
    """Return the span of the values that are finite, with a little air; with `zero` it holds zero. Of none 0 to 1."""
    known = [value for value in values if math.isfinite(value)]
    if zero:
        known.append(0.0)
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    air = (high - low) * 0.05 or abs(high) * 0.001 or 1.0
    return (low if zero and low == 0 else low - air), (high if zero and high == 0 else high + air)


class Chart:
    """One chart in the making: begin with the spans of both axes, add shapes, take `svg`."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], title: str, *, height: int = HEIGHT) -> None:
        self.height, self._title = height, title
        self.x = Scale(*x, LEFT, WIDTH - RIGHT)
        self.y = Scale(*y, height - BOTTOM, TOP)
        self._parts: list[str] = []

    def line(self, points: Sequence[Point], name: str, *, steps: bool = False) -> None:
        """Draw a line of class `name` through the points; with `steps` each holds until the next."""
        if not points:
            return
        path = [f"M{_n(self.x.at(points[0][0]))} {_n(self.y.at(points[0][1]))}"]
        for x, y in points[1:]:
            path.append(
                f"H{_n(self.x.at(x))}V{_n(self.y.at(y))}" if steps else f"L{_n(self.x.at(x))} {_n(self.y.at(y))}"
            )
        self._parts.append(f'<path class="{name}" d="{"".join(path)}"/>')

    def area(self, upper: Sequence[Point], lower: Sequence[Point], name: str) -> None:
        """Draw a filled band between two lines of the same length."""
        if len(upper) < 2:
            return
        places = [*upper, *reversed(lower)]
        around = " ".join(f"{_n(self.x.at(x))},{_n(self.y.at(y))}" for x, y in places)
        self._parts.append(f'<polygon class="{name}" points="{around}"/>')

    def bar(self, left: float, right: float, value: float, name: str, words: str) -> None:
        """Draw a bar from zero to a value, which says its words when it is pointed at."""
        x, x_end = sorted((self.x.at(left), self.x.at(right)))
        y, y_end = sorted((self.y.at(0.0), self.y.at(value)))
        box = f'x="{_n(x)}" y="{_n(y)}" width="{_n(x_end - x)}" height="{_n(max(y_end - y, 1.0))}"'
        self._parts.append(f'<rect class="{name}" {box}><title>{escape(words)}</title></rect>')

    def whisker(self, x: float, low: float, high: float, name: str) -> None:
        """Draw a vertical line from a low to a high value, with ends."""
        at, top, bottom = self.x.at(x), self.y.at(high), self.y.at(low)
        ends = f"M{_n(at - 5)} {_n(top)}H{_n(at + 5)}M{_n(at - 5)} {_n(bottom)}H{_n(at + 5)}"
        self._parts.append(f'<path class="{name}" d="M{_n(at)} {_n(top)}V{_n(bottom)}{ends}"/>')

    def triangle(self, x: float, y: float, name: str, words: str, *, up: bool) -> None:
        """Draw a triangle, upwards or downwards, that says its words when it is pointed at."""
        at, tip, size = self.x.at(x), self.y.at(y), 5 if up else -5
        shape = f"M{_n(at)} {_n(tip - size)}l5 {_n(1.8 * size)}h-10z"
        self._parts.append(f'<path class="{name}" d="{shape}"><title>{escape(words)}</title></path>')

    def dot(self, x: float, y: float, words: str) -> None:
        """Draw a dot that says its words when it is pointed at."""
        place = f'cx="{_n(self.x.at(x))}" cy="{_n(self.y.at(y))}"'
        self._parts.append(f'<circle class="dot" {place} r="4"><title>{escape(words)}</title></circle>')

    def text(self, x: float, y: float, words: str) -> None:
        """Write words beside a place of the scales, to the left of it where there is no room on the right."""
        at, is_late = self.x.at(x), self.x.at(x) > WIDTH - RIGHT - 10 * len(words)
        place = f'x="{_n(at + (-7 if is_late else 7))}" y="{_n(self.y.at(y) - 6)}"'
        anchor = ' text-anchor="end"' if is_late else ""
        self._parts.append(f"<text {place}{anchor}>{escape(words)}</text>")

    def svg(self, x_labels: Sequence[tuple[float, str]], *, heights: bool = True, small: bool = False) -> str:
        """Write the chart with its axes; the first of the labels begins, the last ends at its place.

        Without `heights` only places from left to right mean something; `small` labels find room for six.
        """
        axes = [
            _y_axis(self.y) if heights else "",
            f'<path class="axis" d="M{LEFT} {TOP}V{self.height - BOTTOM}H{WIDTH - RIGHT}"/>',
        ]
        letters = ' class="small"' if small else ""
        for number, (value, words) in enumerate(x_labels):
            anchor = "start" if number == 0 else "end" if number == len(x_labels) - 1 else "middle"
            where = f'x="{_n(self.x.at(value))}" y="{self.height - 10}" text-anchor="{anchor}"{letters}'
            axes.append(f"<text {where}>{escape(words)}</text>")
        head = f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(self._title)}">'
        return f"{head}{''.join(axes)}{''.join(self._parts)}</svg>"


def _y_axis(scale: Scale) -> str:
    """Draw lines with labels at round values, and a stronger one at zero."""
    found = []
    for value in ticks(scale.low, scale.high):
        y = _n(scale.at(value))
        kind = "zero" if value == 0 else "grid"
        found.append(f'<path class="{kind}" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        found.append(
            f'<text x="{LEFT - 6}" y="{_n(scale.at(value) + 5)}" text-anchor="end">{_label(value, scale)}</text>'
        )
    return "".join(found)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round values between two bounds, about so many: 0 to 10 has 0, 2.5, 5, 7.5 and 10."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    found = []
    for number in range(first, first + 2 * about + 3):
        value = number * step
        if value > high + step * 1e-9:
            break
        found.append(0.0 if abs(value) < step * 1e-9 else value)
    return found


def _label(value: float, scale: Scale) -> str:
    """Write a value with as many decimals as tell neighbours apart: 65,000 of thousands, 0.0125 of hundredths."""
    span = (scale.high - scale.low) / 4
    digits = max(0, min(8, 1 - math.floor(math.log10(span)))) if span > 0 else 2
    words = f"{value:,.{digits}f}"
    return words.rstrip("0").rstrip(".") if "." in words else words


def times(start_ms: int, end_ms: int) -> list[tuple[float, str]]:
    """Return the labels of a time axis: its begin and its end, with dates where they differ by a day."""
    form = "%m-%d %H:%M" if end_ms - start_ms >= 86_400_000 else "%H:%M:%S"
    return [(float(at), (EPOCH + timedelta(milliseconds=at)).strftime(form)) for at in (start_ms, end_ms)]


def _n(value: float) -> str:
    """Write a place to a tenth, without needless digits."""
    return f"{value:.1f}".removesuffix(".0")
