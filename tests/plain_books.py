"""Plain accounting of runs: every fill and payment sorted by time and folded at once, for the tests to compare with.

It says what books must say of a journal that learned everything in the order in which it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from pfmm.accounting.ledger import apply, funding_share, rounded
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import UNATTRIBUTED, LedgerState
from pfmm.model.order import Fill
from pfmm.model.run import JournalFill, Run


def ledgers_in_time(
    fills: Sequence[JournalFill], payments: Sequence[FundingPayment], ended: Sequence[Run]
) -> dict[str, LedgerState]:
    """The ledger of each owner on one market. A fill of no run after an ended run's last cycle closes what it left,
    oldest run first; one that reduces what all hold closes what running runs hold as well; a payment is split by the
    shares at its time."""
    ledgers: dict[str, LedgerState] = {}
    waiting = sorted(payments, key=lambda payment: payment.time_ms)
    for item in sorted(fills, key=lambda f: (f.fill.time_ms, f.seq)):
        while waiting and waiting[0].time_ms < item.fill.time_ms:
            _split(ledgers, waiting.pop(0))
        owned = [(item.run_id, item.fill)] if item.run_id is not None else _cut(item.fill, ledgers, ended)
        for owner, fill in owned:
            ledgers[owner] = apply(ledgers.get(owner, LedgerState()), fill)
    for payment in waiting:
        _split(ledgers, payment)
    return ledgers


def _cut(fill: Fill, ledgers: dict[str, LedgerState], ended: Sequence[Run]) -> list[tuple[str, Fill]]:
    since = {run.run_id: run.started_ms if run.last_cycle_ms is None else run.last_cycle_ms for run in ended}
    left = [run.run_id for run in sorted(ended, key=lambda run: run.number) if since[run.run_id] <= fill.time_ms]
    running = sorted(
        (one for one in ledgers if one != UNATTRIBUTED and one not in left), key=lambda one: (len(one), one)
    )
    sizes = {owner: ledger.size for owner, ledger in ledgers.items()}
    held = sum(sizes.values(), Decimal(0)) * -fill.side.sign
    if not any(sizes[one] for one in running) or held <= 0:
        return _one_by_one(fill, left, sizes)
    if fill.size < held:
        return _one_by_one(fill, [*left, UNATTRIBUTED, *running], sizes)
    return _everybody(fill, [*left, *running], sizes)


def _one_by_one(fill: Fill, owners: Sequence[str], sizes: dict[str, Decimal]) -> list[tuple[str, Fill]]:
    """What the fill closes of each, of which UNATTRIBUTED keeps its own, and the rest is UNATTRIBUTED."""
    parts: list[tuple[str, Fill]] = []
    rest, fee, still = fill.size, fill.fee, fill.size
    for owner in owners:
        closed = min(max(-sizes.get(owner, Decimal(0)) * fill.side.sign, Decimal(0)), still)
        still -= closed
        if closed and owner != UNATTRIBUTED:
            part = fee if closed == rest else rounded("fee", fee * closed / rest)
            parts.append((owner, replace(fill, size=closed, fee=part)))
            rest, fee = rest - closed, fee - part
    return [*parts, *([(UNATTRIBUTED, replace(fill, size=rest, fee=fee))] if rest else [])]


def _everybody(fill: Fill, owners: Sequence[str], sizes: dict[str, Decimal]) -> list[tuple[str, Fill]]:
    """Nobody holds anything after it; what is not the runs' is UNATTRIBUTED. The fee is of what lay with the net."""
    closed = {one: -sizes.get(one, Decimal(0)) * fill.side.sign for one in owners}
    base = fill.size + sum(abs(size) for size in sizes.values() if size * fill.side.sign > 0)
    parts, rest, fee = [], fill.size, fill.fee
    for owner, size in closed.items():
        part = fee if size == base else rounded("fee", fee * size / base)
        if size:
            side = fill.side if size > 0 else fill.side.opposite
            parts.append((owner, replace(fill, side=side, size=abs(size), fee=part if size > 0 else Decimal(0))))
        if size > 0:
            base, fee = base - size, fee - part
        rest -= size
    side = fill.side if rest > 0 else fill.side.opposite
    return [*parts, *([(UNATTRIBUTED, replace(fill, side=side, size=abs(rest), fee=fee))] if rest else [])]


def _split(ledgers: dict[str, LedgerState], payment: FundingPayment) -> None:
    shares = {owner: ledger.size for owner, ledger in ledgers.items() if ledger.size}
    shares = {owner: shares[owner] for owner in sorted(shares, key=lambda name: (len(name), name))}
    for owner, amount in funding_share(payment, shares or {UNATTRIBUTED: payment.size}).items():
        ledger = ledgers.get(owner, LedgerState())
        ledgers[owner] = replace(ledger, funding=ledger.funding + amount)
