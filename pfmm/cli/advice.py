"""What to type instead of a line that pfmm does not understand. Layer: cli.

Nothing here is ever run: a line is suggested, the user types it. Words that may be a key are never repeated. `look`
gives the command of a path and loads its module: only a line that failed pays for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pfmm.cli import plain_words
from pfmm.cli.lines import Line, did_you_mean, is_market, lowered, market_of, take_apart, typed
from pfmm.model.setting import nearest

if TYPE_CHECKING:
    from pfmm.cli.nodes import Node, Option, UsageProblem

    Look = Callable[[str], Node | None]

KEYS = "a key never goes on a command line: set PFMM_API_KEY, or `pfmm profile set secret.file PATH`"
LIVE = "real money is a profile of its own: `pfmm profile create live --venue VENUE`, then `--profile live`"
NEGATIVE = "a negative value goes behind two dashes, after every option: `-- -5`"
USUAL_MARKET = "BTC-PERP"
# what to type for an argument or a value that is missing
EXAMPLES: Mapping[str, str] = {
    "MARKET": USUAL_MARKET, "STRATEGY": "grid", "SETTING": "grid.levels", "VALUE": "20", "NAME": "NAME",
    "AMOUNT": "1000", "SHELL": "bash", "FILE": "FILE", "N": "10", "NUMBER": "10", "SPAN": "7d", "TIME": "24h",
    "EXPR": "'abs(ratio) < 0.5'", "USD": "100", "BPS": "2", "MS": "50", "S": "3", "KEY=VALUE": "grid.levels=20",
    "TOPIC": "config", "PRESET": "hyperliquid", "VENUE": "hyperliquid",
}  # fmt: skip


def of_problem(problem: UsageProblem, given: Sequence[str], look: Look) -> str | None:
    """Give the hint for a line that could not be read."""
    node = look(problem.path)
    assert node is not None
    if problem.kind == "which":
        return None
    about = problem.about
    found: str | None = None
    if problem.kind == "command":
        found = did_you_mean(_first(_for_subcommand(about[0], node, given, look)))
    elif problem.kind == "option" and re.match(r"-[.\d]", about[0]):
        found = NEGATIVE
    elif problem.kind == "option":
        found = _for_option(about[0], node, given, look)
    elif problem.kind == "missing":
        found = did_you_mean([_with_missing(about[0], node, given)])
    elif problem.kind == "extra":
        found = _for_extra(about, node, given)
    elif problem.kind == "no value":
        found = did_you_mean([_with_value(about[0], node, given)])
    elif problem.kind == "needless value":
        found = did_you_mean([_without_value(about[0], given)])
    return found or f"`{typed(*node.path.split())} --help` shows how to use it"


def of_command(word: str, given: Sequence[str], look: Look) -> str:
    """Give the hint for a first word that is no command."""
    if lowered(word) in plain_words.REAL_MONEY:
        return LIVE
    return did_you_mean(_first(_for_command(word, given, look))) or "`pfmm --help` lists the commands"


def _first(ways: Iterable[Sequence[str]]) -> Sequence[str]:
    return next((lines for lines in ways if lines), ())


def _for_command(word: str, given: Sequence[str], look: Look) -> Iterator[Sequence[str]]:
    """Yield the lines that may be meant, the surest way to find them first."""
    root = look("")
    assert root is not None
    line = _apart_anywhere(given, look)
    known = {*plain_words.COMMANDS, *root.children}
    slip = None if lowered(word) in known else nearest(lowered(word), tuple(root.children), cutoff=0.8)
    if slip is not None:
        yield [typed(*(slip if one == word else one for one in given))]
    rest = [one for one in line.words if one != word]
    if " " in word.strip():
        yield [typed(*(part for one in line.words for part in one.split()), *line.options)]
    if lowered(word) == "pfmm":
        yield [typed(*rest, *line.options)]
    yield _in_order(line, look)
    if lowered(word) in plain_words.COMMANDS:
        market = market_of(rest) or USUAL_MARKET
        others = " ".join(rest) or "grid.levels 20"
        yield [f"pfmm {one.format(market=market, rest=others)}" for one in plain_words.COMMANDS[lowered(word)]]
    yield [
        typed(group, lowered(word), *rest, *line.options)
        for group in root.children
        if lowered(word) in _children(look(group))
    ]
    if is_market(word):
        yield [typed("quote", "show", word), typed("grid", "start", word)]
    guess = nearest(lowered(word), tuple(root.children))
    if guess is not None:
        yield [typed(*(guess if one == word else one for one in given))]


def _in_order(line: Line, look: Look) -> Sequence[str]:
    """Put the words in their order, where they hold a command: `start grid BTC`, `BTC grid start`, `GRID start BTC`."""
    words = [one for one in line.words if lowered(one) not in plain_words.FILLERS]
    for at, word in enumerate(words):
        node = look(lowered(word)) if re.fullmatch(r"[a-z-]+", lowered(word)) else None
        if node is None:
            continue
        rest = [*words[:at], *words[at + 1 :]]
        if not node.children:
            return [typed(node.path, *(one for one in rest if is_market(one)), *line.options)]
        for other in rest:
            child = lowered(other) if lowered(other) in node.children else _meant(other, node)
            if child:
                arguments = [one for one in rest if one is not other]
                return [typed(node.path, *child.split(), *arguments, *line.options)]
    return ()


def _for_subcommand(word: str, node: Node, given: Sequence[str], look: Look) -> Iterator[Sequence[str]]:
    path, children = node.path.split(), tuple(node.children)
    line = _apart_anywhere(given, look)
    after = [one for one in line.words if one not in path]
    if lowered(word) == "help":
        yield [typed("help", *path)]
    for one in after:
        if lowered(one) in children:  # the right word in the wrong place
            rest = [other for other in after if other is not one and lowered(other) not in plain_words.FILLERS]
            yield [typed(*path, lowered(one), *rest, *line.options)]
    rest = after[1:]
    meant = _meant(word, node)
    if meant:
        yield [typed(*path, *meant.split(), *rest, *line.options)]
    guess = None if is_market(word) else nearest(lowered(word), children)
    if guess is not None:
        yield [typed(*path, guess, *rest, *line.options)]
    if "start" in children:
        yield [typed(*path, one, word, *rest, *line.options) for one in ("start", children[0])]
    if node.path == "backtest" and "start" in _children(look(lowered(word))):
        yield [typed("backtest", "run", *after, *line.options)]
    if node.path == "profile":
        yield [typed("profile", "use", word), typed("profile", "show", word)]
    yield [typed(*path, child) for child in children]


def _for_option(name: str, node: Node, given: Sequence[str], look: Look) -> str | None:
    word = next((one for one in given if one == name or one.startswith((f"{name}=", f"{name}:"))), None)
    if word is None:  # `-levels` is read as -l -e -v …
        word = next((one for one in given if re.fullmatch(r"[-–—][A-Za-z][\w-]+(=.*)?", one)), name)
    guessed = word.lstrip("-–—").partition("=")[0].partition(":")[0].replace("_", "-").lower()
    behind = _behind_its_command(word, node, given, look)
    if behind:
        return did_you_mean(behind)
    plain = _plainly(guessed, word, node, given)
    if plain is not None:
        return plain
    if guessed in plain_words.MARKET_OPTIONS and any("MARKET" in one for one in node.arguments):
        return did_you_mean([typed(*_replaced(given, word, word.partition("=")[2]))])
    return _in_its_place(guessed, word, node, given, look)


def _plainly(guessed: str, word: str, node: Node, given: Sequence[str]) -> str | None:
    """Give the hint for an option whose meaning is plain and that is none of pfmm's."""
    if guessed in plain_words.KEY_OPTIONS:
        return KEYS
    if guessed in plain_words.NOWHERE:
        return plain_words.NOWHERE[guessed][0]
    if guessed in plain_words.AS_JSON and any(lowered(one).endswith("json") for one in given):
        return did_you_mean([_as_json(word, given)])
    if guessed == "all" and any(one.startswith("[MARKET") for one in node.arguments):
        return f"without a market it is about all: `{typed(*_replaced(given, word))}`"
    return None


def _as_json(word: str, given: Sequence[str]) -> str:
    """Write the line with --json in the place of `--format json` or `--output=json`."""
    rest = [one for one in given if lowered(one) != "json"]
    return typed(*_replaced(rest, word, "--json"))


def _in_its_place(guessed: str, word: str, node: Node, given: Sequence[str], look: Look) -> str | None:
    """Give the hint for an option that has another name or another command."""
    options = _options(node)
    setting = _as_setting(word, given) if "--set" in options else ()
    if setting:
        return did_you_mean(setting)
    meant = _option_meant(guessed, tuple(options))
    if meant is not None:
        value = re.split("[=:]", word, maxsplit=1)[1:] if options[meant].valued else []
        return did_you_mean([typed(*_replaced(given, word, meant, *value))])
    if guessed in plain_words.REAL_MONEY:
        return LIVE
    places = _places(f"--{guessed}", look)
    return f"--{guessed} belongs to {' and '.join(f'`pfmm {one}`' for one in places[:3])}" if places else None


def _behind_its_command(word: str, node: Node, given: Sequence[str], look: Look) -> Sequence[str]:
    """Put an option of a command behind that command: `grid --levels 5 start BTC`. Returns the line, () without any."""
    name = word.partition("=")[0]
    for path in _below(node, look):
        command = look(path)
        options = {} if command is None else _options(command)
        if name in options and all(part in given for part in path.split()):
            line = take_apart(given, {one for one, option in options.items() if option.valued})
            arguments = [one for one in line.words if one not in path.split()]
            return [typed(*path.split(), *arguments, *line.options)]
    return ()


def _as_setting(word: str, given: Sequence[str]) -> Sequence[str]:
    """Write a strategy's own flag as a setting: behind `backtest run grid`, --levels 5 is grid.levels=5."""
    from pfmm.config.tables import every

    name, _, value = word.partition("=")
    found = [one for one in every().values() if name in one.flags]
    setting = next((one for one in found if one.section in given), found[0] if found else None)
    at = list(given).index(word) if word in given else len(given) - 1
    rest = list(given[at + 1 :])
    if setting is None or not (value or rest):
        return ()
    return [typed(*given[:at], "--set", f"{setting.name}={value or rest.pop(0)}", *rest)]


def _with_missing(metavar: str, node: Node, given: Sequence[str]) -> str:
    """Write the line with an example of the argument or the option that it lacks."""
    if metavar.startswith("-"):
        return typed(*given, metavar, _example(_options(node).get(metavar)))
    name = metavar.strip("[].").split(" ")[0].rstrip(".")
    examples = ["grid.levels", "20"] if name == "SETTING" and "VALUE" in node.arguments else [EXAMPLES.get(name, name)]
    before = len(given)
    while before > len(node.path.split()) and given[before - 1] not in node.path.split():
        before -= 1
    return typed(*given[:before], *_apart(given[before:], node).words, *examples, *_apart(given[before:], node).options)


def _for_extra(words: Sequence[str], node: Node, given: Sequence[str]) -> str | None:
    """Give the hint for words that a command does not take."""
    kept = list(given)
    for word in words:
        if word in kept:
            del kept[len(kept) - 1 - kept[::-1].index(word)]
    first, options = lowered(words[0]), _options(node)
    part = _as_one(words, node, given, kept)
    if part is not None:
        return did_you_mean([part])
    if f"--{first}" in options:
        return did_you_mean([typed(*kept, f"--{first}", *words[1:])])
    if is_market(words[0]) and "--market" in options:
        return did_you_mean([typed(*kept, "--market", words[0])])
    if is_market(words[0]) and any("MARKET" in one for one in node.arguments):
        before = [one for one in _apart(kept, node).words if one not in node.path.split()]
        each = [typed(*kept), *(typed(*_replaced(kept, before[-1], word)) for word in words)] if before else []
        return f"one market at a time: {', then '.join(f'`{line}`' for line in each)}" if each else None
    if "--since" in options and re.fullmatch(r"\d+[smhdw]", first):
        return did_you_mean([typed(*kept, "--since", first)])
    return did_you_mean([typed(*kept)])


def _as_one(words: Sequence[str], node: Node, given: Sequence[str], kept: Sequence[str]) -> str | None:
    """Write as one what was typed as several words: `--set grid.levels 5`, `profile create my profile`."""
    at = list(given).index(words[0]) if words[0] in given else 0
    if at > 1 and given[at - 2] == "--set" and "=" not in given[at - 1]:
        return typed(*given[: at - 1], f"{given[at - 1]}={words[0]}", *given[at + 1 :])
    if node.arguments[-1:] == ("NAME",) and kept:
        return typed(*kept[:-1], "-".join((kept[-1], *words)))
    return None


def _with_value(name: str, node: Node, given: Sequence[str]) -> str:
    """Write the line with an example of the value that an option at its end lacks."""
    at = max((index for index, word in enumerate(given) if word.partition("=")[0] == name), default=len(given) - 1)
    return typed(*given[:at], name, _example(_options(node).get(name)), *given[at + 1 :])


def _without_value(name: str, given: Sequence[str]) -> str:
    """Write the line with a flag alone, or without it where it was to be off: --all=true, --yes=false."""
    off = ("false", "no", "0", "off")
    words = [word for word in given if not (word.startswith(f"{name}=") and lowered(word.partition("=")[2]) in off)]
    return typed(*(name if word.startswith(f"{name}=") else word for word in words))


def _apart(given: Sequence[str], node: Node) -> Line:
    return take_apart(given, {name for name, option in _options(node).items() if option.valued})


def _apart_anywhere(given: Sequence[str], look: Look) -> Line:
    """Take apart a line whose command is not known, by the options of all commands."""
    root = look("")
    assert root is not None
    if not any(word.startswith("-") for word in given):
        return take_apart(given, ())
    nodes = [root, *(node for node in map(look, _below(root, look)) if node is not None)]
    return take_apart(given, {name for node in nodes for one in node.options if one.valued for name in one.names})


def _options(node: Node) -> dict[str, Option]:
    return {name: option for option in node.options for name in option.names}


def _children(node: Node | None) -> Mapping[str, str]:
    return {} if node is None else node.children


def _replaced(given: Sequence[str], word: str, *new: str) -> list[str]:
    at = list(given).index(word) if word in given else len(given)
    return [*given[:at], *(one for one in new if one), *given[at + 1 :]]


def _example(option: Option | None) -> str:
    if option is None:
        return "VALUE"
    return option.choices[0] if option.choices else EXAMPLES.get(option.metavar, option.metavar)


def _meant(word: str, node: Node) -> str | None:
    """Find the command of a group that a word of people stands for."""
    table = plain_words.STRATEGY if "start" in node.children else plain_words.GROUPS.get(node.path, {})
    found = table.get(lowered(word))
    preview = next(iter(node.children), "")
    return None if found is None else found[0].format(preview=preview, word=lowered(word))


def _option_meant(guessed: str, known: tuple[str, ...]) -> str | None:
    names = tuple(one for one in known if one.startswith("--"))
    if f"--{guessed}" in names:
        return f"--{guessed}"
    usual = next((one for one in plain_words.OPTIONS.get(guessed, ()) if one in names), None)
    if usual is None and guessed in plain_words.REAL_MONEY:
        return None
    return usual or nearest(f"--{guessed}", names, cutoff=0.66)


def _below(node: Node, look: Look) -> list[str]:
    """List the paths of every command below one."""
    found = [f"{node.path} {name}".strip() for name in node.children]
    for path in found:
        found += [f"{path} {name}" for name in _children(look(path))]
    return found


def _places(name: str, look: Look) -> list[str]:
    """Find the commands that have an option."""
    root = look("")
    assert root is not None
    nodes = [node for node in map(look, _below(root, look)) if node is not None]
    return [node.path for node in nodes if any(name in one.names and not one.hidden for one in node.options)]
