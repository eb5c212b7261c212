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
ZSH_QUOTE, FISH_QUOTE = "'\\''", "\\'"  # a single quote inside single quotes
_GLOBALS = ("--profile", "--json", "--quiet", "--verbose", "--version", "--help")


@dataclass(frozen=True, slots=True)
class Node:
    """One command: its path ("grid start"), one-line help, subcommands with theirs, and its own long options.

    `valued` are those of the options that take a value, the word behind them.
    """

    path: str
    help: str
    children: tuple[tuple[str, str], ...]
    options: tuple[str, ...]
    valued: frozenset[str]


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
        named = _words(path) or tuple((name, child.get_short_help_str(70)) for name, child in children.items())
        nodes.append(Node(path, command.get_short_help_str(70), named, _long_options(command), _valued(command)))
        pending.extend((f"{path} {name}".strip(), child) for name, child in children.items())
    return nodes


def _words(path: str) -> tuple[tuple[str, str], ...]:
    """What may stand behind a command that takes one of a few words, each with its help."""
    if path == "completions":
        return tuple((shell, f"The script for {shell}.") for shell in SHELLS)
    if path != "help":
        return ()
    from pfmm.cli.reference import title, topics

    return tuple((name, title(file)) for name, file in topics().items())


def _long_options(command: Any) -> tuple[str, ...]:
    found = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]
    own = [name for name in found if name.startswith("--") and name not in _GLOBALS]
    return (*dict.fromkeys(own), *_GLOBALS)


def _valued(command: Any) -> frozenset[str]:
    """The options of `command` whose next word is their value, never a command: `--profile paper` names a profile."""
    return frozenset(
        name
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.is_flag
        for name in parameter.opts
        if name.startswith("--")
    )


def _all_valued(nodes: list[Node]) -> list[str]:
    return sorted({name for node in nodes for name in node.valued})


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
        '    local current="${COMP_WORDS[COMP_CWORD]}" path="" before="" word try commands options',
        f"    local known=({known})",
        f'    local valued=" {" ".join(_all_valued(nodes))} "',
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '        if [[ "$word" == "=" ]]; then continue; fi',  # bash splits --profile=paper
        '        if [[ "$valued" == *" $before "* ]]; then before=""; continue; fi',
        '        before="$word"',
        '        for try in "${known[@]}"; do',
        '            if [[ "$try" == "${path:+$path }$word" ]]; then path="$try"; break; fi',
        "        done",
        "    done",
        "    COMPREPLY=()",
        '    if [[ "$valued" == *" $before "* ]]; then return; fi',
        '    case "$path" in',
        *cases,
        "    esac",
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
        described = " ".join(_quoted(f"{name}:{text}", ZSH_QUOTE) for name, text in node.children)
        cases.append(f'        "{node.path}") commands=({described}); options=({" ".join(node.options)}) ;;')
    known = " ".join(f'"{node.path}"' for node in nodes if node.path)
    return "\n".join([
        "#compdef pfmm",
        "# zsh completion of pfmm; made by `pfmm completions zsh`",
        "_pfmm() {",
        '    local -a commands options known valued; local path_="" before="" word try',
        f"    known=({known})",
        f"    valued=({' '.join(_all_valued(nodes))})",
        '    for word in "${(@)words[2,CURRENT-1]}"; do',
        '        if (( ${valued[(Ie)$before]} )); then before=""; continue; fi',
        "        before=$word",
        '        try="${path_:+$path_ }$word"',
        "        (( ${known[(Ie)$try]} )) && path_=$try",
        "    done",
        '    case "$path_" in',
        *cases,
        "    esac",
        "    if (( ${valued[(Ie)$before]} )); then _files",
        '    elif [[ "$PREFIX" == -* ]]; then compadd -- $options',
        "    elif (( ${#commands} )); then _describe command commands",
        "    else _files; fi",
        "}",
        'if [[ "${funcstack[1]}" == _pfmm ]]; then _pfmm "$@"; else compdef _pfmm pfmm; fi',
    ])  # fmt: skip


def fish(nodes: list[Node]) -> str:
    """A fish script: one `complete` line for each command and option, with its help."""
    known = " ".join(f"'{node.path}'" for node in nodes if node.path)
    lines = [
        "# fish completion of pfmm; made by `pfmm completions fish`",
        "function __pfmm_at",
        '    set -l at ""',
        f"    set -l known {known}",
        f"    set -l valued {' '.join(_all_valued(nodes))}",
        "    set -l before ''",
        "    for word in (commandline -opc)[2..-1]",
        "        if contains -- $before $valued",
        "            set before ''",
        "            continue",
        "        end",
        "        set before $word",
        '        set -l try (string trim -- "$at $word")',
        "        contains -- $try $known; and set at $try",
        "    end",
        '    test "$at" = "$argv[1]"',
        "end",
    ]
    for node in nodes:
        here = f"""-n "__pfmm_at '{node.path}'\""""
        lines += [
            f"complete -c pfmm {here} -f -a {name} -d {_quoted(text, FISH_QUOTE)}" for name, text in node.children
        ]
        lines += [
            f"complete -c pfmm {here} -l {option[2:]}{' -r' if option in node.valued else ''}"
            for option in node.options
        ]
    return "\n".join(lines)


def _quoted(text: str, quote: str) -> str:
    """`text` in single quotes, with `quote` for each one in it."""
    return "'" + text.replace("'", quote) + "'"


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
