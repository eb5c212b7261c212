"""What of many like cases runs by default, and what under `-m slow`: examples of properties, rows of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

MANY = "many"
Test = TypeVar("Test", bound=Callable[..., Any])


def load_profile(name: str = "pfmm") -> None:
    """Makes `name` the profile of every property that is defined from now on.

    `pfmm` and `many` make the same examples in every run of a commit, but that Hypothesis also tries numbers out of the
    code that is loaded by then, which other tests decide; `explore` looks for new ones. How long one takes depends on
    what else the machine does: speed is for the benches.
    """
    explore = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)
    settings.register_profile("explore", explore)
    settings.register_profile("pfmm", explore, derandomize=True)
    settings.register_profile(MANY, explore, derandomize=True)
    settings.load_profile(name)


def examples(by_default: int, many: int, **more: Any) -> Callable[[Test], Test]:
    """Settings of a property whose examples are dear: `by_default` of them, and `many` where `-m slow` selects it.

    `many` are made by the profile `explore` too. `more` goes to Hypothesis's settings.
    """
    profile = settings.get_current_profile_name()

    def decorate(test: Test) -> Test:
        counted = settings(max_examples=by_default if profile == "pfmm" else many, **more)(test)
        return pytest.mark.slow(counted) if profile == MANY else counted

    return decorate


def some(values: Iterable[Any], by_default: int) -> list[Any]:
    """All values of a parameter, of which the first `by_default` run by default."""
    return [
        value if number < by_default else pytest.param(value, marks=pytest.mark.slow)
        for number, value in enumerate(values)
    ]


def one_in_three(*tables: Iterable[Any]) -> list[Any]:
    """Every combination of the tables' values, as rows of parameters, of which one in three runs by default.

    Among those each value is met, and of three tables, the last two of three values each, every pair of values too:
    (0, 0, 0), (0, 1, 2), (0, 2, 1), (1, 0, 2), … are the rows whose numbers sum to a multiple of three.
    """
    return [
        pytest.param(*(value for _, value in row), marks=() if sum(n for n, _ in row) % 3 == 0 else pytest.mark.slow)
        for row in product(*(tuple(enumerate(table)) for table in tables))
    ]
