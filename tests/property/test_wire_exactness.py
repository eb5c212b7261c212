"""Whatever is sent can be read back unchanged, and no body at all gets past the parser as something else."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import BadVenueData
from pfmm.venue.wire import Record, encode, parse

numbers = st.integers(-(10**20), 10**20).flatmap(
    lambda digits: st.integers(-10, 8).map(lambda exponent: Decimal(digits).scaleb(exponent))
)
values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_encode_then_parse_gives_the_same_value(value: object) -> None:
    assert parse(encode(value), "x") == value


@given(numbers)
def test_a_number_keeps_its_value_through_a_field(number: Decimal) -> None:
    assert Record(parse(encode({"v": number}), "x"), "x").signed("v") == number


@given(st.binary(max_size=60) | st.text('0123456789.eE+-{}[]:,"NaInfity ', max_size=40).map(str.encode))
def test_any_body_is_read_or_refused_in_our_words(body: bytes) -> None:
    try:
        value = parse(body, "here")
    except BadVenueData:
        return
    assert parse(encode(value), "x") == value
