"""What a step of this machine's clock did to paper time, in words. Layer: app."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfmm.paper.exchange import Exchange
    from pfmm.paper.present import Present

FIX = "`pfmm paper clock` shows it and sets it right"


def words_of(exchange: Exchange) -> tuple[str, ...]:
    """Tell, a line each, what a step of this machine's clock did to paper time. Empty without a step, and for a market
    that has its own time."""
    found = exchange.present()
    own_time = exchange.feed_config()["kind"] == "live" or not exchange.time().speed
    return () if own_time or not found.stepped else (f"{_said(found)}: {FIX}",)


def _said(found: Present) -> str:
    size = _span(abs(found.apart_ms))
    if found.apart_ms < 0:
        return f"this machine's clock went back by {size}; paper time did not, and goes on"
    return (
        f"this machine's clock leapt forward by {size}, more than passed or than a machine is off; paper time did not, "
        "and nothing filled meanwhile"
    )


def _span(ms: int) -> str:
    """Write a span for people: 90,000 → 2 min; 86,400,000 → 24 h; 864,000,000 → 10 days."""
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 72 else f"{round(hours / 24)} days"
