"""One quote from one look at a market: prices, sizes, and every basis point of them explained. Pure.

Floats up to `ticks.snap_price`, Decimals after it. Layer: strategy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import Side
from pfmm.model.quick import quick
from pfmm.strategy.inventory import LIMIT_SHARE, PAUSED, REDUCING, inventory_state
from pfmm.strategy.quote import spread
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.model import least_half_bps, model_spread
from pfmm.strategy.quote.spread import BPS, ModelSpread
from pfmm.strategy.ticks import base_size, snap_price, snap_size
from pfmm.strategy.volatility import SIZE_MULTIPLIER, implausible

COMPONENTS = (
    "fair",
    "held",
    "half_spread",
    "volatility",
    "inventory",
    "funding_tilt",
    "minimum_spread",
    "level",
    "post_only",
    "rounding",
)
SINGLE_LEVEL = ((0.0, Decimal(1)),)

_ZERO = Decimal(0)
_SIZE_FACTOR = {regime: Decimal(str(factor)) for regime, factor in SIZE_MULTIPLIER.items()}


@quick(frozen=True, slots=True)
class QuoteInputs:
    """What one quote depends on beside its settings.

    `inventory` is the run's own share, `net_position` the account's, both signed base units. `target_ratio` is the
    funding tilt as a signed fraction of the limit; `held_fair` the fair price (USD) that is still being quoted
    around, None for the current one; `sigma_problem` why the volatility may not be used; `levels` the extra offset
    in bps and the size factor of each level; `numbered` slots are "bid:0" and so on, else "bid" and "ask".
    """

    instrument: Instrument
    ticker: Ticker
    inventory: Decimal
    net_position: Decimal
    max_inventory_usd: Decimal
    sigma_annual: float
    regime: str
    target_ratio: float = 0.0
    held_fair: float | None = None
    levels: tuple[tuple[float, Decimal], ...] = SINGLE_LEVEL
    numbered: bool = False
    sigma_problem: str | None = None


@quick(frozen=True, slots=True)
class QuotedLevel:
    """One order of the quote. `clamped` marks a price that post-only moved; `taking_apart` makes `components`."""

    slot: str
    side: Side
    price: Decimal
    size: Decimal
    reduce_only: bool
    clamped: bool
    taking_apart: Callable[[], tuple[float, ...]] = field(compare=False, repr=False)

    @property
    def components(self) -> tuple[float, ...]:
        """Bps of mid in the order of COMPONENTS, worked out at each asking: their sum is the distance of `price` from
        the mid."""
        return self.taking_apart()


@quick(frozen=True, slots=True)
class Quote:
    """The answer: levels of each side, best first, and why a side or slot is absent. Prices USD, None without a
    usable market; `half_spread_bps` is the model's after the minimum spread."""

    mid: Decimal | None
    fair: float | None
    reservation_price: float | None
    half_spread_bps: float | None
    model_spread: ModelSpread | None
    inventory_ratio: float | None
    state: str | None
    bids: tuple[QuotedLevel, ...]
    asks: tuple[QuotedLevel, ...]
    absent: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def clamped(self) -> bool:
        """True when post-only moved any price of the quote."""
        return any(level.clamped for level in self.bids) or any(level.clamped for level in self.asks)


@dataclass(slots=True)
class _Room:
    """What one side may still add: `closing` base units that only reduce the position, then `usd` of the limit."""

    closing: Decimal
    usd: Decimal
    reduce_only: bool

    def cap(self, worth: Decimal) -> Decimal:
        """Return the largest size, base units, at `worth` USD each."""
        return self.closing if self.usd <= 0 else self.closing + self.usd / worth

    def take(self, size: Decimal, worth: Decimal) -> None:
        closing = min(self.closing, size)
        self.closing -= closing
        self.usd -= (size - closing) * worth


class _Wing(NamedTuple):
    """A side of the quote: its name on screen, its orders' side, and +1 for the bid or −1 for the ask."""

    name: str
    side: Side
    sign: int


_BID = _Wing("bid", Side.LONG, 1)
_ASK = _Wing("ask", Side.SHORT, -1)


class Held(NamedTuple):
    """What a quote leans on, signed base units: the run's own share of the position and the account's position; the
    limit in USD, and the funding tilt as a signed fraction of it."""

    inventory: float
    net_position: float
    limit_usd: float
    target_ratio: float


class Aim(NamedTuple):
    """Where the quotes are aimed at before they are laid out, USD: `half_parts` add up to the half-spread, and
    `centre_parts` to the distance of the centre from the mid."""

    mid_usd: float
    ratio: float
    net_ratio: float
    state: str
    centre: float
    half: float
    half_parts: tuple[float, float, float]
    centre_parts: tuple[float, float, float, float]

    def price(self, sign: int, offset_bps: float) -> float:
        """Return a level's price that far behind the best, before post-only and rounding; `sign` is +1 for a bid."""
        # 12 figures: noise in the last bits of a float (100.08500000000001) must not cost a tick
        return float(f"{self.centre - sign * (self.half + offset_bps * self.mid_usd / BPS):.12g}")


@dataclass(slots=True)
class _Core:
    """What both sides share."""

    inputs: QuoteInputs
    mid: Decimal
    size_usd: Decimal
    aim: Aim


@dataclass(slots=True)
class _Remarks:
    """What there is to say beside the orders; filled while the sides are laid out."""

    absent: dict[str, str]
    notes: list[str]


def no_quote(reason: str, mid: Decimal | None = None) -> Quote:
    """Build a quote with both sides absent for one reason."""
    absent = {"bid": reason, "ask": reason}
    return Quote(mid, None, None, None, None, None, None, (), (), absent)


def compute_quote(config: QuoteConfig, inputs: QuoteInputs) -> Quote:
    """Apply fair price, model spread, inventory and tilt, floors, post-only and rounding, in this order.

    bid = fair − shift(q − q*) − half, ask = fair − shift(q − q*) + half; half at least half of the larger of
    min_spread_bps and the maker fees of a round trip; a price at or through the opposite best is moved to one tick
    from it; bids are rounded down, asks up. Mid 100, fixed 8 bps, low regime, 50 USD long of a limit of 500:
    shift −100·0.1·0.0008·0.5 = −0.004, so 99.916 and 100.076. A market that cannot be quoted gives absent sides
    with the reason; only impossible settings raise (UnitsError, UsageError).
    """
    problem = market_problem(inputs)
    if problem is not None:
        return no_quote(problem)
    ticker = inputs.ticker
    assert ticker.bid is not None
    assert ticker.ask is not None
    mid = (ticker.bid + ticker.ask) / 2
    if inputs.sigma_problem is not None or not 0 < inputs.sigma_annual < math.inf:
        return no_quote(inputs.sigma_problem or f"zero volatility: sigma is {inputs.sigma_annual:g}", mid)
    mid_usd = float(mid)
    limit, least_bps = float(inputs.max_inventory_usd), least_half_bps(config, inputs.instrument)
    model = model_spread(config, inputs.sigma_annual, inputs.regime, mid_usd, limit, least_bps)
    spread.require_plausible(model.half, mid_usd)
    fair = fair_price(config.fair, ticker, mid_usd)
    held = Held(float(inputs.inventory), float(inputs.net_position), limit, inputs.target_ratio)
    aim = aim_at(
        config, model, held, mid_usd=mid_usd, fair=fair, held_fair=inputs.held_fair, least_bps=least_bps
    )  # fmt: skip
    core = _Core(inputs, mid, posted_usd(config, inputs.regime), aim)
    note = implausible(inputs.sigma_annual)
    remarks = _Remarks({}, [] if note is None else [note])
    bids, asks = _side_levels(_BID, core, remarks), _side_levels(_ASK, core, remarks)
    return Quote(
        mid=mid,
        fair=fair,
        reservation_price=aim.centre,
        half_spread_bps=aim.half / mid_usd * BPS,
        model_spread=model,
        inventory_ratio=max(-1.0, min(1.0, aim.ratio)),
        state=aim.state,
        bids=bids,
        asks=asks,
        absent=remarks.absent,
        notes=tuple(remarks.notes),
    )


def market_problem(inputs: QuoteInputs) -> str | None:
    """Say why this market cannot be quoted at all, or None.

    Age and jumps are judged where time is known.
    """
    instrument, limit = inputs.instrument, inputs.max_inventory_usd
    unit, step = instrument.price_rule.unit, instrument.size_step
    if not (unit.is_finite() and unit > 0):
        return f"the venue lists no tick for {instrument.market} ({unit})"
    if not (step.is_finite() and step > 0):
        return f"the venue lists no size step for {instrument.market} ({step})"
    if not (limit.is_finite() and limit > 0):
        return f"max_inventory is {limit} USD"
    return _book_problem(inputs.ticker)


def _book_problem(ticker: Ticker) -> str | None:
    bid, ask = ticker.bid, ticker.ask
    if bid is None or ask is None:
        if bid is ask:
            return "empty book: neither bid nor ask"
        return f"one-sided book: no {'bid' if bid is None else 'ask'}"
    for name, price in (("bid", bid), ("ask", ask), ("mark", ticker.mark)):
        if not (price.is_finite() and price > 0):
            return f"bad {name}: {price}"
    if bid >= ask:
        return f"{'locked' if bid == ask else 'crossed'} book: bid {bid} and ask {ask}"
    return None


def fair_price(kind: str, ticker: Ticker, mid: float) -> float:
    """Return the mid, or the microprice (bid·ask_size + ask·bid_size)/(bid_size + ask_size), USD.

    99 for 3 and 101 for 1: (99·1 + 101·3)/4 = 100.5. Without displayed sizes the microprice is the mid.
    """
    if kind == "mid" or not ticker.bid_size or not ticker.ask_size:
        return mid
    assert ticker.bid is not None
    assert ticker.ask is not None
    bid_size, ask_size = float(ticker.bid_size), float(ticker.ask_size)
    return (float(ticker.bid) * ask_size + float(ticker.ask) * bid_size) / (bid_size + ask_size)


def aim_at(
    config: QuoteConfig,
    model: ModelSpread,
    held: Held,
    *,
    mid_usd: float,
    fair: float,
    held_fair: float | None,
    least_bps: float,
) -> Aim:
    """Aim the quotes: the fair price, or the one that is still quoted around, shifted by inventory and tilt."""
    limit = held.limit_usd
    ratio = held.inventory * mid_usd / limit
    net_ratio = held.net_position * mid_usd / limit
    # the article's rule stops at the limit; the models go on: the more inventory, the harder they lean
    skewed = max(-1.0, min(1.0, ratio)) if config.model == "fixed" else ratio
    most = limit / mid_usd
    away = (skewed - held.target_ratio) * most  # base units from the target
    inventory = 0.0 - model.shift(skewed * most)  # no minus zero on the screen
    tilt = 0.0 - model.shift(away) - inventory
    half_volatility = model.widening(away)
    half = model.half_base + half_volatility
    minimum = max(0.0, least_bps * mid_usd / BPS - half)
    anchor = fair if held_fair is None else held_fair
    return Aim(
        mid_usd=mid_usd,
        ratio=ratio,
        net_ratio=net_ratio,
        state=inventory_state(net_ratio, config.on_limit),
        centre=anchor + inventory + tilt,
        half=half + minimum,
        half_parts=(model.half_base, half_volatility, minimum),
        centre_parts=(fair - mid_usd, anchor - fair, inventory, tilt),
    )


def posted_usd(config: QuoteConfig, regime: str) -> Decimal:
    """Return the size of a level of factor 1 in that regime, USD."""
    return config.size_usd * _SIZE_FACTOR[regime]


def _side_levels(side: _Wing, core: _Core, remarks: _Remarks) -> tuple[QuotedLevel, ...]:
    room = _room(side, core, remarks)
    return () if room is None else _levels(side, core, room, remarks)


def _room(side: _Wing, core: _Core, remarks: _Remarks) -> _Room | None:
    """Return what `side` may add to the account's position, or None with the reason among the remarks."""
    inputs, aim, name = core.inputs, core.aim, side.name
    if aim.state == PAUSED:
        remarks.absent[name] = f"paused: inventory at {abs(aim.net_ratio):.0%} of the limit (on_limit pause)"
        return None
    along = inputs.net_position * side.sign
    closing = max(-along, _ZERO)
    if aim.state != REDUCING:
        return _Room(closing, inputs.max_inventory_usd - max(along, _ZERO) * inputs.ticker.mark, reduce_only=False)
    if along > 0:
        share = f"{abs(aim.net_ratio):.0%}"
        remarks.absent[name] = f"inventory at {share} of the limit: from {LIMIT_SHARE:.0%} on only the reducing side"
        return None
    return _Room(closing, _ZERO, reduce_only=True)


def _levels(side: _Wing, core: _Core, room: _Room, remarks: _Remarks) -> tuple[QuotedLevel, ...]:
    """Build the levels of one side, nearest first. What cannot be quoted leaves its reason among the remarks."""
    name, numbered, absent = side.name, core.inputs.numbered, remarks.absent
    levels: list[QuotedLevel] = []
    for index, (offset_bps, factor) in enumerate(core.inputs.levels):
        slot = f"{name}:{index}" if numbered else name
        price, moved, clamped = _price(side, core, offset_bps)
        if price is None:
            absent[slot] = f"the {name} would be less than one tick"
            continue
        if levels and levels[-1].price == price:
            absent[slot] = f"same price as {levels[-1].slot} after rounding: {price}"
            continue
        size, words = _size(core.size_usd * factor, price, core.inputs, room)
        if not size:
            absent[slot] = words or "no size"
            continue
        if words:
            remarks.notes.append(f"{slot}: {words}")
        taking_apart = partial(_components, side, core, offset_bps, price, moved)
        levels.append(QuotedLevel(slot, side.side, price, size, room.reduce_only, clamped, taking_apart))
    if not levels and numbered:
        absent[name] = absent[f"{name}:0"]
    return tuple(levels)


def _price(side: _Wing, core: _Core, offset_bps: float) -> tuple[Decimal | None, float, bool]:
    """Return a level's posted price (None without one), how far post-only moved it in bps, and whether it did."""
    inputs, sign, rule = core.inputs, side.sign, core.inputs.instrument.price_rule
    raw = core.aim.price(sign, offset_bps)
    opposite = inputs.ticker.ask if side is _BID else inputs.ticker.bid
    assert opposite is not None
    wanted: Decimal | float = raw
    moved = 0.0
    clamped = sign * (raw - float(opposite)) >= 0
    if clamped:  # at or through the opposite best: one tick from it is as close as post-only may
        wanted = opposite - sign * rule.tick_at(opposite)
        moved = (float(wanted) - raw) / core.aim.mid_usd * BPS
    try:
        return snap_price(wanted, side.side, rule), moved, clamped
    except ValueError:  # a bid below one tick, or no price at all
        return None, moved, clamped


def _components(side: _Wing, core: _Core, offset_bps: float, price: Decimal, moved: float) -> tuple[float, ...]:
    """List what makes up the distance of a level's `price` from the mid, bps.

    What post-only moved it by is `moved`.
    """
    sign = side.sign
    bps = BPS / core.aim.mid_usd
    fair, held, inventory, tilt = (part * bps for part in core.aim.centre_parts)
    base, volatility, minimum = (part * bps for part in core.aim.half_parts)
    named = (
        fair,
        held,
        0.0 - sign * base,  # 0.0 − 0.0 is 0.0: no minus zero on the screen
        0.0 - sign * volatility,
        inventory,
        tilt,
        0.0 - sign * minimum,
        0.0 - sign * offset_bps,
        moved,
    )
    return (*named, float(price - core.mid) / core.aim.mid_usd * BPS - sum(named))


def _size(usd: Decimal, price: Decimal, inputs: QuoteInputs, room: _Room) -> tuple[Decimal, str | None]:
    """Return the size of a level in base units and what to say about it; 0 with the reason when there is none.

    10 USD of minimum at 64,000 and step 0.0001: 8 USD is raised to 0.0002 (12.80 USD) where the limit allows.
    """
    instrument = inputs.instrument
    step, minimum = instrument.size_step, instrument.min_notional
    worth = max(inputs.ticker.mark, price)
    cap = room.cap(worth)
    size = base_size(usd, price, step)
    if size > cap:
        size = snap_size(cap, step) if cap > 0 else _ZERO
    words = None
    if size * price < minimum or not size:
        wanted = max(minimum, price * step)
        size = base_size(wanted, price, step)
        if size * price < wanted:
            size += step
        if size > cap:
            return _ZERO, f"the limit leaves {cap * price:.2f} USD, less than the smallest order of {wanted:.2f} USD"
        words = f"size raised from {usd:.2f} to {size * price:.2f} USD, the smallest order of the market"
    room.take(size, worth)
    return size, words
