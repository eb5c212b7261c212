"""The limits of the account in one engine: what they say of the cycle's look. Reads the journal. Layer: engine."""

from __future__ import annotations

from dataclasses import dataclass

from pfmm.engine.account_limits import DAY_MS, AccountLimits, loss_of_account, margin_problem
from pfmm.engine.guards import LEAVE_MS
from pfmm.engine.report import MarketSnapshot
from pfmm.ports import Journal


@dataclass(slots=True)
class AccountGuard:
    """`no_new_risk` says why nothing may add risk, None where it may."""

    limits: AccountLimits
    _journal: Journal
    no_new_risk: str | None = None
    _below_ms: int | None = None

    def look(self, seen: MarketSnapshot) -> None:
        """Judge the margin of a new look at the venue.

        Too much is left behind after LEAVE_MS below: where resting orders bind margin too, what cancels them would else
        bring them back at once.
        """
        account, over = seen.snapshot.account, self.no_new_risk is not None
        found = margin_problem(self.limits, account, over=over)
        if found is None and over:
            self._below_ms = seen.now_ms if self._below_ms is None else self._below_ms
            if seen.now_ms - self._below_ms < LEAVE_MS:
                return
        self.no_new_risk, self._below_ms = found, None

    def lost(self, seen: MarketSnapshot) -> str | None:
        """Say why the account's losses trip the kill switch, or None; for looks whose data can be trusted."""
        if not self.limits.on_losses:
            return None
        day = self._journal.equity_from(seen.now_ms - seen.now_ms % DAY_MS)
        return loss_of_account(self.limits, seen.snapshot.account, self._journal.limit_peak(), day)
