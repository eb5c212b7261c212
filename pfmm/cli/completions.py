"""`pfmm completions SHELL`: prints the completion script of a shell, made from the real commands.

The scripts are static: a key press starts no program. The files in completions/ are exactly this output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from pfmm.cli.options import commands_of, globals_of
from pfmm.cli.output import Result, emit
from pfmm.errors import UsageError

app = typer.Typer()

SHELLS = ("bash", "zsh", "fish")
_GLOBALS = ("--profile", "--json", "--quiet", "--verbose", "--version", "--help")


@dataclass(frozen=True, slots=True)
class Node:
    """One command: its path ("grid start"), one-line help, subcommands with theirs, and its own long options."""

    path: str
    help: str
    children: tuple[tuple[str, str], ...]
    options: tuple[str, ...]


def tree(root: Any) -> list[Node]:
    """Every visible command of `root`, parents first. Loads all command modules."""
    pending: list[tuple[str, Any]] = [("", root)]
    nodes = []
    while pending:
        path, command = pending.pop(0)
        if path:
            children = commands_of(command)
        else:
            children = {name: root.get_command(None, name) for name in root.list_commands(None)}
        named = tuple((name, child.get_short_help_str(70)) for name, child in children.items())
        nodes.append(Node(path, command.get_short_help_str(70), named, _long_options(command)))
        pending.extend((f"{path} {name}".strip(), child) for name, child in children.items())
    return nodes


def _long_options(command: Any) -> tuple[str, ...]:
    found = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]
    own = [name for name in found if name.startswith("--") and name not in _GLOBALS]
    return (*dict.fromkeys(own), *_GLOBALS)


def bash(nodes: list[Node]) -> str:
    """A bash script: the words typed so far that are commands choose the list to offer."""
    cases = [
        f'        "{node.path}") commands="{" ".join(name for name, _ in node.children)}"; '
        f'options="{" ".join(node.options)}" ;;'
        for node in nodes
    ]
    known = " ".join(f'"{node.path}"' for node in nodes if node.path)
    return "\n".join([
        "# bash completion of pfmm; made by `pfmm completions bash`",
        "_pfmm() {",
        '    local current="${COMP_WORDS[COMP_CWORD]}" path="" word try commands options',
        f"    local known=({known})",
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '        for try in "${known[@]}"; do',
        '            if [[ "$try" == "${path:+$path }$word" ]]; then path="$try"; break; fi',
        "        done",
        "    done",
        '    case "$path" in',
        *cases,
        "    esac",
        "    COMPREPLY=()",
        '    if [[ "$current" == -* ]]; then',
        '        COMPREPLY=($(compgen -W "$options" -- "$current"))',
        '    elif [[ -n "$commands" ]]; then',
        '        COMPREPLY=($(compgen -W "$commands" -- "$current"))',
        "    fi",
        "}",
        "complete -o default -F _pfmm pfmm",
    ])  # fmt: skip


def zsh(nodes: list[Node]) -> str:
    """A zsh script with the commands' one-line help."""
    cases = []
    for node in nodes:
        described = " ".join(_quoted(f"{name}:{text}") for name, text in node.children)
        cases.append(f'        "{node.path}") commands=({described}); options=({" ".join(node.options)}) ;;')
    known = " ".join(f'"{node.path}"' for node in nodes if node.path)
    return "\n".join([
        "#compdef pfmm",
        "# zsh completion of pfmm; made by `pfmm completions zsh`",
        "_pfmm() {",
        '    local -a commands options known; local path_="" word try',
        f"    known=({known})",
        '    for word in "${(@)words[2,CURRENT-1]}"; do',
        '        try="${path_:+$path_ }$word"',
        "        (( ${known[(Ie)$try]} )) && path_=$try",
        "    done",
        '    case "$path_" in',
        *cases,
        "    esac",
        '    if [[ "$PREFIX" == -* ]]; then compadd -- $options',
        "    elif (( ${#commands} )); then _describe command commands",
        "    else _files; fi",
        "}",
        'if [[ "${funcstack[1]}" == _pfmm ]]; then _pfmm "$@"; else compdef _pfmm pfmm; fi',
    ])  # fmt: skip


def fish(nodes: list[Node]) -> str:
    """A fish script: one `complete` line for each command and option, with its help."""
    known = " ".join(_quoted(node.path) for node in nodes if node.path)
    lines = [
        "# fish completion of pfmm; made by `pfmm completions fish`",
        "function __pfmm_at",
        '    set -l at ""',
        f"    set -l known {known}",
        "    for word in (commandline -opc)[2..-1]",
        '        set -l try (string trim -- "$at $word")',
        "        contains -- $try $known; and set at $try",
        "    end",
        '    test "$at" = "$argv[1]"',
        "end",
    ]
    for node in nodes:
        here = f"""-n "__pfmm_at '{node.path}'\""""
        lines += [f"complete -c pfmm {here} -f -a {name} -d {_quoted(text)}" for name, text in node.children]
        lines += [f"complete -c pfmm {here} -l {option[2:]}" for option in node.options]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "") + "'"


@app.command()
def completions(
    context: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the completion script of a shell (the files in completions/ are this output)."""
    makers = {"bash": bash, "zsh": zsh, "fish": fish}
    if shell not in makers:
        raise UsageError(f"there are completions for {', '.join(SHELLS)}, not for {shell!r}")
    script = makers[shell](tree(context.find_root().command))
    emit(globals_of(context), Result({"shell": shell, "script": script}, lambda: script))
