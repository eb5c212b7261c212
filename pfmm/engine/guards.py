"""Whether a market's data may be acted on, with hysteresis: what stops quoting, and when it goes on by itself. Pure.

Two consequences. `problem`: the data cannot be trusted, nothing is decided on it. `no_new_risk`: it can, but the price
that positions are valued and closed at is somewhere else: only what reduces stays. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pfmm.model.market import Ticker
from pfmm.model.plan import Decision, DesiredOrder
from pfmm.model.quick import quick, replace
from pfmm.strategy.saved import Saved

CALM_MS = 5_000  # so long after the last bad look data is still held for bad
LEAST_BPS = 20.0  # a mark or oracle no further from the mid than this is near
TIMES_MEDIAN = 5.0  # nor one no further than so many times what is usual
ENTER_MS = 10_000
LEAVE_MS = 60_000
OUTAGE_MS = 30_000  # a venue that gives no usable answer for so long was out, as for an upgrade
_HOUR_MS, _SAMPLE_MS = 3_600_000, 300_000  # twelve looks an hour: they are saved with every cycle
_SUDDEN = "jump"  # told by its own rule when it is believed


@quick(frozen=True, slots=True)
class Gap:
    """How far the mid is from a reference price. `usual` has a look every five minutes of the last hour, as (venue
    time in ms, bps). Since `since_ms` it is over the limit or, once `open`, below half of `limit_bps`, which stays what
    it was."""

    usual: tuple[tuple[int, float], ...] = ()
    since_ms: int | None = None
    open: bool = False
    limit_bps: float = LEAST_BPS

    def dump(self) -> dict[str, Any]:
        """Return what the journal keeps, JSON-ready; `load` is the inverse."""
        usual = [[time_ms, bps] for time_ms, bps in self.usual]
        return {"usual": usual, "since_ms": self.since_ms, "open": self.open, "limit_bps": self.limit_bps}

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> Gap:
        """Read what `dump` gave. Raises ConfigError for what is damaged."""
        saved = Saved(raw, "guard")
        usual = tuple((int(time_ms), float(bps)) for time_ms, bps in saved.items("usual"))
        since_ms = saved.whole("since_ms", low=0) if saved.has("since_ms") else None
        return cls(usual, since_ms, saved.flag("open", default=False), saved.needed("limit_bps", zero=False))


@quick(frozen=True, slots=True)
class Outage:
    """Since `since_ms`, venue time, the venue gave no usable answer; `back_ms` is when it did again."""

    since_ms: int
    back_ms: int | None = None

    def dump(self) -> dict[str, Any]:
        """Return what the journal keeps, JSON-ready; `load` is the inverse."""
        return {"since_ms": self.since_ms, "back_ms": self.back_ms}

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> Outage:
        """Read what `dump` gave. Raises ConfigError for what is damaged."""
        saved = Saved(raw, "outage")
        return cls(saved.whole("since_ms", low=0), saved.whole("back_ms", low=0) if saved.has("back_ms") else None)


@quick(frozen=True, slots=True)
class Guards:
    """What the guards of one market remember from look to look. `bad_ms` is the last bad look, and `bad` its reason."""

    mark: Gap = Gap()
    oracle: Gap = Gap()
    bad_ms: int | None = None
    bad: str | None = None
    outage: Outage | None = None

    def dump(self) -> dict[str, Any]:
        """Return what the journal keeps, JSON-ready; `load` is the inverse."""
        found = {"mark": self.mark.dump(), "oracle": self.oracle.dump(), "bad_ms": self.bad_ms, "bad": self.bad}
        return {**found, "outage": None if self.outage is None else self.outage.dump()}

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> Guards:
        """Read what `dump` gave. Raises ConfigError for what is damaged."""
        saved = Saved(raw, "guards")
        bad_ms = saved.whole("bad_ms", low=0) if saved.has("bad_ms") else None
        outage = Outage.load(saved.mapping("outage")) if saved.has("outage") else None
        gaps = Gap.load(saved.mapping("mark")), Gap.load(saved.mapping("oracle"))
        return cls(*gaps, bad_ms, saved.text("bad"), outage)


@quick(frozen=True, slots=True)
class Verdict:
    """What follows from one look: why nothing may be decided, or why nothing may add risk; both None where all is
    well."""

    problem: str | None = None
    no_new_risk: str | None = None


_FINE = Verdict()


def judge(guards: Guards, ticker: Ticker, problem: str | None, *, now_ms: int, tick: Decimal) -> tuple[Guards, Verdict]:
    """Return the guards after one look at venue time `now_ms`, and its verdict.

    `problem` is what the look by itself shows, and `tick` the price step at the mid, USD.

    Crossed at 0 s, good at 3 s: still held for bad; good at 6 s: quoting goes on. The mid 30 bps off the mark for 10 s:
    only reducing orders, until it was less than 10 bps off for 60 s. No answer for 30 s: the same for the first 60 s of
    answers.
    """
    if guards.outage is not None:
        guards = replace(guards, outage=answered(guards.outage, now_ms))
    if problem is not None:
        if problem.startswith(_SUDDEN):
            return guards, Verdict(problem)
        return replace(guards, bad_ms=now_ms, bad=problem), Verdict(problem)
    if guards.bad_ms is not None and now_ms - guards.bad_ms < CALM_MS:
        good_s = (now_ms - guards.bad_ms) / 1000
        return guards, Verdict(
            f"calm: good for {good_s:g} s, quoted from {CALM_MS / 1000:g} s on; before: {guards.bad}"
        )
    mark = look(guards.mark, deviation_bps(ticker, ticker.mark, tick), now_ms)
    oracle = guards.oracle
    if ticker.index is not None:
        oracle = look(oracle, deviation_bps(ticker, ticker.index, tick), now_ms)
    same = mark is guards.mark and oracle is guards.oracle and guards.bad_ms is None and guards.bad is None
    after = guards if same else Guards(mark, oracle, outage=guards.outage)
    found = _words("mark", mark, ticker.mark, ticker) or _words("oracle", oracle, ticker.index, ticker)
    found = _outage_words(after.outage) or found
    return after, _FINE if found is None else Verdict(no_new_risk=found)


def unanswered(guards: Guards, now_ms: int) -> Guards:
    """Return the guards after a look at the venue, at about venue time `now_ms`, that got no usable answer.

    One that comes within the time in which nothing may add risk goes on with the outage of before.
    """
    since_ms = now_ms if guards.outage is None else guards.outage.since_ms
    return replace(guards, outage=Outage(since_ms))


def refused_by_period(guards: Guards, now_ms: int) -> Guards:
    """Return the guards after an order that the venue refused since it takes post-only orders alone: so it does after
    an upgrade."""
    since_ms = now_ms if guards.outage is None else guards.outage.since_ms
    return replace(guards, outage=Outage(since_ms, now_ms))


def answered(outage: Outage | None, now_ms: int) -> Outage | None:
    """Return what is left of an outage once the venue answers at `now_ms`: it counts from OUTAGE_MS on, for LEAVE_MS.

    Silent from 0 s, back at 42 s: until 102 s; back at 29 s: none.
    """
    if outage is None:
        return None
    if outage.back_ms is None:
        return Outage(outage.since_ms, now_ms) if now_ms - outage.since_ms >= OUTAGE_MS else None
    return outage if now_ms - outage.back_ms < LEAVE_MS else None


def deviation_bps(ticker: Ticker, reference: Decimal, tick: Decimal) -> float:
    """Return how far the mid is from a reference price, bps.

    0 where that lies between the best prices, give or take a tick.

    Mid 100, quoted 99.9 and 100.1: a mark of 100.05 is none, one of 100.5 is 50 bps away.
    """
    bid, ask = ticker.bid, ticker.ask
    if bid is None or ask is None or bid - tick <= reference <= ask + tick:
        return 0.0
    mid = (bid + ask) / 2
    return float(abs(mid - reference) / mid) * 1e4


def look(gap: Gap, bps: float, now_ms: int) -> Gap:
    """Return the gap after one look.

    It opens after ENTER_MS over the limit, which is LEAST_BPS or TIMES_MEDIAN times the hour's median; it closes after
    LEAVE_MS below half of that.
    """
    if gap.open:
        if bps * 2 >= gap.limit_bps:
            return replace(gap, since_ms=None)
        since_ms = now_ms if gap.since_ms is None else gap.since_ms
        closed = now_ms - since_ms >= LEAVE_MS
        return replace(gap, since_ms=None if closed else since_ms, open=not closed)
    usual = gap.usual  # in time order: where the first look is young enough, all are
    if usual and usual[0][0] <= now_ms - _HOUR_MS:
        usual = tuple(one for one in usual if one[0] > now_ms - _HOUR_MS)
    limit_bps = _limit_bps(usual)
    if bps <= limit_bps:
        if not usual or now_ms - usual[-1][0] >= _SAMPLE_MS:
            usual = (*usual, (now_ms, round(bps, 2)))
        elif usual is gap.usual and limit_bps == gap.limit_bps and gap.since_ms is None:
            return gap  # as after most looks
        return Gap(usual, limit_bps=limit_bps)
    since_ms = now_ms if gap.since_ms is None else gap.since_ms
    opened = now_ms - since_ms >= ENTER_MS
    return Gap(usual, None if opened else since_ms, opened, limit_bps)


@lru_cache(maxsize=256)  # it stays for five minutes, of each market and reference
def _limit_bps(usual: tuple[tuple[int, float], ...]) -> float:
    """Return how far a mid may be from its reference, by what was usual, bps."""
    return max(LEAST_BPS, TIMES_MEDIAN * _median([one for _, one in usual])) if usual else LEAST_BPS


def _median(values: Sequence[float]) -> float:
    """Return the value in the middle, or half way between the two there: of 1, 2, 4 and 9 it is 3."""
    found, middle = sorted(values), len(values) // 2
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2


def only_reducing(decision: Decision, inventory: Decimal, reason: str) -> Decision:
    """Return the decision without what adds risk.

    Of the side that reduces the inventory (signed base units) it keeps as much as there is to reduce, reduce-only; the
    other slots are absent for `reason`. Long 3: sells of 2 and 2 become 2 and 1.
    """
    left, orders, absent = abs(inventory), [], dict(decision.absent)
    for one in decision.orders:
        size = min(one.size, left) if one.side.sign * inventory < 0 else Decimal(0)
        if size:
            orders.append(_reduced(one, size))
            left -= size
        else:
            absent[one.slot] = reason
    return replace(decision, orders=tuple(orders), absent=absent)


def _reduced(order: DesiredOrder, size: Decimal) -> DesiredOrder:
    return replace(order, size=size, reduce_only=True)


def _outage_words(outage: Outage | None) -> str | None:
    if outage is None or outage.back_ms is None:
        return None
    out_s = (outage.back_ms - outage.since_ms) / 1000
    what = f"was out for {out_s:g} s" if out_s else "takes post-only orders alone"
    return f"no new risk: the venue {what}; quoted again {LEAVE_MS / 1000:g} s after that"


def _words(name: str, gap: Gap, reference: Decimal | None, ticker: Ticker) -> str | None:
    if not gap.open:
        return None
    return (
        f"no new risk: the mid {ticker.mid:f} is or was more than {gap.limit_bps:g} bps off the {name} {reference:f}; "
        f"quoted again after {LEAVE_MS / 1000:g} s below half of that"
    )
