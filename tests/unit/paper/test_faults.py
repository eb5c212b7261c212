"""The fault plan: its language, its determinism, and what its edits of an answer do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import UsageError
from pfmm.paper.server.faults import GROUPS, FaultKind, FaultPlan, cross_quotes, parse_faults

NUMBERS = range(1, 2001)


def test_spec_example_of_the_documentation() -> None:
    plan = parse_faults("seed=7,rate=0.3,kinds=timeout_after+reset+http_500,only=POST+/api/orders")
    assert plan == FaultPlan(
        seed=7,
        rate=0.3,
        kinds=(FaultKind.TIMEOUT_AFTER, FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.HTTP_500),
        methods=frozenset({"POST"}),
        paths=("/api/orders",),
    )


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        ("rate=1", "rate", 1.0),
        ("seed=0", "seed", 0),
        (" hold_s = 0.05 ", "hold_s", 0.05),
        ("skew_ms=-5000", "skew_ms", -5000),
        ("latency_ms=40", "latency_ms", 40),
        ("kinds=all", "kinds", tuple(FaultKind)),
        ("kinds=reset+reset_after+reset", "kinds", GROUPS["reset"]),
        ("only=/api/state", "methods", frozenset()),
        ("only=/api/state+/api/fills", "paths", ("/api/state", "/api/fills")),
    ],
)
def test_spec_fields(spec: str, field: str, value: object) -> None:
    assert getattr(parse_faults(spec), field) == value


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("", "''"),
        ("rate", "'rate' is not key=value"),
        ("rats=1", "'rats=1' has no key that is known"),
        ("rate=1,", "''"),
        ("rate=1.01", "'1.01'"),
        ("rate=-0.1", "'-0.1'"),
        ("rate=nan", "'nan'"),
        ("rate=inf", "'inf'"),
        ("rate=often", "'often'"),
        ("rate=0.1,rate=0.2", "twice"),
        ("seed=-1", "'-1'"),
        ("seed=1.5", "'1.5'"),
        ("kinds=", "''"),
        ("kinds=timeout_afterwards", "'timeout_afterwards'"),
        ("only=post", "'post'"),
        ("only=", "''"),
        ("hold_s=61", "'61'"),
        ("latency_ms=0", "'0'"),
    ],
)
def test_spec_mistakes_name_the_part(spec: str, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_faults(spec)
    assert "--faults" in caught.value.message
    assert word in caught.value.message


def kinds_at(plan: FaultPlan, method: str, path: str) -> list[FaultKind | None]:
    return [fault.kind if (fault := plan.fault(number, method, path)) else None for number in NUMBERS]


def test_the_plan_is_a_function_of_its_arguments() -> None:
    one = kinds_at(FaultPlan(seed=3, rate=0.5), "POST", "/api/orders")
    again = kinds_at(FaultPlan(seed=3, rate=0.5), "POST", "/api/orders")
    other_seed = kinds_at(FaultPlan(seed=4, rate=0.5), "POST", "/api/orders")
    assert one == again
    assert one != other_seed


@pytest.mark.parametrize(("rate", "low", "high"), [(0.0, 0, 0), (0.1, 150, 250), (0.5, 900, 1100), (1.0, 2000, 2000)])
def test_rate_is_the_share_that_fails(rate: float, low: int, high: int) -> None:
    # 2,000 requests at 0.1: 200 expected, 13.4 one standard deviation; the bounds are 3.7 of them away
    struck = sum(kind is not None for kind in kinds_at(FaultPlan(seed=11, rate=rate), "POST", "/api/orders"))
    assert low <= struck <= high


def test_each_request_draws_only_kinds_that_fit_it() -> None:
    plan = FaultPlan(rate=1.0)
    everywhere = set(FaultKind) - {FaultKind.STALE, FaultKind.CROSSED, FaultKind.SKEW}
    assert set(kinds_at(plan, "POST", "/api/orders")) == everywhere
    assert set(kinds_at(plan, "DELETE", "/api/orders/o1")) == everywhere
    assert set(kinds_at(plan, "GET", "/api/positions")) == everywhere | {FaultKind.STALE}
    assert set(kinds_at(plan, "GET", "/api/tickers")) == everywhere | {FaultKind.STALE, FaultKind.CROSSED}
    assert set(kinds_at(plan, "GET", "/api/time")) == everywhere | {FaultKind.STALE, FaultKind.SKEW}


def test_a_request_without_a_fitting_kind_passes() -> None:
    assert set(kinds_at(FaultPlan(rate=1.0, kinds=(FaultKind.STALE,)), "POST", "/api/orders")) == {None}


@pytest.mark.parametrize(
    ("method", "path", "struck"),
    [
        ("POST", "/api/orders", True),
        ("POST", "/api/orders/batch", True),
        ("POST", "/api/dead-man", False),
        ("GET", "/api/orders", False),
    ],
)
def test_only_selects_by_method_and_path(method: str, path: str, struck: bool) -> None:
    plan = parse_faults("rate=1,only=POST+/api/orders")
    assert (plan.fault(1, method, path) is not None) is struck


@given(st.integers(0, 2**63), st.integers(1, 10**9), st.integers(1, 60_000))
def test_latency_stays_within_its_bound(seed: int, number: int, latency_ms: int) -> None:
    fault = FaultPlan(seed=seed, rate=1.0, latency_ms=latency_ms).fault(number, "GET", "/api/time")
    assert fault is not None
    assert 1 <= fault.latency_ms <= latency_ms


@given(st.integers(0, 2**63), st.integers(1, 10**9), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_fails_at_least_the_same_requests(seed: int, number: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if FaultPlan(seed=seed, rate=low).fault(number, "POST", "/") is not None:
        assert FaultPlan(seed=seed, rate=high).fault(number, "POST", "/") is not None


@pytest.mark.parametrize(
    ("sound", "crossed"),
    [
        (
            {"bid": Decimal(99), "ask": Decimal(101), "mark": 100},
            {"bid": Decimal(101), "ask": Decimal(99), "mark": 100},
        ),
        ({"bids": [[99, 1]], "asks": [[101, 2]]}, {"bids": [[101, 2]], "asks": [[99, 1]]}),
        ({"tickers": [{"bid": 99, "ask": 101}], "cash": 5}, {"tickers": [{"bid": 101, "ask": 99}], "cash": 5}),
        ({"orders": [{"side": "long"}]}, {"orders": [{"side": "long"}]}),
    ],
)
def test_crossing_exchanges_the_sides_of_quotes_only(sound: Any, crossed: Any) -> None:
    assert cross_quotes(sound) == crossed
    assert cross_quotes(cross_quotes(sound)) == sound
