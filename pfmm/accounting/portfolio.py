"""Each run's own share of the account: the fold of the journal's fills and funding into one ledger a run.

Start-up, status and report use this same fold. Reads the journal, never the venue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pfmm.accounting.ledger import ZERO, LedgerState, apply, funding_share, rounded
from pfmm.model.account import FundingPayment
from pfmm.model.order import Fill
from pfmm.model.run import JournalFill, Run
from pfmm.ports import Journal

UNATTRIBUTED = ""


def run_ledgers(journal: Journal, market: str, *, through_seq: int | None = None) -> Mapping[str, LedgerState]:
    """The ledger of every run on `market`, by run id; fills of orders of no run are UNATTRIBUTED.

    What an ended run left open is in nobody's care: a fill of no run (flatten's, a user's own) that reduces it after
    the run's last cycle closes it there, oldest run first. Long 3 left by run 1 and a foreign sale of 5: run 1 is
    flat, and 2 short are UNATTRIBUTED. Fills numbered above `through_seq` are left out: who folds one by one must not
    get them twice. A funding payment is split in proportion to each run's signed share at its settlement, exactly.
    """
    ledgers: dict[str, LedgerState] = {}
    ended = journal.runs(market=market, ended=True)
    waiting = sorted(journal.funding(market=market), key=lambda payment: payment.time_ms)
    fills = (f for f in journal.fills(market=market) if through_seq is None or f.seq <= through_seq)
    for item in sorted(fills, key=lambda f: (f.fill.time_ms, f.seq)):
        while waiting and waiting[0].time_ms < item.fill.time_ms:
            _split(ledgers, waiting.pop(0))
        for owner, fill in _owners(item, ledgers, ended):
            ledgers[owner] = apply(ledgers.get(owner, LedgerState()), fill)
    for payment in waiting:
        _split(ledgers, payment)
    return ledgers


def _owners(item: JournalFill, ledgers: Mapping[str, LedgerState], ended: Sequence[Run]) -> Sequence[tuple[str, Fill]]:
    """Whose fill it is; one of no run is cut into what it closes of ended runs and the rest."""
    if item.run_id is not None:
        return [(item.run_id, item.fill)]
    return parts_of(item.fill, {owner: ledger.size for owner, ledger in ledgers.items()}, ended)


def parts_of(fill: Fill, sizes: Mapping[str, Decimal], ended: Sequence[Run]) -> tuple[tuple[str, Fill], ...]:
    """A fill of no run, cut into what it closes of the `sizes` that `ended` runs hold, and the rest: `run_ledgers`."""
    parts: list[tuple[str, Fill]] = []
    left = fill
    for run in sorted(ended, key=lambda run: run.number):
        size = sizes.get(run.run_id, ZERO)
        since_ms = run.started_ms if run.last_cycle_ms is None else run.last_cycle_ms
        if size * left.side.sign >= 0 or left.time_ms < since_ms:
            continue
        if abs(size) >= left.size:
            return (*parts, (run.run_id, left))
        fee = rounded("fee", left.fee * abs(size) / left.size)
        parts.append((run.run_id, replace(left, size=abs(size), fee=fee)))
        left = replace(left, size=left.size - abs(size), fee=left.fee - fee)
    return (*parts, (UNATTRIBUTED, left))


def _split(ledgers: dict[str, LedgerState], payment: FundingPayment) -> None:
    shares = {owner: ledger.size for owner, ledger in ledgers.items() if ledger.size}
    if not shares:
        shares = {UNATTRIBUTED: payment.size}
    for owner, amount in funding_share(payment, shares).items():
        ledger = ledgers.get(owner, LedgerState())
        ledgers[owner] = replace(ledger, funding=ledger.funding + amount)
