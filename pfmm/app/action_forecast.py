"""How long a venue's action budget lasts for what a start would run; refuses a plan that empties it. Layer: app.

Some venues count every order action of an account and grant new ones for what it trades. What a plan spends is taken
from the account's own journal: the newest run of that strategy that lasted 10 minutes, on that market or else on any.
Before there is one it is worked out of the venue's candles of the last day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from pfmm.errors import RiskRefused

if TYPE_CHECKING:
    from pfmm.journal.journal import Journal
    from pfmm.model.account import ActionsLeft
    from pfmm.model.market import Candle
    from pfmm.strategy.base import Follows

HOUR_MS = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LEAST_MS = 600_000
LEAST_HOURS = 24
RANGE_OF_SIGMA: Final = 1.596  # sqrt(8 / pi): a random walk's range over its deviation


def forecast(
    left: ActionsLeft | None,
    journal: Journal | None,
    kind: str,
    markets: Sequence[str],
    interval_s: float,
    guess: Callable[[], float | None],
) -> str | None:
    """Say how long the budget of order actions would last, before a start; None where the venue counts none. `guess`
    works out what is spent an hour where no run tells.

    Raises RiskRefused where the plan would empty it within 24 hours: 4,500 to spend at 500 an hour, of which trading
    earns 100 back, last 4,500 / 400 = 11 hours.
    """
    if left is None:
        return None
    known = None if journal is None else _hourly(journal, kind, markets)
    hourly = guess() if known is None else known
    if hourly is None:
        return f"{left.usable} order actions left; what a {kind} spends here is not known until it has run 10 minutes"
    net = hourly * (1 - min(left.earned_by_each, 1.0))
    hours = left.usable / net if net > 0 else float("inf")
    source = "" if known is not None else " (worked out of the last day's candles: it has not run here yet)"
    told = f"{left.usable} order actions left, about {hourly:.0f} an hour spent and {hourly - net:.0f} earned{source}"
    if hours >= LEAST_HOURS:
        return told
    raise RiskRefused(
        f"{told}: they would be spent in {hours:.1f} hours; nothing was sent",
        hint=f"a longer interval spends fewer: --interval {interval_s * LEAST_HOURS / max(hours, 0.1):.0f}",
    )


def worked_out(candles: Sequence[Candle], follows: Follows | None, interval_s: float) -> float | None:
    """Work out the order actions an hour of orders that follow a price which moves as these one-minute candles; 0 for
    orders that stay where they are, None without candles.

    A random walk of deviation s leaves a band of b on either side s² / b² times; s is a candle's range by 1.596, and no
    more is sent than there are cycles. Minutes with a range of 8 bps, 2 orders and a band of 2 bps: (8 / 1.596 / 2)² =
    6.3 moves a minute, 754 actions an hour.
    """
    if follows is None:
        return 0.0
    if not candles:
        return None
    most = 60 / interval_s
    moves = 0.0
    for one in candles:
        sigma_bps = float((one.high - one.low) / one.close) * 10_000 / RANGE_OF_SIGMA
        moves += min(most, (sigma_bps / follows.band_bps) ** 2) if follows.band_bps else most
    return follows.orders * 60 * moves / len(candles)


def _hourly(journal: Journal, kind: str, markets: Sequence[str]) -> float | None:
    """Work out the order actions an hour for all these markets from their runs; None without a run to learn from."""
    lasted = [run for run in journal.runs(kind=kind) if (run.last_cycle_ms or 0) - run.started_ms >= LEAST_MS]
    if not lasted:
        return None
    total = 0.0
    for market in markets:
        run = next((one for one in reversed(lasted) if one.market == market), lasted[-1])
        counts = journal.count_actions(run.run_id)
        spent = counts["placed"] + counts["amended"] + counts["cancelled"]
        total += spent * HOUR_MS / ((run.last_cycle_ms or 0) - run.started_ms)
    return total
