"""Values that are made quickly are the same values, and as frozen."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from pfmm.model.quick import quick
from pfmm.model.quick import replace as quickly


@dataclass(frozen=True, slots=True)
class Plain:
    """As dataclasses make it."""

    name: str
    size: int = 3
    tags: dict[str, int] = field(default_factory=dict)
    note: str | None = field(default=None, compare=False)


@quick(frozen=True, slots=True)
class Quick:
    """The same fields."""

    name: str
    size: int = 3
    tags: dict[str, int] = field(default_factory=dict)
    note: str | None = field(default=None, compare=False)


@quick(frozen=True, slots=True)
class Bare:
    """Fields that all have a hash."""

    name: str
    size: int


def values(one: Any) -> tuple[object, ...]:
    return one.name, one.size, one.tags, one.note


@pytest.mark.parametrize(
    ("given", "named"),
    [(("a",), {}), (("a", 4), {"note": "n"}), ((), {"name": "a", "tags": {"x": 1}}), (("a", 4, {}, "n"), {})],
)
def test_a_quick_value_has_the_fields_and_defaults_of_a_plain_one(
    given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    assert values(Quick(*given, **named)) == values(Plain(*given, **named))
    assert type(Quick(*given, **named)) is Quick


def test_no_field_name_is_mistaken_for_a_name_of_the_code() -> None:
    @quick(frozen=True, slots=True)
    class Named:
        kind: str
        cls: str
        missing: str
        twin: str
        fields: str = "f"

    one = Named("k", "c", "m", "t")
    assert (one.kind, one.cls, one.missing, one.twin, one.fields) == ("k", "c", "m", "t", "f")
    assert quickly(one, kind="K") == Named("K", "c", "m", "t")


def test_a_class_that_adds_fields_to_a_quick_one_keeps_them() -> None:
    @dataclass(frozen=True, slots=True)
    class More(Quick):
        extra: int = 0

    one = quickly(More("a", extra=7), size=5)
    assert type(one) is More
    assert (*values(one), one.extra) == ("a", 5, {}, None, 7)


def test_each_value_has_its_own_default_dictionary() -> None:
    assert Quick("a").tags is not Quick("b").tags


@pytest.mark.parametrize(("given", "named"), [((), {}), (("a", 1, {}, None, 5), {}), (("a",), {"nam": 1})])
def test_wrong_arguments_are_refused(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        Quick(*given, **named)


def test_a_quick_value_is_frozen_and_has_nothing_but_its_fields() -> None:
    one = Quick("a")
    with pytest.raises(FrozenInstanceError):
        one.size = 4  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.size  # type: ignore[misc]
    assert not hasattr(one, "__dict__")


def test_equality_hash_text_replace_copy_and_pickle_are_those_of_a_dataclass() -> None:
    one = Quick("a", 4, note="n")
    assert one == Quick("a", 4, note="other")
    assert one != Quick("a", 5)
    assert one != Plain("a", 4)
    assert hash(Bare("a", 4)) == hash(Bare("a", 4))
    assert len({Bare("a", 4), Bare("a", 4), Bare("a", 5)}) == 2
    assert repr(one) == "Quick(name='a', size=4, tags={}, note='n')"
    assert replace(one, size=5) == Quick("a", 5)
    assert values(quickly(one, size=5, tags={"x": 1})) == ("a", 5, {"x": 1}, "n")
    assert values(quickly(Plain("a", note="n"), size=5)) == ("a", 5, {}, "n")
    with pytest.raises(TypeError, match="siz"):
        quickly(one, siz=5)  # type: ignore[call-arg]
    for same in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert values(same) == values(one)
        assert type(same) is Quick


def test_a_class_whose_making_does_more_cannot_be_made_quick() -> None:
    class Checked:
        size: int

        def __post_init__(self) -> None:
            raise ValueError(self.size)

    class More(Plain):
        extra: int = 0

    class Hidden:
        _size: int

    for cls in (Checked, More, Hidden):
        with pytest.raises(TypeError, match="cannot be made quick"):
            quick(frozen=True, slots=True)(cls)


@pytest.mark.parametrize(("frozen", "slots"), [(True, False), (False, True)])
def test_only_a_frozen_class_with_slots_can_be_made_quick(frozen: bool, slots: bool) -> None:
    class Loose:
        size: int

    with pytest.raises(TypeError, match="cannot be made quick"):
        quick(frozen=frozen, slots=slots)(Loose)
