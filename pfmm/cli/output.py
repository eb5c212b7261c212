"""What a command prints: data on stdout (text, one JSON envelope, or NDJSON events), talk on stderr. Layer: cli."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TextIO, TypeVar

from pfmm.errors import OutputLost, PfmmError
from pfmm.model.encoding import ABSENT, jsonable
from pfmm.model.text import iso, visible

SCHEMA: Final = "pfmm/1"
NO_DATA: Final = frozenset({"warnings", "time_ms", "have_journal"})  # fields of a result that its `data` does not have
INDENT: Final = 2  # columns, of a broken line's rest
TALK_INDENT: Final = 6  # the same of a message: below the hint, behind "pfmm: "
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Globals:
    """The global options of one invocation, the settings that it gives as flags by name, and the command's full name
    ("profile show")."""

    command: str
    profile: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    flags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command found: `data` for scripts, `render` the same for people.

    `as_it_is`: its lines are never broken to fit a terminal, as those of a script, a schema, a page fitted already."""

    data: Any
    render: Callable[[], str]
    warnings: tuple[str, ...] = ()
    as_it_is: bool = False


class Failed(Exception):
    """A command that has an answer AND failed (not flat, an assertion false): the boundary prints both."""

    def __init__(self, error: PfmmError, result: Result) -> None:
        super().__init__(error.message)
        self.error = error
        self.result = result


def answer(
    options: Globals,
    use_case: Callable[[], Found],
    render: Callable[[Found, int | None], str],
    encode: Callable[[Found], Any] | None = None,
    *,
    as_it_is: bool = False,
) -> Found:
    """Run a use case and print its result: with --json the envelope, else what `render` makes of it for the width of
    the terminal (None: no terminal). A failure that carries a result is raised as Failed, which prints both. `encode`
    makes the `data` where that is not simply the result's fields; `as_it_is`: see Result."""
    try:
        found = use_case()
    except PfmmError as error:
        if error.result is None:
            raise
        raise Failed(error, printed(error.result, render, encode)) from error
    emit(options, replace(printed(found, render, encode), as_it_is=as_it_is))
    return found


def printed(found: Any, render: Callable[[Any, int | None], str], encode: Callable[[Any], Any] | None = None) -> Result:
    """Make a result of a use case ready to print: its fields are the `data`, but for NO_DATA."""
    if encode is not None:
        return Result(encode(found), lambda: render(found, room()), tuple(getattr(found, "warnings", ())))
    data = {field.name: getattr(found, field.name) for field in fields(found) if field.name not in NO_DATA}
    shown = {name: item for name, item in data.items() if item is not ABSENT}
    return Result(shown, lambda: render(found, room()), tuple(getattr(found, "warnings", ())))


def room() -> int | None:
    """Return the columns of the terminal that stdout is; None where it is none."""
    return columns() if sys.stdout is not None and sys.stdout.isatty() else None


def lines() -> int | None:
    """Return the lines of the terminal that stdout is; None where it is none, or where pictures stand below each
    other."""
    from shutil import get_terminal_size

    on_terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
    return get_terminal_size((100, 24)).lines if on_terminal else None


def columns() -> int:
    """Return the columns that text is wrapped at: COLUMNS, else the terminal's, else 100."""
    from shutil import get_terminal_size

    return get_terminal_size((100, 0)).columns


def emit(options: Globals, result: Result) -> None:
    """Print the answer of a command: the envelope with --json, else its text, with warnings on stderr."""
    if options.json:
        answer = {"data": jsonable(result.data), "warnings": list(result.warnings)}
        write(json_line({"schema": SCHEMA, "command": options.command, "ok": True, **answer}))
        return
    _show(result)


@dataclass(frozen=True, slots=True)
class Failure:
    """What the error envelope says; a bug and an interrupt have one too."""

    code: str
    message: str
    hint: str | None
    exit_code: int

    @classmethod
    def of(cls, error: PfmmError) -> Failure:
        """Build the failure that an error of the tree stands for."""
        return cls(error.code, error.message, error.hint, error.exit_code)


def emit_failure(command: str, failure: Failure, *, as_json: bool, result: Result | None = None) -> None:
    """Print a failure: the error envelope on stdout with --json, else message and hint on stderr.

    `result` is what the command can still say (what a flatten left, the rows that break an assertion). A parent that
    waits for a detached start hears of it first.
    """
    if "PFMM_READY_FD" in os.environ:
        from pfmm.app.detaching import tell_failure

        tell_failure(failure)
    if as_json and failure.code != OutputLost.code:
        envelope: dict[str, Any] = {"schema": SCHEMA, "command": command, "ok": False, "error": jsonable(failure)}
        if result is not None:
            envelope |= {"data": jsonable(result.data), "warnings": list(result.warnings)}
        try:
            write(json_line(envelope))
        except OutputLost as error:
            _talk(f"pfmm: {error.message}")
        return
    if result is not None:
        try:
            _show(result)
        except OutputLost as error:
            _talk(f"pfmm: {error.message}")
    from pfmm.cli.live.reasons import reason_words

    _talk(f"pfmm: {reason_words(failure.message)}")
    if failure.hint:
        _talk(f"      {failure.hint}")


def _show(result: Result) -> None:
    for warning in result.warnings:
        warn(warning)
    text = result.render()
    if text:
        (write if result.as_it_is else tell)(text)


def event_line(event: str, time_ms: int, values: Mapping[str, Any]) -> str:
    """Write one event as NDJSON: {"event":…,"time":…, then the values}."""
    return json_line({"event": event, "time": iso(time_ms), **{key: jsonable(item) for key, item in values.items()}})


class EventStream:
    """NDJSON on stdout, one event a line, flushed. A reader that went away raises BrokenPipeError from `write`:
    the loop decides what its exit policy is. A full disk raises OutputLost, after which nothing more is written."""

    def write(self, event: str, time_ms: int, **values: Any) -> None:
        """Write one event at venue time `time_ms`."""
        if sys.stdout is None:
            return
        with _disk_may_be_full():
            sys.stdout.write(event_line(event, time_ms, values) + "\n")
            sys.stdout.flush()
        if "PFMM_LOG_FILE" in os.environ:
            from pfmm.app.detaching import turn_log

            turn_log()


def write(text: str) -> None:
    """Write data on stdout with a newline. A reader that went away is no failure of the command: the rest is dropped.

    Raises OutputLost where stdout is a file that cannot take it, as on a full disk.
    """
    if sys.stdout is None:
        return
    try:
        with _disk_may_be_full():
            sys.stdout.write(visible(text if text.endswith("\n") else text + "\n"))
            sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()


def tell(text: str) -> None:
    """Write a text for people as `write` does: on a terminal with its lines broken between words."""
    width = room()
    write(text if width is None else fitted(as_written(text, sys.stdout), width))


@contextmanager
def _disk_may_be_full() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_stdout()
        raise output_lost(error) from error


def output_lost(error: OSError) -> OutputLost:
    """Build the failure of a write to stdout."""
    return OutputLost(f"the output cannot be written: {error.strerror}")


def drop_stdout() -> None:
    """Point stdout at nothing, so that no later write or the interpreter's own flush at exit fails on it."""
    _drop(sys.stdout)


def _drop(stream: TextIO) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, stream.fileno())
    finally:
        os.close(null)


def say(options: Globals, text: str) -> None:
    """Talk on stderr, silenced by --quiet."""
    if not options.quiet:
        _talk(text)


def detail(options: Globals, text: str) -> None:
    """Talk on stderr that only --verbose asks for."""
    if options.verbose:
        _talk(text)


def warn(text: str) -> None:
    """Print a warning on stderr; --quiet does not silence it."""
    _talk(f"warning: {text}")


def trace(error: BaseException) -> None:
    """Print the traceback of a bug on stderr."""
    from traceback import format_exception

    _talk("".join(format_exception(error)).rstrip("\n"), as_it_is=True)


def fitted(text: str, width: int, indent: int = INDENT) -> str:
    """Break the lines of a text between words where a terminal of `width` columns would break them anywhere. What goes
    on is `indent` columns further in than its line."""
    from pfmm.cli.wrapping import broken

    lines: list[str] = []
    for line in text.split("\n"):
        further = " " * (len(line) - len(line.lstrip(" ")) + indent)
        too_wide = len(line) > width and len(further) < width // 2
        lines += broken(line, width, rest=further) if too_wide else [line]
    return "\n".join(lines)


def as_written(text: str, stream: TextIO) -> str:
    """Return the text as the stream will write it: where it cannot take ±, +/- stands for it and takes three
    columns."""
    encoding = stream.encoding or "utf-8"
    return visible(text).encode(encoding, stream.errors or "strict").decode(encoding)


def _talk(text: str, *, as_it_is: bool = False) -> None:
    if sys.stderr is None:
        return
    try:
        if not as_it_is and sys.stderr.isatty():
            text = fitted(as_written(text, sys.stderr), columns(), 0 if text.startswith(" ") else TALK_INDENT)
        sys.stderr.write(visible(text) + "\n")
        sys.stderr.flush()
    except OSError:  # nobody listens, or a full disk has nowhere to put it
        _drop(sys.stderr)


def json_line(value: Any) -> str:
    """Write a value as one line of JSON; only ASCII where a terminal would act on the rest, or stdout cannot take it:
    an older locale, or a name that is no text."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not line.isprintable():
        return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("\x7f", "\\u007f")
    try:
        line.encode((sys.stdout.encoding if sys.stdout is not None else None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return line
