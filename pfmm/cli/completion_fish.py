"""The completion script of fish, made from the real commands: entries in, text out. Layer: cli.

As those of bash and zsh it is static; what it reads from files is never evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pfmm.cli.completion_words import FILES, MARKETS, PROFILES, RUNS, Entry, Lists, quoted

QUOTE = "\\'"  # a single quote inside single quotes
# once for each line: which command is typed, and how many words stand behind it
LOOK = """\
function __pfmm_look
    set -l line (commandline -opc | string collect)
    test "$line" = "$__pfmm_line"; and return
    set -g __pfmm_line $line
    set -g __pfmm_path ''
    set -g __pfmm_count 0
    set -g __pfmm_before ''
    for word in (commandline -opc)[2..-1]; __pfmm_step $word; end
end"""
# a value is passed over, a command leads on, any other word counts
STEP = """\
function __pfmm_step
    if contains -- $__pfmm_before $__pfmm_valued; set __pfmm_before ''; return; end
    set __pfmm_before $argv[1]
    set -l try (string trim -- "$__pfmm_path $argv[1]")
    if contains -- $try $__pfmm_known; set __pfmm_path $try
    else if not string match -q -- '-*' $argv[1]; set __pfmm_count (math $__pfmm_count + 1)
    end
end"""
# whether one of these commands is typed
AT = """\
function __pfmm_at
    __pfmm_look
    contains -- "$__pfmm_path" $argv
end"""
# the number of the word, `more` where others may follow or `one`, the commands
WORD = """\
function __pfmm_word
    __pfmm_at $argv[3..-1]; or return 1
    test "$argv[1]" = "$__pfmm_count"; and return 0
    test "$argv[2]" = more; and test $__pfmm_count -gt $argv[1]
end"""
# where pfmm keeps its config, log or cache: below PFMM_HOME, else in the platform's own folders
FOLDER = """\
function __pfmm_folder
    if test -n "$PFMM_HOME"; string replace -r '^config$' '' -- $argv[1] | string replace -r '^' "$PFMM_HOME/"
    else if test (uname) = Darwin; __pfmm_mac_folder $argv[1]
    else; __pfmm_xdg_folder $argv[1]
    end
end"""
MAC_FOLDER = """\
function __pfmm_mac_folder
    switch $argv[1]
        case config; echo "$HOME/Library/Application Support/pfmm/"
        case log; echo "$HOME/Library/Logs/pfmm"
        case cache; echo "$HOME/Library/Caches/pfmm"
    end
end"""
XDG_FOLDER = """\
function __pfmm_xdg_folder
    switch $argv[1]
        case config; set -l folders $XDG_CONFIG_HOME "$HOME/.config"; echo "$folders[1]/pfmm/"
        case log; set -l folders $XDG_STATE_HOME "$HOME/.local/state"; echo "$folders[1]/pfmm/log"
        case cache; set -l folders $XDG_CACHE_HOME "$HOME/.cache"; echo "$folders[1]/pfmm"
    end
end"""
PROFILE_NAMES = """\
function __pfmm_profiles
    set -l file (__pfmm_folder config)config.toml
    echo paper
    test -r "$file"; and string replace -rf '^\\[profiles\\.(?:"([^"]*)"|([\\w-]+)).*' '$1$2' < $file | sort -u
end"""
# the profile of this line: the one typed, else the variable's, else the active one of the config file
PROFILE = """\
function __pfmm_profile
    set -l file (__pfmm_folder config)config.toml
    set -l typed (string match -rg -- '--profile[= ]+(\\S+)' (commandline -pc))
    if test -n "$typed"; echo $typed[-1]; return; end
    if test -n "$PFMM_PROFILE"; echo $PFMM_PROFILE; return; end
    test -r "$file"; and set -l active (string replace -rf '^active = "(.*)"$' '$1' < $file)
    test -n "$active"; and echo $active; or echo paper
end"""
MARKET_NAMES = """\
function __pfmm_markets
    set -l names (__pfmm_folder cache)/markets.(__pfmm_profile)
    if test -r "$names"; string match -r '.*' < $names
    else; string split ' ' -- $__pfmm_packaged
    end
end"""
RUN_NAMES = """\
function __pfmm_runs
    for file in (__pfmm_folder log)/*.log; string replace -r '.*/(.*)\\.log$' '$1' -- $file; end
    string split ' ' -- $__pfmm_strategies
end"""


def fish(nodes: Sequence[Entry], lists: Lists) -> str:
    """Write the fish script: one `complete` line for each command, and for each option and argument with the commands
    that have it."""
    return "\n".join([
        "# fish completion of pfmm; made by `pfmm completions fish`",
        *(LOOK, STEP, AT, WORD, FOLDER, MAC_FOLDER, XDG_FOLDER, PROFILE_NAMES, PROFILE, MARKET_NAMES, RUN_NAMES),
        f"set -g __pfmm_known {_paths(node.path for node in nodes if node.path)}",
        f"set -g __pfmm_valued {' '.join(sorted({name for node in nodes for name in node.values}))}",
        *(f"set -g __pfmm_{name} '{' '.join(words)}'" for name, words in lists.items()),
        *(
            f"complete -c pfmm {_at([node.path])} -f -a {name} -d {quoted(text, QUOTE)}"
            for node in nodes
            for name, text in node.children
        ),
        *_options(nodes),
        f"complete -c pfmm {_at([node.path for node in nodes if FILES not in node.arguments])} -f",
        *_arguments(nodes),
    ])  # fmt: skip


def _options(nodes: Sequence[Entry]) -> list[str]:
    """Offer each option with its values at the commands that have it with these; with no condition where all have."""
    paths: dict[str, list[str]] = {}
    for node in nodes:
        for option in node.options:
            paths.setdefault(f"-l {option[2:]}{_value(node, option)}", []).append(node.path)
    return [
        f"complete -c pfmm {words}" if len(here) == len(nodes) else f"complete -c pfmm {_at(here)} {words}"
        for words, here in paths.items()
    ]


def _arguments(nodes: Sequence[Entry]) -> list[str]:
    """Offer what may stand as the n-th word of its own at the commands where this may."""
    paths: dict[tuple[int, str, str], list[str]] = {}
    for node in nodes:
        for place, kind in enumerate(node.arguments):
            if kind != FILES:
                more = "more" if node.many and place == len(node.arguments) - 1 else "one"
                paths.setdefault((place, more, _words(kind)), []).append(node.path)
    return [
        f'complete -c pfmm -n "__pfmm_word {place} {more} {_paths(here)}" -f{words}'
        for (place, more, words), here in paths.items()
    ]


def _at(paths: Iterable[str]) -> str:
    return f'-n "__pfmm_at {_paths(paths)}"'


def _paths(paths: Iterable[str]) -> str:
    return " ".join(quoted(path, QUOTE) for path in paths)


def _value(node: Entry, option: str) -> str:
    if option not in node.values:
        return ""
    kind = node.values[option]
    return " -r" if kind == FILES else f" -r -f{_words(kind)}"


def _words(kind: str) -> str:
    if not kind:
        return ""
    if kind.startswith("="):
        return f" -a '{kind[1:]}'"
    return (
        f" -a '(__pfmm_{kind})'"
        if kind in (MARKETS, PROFILES, RUNS)
        else f" -a \"(string split ' ' -- $__pfmm_{kind})\""
    )
