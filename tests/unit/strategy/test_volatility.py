"""The estimator: real elapsed time, winsorising, regimes, and what it ignores or refuses."""

from __future__ import annotations

import json
import math
import random
from itertools import product

import pytest

from pfmm.errors import ConfigError, UsageError
from pfmm.strategy.volatility import (
    SIZE_MULTIPLIER,
    SPREAD_MULTIPLIER,
    VolatilityState,
    dump,
    load,
    next_regime,
    observe,
    realised,
)

YEAR_S = 365 * 86_400


def feed(state: VolatilityState, samples: list[tuple[int, float]], window: int = 20) -> VolatilityState:
    for time_ms, mid in samples:
        state = observe(state, time_ms, mid, window=window)
    return state


def walk(annual: float, count: int, step_ms: int, seed: int = 7, start: float = 100.0) -> list[tuple[int, float]]:
    draw, mid, samples = random.Random(seed), start, []
    for index in range(count):
        samples.append((index * step_ms, mid))
        mid *= math.exp(draw.gauss(0, annual * math.sqrt(step_ms / 1000 / YEAR_S)))
    return samples


def test_worked_number() -> None:
    # ±1 bp every 3 s: |z| = ln(1.0001)/√3 = 0.00005773 each, σ = 0.00005773·√31,536,000 = 0.3242
    mids = [(0, 100.0), (3000, 100.01), (6000, 100.0), (9000, 100.01)]
    assert realised(mids) == pytest.approx(math.log(1.0001) / math.sqrt(3) * math.sqrt(YEAR_S))
    assert realised(mids) == pytest.approx(0.3242, abs=1e-4)
    assert realised(mids[:1]) is None
    assert realised([]) is None


@pytest.mark.parametrize("step_ms", [1000, 3000, 60_000])
def test_same_volatility_whatever_the_interval(step_ms: int) -> None:
    # the article's √525,600 would be wrong by √(60,000/step) here; 2,000 samples leave about 2 % of error
    assert realised(walk(0.6, 2000, step_ms)) == pytest.approx(0.6, rel=0.06)


def test_uneven_intervals_and_a_long_gap() -> None:
    draw, time_ms, mid, samples = random.Random(3), 0, 100.0, []
    for index in range(1500):
        samples.append((time_ms, mid))
        gap = 3_600_000 if index == 700 else draw.choice([1000, 3000, 7000])
        mid *= math.exp(draw.gauss(0, 0.6 * math.sqrt(gap / 1000 / YEAR_S)))
        time_ms += gap
    assert realised(samples) == pytest.approx(0.6, rel=0.08)


def test_not_ready_before_the_window_is_full() -> None:
    samples = walk(0.5, 20, 3000)
    assert feed(VolatilityState(), samples[:19]).annual is None
    full = feed(VolatilityState(), samples)
    assert full.annual is not None
    assert len(full.samples) == 20
    assert len(feed(full, [(60_000, 100.0)]).samples) == 20


@pytest.mark.parametrize("size", [0.01, 0.05, 0.15])
def test_one_bad_print_does_not_move_the_regime(size: float) -> None:
    samples = walk(0.2, 40, 3000)
    samples[30] = (samples[30][0], samples[30][1] * (1 + size))
    assert feed(VolatilityState(), samples).regime == "low"
    # without winsorising: two returns of 1 % in 19 of 3 s are √(2·0.0001/19/3)·5,616 = 10.5 a year
    assert math.sqrt(2 * math.log(1 + size) ** 2 / 19 / 3 * YEAR_S) > 8


def test_bad_print_in_a_market_that_seldom_moves() -> None:
    samples = [(index * 3000, 100.0) for index in range(20)]
    samples[10] = (30_000, 100.5)
    assert realised(samples) == 0  # both of its returns are cut to the third largest, which is zero


@pytest.mark.parametrize(
    ("current", "annual", "expected"),
    [
        (None, 0.39, "low"),
        (None, 0.4, "medium"),
        (None, 0.8, "high"),
        # 20 samples: the edges times e^±(3.5/√38) = 1.7643 and 0.5668
        ("low", 0.705, "low"),
        ("low", 0.706, "medium"),
        ("medium", 0.227, "medium"),
        ("medium", 0.226, "low"),
        ("medium", 1.41, "medium"),
        ("medium", 1.42, "high"),
        ("high", 0.454, "high"),
        ("high", 0.453, "medium"),
        ("high", 0.25, "medium"),  # below 0.453, not below 0.227
        ("high", 0.1, "low"),
        ("low", 2.0, "high"),
    ],
)
def test_regimes_with_hysteresis(current: str | None, annual: float, expected: str) -> None:
    assert next_regime(current, annual) == expected


NOISY = ((0.4, 1_000), (0.5, 3_000), (0.8, 3_000))  # both edges and between them, by default


@pytest.mark.parametrize(
    ("annual", "step_ms"),
    [
        pytest.param(annual, step_ms, marks=() if (annual, step_ms) in NOISY else pytest.mark.slow)
        for annual, step_ms in product((0.3, 0.4, 0.5, 0.8), (1_000, 3_000))
    ],
)
def test_noise_changes_the_regime_less_than_twice_an_hour(annual: float, step_ms: int) -> None:
    """With a hysteresis of a tenth it did so 33 times an hour at the edges, and 21 times at 50 %. The count of changes
    is Poisson's, or nearly: three standard errors above it must still be below two an hour."""
    hours, changes = 32 if annual == 0.5 else 8, 0  # half way between two edges both are near: about one an hour
    state, regime = VolatilityState(), None
    for time_ms, mid in walk(annual, hours * 3_600_000 // step_ms, step_ms):
        state = observe(state, time_ms, mid, tick=0.1)
        changes += regime is not None and state.regime != regime
        regime = state.regime
    print(f"\n{annual:.0%} at {step_ms / 1000:g} s: {changes} changes in {hours} h")
    assert (changes + 3 * math.sqrt(max(changes, 1))) / hours < 2


def test_the_estimate_of_normal_returns_is_two_percent_too_small() -> None:
    samples = walk(0.5, 24_000, 3000)
    found = [realised(samples[at : at + 20]) for at in range(0, len(samples) - 20, 20)]
    mean = math.fsum(each for each in found if each is not None) / len(found)
    assert mean / 0.5 - 1 == pytest.approx(-0.022, abs=0.02)  # the mean of 1,200 windows is known to 0.5 %


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_where_most_mids_stand_still_the_estimate_is_one_tick_a_window(moves: int) -> None:
    """One or two ticks in 19 returns are cut to nothing as outliers; 0.1 of 65,000 in 57 s is 0.11 % a year."""
    mids = [65_000.0 + 0.1 * (n >= 5 and moves > 0) + 0.1 * (n >= 12 and moves > 1) for n in range(20)]
    state = VolatilityState()
    for number, mid in enumerate(mids):
        state = observe(state, 3_000 * number, mid, tick=0.1)
    assert realised(state.samples) == 0
    assert state.annual == pytest.approx(0.0011443, rel=1e-3)
    assert state.still
    moving = observe(state, 60_000, 65_300.0, tick=0.1)
    assert load(dump(moving)) == moving
    assert load(dump(state)) == state
    assert load({name: value for name, value in dump(state).items() if name != "still"}).still is False


def test_the_returns_that_are_kept_are_those_of_the_samples() -> None:
    """At every step, through a day's pause and a restart, the estimate is that of the samples afresh."""
    state = VolatilityState()
    for number, (time_ms, mid) in enumerate(walk(0.7, 90, 3000)):
        pause_ms = 25 * 3_600_000 if number >= 60 else 0
        state = observe(load(dump(state)) if number == 40 else state, time_ms + pause_ms, mid, window=12)
        assert len(state.returns) == len(state.samples) - 1
        if state.annual is not None:
            assert state.annual == realised(state.samples)
    assert state.annual is not None


def test_a_moving_market_is_never_raised_to_the_tick() -> None:
    state = VolatilityState()
    for number in range(20):
        state = observe(state, 3_000 * number, 100 + 0.01 * (number % 2), tick=5.0)
    assert state.annual == pytest.approx(0.32421, rel=1e-3)
    assert not state.still


def test_multipliers_are_the_articles() -> None:
    assert SPREAD_MULTIPLIER == {"low": 1.0, "medium": 1.5, "high": 3.0}
    assert SIZE_MULTIPLIER == {"low": 1.0, "medium": 0.7, "high": 0.3}


def test_duplicates_out_of_order_and_too_close_are_ignored() -> None:
    state = feed(VolatilityState(), [(0, 100.0), (3000, 100.1)])
    assert observe(state, 3000, 100.2) == state
    assert observe(state, 1000, 100.2) == state
    assert observe(state, 3499, 100.2).samples == state.samples
    assert observe(state, 3500, 100.2).samples[-1] == (3500, 100.2)


@pytest.mark.parametrize("mid", [math.nan, math.inf, 0.0, -1.0])
def test_impossible_mids_are_refused(mid: float) -> None:
    state = feed(VolatilityState(), [(0, 100.0)])
    refused = observe(state, 3000, mid)
    assert refused.samples == state.samples
    assert refused.problem == f"mid is {mid}, not a positive number"
    assert observe(refused, 6000, 100.0).problem is None


def test_jump_waits_for_confirmation() -> None:
    state = feed(VolatilityState(), [(0, 100.0), (3000, 100.0)])
    jumped = observe(state, 6000, 120.0)
    assert jumped.problem == "the mid jumped +20.0% from 100 to 120: not yet confirmed"
    assert observe(jumped, 6000, 120.0).problem == jumped.problem  # the same look twice confirms nothing
    back = observe(jumped, 9000, 100.1)
    assert (back.problem, back.suspect, back.samples[-1]) == (None, None, (9000, 100.1))
    confirmed = observe(jumped, 9000, 121.0)
    assert (confirmed.problem, confirmed.samples) == (None, ((9000, 121.0),))  # the market moved: start anew
    again = observe(jumped, 9000, 80.0)  # a third level confirms nothing
    assert again.problem is not None
    assert observe(state, 6000, 119.9).problem is None


def test_samples_of_yesterday_are_dropped() -> None:
    state = feed(VolatilityState(), walk(0.5, 20, 3000))
    later = observe(state, 25 * 3_600_000, 100.0)
    assert later.samples == ((25 * 3_600_000, 100.0),)
    assert later.annual is None
    assert later.regime == state.regime


def test_survives_a_restart() -> None:
    samples = walk(0.9, 60, 3000)
    through = feed(VolatilityState(), samples)
    state = feed(VolatilityState(), samples[:33])
    restarted = load(json.loads(json.dumps(dump(state))))
    assert restarted == state
    assert feed(restarted, samples[33:]) == through
    assert load(json.loads(json.dumps(dump(observe(state, 10**9, 200.0))))).suspect == (10**9, 200.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"samples": None}, "samples is None"),
        ({"samples": [[1, 2, 3]]}, "a sample is"),
        ({"samples": [[1, None]]}, r"a sample is \[1, None\], not \[time_ms, mid\]"),
        ({"samples": [[1.5, 2.0]]}, "time_ms is 1.5"),
        ({"samples": [[1, math.nan]]}, "nan"),
        ({"samples": [[1, 0]]}, "mid is 0, no positive"),
        ({"samples": [[2, 1.0], [1, 1.0]]}, "out of time order"),
        ({"annual": "x"}, "annual is 'x'"),
        ({"annual": -1}, "annual is -1"),
        ({"regime": "wild"}, "regime is 'wild'"),
        ({"suspect": 3}, "suspect is 3"),
    ],
)
def test_bad_saved_state_names_the_field(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load({**dump(VolatilityState()), **change})


def test_window_below_three_is_refused() -> None:
    with pytest.raises(UsageError, match=r"volatility\.window.*2"):
        observe(VolatilityState(), 0, 100.0, window=2)
