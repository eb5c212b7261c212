"""Numbers and times as people type them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.model.numbers import parse_decimal, parse_integer
from pfmm.model.units import moment_ms, parse_seconds, since_ms, span_ms

D = Decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [("60000", D(60000)), ("60_000", D(60000)), ("60k", D(60000)), ("60K", D(60000)), ("1M", D(10**6)),
     ("1.5M", D(1_500_000)), ("2B", D(2 * 10**9)), ("6e4", D(60000)), (".5", D("0.5")), ("-0.25k", D(-250))],
)  # fmt: skip
def test_a_number(text: str, value: Decimal) -> None:
    assert parse_decimal(text) == value


def test_a_whole_number() -> None:
    assert [parse_integer(text) for text in ("20", "-3", "1_000", "2k", "1.5k")] == [20, -3, 1000, 2000, 1500]


@pytest.mark.parametrize(
    ("text", "advice"),
    [("1,000", "write 1000 or 1_000"), ("1,000,000.5", "write 1000000.5"), ("0,5", "a point, 0.5"),
     ("1m", "million is 1M"), ("$20", "write 20 alone"), ("20USD", "write 20 alone"),
     ("5%", "write 5 alone"), ("10bps", "write 10 alone"),
     ("-3 bps", "write -3 alone"), ("=20", "write 20")],
)  # fmt: skip
def test_what_is_no_number_says_what_to_type(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match="must be a number, not") as caught:
        parse_decimal(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize("text", ["1.5", "0.5k2", "2.0001k", "1e3", "ten", "", "1" * 30])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match="must be a whole number, not"):
        parse_integer(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", D(3)), ("0.5", D("0.5")), ("3s", D(3)), ("500ms", D("0.5")), ("5m", D(300)), ("2h", D(7200)),
     ("7d", D(604_800)), ("1.5h", D(5400)), ("0", D(0)), ("-1", D(-1))],
)  # fmt: skip
def test_seconds(text: str, seconds: Decimal) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("read", [parse_seconds, span_ms, lambda text: since_ms(text, 10**12)])
@pytest.mark.parametrize(
    ("text", "advice"),
    [("1M", "1m are minutes, and a month is written in days, such as 30d"), ("5min", "write 5m"),
     ("30 sec", "write 30s"), ("2hours", "write 2h"), ("1y", "such as 365d"), ("3months", "such as 30d")],
)  # fmt: skip
def test_what_is_no_span_says_what_to_type(read: object, text: str, advice: str) -> None:
    assert callable(read)
    with pytest.raises(ValueError, match="must be") as caught:
        read(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("text", "advice"),
    [("2026/11/29", "write 2026-11-29"), ("29.11.2026", "2026-11-29"), ("11/29/2026", "2026-11-29"),
     ("29-11-2026", "2026-11-29")],
)  # fmt: skip
def test_a_date_in_another_order_says_how_to_write_it(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match="must be a time like") as caught:
        moment_ms(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("text", "advice"), [("yesterday", "write 2d"), ("last week", "write 7d"), ("-1d", "write 1d"), ("2d ago", "2d")]
)
def test_a_period_in_words_says_what_to_type(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        since_ms(text, 10**12)
    assert advice in str(caught.value)
