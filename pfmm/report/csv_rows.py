"""Fills with what each of them earned, as CSV. It writes to the stream that it is given and reads nothing.

Layer: report.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TextIO

from pfmm.accounting.attribution import BPS, HORIZONS_S, FillQuality, assess, ratio
from pfmm.model.order import Fill
from pfmm.model.text import cell
from pfmm.report.inputs import MidSeries

COLUMNS = (
    "time", "market", "strategy", "run_id", "slot", "fill_id", "order_id", "client_order_id", "side", "liquidity",
    "price", "size", "notional", "fee", "mid", "capture", *(f"markout_{seconds}s" for seconds in HORIZONS_S),
    "edge", "edge_bps",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CsvFill:
    """A fill with the strategy, run and slot that it belongs to."""

    fill: Fill
    strategy: str
    run_id: str | None
    slot: str | None


def write_csv(out: TextIO, fills: Iterable[CsvFill], mids: Mapping[str, MidSeries], iso: Callable[[int], str]) -> int:
    """Write a header and one line a fill, market after market; return how many fills.

    Amounts are USD and plain decimals, `size` base units; an empty field is what the mids do not tell.
    """
    by_market: dict[str, list[CsvFill]] = {}
    for one in fills:
        by_market.setdefault(one.fill.market, []).append(one)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for market, found in sorted(by_market.items()):
        series = mids.get(market, MidSeries())
        pairs = list(zip(series.times, map(Decimal, series.values), strict=True))
        for one, quality in zip(found, assess([one.fill for one in found], pairs), strict=True):
            writer.writerow(_row(one, quality, iso))
            count += 1
    return count


def _row(one: CsvFill, quality: FillQuality, iso: Callable[[int], str]) -> list[str]:
    fill, edge = one.fill, quality.edge
    notional = fill.price * fill.size
    words = [iso(fill.time_ms), fill.market, one.strategy, one.run_id or "", one.slot or "", fill.fill_id]
    words += [fill.order_id, fill.client_order_id or "", fill.side.value, fill.liquidity.value]
    amounts = [fill.price, fill.size, notional, fill.fee, quality.mid, quality.capture, *quality.markouts, edge]
    amounts.append(None if edge is None else ratio(edge, notional, BPS))
    return [cell(word) for word in words] + [_text(amount) for amount in amounts]


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else format(amount, "f")
