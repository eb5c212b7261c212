"""The distance as a sentence. Layer: cli."""

from __future__ import annotations

from tests.toy_command.use_case import DistanceResult


def render(result: DistanceResult, width: int | None) -> str:
    return f"{result.market} is {result.distance_bps} bps away" + ("" if width is None else f" ({width} columns)")
