"""JSON Schema of what a command answers with --json, and of the lines of streams: made from types, kept as files.
Layer: app.

`pfmm help schema COMMAND` prints the file of a command; `pfmm help schema --write pfmm/help/schema` makes all of them
anew, which is what a changed field needs. A field that no schema has is not allowed: an answer with one fails its test.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from pfmm.errors import ConfigError, UsageError
from pfmm.model.encoding import ABSENT, NUMBERS, field_name
from pfmm.model.setting import nearest

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
NO_DATA = frozenset({"warnings", "time_ms", "have_journal"})  # fields of a result that its `data` does not have
_PLAIN: Mapping[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Path: {"type": "string"},
    Decimal: {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    NoneType: {"type": "null"},
}
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
_WARNINGS: Schema = {"type": "array", "items": {"type": "string"}}
_START = ("once:OnceResult", "dry_run:DryRunResult", "detaching:Detached")
# the results of each command, as module of pfmm.app:type; several where options choose between them
_RESULTS: Mapping[str, Sequence[str]] = {
    "funding": ("funding:FundingResult",),
    "book": ("book:BookResult",),
    "inventory": ("inventory:InventoryResult",),
    "flatten": ("flatten:Flattened", "flatten:FlattenPlan"),
    "resume": ("resume:ResumeResult",),
    "logs": ("logs:LogsResult",),
    "report": ("answers:Report",),
    "backtest run": ("answers:BacktestRun",),
    "backtest sweep": ("backtest_sweep:SweepResult",),
    "backtest data": ("backtest_files:Described",),
    "paper status": ("paper:PaperStatus",),
    "paper clock": ("paper_clock:PaperClock",),
    "paper reset": ("paper:FeedShown",),
    "paper deposit": ("paper:Deposited",),
    "paper account": ("paper_accounts:PaperAccount",),
    "paper feed": ("paper:FeedShown",),
    "paper feed synthetic": ("paper:FeedShown",),
    "paper feed replay": ("paper:FeedShown",),
    "paper feed live": ("paper:FeedShown",),
    "profile list": ("profiles:ProfileList",),
    "profile show": ("profiles:ProfileShown",),
    "profile create": ("profiles:ProfileEdited", "profile_setup:ProfileSetUp"),
    "profile use": ("profiles:ProfileEdited",),
    "profile set": ("profiles:ProfileEdited",),
    "profile unset": ("profiles:ProfileEdited",),
    "profile delete": ("profiles:ProfileEdited",),
    "profile path": ("profiles:ProfilePaths",),
    "markets": ("markets:MarketsResult",),
    "doctor": ("doctor:DoctorResult",),
    "help": ("help:Topics", "help:Page", "schemas:Schemas", "schemas:SchemaShown"),
    "completions": ("answers:Script",),
}
# envelopes that any command may print, or none: that of --version, and that of a failure
VERSION, FAILURE = "version", "failure"
# streams, whose lines are no envelopes: where the types of their events are, and whether a line is of a market
WATCH, SERVING, FAILED = "watch", "paper serve", "failed"
STREAMS: Mapping[str, tuple[str, bool]] = {
    "events": ("OF_A_LOOP", True),
    "record": ("OF_A_RECORDING", False),
    SERVING: ("OF_SERVING", False),
    WATCH: ("OF_WATCHING", False),
}
_GRID_FIELDS = frozenset({"lines", "sizes", "empty_line", "layout"})  # of a plan, which its answer does not have


@dataclass(frozen=True, slots=True)
class Schemas:
    """The commands that have a schema."""

    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchemaShown:
    """The JSON Schema of a command's envelope."""

    command: str
    json_schema: Mapping[str, Any]


def listed() -> Schemas:
    """List the commands that answer with an envelope."""
    return Schemas(commands())


def shown(command: str) -> SchemaShown:
    """Read the schema of a command's answer. Raises UsageError for a command that has none."""
    return SchemaShown(command, json.loads(text_of(command)))


def folder() -> Path:
    """Return where the files are."""
    return Path(__file__).resolve().parents[1] / "help" / "schema"


def file_name(command: str) -> str:
    """Name the file of a command: "grid plan" is in grid-plan.json."""
    return f"{command.replace(' ', '-')}.json"


def text_of(command: str) -> str:
    """Read the schema of a command's answer. Raises UsageError for a command that has none, with the nearest."""
    if command not in commands():
        verbs = [f"`pfmm help schema {one}`" for one in commands() if one.startswith(f"{command} ")]
        guess = nearest(command, commands())
        near = f"did you mean `pfmm help schema {guess}`?" if guess else "`pfmm help schema` lists the commands"
        known = ", ".join(verbs) or near
        raise UsageError(f"there is no schema of {command!r}", hint=known)
    file = folder() / file_name(command)
    return file.read_text("utf-8") if file.is_file() else made(command)


def write(target: Path) -> tuple[str, ...]:
    """Make the files of every command anew; returns their names. Raises ConfigError where they cannot be written."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for command in commands():
            (target / file_name(command)).write_text(made(command), "utf-8")
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error
    return tuple(map(file_name, commands()))


def commands() -> tuple[str, ...]:
    """List what has a schema: the commands that answer with an envelope, the streams, what any command may print."""
    from pfmm.app.strategies import kind, names

    own = [f"{name} {verb}" for name in names() for verb in (kind(name).preview, "start", "status", "stop")]
    return (*own, *_RESULTS, *STREAMS, VERSION, FAILURE)


def made(command: str) -> str:
    """Make the schema of a command's envelope, or of a line of a stream, as the text of its file."""
    if command in STREAMS:
        whole = _stream(command)
    else:
        whole = _of_any_command(command) if command in (VERSION, FAILURE) else _envelope(command)
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def _envelope(command: str) -> Schema:
    found = [_data(one) for one in _results(command)]
    data = {"$ref": "#/$defs/data"}
    done = {**_head(command), "ok": {"const": True}, "data": data, "warnings": _WARNINGS}
    failed = {**_head(command), "ok": {"const": False}, "error": _error(), "data": data, "warnings": _WARNINGS}
    return {
        "$schema": DRAFT,
        "title": f"pfmm {command} --json",
        "$defs": {"data": found[0] if len(found) == 1 else {"anyOf": found}},
        "oneOf": [_closed(done, done), _closed(failed, [name for name in failed if name not in ("data", "warnings")])],
    }


def _of_any_command(name: str) -> Schema:
    """Describe the answer to --version, or a failure: a failure in the line itself has no command of its own."""
    head = {"schema": {"const": "pfmm/1"}, "command": {"type": "string"}}
    data = _data("answers:Version") if name == VERSION else {}
    done = {**head, "ok": {"const": True}, "data": data, "warnings": _WARNINGS}
    failed = {**head, "ok": {"const": False}, "error": _error(), "data": data, "warnings": _WARNINGS}
    known = _closed(done, done) if name == VERSION else _closed(failed, [*head, "ok", "error"])
    return {"$schema": DRAFT, "title": f"pfmm --{name} --json" if name == VERSION else "any failure", "$defs": {},
            "oneOf": [known]}  # fmt: skip


def _head(command: str) -> Schema:
    return {"schema": {"const": "pfmm/1"}, "command": {"const": command}}


def _error() -> Schema:
    return _object({"code": str, "message": str, "hint": str | None, "exit_code": int})


def _stream(name: str) -> Schema:
    """Describe a line of a stream: one of its events, each under its name in `$defs`, or the envelope of a failure."""
    from pfmm.app import event_lines

    table, of_a_market = STREAMS[name]
    kinds: Mapping[str, type] = getattr(event_lines, table)
    known = {event: _line(event, kind, of_a_market=of_a_market) for event, kind in kinds.items()}
    if name != WATCH:  # whose commands have envelopes of their own
        failed = {**_head(name), "ok": {"const": False}, "error": _error()}
        known |= {FAILED: _closed(failed, failed)}
    return {
        "$schema": DRAFT,
        "title": f"a line of the stream {name}",
        "$defs": known,
        "oneOf": [{"$ref": f"#/$defs/{one}"} for one in known],
    }


def _line(event: str, kind: type, *, of_a_market: bool) -> Schema:
    found = _without(_schema(kind), NO_DATA)
    text, time = {"type": "string"}, {"type": "string", "pattern": _TIME}
    about = {"market": text, "strategy": text} if of_a_market else {}
    more = {"cursor": {"type": "integer"}, "run": {"type": ["string", "null"]}} if of_a_market else {}
    head = {"event": {"const": event}, "time": time, **about}
    required = dict.fromkeys([*head, *found["required"]])
    return _closed({**head, **more, **found["properties"]}, required)


def _without(schema: Schema, names: frozenset[str]) -> Schema:
    properties = {name: one for name, one in schema["properties"].items() if name not in names}
    return {**schema, "properties": properties, "required": [one for one in schema["required"] if one not in names]}


def _results(command: str) -> Sequence[str]:
    if command in _RESULTS:
        return _RESULTS[command]
    from pfmm.app.strategies import kind

    name, _, verb = command.partition(" ")
    if verb in ("status", "stop"):
        return (f"{verb}:{verb.capitalize()}Result",)
    if verb == "start":
        return _START
    quoted = "pfmm.strategy.explained:QuoteExplained"
    by_layout = {"lines": "pfmm.strategy.grid.plan:GridPlan", "components": quoted, "levels": quoted}
    return (by_layout.get(kind(name).layout, "answers:OrdersShown"),)


def _data(place: str) -> Schema:
    module, _, name = place.partition(":")
    kind = getattr(import_module(module if "." in module else f"pfmm.app.{module}"), name)
    found = _without(_schema(kind), NO_DATA | _GRID_FIELDS if name == "GridPlan" else NO_DATA)
    if name == "QuoteExplained":
        found["properties"]["notes"] = {"type": "array", "items": {"type": "string"}}
        found["properties"]["inputs"] = {"type": "object"}
        found["required"] = [*(one for one in found["required"] if one not in ("inputs", "fit", "formula")), "notes"]
    return found


def _schema(kind: Any) -> Schema:
    """Build the schema of the values of a type, as `jsonable` writes them."""
    origin, inside = get_origin(kind), get_args(kind)
    found: Schema = {}  # Any: whatever JSON there is
    if kind in _PLAIN:
        found = dict(_PLAIN[kind])
    elif origin in (Union, UnionType):
        found = {"anyOf": [_schema(one) for one in inside]}
    elif origin is Literal:
        found = {"enum": list(inside)}
    elif isinstance(kind, type) and issubclass(kind, Enum):
        found = {"enum": [one.value for one in kind]}
    elif is_dataclass(kind) or is_typeddict(kind):
        found = _object(_hints(kind), _optional(kind))
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        found = {"type": "object", "additionalProperties": _schema(inside[1])}
    elif isinstance(origin, type) and issubclass(origin, Iterable):
        found = {"type": "array", "items": _schema(inside[0])}
    return found


def _object(hints: Mapping[str, Any], optional: frozenset[str] = frozenset()) -> Schema:
    required = [field_name(one) for one in hints if one not in optional]
    return _closed({field_name(name): _named(name, _schema(kind)) for name, kind in hints.items()}, required)


def _named(name: str, schema: Schema) -> Schema:
    """Describe a decimal as `jsonable` writes it under that name: in bps or per cent as a number."""
    if NUMBERS.search(name) is None:
        return schema
    changed = dict(schema)
    if schema == _PLAIN[Decimal]:
        changed = dict(_PLAIN[float])
    for inside in ("anyOf", "additionalProperties"):
        if isinstance(schema.get(inside), list):
            changed[inside] = [_named(name, one) for one in schema[inside]]
        elif isinstance(schema.get(inside), dict):
            changed[inside] = _named(name, schema[inside])
    return changed


def _closed(properties: Mapping[str, Any], required: Iterable[str]) -> Schema:
    """Describe an object with these fields and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _optional(kind: Any) -> frozenset[str]:
    """Return the fields that an answer may lack: those whose default is ABSENT."""
    if is_typeddict(kind):
        optional: frozenset[str] = kind.__optional_keys__
        return optional
    return frozenset(one.name for one in fields(kind) if one.default is not MISSING and one.default is ABSENT)


def _hints(kind: Any) -> dict[str, Any]:
    """Return the types of a class's fields, those of its bases with them."""
    known: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        if one.__module__.startswith("pfmm."):
            known |= _names_of(sys.modules[one.__module__])
    hints = get_type_hints(kind, globalns=known)
    names = hints if is_typeddict(kind) else [one.name for one in fields(kind)]
    return {name: hints[name] for name in names}


def _names_of(module: ModuleType) -> dict[str, Any]:
    """Return what a module knows; what it imports for the type checker alone is imported here."""
    known = dict(vars(module))
    for node in ast.parse(Path(str(module.__file__)).read_text("utf-8")).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module.__name__, "exec"), known)  # noqa: S102 - our own imports
    return known
