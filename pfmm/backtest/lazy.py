"""The engine with a shortcut that changes nothing: a decision that is proved to be a no-op is only noted.

Three proofs. `stays` asks the strategy whether what rests would surely stay as it is. `glance` lets the strategy decide
on the same data and compares: no order action, so the rest of the cycle could do nothing. `quiet_band` asks the
strategy for the prices between which it would want the same orders. Layer: backtest.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pfmm.engine.account_limits import NO_LIMITS
from pfmm.engine.approval import within_limit
from pfmm.engine.engine import Engine
from pfmm.engine.report import MarketSnapshot
from pfmm.engine.risk import MAX_JUMP, loss_problem
from pfmm.model.account import Snapshot
from pfmm.model.cycle import CycleReport
from pfmm.model.plan import Decision, MarketView, OwnOrder, OwnStatus, Plan
from pfmm.strategy.quiet import Look, QuietBand, Standing, standing_of

_FAR = float(MAX_JUMP) * 0.9  # a mid further than that from the last one may be a jump
_CLOSE = MAX_JUMP * Decimal("0.45")  # two mids this close to a third are never a jump from each other


class LazyEngine(Engine):
    """One run, decided as by Engine. Between full cycles nothing may have happened to the account."""

    _settled = False
    _resting: tuple[OwnOrder, ...] = ()
    _view_seen: MarketView | None = None
    _standing: Standing | None = None
    _passed_mid: float | None = None  # of the last look that stayed, which `pass_over` has not told of yet

    def cycle(self, *, send: bool = True) -> CycleReport:
        """Run one whole cycle; see Engine."""
        report = super().cycle(send=send)
        (run,) = report.runs
        self._resting = run.orders
        self._settled = not [o for o in run.orders if o.status is not OwnStatus.OPEN or o.amend_size is not None]
        self._view_seen = self._standing = self._passed_mid = None
        return report

    @property
    def settled(self) -> bool:
        """True when every live order is proved to rest, so that a cycle without news would settle nothing."""
        return self._settled

    def stays(self, look: Look) -> bool:
        """Tell whether a decision on `look` is surely a no-op; then the strategy's state is that after it.

        False, with nothing changed, where the strategy cannot tell without deciding.
        """
        (active,) = self._runs
        tell: Any = getattr(active.spec.strategy, "stays", None)
        last, limits = active.last_mid, active.spec.limits
        if tell is None or not self._settled or active.state is None or last is None or active.problem is not None:
            return False
        if self._passed_mid is None:
            self._passed_mid = float(last)
        if active.nudges or active.refused or active.apart is not None or limits.max_loss_usd is not None:
            return False
        if abs(look.mid - self._passed_mid) >= _FAR * self._passed_mid:
            return False
        if self._standing is None:
            self._standing = standing_of(
                active.instrument, active.ledger.size, limits.max_inventory_usd, limits.tolerance, self._resting
            )
        state = tell(active.state, look, self._standing)
        if state is None:
            return False
        active.state, self._view_seen, self._passed_mid = state, None, look.mid
        return True

    def glance(self, snapshot: Snapshot) -> bool:
        """Decide on `snapshot` (the last one, with the ticker and time of now) and note it; False, with nothing noted,
        where a whole cycle is needed."""
        (active,) = self._runs
        if not self._settled or active.run is None or active.state is None:
            return False
        if self._account.limits != NO_LIMITS:
            return False  # how equity went, and margin, show in whole cycles alone
        before = (active.last_mid, active.last_cycle_ms, active.problem, active.guards, active.no_new_risk)
        self._passed_mid = None
        seen = MarketSnapshot(snapshot)
        view, active.problem = active.view(seen)
        if view is not None and active.problem is None and before[2] is None and active.no_new_risk is None:
            limits = active.spec.limits
            if loss_problem(view.run_pnl_usd, limits.max_loss_usd) is None:
                state, decision = active.decided(view)
                plan = self._wanted_changes(decision, seen.now_ms)
                allowed = within_limit(active, plan, self._resting, seen, replaces=self._replaces)
                if not decision.close and not allowed.changes:
                    # what the limit holds back today it may let through at another price: that is never quiet
                    active.state, self._view_seen = state, None if plan.changes else view
                    return True
        active.last_mid, active.last_cycle_ms, active.problem, active.guards, active.no_new_risk = before
        return False

    def _wanted_changes(self, decision: Decision, now_ms: int) -> Plan:
        (active,) = self._runs
        return self._plan(active, active.sendable(decision), None, self._resting, now_ms)

    def quiet_band(self) -> QuietBand | None:
        """Return the quotes within which every further decision is a no-op, while nothing happens to the account.

        None unless the last decision was a glance and the strategy can tell.
        """
        (active,) = self._runs
        view = self._view_seen
        tell: Any = getattr(active.spec.strategy, "quiet", None)
        if view is None or tell is None:
            return None
        band: QuietBand | None = tell(active.state, view)
        mid = view.ticker.mid
        if band is None or mid is None:
            return None
        band = band.within(QuietBand(bid_above=mid * (1 - _CLOSE), ask_below=mid * (1 + _CLOSE)))
        limit = active.spec.limits.max_loss_usd
        if limit is None or not active.ledger.size:
            return band
        ledger = active.ledger
        basis = ledger.cost_basis if ledger.size > 0 else -ledger.cost_basis
        stop = (basis - limit - ledger.realized + ledger.fees - ledger.funding) / ledger.size
        tick = active.instrument.price_rule.tick_at(mid)
        # the mark is the mid, rounded to a price unit: beyond the stop only when bid or ask is, give or take a tick
        if ledger.size > 0:
            return band.within(QuietBand(bid_above=stop + tick))
        return band.within(QuietBand(ask_below=stop - tick))

    def pass_over(self, time_ms: int, mid: Decimal) -> None:
        """Note that decisions up to `time_ms`, where the mid was `mid`, were no-ops."""
        (active,) = self._runs
        active.last_mid, active.last_cycle_ms, self._passed_mid = mid, time_ms, None
