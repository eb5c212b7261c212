"""What `pfmm help json` says of a command or an event, to hold answers against: no field goes unmentioned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOPIC = Path(__file__).resolve().parents[2] / "pfmm" / "help" / "json.md"


def words_of(name: str, *, heading: str) -> set[str]:
    """The words of the row that `name` has in the table with this first column."""
    lines = iter(TOPIC.read_text("utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {heading} |"))
    (row,) = (line for line in _table(lines) if f"`{name}`" in line.split("|")[1])
    return set(re.findall(r"\w+", row.split("|")[2]))


def _table(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield line


def names_in(value: Any, free: frozenset[str]) -> Iterator[str]:
    """Every field of an answer, however deep; below the names in `free` stand names of the user's choice."""
    for item in value if isinstance(value, list) else []:
        yield from names_in(item, free)
    for name, item in value.items() if isinstance(value, dict) else []:
        yield name
        if name not in free:
            yield from names_in(item, free)
