"""Realised volatility from the mids that a loop happens to see, whatever its interval, and the regimes built on it.

A frozen state folded over (time, mid) samples; JSON-ready, so that it survives restarts and runs from cron. Must not
know venues, quotes or clocks: the venue's time comes with each mid. Layer: strategy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import field
from functools import cache
from itertools import pairwise
from typing import Any

from pfmm.errors import UsageError
from pfmm.model.quick import quick, replace
from pfmm.strategy.quote.spread import SECONDS_PER_YEAR
from pfmm.strategy.saved import Saved, damaged

REGIMES = ("low", "medium", "high")
EDGES = (0.4, 0.8)  # annualised; a regime is left only HYSTERESIS_ERRORS standard errors past its edge
HYSTERESIS_ERRORS = 3.5
SPREAD_MULTIPLIER = {"low": 1.0, "medium": 1.5, "high": 3.0}
SIZE_MULTIPLIER = {"low": 1.0, "medium": 0.7, "high": 0.3}

MAX_JUMP = 0.2  # a mid that moved this far at once is believed only when the next one confirms it
MIN_GAP_MS = 500  # mids closer than this say more about the tick than about volatility
MAX_AGE_MS = 24 * 3600 * 1000  # samples of yesterday say nothing about today
WINSOR_DEVIATIONS = 3.0
NORMAL_MEDIAN = 0.6744897501960817  # the median of |z| for a standard normal z

WINDOW = 20
DEFAULT_ANNUAL = 0.5
PLAUSIBLE_ANNUAL = (0.05, 5.0)


@quick(frozen=True, slots=True)
class VolatilityState:
    """What the estimator remembers: at most `window` accepted samples, oldest first, and what follows from them.

    `annual` is the estimate as a fraction a year, None until the window is full. `suspect` is a mid that jumped and
    waits to be confirmed; `problem` says why the newest mid was not believed. `still` is True where most mids of the
    window did not move, and too few did for an estimate above one tick a window, which `annual` then is.
    """

    samples: tuple[tuple[int, float], ...] = ()
    annual: float | None = None
    regime: str | None = None
    suspect: tuple[int, float] | None = None
    problem: str | None = None
    still: bool = False
    returns: tuple[float, ...] = field(default=(), compare=False, repr=False)  # of the samples, kept to save their logs


def observe(
    state: VolatilityState, time_ms: int, mid: float, *, tick: float = 0.0, window: int = WINDOW
) -> VolatilityState:
    """Return the state after one more mid (USD) seen at venue time `time_ms`.

    `tick` (USD) is the market's price step there. Ignored: a mid that is not newer than the last one, or less than 500
    ms newer. Refused with `problem` set: a mid that is not positive and finite, or that jumped by 20 % or more; a jump
    is accepted when the next mid is within 20 % of it, and the samples before it are dropped. Samples older than 24 h
    are dropped. Where most mids stand still the estimate is at least that of one tick a window. Raises UsageError for a
    window below 3.
    """
    if window < 3:
        raise UsageError(f"volatility.window must be at least 3, not {window}")
    if not (math.isfinite(mid) and mid > 0):
        return replace(state, problem=f"mid is {mid}, not a positive number")
    if not state.samples:
        return VolatilityState(samples=((time_ms, mid),), regime=state.regime)
    last_ms, last_mid = state.samples[-1]
    if time_ms <= last_ms:
        return state
    if _jumped(last_mid, mid):
        return _after_jump(state, time_ms, mid)
    if time_ms - last_ms < MIN_GAP_MS:
        return replace(state, suspect=None, problem=None)
    kept = state.samples[-(window - 1) :]
    if kept[0][0] < time_ms - MAX_AGE_MS:
        kept = tuple(sample for sample in kept if sample[0] >= time_ms - MAX_AGE_MS)
    samples = (*kept, (time_ms, mid))
    newest = (_scaled_return(last_ms, last_mid, time_ms, mid),) if kept else ()
    # a state that was loaded, or built by hand, has none: they follow from the samples
    before = state.returns if len(state.returns) == len(state.samples) - 1 else tuple(_scaled(state.samples))
    known = before[len(before) - len(kept) + 1 :] if len(kept) > 1 else ()
    return _estimated(samples, (*known, *newest), state.regime, tick, window)


def _estimated(
    samples: tuple[tuple[int, float], ...],
    returns: tuple[float, ...],
    regime: str | None,
    tick: float,
    window: int,
) -> VolatilityState:
    """Build the state of these samples: without an estimate while they are fewer than the window."""
    if len(samples) < window:
        return VolatilityState(samples=samples, regime=regime, returns=returns)
    ordered = sorted(returns)
    annual, still = _annual(ordered), False
    if ordered[len(ordered) // 2] == 0:
        least = tick_floor(samples, tick)
        annual, still = max(annual, least), annual < least
    regime = next_regime(regime, annual, window)
    return VolatilityState(samples=samples, annual=annual, regime=regime, still=still, returns=returns)


def tick_floor(samples: Sequence[tuple[int, float]], tick: float) -> float:
    """Return the annualised volatility (a fraction) of one tick over the whole window.

    It is (tick / mid)/√seconds·√(365·86,400). 0.1 USD at 65,000 in 57 s: 0.0000015385/7.5498·5,615.69 = 0.0011443, i.e.
    0.11 % a year.
    """
    (first_ms, _), (last_ms, mid) = samples[0], samples[-1]
    return tick / mid * math.sqrt(SECONDS_PER_YEAR / ((last_ms - first_ms) / 1000))


def realised(samples: Sequence[tuple[int, float]]) -> float | None:
    """Estimate annualised volatility (a fraction) of (time_ms, mid) samples in time order, None for fewer than two.

    Each log return is scaled by its own elapsed time, z = ln(m₂/m₁)/√Δt; z² is averaged after winsorising at three
    robust deviations (median |z|/0.6745; where over half of the mids did not move, at the third largest |z|), and
    σ = √(mean z²·365·86,400). Mids 100, 100.01, 100 and 100.01 every 3 s: z = 0.0001/√3 = 0.000057733, and
    σ = 0.000057733·5,615.69 = 0.32421. The article multiplies by √525,600 whatever the interval is: at 3 s that
    understates by √20.
    """
    if len(samples) < 2:
        return None
    return _annual(sorted(_scaled(samples)))


def _scaled(samples: Sequence[tuple[int, float]]) -> list[float]:
    """Compute |z| of each return: |ln(m₂/m₁)|/√seconds."""
    return [
        _scaled_return(ms_before, mid_before, time_ms, mid)
        for (ms_before, mid_before), (time_ms, mid) in pairwise(samples)
    ]


def _scaled_return(ms_before: int, mid_before: float, time_ms: int, mid: float) -> float:
    return abs(math.log(mid / mid_before)) / math.sqrt((time_ms - ms_before) / 1000)


def _annual(ordered: Sequence[float]) -> float:
    """Estimate the annualised volatility from |z| of each return, in order of size."""
    cap = _winsor_cap(ordered)
    mean_square = math.fsum([z * z if z < cap else cap * cap for z in ordered]) / len(ordered)
    return math.sqrt(mean_square * SECONDS_PER_YEAR)


def next_regime(current: str | None, annual: float, window: int = WINDOW) -> str:
    """Return the regime: low < 0.4 ≤ medium < 0.8 ≤ high.

    A known regime is left only 3.5 standard errors past its edge. The error of an estimate from n − 1 returns is
    1/√(2(n − 1)) of it, 16 % for 20 samples: the edges are passed at e^±0.5678 times 0.4 and 0.8. From low, 0.71 is
    medium; from medium, 0.23 stays medium and 0.22 is low. With a tenth instead, noise changed the regime 33 times an
    hour at a constant 40 or 80 %; with this less than once.
    """
    if current is None:
        return REGIMES[sum(annual >= edge for edge in EDGES)]
    past = _past_edge(window)
    index = REGIMES.index(current)
    while index < 2 and annual >= EDGES[index] * past:
        index += 1
    while index > 0 and annual < EDGES[index - 1] / past:
        index -= 1
    return REGIMES[index]


@cache
def _past_edge(window: int) -> float:
    """Return how far past its edge, as a factor, a regime is left."""
    return math.exp(HYSTERESIS_ERRORS / math.sqrt(2 * (window - 1)))


def implausible(annual: float) -> str | None:
    """Return a note on a volatility (annual fraction) that no listed perpetual has had for long, else None."""
    if PLAUSIBLE_ANNUAL[0] <= annual <= PLAUSIBLE_ANNUAL[1]:
        return None
    low, high = (f"{bound:.0%}" for bound in PLAUSIBLE_ANNUAL)
    where = f"below {low}" if annual < PLAUSIBLE_ANNUAL[0] else f"above {high}"
    return f"volatility {annual:.2%} a year is {where}: check its unit (percent a year) and the market"


def dump(state: VolatilityState) -> dict[str, Any]:
    """Write the state as JSON-ready values; `load` is its inverse."""
    return {
        "samples": [[time_ms, mid] for time_ms, mid in state.samples],
        "annual": state.annual,
        "regime": state.regime,
        "suspect": None if state.suspect is None else list(state.suspect),
        "problem": state.problem,
        "still": state.still,
    }


def load(raw: object) -> VolatilityState:
    """Read the state that `dump` wrote. Raises ConfigError naming the field that is missing or wrong."""
    saved = Saved(raw, "volatility")
    samples = tuple(_sample(each) for each in saved.items("samples"))
    if any(after[0] <= before[0] for before, after in pairwise(samples)):
        raise damaged("volatility", "samples are out of time order")
    return VolatilityState(
        samples=samples,
        annual=saved.number("annual", zero=True),
        regime=saved.text("regime", REGIMES),
        suspect=_sample(saved.items("suspect")) if saved.has("suspect") else None,
        problem=saved.text("problem"),
        still=saved.flag("still", default=False),
    )


def _jumped(before: float, after: float) -> bool:
    return abs(after - before) >= MAX_JUMP * before


def _after_jump(state: VolatilityState, time_ms: int, mid: float) -> VolatilityState:
    """Wait for a second mid after a jump: one far mid may be a bad print, two at the new level are the market."""
    suspect = state.suspect
    if suspect is not None and time_ms > suspect[0] and not _jumped(suspect[1], mid):
        return VolatilityState(samples=((time_ms, mid),), regime=state.regime)
    last_mid = state.samples[-1][1]
    problem = f"the mid jumped {mid / last_mid - 1:+.1%} from {last_mid:.10g} to {mid:.10g}: not yet confirmed"
    return replace(state, suspect=(time_ms, mid), problem=problem)


def _winsor_cap(ordered: Sequence[float]) -> float:
    """Return the largest |z|, of them in order of size, that counts in full.

    One bad print makes two wild returns: neither may set the cap.
    """
    median = ordered[len(ordered) // 2]
    if median > 0:
        return WINSOR_DEVIATIONS * median / NORMAL_MEDIAN
    return ordered[-3] if len(ordered) >= 3 else ordered[-1]


def _sample(raw: object) -> tuple[int, float]:
    if isinstance(raw, list | tuple) and len(raw) == 2:
        sample = Saved({"time_ms": raw[0], "mid": raw[1]}, "volatility sample")
        mid = sample.number("mid", zero=False)
        if mid is not None:
            return sample.whole("time_ms"), mid
    raise damaged("volatility", f"a sample is {raw!r}, not [time_ms, mid]")
