"""Saved memory is read field by field: a missing new field has its default, damage is named."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pfmm.errors import ConfigError
from pfmm.strategy.saved import Saved

ZERO = Decimal(0)


@pytest.mark.parametrize(
    ("raw", "read", "value"),
    [
        ({"a": "1.50"}, lambda s: s.amount("a"), Decimal("1.50")),
        ({}, lambda s: s.amount("a", ZERO), ZERO),
        ({"a": 3}, lambda s: s.whole("a"), 3),
        ({}, lambda s: s.whole("a", 7), 7),
        ({"a": 0}, lambda s: s.number("a", zero=True), 0.0),
        ({"a": None}, lambda s: s.number("a", zero=False), None),
        ({}, lambda s: s.number("a", zero=False), None),
        ({"a": 2}, lambda s: s.needed("a", zero=False), 2.0),
        ({"a": "low"}, lambda s: s.text("a", ("low", "high")), "low"),
        ({}, lambda s: s.text("a"), None),
        ({"a": [1]}, lambda s: s.items("a"), [1]),
        ({}, lambda s: s.mapping("a", {}), {}),
        ({"a": True}, lambda s: s.flag("a", default=False), True),
        ({}, lambda s: s.flag("a", default=True), True),
        ({"a": 0}, lambda s: s.has("a"), True),
        ({"a": None}, lambda s: s.has("a"), False),
    ],
)
def test_fields_are_read(raw: dict[str, Any], read: Callable[[Saved], Any], value: Any) -> None:
    assert read(Saved(raw, "thing")) == value


@pytest.mark.parametrize(
    ("raw", "read", "words"),
    [
        ({}, lambda s: s.amount("a"), "a is missing"),
        ({"a": "x"}, lambda s: s.amount("a"), "a is 'x', no finite decimal of a sane size"),
        ({"a": "Infinity"}, lambda s: s.amount("a", ZERO), "a is 'Infinity', no finite decimal of a sane size"),
        ({"a": None}, lambda s: s.amount("a", ZERO), "a is None, no finite decimal of a sane size"),
        ({"a": "1E+101"}, lambda s: s.amount("a"), r"a is '1E\+101', no finite decimal of a sane size"),
        ({"a": 10**400}, lambda s: s.number("a", zero=True), "a is 10+, no number of a sane size"),
        ({"a": 5}, lambda s: s.amount("a"), "a is 5, no finite decimal"),
        ({"a": [1]}, lambda s: s.amount("a"), r"a is \[1\], no finite decimal of a sane size"),
        ({"a": True}, lambda s: s.whole("a"), "a is True, no whole number"),
        ({"a": -1}, lambda s: s.whole("a", low=0), "a is -1, no whole number of at least 0"),
        ({"a": float("nan")}, lambda s: s.number("a", zero=True), "a is nan, no number of a sane size"),
        ({"a": 0}, lambda s: s.number("a", zero=False), "a is 0, no positive number"),
        ({}, lambda s: s.needed("a", zero=True), "a is missing"),
        ({"a": 1}, lambda s: s.text("a"), "a is 1, no text"),
        ({"a": "mid"}, lambda s: s.text("a", ("low", "high")), "a is 'mid', no low or high"),
        ({"a": 1}, lambda s: s.flag("a", default=True), "a is 1, no true or false"),
        ({}, lambda s: s.items("a"), "a is missing"),
        ({"a": 1}, lambda s: s.mapping("a", {}), "a is 1, no mapping"),
    ],
)
def test_damage_is_named(raw: dict[str, Any], read: Callable[[Saved], Any], words: str) -> None:
    with pytest.raises(ConfigError, match=f"the saved thing is damaged: {words}") as caught:
        read(Saved(raw, "thing"))
    assert "stop the run" in (caught.value.hint or "")


@pytest.mark.parametrize("raw", [None, 3, "text", [1]])
def test_what_is_no_mapping_is_damaged(raw: object) -> None:
    with pytest.raises(ConfigError, match="the saved thing is damaged"):
        Saved(raw, "thing")


@pytest.mark.parametrize(("version", "words"), [(3, "has version 3, this pfmm reads 2"), ("2", "is '2'"), (0, "is 0")])
def test_a_newer_version_is_refused(version: object, words: str) -> None:
    Saved({}, "thing").refuse_newer(2)
    Saved({"version": 2}, "thing").refuse_newer(2)
    with pytest.raises(ConfigError, match=words):
        Saved({"version": version}, "thing").refuse_newer(2)
