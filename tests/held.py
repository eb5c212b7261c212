"""Holds every answer and every line of a stream against its JSON Schema, the one that `pfmm help schema` prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pfmm.app.schemas import FAILED, FAILURE, SERVING, STREAMS, VERSION, commands, text_of

AFTER = "after a change: pfmm help schema --write pfmm/help/schema"
MADE_UP = ("distance", "toy")  # commands of tests, which no schema knows


@cache
def _known() -> frozenset[str]:
    return frozenset(commands())


@cache
def _validator(command: str, part: str) -> Any:
    """What holds the part of a command's schema: one of `oneOf` by its number, or of `$defs` by its name."""
    import jsonschema

    schema = json.loads(text_of(command))
    wanted = schema["$defs"][part] if command in STREAMS else schema["oneOf"][int(part)]
    return jsonschema.Draft202012Validator({**wanted, "$defs": schema["$defs"]})


def hold_against_schema(answer: Mapping[str, Any]) -> None:
    """An answer has the fields that `pfmm help schema` promises, with their types, and no others; so have the events
    in it."""
    wrong = differences(answer)
    assert not wrong, f"{wrong[:5]}; {AFTER}"


def differences(told: Mapping[str, Any]) -> list[str]:
    """Where an answer, or a line of a stream, is not what its schema says."""
    if "event" in told:
        return _of_line(told)
    command = str(told.get("command"))
    if command.split(" ", maxsplit=1)[0] in MADE_UP:
        return []
    if command not in _known():  # of a group, or of a line that names no command
        return _found(VERSION if told.get("ok") else FAILURE, "0", told)
    data = told.get("data")
    if isinstance(data, dict) and data.keys() == {"version"}:
        return _found(VERSION, "0", told)
    events = data.get("events", ()) if isinstance(data, dict) else ()
    inside = [text for line in (events if isinstance(events, list) else ()) for text in _of_line(line)]
    part = FAILED if command in STREAMS else "0" if told.get("ok") else "1"
    return [*_found(command, part, told), *inside]


def hold_text(text: str) -> None:
    """Holds every line of an output that is an answer or an event; a line that a dying process cut is none."""
    wrong = [found for told in _told(text.splitlines()) for found in differences(told)]
    assert not wrong, f"{wrong[:5]}; {AFTER}"


def answer_of(text: str) -> dict[str, Any]:
    """The one answer that an output is, held against its schema."""
    (line,) = [line for line in text.splitlines() if line.strip()]
    answer: dict[str, Any] = json.loads(line)
    hold_against_schema(answer)
    return answer


def _told(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        if line.startswith("{") and line.endswith("}"):
            told = json.loads(line)
            if "event" in told or "schema" in told:
                yield told


def _of_line(line: Mapping[str, Any]) -> list[str]:
    event = line["event"]
    stream = "events" if "strategy" in line else "watch" if "code" in line or event in _WATCHED else "record"
    return _found(SERVING if event == "serving" else stream, event, line)


_WATCHED = ("funding", "inventory", "book")


def _found(command: str, part: str, told: Mapping[str, Any]) -> list[str]:
    where = f"{command} {part}".strip()
    try:
        validator = _validator(command, part)
    except KeyError:
        return [f"{where}: no schema has this event"]
    return [
        f"{where}: {'/'.join(map(str, one.absolute_path))}: {one.message[:300]}" for one in validator.iter_errors(told)
    ]
