"""The completion scripts of bash and zsh, made from the real commands: entries in, text out. Layer: cli.

A script is static: a key press starts no program, and reads at most the config file (profiles), the names of the last
listed markets of the profile, and the names of the logs. What it reads there is never evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pfmm.cli.completion_words import FILES, MARKETS, PROFILES, RUNS, Entry, Lists, kinds_of_options, quoted

ZSH_QUOTE = "'\\''"  # a single quote inside single quotes
# where pfmm keeps its files: below PFMM_HOME, else in the platform's own folders
PLACES = """\
    if [[ -n "$PFMM_HOME" ]]; then config="$PFMM_HOME/config.toml" logs="$PFMM_HOME/log" cache="$PFMM_HOME/cache"
    elif [[ "$OSTYPE" == darwin* ]]; then
        config="$HOME/Library/Application Support/pfmm/config.toml" logs="$HOME/Library/Logs/pfmm"
        cache="$HOME/Library/Caches/pfmm"
    else
        config="${XDG_CONFIG_HOME:-$HOME/.config}/pfmm/config.toml"
        logs="${XDG_STATE_HOME:-$HOME/.local/state}/pfmm/log" cache="${XDG_CACHE_HOME:-$HOME/.cache}/pfmm"
    fi"""
# what bash and zsh both understand: reads the profiles from the config file, and which of them is active
PROFILE_LINES = """\
    profiles=(paper) active=paper
    if [[ -r "$config" ]]; then
        while IFS= read -r line; do
            case "$line" in
                "active = "*) active="${line#*\\"}" active="${active%%\\"*}" ;;
                "[profiles."*)
                    name="${line#\\[profiles.}"
                    case "$name" in
                        '"'*) name="${name#?}" name="${name%%\\"*}" ;;
                        *) name="${name%%[].]*}" ;;
                    esac
                    [[ " ${profiles[*]} " == *" $name "* ]] || profiles+=("$name") ;;
            esac
        done < "$config"
    fi"""


def bash(nodes: Sequence[Entry], lists: Lists) -> str:
    """Write the bash script: the words typed so far that are commands choose what to offer."""
    return "\n".join([
        "# bash completion of pfmm; made by `pfmm completions bash`",
        "_pfmm_offer() {  # of these words those that begin with what is typed",
        "    local word",
        '    for word in "$@"; do [[ "$word" == "$current"* ]] && COMPREPLY+=("$word"); done',
        "}",
        "_pfmm_profiles() {",
        "    local line name",
        PROFILE_LINES,
        "}",
        "_pfmm_value() {  # what may stand where a value of this kind is wanted",
        '    local config logs cache line name file active profiles strict',
        PLACES,
        '    case "$1" in',
        f'        {PROFILES}) _pfmm_profiles; _pfmm_offer "${{profiles[@]}}" ;;',
        f"        {MARKETS})",
        '            _pfmm_profiles; file="$cache/markets.${profile:-${PFMM_PROFILE:-$active}}"',
        "            shopt -q nocasematch; strict=$?; shopt -s nocasematch  # bt is BTC-PERP, too",
        '            if [[ -r "$file" ]]; then',
        "                while IFS= read -r line; do",
        '                    [[ "$line" == "$current"* ]] && COMPREPLY+=("$line")',
        '                done < "$file"',
        f'            else _pfmm_offer {" ".join(lists["packaged"])}; fi',
        "            ((strict)) && shopt -u nocasematch ;;",
        f"        {RUNS})",
        '            for file in "$logs"/*.log; do',
        '                [[ -e "$file" ]] && file="${file##*/}" && _pfmm_offer "${file%.log}"',
        "            done",
        f"            _pfmm_offer {' '.join(lists['strategies'])} ;;",
        *(f"        {name}) _pfmm_offer {' '.join(words)} ;;" for name, words in lists.items() if name != "packaged"),
        "        '='*) _pfmm_offer ${1#=} ;;",
        "    esac",
        "}",
        "_pfmm() {",
        '    local current="${COMP_WORDS[COMP_CWORD]}" path="" before="" word kind="" place=0 profile=""',
        "    local commands options",
        f'    local known="|{"|".join(node.path for node in nodes if node.path)}|"',
        "    local arguments=() many=",
        '    [[ "$current" == "=" ]] && current=""',
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '        if [[ "$word" == "=" ]]; then continue; fi  # bash splits --profile=paper',
        '        _pfmm_kind "$path" "$before"',
        '        if [[ -n "$kind" ]]; then',
        '            [[ "$before" == --profile ]] && profile="$word"',
        '            before=""; continue',
        "        fi",
        '        before="$word"',
        '        if [[ "$known" == *"|${path:+$path }$word|"* ]]; then path="${path:+$path }$word"',
        '        elif [[ "$word" != -* ]]; then place=$((place + 1)); fi',
        "    done",
        "    COMPREPLY=()",
        '    _pfmm_kind "$path" "$before"',
        '    if [[ -n "$kind" ]]; then _pfmm_value "$kind"; return; fi',
        '    case "$path" in',
        *(f"        {_case(node)}" for node in nodes),
        "    esac",
        '    if [[ "$current" == -* ]]; then _pfmm_offer $options',
        '    elif [[ -n "$commands" ]]; then _pfmm_offer $commands',
        "    else",
        '        [[ -n "$many" && $place -ge ${#arguments[@]} ]] && place=$((${#arguments[@]} - 1))',
        '        [[ $place -lt ${#arguments[@]} ]] && _pfmm_value "${arguments[place]}"',
        "    fi",
        "    return 0",
        "}",
        *_kind_function(nodes, "_pfmm_kind"),
        "complete -o default -F _pfmm pfmm",
    ])  # fmt: skip


def _case(node: Entry) -> str:
    words = f'commands="{" ".join(name for name, _ in node.children)}"; options="{" ".join(node.options)}"'
    arguments = f"; arguments=({' '.join(map(_word, node.arguments))})" if node.arguments else ""
    return f'"{node.path}") {words}{arguments}{"; many=1" if node.many else ""} ;;'


def _word(kind: str) -> str:
    return f'"{kind}"'


def _kind_function(nodes: Sequence[Entry], name: str) -> list[str]:
    """Write a function of bash and zsh that sets `kind` to that of the value of option $2 of command $1, empty
    without."""
    usual, other = kinds_of_options(list(nodes))
    return [
        f"{name}() {{",
        '    case "$1 $2" in',
        *(f'        "{place}") kind="{kind or "-"}" ;;' for place, kind in sorted(other.items())),
        '        *) case "$2" in',
        *(f'            {"|".join(names)}) kind="{kind or "-"}" ;;' for kind, names in _by_kind(usual).items()),
        '            *) kind="" ;;',
        "        esac ;;",
        "    esac",
        "}",
    ]


def _by_kind(usual: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, kind in sorted(usual.items()):
        found.setdefault(kind, []).append(name)
    return found


def zsh(nodes: Sequence[Entry], lists: Lists) -> str:
    """Write the zsh script, with the commands' one-line help."""
    cases = []
    for node in nodes:
        described = " ".join(quoted(f"{name}:{text}", ZSH_QUOTE) for name, text in node.children)
        arguments = f"; arguments=({' '.join(map(_word, node.arguments))})" if node.arguments else ""
        many = "; many=1" if node.many else ""
        cases.append(
            f'        "{node.path}") commands=({described}); options=({" ".join(node.options)}){arguments}{many} ;;'
        )
    return "\n".join([
        "#compdef pfmm",
        "# zsh completion of pfmm; made by `pfmm completions zsh`",
        "_pfmm_profiles() {",
        "    local line name",
        PROFILE_LINES,
        "}",
        "_pfmm_value() {  # what may stand where a value of this kind is wanted",
        "    local config logs cache line name file active; local -a profiles found",
        PLACES,
        '    case "$1" in',
        f"        {FILES}) _files ;;",
        f'        {PROFILES}) _pfmm_profiles; compadd -- "${{profiles[@]}}" ;;',
        f"        {MARKETS})",
        '            _pfmm_profiles; file="$cache/markets.${profile:-${PFMM_PROFILE:-$active}}"',
        '            if [[ -r "$file" ]]; then',
        '                found=("${(@f)$(<$file)}")',
        f'            else found=({" ".join(lists["packaged"])}); fi',
        "            compadd -M 'm:{[:lower:]}={[:upper:]}' -- \"${found[@]}\" ;;  # bt is BTC-PERP, too",
        f"        {RUNS})",
        '            for file in "$logs"/*.log(N:t:r); do found+=("$file"); done',
        f'            compadd -- "${{found[@]}}" {" ".join(lists["strategies"])} ;;',
        *(f"        {name}) compadd -- {' '.join(words)} ;;" for name, words in lists.items() if name != "packaged"),
        "        '='*) compadd -- ${=1#=} ;;",
        "    esac",
        "}",
        "_pfmm() {",
        '    local -a commands options arguments; local path_="" before="" word kind="" profile="" many="" place=1',
        f'    local known="|{"|".join(node.path for node in nodes if node.path)}|"',
        '    for word in "${(@)words[2,CURRENT-1]}"; do',
        '        _pfmm_kind "$path_" "$before"',
        '        if [[ -n "$kind" ]]; then',
        '            [[ "$before" == --profile ]] && profile="$word"',
        '            before=""; continue',
        "        fi",
        '        [[ "$word" == --profile=* ]] && profile="${word#*=}"',
        "        before=$word",
        '        if [[ "$known" == *"|${path_:+$path_ }$word|"* ]]; then path_="${path_:+$path_ }$word"',
        '        elif [[ "$word" != -* ]]; then place=$((place + 1)); fi',
        "    done",
        '    if [[ "$PREFIX" == --*=* ]]; then before="${PREFIX%%=*}"; compset -P 1 "*="; fi',
        '    _pfmm_kind "$path_" "$before"',
        '    if [[ -n "$kind" ]]; then _pfmm_value "$kind"; return; fi',
        '    case "$path_" in',
        *cases,
        "    esac",
        '    if [[ "$PREFIX" == -* ]]; then compadd -- $options',
        "    elif (( ${#commands} )); then _describe command commands",
        "    else",
        '        if [[ -n "$many" ]] && (( place > ${#arguments} )); then place=${#arguments}; fi',
        '        if (( place <= ${#arguments} )); then _pfmm_value "${arguments[place]}"; fi',
        "    fi",
        "}",
        *_kind_function(nodes, "_pfmm_kind"),
        'if [[ "${funcstack[1]}" == _pfmm ]]; then _pfmm "$@"; else compdef _pfmm pfmm; fi',
    ])  # fmt: skip
