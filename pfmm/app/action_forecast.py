"""How long a venue's action budget lasts for what a start would run; refuses a plan that empties it. Layer: app.

Some venues count every order action of an account and grant new ones for what it trades. What a plan spends is taken
from the account's own journal: the newest run of that strategy that lasted 10 minutes, on that market or else on any.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pfmm.errors import RiskRefused

if TYPE_CHECKING:
    from pfmm.journal.journal import Journal
    from pfmm.model.account import ActionsLeft

HOUR_MS = 3_600_000
LEAST_MS = 600_000
LEAST_HOURS = 24


def forecast(
    left: ActionsLeft | None, journal: Journal | None, kind: str, markets: Sequence[str], interval_s: float
) -> str | None:
    """What to tell of the budget before a start, None where the venue counts no actions.

    Raises RiskRefused where the plan would empty it within 24 hours: 4,500 to spend at 500 an hour, of which trading
    earns 100 back, last 4,500 / 400 = 11 hours.
    """
    if left is None:
        return None
    hourly = None if journal is None else _hourly(journal, kind, markets)
    if hourly is None:
        return f"{left.usable} order actions left; what a {kind} spends here is not known until it has run 10 minutes"
    net = hourly * (1 - min(left.earned_by_each, 1.0))
    hours = left.usable / net if net > 0 else float("inf")
    told = f"{left.usable} order actions left, about {hourly:.0f} an hour spent and {hourly - net:.0f} earned"
    if hours >= LEAST_HOURS:
        return told
    raise RiskRefused(
        f"{told}: they would be spent in {hours:.1f} hours; nothing was sent",
        hint=f"a longer interval spends fewer: --interval {interval_s * LEAST_HOURS / max(hours, 0.1):.0f}",
    )


def _hourly(journal: Journal, kind: str, markets: Sequence[str]) -> float | None:
    """Order actions an hour for all these markets, None without a run to learn from."""
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
