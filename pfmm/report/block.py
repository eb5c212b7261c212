"""The columns that a report works on: fills of one market beside each other, and the mids to judge them by. Pure.

A report has a few seconds for a million fills. Amounts are therefore ints, in units of the last decimal that occurs,
as exact as Decimals and several times as fast. The caller makes accounting's EXACT the current decimal context.
Layer: report.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import compress, islice, pairwise, repeat
from operator import itemgetter, mul, sub
from typing import cast

from pfmm.accounting.ledger import UNIT, ZERO
from pfmm.model.order import Side
from pfmm.model.quick import quick
from pfmm.report.inputs import MAKER, FillRow, MidSeries, OutOfOrder

CHUNK_ROWS = 500  # with as many rows in the journal's pages; 4,000 of 2,000 took a quarter longer
NEVER = 1 << 62
LONG = Side.LONG.value
NO_FEE = ZERO.quantize(UNIT)


def exact(units: int, decimals: int) -> Decimal:
    """Return the amount that so many units of the last decimal make: 19980 units of 2 decimals are 199.80."""
    return Decimal(units).scaleb(-decimals)


def decimals_of(amount: Decimal) -> int:
    """Count how many decimals an amount has: 0.50 has 2, 1E+2 none."""
    return max(0, -int(amount.as_tuple().exponent))


def in_units(amounts: Sequence[str | Decimal]) -> tuple[list[int], int]:
    """Return the amounts in units of their last decimal, and how many decimals that is.

    99.9 and 2 are 999 and 20 at 1.
    """
    try:
        first = str(amounts[0])
        decimals = len(first) - first.index(".") - 1
        # most columns have their points above each other: then the digits alone are the amounts
        if set(map(itemgetter(-1 - decimals), cast(Sequence[str], amounts))) == {"."}:
            return [int(text.replace(".", "")) for text in cast(Sequence[str], amounts)], decimals
    except (IndexError, TypeError, ValueError):  # no amounts, Decimals, or points elsewhere
        pass
    values = list(map(Decimal, amounts))
    # x - x is a zero as fine as x, and a sum is as fine as its finest part
    decimals = decimals_of(sum(map(sub, values, values), ZERO))
    return list(map(int, map(mul, values, repeat(10**decimals)))), decimals


def _finer(units: list[int], decimals: int, wanted: int) -> list[int]:
    return units if wanted == decimals else list(map(mul, units, repeat(10 ** (wanted - decimals))))


def _once(owners: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(owners))


@quick(frozen=True, slots=True)
class Scale:
    """How many decimals the amounts of a block have; a value has those of a price and a size together."""

    price: int
    size: int
    fee: int = 0

    @property
    def value(self) -> int:
        """99.9 * 0.25 = 24.975: 1 and 2 make 3."""
        return self.price + self.size


@quick(frozen=True, slots=True)
class Block:
    """Fills of one market in time order, a column each, in units of `scale`: `sizes` in base units and `values` in
    USD are negative for sales, `fees` positive where paid. Selling 1 at 100.3 for a rebate of 0.02: -1, -1003, -2.
    `makers` says which fills made; `present` is each of the owners once, by first fill."""

    scale: Scale
    present: tuple[str, ...]
    times: Sequence[int]
    owners: Sequence[str]
    prices: Sequence[int]
    sizes: Sequence[int]
    values: Sequence[int]
    fees: Sequence[int]
    order_ids: Sequence[str]
    makers: Sequence[bool]

    @classmethod
    def read(cls, rows: Sequence[FillRow], at_least: Scale) -> Block:
        """Read the columns of at least one row, with no fewer decimals of price and size than `at_least`."""
        times, _, owners, sides, price_given, size_given, fee_given, order_ids, liquidity = zip(*rows, strict=True)
        prices, price_decimals = in_units(price_given)
        sizes, size_decimals = in_units(size_given)
        fees, fee_decimals = in_units(fee_given)
        scale = Scale(max(price_decimals, at_least.price), max(size_decimals, at_least.size), fee_decimals)
        prices = _finer(prices, price_decimals, scale.price)
        sizes = _finer(sizes, size_decimals, scale.size)
        sizes = [size if side == LONG else -size for side, size in zip(sides, sizes, strict=True)]
        values = list(map(mul, prices, sizes))
        makers = [one == MAKER for one in liquidity]
        return cls(scale, _once(owners), times, owners, prices, sizes, values, fees, order_ids, makers)

    def __len__(self) -> int:
        return len(self.times)

    def by_owner(self, wanted: Container[str] | None) -> Iterator[tuple[str, Block]]:
        """Yield the fills of each owner, or of each wanted one."""
        for owner in self.present:
            if wanted is None or owner in wanted:
                yield owner, self.of(frozenset((owner,)))

    def between(self, start: int, stop: int) -> Block:
        """Return the fills from index `start` to before `stop`."""
        if start == 0 and stop == len(self):
            return self
        return Block(
            self.scale, _once(self.owners[start:stop]), self.times[start:stop], self.owners[start:stop],
            self.prices[start:stop], self.sizes[start:stop], self.values[start:stop], self.fees[start:stop],
            self.order_ids[start:stop], self.makers[start:stop],
        )  # fmt: skip

    def of(self, owners: frozenset[str]) -> Block:
        """Return the fills of some owners."""
        if owners.issuperset(self.present):
            return self
        wanted = [owner in owners for owner in self.owners]
        return Block(
            self.scale, tuple(owner for owner in self.present if owner in owners),
            list(compress(self.times, wanted)), list(compress(self.owners, wanted)),
            list(compress(self.prices, wanted)), list(compress(self.sizes, wanted)),
            list(compress(self.values, wanted)), list(compress(self.fees, wanted)),
            list(compress(self.order_ids, wanted)), list(compress(self.makers, wanted)),
        )  # fmt: skip

    def fees_paid(self) -> Decimal:
        """Sum the fees in USD, each rounded to 1e-8 as the ledger does: 0.120000005 counts as 0.12."""
        return self._usd_of(self.fees)

    def rebates(self) -> Decimal:
        """Sum the rebates among the fees in USD, >= 0: fees of 0.03 and -0.02 hold a rebate of 0.02."""
        return -self._usd_of([fee for fee in self.fees if fee < 0])

    def maker_fees(self) -> Decimal:
        """Sum the fees of the fills that made, USD."""
        return self._usd_of(self.fees if all(self.makers) else list(compress(self.fees, self.makers)))

    def _usd_of(self, fees: Sequence[int]) -> Decimal:
        if exact(1, self.scale.fee) >= UNIT:
            return exact(sum(fees), self.scale.fee).quantize(UNIT)
        return sum([exact(fee, self.scale.fee).quantize(UNIT) for fee in fees], NO_FEE)


class MidLine:
    """The mids of one market, to be looked up for many fills at once; `decimals` is how many they have."""

    __slots__ = ("_times", "_units", "decimals")

    def __init__(self, series: MidSeries) -> None:
        units, self.decimals = in_units(series.values)
        # sentinels at both ends spare the scan its bounds checks
        self._times = [-NEVER, *series.times, NEVER]
        self._units = [0, *units, 0]

    def refine(self, decimals: int) -> None:
        """Give the mids as many decimals, should they have fewer."""
        if decimals > self.decimals:
            self._units, self.decimals = _finer(self._units, self.decimals, decimals), decimals

    def first(self) -> Decimal | None:
        """Return the earliest mid, USD."""
        return exact(self._units[1], self.decimals) if len(self._units) > 2 else None

    def last(self, time_ms: int) -> Decimal | None:
        """Return the last mid at or before a time, USD; None before the first."""
        index = bisect_right(self._times, time_ms) - 1
        return exact(self._units[index], self.decimals) if index > 0 else None

    def before(self, times: Sequence[int]) -> tuple[list[int], list[int]]:
        """Find the last mid strictly before each of the ascending `times`, and how many ms older it is; see `after`.

        Mids at 0 and 40: 40 and 45 find 0 and 40, 40 and 5 ms old.
        """
        found, ages = self.after(times, -1)
        return found, [age + 1 for age in ages]

    def after(self, times: Sequence[int], delay_ms: int) -> tuple[list[int], list[int]]:
        """Find the last mid at or before each of the ascending `times` plus a delay, and how many ms old it is then.

        Where there is none, it is a zero of a boundless age. Mids at 0 and 40: 5 and 45 ms with a delay of 10 find 15
        and 15.
        """
        moments = [time_ms + delay_ms for time_ms in times]
        if not moments:
            return [], []
        first, end = bisect_right(self._times, moments[0]), bisect_right(self._times, moments[-1]) + 1
        following = zip(self._times[first:end], self._units[first:end], strict=True)
        known_ms, known = self._times[first - 1], self._units[first - 1]
        next_ms, coming = next(following)
        found, ages = [], []
        for moment in moments:
            while next_ms <= moment:
                known_ms, known = next_ms, coming
                next_ms, coming = next(following)
            found.append(known)
            ages.append(moment - known_ms)
        return found, ages


class BlockReader:
    """Turns rows of one market into blocks of those within a period, on whose scale the mids are from then on too."""

    __slots__ = ("_end_ms", "_latest_ms", "_mids", "_scale", "_start_ms")

    def __init__(self, mids: MidLine, start_ms: int, end_ms: int) -> None:
        self._mids, self._start_ms, self._end_ms = mids, start_ms, end_ms
        self._scale = Scale(mids.decimals, 0)  # the finest so far
        self._latest_ms = -NEVER

    def refine_sizes(self, decimals: int) -> None:
        """Give the sizes of the blocks to come as many decimals, should they have fewer."""
        if decimals > self._scale.size:
            self._scale = Scale(self._scale.price, decimals)

    def read(self, rows: Sequence[FillRow]) -> Block | None:
        """Read the block of the next rows, at least one; None when none is within the period.

        Raises OutOfOrder when one is older than its predecessor, within the period or not.
        """
        self._in_order(rows)
        if rows[0][0] < self._start_ms or rows[-1][0] > self._end_ms:
            rows = [row for row in rows if self._start_ms <= row[0] <= self._end_ms]
        if not rows:
            return None
        block = Block.read(rows, self._scale)
        self._scale = block.scale
        self._mids.refine(block.scale.price)
        return block

    def _in_order(self, rows: Sequence[FillRow]) -> None:
        seen = [self._latest_ms, *[row[0] for row in rows]]
        if seen != sorted(seen):
            earlier, later = next(pair for pair in pairwise(seen) if pair[0] > pair[1])
            raise OutOfOrder(f"a fill at {later} ms follows one at {earlier} ms")
        self._latest_ms = seen[-1]


def by_market(rows: Iterable[FillRow]) -> Iterator[tuple[str, list[FillRow]]]:
    """Yield the rows of each market in lots of a few hundred, each lot in the order of the rows."""
    left = iter(rows)
    while chunk := list(islice(left, CHUNK_ROWS)):
        lots: dict[str, list[FillRow]] = {}
        for row in chunk:
            lot = lots.get(row[1])
            if lot is None:
                lot = lots[row[1]] = []
            lot.append(row)
        yield from lots.items()
