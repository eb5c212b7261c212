"""The config file: read whole and checked whole, written atomically, by any number of processes.

Knows TOML and the table of settings; knows nothing of environment, flags or what a profile is used for.
Machine writes do not keep comments; `edit` says when it dropped some. Layer: config.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pfmm.config import tables
from pfmm.config.renamed import translate_profile
from pfmm.config.settings import differs_by_market, is_key
from pfmm.errors import ConfigError
from pfmm.model.setting import NAME_PATTERN, from_value, nearest
from pfmm.model.spelling import base_of

SCHEMA_VERSION: Final = 1
BUILT_IN: Final = "paper"
LOCK_WAIT_S: Final = 10.0

Document = dict[str, Any]


def read(path: Path) -> Document:
    """Read the checked content of the config file; an absent file is an empty document.

    Raises ConfigError with the line.
    """
    text = _text_of(path)
    if text is None:
        return {"schema": SCHEMA_VERSION, "profiles": {}}
    return _parse(path, text)


def edit(path: Path, change: Callable[[Document], None]) -> bool:
    """Apply `change` to the document and replace the file, whole or not at all, one writer at a time.

    Returns True when comments of the old file were dropped. What `change` leaves must pass the same checks as a file
    that is read, or ConfigError is raised and the file stays as it was.
    """
    with _locked(path):
        text = _text_of(path)
        document = _parse(path, text) if text is not None else {"schema": SCHEMA_VERSION, "profiles": {}}
        change(document)
        _check(path, "", document)
        import tomli_w

        _replace(path, tomli_w.dumps(_storable(document)).encode())
    return text is not None and _has_comments(text)


def _text_of(path: Path) -> str | None:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint=f"check the permissions of {path}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _corrupt(path, f"line {line}", "not UTF-8 text") from error


def _parse(path: Path, text: str) -> Document:
    import tomllib

    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError, ArithmeticError) as error:
        place = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)", str(error))
        line = place.group(1) if place and place.group(1) else str(text.count("\n") + 1)
        raise _corrupt(path, f"line {line}", str(error).split(" (at ")[0] or type(error).__name__) from error
    profiles = document.get("profiles")
    for profile in profiles.values() if isinstance(profiles, dict) else ():
        if isinstance(profile, dict):
            translate_profile(profile)
    _check(path, text, document)
    document.setdefault("schema", SCHEMA_VERSION)
    document.setdefault("profiles", {})
    return document


def _corrupt(path: Path, where: str, why: str) -> ConfigError:
    return ConfigError(f"{path}, {where}: {why}", hint=f"correct that line, or move {path} away to start afresh")


def _check(path: Path, text: str, document: Document) -> None:
    """Check that every key is known and every value valid.

    Raises ConfigError naming the file and, where it can be told, the line.
    """

    def fail(keys: tuple[str, ...], why: str) -> ConfigError:
        line = _line_of(text, keys)
        return _corrupt(path, f"line {line}" if line else ".".join(keys), why)

    for key in document:
        if key not in {"schema", "active", "profiles"}:
            raise fail((key,), _unknown(key, ("schema", "active", "profiles")))
    version = document.get("schema", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise ConfigError(
            f"{path} has schema {version!r}; this pfmm reads {SCHEMA_VERSION}",
            hint="upgrade pfmm, or move the file away to start afresh",
        )
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise fail(("profiles",), "profiles must be a table")
    active = document.get("active", BUILT_IN)
    if not isinstance(active, str) or (active != BUILT_IN and active not in profiles):
        raise fail(("active",), f"active profile {active!r} does not exist")
    for name, profile in profiles.items():
        if not re.fullmatch(NAME_PATTERN, name) or not isinstance(profile, dict):
            raise fail(("profiles", name), f"profile {name!r} must be a table with a plain name")
        try:
            _check_profile(name, profile)
        except _BadKey as bad:
            raise fail(("profiles", name, *bad.keys), bad.why) from bad


class _BadKey(Exception):
    def __init__(self, keys: tuple[str, ...], why: str) -> None:
        super().__init__(why)
        self.keys = keys
        self.why = why


def _check_profile(name: str, profile: Document) -> None:
    for key, value in profile.items():
        if key == "markets":
            _check_markets(value)
        elif key in tables.sections():
            _check_section((key,), key, value)
        elif tables.find(key) is not None:
            _check_value((key,), key, value)
        else:
            raise _BadKey((key,), _unknown(key, (*tables.table(""), *tables.sections(), "markets")))
    if name == BUILT_IN and profile.get("venue", "paper") != "paper":
        raise _BadKey(("venue",), "the built-in profile `paper` always trades on paper")
    if len(profile.get("secret", {})) > 1:
        raise _BadKey(("secret",), "at most one of secret.env, .file, .command and .keyring may be set")


def _check_markets(markets: Any) -> None:
    if not isinstance(markets, dict) or not all(isinstance(section, dict) for section in markets.values()):
        raise _BadKey(
            ("markets",), 'markets must hold one table a market, as in [profiles.NAME.markets."BTC-PERP".grid]'
        )
    spellings: dict[str, str] = {}
    for market, sections in markets.items():
        other = spellings.setdefault(base_of(market), market)
        if other != market:
            raise _BadKey(("markets", market), f"{other} and {market} are the same market: keep one section")
        for section, values in sections.items():
            keys = ("markets", market, section)
            if section not in tables.sections():
                known = tuple(one for one in tables.sections() if differs_by_market(f"{one}."))
                raise _BadKey(keys, _unknown(section, known))
            if not differs_by_market(f"{section}."):
                raise _BadKey(keys, f"{section} cannot differ by market")
            _check_section(keys, section, values)
            for key in values:
                if not differs_by_market(f"{section}.{key}"):
                    raise _BadKey((*keys, key), f"{section}.{key} cannot differ by market")


def _check_section(keys: tuple[str, ...], section: str, values: Any) -> None:
    if not isinstance(values, dict):
        raise _BadKey(keys, f"{section} must be a table")
    for key, value in values.items():
        _check_value((*keys, key), f"{section}.{key}", value)


def _check_value(keys: tuple[str, ...], name: str, value: Any) -> None:
    setting = tables.find(name)
    if setting is None:
        raise _BadKey(keys, _unknown(name, tuple(tables.every())))
    try:
        from_value(setting, value)
    except ValueError as error:
        raise _BadKey(keys, str(error)) from error


def _unknown(name: str, known: tuple[str, ...]) -> str:
    if is_key(name):
        return f"unknown setting {name!r}: keys are never stored in this file (`pfmm help config`: Keys)"
    guess = nearest(name, known)
    return f"unknown setting {name!r}" + (f"; did you mean {guess}?" if guess else "")


def _line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """Find the line that sets `keys`, where the file is laid out one key a line under [table] headers; else None."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        words = tuple(re.findall(r'"([^"]*)"|([A-Za-z0-9_-]+)', line.split("=")[0]))
        names = tuple(quoted or bare for quoted, bare in words)
        if line.lstrip().startswith("["):
            table, names = names, ()
        if (*table, *names) == keys:
            return number
    return None


def _has_comments(text: str) -> bool:
    without_strings = re.sub(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', "", text)
    return "#" in without_strings


def _storable(value: Any) -> Any:
    """Turn Decimals that are whole into integers, so that 20 stays 20 and does not become 20.0."""
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(item) for item in value]
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    from pfmm.store import flock

    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = flock.acquire(lock, LOCK_WAIT_S)
    except OSError as error:
        raise ConfigError(f"cannot write in {path.parent}: {error.strerror}", hint=_WRITE_HINT) from error
    if descriptor is None:
        raise ConfigError(f"another process has held {lock} for {LOCK_WAIT_S:.0f} s")
    try:
        yield
    finally:
        os.close(descriptor)


_WRITE_HINT = "check the permissions of the folder, or set PFMM_HOME to one that can be written"


def _replace(path: Path, content: bytes) -> None:
    from pfmm.store.files import replace_file

    try:
        replace_file(path, content)
    except OSError as error:
        raise ConfigError(f"cannot write {path.resolve()}: {error.strerror}", hint=_WRITE_HINT) from error
