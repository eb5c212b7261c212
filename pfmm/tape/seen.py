"""Which prints were read already: a print counts once, however often a file or a reconnected stream repeats it.

Layer: tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

REMEMBERED = 10_000


class SeenIds:
    """The newest ids of each market; older ones are forgotten."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, None]] = {}

    def known(self, market: str, number: str) -> bool:
        """Tell whether the id was told before."""
        return number in self._ids.get(market, ())

    def copy(self) -> SeenIds:
        """Return a copy that goes its own way."""
        found = SeenIds()
        found._ids = {market: dict(ids) for market, ids in self._ids.items()}
        return found

    def all_new(self, market: str, numbers: Sequence[str]) -> bool:
        """Note ids, where each of them is told for the first time; else note none and return False."""
        new = dict.fromkeys(numbers)
        ids = self._ids.setdefault(market, {})
        if len(new) < len(numbers) or not ids.keys().isdisjoint(new):
            return False
        ids.update(new)
        for old in list(islice(ids, max(len(ids) - REMEMBERED, 0))):
            del ids[old]
        return True

    def again(self, market: str, number: str) -> bool:
        """Tell whether the id was told before; note it otherwise."""
        ids = self._ids.setdefault(market, {})
        if number in ids:
            return True
        ids[number] = None
        if len(ids) > REMEMBERED:
            del ids[next(iter(ids))]
        return False
