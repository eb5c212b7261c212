"""What a flatten says at its end: the state that could be proven, and why it is no better. Pure. Layer: flatten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pfmm.flatten.contract import FlatState, FlattenOrder, FlattenResult, MarketProgress
from pfmm.model.account import Snapshot


@dataclass(frozen=True, slots=True)
class Seen:
    """What the path knows when it ends. `settled` is True when the newest snapshot `last` was read after the last
    action, `resting` the orders that it shows, `cancelled` how many rest no more, `left` whether a position is left
    that could be closed, `problem` the newest of what went wrong."""

    order: FlattenOrder
    markets: Mapping[str, MarketProgress]
    last: Snapshot | None
    settled: bool
    resting: int
    cancelled: int
    left: bool
    interrupted: bool
    problem: str | None


def verdict(seen: Seen, *, proven: bool) -> FlattenResult:
    """Build the result; `proven` when a snapshot has shown what was asked for."""
    for market in seen.markets.values():
        if market.undividable:
            market.reason = f"{abs(market.size):f} cannot be halved in lots of {market.step:f}"
    state = _state(seen, proven=proven)
    return FlattenResult(
        state=state,
        time_ms=seen.last.time.time_ms if seen.last is not None else None,
        cancelled=seen.cancelled,
        orders_left=seen.resting if seen.settled else None,
        markets=tuple(
            market.result(name, known=seen.settled, left=_remains(seen.order, market))
            for name, market in seen.markets.items()
        ),
        reason=None if state.done else _why(seen, state),
        exchange_id=seen.last.exchange_id if seen.last is not None else None,
    )


def _state(seen: Seen, *, proven: bool) -> FlatState:
    if not proven:
        known = seen.settled and (seen.left or seen.resting > 0) and not seen.interrupted
        return FlatState.RESIDUAL if known else FlatState.UNKNOWN
    if any(market.undividable for market in seen.markets.values()):
        return FlatState.RESIDUAL
    if seen.order.cancel_only:
        return FlatState.CANCELLED
    held = any(market.size for market in seen.markets.values())
    return FlatState.REDUCED if seen.order.half and held else FlatState.FLAT


def _remains(order: FlattenOrder, market: MarketProgress) -> bool:
    return not order.cancel_only and (market.closable or market.undividable)


def _why(seen: Seen, state: FlatState) -> str:
    if state is FlatState.RESIDUAL:
        reasons = [f"{n}: {m.reason}" for n, m in seen.markets.items() if _remains(seen.order, m) and m.reason]
        if seen.resting:
            reasons.append(f"{seen.resting} orders still rest")
        return "; ".join(reasons) or seen.problem or "the time was up"
    if seen.interrupted:
        return f"interrupted, so that no further order was sent: {_shown_last(seen)}"
    return seen.problem or "no snapshot after the last action could be read in time"


def _shown_last(seen: Seen) -> str:
    """Tell what the newest snapshot shows, in words, or why it says nothing."""
    if not seen.settled:
        return seen.problem or "nothing could be read after the last action"
    orders = f"{seen.resting} orders rest"
    held = [f"{name} {market.size:f}" for name, market in seen.markets.items() if market.size]
    return f"{orders}, position {', '.join(held)}" if held else f"{orders}, no position; {seen.problem or 'unproven'}"
