"""Minute rows: what the fills of one owner on one market came to within one minute, and how they fared. Pure.

A row is closed when the mid at the last horizon after its fills is known; a report of a million fills reads rows. A
fill is judged by `attribution.assess`, in one place for every reader. Layer: accounting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from pfmm.accounting.attribution import HORIZONS_S, FillQuality
from pfmm.accounting.edge import Sum, Tally
from pfmm.accounting.ledger import EXACT, ZERO, rounded
from pfmm.model.order import Liquidity
from pfmm.model.run import JournalFill

MINUTE_MS = 60_000
CLOSED_AFTER_MS = MINUTE_MS + HORIZONS_S[-1] * 1_000  # counted from the minute's begin


@dataclass(slots=True)
class Horizon:
    """How the fills whose mids at one horizon are known fared: USD that the mid `moved` in their favour after them on
    USD of `value` (their size at the mid before them). Of these, what the `maker_fills` gained (captured + moved) on
    `maker_value` is what the break-even fee follows from: see `accounting.edge`.
    """

    moved: Decimal = ZERO
    value: Decimal = ZERO
    fills: int = 0
    gain: Decimal = ZERO
    maker_value: Decimal = ZERO
    maker_fills: int = 0


def _horizons() -> list[Horizon]:
    return [Horizon() for _ in HORIZONS_S]


@dataclass(slots=True)
class MinuteRow:
    """One minute of one owner on one market; owner ACCOUNT is everybody. Sizes in base units, the rest USD.

    `fees` were paid, `rebates` received (both >= 0). Of the fills whose mid after 30 s is known, `losing` have an edge
    below zero. `maker_orders` made fills of `maker_usd` for `maker_fees`; `exits` took, and earned `exit_gain` (capture
    - fee), but for `exits_unknown`. The mids before `placed` fills were `mid_age_ms` old, summed up. `held_usd_ms` is
    |net position| * price * ms up to the last fill; `net` and `last_price` are those after it."""

    market: str
    owner: str
    minute: int
    first_seq: int = 0
    last_seq: int = 0
    fills: int = 0
    orders: int = 0
    bought: Decimal = ZERO
    bought_usd: Decimal = ZERO
    sold: Decimal = ZERO
    sold_usd: Decimal = ZERO
    fees: Decimal = ZERO
    rebates: Decimal = ZERO
    capture: Decimal = ZERO
    losing: int = 0
    maker_orders: int = 0
    maker_usd: Decimal = ZERO
    maker_fees: Decimal = ZERO
    exits: int = 0
    exits_unknown: int = 0
    exit_gain: Decimal = ZERO
    placed: int = 0
    mid_age_ms: int = 0
    held_usd_ms: Decimal = ZERO
    net: Decimal = ZERO
    last_price: Decimal = ZERO
    last_ms: int = 0
    horizons: list[Horizon] = field(default_factory=_horizons)

    @property
    def key(self) -> tuple[str, str, int]:
        return self.market, self.owner, self.minute


class MinuteTable:
    """Some columns of the rows of one owner on one market, in the order of minutes; amounts may still be text."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns["minute"])

    def column(self, name: str) -> Sequence[Any]:
        """Return a column as it is: of whole numbers or floats."""
        return self._columns[name]

    def amounts(self, name: str) -> list[Decimal]:
        """Return a column of amounts."""
        return list(map(Decimal, self._columns[name]))

    def total(self, name: str) -> Decimal:
        """Sum a column of amounts."""
        return sum(map(Decimal, self._columns[name]), ZERO)


class MinuteFold:
    """Folds judged fills, in the journal's order, into rows. `latest` is the last row of each (market, owner)."""

    def __init__(self, latest: dict[tuple[str, str], MinuteRow]) -> None:
        self.rows: dict[tuple[str, str, int], MinuteRow] = {}
        self._latest = latest
        self._orders: dict[tuple[str, str, int], tuple[set[str], set[str]]] = {}

    def add(self, owner: str, item: JournalFill, quality: FillQuality) -> None:
        """Count one fill, or the owner's part of it, into its row."""
        with localcontext(EXACT):
            self._add(owner, item, quality)

    def resume(self, row: MinuteRow, orders: Iterable[str], makers: Iterable[str]) -> None:
        """Go on with a stored row for a fill that came late; the row counts some orders already, and some of them as
        makers."""
        self.rows[row.key] = row
        self._orders[row.key] = set(orders), set(makers)

    def _add(self, owner: str, item: JournalFill, quality: FillQuality) -> None:
        fill, value = item.fill, item.fill.price * item.fill.size
        key = (fill.market, owner, fill.time_ms // MINUTE_MS)
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = MinuteRow(*key, first_seq=item.seq)
        before = self._latest.get(key[:2])
        if before is not None:
            row.net, row.last_price, row.last_ms = before.net, before.last_price, before.last_ms
            row.held_usd_ms += abs(row.net) * row.last_price * max(fill.time_ms - row.last_ms, 0)
        self._latest[key[:2]] = row
        row.net += fill.signed_size
        row.last_price, row.last_ms, row.last_seq = fill.price, max(fill.time_ms, row.last_ms), item.seq
        row.fills += 1
        if fill.side.sign > 0:
            row.bought += fill.size
            row.bought_usd += value
        else:
            row.sold += fill.size
            row.sold_usd += value
        fee = rounded("fee", fill.fee)
        row.fees += max(fee, ZERO)
        row.rebates += max(-fee, ZERO)
        self._judge(row, item, quality, value)

    def _judge(self, row: MinuteRow, item: JournalFill, quality: FillQuality, value: Decimal) -> None:
        is_maker = item.fill.liquidity is Liquidity.MAKER
        orders, makers = self._orders.setdefault(row.key, (set(), set()))
        row.orders += item.fill.order_id not in orders
        orders.add(item.fill.order_id)
        if is_maker:
            row.maker_orders += item.fill.order_id not in makers
            makers.add(item.fill.order_id)
            row.maker_usd += value
            row.maker_fees += rounded("fee", item.fill.fee)
        else:
            row.exits += 1
        if quality.mid is None or quality.capture is None or quality.mid_age_ms is None:
            row.exits_unknown += not is_maker
            return
        row.placed += 1
        row.mid_age_ms += quality.mid_age_ms
        row.capture += quality.capture
        if not is_maker:
            row.exit_gain += quality.capture - item.fill.fee
        at_mid = quality.mid * item.fill.size
        for horizon, moved in zip(row.horizons, quality.markouts, strict=True):
            if moved is None:
                continue
            horizon.moved += moved
            horizon.value += at_mid
            horizon.fills += 1
            if is_maker:
                horizon.gain += quality.capture + moved
                horizon.maker_value += at_mid
                horizon.maker_fills += 1
        edge = quality.edge
        row.losing += edge is not None and edge < 0


def tally_of_rows(rows: Iterable[MinuteRow]) -> Tally:
    """Tally what the break-even fee follows from in some rows of one market."""
    found = Tally()
    with localcontext(EXACT):
        for row in rows:
            for index, horizon in enumerate(row.horizons):
                found.count(index, row.minute, Sum(horizon.gain, horizon.maker_value), horizon.maker_fills)
            found.orders[row.minute] = found.orders.get(row.minute, 0) + row.maker_orders
            found.maker_usd += row.maker_usd
            found.maker_fees += row.maker_fees
            found.exits += row.exits
            found.exits_unknown += row.exits_unknown
            found.exit_gain += row.exit_gain
            found.placed += row.placed
            found.mid_age_ms += row.mid_age_ms
    return found


def closed_through(items: Iterable[JournalFill], seen_ms: int) -> list[JournalFill]:
    """Take the fills, from the first on, up to the first whose minute is still open at `seen_ms`. A minute closes 360 s
    after its begin: 300 s after its last possible fill the last mid is known."""
    found = []
    for item in items:
        if item.fill.time_ms // MINUTE_MS * MINUTE_MS + CLOSED_AFTER_MS > seen_ms:
            break
        found.append(item)
    return found
