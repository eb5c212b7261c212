"""Values as JSON knows them. Layer: model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from pfmm.model.text import plain


class Absent:
    """The type of ABSENT, which stands for a field that an answer does not have."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final[Any] = Absent()
# how the name of a number ends that is no price, size or amount; `minus_5_pct` is an amount, at a price that far away
NUMBERS: Final = re.compile(r"_bps$|(?<!\d)_pct$")


def jsonable(value: Any) -> Any:
    """Return `value` as JSON knows it.

    Decimals become plain strings, enums their value, dataclasses and mappings objects. What is measured in bps or per
    cent, by its name, is a number: `{"net_bps": Decimal("1.25")}` is `{"net_bps": 1.25}`.

    A field whose name is a word of Python's own is declared with an underscore behind it: `from_` is "from".
    Raises TypeError for anything else, and ValueError for a float or Decimal that is not finite.
    """
    if isinstance(value, Enum):
        return jsonable(value.value)
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, (float, Decimal)):
        return _finite(value)
    if isinstance(value, Mapping):
        return {str(key): _named(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return _fields(value)


def _fields(value: Any) -> dict[str, Any]:
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return {name: _named(name, item) for name, item in present(value).items()}


def _named(name: str, item: Any) -> Any:
    if NUMBERS.search(name) is None:
        return jsonable(item)
    if isinstance(item, Mapping):
        return {str(key): _named(name, one) for key, one in item.items()}
    return jsonable(float(item) if isinstance(item, Decimal) else item)


def present(value: Any) -> dict[str, Any]:
    """Return the fields that a dataclass has, under their names in JSON: those that are ABSENT are left out."""
    found = ((field_name(field.name), getattr(value, field.name)) for field in fields(value))
    return {name: item for name, item in found if item is not ABSENT}


def field_name(declared: str) -> str:
    """Return the name in JSON of a dataclass's field: `from_` is "from"."""
    return declared.removesuffix("_")


def _finite(value: float | Decimal) -> float | str:
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124 - only NaN differs from itself
        raise ValueError(f"{value} has no JSON form; a value that is not there is null")
    return plain(value) if isinstance(value, Decimal) else value
