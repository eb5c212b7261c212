# bash completion of pfmm; made by `pfmm completions bash`
_pfmm_offer() {  # of these words those that begin with what is typed
    local word
    for word in "$@"; do [[ "$word" == "$current"* ]] && COMPREPLY+=("$word"); done
}
_pfmm_profiles() {
    local line name
    profiles=(paper) active=paper
    if [[ -r "$config" ]]; then
        while IFS= read -r line; do
            case "$line" in
                "active = "*) active="${line#*\"}" active="${active%%\"*}" ;;
                "[profiles."*)
                    name="${line#\[profiles.}"
                    case "$name" in
                        '"'*) name="${name#?}" name="${name%%\"*}" ;;
                        *) name="${name%%[].]*}" ;;
                    esac
                    [[ " ${profiles[*]} " == *" $name "* ]] || profiles+=("$name") ;;
            esac
        done < "$config"
    fi
}
_pfmm_value() {  # what may stand where a value of this kind is wanted
    local config logs cache line name file active profiles strict
    if [[ -n "$PFMM_HOME" ]]; then config="$PFMM_HOME/config.toml" logs="$PFMM_HOME/log" cache="$PFMM_HOME/cache"
    elif [[ "$OSTYPE" == darwin* ]]; then
        config="$HOME/Library/Application Support/pfmm/config.toml" logs="$HOME/Library/Logs/pfmm"
        cache="$HOME/Library/Caches/pfmm"
    else
        config="${XDG_CONFIG_HOME:-$HOME/.config}/pfmm/config.toml"
        logs="${XDG_STATE_HOME:-$HOME/.local/state}/pfmm/log" cache="${XDG_CACHE_HOME:-$HOME/.cache}/pfmm"
    fi
    case "$1" in
        profiles) _pfmm_profiles; _pfmm_offer "${profiles[@]}" ;;
        markets)
            _pfmm_profiles; file="$cache/markets.${profile:-${PFMM_PROFILE:-$active}}"
            shopt -q nocasematch; strict=$?; shopt -s nocasematch  # bt is BTC-PERP, too
            if [[ -r "$file" ]]; then
                while IFS= read -r line; do
                    [[ "$line" == "$current"* ]] && COMPREPLY+=("$line")
                done < "$file"
            else _pfmm_offer BTC-PERP ETH-PERP ATOM-PERP DYDX-PERP SOL-PERP AVAX-PERP BNB-PERP APE-PERP OP-PERP LTC-PERP ARB-PERP DOGE-PERP INJ-PERP SUI-PERP kPEPE-PERP CRV-PERP LDO-PERP LINK-PERP STX-PERP CFX-PERP GMX-PERP SNX-PERP XRP-PERP BCH-PERP APT-PERP AAVE-PERP COMP-PERP WLD-PERP YGG-PERP TRX-PERP kSHIB-PERP UNI-PERP SEI-PERP RUNE-PERP ZRO-PERP DOT-PERP BANANA-PERP TRB-PERP FTT-PERP ARK-PERP BIGTIME-PERP KAS-PERP BLUR-PERP TIA-PERP BSV-PERP ADA-PERP TON-PERP MINA-PERP POLYX-PERP GAS-PERP PENDLE-PERP FET-PERP NEAR-PERP MEME-PERP ORDI-PERP NEO-PERP ZEN-PERP FIL-PERP PYTH-PERP SUSHI-PERP IMX-PERP kBONK-PERP GMT-PERP SUPER-PERP USTC-PERP JUP-PERP kLUNC-PERP RSR-PERP GALA-PERP JTO-PERP ACE-PERP MAV-PERP WIF-PERP CAKE-PERP PEOPLE-PERP ENS-PERP ETC-PERP XAI-PERP MANTA-PERP UMA-PERP ONDO-PERP ALT-PERP ZETA-PERP DYM-PERP MAVIA-PERP W-PERP STRK-PERP TAO-PERP AR-PERP kFLOKI-PERP BOME-PERP ETHFI-PERP ENA-PERP MNT-PERP TNSR-PERP SAGA-PERP MERL-PERP HBAR-PERP POPCAT-PERP EIGEN-PERP REZ-PERP NOT-PERP TURBO-PERP BRETT-PERP IO-PERP ZK-PERP BLAST-PERP MEW-PERP RENDER-PERP POL-PERP CELO-PERP HMSTR-PERP SCR-PERP kNEIRO-PERP GOAT-PERP MOODENG-PERP GRASS-PERP PURR-PERP PNUT-PERP XLM-PERP CHILLGUY-PERP SAND-PERP IOTA-PERP ALGO-PERP HYPE-PERP ME-PERP MOVE-PERP VIRTUAL-PERP PENGU-PERP USUAL-PERP FARTCOIN-PERP AIXBT-PERP ZEREBRO-PERP BIO-PERP GRIFFAIN-PERP SPX6900-PERP S-PERP MORPHO-PERP TRUMP-PERP MELANIA-PERP ANIME-PERP VINE-PERP VVV-PERP BERA-PERP TST-PERP LAYER-PERP IP-PERP KAITO-PERP NIL-PERP PAXG-PERP PROMPT-PERP BABY-PERP WCT-PERP HYPER-PERP ZORA-PERP INIT-PERP DOOD-PERP NXPC-PERP SOPH-PERP RESOLV-PERP SYRUP-PERP PUMP-PERP PROVE-PERP YZY-PERP XPL-PERP WLFI-PERP LINEA-PERP SKY-PERP ASTER-PERP AVNT-PERP STBL-PERP 0G-PERP HEMI-PERP APEX-PERP 2Z-PERP ZEC-PERP MON-PERP MET-PERP MEGA-PERP CC-PERP ICP-PERP AERO-PERP STABLE-PERP FOGO-PERP LIT-PERP XMR-PERP AXS-PERP DASH-PERP SKR-PERP AZTEC-PERP AAPL-PERP MSFT-PERP NVDA-PERP GOOGL-PERP AMZN-PERP META-PERP TSLA-PERP AVGO-PERP AMD-PERP INTC-PERP NFLX-PERP ORCL-PERP CRM-PERP ADBE-PERP QCOM-PERP MU-PERP TSM-PERP ASML-PERP ARM-PERP PLTR-PERP COIN-PERP HOOD-PERP MSTR-PERP CRCL-PERP GME-PERP SHOP-PERP UBER-PERP ABNB-PERP DIS-PERP NKE-PERP KO-PERP PEP-PERP MCD-PERP WMT-PERP COST-PERP JPM-PERP BAC-PERP GS-PERP MS-PERP V-PERP MA-PERP PYPL-PERP BRKB-PERP JNJ-PERP PFE-PERP LLY-PERP UNH-PERP XOM-PERP CVX-PERP BA-PERP CAT-PERP GE-PERP F-PERP GM-PERP RIVN-PERP BABA-PERP SMCI-PERP DELL-PERP SNOW-PERP RBLX-PERP GOLD-PERP SILVER-PERP PLATINUM-PERP PALLADIUM-PERP COPPER-PERP ALUMINIUM-PERP NICKEL-PERP WTI-PERP BRENT-PERP NATGAS-PERP WHEAT-PERP CORN-PERP SOYBEAN-PERP COFFEE-PERP COCOA-PERP SUGAR-PERP COTTON-PERP URANIUM-PERP SPX-PERP NDX-PERP DJI-PERP RUT-PERP NIKKEI-PERP DAX-PERP FTSE-PERP HSI-PERP STOXX-PERP KOSPI-PERP VIX-PERP DXY-PERP SEMI-PERP EURUSD-PERP GBPUSD-PERP USDJPY-PERP AUDUSD-PERP USDCAD-PERP USDCHF-PERP NZDUSD-PERP EURGBP-PERP EURJPY-PERP GBPJPY-PERP USDCNH-PERP USDMXN-PERP USDBRL-PERP USDSGD-PERP USDKRW-PERP USDINR-PERP USDTRY-PERP USDZAR-PERP; fi
            ((strict)) && shopt -u nocasematch ;;
        runs)
            for file in "$logs"/*.log; do
                [[ -e "$file" ]] && file="${file##*/}" && _pfmm_offer "${file%.log}"
            done
            _pfmm_offer quote ladder grid ;;
        settings) _pfmm_offer venue account network market_lists stream base_url secret.env secret.file secret.command secret.keyring run.interval_s run.on_exit run.on_restart run.position run.sessions run.holidays run.max_inventory_usd run.max_loss_usd run.max_total_usd run.max_margin_pct run.max_drawdown_pct run.max_daily_loss_usd run.dead_man_s run.watchdog run.stale_after_s run.exit_timeout_s funding.min_bps funding.tilt_max volatility.window volatility.default_annual_pct command.timeout_s flatten.max_slippage_bps flatten.timeout_s paper.seed quote.model quote.skew_at_limit quote.gamma quote.kappa_per_bp quote.sigma_annual_pct quote.horizon_s quote.half_spread_bps quote.size_usd quote.intensity_per_s quote.min_spread_bps quote.fair quote.tolerance_bps quote.size_tolerance quote.drift_bps quote.min_order_age_s quote.on_limit quote.calibrate ladder.levels ladder.spacing_bps ladder.size_usd ladder.growth ladder.threshold_bps grid.lower grid.upper grid.range_pct grid.levels grid.size_usd grid.spacing grid.on_breakout ;;
        assignments) _pfmm_offer venue= account= network= market_lists= stream= base_url= secret.env= secret.file= secret.command= secret.keyring= run.interval_s= run.on_exit= run.on_restart= run.position= run.sessions= run.holidays= run.max_inventory_usd= run.max_loss_usd= run.max_total_usd= run.max_margin_pct= run.max_drawdown_pct= run.max_daily_loss_usd= run.dead_man_s= run.watchdog= run.stale_after_s= run.exit_timeout_s= funding.min_bps= funding.tilt_max= volatility.window= volatility.default_annual_pct= command.timeout_s= flatten.max_slippage_bps= flatten.timeout_s= paper.seed= quote.model= quote.skew_at_limit= quote.gamma= quote.kappa_per_bp= quote.sigma_annual_pct= quote.horizon_s= quote.half_spread_bps= quote.size_usd= quote.intensity_per_s= quote.min_spread_bps= quote.fair= quote.tolerance_bps= quote.size_tolerance= quote.drift_bps= quote.min_order_age_s= quote.on_limit= quote.calibrate= ladder.levels= ladder.spacing_bps= ladder.size_usd= ladder.growth= ladder.threshold_bps= grid.lower= grid.upper= grid.range_pct= grid.levels= grid.size_usd= grid.spacing= grid.on_breakout= ;;
        topics) _pfmm_offer agents config data design exit-codes formulas json measured paper-fills safety venues quote ladder grid funding book inventory flatten resume events logs report backtest paper record profile markets doctor help completions ;;
        strategies) _pfmm_offer quote ladder grid ;;
        '='*) _pfmm_offer ${1#=} ;;
    esac
}
_pfmm() {
    local current="${COMP_WORDS[COMP_CWORD]}" path="" before="" word kind="" place=0 profile=""
    local commands options
    local known="|quote|ladder|grid|funding|book|inventory|flatten|resume|events|logs|report|backtest|paper|record|profile|markets|doctor|help|completions|quote show|quote start|quote status|quote stop|ladder show|ladder start|ladder status|ladder stop|grid plan|grid start|grid status|grid stop|backtest run|backtest sweep|backtest data|paper status|paper reset|paper clock|paper deposit|paper account|paper serve|paper feed|profile list|profile show|profile create|profile use|profile set|profile unset|profile path|profile delete|paper feed synthetic|paper feed replay|paper feed live|"
    local arguments=() many=
    [[ "$current" == "=" ]] && current=""
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ "$word" == "=" ]]; then continue; fi  # bash splits --profile=paper
        _pfmm_kind "$path" "$before"
        if [[ -n "$kind" ]]; then
            [[ "$before" == --profile ]] && profile="$word"
            before=""; continue
        fi
        before="$word"
        if [[ "$known" == *"|${path:+$path }$word|"* ]]; then path="${path:+$path }$word"
        elif [[ "$word" != -* ]]; then place=$((place + 1)); fi
    done
    COMPREPLY=()
    _pfmm_kind "$path" "$before"
    if [[ -n "$kind" ]]; then _pfmm_value "$kind"; return; fi
    case "$path" in
        "") commands="quote ladder grid funding book inventory flatten resume events logs report backtest paper record profile markets doctor help completions"; options="--profile --json --quiet --verbose --version --help" ;;
        "quote") commands="show start status stop"; options="--profile --json --quiet --verbose --version --help" ;;
        "ladder") commands="show start status stop"; options="--profile --json --quiet --verbose --version --help" ;;
        "grid") commands="plan start status stop"; options="--profile --json --quiet --verbose --version --help" ;;
        "funding") commands=""; options="--all --sort --limit --history --watch --assert --min-bps --interval --profile --json --quiet --verbose --version --help"; arguments=("markets"); many=1 ;;
        "book") commands=""; options="--levels --watch --interval --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "inventory") commands=""; options="--watch --assert --interval --profile --json --quiet --verbose --version --help"; arguments=("markets"); many=1 ;;
        "flatten") commands=""; options="--all --half --cancel-only --dry-run --yes --max-slippage-bps --timeout --profile --json --quiet --verbose --version --help"; arguments=("markets"); many=1 ;;
        "resume") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "events") commands=""; options="--run --since --follow --profile --json --quiet --verbose --version --help" ;;
        "logs") commands=""; options="--lines --follow --profile --json --quiet --verbose --version --help"; arguments=("runs") ;;
        "report") commands=""; options="--since --market --strategy --html --csv --export --profile --json --quiet --verbose --version --help" ;;
        "backtest") commands="run sweep data"; options="--profile --json --quiet --verbose --version --help" ;;
        "paper") commands="status reset clock deposit account serve feed"; options="--profile --json --quiet --verbose --version --help" ;;
        "record") commands=""; options="--out --for --cycles --interval --depth --force --resume --rotate --socket --break-even --venue --network --profile --json --quiet --verbose --version --help"; arguments=("markets"); many=1 ;;
        "profile") commands="list show create use set unset path delete"; options="--profile --json --quiet --verbose --version --help" ;;
        "markets") commands=""; options="--category --search --volume --profile --json --quiet --verbose --version --help"; arguments=("markets"); many=1 ;;
        "doctor") commands=""; options="--deep --profile --json --quiet --verbose --version --help" ;;
        "help") commands="agents config data design exit-codes formulas json measured paper-fills safety venues"; options="--write --profile --json --quiet --verbose --version --help"; many=1 ;;
        "completions") commands=""; options="--profile --json --quiet --verbose --version --help"; arguments=("=bash zsh fish") ;;
        "quote show") commands=""; options="--inventory --explain --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --size --max-inventory --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "quote start") commands=""; options="--cycles --once --detach --dry-run --exit-code --yes --yes-unprotected --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --size --interval --on-exit --on-restart --position --sessions --max-inventory --max-loss --profile --json --quiet --verbose --version --help"; arguments=("markets"); many=1 ;;
        "quote status") commands=""; options="--profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "quote stop") commands=""; options="--flatten --unknown-orders --yes --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "ladder show") commands=""; options="--inventory --explain --levels --spacing-bps --size --growth --threshold-bps --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --max-inventory --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "ladder start") commands=""; options="--cycles --once --detach --dry-run --exit-code --yes --yes-unprotected --levels --spacing-bps --size --growth --threshold-bps --model --skew-at-limit --gamma --kappa --sigma --horizon --half-spread-bps --interval --on-exit --on-restart --position --sessions --max-inventory --max-loss --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "ladder status") commands=""; options="--profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "ladder stop") commands=""; options="--flatten --unknown-orders --yes --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "grid plan") commands=""; options="--lower --upper --range-pct --levels --size --spacing --on-breakout --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "grid start") commands=""; options="--cycles --once --detach --dry-run --exit-code --yes --yes-unprotected --lower --upper --range-pct --levels --size --spacing --on-breakout --interval --on-exit --on-restart --position --sessions --max-inventory --max-loss --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "grid status") commands=""; options="--profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "grid stop") commands=""; options="--flatten --unknown-orders --yes --profile --json --quiet --verbose --version --help"; arguments=("markets") ;;
        "backtest run") commands=""; options="--data --from --to --set --interval --latency-ms --funding --queue --mode --format --skip-bad --price-step --size-step --no-cache --fees --maker-bps --taker-bps --html --profile --json --quiet --verbose --version --help"; arguments=("strategies" "markets") ;;
        "backtest sweep") commands=""; options="--data --set --random --seed --folds --jobs --scheduler --results --csv --from --to --interval --latency-ms --funding --queue --format --skip-bad --price-step --size-step --no-cache --fees --maker-bps --taker-bps --profile --json --quiet --verbose --version --help"; arguments=("strategies" "markets") ;;
        "backtest data") commands=""; options="--format --skip-bad --check --convert --market --no-cache --profile --json --quiet --verbose --version --help"; arguments=("files"); many=1 ;;
        "paper status") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "paper reset") commands=""; options="--yes --profile --json --quiet --verbose --version --help" ;;
        "paper clock") commands=""; options="--keep --catch-up --profile --json --quiet --verbose --version --help" ;;
        "paper deposit") commands=""; options="--profile --json --quiet --verbose --version --help"; arguments=("") ;;
        "paper account") commands=""; options="--key-file --show-key --profile --json --quiet --verbose --version --help"; arguments=("profiles") ;;
        "paper serve") commands=""; options="--port --faults --latency-ms --rate-limit --profile --json --quiet --verbose --version --help" ;;
        "paper feed") commands="synthetic replay live"; options="--profile --json --quiet --verbose --version --help" ;;
        "profile list") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile show") commands=""; options="--market --profile --json --quiet --verbose --version --help"; arguments=("profiles") ;;
        "profile create") commands=""; options="--venue --account --from --network --key-file --key-env --url --check --no-check --profile --json --quiet --verbose --version --help"; arguments=("") ;;
        "profile use") commands=""; options="--profile --json --quiet --verbose --version --help"; arguments=("profiles") ;;
        "profile set") commands=""; options="--market --profile --json --quiet --verbose --version --help"; arguments=("settings" "") ;;
        "profile unset") commands=""; options="--market --profile --json --quiet --verbose --version --help"; arguments=("settings") ;;
        "profile path") commands=""; options="--profile --json --quiet --verbose --version --help" ;;
        "profile delete") commands=""; options="--yes --profile --json --quiet --verbose --version --help"; arguments=("profiles") ;;
        "paper feed synthetic") commands=""; options="--seed --speed --at --fees --maker-bps --taker-bps --reset --profile --json --quiet --verbose --version --help" ;;
        "paper feed replay") commands=""; options="--speed --at --fees --maker-bps --taker-bps --reset --idle-pause --no-idle-pause --market --format --skip-bad --profile --json --quiet --verbose --version --help"; arguments=("files"); many=1 ;;
        "paper feed live") commands=""; options="--venue --testnet --url --socket --fees --maker-bps --taker-bps --reset --profile --json --quiet --verbose --version --help" ;;
    esac
    if [[ "$current" == -* ]]; then _pfmm_offer $options
    elif [[ -n "$commands" ]]; then _pfmm_offer $commands
    else
        [[ -n "$many" && $place -ge ${#arguments[@]} ]] && place=$((${#arguments[@]} - 1))
        [[ $place -lt ${#arguments[@]} ]] && _pfmm_value "${arguments[place]}"
    fi
    return 0
}
_pfmm_kind() {
    case "$1 $2" in
        "profile create --from") kind="profiles" ;;
        "profile create --network") kind="-" ;;
        *) case "$2" in
            --account|--assert|--at|--break-even|--category|--cycles|--depth|--faults|--folds|--for|--format|--from|--gamma|--growth|--half-spread-bps|--history|--horizon|--interval|--inventory|--jobs|--kappa|--key-env|--latency-ms|--levels|--limit|--lines|--lower|--maker-bps|--max-inventory|--max-loss|--max-slippage-bps|--min-bps|--port|--price-step|--random|--range-pct|--rotate|--scheduler|--search|--seed|--sessions|--sigma|--since|--size|--size-step|--skew-at-limit|--skip-bad|--spacing-bps|--speed|--taker-bps|--threshold-bps|--timeout|--to|--upper|--url|--write) kind="-" ;;
            --convert|--csv|--data|--export|--funding|--html|--key-file|--out|--results) kind="files" ;;
            --fees) kind="=article hyperliquid binance bybit okx" ;;
            --market) kind="markets" ;;
            --mode) kind="=lazy events" ;;
            --model) kind="=glft as fixed" ;;
            --network) kind="=mainnet testnet" ;;
            --on-breakout) kind="=hold flatten trail" ;;
            --on-exit) kind="=cancel keep flatten" ;;
            --on-restart) kind="=adopt cancel abort" ;;
            --position) kind="=ask base adopt" ;;
            --profile) kind="profiles" ;;
            --queue) kind="=pessimistic optimistic both" ;;
            --run) kind="runs" ;;
            --set) kind="assignments" ;;
            --sort) kind="=rate apr market" ;;
            --spacing) kind="=arithmetic geometric" ;;
            --strategy) kind="strategies" ;;
            --venue) kind="=paper purpleflea hyperliquid" ;;
            *) kind="" ;;
        esac ;;
    esac
}
complete -o default -F _pfmm pfmm
