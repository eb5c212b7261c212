"""Numbers whose exponent has no sign, which nobody writes and damage makes: 64000e5 was 64000.5. Layer: tape.

C, Python and JavaScript write a sign, as in 1e+16. Java alone leaves the plus out, behind a capital E and decimals.
"""

from __future__ import annotations

import re
from typing import Any

UNSIGNED = re.compile(r"[0-9]*\.?[0-9]*e[0-9]+|[0-9]+\.?E[0-9]+")
LONGEST = 24  # no number has more digits on either side of its exponent
AROUND_CELLS = b",;|\t\n\r \"'"


def in_rows(content: bytes) -> bool:
    """Tell whether a cell of rows of text may be such a number; a part of a longer word or of a dashed id is none."""
    import numpy as np

    if b"e" not in content and b"E" not in content:
        return False
    letters = np.frombuffer(b"\n" + content + b"\n", dtype=np.uint8)
    digits = (letters >= ord("0")) & (letters <= ord("9"))
    numeric = digits | (letters == ord("."))
    at = np.flatnonzero(letters | 0x20 == ord("e"))
    at = at[numeric[at - 1] & digits[at + 1]]
    begin, end = at - 1, at + 1
    for _ in range(LONGEST):
        begin = begin - numeric[begin - 1]
        end = end + digits[end + 1]
    between = np.zeros(256, dtype=bool)
    between[list(AROUND_CELLS)] = True
    return bool((between[letters[begin - 1]] & between[letters[end + 1]]).any())


def in_texts(texts: Any) -> bool:
    """Tell whether one of an Arrow array of texts may be such a number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    data = [bytes(found) for one in chunks if (found := one.buffers()[2]) is not None]
    if not any(b"e" in one or b"E" in one for one in data):
        return False
    return bool(pc.any(pc.match_substring_regex(texts, "^[0-9.]*[eE][0-9]")).as_py())
