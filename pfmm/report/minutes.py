"""One market of a report from its minute rows: the same figures as from its fills, without reading those. Pure.

A row is a minute: what a sampled moment shows is as of the last whole minute before it. The caller makes accounting's
EXACT the current decimal context. Layer: report.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from operator import sub

from pfmm.accounting.attribution import HORIZONS_S, SPLIT_HORIZON_S
from pfmm.accounting.edge import Sum, Tally
from pfmm.accounting.ledger import ZERO
from pfmm.accounting.minutes import MINUTE_MS, MinuteTable
from pfmm.model.ledger import ACCOUNT, Move
from pfmm.model.order import Fill
from pfmm.model.quick import quick
from pfmm.report.fold import Sample, Share
from pfmm.report.markouts import Judgement

FundingPart = tuple[int, str, Decimal]  # time in ms, owner, USD received


_OF_EACH_HORIZON = ("moved", "value", "gain", "maker_value", "maker_fills")
COLUMNS = (
    "first_seq", "last_seq", "fills", "bought", "bought_usd", "sold", "sold_usd", "fees", "rebates", "capture",
    "losing", "maker_orders", "maker_usd", "maker_fees", "exits", "exits_unknown", "exit_gain", "placed", "mid_age_ms",
    "held_usd_ms", "last_price", "last_ms",
    *(f"m{seconds}_{name}" for seconds in HORIZONS_S for name in _OF_EACH_HORIZON), "m30_fills",
)  # fmt: skip


@quick(frozen=True, slots=True)
class MinuteInputs:
    """What a market's figures are made from. `tables` are COLUMNS by owner; `prices` answers the last mid at or before
    a time, or the first; `fills_of` the account's fills of a minute between two running numbers, newest first. `moves`
    are what runs adopted."""

    tables: Mapping[str, MinuteTable]
    funding: Sequence[FundingPart]
    prices: Callable[[int], Decimal | None]
    fills_of: Callable[[int, int, int], Iterable[Fill]]
    moves: Sequence[Move] = ()


class MinuteMarket:
    """What the rows of ONE market come to, from the account's first fill on."""

    def __init__(self, inputs: MinuteInputs, sample_times: Sequence[int], *, start_ms: int, end_ms: int) -> None:
        self._inputs = inputs
        self.start_ms = start_ms
        self._account = inputs.tables.get(ACCOUNT) or MinuteTable(dict.fromkeys(("minute", *COLUMNS), ()))
        self.bought, self.sold = self._account.total("bought_usd"), self._account.total("sold_usd")
        self.net = self._account.total("bought") - self._account.total("sold")
        self._last_ms = max(self._account.column("last_ms"), default=start_ms)
        self._last_price = self._price_after_all()
        self.held_usd_ms = self._held_until_the_last_fill()
        if self._last_price is not None:
            self.held_usd_ms += abs(self.net) * self._last_price * max(end_ms - self._last_ms, 0)
        self.shares: dict[str, Share] = {}
        self.samples = self._sampled(sample_times, end_ms)

    def _held_until_the_last_fill(self) -> Decimal:
        """Sum |net position| * price * ms up to the last fill.

        Where fills were told late, minutes later than others of after them, it is summed up minute by minute: what was
        held by then was not known at the time.
        """
        table = self._account
        first, last = table.column("first_seq"), table.column("last_seq")
        if all(before < after for before, after in zip(last, first[1:], strict=False)):
            return table.total("held_usd_ms")
        held, net = ZERO, ZERO
        moved = map(sub, table.amounts("bought"), table.amounts("sold"))
        minutes, prices = table.column("minute"), table.amounts("last_price")
        for at, change in enumerate(moved):
            if at:
                held += abs(net) * prices[at - 1] * (minutes[at] - minutes[at - 1]) * MINUTE_MS
            net += change
        return held

    def _price_after_all(self) -> Decimal | None:
        """Return the price of the account's newest fill."""
        for last_ms, price in zip(self._account.column("last_ms"), self._account.column("last_price"), strict=True):
            if last_ms == self._last_ms:
                return Decimal(price)
        return None

    def price_at(self, time_ms: int) -> Decimal | None:
        """Return the last mid at or before a time.

        Without one, it is the first; without any, the last price of the account.
        """
        price = self._inputs.prices(time_ms)
        return self._last_price if price is None else price

    def matched(self) -> tuple[Decimal, Decimal]:
        """Return (cost, proceeds) in USD of the quantity that was both bought and sold, first in first matched.

        See `MarketFold.matched`. What the newest rows added is unmatched; where that begins the fills of a row tell.
        """
        table, is_long = self._account, self.net > 0
        side = "bought" if is_long else "sold"
        missing, unmatched = abs(self.net), ZERO
        for place in reversed(range(len(table))):
            size, value = Decimal(table.column(side)[place]), Decimal(table.column(f"{side}_usd")[place])
            if size > missing:
                unmatched += self._begun_in(place, missing, is_long=is_long)
                break
            unmatched += value
            missing -= size
        return (self.bought - unmatched, self.sold) if is_long else (self.bought, self.sold - unmatched)

    def _begun_in(self, place: int, missing: Decimal, *, is_long: bool) -> Decimal:
        """Work out the value of the last `missing` that a row's fills bought, or sold, USD."""
        table, value = self._account, ZERO
        minute, first, last = (table.column(name)[place] for name in ("minute", "first_seq", "last_seq"))
        for fill in self._inputs.fills_of(minute, first, last):
            if (fill.side.sign > 0) == is_long:
                taken = min(missing, fill.size)
                value += taken * fill.price
                missing -= taken
        return value

    def _sampled(self, times: Sequence[int], end_ms: int) -> list[Sample]:
        """Sample what was held and earned at each moment.

        It is taken by the whole minutes before the moment, and by everything at the end.
        """
        opening, mids = self.price_at(self.start_ms), [self.price_at(time_ms) for time_ms in times]
        sizes, earned, rebates = [ZERO] * len(times), [ZERO] * len(times), [ZERO] * len(times)
        funding: dict[str, list[FundingPart]] = {}
        for part in sorted(self._inputs.funding, key=lambda one: one[0]):
            funding.setdefault(part[1], []).append(part)
        for owner in dict.fromkeys((*self._inputs.tables, *funding)):
            if owner == ACCOUNT:
                continue
            held = _Grown(self._inputs.tables.get(owner), funding.get(owner, ()))
            for index, time_ms in enumerate(times):
                share = held.share(None if time_ms >= end_ms else time_ms)
                sizes[index] += share.size
                earned[index] += share.total(opening or ZERO, mids[index] or ZERO)
                rebates[index] += share.rebates
            self.shares[owner] = held.share(None)
        found = zip(times, sizes, mids, earned, rebates, strict=True)
        return [
            Sample(at, size, mid, pnl, back)
            for at, size, mid, pnl, back in found
            if mid is not None and opening is not None
        ]


class _Grown:
    """One owner's share as it grew minute by minute."""

    def __init__(self, table: MinuteTable | None, funding: Sequence[FundingPart]) -> None:
        self._minutes: Sequence[int] = () if table is None else table.column("minute")
        fills: Sequence[int] = () if table is None else table.column("fills")
        self._fills = list(accumulate(fills, initial=0))
        self._size = _grown(table, "bought", "sold")
        self._cash = _grown(table, "sold_usd", "bought_usd")
        self._fees = _grown(table, "fees", "rebates")
        rebates = () if table is None else table.amounts("rebates")
        self._rebates = list(accumulate(rebates, initial=ZERO))
        self._paid_ms = [part[0] for part in funding]
        self._funding = list(accumulate((part[2] for part in funding), initial=ZERO))

    def share(self, time_ms: int | None) -> Share:
        """Build the share by the last whole minute before a time, or at the end."""
        rows = len(self._minutes) if time_ms is None else bisect_right(self._minutes, time_ms // MINUTE_MS - 1)
        paid = len(self._paid_ms) if time_ms is None else bisect_right(self._paid_ms, time_ms)
        share = Share(counted=True)
        share.size, share.cash, share.fees = self._size[rows], self._cash[rows], self._fees[rows]
        share.fills, share.funding = self._fills[rows], self._funding[paid]
        share.rebates = self._rebates[rows]
        return share


def _grown(table: MinuteTable | None, plus: str, minus: str) -> list[Decimal]:
    """Sum the differences of two columns up to before each row, and of all."""
    if table is None:
        return [ZERO]
    return list(accumulate(map(sub, table.amounts(plus), table.amounts(minus)), initial=ZERO))


def judgement_of(tables: Mapping[str, MinuteTable]) -> Judgement:
    """Tell how the fills of the rows fared; capture and what moved adversely belong to their owners."""
    found = Judgement()
    for owner, table in tables.items():
        if owner != ACCOUNT:
            found.capture[owner] = table.total("capture")
            found.adverse[owner] = table.total(f"m{SPLIT_HORIZON_S}_moved")
            continue
        found.moved = [table.total(f"m{seconds}_moved") for seconds in HORIZONS_S]
        found.notional = [table.total(f"m{seconds}_value") for seconds in HORIZONS_S]
        found.judged, found.losing = sum(table.column("m30_fills")), sum(table.column("losing"))
        found.edge = tally_of(table)
    return found


def tally_of(table: MinuteTable) -> Tally:
    """Tally what the break-even fee follows from in the rows of one owner."""
    found, minutes = Tally(), table.column("minute")
    for index, seconds in enumerate(HORIZONS_S):
        fills = table.column(f"m{seconds}_maker_fills")
        sums = map(Sum, table.amounts(f"m{seconds}_gain"), table.amounts(f"m{seconds}_maker_value"))
        for minute, one, count in zip(minutes, sums, fills, strict=True):
            found.count(index, minute, one, count)
    for minute, count in zip(minutes, table.column("maker_orders"), strict=True):
        found.orders[minute] = found.orders.get(minute, 0) + count
    found.maker_usd, found.maker_fees = table.total("maker_usd"), table.total("maker_fees")
    found.exits, found.exits_unknown = sum(table.column("exits")), sum(table.column("exits_unknown"))
    found.exit_gain = table.total("exit_gain")
    found.placed, found.mid_age_ms = sum(table.column("placed")), sum(table.column("mid_age_ms"))
    return found
