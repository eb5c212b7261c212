"""One pass over the fills of one market: who holds and earned what, and how the inventory went. Pure.

No object a fill, and yet to the last digit what the tests' plain accounting says: a report of a million fills has
a few seconds. How each fill fared is not its matter but the judge's. The caller makes accounting's EXACT the current
decimal context. Layer: report.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from operator import mul, sub

from pfmm.accounting.ledger import ZERO, funding_share, rounded
from pfmm.model.account import FundingPayment
from pfmm.model.quick import quick
from pfmm.report.block import LONG, NEVER, Block, BlockReader, MidLine, decimals_of, exact
from pfmm.report.inputs import NOBODY, FillRow


class Share:
    """What one run holds and earned on one market: sizes in base units, the rest USD. `rebates` (>= 0) are among the
    `fees`."""

    __slots__ = ("cash", "counted", "fees", "fills", "funding", "opening", "rebates", "size")

    def __init__(self, *, counted: bool) -> None:
        self.counted = counted
        self.size = self.opening = ZERO
        self.cash = self.fees = self.funding = self.rebates = ZERO
        self.fills = 0

    def total(self, opening_mark: Decimal, closing_mark: Decimal) -> Decimal:
        """Return the change of its worth, USD: bought 2 for 200 (cash -200) and marked at 101, it earned 2."""
        held = self.size * closing_mark - self.opening * opening_mark
        return self.cash + held - self.fees + self.funding


@quick(frozen=True, slots=True)
class Sample:
    """The counted runs of a market at one moment: net size, the last mid, and what they earned since the start, the
    `rebates` among it, USD."""

    time_ms: int
    size: Decimal
    mid: Decimal
    pnl: Decimal
    rebates: Decimal = ZERO


class MarketFold:
    """Folds rows of ONE market in time order; fills before `start_ms` only tell what was held then."""

    def __init__(
        self,
        mids: MidLine,
        payments: Sequence[FundingPayment],
        sample_times: Sequence[int],
        *,
        start_ms: int,
        end_ms: int,
        counted_owners: frozenset[str] | None,
    ) -> None:
        self._mids = mids
        self._reader = BlockReader(mids, start_ms, end_ms)
        self._payments = sorted((p for p in payments if start_ms <= p.time_ms <= end_ms), key=lambda p: p.time_ms)
        self._sample_times = list(sample_times)
        self.start_ms, self._end_ms = start_ms, end_ms
        self._counted_owners = counted_owners
        self._next_payment = self._next_sample = 0
        self._since_ms = start_ms
        self._held_at: Decimal | None = None  # price of the latest counted fill within the period
        self._traded_at: Decimal | None = None  # of the latest fill of anybody within the period
        self._traded_before: Decimal | None = None  # and before it
        self._tail: list[tuple[Decimal, Decimal]] = []  # (price, size) of unmatched fills, newest first
        self._tail_is_long = False
        self._opening = ZERO
        self.net = ZERO  # counted runs, base units
        self.shares: dict[str, Share] = {}
        self.bought = self.sold = ZERO  # USD
        self.held_usd_ms = ZERO
        self.samples: list[Sample] = []

    def add(self, rows: Sequence[FillRow]) -> Block | None:
        """Fold the next rows, at least one, and return the block of those within the period, to be judged.

        Raises OutOfOrder when one is older than its predecessor.
        """
        for row in rows:
            if row[0] >= self.start_ms:
                break
            self._add_before(row)
        # what was held before may be finer than what is traded now
        self._reader.refine_sizes(decimals_of(self.net))
        block = self._reader.read(rows)
        if block is not None:
            self._add_block(block)
        return block

    def _add_block(self, block: Block) -> None:
        counted = frozenset(owner for owner in block.present if self._share(owner).counted)
        times, start = block.times, 0
        while start < len(times):
            self._due(times[start])
            stop = bisect_right(times, self._due_ms(), start)
            part = block.between(start, stop)
            for owner, fills in part.by_owner(None):
                self._book(self.shares[owner], fills)
            self._hold(part.of(counted))
            self._traded_at = exact(part.prices[-1], block.scale.price)
            start = stop
        self._keep_tail(block.of(counted))

    def _add_before(self, row: FillRow) -> None:
        share = self._share(row[2])
        size = Decimal(row[5])
        signed = size if row[3] == LONG else -size
        share.size += signed
        share.opening += signed
        self._traded_before = Decimal(row[4])
        if share.counted:
            self.net += signed
            self._opening += signed

    def _share(self, owner: str) -> Share:
        if owner not in self.shares:
            self.shares[owner] = Share(counted=self._counted_owners is None or owner in self._counted_owners)
        return self.shares[owner]

    def _book(self, share: Share, block: Block) -> None:
        """Add a block to what one owner holds, spent and paid: bought 2 at 99.9 for a fee of 0.04, cash -199.8.

        Of a run that this report leaves out only what it holds matters, for how funding is shared.
        """
        share.size += exact(sum(block.sizes), block.scale.size)
        if share.counted:
            share.fills += len(block)
            share.cash -= exact(sum(block.values), block.scale.value)
            share.fees += block.fees_paid()
            share.rebates += block.rebates()

    def _hold(self, block: Block) -> None:
        """Add turnover and inventory of counted fills, none of which may have anything due before it.

        Bought 2 at 99.9 and held for 5 s: bought 199.8 USD, held 199.8 * 5,000 USD ms.
        """
        if not len(block):
            return
        times, prices, scale = block.times, block.prices, block.scale
        price_held = exact(prices[0], scale.price) if self._held_at is None else self._held_at
        self.held_usd_ms += abs(self.net) * price_held * (times[0] - self._since_ms)
        nets = list(accumulate(block.sizes, initial=int(self.net.scaleb(scale.size))))
        held = map(mul, map(abs, nets[1:-1]), prices)
        self.held_usd_ms += exact(sum(map(mul, held, map(sub, times[1:], times))), scale.value)
        bought = sum([value for value in block.values if value > 0])
        self.bought += exact(bought, scale.value)
        self.sold += exact(bought - sum(block.values), scale.value)
        self._since_ms, self._held_at = times[-1], exact(prices[-1], scale.price)
        self.net = exact(nets[-1], scale.size)

    def _keep_tail(self, block: Block) -> None:
        """Keep the latest fills of the larger side that cover what was not matched.

        What follows can only match more of it, so that nothing older is ever needed.
        """
        excess = self.net - self._opening
        side_of_excess = excess > 0
        before = self._tail if self._tail and self._tail_is_long == side_of_excess else []
        missing, kept = abs(excess), []
        for units, signed in zip(reversed(block.prices), reversed(block.sizes), strict=True):
            if missing <= 0:
                break
            if (signed > 0) == side_of_excess:
                kept.append((exact(units, block.scale.price), exact(abs(signed), block.scale.size)))
                missing -= kept[-1][1]
        for price, size in before:
            if missing <= 0:
                break
            kept.append((price, size))
            missing -= size
        self._tail, self._tail_is_long = kept, side_of_excess

    def matched(self) -> tuple[Decimal, Decimal]:
        """Return (cost, proceeds) in USD of the quantity that was both bought and sold, first in first matched.

        Bought 2 at 100, sold 1 at 101 gives (100, 101).
        """
        missing, unmatched = abs(self.net - self._opening), ZERO
        for price, size in self._tail:
            taken = min(missing, size)
            unmatched += taken * price
            missing -= taken
        if self._tail_is_long:
            return self.bought - unmatched, self.sold
        return self.bought, self.sold - unmatched

    def finish(self) -> None:
        """Settle what is due up to the end of the period; no row may follow."""
        self._due(NEVER)
        held_at = self._held_at or self.price_at(self.start_ms) or ZERO  # what nothing was traded of counts, too
        self.held_usd_ms += abs(self.net) * held_at * max(self._end_ms - self._since_ms, 0)

    def _due_ms(self) -> int:
        """Return the next time at which a payment or a sample is due."""
        payment = self._payments[self._next_payment].time_ms if self._next_payment < len(self._payments) else NEVER
        sample = self._sample_times[self._next_sample] if self._next_sample < len(self._sample_times) else NEVER
        return min(payment, sample)

    def _due(self, before_ms: int) -> None:
        """Settle the payments and take the samples of earlier than `before_ms`; fills of the same ms come first."""
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
        earned = rebates = ZERO
        for share in self.shares.values():
            if share.counted:
                earned += share.total(opening, mid)
                rebates += share.rebates
        self.samples.append(Sample(time_ms, self.net, mid, earned, rebates))

    def price_at(self, time_ms: int) -> Decimal | None:
        """Return the last mid at or before a time.

        Without one, it is the last price so far at which anybody traded; without any, the first mid.
        """
        mid = self._mids.last(time_ms)
        if mid is not None:
            return mid
        known = self._traded_before if time_ms <= self.start_ms or self._traded_at is None else self._traded_at
        if known is not None:
            return known
        return self._traded_at if (first := self._mids.first()) is None else first
