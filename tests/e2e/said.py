"""Keeps what every pfmm of a test said, for `.ci/outputs` to search; nothing unless SAID_BY_COMMANDS names a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

FOLDER = "SAID_BY_COMMANDS"
KEYS = "keys"
_KEY_VARIABLES = ("PFMM_API_KEY", "PURPLE_FLEA_KEY")
_SHORTEST_KEY = 8  # a shorter one is found in ordinary words, and pfmm says that it is none


def keep(words: object, given: Mapping[str, str] | None, out: str, err: str, *, screen: bool = False) -> None:
    """Appends the output of one command line to a file of this process, and its keys to the list of keys."""
    folder = os.environ.get(FOLDER)
    if folder is None or "--show-key" in str(words):  # it was asked for a key
        return
    place = Path(folder)
    kind = "screen" if screen or (given and "FORCE_COLOR" in given) else "plain"
    with (place / f"{kind}.{os.getpid()}.log").open("a", encoding="utf-8", errors="replace", newline="") as file:
        file.write(f"{words!r}\n{out}\n{err}\n")
    given_keys = (value for name, value in (given or {}).items() if name in _KEY_VARIABLES)
    # `paper-NAME` is how an account of the paper exchange is called: its files carry that name
    keys = [key for key in given_keys if len(key) >= _SHORTEST_KEY and not key.startswith("paper-")]
    if keys:
        with (place / f"{KEYS}.{os.getpid()}").open("a", encoding="utf-8") as file:
            file.write("\n".join(keys) + "\n")
