"""The answer of `pfmm resume` as text. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfmm.app.resume import ResumeResult


def render(result: ResumeResult, width: int | None) -> str:  # noqa: ARG001 - two sentences fit or wrap by themselves
    """Say who halted the account and why, and that start works again."""
    if result.halted_by is None:
        return f"Account {result.account} is not halted."
    return (
        f"Account {result.account} was halted by {result.halted_by} since {result.since}: {result.reason}\n"
        "The HALT is lifted: start works again."
    )
