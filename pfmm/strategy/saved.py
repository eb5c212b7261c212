"""Reading a strategy's saved memory field by field: what is missing gets its default, what is damaged is named. Pure.

A field that a release adds is read with a default, so that every memory of before goes on. A field without a default
was always written: where it is missing, the memory is damaged. Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pfmm.errors import ConfigError

MAX_EXPONENT = 100  # of an amount, 1e-100 to 1e100, as the journal takes it
MAX_NUMBER = 1e100


class Saved:
    """A saved mapping, `what` in messages. Every reader raises ConfigError naming the field and its value."""

    def __init__(self, raw: object, what: str) -> None:
        if not isinstance(raw, Mapping):
            raise damaged(what, f"it is {raw!r}")
        self._raw: Mapping[Any, Any] = raw
        self._what = what

    def has(self, name: str) -> bool:
        """Tell whether the field is there and not null."""
        return self._raw.get(name) is not None

    def refuse_newer(self, known: int, name: str = "version") -> None:
        """Refuse a memory of a later version than `known`; one without a number is of version 1."""
        version = self._raw.get(name, 1)
        if type(version) is not int or version < 1:
            raise self.bad(name, "version")
        if version > known:
            raise ConfigError(
                f"the saved {self._what} has version {version}, this pfmm reads {known}",
                hint="upgrade this pfmm, or stop the run and start it anew",
            )

    def amount(self, name: str, default: Decimal | None = None) -> Decimal:
        """Read a finite decimal, saved as text; without a default the field must be there."""
        if default is not None and name not in self._raw:
            return default
        text = self._raw.get(name)
        try:
            value = Decimal(text) if isinstance(text, str) else None
        except InvalidOperation:
            value = None
        if value is None or not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT:
            raise self.bad(name, "finite decimal of a sane size")
        return value

    def whole(self, name: str, default: int | None = None, *, low: int | None = None) -> int:
        """Read a whole number of at least `low`; without a default the field must be there."""
        value = self._raw.get(name, default)
        if type(value) is not int or (low is not None and value < low):
            raise self.bad(name, "whole number" if low is None else f"whole number of at least {low}")
        return value

    def number(self, name: str, *, zero: bool) -> float | None:
        """Read a positive number (or 0 with `zero`); None where it is null or missing."""
        value = self._raw.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
            raise self.bad(name, "number of a sane size")
        if value < 0 or (value == 0 and not zero):
            raise self.bad(name, "number of at least 0" if zero else "positive number")
        return float(value)

    def needed(self, name: str, *, zero: bool) -> float:
        """Read a number as `number` does; it must be there."""
        value = self.number(name, zero=zero)
        if value is None:
            raise self.bad(name, "number")
        return value

    def text(self, name: str, choices: Sequence[str] | None = None) -> str | None:
        """Read text, one of `choices` where there are any; None where it is null or missing."""
        value = self._raw.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or (choices is not None and value not in choices):
            raise self.bad(name, "text" if choices is None else " or ".join(choices))
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Read true or false; the default where it is missing."""
        value = self._raw.get(name, default)
        if not isinstance(value, bool):
            raise self.bad(name, "true or false")
        return value

    def items(self, name: str) -> list[Any]:
        """Read a list, which must be there."""
        value = self._raw.get(name)
        if not isinstance(value, list | tuple):
            raise self.bad(name, "list")
        return list(value)

    def mapping(self, name: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Read a nested mapping; without a default the field must be there."""
        value = self._raw.get(name, default)
        if not isinstance(value, Mapping):
            raise self.bad(name, "mapping")
        return value

    def bad(self, name: str, wanted: str) -> ConfigError:
        """Make the error of a field that is no `wanted`, or is missing."""
        found = f"{name} is {self._raw[name]!r}, no {wanted}" if name in self._raw else f"{name} is missing"
        return damaged(self._what, found)


def damaged(what: str, found: str) -> ConfigError:
    """Make the error of a saved memory that cannot be understood."""
    return ConfigError(
        f"the saved {what} is damaged: {found}",
        hint="stop the run: that cancels its orders by what the journal and the venue know; then start it anew",
    )
