"""What `--assert` does with a command's rows: names checked before anything is asked, offending rows in the failure.

The language itself is `pfmm.assertions`; each use case hands in its fields and its rows. Layer: app.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.errors import AssertionFalse, AssertionSyntaxError

if TYPE_CHECKING:
    from pfmm.assertions import Assertion


def read_assertion(text: str | None, fields: Sequence[str]) -> Assertion | None:
    """Parse the expression; None without one. Raises AssertionSyntaxError, pointing at the column, for a bad expression
    and for a name that is none of `fields`."""
    if text is None:
        return None
    from pfmm.assertions import evaluate, parse

    with _named():
        assertion = parse(text)
        evaluate(assertion, dict.fromkeys(fields))  # a row of nothing: only the names can be wrong
    return assertion


@contextmanager
def _named() -> Iterator[None]:
    """Add to what is wrong with an expression which option it stands in."""
    try:
        yield
    except AssertionSyntaxError as error:
        raise AssertionSyntaxError(f"--assert: {error.message}", column=error.column, hint=error.hint) from None


def offending(assertion: Assertion | None, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the places of the rows for which the assertion is false; none without an assertion."""
    if assertion is None:
        return []
    from pfmm.assertions import evaluate

    with _named():
        return [place for place, row in enumerate(rows) if not evaluate(assertion, row)]


def is_false(assertion: Assertion, rows: Sequence[Mapping[str, Any]], total: int) -> AssertionFalse:
    """Build the failure that names each offending row of `total` with the values that the expression compares."""
    fields = list(dict.fromkeys(field.name for field in assertion.fields))
    told = [f"{_name(row)} ({', '.join(f'{name} {_shown(row[name])}' for name in fields)})" for row in rows[:5]]
    if len(rows) > len(told):
        told.append(f"and {len(rows) - len(told)} more")
    return AssertionFalse(f"{assertion.text} is false for {len(rows)} of {total}: {', '.join(told)}")


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("market") or "the account")


def _shown(value: object) -> str:
    """Show a value without the digits that floats and steps leave behind: -0.20441231999999998 is -0.20441232."""
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.10g}"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
