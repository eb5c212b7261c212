"""What the wire lets in, what it refuses and in which words, and how exactly numbers go out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

import pytest

from pfmm.errors import BadVenueData, RiskRefused
from pfmm.venue.wire import Record, encode, parse


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def record(json_text: str) -> Record:
    return Record(parse(json_text.encode(), "/api/x"), "/api/x")


def test_numbers_come_in_exactly_as_written() -> None:
    assert parse(b'{"a":0.1,"b":7,"c":[1e-8,-2.50]}', "x") == {
        "a": Decimal("0.1"),
        "b": 7,
        "c": [Decimal("1e-8"), Decimal("-2.50")],
    }
    # a float would give 0.30000000000000004
    two = record('{"a":0.1,"b":0.2}')
    assert two.signed("a") + two.signed("b") == Decimal("0.3")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not usable JSON"),
        (b'{"a":1', "not usable JSON"),
        (b"<html>502</html>", "not usable JSON"),
        (b"\xff\xfe{}", "not usable JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not usable JSON"),
        (b'{"price":NaN}', "NaN is not a number"),
        (b'{"price":Infinity}', "Infinity is not a number"),
        (b'{"price":-Infinity}', "-Infinity is not a number"),
        (b'{"price":1E+999999999}', "out of range"),
        (b'{"price":1e-31}', "out of range"),
        (b'{"price":1e31}', "out of range"),
        (b'{"price":1e99999999999999999999}', "out of range"),
        (b"1" + b"0" * 31, "out of range"),
        (b"9" * 5000, "too long"),
        (b"0." + b"1" * 41, "out of range"),
        (b"0." + b"1" * 5000, "too long"),
        (b'{"price":1,"price":2}', "'price' is given twice"),
        (b'{"a":{"x":1,"y":2,"x":1}}', "'x' is given twice"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_unusable_bodies_are_refused_with_the_endpoint(body: bytes, says: str) -> None:
    with pytest.raises(BadVenueData) as caught:
        parse(body, "GET /api/state")
    assert says in caught.value.message
    assert caught.value.message.startswith("GET /api/state: ")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("body", [b"1e30", b"1e-30", b"0." + b"1" * 30, b"1" + b"0" * 30, b"-1e30"])
def test_the_bounds_themselves_are_allowed(body: bytes) -> None:
    assert Decimal(str(parse(body, "x"))) == Decimal(body.decode())


GOOD: list[tuple[str, str, Callable[[Record], object], object]] = [
    ("positive", '{"v":0.5}', lambda r: r.positive("v"), Decimal("0.5")),
    ("positive from whole", '{"v":3}', lambda r: r.positive("v"), Decimal(3)),
    ("non_negative zero", '{"v":0}', lambda r: r.non_negative("v"), Decimal(0)),
    ("signed", '{"v":-2.5}', lambda r: r.signed("v"), Decimal("-2.5")),
    ("whole written 5.0", '{"v":5.0}', lambda r: r.whole("v", 1, 9), 5),
    ("text", '{"v":"BTC-PERP"}', lambda r: r.text("v"), "BTC-PERP"),
    ("millis", '{"v":1760000000000}', lambda r: r.millis("v"), 1_760_000_000_000),
    ("instant ms", '{"v":1760000000000}', lambda r: r.instant("v"), 1_760_000_000_000),
    # 2025-10-09T08:53:20Z is 1,760,000,000 s after 1970
    ("instant Z", '{"v":"2025-10-09T08:53:20Z"}', lambda r: r.instant("v"), 1_760_000_000_000),
    ("instant offset", '{"v":"2025-10-09T10:53:20.250+02:00"}', lambda r: r.instant("v"), 1_760_000_000_250),
    ("flag", '{"v":false}', lambda r: r.flag("v"), False),
    ("choice", '{"v":"blue"}', lambda r: r.choice("v", Colour), Colour.BLUE),
    ("items", '{"v":[1,2]}', lambda r: list(r.items("v")), [1, 2]),
    ("optional null", '{"v":null}', lambda r: r.optional_positive("v"), None),
    ("optional absent", "{}", lambda r: r.optional_signed("v"), None),
    ("optional given", '{"v":0}', lambda r: r.optional_non_negative("v"), Decimal(0)),
    ("optional text", '{"v":"x"}', lambda r: r.optional_text("v"), "x"),
    ("words", '{"v":"a\\u001b[31mb\\n"}', lambda r: r.words("v"), "a[31mb"),
    ("words of a number", '{"v":3}', lambda r: r.words("v"), ""),
    ("nested", '{"v":{"w":1}}', lambda r: r.record("v").signed("w"), Decimal(1)),
]


@pytest.mark.parametrize(("body", "read", "expected"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_good_fields(body: str, read: Callable[[Record], object], expected: object) -> None:
    assert read(record(body)) == expected


BAD: list[tuple[str, str, Callable[[Record], object], str]] = [
    ("missing", "{}", lambda r: r.positive("v"), "/api/x.v: missing, must be a number"),
    ("null", '{"v":null}', lambda r: r.positive("v"), "/api/x.v: must be a number, got None"),
    ("bool is no number", '{"v":true}', lambda r: r.signed("v"), "got True"),
    ("text is no number", '{"v":"1.5"}', lambda r: r.signed("v"), "got '1.5'"),
    ("zero price", '{"v":0.0}', lambda r: r.positive("v"), "must be positive, got 0.0"),
    ("minus zero price", '{"v":-0.0}', lambda r: r.positive("v"), "must be positive, got -0.0"),
    ("negative", '{"v":-1}', lambda r: r.non_negative("v"), "must not be negative, got -1"),
    ("optional is not lax", '{"v":-1}', lambda r: r.optional_positive("v"), "must be positive, got -1"),
    ("optional refuses text", '{"v":""}', lambda r: r.optional_signed("v"), "must be a number"),
    ("half is not whole", '{"v":1.5}', lambda r: r.whole("v", 1, 9), "whole number from 1 to 9, got 1.5"),
    ("whole too big", '{"v":10}', lambda r: r.whole("v", 1, 9), "whole number from 1 to 9, got 10"),
    ("empty text", '{"v":""}', lambda r: r.text("v"), "printable text"),
    ("number as text", '{"v":7}', lambda r: r.text("v"), "printable text"),
    ("escape sequence", '{"v":"\\u001b[2J"}', lambda r: r.text("v"), r"got '\x1b[2J'"),
    ("lone surrogate", '{"v":"\\ud800"}', lambda r: r.text("v"), "printable text"),
    ("endless text", '{"v":"' + "x" * 201 + '"}', lambda r: r.text("v"), "1 to 200"),
    ("seconds", '{"v":1760000000}', lambda r: r.millis("v"), "between 2000 and 2100, got 1760000000"),
    ("microseconds", '{"v":1760000000000000}', lambda r: r.millis("v"), "between 2000 and 2100"),
    ("broken time", '{"v":1760000000000.5}', lambda r: r.millis("v"), "whole ms"),
    ("bool time", '{"v":true}', lambda r: r.millis("v"), "whole ms"),
    ("no zone", '{"v":"2025-10-09T08:53:20"}', lambda r: r.instant("v"), "with its zone"),
    ("no time at all", '{"v":"soon"}', lambda r: r.instant("v"), "with its zone"),
    ("year 1970", '{"v":"1970-01-01T00:00:00Z"}', lambda r: r.instant("v"), "between 2000 and 2100"),
    ("one is not true", '{"v":1}', lambda r: r.flag("v"), "true or false, got 1"),
    ("other word", '{"v":"green"}', lambda r: r.choice("v", Colour), "one of red, blue, got 'green'"),
    ("word of another case", '{"v":"RED"}', lambda r: r.choice("v", Colour), "one of red, blue, got 'RED'"),
    ("not a list", '{"v":{}}', lambda r: r.items("v"), "list of at most"),
    ("too many", '{"v":[1,2,3]}', lambda r: r.items("v", 2), "list of at most 2 items"),
    ("not records", '{"v":[{},7]}', lambda r: r.records("v"), "/api/x.v[1]: expected an object, got 7"),
    ("deep place", '{"v":[{"w":0}]}', lambda r: r.records("v")[0].positive("w"), "/api/x.v[0].w: must be positive"),
    ("no object", "{}", lambda r: r.record("v"), "/api/x.v: missing"),
]


@pytest.mark.parametrize(("body", "read", "says"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_fields_are_named_with_their_value(body: str, read: Callable[[Record], object], says: str) -> None:
    with pytest.raises(BadVenueData) as caught:
        read(record(body))
    assert says in caught.value.message
    assert caught.value.message.startswith("/api/x")
    assert caught.value.message.isprintable()


def test_a_list_is_not_a_record() -> None:
    with pytest.raises(BadVenueData, match="expected an object, got \\[1\\]"):
        record("[1]")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("-2.5"), "-2.5"),
        # 17 digits: a float would send 0.12345678901234568
        (Decimal("0.123456789012345678"), "0.123456789012345678"),
        (7, "7"),
        (True, "true"),
        (None, "null"),
        ('a"b\n', '"a\\"b\\n"'),
        ({"a": [Decimal("1.5"), {"b": "x"}], "c": ()}, '{"a":[1.5,{"b":"x"}],"c":[]}'),
    ],
)
def test_values_go_out_exactly(value: object, text: str) -> None:
    assert encode(value) == text.encode()


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1e31"), Decimal("1e-31"), Decimal("1" * 41), 0.1, {1, 2}]
)
def test_what_cannot_be_sent_exactly_is_refused_by_name(value: object) -> None:
    with pytest.raises(RiskRefused, match=r"request\.place\[1\]\.price: .*nothing was sent"):
        encode({"place": [{"price": Decimal(1)}, {"price": value}]})


def test_wire_does_not_load_an_http_library() -> None:
    code = "import sys, pfmm.venue.wire, pfmm.venue.ratelimit; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
