"""A setting as a value: name, type, unit, range, default and help, and the checks that come from them. Layer: model.

Flags, environment variables, config keys and completions are made from tables of these; a strategy's table stands
beside the strategy. Pure: raw values are handed in, checked ones come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from pfmm.model.quick import quick

Kind = Literal["text", "integer", "number", "decimal", "flag", "choice", "account", "url", "variable", "path", "words"]

NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
MOST_USD: Final = "1000000000"

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@quick(frozen=True, slots=True)
class Setting:
    """One setting, by its full name ("grid.levels"). `minimum` and `maximum` are inclusive unless `open_minimum`.

    A default of None means optional. `unit` is what a number counts ("USD", "bps", "s"). `flags` are the options of
    the commands that take it; empty where only the config file and the environment set it.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    open_minimum: bool = False
    choices: tuple[str, ...] = ()
    unit: str = ""
    flags: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The table of the config file that holds it: "grid" of "grid.levels"; empty at the top."""
        return self.name.rpartition(".")[0]

    @property
    def variable(self) -> str:
        """Its environment variable: PFMM_GRID_LEVELS of "grid.levels"."""
        return "PFMM_" + self.name.upper().replace(".", "_")

    @property
    def meaning(self) -> str:
        """The help with the unit: "seconds between cycles, s"."""
        return f"{self.help}, {self.unit}" if self.unit else self.help

    @property
    def secret(self) -> bool:
        """True where a careless user may have typed the key itself: the value never appears in a message."""
        return self.name.startswith("secret.")


def choice(name: str, default: str, choices: tuple[str, ...], text: str, *flags: str) -> Setting:
    """Build a setting with one of a few words."""
    return Setting(name, "choice", default, text, choices=choices, flags=flags)


def above_zero(name: str, kind: Kind, default: Any, maximum: str, unit: str, text: str, *flags: str) -> Setting:
    """Build a setting with a number above zero, at most `maximum`."""
    return Setting(name, kind, default, text, Decimal(0), Decimal(maximum), open_minimum=True, unit=unit, flags=flags)


def between(name: str, kind: Kind, default: Any, limits: tuple[str, str], unit: str, text: str, *flags: str) -> Setting:
    """Build a setting with a number within limits that are both allowed."""
    return Setting(name, kind, default, text, Decimal(limits[0]), Decimal(limits[1]), unit=unit, flags=flags)


class Values(Mapping[str, Any]):
    """The checked values of some settings for one market, by full name; `told` says which a flag gave, `settings` are
    the settings themselves."""

    def __init__(self, values: Mapping[str, Any], told: Iterable[str] = (), settings: Iterable[Setting] = ()) -> None:
        self._values = dict(values)
        self._told = frozenset(told)
        self._settings = tuple(settings)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def told(self, name: str) -> bool:
        """Tell whether a flag of this invocation gave the value."""
        return name in self._told

    def usual(self) -> Values:
        """Return the same settings where nobody has set them."""
        return defaults(self._settings)

    def text(self, name: str) -> str | None:
        """Write the value as a run's journal keeps it: decimals without exponent, None where it is unset."""
        value = self._values[name]
        return None if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


def defaults(settings: Iterable[Setting], given: Mapping[str, Any] | None = None) -> Values:
    """Return the defaults of a table, with the values in `given` instead of theirs."""
    table = tuple(settings)
    return Values({setting.name: setting.default for setting in table} | dict(given or {}), settings=table)


def describe_range(setting: Setting) -> str:
    """Say what the setting accepts, for help and messages: `2 to 500`, `above 0, at most 3600`, `hold | flatten`."""
    if setting.choices:
        return " | ".join(setting.choices)
    if setting.minimum is not None and setting.maximum is not None:
        high = format(setting.maximum, "f")
        return f"above {setting.minimum}, at most {high}" if setting.open_minimum else f"{setting.minimum} to {high}"
    return {"flag": "true | false", "words": "a command and its arguments", "account": "a name"}.get(
        setting.kind, "text"
    )


def nearest(name: str, known: Mapping[str, object] | tuple[str, ...], cutoff: float = 0.6) -> str | None:
    """Find the known name that looks most like `name`, or None: grid.levls → grid.levels."""
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def from_text(setting: Setting, text: str) -> Any:
    """Read the value of a setting typed by a person (a flag, the environment). Raises ValueError naming it."""
    if setting.kind == "flag":
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(f"{setting.name} must be true or false, not {text!r}")
        return word in _TRUE
    if setting.kind == "words":
        import shlex

        try:
            text.encode()  # a command line may hold bytes that are no text, a config file may not
            return from_value(setting, shlex.split(text))
        except ValueError as error:
            raise ValueError(f"{setting.name} must be a command and its arguments") from error
    if setting.kind in {"integer", "number", "decimal"}:
        try:
            value = _typed_number(setting, text)
        except ValueError as error:
            raise ValueError(f"{setting.name} {error}") from None
        return from_value(setting, value)
    return from_value(setting, text)


def _typed_number(setting: Setting, text: str) -> int | Decimal:
    if setting.unit == "s":
        from pfmm.model.units import parse_seconds

        return parse_seconds(text)
    from pfmm.model.numbers import parse_decimal, parse_integer

    return parse_integer(text) if setting.kind == "integer" else parse_decimal(text)


def from_value(setting: Setting, raw: Any) -> Any:
    """Check the value of a setting given as int, Decimal, float, bool, str or list, and return it.

    Raises ValueError naming it.
    """
    if setting.kind in {"integer", "number", "decimal"}:
        return _number(setting, raw)
    if setting.kind == "flag":
        if not isinstance(raw, bool):
            raise ValueError(f"{setting.name} must be true or false, not {raw!r}")
        return raw
    if setting.kind == "words":
        if not isinstance(raw, (list, tuple)) or not raw or not all(isinstance(word, str) and word for word in raw):
            raise ValueError(f"{setting.name} must be a list of words")
        return tuple(raw)
    return _text(setting, raw)


def _number(setting: Setting, raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal)):
        raise ValueError(f"{setting.name} must be a number, not {raw!r}")
    value = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not value.is_finite():
        raise ValueError(f"{setting.name} must be finite, not {raw}")
    low, high = setting.minimum, setting.maximum
    too_low = low is not None and (value <= low if setting.open_minimum else value < low)
    if too_low or (high is not None and value > high):
        raise ValueError(f"{setting.name} must be {describe_range(setting)}, not {raw}")
    if setting.kind == "decimal":
        return value
    if setting.kind == "number":
        return float(value)
    if value != value.to_integral_value():
        raise ValueError(f"{setting.name} must be a whole number, not {raw}")
    return int(value)


def _text(setting: Setting, raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{setting.name} must be text{'' if setting.secret else f', not {raw!r}'}")
    if not raw.isprintable():
        raise ValueError(f"{setting.name} must not hold control characters")
    if setting.kind == "choice" and raw not in setting.choices:
        guess = nearest(raw, setting.choices)
        raise ValueError(
            f"{setting.name} must be {describe_range(setting)}, not {raw!r}"
            + (f" (did you mean {guess}?)" if guess else "")
        )
    if setting.kind == "account" and not re.fullmatch(NAME_PATTERN, raw):
        raise ValueError(f"{setting.name} must be letters, digits, dot, dash or underscore, not {raw!r}")
    if setting.kind == "variable" and (not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", raw) or raw.startswith("sk_")):
        raise ValueError(f"{setting.name} must be the NAME of an environment variable, not a key")
    if setting.kind == "url":
        return _url(setting.name, raw)
    if setting.secret and not raw:
        raise ValueError(f"{setting.name} must not be empty")
    return raw


def _url(name: str, text: str) -> str:
    if not text:
        return text
    from urllib.parse import urlsplit

    # what stands before an @ or behind a ? may be a password or a key, and messages go to logs
    private = any(mark in text for mark in "@?#")
    shown = " without user name, query and fragment" if private else f", not {text!r}"

    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{name} must be an http(s) address{shown}" + ("" if private else f": {error}")) from error
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} must not hold a user name or a password")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise ValueError(f"{name} must be an http(s) address{shown}")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError(f"{name} must use https, except on this machine: {text!r} would send the key in clear")
    return text.rstrip("/")
