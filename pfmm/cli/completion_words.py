"""What may stand where on a command line, for the completion scripts: commands, options, and the values of both.

A kind of value is `=a b c` for these words, the name of a list that the shell reads itself (MARKETS, PROFILES, RUNS,
FILES), one of the LISTS that a script holds once, or empty where nothing is to be offered. Layer: cli.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pfmm.app import strategies
from pfmm.cli.nodes import Node, Option
from pfmm.cli.typer_seam import GLOBAL_NAMES, Root, tree

MARKETS, PROFILES, RUNS, FILES = "markets", "profiles", "runs", "files"
Lists = Mapping[str, tuple[str, ...]]
SHELLS = ("bash", "zsh", "fish")
OF_METAVAR = {"FILE": FILES, "FILE[,FILE...]": FILES, "OUT": FILES, "MARKET": MARKETS, "RUN": RUNS}


@dataclass(frozen=True, slots=True)
class Entry:
    """One command as a script offers it: its path ("grid start"), the words behind it with their help, its options.

    `values` has the kind of each option that takes a value; `arguments` those of the words that stand alone, of which
    the last goes on where `many`.
    """

    path: str
    children: tuple[tuple[str, str], ...]
    options: tuple[str, ...]
    values: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    many: bool = False


def entries(root: Root) -> list[Entry]:
    """List every visible command of `root`, parents first. Loads all command modules."""
    fixed = _fixed()
    return [_entry(node, fixed) for node in tree(root)]


def lists() -> Lists:
    """Return the longer lists that a script holds once: setting names, topics, and the markets of the embedded
    exchange, for a profile of which none has been listed yet."""
    from pfmm.app.market_names import packaged
    from pfmm.app.reference import topics
    from pfmm.cli.registry import commands
    from pfmm.config.tables import every

    return {
        "settings": tuple(every()),
        "assignments": tuple(f"{name}=" for name in every()),
        "topics": tuple(dict.fromkeys((*topics(), *commands()))),
        "strategies": strategies.names(),
        "packaged": packaged(),
    }


def _entry(node: Node, fixed: Mapping[str, str]) -> Entry:
    found = [name for option in node.options for name in option.names]
    own = [name for name in found if name.startswith("--") and name not in GLOBAL_NAMES]
    values = {
        name: _kind_of_option(node.path, option, fixed)
        for option in node.options
        if option.valued
        for name in option.names
        if name.startswith("--")
    }
    return Entry(
        node.path,
        _topics(node) or tuple(node.children.items()),
        (*dict.fromkeys(own), *GLOBAL_NAMES),
        values,
        () if _topics(node) else tuple(_kind_of_argument(node.path, metavar) for metavar in node.arguments),
        any(metavar.endswith("...") for metavar in node.arguments),
    )


def _topics(node: Node) -> tuple[tuple[str, str], ...]:
    """List the topics of `pfmm help` with what they are about: a command's words, as subcommands would be."""
    if node.path != "help":
        return ()
    from pfmm.app.reference import title, topics

    return tuple((name, title(file)) for name, file in topics().items())


def _fixed() -> dict[str, str]:
    """Return the kinds of those options whose few words no table of settings knows."""
    from pfmm.app.backtest_jobs import QUEUES
    from pfmm.app.funding import SORTS
    from pfmm.model.fees import PRESETS

    return {
        "--profile": PROFILES,
        "--fees": _words(PRESETS),
        "--strategy": "strategies",
        "--set": "assignments",
        "--queue": _words((*QUEUES, "both")),
        "--mode": "=lazy events",
        "--sort": _words(SORTS),
        "--venue": _words(_venues()),
    }


def _venues() -> tuple[str, ...]:
    from pfmm.config.tables import setting_of

    return setting_of("venue").choices


def _words(words: Mapping[str, object] | tuple[str, ...]) -> str:
    return "=" + " ".join(words)


def _kind_of_option(path: str, option: Option, fixed: Mapping[str, str]) -> str:
    if option.choices:
        return _words(option.choices)
    if (path, option.names[0]) == ("profile create", "--from"):
        return PROFILES
    return fixed.get(option.names[0]) or OF_METAVAR.get(option.metavar, "")


def _kind_of_argument(path: str, metavar: str) -> str:
    plain = metavar.replace("...", "").strip("[]")
    if plain == "NAME":
        return "" if path == "profile create" else PROFILES
    known = {"STRATEGY": "strategies", "SETTING": "settings", "TOPIC": "topics", "SHELL": _words(SHELLS)}
    return known.get(plain) or OF_METAVAR.get(plain, "")


def kinds_of_options(nodes: list[Entry]) -> tuple[dict[str, str], dict[str, str]]:
    """Find the usual kind of each option's value, and the others by "path --option"."""
    usual: dict[str, str] = {}
    other: dict[str, str] = {}
    for node in nodes:
        for name, kind in node.values.items():
            if usual.setdefault(name, kind) != kind:
                other[f"{node.path} {name}"] = kind
    return usual, other


def quoted(text: str, quote: str) -> str:
    """Put `text` in single quotes, with `quote` for each one in it."""
    return "'" + text.replace("'", quote) + "'"
