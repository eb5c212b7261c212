"""A report as JSON and as text. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pfmm.app.report import ReportResult


def encode(result: ReportResult) -> dict[str, Any]:
    """Build the `data` of a report: which part of which account, then its figures."""
    where = ("venue", "account", "market", "strategy")
    return {**{name: getattr(result, name) for name in where}, **result.figures()}


def render(result: ReportResult, width: int | None) -> str:
    """Draw the figures, at most 80 columns wide."""
    return result.text(width)
