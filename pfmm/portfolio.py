"""Each run's own share of the account: the fold of the journal's fills and funding into one ledger a run.

Start-up, status and report use this same fold. Reads the journal, never the venue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from pfmm.accounting.ledger import LedgerState, apply, funding_share
from pfmm.model.account import FundingPayment
from pfmm.ports import Journal

UNATTRIBUTED = ""


def run_ledgers(journal: Journal, market: str, *, through_seq: int | None = None) -> Mapping[str, LedgerState]:
    """The ledger of every run on `market`, by run id; fills of orders that pfmm did not place are UNATTRIBUTED.

    Fills numbered above `through_seq` are left out: who folds one by one must not get them twice. A funding payment
    is split in proportion to each run's signed share at its settlement, exactly.
    """
    ledgers: dict[str, LedgerState] = {}
    waiting = sorted(journal.funding(market=market), key=lambda payment: payment.time_ms)
    fills = (f for f in journal.fills(market=market) if through_seq is None or f.seq <= through_seq)
    for item in sorted(fills, key=lambda f: (f.fill.time_ms, f.seq)):
        while waiting and waiting[0].time_ms < item.fill.time_ms:
            _split(ledgers, waiting.pop(0))
        owner = item.run_id or UNATTRIBUTED
        ledgers[owner] = apply(ledgers.get(owner, LedgerState()), item.fill)
    for payment in waiting:
        _split(ledgers, payment)
    return ledgers


def _split(ledgers: dict[str, LedgerState], payment: FundingPayment) -> None:
    shares = {owner: ledger.size for owner, ledger in ledgers.items() if ledger.size}
    if not shares:
        shares = {UNATTRIBUTED: payment.size}
    for owner, amount in funding_share(payment, shares).items():
        ledger = ledgers.get(owner, LedgerState())
        ledgers[owner] = replace(ledger, funding=ledger.funding + amount)


def profit(ledger: LedgerState, unrealized: Decimal) -> Decimal:
    """realised + unrealised - fees + funding, USD: 4 + 1 - 0.5 + 0.25 = 4.75."""
    return ledger.realized + unrealized - ledger.fees + ledger.funding
