"""The canonical form of a journal: what happened, without what differs between two runs of the same thing.

Left out: process ids, wall times, cursors and nonces. Run ids, client order ids, order ids, fill ids and payment ids
become running ordinals. It reads a journal and writes nothing. Layer: journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pfmm.journal.queries import JournalReads
from pfmm.journal.schema import decimal_text, optional_text
from pfmm.model.account import FundingPayment
from pfmm.model.plan import OwnOrder
from pfmm.model.run import JournalFill, Run


class _Ordinals:
    """Names ids in the order in which they first appear: "order-1", "order-2"."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def name(self, family: str, identifier: str | None) -> str | None:
        if identifier is None:
            return None
        if identifier not in self._names:
            self._counts[family] = self._counts.get(family, 0) + 1
            self._names[identifier] = f"{family}-{self._counts[family]}"
        return self._names[identifier]

    def rename(self, value: Any) -> Any:
        """Return `value` with every string that is a known id replaced, however deep; keys included."""
        if isinstance(value, str):
            return self._names.get(value, value)
        if isinstance(value, list):
            return [self.rename(item) for item in value]
        if isinstance(value, dict):
            return {self.rename(key): self.rename(item) for key, item in value.items()}
        return value


def canonical(journal: JournalReads) -> Iterator[dict[str, Any]]:
    """Yield the records of the journal in a fixed order, JSON-ready: money as plain text, times as venue ms."""
    names = _Ordinals()
    runs = journal.runs()
    for run in runs:
        names.name("run", run.run_id)
    orders = [order for run in runs for order in journal.orders(run_id=run.run_id)]
    for order in orders:
        names.name("client-order", order.client_order_id)
        names.name("order", order.order_id)
    yield {"record": "journal", "schema": 1, "venue": journal.venue, "account": journal.account}
    for run in runs:
        yield _run(run, names) | {"actions": journal.count_actions(run.run_id)}
    for order in orders:
        yield _order(order, names)
    for entry in journal.fills():
        yield _fill(entry, names)
    for number, payment in enumerate(journal.funding(), start=1):
        yield _funding(payment, number)
    for market in journal.markets_with_mids():
        for time_ms, mid in journal.mids(market):
            yield {"record": "mid", "market": market, "time_ms": time_ms, "mid": decimal_text("mid", mid)}
    for reading in journal.equity_readings():
        yield {
            "record": "equity",
            "time_ms": reading.time_ms,
            "equity": decimal_text("equity", reading.equity),
            "deposits": optional_text("deposits", reading.deposits),
        }


def _run(run: Run, names: _Ordinals) -> dict[str, Any]:
    return {
        "record": "run",
        "run": names.name("run", run.run_id),
        "kind": run.kind,
        "market": run.market,
        "config": names.rename(run.config),
        "status": run.status,
        "started_ms": run.started_ms,
        "last_cycle_ms": run.last_cycle_ms,
        "memory": names.rename(run.memory),
        "folded_through": run.folded_through,
        "stop_reason": run.stop_reason,
        "ended_ms": run.ended_ms,
        "last_mid": optional_text("last_mid", run.last_mid),
    }


def _order(order: OwnOrder, names: _Ordinals) -> dict[str, Any]:
    return {
        "record": "order",
        "client_order": names.name("client-order", order.client_order_id),
        "order": names.name("order", order.order_id),
        "run": names.name("run", order.run_id),
        "market": order.market,
        "slot": order.slot,
        "side": order.side.value,
        "price": decimal_text("price", order.price),
        "size": decimal_text("size", order.size),
        "filled": decimal_text("filled", order.filled),
        "status": order.status.value,
        "reduce_only": order.reduce_only,
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
        "valid_until_ms": order.valid_until_ms,
        "amend_price": optional_text("amend_price", order.amend_price),
        "amend_size": optional_text("amend_size", order.amend_size),
    }


def _fill(entry: JournalFill, names: _Ordinals) -> dict[str, Any]:
    fill = entry.fill
    return {
        "record": "fill",
        "seq": entry.seq,
        "run": names.name("run", entry.run_id),
        "slot": entry.slot,
        "order": names.name("order", fill.order_id),
        "client_order": names.name("client-order", fill.client_order_id),
        "market": fill.market,
        "side": fill.side.value,
        "price": decimal_text("price", fill.price),
        "size": decimal_text("size", fill.size),
        "fee": decimal_text("fee", fill.fee),
        "liquidity": fill.liquidity.value,
        "time_ms": fill.time_ms,
        "liquidation": fill.liquidation,
    }


def _funding(payment: FundingPayment, number: int) -> dict[str, Any]:
    return {
        "record": "funding",
        "seq": number,
        "market": payment.market,
        "time_ms": payment.time_ms,
        "rate": decimal_text("rate", payment.rate),
        "price": decimal_text("price", payment.price),
        "size": decimal_text("size", payment.size),
        "amount": decimal_text("amount", payment.amount),
    }
