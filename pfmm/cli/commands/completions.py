"""`pfmm completions SHELL`: prints the completion script of a shell, made from the real commands.

The scripts are static: a key press starts no program. The files in completions/ are exactly this output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from pfmm.cli.output import Result, emit
from pfmm.cli.typer_seam import GLOBAL_NAMES, Node, Root, globals_of, root_of, tree
from pfmm.errors import UsageError

app = typer.Typer()

SHELLS = ("bash", "zsh", "fish")
ZSH_QUOTE, FISH_QUOTE = "'\\''", "\\'"  # a single quote inside single quotes


@dataclass(frozen=True, slots=True)
class Entry:
    """One command as a script offers it: its path ("grid start"), the words behind it with their help, its options.

    `valued` are those of the options that take a value, the word behind them.
    """

    path: str
    children: tuple[tuple[str, str], ...]
    options: tuple[str, ...]
    valued: frozenset[str]


def entries(root: Root) -> list[Entry]:
    """Every visible command of `root`, parents first. Loads all command modules."""
    return [
        Entry(node.path, _words(node.path) or tuple(node.children.items()), _long_options(node), _valued(node))
        for node in tree(root)
    ]


def _words(path: str) -> tuple[tuple[str, str], ...]:
    """What may stand behind a command that takes one of a few words, each with its help."""
    if path == "completions":
        return tuple((shell, f"The script for {shell}.") for shell in SHELLS)
    if path != "help":
        return ()
    from pfmm.app.reference import title, topics

    return tuple((name, title(file)) for name, file in topics().items())


def _long_options(node: Node) -> tuple[str, ...]:
    found = [name for option in node.options for name in option.names]
    own = [name for name in found if name.startswith("--") and name not in GLOBAL_NAMES]
    return (*dict.fromkeys(own), *GLOBAL_NAMES)


def _valued(node: Node) -> frozenset[str]:
    """The options whose next word is their value, never a command: `--profile paper` names a profile."""
    valued = (name for option in node.options if option.valued for name in option.names)
    return frozenset(name for name in valued if name.startswith("--"))


def _all_valued(nodes: list[Entry]) -> list[str]:
    return sorted({name for node in nodes for name in node.valued})


def bash(nodes: list[Entry]) -> str:
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


def zsh(nodes: list[Entry]) -> str:
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


def fish(nodes: list[Entry]) -> str:
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
    script = makers[shell](entries(root_of(context)))
    emit(globals_of(context), Result({"shell": shell, "script": script}, lambda: script))
