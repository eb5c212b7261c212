# bash completion of pfmm; made by `pfmm completions bash`
_pfmm() {
    local current="${COMP_WORDS[COMP_CWORD]}" path="" word try commands options
    local known=("grid" "profile" "help" "completions" "grid plan" "grid start" "grid status" "grid stop" "profile list" "profile show" "profile create" "profile use" "profile set" "profile unset" "profile path" "profile delete")
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        for try in "${known[@]}"; do
            if [[ "$try" == "${path:+$path }$word" ]]; then path="$try"; break; fi
        done
    done
    case "$path" in
        "") commands="grid profile help completions"; options="--profile --json --quiet --verbose --version --help" ;;
        "grid") commands="plan start status stop"; options="--profile --json --quiet --verbose --version --help" ;;
        "profile") commands="list show create use set unset path delete"; options="--profile --json --quiet --verbose --version --help" ;;
        "help") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "completions") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "grid plan") commands=""; options="--lower --upper --range-pct --levels --size --spacing --on-breakout --profile --json --quiet --verbose --version --help" ;;
        "grid start") commands=""; options="--lower --upper --range-pct --levels --size --spacing --on-breakout --interval --cycles --once --detach --dry-run --exit-code --on-exit --on-restart --max-inventory --max-loss --yes --profile --json --quiet --verbose --version --help" ;;
        "grid status") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "grid stop") commands=""; options="--flatten --profile --json --quiet --verbose --version --help" ;;
        "profile list") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile show") commands=""; options="--market --profile --json --quiet --verbose --version --help" ;;
        "profile create") commands=""; options="--venue --account --from --profile --json --quiet --verbose --version --help" ;;
        "profile use") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile set") commands=""; options="--market --profile --json --quiet --verbose --version --help" ;;
        "profile unset") commands=""; options="--market --profile --json --quiet --verbose --version --help" ;;
        "profile path") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile delete") commands=""; options="--yes --profile --json --quiet --verbose --version --help" ;;
    esac
    COMPREPLY=()
    if [[ "$current" == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [[ -n "$commands" ]]; then
        COMPREPLY=($(compgen -W "$commands" -- "$current"))
    fi
}
complete -o default -F _pfmm pfmm
