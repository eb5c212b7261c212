"""Limits over the whole account: what all markets together may hold, its margin, and its losses. Pure.

Total and margin let nothing add risk; a loss from the peak or within a day trips the kill switch. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from pfmm.engine.risk import worst_usd
from pfmm.model.account import Account, Position
from pfmm.model.order import Side
from pfmm.model.peak import drawdown_pct
from pfmm.model.plan import OwnOrder
from pfmm.model.quick import quick
from pfmm.model.run import EquityReading
from pfmm.model.text import iso

DAY_MS = 86_400_000
MARGIN_LEAVES = Decimal("0.9")  # new risk again once margin is below this part of its limit

_ZERO = Decimal(0)


@quick(frozen=True, slots=True)
class AccountLimits:
    """What binds the account, None where nothing does: the worst notional of all markets together, USD; margin in use,
    percent of equity; the fall from the highest equity, percent; the loss of a day (UTC, venue time), USD."""

    max_total_usd: Decimal | None = None
    max_margin_pct: Decimal | None = None
    max_drawdown_pct: Decimal | None = None
    max_daily_loss_usd: Decimal | None = None

    @property
    def on_losses(self) -> bool:
        """True where a limit needs to know how equity went."""
        return self.max_drawdown_pct is not None or self.max_daily_loss_usd is not None


NO_LIMITS = AccountLimits()


def margin_problem(limits: AccountLimits, account: Account, *, over: bool) -> str | None:
    """Say why margin lets nothing add risk, or None.

    `over` says that it did not at the last look: then it must have fallen below nine tenths of the limit. Without
    equity any margin is too much.
    """
    limit = limits.max_margin_pct
    if limit is None:
        return None
    if account.equity <= 0:
        return f"no new risk: the account's equity is {account.equity:.2f} USD" if account.margin_used else None
    used = account.margin_used / account.equity * 100
    if used < (limit * MARGIN_LEAVES if over else limit):
        return None
    return f"no new risk: margin in use is {used:.1f} % of equity, limit {limit:f} %"


def room_of_total(
    limits: AccountLimits, market: str, positions: Iterable[Position], live: Mapping[str, Sequence[OwnOrder]]
) -> Decimal | None:
    """Return what the other markets leave of the total limit to one, USD; None without a limit.

    Each other market counts at its worst: 300 USD long with a bid of 50 resting leave 650 of 1,000.
    """
    if limits.max_total_usd is None:
        return None
    held = {position.market: position for position in positions}
    others = {name for name in (*held, *live) if name != market}
    used = sum((_worst(held.get(name), live.get(name, ())) for name in others), _ZERO)
    return max(limits.max_total_usd - used, _ZERO)


def _worst(position: Position | None, live: Sequence[OwnOrder]) -> Decimal:
    size, mark = (_ZERO, _ZERO) if position is None else (position.size, position.mark_price)

    def orders(side: Side) -> list[tuple[Decimal, Decimal]]:
        return [(order.remaining, order.price) for order in live if order.side is side]

    return max(worst_usd(size, side, orders(side), mark) for side in Side)


def loss_of_account(
    limits: AccountLimits, account: Account, peak: Decimal | None, day: EquityReading | None
) -> str | None:
    """Say why the account's losses trip the kill switch, or None.

    `peak` is the highest equity, restated to the money that is in the account now, and `day` the reading that the day
    began with: no deposit repairs a loss.
    """
    limit = limits.max_drawdown_pct
    if limit is not None and peak is not None:
        fallen = drawdown_pct(peak, account.equity)
        if fallen >= limit:
            return (
                f"drawdown: equity {account.equity:.2f} USD is {fallen:.2f} % below its peak of {peak:.2f}, limit "
                f"{limit:f} %"
            )
    most = limits.max_daily_loss_usd
    if most is None or day is None:
        return None
    given = (account.deposits or _ZERO) - (day.deposits or _ZERO) if account.deposits is not None else _ZERO
    lost = day.equity + (given if day.deposits is not None else _ZERO) - account.equity
    if lost < most:
        return None
    return f"daily loss: {lost:.2f} USD lost since {iso(day.time_ms)}, limit {most:f} USD"
