"""The fault plan of `pfmm paper serve --faults SPEC`: which request goes wrong, and how. Pure.

SPEC is a comma-separated list of key=value, lists inside a value are joined by "+":

    seed=7,rate=0.3,kinds=timeout_after+reset+http_500,only=POST+/api/orders

- seed        whole number; the same seed and the same requests fail the same way (default 1)
- rate        share of the requests that fail, 0 to 1 (default 0.1)
- kinds       what may happen (default all): the names of FaultKind, or the groups timeout, reset, http, drip and all
- only        methods (POST) and path prefixes (/api/orders) that may fail (default: every request)
- hold_s      how long a timed-out or dripping connection is held before it is dropped, and how long after its
              connection a late request acts; 0 to 60 (default 1)
- latency_ms  the longest extra wait of a latency fault, 1 to 60000 (default 250)
- skew_ms     what a skew fault adds to the time of /api/time; may be negative (default 30000)

It decides; pfmm.paper.server.faulty_line acts. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from pfmm.errors import UsageError
from pfmm.paper.wire.paths import ORDERS, reads, shows_quotes, tells_time


class FaultKind(StrEnum):
    """What can go wrong with one request. "acted" means that the exchange did what it was asked."""

    LATENCY = "latency"  # acted and answered, late
    TIMEOUT_BEFORE = "timeout_before"  # never forwarded; held, then dropped
    TIMEOUT_AFTER = "timeout_after"  # acted; held, then dropped without an answer
    HTTP_429 = "http_429"  # refused with Retry-After, not acted
    HTTP_500 = "http_500"  # refused, not acted
    HTTP_500_AFTER = "http_500_after"  # acted, and yet answered 500
    RESET_BEFORE = "reset_before"  # connection reset, not acted
    RESET_AFTER = "reset_after"  # acted, then connection reset
    HALF_BODY = "half_body"  # acted; half of the answer, then the connection closes
    DUPLICATE = "duplicate"  # acted twice, as by a proxy that re-sends; the second answer is returned
    STALE = "stale"  # a read that gets the answer of an earlier identical read
    CROSSED = "crossed"  # a read of market data with bid and ask exchanged
    SKEW = "skew"  # the time off by skew_ms
    LATE = "late"  # connection reset at once; acted hold_s later
    HEADER_DRIP = "header_drip"  # acted; the head of the answer comes byte by byte, for hold_s, and never ends
    BODY_DRIP = "body_drip"  # acted; the same with the body
    HTML = "html"  # acted; answered 200 with the page of some proxy
    HUGE = "huge"  # acted; answered with 40 MB
    NESTED = "nested"  # acted; answered with 100,000 nested lists


GROUPS: dict[str, tuple[FaultKind, ...]] = {
    "timeout": (FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER),
    "reset": (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER),
    "http": (FaultKind.HTTP_429, FaultKind.HTTP_500, FaultKind.HTTP_500_AFTER),
    "drip": (FaultKind.HEADER_DRIP, FaultKind.BODY_DRIP),
    "all": tuple(FaultKind),
}
_NAMES = tuple(kind.value for kind in FaultKind)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_UNIT = 1 << 64


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to carry out: `latency_ms` and `skew_ms` and `hold_s` are the figures its kind needs."""

    kind: FaultKind
    hold_s: float
    latency_ms: int
    skew_ms: int


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A pure function (seed, request number, method, path) -> fault or None. Empty `methods` or `paths` mean any."""

    seed: int = 1
    rate: float = 0.1
    kinds: tuple[FaultKind, ...] = GROUPS["all"]
    methods: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    hold_s: float = 1.0
    latency_ms: int = 250
    skew_ms: int = 30_000

    def fault(self, number: int, method: str, path: str) -> Fault | None:
        """Draw the fault of request `number` (counted by the server from 1), or None.

        Whether a request fails depends on its number alone; what happens is drawn from the kinds that make sense
        for it (what acts is never stale), so a request with no such kind passes.
        """
        if self._draw(number, "strike") >= self.rate * _UNIT or not self._selects(method, path):
            return None
        kinds = [kind for kind in self.kinds if _fits(kind, method, path)]
        if not kinds:
            return None
        kind = kinds[self._draw(number, "kind") % len(kinds)]
        wait_ms = 1 + self._draw(number, "latency") % self.latency_ms
        return Fault(kind=kind, hold_s=self.hold_s, latency_ms=wait_ms, skew_ms=self.skew_ms)

    def _selects(self, method: str, path: str) -> bool:
        return (not self.methods or method in self.methods) and (not self.paths or path.startswith(self.paths))

    def _draw(self, number: int, purpose: str) -> int:
        """Draw 64 uniform bits, a function of its arguments alone: no generator that other threads could move on."""
        return int.from_bytes(blake2b(f"{self.seed}/{number}/{purpose}".encode(), digest_size=8).digest(), "big")


def parse_faults(spec: str) -> FaultPlan:
    """Read a --faults SPEC (the module's text has the language). Raises UsageError naming the part and its value."""
    plan = FaultPlan()
    seen: set[str] = set()
    for part in spec.split(","):
        key, equals, text = (piece.strip() for piece in part.partition("="))
        reader = _READERS.get(key)
        if reader is None or not equals:
            wrong = "has no key that is known" if equals else "is not key=value"
            raise UsageError(f"--faults: {part.strip()!r} {wrong}", hint=f"keys: {', '.join(_READERS)}")
        if key in seen:
            raise UsageError(f"--faults: {key} is given twice")
        seen.add(key)
        plan = replace(plan, **reader(key, text))
    return plan


def cross_quotes(payload: Any) -> Any:
    """Return the same answer with its quotes crossed: a 99/101 ticker reads 101/99, a book has its sides exchanged."""
    if isinstance(payload, list):
        return [cross_quotes(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    crossed = {key: cross_quotes(item) if key == "tickers" else item for key, item in payload.items()}
    for one, other in (("bid", "ask"), ("bids", "asks")):
        if one in payload and other in payload:
            crossed[one], crossed[other] = payload[other], payload[one]
    return crossed


def _fits(kind: FaultKind, method: str, path: str) -> bool:
    if kind is FaultKind.STALE:
        return reads(method, path)
    if kind is FaultKind.CROSSED:
        return shows_quotes(method, path)
    if kind is FaultKind.SKEW:
        return tells_time(method, path)
    return True


def _whole(low: int, high: int) -> Callable[[str, str], dict[str, Any]]:
    def read(key: str, text: str) -> dict[str, Any]:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise UsageError(f"--faults: {key} must be a whole number from {low} to {high}, not {text!r}")
        return {key: value}

    return read


def _real(high: float) -> Callable[[str, str], dict[str, Any]]:
    def read(key: str, text: str) -> dict[str, Any]:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= high:  # false for NaN too
            raise UsageError(f"--faults: {key} must be a number from 0 to {high:g}, not {text!r}")
        return {key: value}

    return read


def _read_kinds(key: str, text: str) -> dict[str, Any]:
    kinds: list[FaultKind] = []
    for name in text.split("+"):
        if name in GROUPS:
            kinds += GROUPS[name]
        elif name in _NAMES:
            kinds.append(FaultKind(name))
        else:
            known = ", ".join([*GROUPS, *_NAMES])
            raise UsageError(f"--faults: {name!r} is not a kind of fault", hint=f"{key}: {known}")
    return {key: tuple(dict.fromkeys(kinds))}


def _read_only(key: str, text: str) -> dict[str, Any]:
    names = text.split("+")
    wrong = [name for name in names if not name.startswith("/") and name not in METHODS]
    if wrong:
        raise UsageError(
            f"--faults: {key} takes methods and paths, not {wrong[0]!r}", hint=f"such as only=POST+{ORDERS}"
        )
    return {
        "methods": frozenset(name for name in names if name in METHODS),
        "paths": tuple(name for name in names if name.startswith("/")),
    }


_READERS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "seed": _whole(0, 2**63),
    "rate": _real(1.0),
    "kinds": _read_kinds,
    "only": _read_only,
    "hold_s": _real(60.0),
    "latency_ms": _whole(1, 60_000),
    "skew_ms": _whole(-(10**9), 10**9),
}
