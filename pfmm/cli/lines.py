"""Lines of words as people type them: taken apart, and put together for a message. Pure. Layer: cli."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MOST_LINES = 3
_KEY = r"(?i)(sk_|0x[0-9a-f]{40})\S*"
# markets that everybody knows: a word that is one of these is meant as one
_COINS = frozenset(
    ["BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "AVAX", "LINK", "HYPE", "LTC", "DOT", "TRX", "SUI", "ARB", "OP"]
)


class Line(NamedTuple):
    """A command line taken apart: the words that stand alone, and the options with their values, each in its order."""

    words: tuple[str, ...]
    options: tuple[str, ...]


def take_apart(given: Sequence[str], valued: Iterable[str]) -> Line:
    """Tell the words of a line from its options; `valued` are the options whose next word is their value."""
    known = set(valued)
    words: list[str] = []
    options: list[str] = []
    value_next = False
    for word in given:
        if value_next or (word.startswith("-") and word != "-"):
            options.append(word)
            value_next = not value_next and word in known
        else:
            words.append(word)
    return Line(tuple(words), tuple(options))


def did_you_mean(lines: Iterable[str]) -> str | None:
    """Name lines to type, the likeliest first; None without any."""
    named = [f"`{line}`" for line in dict.fromkeys(lines)][:MOST_LINES]
    return f"did you mean {' or '.join(named)}?" if named else None


def typed(*words: str) -> str:
    """Write a line of words as it is typed, quoted where a shell needs it; what may be a key is left out."""
    return " ".join(["pfmm", *(_quoted(word) for word in words if word)])


def shown(word: str) -> str:
    """Return a word as a message may repeat it: never one that may be a key."""
    return "…" if re.fullmatch(_KEY, word) else word


def _quoted(word: str) -> str:
    safe = shown(word)
    return safe if re.fullmatch(r"[\w./:=,%+@{}…-]+", safe) else "'" + safe.replace("'", "'\\''") + "'"


def lowered(word: str) -> str:
    """Return a word without capitals and without the punctuation of a sentence."""
    return word.strip().lower().rstrip("!?.,;")


def is_market(word: str) -> bool:
    """Tell whether a word can hardly be anything but a market."""
    from pfmm.model.spelling import COINS, base_of

    base = base_of(word.partition(",")[0])
    looks = re.fullmatch(r"(?i)[a-z0-9]+[-_/](perp\w*|usd\w?|prep|swap)", word)
    return base in _COINS or base in COINS or looks is not None


def market_of(words: Iterable[str]) -> str | None:
    """Find the first word that names a market; None without any."""
    return next((word for word in words if is_market(word)), None)
