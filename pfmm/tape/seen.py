"""Which prints were read already: a print counts once, however often a file or a reconnected stream repeats it.

Layer: tape.
"""

from __future__ import annotations

REMEMBERED = 10_000


class SeenIds:
    """The newest ids of each market; older ones are forgotten."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, None]] = {}

    def known(self, market: str, number: str) -> bool:
        """Tell whether the id was told before."""
        return number in self._ids.get(market, ())

    def again(self, market: str, number: str) -> bool:
        """Tell whether the id was told before; note it otherwise."""
        ids = self._ids.setdefault(market, {})
        if number in ids:
            return True
        ids[number] = None
        if len(ids) > REMEMBERED:
            del ids[next(iter(ids))]
        return False
