"""The names of the markets that a profile has, kept for the completion of a shell, which starts no program. Layer: app.

A convenience: where it cannot be written nothing else depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PLAIN = r"[A-Za-z0-9][A-Za-z0-9.:/@_-]*"  # what a shell may take as a word, whatever a venue calls its markets


def packaged() -> tuple[str, ...]:
    """List the markets of the embedded exchange."""
    from pfmm.paper.instruments import Listing

    return Listing().names


def file_of(cache_dir: Path, profile: str) -> Path:
    """Return the file in which the names of a profile's markets are kept, one a line."""
    return cache_dir / f"markets.{profile}"


def remember(cache_dir: Path, profile: str, names: Iterable[str]) -> None:
    """Keep the names, where they are others than those that are kept."""
    text = "".join(f"{name}\n" for name in names if re.fullmatch(_PLAIN, name))
    path = file_of(cache_dir, profile)
    with suppress(OSError, UnicodeError):
        if not path.exists() or path.read_text("utf-8") != text:
            from pfmm.store.files import make_private_folder, replacing

            make_private_folder(cache_dir)
            with replacing(path) as stream:
                stream.write(text.encode())
