"""Why a run does not quote, or does nothing, in plain words: no name of a slot, no word of the engine. Pure.

The engine's own texts stay as they are in JSON and in the journal. Layer: cli.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.model.cycle import CycleReport, RunReport
    from pfmm.model.plan import OwnOrder

_LIMIT = re.compile(
    r"limit: with every open (long|short) order filled the position could reach ([\d.]+) USD, "
    r"max_inventory is ([\d.]+) USD"
)
_ALL = {"long": "all longs filled would make", "short": "all shorts filled would make"}
_UNPROVEN = re.compile(r"order \S+ is (\w+), not yet proven")
_UNSEEN = {
    "sending": "the order was sent and is not answered yet",
    "unknown": "an order there got no usable answer: the venue is being asked",
    "missing": "an order left the venue's list: its fill or cancel is not seen yet",
}
_AMENDING = re.compile(r"amendment of \S+ not yet acknowledged")
_YOUNG = re.compile(r"younger than (\d+) ms")
_LEAVES = re.compile(r"the limit leaves ([\d.]+) USD")
_CTRL_C = "signal SIGINT"
_FLATTEN = re.compile(r"flatten|halve|cancel the orders of")  # how the reason of a HALT begins that a flatten set
_STOPPED = "stopped: "
_SIDES = {"bid": "bid", "ask": "ask"}


def reason_words(reason: str) -> str:
    """Say a reason as people do: "limit: with every open long order filled the position could reach 535.00 USD,
    max_inventory is 500 USD" is "all longs filled would make 535.00 USD, limit 500"."""
    words = _LIMIT.sub(lambda found: f"{_ALL[found[1]]} {found[2]} USD, limit {found[3]}", reason)
    words = _UNPROVEN.sub(lambda found: _UNSEEN.get(found[1], f"an order there is {found[1]}"), words)
    words = words.replace(_CTRL_C, "Ctrl-C")
    if words.startswith(_STOPPED):
        words = _STOPPED + halt_words(words.removeprefix(_STOPPED))
    words = _AMENDING.sub("its change is sent and not answered yet", words)
    return _YOUNG.sub(lambda found: f"moved less than {int(found[1]) / 1000:g} s ago", words)


def halt_words(reason: str) -> str:
    """Say why an account is halted: "flatten the whole account" is "asked to flatten the whole account"."""
    return f"asked to {reason}" if _FLATTEN.match(reason) else reason


def places(slots: Iterable[str]) -> str:
    """Say slots in words, those of a kind together: bid:5, bid:6 and ask:5 are "bids 6 to 7, ask 6"; cell:3:ask is
    "ask of line 4", the line that the order lies on."""
    found: dict[tuple[str, str], list[int]] = {}
    for slot in slots:
        kind, place, number = _parts(slot)
        found.setdefault((kind, place), []).extend([] if number is None else [number])
    return ", ".join(_named(kind, place, sorted(numbers)) for (kind, place), numbers in found.items())


def _parts(slot: str) -> tuple[str, str, int | None]:
    """Split a slot into its side, what it is a side of, and its number for people."""
    words = slot.split(":")
    if words[0] == "cell" and len(words) == 3 and words[1].isdecimal():
        return words[2], "line", int(words[1]) + (words[2] == "ask")
    if len(words) == 2 and words[0] in _SIDES and words[1].isdecimal():
        return words[0], "", int(words[1]) + 1
    return (words[0] if words[0] in _SIDES else f"{words[0]} order" if words[0] == "close" else words[0]), "", None


def _named(kind: str, place: str, numbers: Sequence[int]) -> str:
    if not numbers:
        return kind
    several = len(numbers) > 1
    which = ", ".join(_spans(numbers))
    name = f"{kind}s" if several else kind
    return f"{name} of {place}{'s' if several else ''} {which}" if place else f"{name} {which}"


def _spans(numbers: Sequence[int]) -> list[str]:
    """Write numbers in order, three or more that follow each other as one: 1, 2, 3, 5 are "1 to 3" and "5"."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return [
        text for group in groups for text in ([f"{group[0]} to {group[-1]}"] if len(group) > 2 else map(str, group))
    ]


def reasons(report: CycleReport) -> list[str]:
    """Say why sides are absent or held, and what the strategies note, a line each; markets are named where there are
    several."""
    lines: list[str] = []
    for run in report.runs:
        name = f"{run.market.removesuffix('-PERP')}: " if len(report.runs) > 1 else ""
        lines += [f"{name}{line}" for line in _of_run(run)]
    return lines


def _of_run(run: RunReport) -> list[str]:
    if run.problem is not None:
        return [f"not quoted, {run.problem}"]
    lines = holding((held.slot, held.reason) for held in run.plan.held)
    if run.decision is not None:
        lines += absences(run.decision.absent)
        lines += run.decision.notes
    return lines


def holding(held: Iterable[tuple[str, str]]) -> list[str]:
    """Say why orders are held back, a line a reason: "ask 1 held: all shorts filled would make 535 USD, limit 500"."""
    return [f"{places(slots)} held: {reason}" for reason, slots in _grouped(held)]


def absences(absent: Mapping[str, str]) -> list[str]:
    """Say why slots are empty, a line a reason: "no bids 6 to 50: beyond the limit"."""
    return [f"no {places(slots)}: {reason}" for reason, slots in _grouped(absent.items())]


def _grouped(slots: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Group slots by their reasons, which are put in words; of what the limit leaves to several, the most is told."""
    found: dict[str, list[tuple[str, str]]] = {}
    for slot, reason in slots:
        words = reason_words(reason)
        found.setdefault(_LEAVES.sub("", words), []).append((slot, words))
    return [(_most([words for _, words in group]), [slot for slot, _ in group]) for group in found.values()]


def _most(reasons: Sequence[str]) -> str:
    """Choose the reason that is told for all: "the limit leaves 0.21 USD" is "leaves 0.21 USD at most" where others
    leave less."""
    left = [found for reason in reasons if (found := _LEAVES.search(reason))]
    if len(set(reasons)) == 1 or not left:
        return reasons[0]
    most = max(left, key=lambda found: Decimal(found[1]))
    return _LEAVES.sub(f"the limit leaves {most[1]} USD at most", most.string)


def nearest(report: CycleReport, *, short: bool = False) -> str | None:
    """Tell how far the price is from doing something: "nearest order 0.09 % away: sell at 70582", in `short` "sell
    0.09 % away"; None without orders."""
    found: list[tuple[Decimal, str, Decimal]] = []
    for run in report.runs:
        touch = None if run.ticker is None else (run.ticker.mid or run.ticker.mark)
        if touch:
            name = f" {run.market.removesuffix('-PERP')}" if len(report.runs) > 1 else ""
            found += [(abs(order.price - touch) / touch * 100, _verb(order, name), order.price) for order in run.orders]
    if not found:
        return None
    percent, verb, price = min(found)
    away = f"{percent:{'.2f' if percent >= Decimal('0.01') else '.4f'}} %"
    return f"{verb} {away} away" if short else f"nearest order {away} away: {verb} at {plain(price)}"


def _verb(order: OwnOrder, name: str) -> str:
    return f"{'buy' if order.side.sign > 0 else 'sell'}{name}"
