"""The --assert language: comparisons over the fields of a row, parsed by hand and never evaluated as Python. Pure.

    expression  = term {"or" term}            term    = factor {"and" factor}
    factor      = "not" factor | "(" expression ")" | comparison
    comparison  = operand ("<" | "<=" | ">" | ">=" | "==" | "!=") operand
    operand     = number | 'text' | field | "-" operand | "abs(" operand ")"

Numbers compare as exact decimals; text only with == and !=. It knows no command and no table: a row is a mapping.
Layer: assertions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypeVar

from pfmm.errors import AssertionSyntaxError

MAX_LENGTH = 1_000
MAX_DEPTH = 32
ORDERINGS = ("<", "<=", ">", ">=")
COMPARISONS = (*ORDERINGS, "==", "!=")
KEYWORDS = ("and", "or", "not")
NEARBY = {
    "=": "write == to compare",
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`, or != to compare",
    "%": "write the number alone, as in `ratio < 0.5` and `drawdown_pct < 5`",
}

_Rule = TypeVar("_Rule")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?(?![\w.]))
    | (?P<name>[A-Za-z_]\w*)
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<mark><=|>=|==|!=|<|>|\(|\)|-|&&|\|\||=|!|%)""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal
    column: int


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Signed:
    """The operand with its sign turned ("-") or dropped ("abs")."""

    operation: str
    operand: Operand
    column: int


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str
    left: Operand
    right: Operand
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    inner: Condition


@dataclass(frozen=True, slots=True)
class Junction:
    """All (`and`) or any (`or`) of the parts."""

    operator: str
    parts: tuple[Condition, ...]


Operand = Number | Text | Field | Signed
Condition = Comparison | Not | Junction


@dataclass(frozen=True, slots=True)
class Assertion:
    """A parsed expression with the fields it names."""

    text: str
    condition: Condition
    fields: tuple[Field, ...]


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse(text: str) -> Assertion:
    """Read an expression. Raises AssertionSyntaxError, with the column from 1 and a caret line, for a bad one."""
    if len(text) > MAX_LENGTH:
        raise AssertionSyntaxError(
            f"the expression has {len(text)} characters, more than {MAX_LENGTH}", column=MAX_LENGTH + 1
        )
    return _Parser(text).parse()


def evaluate(assertion: Assertion, row: Mapping[str, object]) -> bool:
    """Tell whether the expression holds for the row.

    A comparison with a value that is missing (None, NaN) is false, != too; so `not` of it is true. A text that is a
    decimal number counts as one, floats count as their shortest decimal. Raises AssertionSyntaxError for a field
    that the row does not have (whether or not it would decide) and for values that cannot be compared.
    """
    for field in assertion.fields:
        if field.name not in row:
            raise _unknown(assertion.text, field, row)
    return _holds(assertion.condition, assertion.text, row)


def _holds(condition: Condition, text: str, row: Mapping[str, object]) -> bool:
    if isinstance(condition, Junction):
        outcomes = [_holds(part, text, row) for part in condition.parts]
        return all(outcomes) if condition.operator == "and" else any(outcomes)
    if isinstance(condition, Not):
        return not _holds(condition.inner, text, row)
    as_text = isinstance(condition.left, Text) or isinstance(condition.right, Text)
    left = _value(condition.left, text, row, as_text=as_text)
    right = _value(condition.right, text, row, as_text=as_text)
    if left is None or right is None:
        return False
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return _compare(condition.operator, left, right)
    if isinstance(left, str) and isinstance(right, str) and condition.operator not in ORDERINGS:
        return (left == right) is (condition.operator == "==")
    raise _wrong(text, condition.column, f"cannot compare {_shown(left)} {condition.operator} {_shown(right)}")


def _compare(operator: str, left: Decimal, right: Decimal) -> bool:
    match operator:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
        case _:
            return left != right


def _value(operand: Operand, text: str, row: Mapping[str, object], *, as_text: bool) -> Decimal | str | None:
    """Return the operand's value in the row.

    Beside a text in quotes (`as_text`) "17" is a text, elsewhere a number.
    """
    if isinstance(operand, Number | Text):
        return operand.value
    if isinstance(operand, Field):
        value = row[operand.name]
        return value if as_text and isinstance(value, str) else _field_value(operand, text, value)
    inner = _value(operand.operand, text, row, as_text=False)
    if isinstance(inner, str):
        raise _wrong(text, operand.column, f"{operand.operation} needs a number, not {_shown(inner)}")
    if inner is None:
        return None
    return inner.copy_abs() if operand.operation == "abs" else inner.copy_negate()


def _field_value(field: Field, text: str, value: object) -> Decimal | str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise _wrong(text, field.column, f"field {field.name!r} holds {value!r}, which cannot be compared")
    try:
        number = Decimal(str(value)) if isinstance(value, str | float) else Decimal(value)
    except InvalidOperation:
        return str(value)
    if number.is_nan():
        return str(value) if isinstance(value, str) else None
    return number


def _shown(value: Decimal | str) -> str:
    return f"the text {value!r}" if isinstance(value, str) else f"the number {value}"


def _unknown(text: str, field: Field, row: Mapping[str, object]) -> AssertionSyntaxError:
    from difflib import get_close_matches

    near = get_close_matches(field.name, [str(name) for name in row], n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the fields are {', '.join(map(str, row)) or 'none'}"
    return _wrong(text, field.column, f"unknown field {field.name!r}", hint=hint)


def _wrong(text: str, column: int, message: str, *, hint: str | None = None) -> AssertionSyntaxError:
    line = "".join(char if char.isprintable() else " " for char in text)
    caret = " " * (column - 1) + "^"
    return AssertionSyntaxError(f"{message} (column {column})\n  {line}\n  {caret}", column=column, hint=hint)


class _Parser:
    """Recursive descent over the tokens, one method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._next = 0
        self._depth = 0
        self._fields: list[Field] = []

    def parse(self) -> Assertion:
        condition = self._expression()
        token = self._peek()
        if token.text in COMPARISONS:
            raise self._wrong(token, "compare two values at a time and join comparisons with `and`")
        if token.kind != "end":
            raise self._wrong(token, f"expected `and`, `or` or the end, not {token.text!r}")
        return Assertion(self._text, condition, tuple(self._fields))

    def _scan(self) -> Iterator[_Token]:
        position = 0
        while position < len(self._text):
            found = _TOKEN.match(self._text, position)
            if found is None:
                raise self._strange(position)
            kind, token = str(found.lastgroup), found.group()
            if token in NEARBY:
                raise _wrong(self._text, position + 1, f"{token!r} is not known here", hint=NEARBY[token])
            if kind != "space":
                is_keyword = kind == "name" and token.lower() in KEYWORDS
                yield (
                    _Token("keyword", token.lower(), position + 1) if is_keyword else _Token(kind, token, position + 1)
                )
            position = found.end()
        yield _Token("end", "", len(self._text) + 1)

    def _strange(self, position: int) -> AssertionSyntaxError:
        char = self._text[position]
        if char in "'\"":
            return _wrong(self._text, position + 1, "this text has no closing quote")
        if char.isdigit() or (char == "." and self._text[position + 1 : position + 2].isdigit()):
            return _wrong(self._text, position + 1, "this is not a number")
        return _wrong(self._text, position + 1, f"{char!r} is not known here")

    def _expression(self) -> Condition:
        return self._junction("or", lambda: self._junction("and", self._factor))

    def _junction(self, operator: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._take("keyword", operator):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(operator, tuple(parts))

    def _factor(self) -> Condition:
        token = self._peek()
        if self._take("keyword", "not"):
            return Not(self._nested(token, self._factor))
        if self._take("mark", "("):
            inner = self._nested(token, self._expression)
            self._close(token)
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        left = self._operand()
        operator = self._peek()
        if operator.text not in COMPARISONS:
            raise self._wrong(operator, f"expected a comparison ({' '.join(COMPARISONS)})")
        self._next += 1
        right = self._operand()
        for side in (left, right):
            if isinstance(side, Text) and operator.text in ORDERINGS:
                raise _wrong(self._text, side.column, "text compares only with == and !=")
        return Comparison(operator.text, left, right, operator.column)

    def _operand(self) -> Operand:
        token = self._peek()
        self._next += 1
        match token.kind:
            case "number":
                return Number(Decimal(token.text), token.column)
            case "text":
                return Text(token.text[1:-1], token.column)
            case "name" if token.text == "abs" and self._peek().text == "(":
                self._next += 1
                absolute = self._signed("abs", token)
                self._close(token)
                return absolute
            case "name":
                self._fields.append(Field(token.text, token.column))
                return self._fields[-1]
            case "mark" if token.text == "-":
                return self._signed("-", token)
        self._next -= 1
        raise self._wrong(token, "expected a field, a number or a text in quotes, as in 'abs(ratio) < 0.5'")

    def _signed(self, operation: str, token: _Token) -> Signed:
        operand = self._nested(token, self._operand)
        if isinstance(operand, Text):
            raise _wrong(self._text, operand.column, f"{operation} needs a number, not a text")
        return Signed(operation, operand, token.column)

    def _nested(self, token: _Token, rule: Callable[[], _Rule]) -> _Rule:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._wrong(token, f"nested deeper than {MAX_DEPTH}")
        result = rule()
        self._depth -= 1
        return result

    def _close(self, opened: _Token) -> None:
        if not self._take("mark", ")"):
            raise self._wrong(self._peek(), f"expected `)` for the one opened in column {opened.column}")

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, kind: str, text: str) -> bool:
        token = self._peek()
        if (token.kind, token.text) != (kind, text):
            return False
        self._next += 1
        return True

    def _wrong(self, token: _Token, message: str) -> AssertionSyntaxError:
        return _wrong(self._text, token.column, message)
