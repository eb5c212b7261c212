"""The findings of `pfmm doctor` as text. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.cli.wrapping import broken

if TYPE_CHECKING:
    from pfmm.app.doctor import DoctorResult

WIDEST = 100  # columns
LEAST_DETAIL = 30


def render(result: DoctorResult, width: int | None) -> str:
    """Write one finding a line, wrapped below itself, each that is not ok with its fix."""
    found = result.checks
    columns = WIDEST if width is None else min(width, WIDEST)
    names = max(len(check.name) for check in found)
    longest = max((len(word) for check in found for word in check.detail.split()), default=0)
    # too narrow for two columns, or for a path that must not be broken: the detail has lines of its own
    below = columns < names + 8 + max(LEAST_DETAIL, min(longest, columns - 6))
    margin = " " * (6 if below else names + 8)
    room = max(columns - len(margin), 1)
    lines = []
    for check in found:
        # a path is never broken: it has to be copied whole
        detail = broken(check.detail, room)
        if below:
            detail = ["", *detail]
        lines.append(f"{check.verdict:<4}  {check.name:<{names}}  {detail[0] if detail else ''}".rstrip())
        lines += [margin + line for line in detail[1:]]
        if check.fix and check.verdict != "ok":
            lines += [margin + line for line in broken(f"→ {check.fix}", room)]
    bad = sum(check.verdict == "fail" for check in found)
    doubtful = sum(check.verdict == "warn" for check in found)
    return "\n".join([*lines, "", f"{len(found)} checks: {bad} failed, {doubtful} warned"])
