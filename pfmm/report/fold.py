"""One pass over the fills of one market: who earned what, how each fill fared, and how the inventory went. Pure.

The same figures as `accounting.attribution` and `accounting.metrics`, to the last digit, without an object a fill: a
report of a million fills has a few seconds. The caller makes accounting's EXACT the current decimal context.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pfmm.accounting.attribution import HORIZONS_S, MAX_GAP_MS, SPLIT
from pfmm.accounting.ledger import UNIT, ZERO, funding_share, rounded
from pfmm.model.account import FundingPayment
from pfmm.model.order import Side
from pfmm.report.inputs import NOBODY, FillRow, MidSeries, OutOfOrder

NEVER = 1 << 62
LONG = Side.LONG.value


class Share:
    """What one run holds and earned on one market: sizes in base units, the rest USD."""

    __slots__ = ("adverse", "capture", "cash", "counted", "fees", "fills", "funding", "opening", "size")

    def __init__(self, *, counted: bool) -> None:
        self.counted = counted
        self.size = self.opening = ZERO
        self.cash = self.fees = self.funding = ZERO
        self.capture = self.adverse = ZERO
        self.fills = 0

    def total(self, opening_mark: Decimal, closing_mark: Decimal) -> Decimal:
        """The change of its worth, USD: bought 2 for 200 (cash -200) and marked at 101, it earned 2."""
        held = self.size * closing_mark - self.opening * opening_mark
        return self.cash + held - self.fees + self.funding


# time, signed size, signed value, fee
_Booked = tuple[int, Decimal, Decimal, Decimal]
# time, age of the mid, signed size, signed value at the mid, signed value, fee
_Placed = tuple[int, int, Decimal, Decimal, Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Sample:
    """The counted runs of a market at one moment: net size, the last mid, and what they earned since the start."""

    time_ms: int
    size: Decimal
    mid: Decimal
    pnl: Decimal


class MarketFold:
    """Folds rows of ONE market in time order; fills before `start_ms` only tell what was held then."""

    def __init__(
        self,
        mids: MidSeries,
        payments: Sequence[FundingPayment],
        sample_times: Sequence[int],
        *,
        start_ms: int,
        end_ms: int,
        counted_owners: frozenset[str] | None,
    ) -> None:
        # sentinels at both ends spare the scan its bounds checks
        self._times = [-NEVER, *mids.times, NEVER]
        self._mids = [ZERO, *mids.values]
        self._payments = sorted((p for p in payments if start_ms <= p.time_ms <= end_ms), key=lambda p: p.time_ms)
        self._sample_times = list(sample_times)
        self.start_ms, self._end_ms = start_ms, end_ms
        self._counted_owners = counted_owners
        self._next_payment = self._next_sample = 0
        self._latest_ms = -NEVER
        self._since_ms = start_ms
        self._price: Decimal | None = None  # of the latest fill within the period
        self.price_before: Decimal | None = None  # of the latest fill before it
        self._tail: list[tuple[Decimal, Decimal]] = []  # (price, size) of unmatched fills, newest first
        self._tail_is_long = False
        self._opening = ZERO
        self.net = ZERO  # counted runs, base units
        self.shares: dict[str, Share] = {}
        self.bought = self.sold = ZERO  # USD
        self.held_usd_ms = ZERO
        self.moved = [ZERO] * len(HORIZONS_S)
        self.notional = [ZERO] * len(HORIZONS_S)
        self.edges_bps = array("d")
        self.losing = 0
        self.samples: list[Sample] = []

    def add(self, rows: Sequence[FillRow]) -> None:
        """Folds the next rows. Raises OutOfOrder when one is older than its predecessor."""
        start = 0
        while start < len(rows) and rows[start][0] < self.start_ms:
            self._add_before(rows[start])
            start += 1
        within = [row for row in (rows[start:] if start else rows) if row[0] <= self._end_ms]
        if all(self._share(owner).counted for owner in {row[2] for row in within}):
            self._flush(within)
            return
        counted: list[FillRow] = []
        for row in within:
            share = self._share(row[2])
            if share.counted:
                counted.append(row)
            else:
                self._flush(counted)
                counted = []
                self._add_other(row, share)
        self._flush(counted)

    def _flush(self, rows: Sequence[FillRow]) -> None:
        if rows:
            for owner, booked in self._book(rows).items():
                self._judge(self.shares[owner], booked)
            self._keep_tail(rows)

    def _add_before(self, row: FillRow) -> None:
        self._in_order(row[0])
        share = self._share(row[2])
        size = Decimal(row[5])
        signed = size if row[3] == LONG else -size
        share.size += signed
        share.opening += signed
        self.price_before = Decimal(row[4])
        if share.counted:
            self.net += signed
            self._opening += signed

    def _add_other(self, row: FillRow, share: Share) -> None:
        """A fill of a run that this report leaves out: it matters for how funding is shared, and for nothing else."""
        self._in_order(row[0])
        self._due(row[0])
        size = Decimal(row[5])
        share.size += size if row[3] == LONG else -size

    def _in_order(self, time_ms: int) -> None:
        if time_ms < self._latest_ms:
            raise _out_of_order(time_ms, self._latest_ms)
        self._latest_ms = time_ms

    def _share(self, owner: str) -> Share:
        if owner not in self.shares:
            self.shares[owner] = Share(counted=self._counted_owners is None or owner in self._counted_owners)
        return self.shares[owner]

    def _book(self, rows: Sequence[FillRow]) -> dict[str, list[_Booked]]:
        """Turnover and inventory of counted fills within the period, which it answers by owner.

        Bought 2 at 99.9 and held for 5 s: bought 199.8 USD, held 199.8 * 5,000 USD ms.
        """
        latest_ms, since_ms, price_held, net = self._latest_ms, self._since_ms, self._price, self.net
        bought, sold, held_usd_ms = self.bought, self.sold, self.held_usd_ms
        booked: dict[str, list[_Booked]] = {}
        due_ms = self._due_ms()
        for time_ms, _, owner, side, price_given, size_given, fee_given in rows:
            if time_ms < latest_ms:
                raise _out_of_order(time_ms, latest_ms)
            latest_ms = time_ms
            if due_ms < time_ms:
                for name, done in booked.items():
                    self._judge(self.shares[name], done)
                booked = {}
                self.net, self._price = net, price_held
                self._due(time_ms)
                due_ms = self._due_ms()
            price, size = Decimal(price_given), Decimal(size_given)
            if net and time_ms != since_ms:
                held_usd_ms += abs(net) * (price if price_held is None else price_held) * (time_ms - since_ms)
            since_ms, price_held = time_ms, price
            value = price * size
            if side == LONG:
                bought += value
            else:
                sold += value
                size, value = -size, -value
            net += size
            if owner not in booked:
                booked[owner] = []
            booked[owner].append((time_ms, size, value, Decimal(fee_given)))
        self._latest_ms, self._since_ms, self._price, self.net = latest_ms, since_ms, price_held, net
        self.bought, self.sold, self.held_usd_ms = bought, sold, held_usd_ms
        return booked

    def _judge(self, share: Share, booked: Sequence[_Booked]) -> None:
        """Cash, fees and capture of one owner's fills, and what the market did after them.

        capture = side * (mid - price) * size: bought 2 at 99.9 with the mid at 100, cash -199.8 and capture 0.2.
        """
        share.fills += len(booked)
        share.size += sum([signed for _, signed, _, _ in booked])
        share.fees += sum([fee.quantize(UNIT) for _, _, _, fee in booked])
        times, mids, placed, unplaced = self._times, self._mids, [], ZERO
        at = bisect_right(times, booked[0][0]) - 1
        for time_ms, signed, value, fee in booked:
            while times[at + 1] <= time_ms:
                at += 1
            if time_ms - times[at] <= MAX_GAP_MS:
                placed.append((time_ms, time_ms - times[at], signed, mids[at] * signed, value, fee))
            else:
                unplaced += value
        spent = sum([value for _, _, value, _ in booked], ZERO)
        at_mid = sum([found[3] for found in placed], ZERO)
        share.cash -= spent
        share.capture += at_mid - (spent - unplaced)
        if placed:
            whole = (at_mid, sum([abs(found[3]) for found in placed], ZERO))
            self._split(share, placed, whole)
            for index in range(len(HORIZONS_S)):
                if index != SPLIT:
                    self._mark_out(index, placed, whole)

    def _mark_out(self, index: int, placed: Sequence[_Placed], whole: tuple[Decimal, Decimal]) -> None:
        """One horizon: markout = side * (mid then - mid) * size, where both are recent enough: -0.4 at 99.8.

        `whole` is the signed value of all placed fills at their mids, and their notional: what is unknown is few, and
        is taken off it."""
        horizon_ms, gap_ms = HORIZONS_S[index] * 1_000, min(MAX_GAP_MS, HORIZONS_S[index] * 500)
        near = placed
        if gap_ms < MAX_GAP_MS:
            near = [found for found in placed if found[1] <= gap_ms]
            if not near:
                return
            whole = (sum([found[3] for found in near], ZERO), sum([abs(found[3]) for found in near], ZERO))
        times, mids = self._times, self._mids
        at = bisect_right(times, near[0][0] + horizon_ms) - 1
        later, skipped, skipped_usd = ZERO, ZERO, ZERO
        for time_ms, _, signed, at_mid, _, _ in near:
            then_ms = time_ms + horizon_ms
            while times[at + 1] <= then_ms:
                at += 1
            if then_ms - times[at] <= gap_ms:
                later += mids[at] * signed
            else:
                skipped += at_mid
                skipped_usd += abs(at_mid)
        self.moved[index] += later - (whole[0] - skipped)
        self.notional[index] += whole[1] - skipped_usd

    def _split(self, share: Share, placed: Sequence[_Placed], whole: tuple[Decimal, Decimal]) -> None:
        """The horizon that parts adverse selection from inventory, and the edge = capture + markout - fee of each
        fill: 0.2 - 0.4 - (-0.04) = -0.16 USD on 199.8 is -8.0 bps."""
        horizon_ms = HORIZONS_S[SPLIT] * 1_000
        times, mids, edges_bps = self._times, self._mids, self.edges_bps
        at = bisect_right(times, placed[0][0] + horizon_ms) - 1
        total, skipped, skipped_usd, losing = ZERO, ZERO, ZERO, 0
        for time_ms, _, signed, at_mid, value, fee in placed:
            then_ms = time_ms + horizon_ms
            while times[at + 1] <= then_ms:
                at += 1
            if then_ms - times[at] > MAX_GAP_MS:
                skipped += at_mid
                skipped_usd += abs(at_mid)
                continue
            later = mids[at] * signed
            total += later
            edge = float(later - value - fee)
            if edge < 0:
                losing += 1
            edges_bps.append(edge / abs(float(value)) * 1e4)
        moved = total - (whole[0] - skipped)
        share.adverse += moved
        self.moved[SPLIT] += moved
        self.notional[SPLIT] += whole[1] - skipped_usd
        self.losing += losing

    def _keep_tail(self, rows: Sequence[FillRow]) -> None:
        """Keeps the latest fills of the larger side that cover what was not matched: what follows can only match more
        of it, so that nothing older is ever needed."""
        excess = self.net - self._opening
        side_of_excess = excess > 0
        before = self._tail if self._tail and self._tail_is_long == side_of_excess else []
        missing, kept = abs(excess), []
        for row in reversed(rows):
            if missing <= 0:
                break
            if (row[3] == LONG) == side_of_excess:
                kept.append((Decimal(row[4]), Decimal(row[5])))
                missing -= kept[-1][1]
        for price, size in before:
            if missing <= 0:
                break
            kept.append((price, size))
            missing -= size
        self._tail, self._tail_is_long = kept, side_of_excess

    def matched(self) -> tuple[Decimal, Decimal]:
        """(cost, proceeds) in USD of the quantity that was both bought and sold, first in first matched: bought 2 at
        100, sold 1 at 101 gives (100, 101)."""
        missing, unmatched = abs(self.net - self._opening), ZERO
        for price, size in self._tail:
            taken = min(missing, size)
            unmatched += taken * price
            missing -= taken
        if self._tail_is_long:
            return self.bought - unmatched, self.sold
        return self.bought, self.sold - unmatched

    def finish(self) -> None:
        """Settles what is due up to the end of the period; no row may follow."""
        self._due(NEVER)
        if self._price is not None:
            self.held_usd_ms += abs(self.net) * self._price * max(self._end_ms - self._since_ms, 0)

    def _due_ms(self) -> int:
        """The next time at which a payment or a sample is due."""
        payment = self._payments[self._next_payment].time_ms if self._next_payment < len(self._payments) else NEVER
        sample = self._sample_times[self._next_sample] if self._next_sample < len(self._sample_times) else NEVER
        return min(payment, sample)

    def _due(self, before_ms: int) -> None:
        """Settles the payments and takes the samples of earlier than `before_ms`; fills of the same ms come first."""
        while (due_ms := self._due_ms()) < before_ms:
            payments, index = self._payments, self._next_payment
            if index < len(payments) and payments[index].time_ms == due_ms:
                self._settle(payments[index])
                self._next_payment += 1
            else:
                self._sample(due_ms)
                self._next_sample += 1

    def _settle(self, payment: FundingPayment) -> None:
        held = {owner: share.size for owner, share in self.shares.items() if share.size}
        for owner, amount in funding_share(payment, held or {NOBODY: payment.size}).items():
            self._share(owner).funding += rounded("funding", amount)

    def _sample(self, time_ms: int) -> None:
        mid = self.price_at(time_ms)
        opening = self.price_at(self.start_ms)
        if mid is None or opening is None:
            return
        earned = ZERO
        for share in self.shares.values():
            if share.counted:
                earned += share.total(opening, mid)
        self.samples.append(Sample(time_ms, self.net, mid, earned))

    def price_at(self, time_ms: int) -> Decimal | None:
        """The last mid at or before a time; without one, the last fill's price so far; without any, the first mid."""
        index = bisect_right(self._times, time_ms) - 1
        if index > 0:
            return self._mids[index]
        known = self.price_before if time_ms <= self.start_ms or self._price is None else self._price
        if known is not None:
            return known
        return self._mids[1] if len(self._mids) > 1 else self._price


def _out_of_order(time_ms: int, latest_ms: int) -> OutOfOrder:
    return OutOfOrder(f"a fill at {time_ms} ms follows one at {latest_ms} ms")
