# bash completion of pfmm; made by `pfmm completions bash`
_pfmm() {
    local current="${COMP_WORDS[COMP_CWORD]}" path="" before="" word try commands options
    local known=("quote" "ladder" "grid" "funding" "book" "inventory" "flatten" "resume" "events" "logs" "report" "backtest" "paper" "record" "profile" "markets" "doctor" "help" "completions" "quote show" "quote start" "quote status" "quote stop" "ladder show" "ladder start" "ladder status" "ladder stop" "grid plan" "grid start" "grid status" "grid stop" "backtest run" "backtest sweep" "backtest data" "paper status" "paper reset" "paper deposit" "paper serve" "paper feed" "profile list" "profile show" "profile create" "profile use" "profile set" "profile unset" "profile path" "profile delete" "paper feed synthetic" "paper feed replay" "paper feed live")
    local valued=" --account --assert --at --category --convert --csv --cycles --data --depth --export --faults --fees --folds --for --format --from --funding --gamma --growth --half-spread-bps --history --horizon --html --interval --inventory --jobs --kappa --latency-ms --levels --limit --lines --lower --maker-bps --market --max-inventory --max-loss --max-slippage-bps --min-bps --mode --model --network --on-breakout --on-exit --on-restart --out --port --price-step --profile --queue --random --range-pct --results --rotate --run --scheduler --search --seed --set --sigma --since --size --size-step --skew-at-limit --skip-bad --sort --spacing --spacing-bps --speed --strategy --taker-bps --threshold-bps --timeout --to --upper --url --venue "
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ "$word" == "=" ]]; then continue; fi
        if [[ "$valued" == *" $before "* ]]; then before=""; continue; fi
        before="$word"
        for try in "${known[@]}"; do
            if [[ "$try" == "${path:+$path }$word" ]]; then path="$try"; break; fi
        done
    done
    COMPREPLY=()
    if [[ "$valued" == *" $before "* ]]; then return; fi
    case "$path" in
        "") commands="quote ladder grid funding book inventory flatten resume events logs report backtest paper record profile markets doctor help completions"; options="--profile --json --quiet --verbose --version --help" ;;
        "quote") commands="show start status stop"; options="--profile --json --quiet --verbose --version --help" ;;
        "ladder") commands="show start status stop"; options="--profile --json --quiet --verbose --version --help" ;;
        "grid") commands="plan start status stop"; options="--profile --json --quiet --verbose --version --help" ;;
        "funding") commands=""; options="--all --sort --limit --history --watch --assert --min-bps --interval --profile --json --quiet --verbose --version --help" ;;
        "book") commands=""; options="--levels --watch --interval --profile --json --quiet --verbose --version --help" ;;
        "inventory") commands=""; options="--watch --assert --interval --profile --json --quiet --verbose --version --help" ;;
        "flatten") commands=""; options="--all --half --cancel-only --dry-run --yes --max-slippage-bps --timeout --profile --json --quiet --verbose --version --help" ;;
        "resume") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "events") commands=""; options="--run --since --follow --profile --json --quiet --verbose --version --help" ;;
        "logs") commands=""; options="--lines --follow --profile --json --quiet --verbose --version --help" ;;
        "report") commands=""; options="--since --market --strategy --html --csv --export --profile --json --quiet --verbose --version --help" ;;
        "backtest") commands="run sweep data"; options="--profile --json --quiet --verbose --version --help" ;;
        "paper") commands="status reset deposit serve feed"; options="--profile --json --quiet --verbose --version --help" ;;
        "record") commands=""; options="--out --for --cycles --interval --depth --force --resume --rotate --venue --network --profile --json --quiet --verbose --version --help" ;;
        "profile") commands="list show create use set unset path delete"; options="--profile --json --quiet --verbose --version --help" ;;
        "markets") commands=""; options="--category --search --volume --profile --json --quiet --verbose --version --help" ;;
        "doctor") commands=""; options="--deep --profile --json --quiet --verbose --version --help" ;;
        "help") commands="config data exit-codes formulas json paper-fills venues"; options="--profile --json --quiet --verbose --version --help" ;;
        "completions") commands="bash zsh fish"; options="--profile --json --quiet --verbose --version --help" ;;
        "quote show") commands=""; options="--inventory --explain --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --size --max-inventory --profile --json --quiet --verbose --version --help" ;;
        "quote start") commands=""; options="--cycles --once --detach --dry-run --exit-code --yes --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --size --interval --on-exit --on-restart --max-inventory --max-loss --profile --json --quiet --verbose --version --help" ;;
        "quote status") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "quote stop") commands=""; options="--flatten --yes --profile --json --quiet --verbose --version --help" ;;
        "ladder show") commands=""; options="--inventory --explain --levels --spacing-bps --size --growth --threshold-bps --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --max-inventory --profile --json --quiet --verbose --version --help" ;;
        "ladder start") commands=""; options="--cycles --once --detach --dry-run --exit-code --yes --levels --spacing-bps --size --growth --threshold-bps --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --interval --on-exit --on-restart --max-inventory --max-loss --profile --json --quiet --verbose --version --help" ;;
        "ladder status") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "ladder stop") commands=""; options="--flatten --yes --profile --json --quiet --verbose --version --help" ;;
        "grid plan") commands=""; options="--lower --upper --range-pct --levels --size --spacing --on-breakout --profile --json --quiet --verbose --version --help" ;;
        "grid start") commands=""; options="--cycles --once --detach --dry-run --exit-code --yes --lower --upper --range-pct --levels --size --spacing --on-breakout --interval --on-exit --on-restart --max-inventory --max-loss --profile --json --quiet --verbose --version --help" ;;
        "grid status") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "grid stop") commands=""; options="--flatten --yes --profile --json --quiet --verbose --version --help" ;;
        "backtest run") commands=""; options="--data --from --to --set --interval --latency-ms --funding --queue --mode --format --skip-bad --price-step --size-step --no-cache --fees --maker-bps --taker-bps --html --profile --json --quiet --verbose --version --help" ;;
        "backtest sweep") commands=""; options="--data --set --random --seed --folds --jobs --scheduler --results --csv --from --to --interval --latency-ms --funding --queue --format --skip-bad --price-step --size-step --no-cache --fees --maker-bps --taker-bps --profile --json --quiet --verbose --version --help" ;;
        "backtest data") commands=""; options="--format --skip-bad --check --convert --market --no-cache --profile --json --quiet --verbose --version --help" ;;
        "paper status") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "paper reset") commands=""; options="--yes --profile --json --quiet --verbose --version --help" ;;
        "paper deposit") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "paper serve") commands=""; options="--port --faults --latency-ms --rate-limit --profile --json --quiet --verbose --version --help" ;;
        "paper feed") commands="synthetic replay live"; options="--profile --json --quiet --verbose --version --help" ;;
        "profile list") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile show") commands=""; options="--market --profile --json --quiet --verbose --version --help" ;;
        "profile create") commands=""; options="--venue --account --from --profile --json --quiet --verbose --version --help" ;;
        "profile use") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile set") commands=""; options="--market --profile --json --quiet --verbose --version --help" ;;
        "profile unset") commands=""; options="--market --profile --json --quiet --verbose --version --help" ;;
        "profile path") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile delete") commands=""; options="--yes --profile --json --quiet --verbose --version --help" ;;
        "paper feed synthetic") commands=""; options="--seed --speed --at --fees --maker-bps --taker-bps --reset --profile --json --quiet --verbose --version --help" ;;
        "paper feed replay") commands=""; options="--speed --at --fees --maker-bps --taker-bps --reset --idle-pause --no-idle-pause --market --format --skip-bad --profile --json --quiet --verbose --version --help" ;;
        "paper feed live") commands=""; options="--venue --testnet --url --fees --maker-bps --taker-bps --reset --profile --json --quiet --verbose --version --help" ;;
    esac
    if [[ "$current" == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [[ -n "$commands" ]]; then
        COMPREPLY=($(compgen -W "$commands" -- "$current"))
    fi
}
complete -o default -F _pfmm pfmm
