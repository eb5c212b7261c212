"""Times and amounts as JSON and messages write them. Layer: model."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation


def iso(time_ms: int) -> str:
    """Write ms since 1970 as ISO-8601 UTC: 1735689600123 → 2025-01-01T00:00:00.123Z. Raises ValueError out of range."""
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    except OverflowError as error:
        raise ValueError(f"time out of range: {time_ms} ms") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def compact(time_ms: int) -> str:
    """Write a time for the name of a file, to the second: 20261130T120000Z."""
    return iso(time_ms // 1000 * 1000).replace("-", "").replace(":", "").partition(".")[0].rstrip("Z") + "Z"


def plain(value: Decimal) -> str:
    """Write a Decimal without exponent: 1E+2 → 100, 0E-8 → 0.00000000."""
    return format(value, "f")


def counted(count: int, name: str) -> str:
    """Write a number of things: "1 order", "2 orders"."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def visible(text: str) -> str:
    """Write what a terminal would act on as an escape: ESC becomes \\x1b, a right-to-left override \\u202e.

    Line ends, tabs and every printable letter stay; a carriage return does not.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else _escaped(one) for one in text)


def _escaped(letter: str) -> str:
    if letter.isspace() and ord(letter) >= ord(" "):  # a no-break space, a line separator
        return " "
    return letter.encode("unicode_escape").decode("ascii")


def cell(text: str) -> str:
    """Write one cell of a table for a spreadsheet: what would be taken for a formula gets an apostrophe in front.

    =1+1 becomes '=1+1; a number stays: -0.5 is -0.5.
    """
    if not text.startswith(("=", "+", "-", "@", "\t", "\r")):
        return text
    try:
        Decimal(text)
    except InvalidOperation:
        return f"'{text}"
    return text


def adding_up(total: Decimal, parts: Sequence[Decimal], remainder: int, decimals: int | None = None) -> tuple[str, ...]:
    """Write parts and their total, with signs, so that they add up as printed: the part at `remainder` is what the
    others leave of the total. 1.00004 + 1.00004 = 2.00008 is "+1.0001", "+1.0000" and "+2.0001", the first being the
    remainder. Without `decimals` there are 4, of amounts from 1,000 on 2, from 100,000 on none."""
    if decimals is None:
        largest = max(map(abs, (total, *parts)))
        decimals = 4 if largest < 1_000 else 2 if largest < 100_000 else 0
    step = Decimal(1).scaleb(-decimals)
    whole = total.quantize(step)
    shown = [part.quantize(step) for part in parts]
    shown[remainder] = whole - sum((one for at, one in enumerate(shown) if at != remainder), Decimal(0))
    return tuple(f"{one + 0:+f}" for one in (*shown, whole))  # + 0: no -0.0000
