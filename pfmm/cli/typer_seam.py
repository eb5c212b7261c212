"""Everything that leans on Typer's internals: the root command, options added to commands, the tree of commands.

Typer declares options by signatures alone and loads every command at once. What pfmm needs beside that (options on
both sides of a command, flags from tables of settings, commands loaded by name, failures that are its own) is done
here and nowhere else. Layer: cli.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, TypeVar

import typer
from typer._click.exceptions import MissingParameter
from typer._click.formatting import HelpFormatter
from typer._click.utils import make_default_short_help
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException
from typer.main import get_command

from pfmm.cli.nodes import Node, Option, UsageProblem
from pfmm.cli.output import Globals
from pfmm.cli.wrapping import broken

EPILOG = "Global options work here too: --profile NAME, --json, -q/--quiet, -v/--verbose, --version."
GLOBAL_NAMES = ("--profile", "--json", "--quiet", "--verbose", "--version", "--help")
Command = TypeVar("Command", bound=Callable[..., None])
_CHOICES = "pfmm_choices"  # the attribute of an option that holds the words that it accepts
_SETTINGS = "pfmm_settings"  # the attribute of a command's function that holds its flags


@dataclass(slots=True)
class Invocation:
    """What the parser has learned so far about one invocation; lives in Typer's context object.

    `flags` are the settings that were given as flags, by name.
    """

    profile: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    flags: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = field(default=(), compare=False)  # the whole line as it was given


class ReaderGone(Exception):
    """The reader of our stdout has closed it."""


def invocation_of(context: typer.Context) -> Invocation:
    """Return what the options of this invocation said, on either side of the command."""
    seen: Invocation = context.find_root().obj
    return seen


def globals_of(context: typer.Context) -> Globals:
    """Return the command that runs, its global options wherever on the line they stood (the last --profile wins), and
    the settings that were given as its flags, checked."""
    name, seen = context.command_path.removeprefix("pfmm").strip(), invocation_of(context)
    return Globals(name, seen.profile, seen.json, seen.quiet, seen.verbose, seen.flags)


class _HelpLines(HelpFormatter):
    """Breaks the lines of a help text like those of a screen: no figure apart from its word, no command in two."""

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        longest = min(max((len(name) for name, _ in rows), default=0), col_max)
        column = self.current_indent + longest + col_spacing
        for name, text in rows:
            head = " " * self.current_indent + name
            if len(name) > longest:
                self.write(f"{head}\n")
                head = ""
            first, *further = broken(text, self.width - column) or [""]
            self.write(f"{head.ljust(column)}{first}".rstrip() + "\n")
            self.write("".join(f"{'':{column}}{line}\n" for line in further))

    def write_text(self, text: str) -> None:
        margin = " " * self.current_indent
        paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
        lines = ("\n".join(broken(one, self.width, first=margin, rest=margin)) for one in paragraphs)
        self.write("\n\n".join(lines) + "\n")


class _HelpContext(typer.Context):
    formatter_class = _HelpLines


class Root(TyperGroup):
    """The `pfmm` command: loads commands by name, and hands its parse to `boundary`, which ends the process."""

    load: Callable[[str], typer.Typer | None]
    names: Callable[[], Sequence[str]]
    help_text: Callable[[], str]
    unknown: Callable[[Root, str, Sequence[str]], Exception]
    boundary: Callable[[Root, list[str], Callable[[Invocation], int | None]], None]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return list(self.names())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        if cmd_name not in self.commands:
            app = self.load(cmd_name)
            if app is not None:
                self.commands[cmd_name] = command_from(app, cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise self.unknown(self, args[0], invocation_of(ctx).words)
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: Any) -> str:  # noqa: ARG002 - Typer's signature
        return self.help_text()

    # Typer exits by itself, with 1 or without a word, on what these two turn into failures of our own

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _own_failures():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _own_failures():
            return super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 - always pfmm, however it was started
        complete_var: str | None = None,  # noqa: ARG002 - completions are static files
        standalone_mode: bool = True,  # noqa: ARG002 - Typer's own mode hides failures
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(args or ())

        def parse(seen: Invocation) -> int | None:
            answer = TyperGroup.main(
                self, given, "pfmm", standalone_mode=False, windows_expand_args=windows_expand_args, obj=seen, **extra
            )
            return answer if isinstance(answer, int) else None

        self.boundary(self, given, parse)

    def _main_shell_completion(self, *args: Any, **kwargs: Any) -> None:
        """Leave Typer's dynamic completion off: it would start the whole program at each key press."""


@contextmanager
def _own_failures() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        raise typer.Abort from error
    except BrokenPipeError as error:
        raise ReaderGone from error


def root_command(
    *,
    load: Callable[[str], typer.Typer | None],
    names: Callable[[], Sequence[str]],
    help_text: Callable[[], str],
    unknown: Callable[[Root, str, Sequence[str]], Exception],
    boundary: Callable[[Root, list[str], Callable[[Invocation], int | None]], None],
) -> Root:
    """Build the root command without any command loaded.

    `load` gives the app of a name (None: no such command), `unknown` the error for a name that is none, and
    `boundary` runs the parse that it is handed and ends the process.
    """
    root = Root(
        name="pfmm", rich_markup_mode=None, no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )  # fmt: skip
    root.load, root.names, root.help_text, root.unknown, root.boundary = load, names, help_text, unknown, boundary
    _share(root, hidden=False)
    return root


@cache  # building one takes as long as running a short command: a process that runs many lines builds each once
def command_from(app: typer.Typer, name: str) -> Any:
    """Build the command of an app, with the flags of its settings and the global options on it and on all below it."""
    app._add_completion = False  # completions are static files, see `pfmm completions`
    command: Any = get_command(app)
    command.name = name
    _share(command, hidden=True)
    return command


def takes(settings: Sequence[FlagSource]) -> Callable[[Command], Command]:
    """Give a command, as its decorator, a flag for each of these settings; what is given goes into
    `Invocation.flags`."""

    def mark(function: Command) -> Command:
        setattr(function, _SETTINGS, tuple(settings))
        return function

    return mark


class FlagSource(NamedTuple):
    """One flag that stands for a setting: how it is spelt and explained, and what checks its text.

    `parse` raises ValueError for text that the setting does not accept; `choices` are the words that it accepts.
    """

    setting: str
    flags: tuple[str, ...]
    metavar: str
    help: str
    parse: Callable[[str], Any]
    choices: tuple[str, ...] = ()


def _flag(source: FlagSource) -> TyperOption:
    def note(context: typer.Context, _parameter: Any, value: Any) -> None:
        if value is None:
            return
        try:
            invocation_of(context).flags[source.setting] = source.parse(value)
        except ValueError as error:
            raise typer.BadParameter(str(error).removeprefix(f"{source.setting} ")) from error

    option = TyperOption(
        param_decls=list(source.flags), type=str, metavar=source.metavar, expose_value=False, callback=note,
        help=source.help,
    )  # fmt: skip
    setattr(option, _CHOICES, source.choices)
    return option


def _share(command: Any, *, hidden: bool) -> None:
    """Give `command`, and everything below it, its flags, the global options and the plain help format.

    The global options are hidden in the list of a command's own, and named once below it.
    """
    command.params.extend(_flag(source) for source in getattr(command.callback, _SETTINGS, ()))
    command.params.extend(_global_options(hidden=hidden))
    command.rich_markup_mode = None
    command.context_class = _HelpContext
    if hidden:
        command.epilog = f"{command.epilog}\n\n{EPILOG}" if command.epilog else EPILOG
    if isinstance(command, TyperGroup):
        command.no_args_is_help = not command.invoke_without_command
        for child in command.commands.values():
            child.short_help = _first_sentence(child.help or "")  # the list of a group shows it whole
            _share(child, hidden=True)


def _first_sentence(text: str) -> str:
    """Return the first sentence of a help text, on one line: "One, two. Three." gives "One, two."."""
    paragraph = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    return re.split(r"(?<=\.)\s", paragraph, maxsplit=1)[0]


def _global_options(*, hidden: bool) -> list[TyperOption]:
    def note(context: typer.Context, parameter: Any, value: Any) -> None:
        if value:
            setattr(invocation_of(context), parameter.name, value)

    def version(context: typer.Context, _parameter: Any, value: Any) -> None:
        if value:
            from pfmm import __version__
            from pfmm.cli.output import Result, emit

            emit(globals_of(context), Result({"version": __version__}, lambda: f"pfmm {__version__}"))
            raise typer.Exit

    def flag(*names: str, text: str, callback: Callable[..., None] = note, eager: bool = False) -> TyperOption:
        return TyperOption(
            param_decls=list(names), is_flag=True, default=False, expose_value=False, callback=callback,
            is_eager=eager, help=text, hidden=hidden,
        )  # fmt: skip

    def named(context: typer.Context, parameter: Any, value: Any) -> None:
        if value == "":  # an unset variable of a script: not the wish for whichever profile is active
            raise typer.BadParameter("must name a profile, not ''")
        note(context, parameter, value)

    profile = TyperOption(
        param_decls=["--profile"], type=str, metavar="NAME", expose_value=False, callback=named, hidden=hidden,
        help="Use this profile instead of the active one.",
    )  # fmt: skip
    return [
        profile,
        flag("--json", text="Answer with one JSON envelope (streams: NDJSON)."),
        flag("--quiet", "-q", text="No talk on stderr, only warnings and errors."),
        flag("--verbose", "-v", text="More talk on stderr."),
        flag("--version", text="Show the version and exit.", callback=version, eager=True),
    ]


USAGE_ERRORS = TyperException
_KINDS: tuple[tuple[str, str], ...] = (
    (r"No such command '(.*?)'", "command"),
    (r"Got unexpected extra argument\(s\) \((.*)\)", "extra"),
    (r"Option '(.*?)' requires (?:an|\d+) arguments?", "no value"),
    (r"Option '(.*?)' does not take a value", "needless value"),
    (r"No such option: (\S+)", "option"),
)


def usage_problem(error: TyperException) -> UsageProblem:
    """Tell Typer's complaint apart, so that it can be answered."""
    context = getattr(error, "ctx", None)
    path = "" if context is None else context.command_path.removeprefix("pfmm").strip()
    message = error.format_message().strip().removesuffix(".")
    code = getattr(error, "exit_code", None)
    if message.startswith("Usage:"):  # a group without a command: its help is the message
        return UsageProblem(f"which command?\n\n{message}", code, path, "which")
    if isinstance(error, MissingParameter) and error.param is not None:
        parameter: Any = error.param
        name = parameter.opts[0] if parameter.param_type_name == "option" else str(parameter.make_metavar(context))
        return UsageProblem(message, code, path, "missing", (name,))
    for pattern, kind in _KINDS:
        found = re.match(pattern, message)
        if found is not None:
            message = found[0] if kind in ("command", "option") else message
            about = tuple(found[1].split()) if kind == "extra" else (found[1],)
            return UsageProblem(message, code, path, kind, about)  # type: ignore[arg-type]
    return UsageProblem(message, code, path, "value")


def path_of(root: Root, arguments: Sequence[str]) -> str:
    """Return the full name of the command that was loaded for these arguments: "grid start"; empty where there was
    none."""
    node: Any = root
    names = []
    for word in arguments:
        if isinstance(node, TyperGroup) and word in node.commands:
            node = node.commands[word]
            names.append(word)
    return " ".join(names)


def tree(root: Root) -> list[Node]:
    """List every visible command of `root`, parents first. Loads all command modules."""
    pending = [""]
    nodes = []
    while pending:
        node = look(root, pending.pop(0))
        assert node is not None
        nodes.append(node)
        pending.extend(f"{node.path} {name}".strip() for name in node.children)
    return nodes


def look(root: Root, path: str) -> Node | None:
    """Find the command of that path; None where there is none. Loads its module; for the root, every command's."""
    command: Any = root
    for at, name in enumerate(path.split()):
        command = root.get_command(None, name) if at == 0 else getattr(command, "commands", {}).get(name)
        if command is None:
            return None
    children = _children(root, path, command)
    lines = {name: make_default_short_help(child.help or "", 70) for name, child in children.items()}
    parameters = [one for one in command.params if one.param_type_name == "option"]
    arguments = tuple(str(one.metavar or "") for one in command.params if one.param_type_name == "argument")
    help_line = make_default_short_help(command.help or "", 70)
    return Node(path, command.help or "", help_line, lines, tuple(map(_option, parameters)), arguments)


def unloaded(root: Root, lines: Mapping[str, str]) -> Node:
    """Build the root command with the lines of its commands, without loading any of them."""
    options = tuple(_option(one) for one in root.params if one.param_type_name == "option")
    return Node("", "", "", lines, options)


def help_of(context: typer.Context, path: str) -> str | None:
    """Return the help text of a command, as its --help prints it; None where there is none of that path."""
    root: Any = root_of(context)
    command, around = root, context.find_root()
    for at, name in enumerate(path.split()):
        command = root.get_command(None, name) if at == 0 else getattr(command, "commands", {}).get(name)
        if command is None:
            return None
        around = command.context_class(command, info_name=name, parent=around, **command.context_settings)
    text: str = command.get_help(around)
    return text


def root_of(context: typer.Context) -> Root:
    """Return the root command of the running one."""
    root: Any = context.find_root().command
    assert isinstance(root, Root)
    return root


def _children(root: Root, path: str, command: Any) -> dict[str, TyperCommand | TyperGroup]:
    if not path:
        return {name: root.get_command(None, name) for name in root.list_commands(None)}
    if not isinstance(command, TyperGroup):
        return {}
    # a child is declared as a bare Command, but Typer makes nothing else than these two
    return {name: child for name, child in command.commands.items() if not child.hidden}  # type: ignore[misc]


def _option(parameter: Any) -> Option:
    names = (*parameter.opts, *parameter.secondary_opts)
    return Option(
        names,
        parameter.help or "",
        bool(parameter.hidden),
        valued=not parameter.is_flag,
        metavar=str(parameter.metavar or ""),
        choices=tuple(getattr(parameter, _CHOICES, ())),
    )
