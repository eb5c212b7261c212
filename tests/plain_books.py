"""Plain accounting of runs: every fill and payment sorted by time and folded at once, for the tests to compare with.

It says what books must say of a journal that learned everything in the order in which it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pfmm.accounting.ledger import apply, funding_share, rounded
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import UNATTRIBUTED, LedgerState
from pfmm.model.order import Fill
from pfmm.model.run import JournalFill, Run


def ledgers_in_time(
    fills: Sequence[JournalFill], payments: Sequence[FundingPayment], ended: Sequence[Run]
) -> dict[str, LedgerState]:
    """The ledger of each owner on one market. A fill of no run after an ended run's last cycle closes what it left,
    oldest run first; a payment is split by the shares at its time."""
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
    parts: list[tuple[str, Fill]] = []
    left = fill
    for run in sorted(ended, key=lambda run: run.number):
        size = ledgers.get(run.run_id, LedgerState()).size
        since_ms = run.started_ms if run.last_cycle_ms is None else run.last_cycle_ms
        if size * left.side.sign >= 0 or left.time_ms < since_ms:
            continue
        if abs(size) >= left.size:
            return [*parts, (run.run_id, left)]
        fee = rounded("fee", left.fee * abs(size) / left.size)
        parts.append((run.run_id, replace(left, size=abs(size), fee=fee)))
        left = replace(left, size=left.size - abs(size), fee=left.fee - fee)
    return [*parts, (UNATTRIBUTED, left)]


def _split(ledgers: dict[str, LedgerState], payment: FundingPayment) -> None:
    shares = {owner: ledger.size for owner, ledger in ledgers.items() if ledger.size}
    shares = {owner: shares[owner] for owner in sorted(shares, key=lambda name: (len(name), name))}
    for owner, amount in funding_share(payment, shares or {UNATTRIBUTED: payment.size}).items():
        ledger = ledgers.get(owner, LedgerState())
        ledgers[owner] = replace(ledger, funding=ledger.funding + amount)
