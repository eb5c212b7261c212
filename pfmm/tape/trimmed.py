"""How many numbers of a file were read as the decimals that floats were written for, so that it can be said.

Layer: tape.
"""

from __future__ import annotations

import re
from decimal import Decimal

from pfmm.tape.events import KEPT_DECIMALS, as_meant
from pfmm.tape.fixed import decimals

LONG = re.compile(rb'"[0-9]+\.[0-9]{9,}"')  # a number of JSON that may have to be cut
SHORTEST = KEPT_DECIMALS + 2  # letters of a number with more decimals than are kept


class Trimmed:
    """Counts the numbers of one file whose trailing digits a float left there; `decimals` is the most that one kept."""

    __slots__ = ("count", "decimals")

    def __init__(self) -> None:
        self.count = 0
        self.decimals = 0

    def look(self, cell: str) -> None:
        """Count a number that was read, as it was written: 63924.59999999999854481 is read as 63924.6."""
        if len(cell) <= SHORTEST:
            return
        written = Decimal(cell)
        meant = as_meant(written)
        if meant != written:
            self.add(1, decimals(meant))

    def look_in_line(self, raw: bytes) -> None:
        """Count the numbers of a line of JSON that was read."""
        for found in LONG.finditer(raw):
            self.look(found[0][1:-1].decode())

    def add(self, count: int, most_decimals: int) -> None:
        """Count numbers that were read in a block."""
        self.count += count
        self.decimals = max(self.decimals, most_decimals)

    @property
    def told(self) -> str:
        """What is to be said of it; nothing where every number was read as it stands."""
        if not self.count:
            return ""
        return (
            f"trailing digits of floats were cut from {self.count} numbers, which were read with at most "
            f"{self.decimals} decimals: 63924.59999999999854 is read as 63924.6"
        )
