# fish completion of pfmm; made by `pfmm completions fish`
function __pfmm_look
    set -l line (commandline -opc | string collect)
    test "$line" = "$__pfmm_line"; and return
    set -g __pfmm_line $line
    set -g __pfmm_path ''
    set -g __pfmm_count 0
    set -g __pfmm_before ''
    for word in (commandline -opc)[2..-1]; __pfmm_step $word; end
end
function __pfmm_step
    if contains -- $__pfmm_before $__pfmm_valued; set __pfmm_before ''; return; end
    set __pfmm_before $argv[1]
    set -l try (string trim -- "$__pfmm_path $argv[1]")
    if contains -- $try $__pfmm_known; set __pfmm_path $try
    else if not string match -q -- '-*' $argv[1]; set __pfmm_count (math $__pfmm_count + 1)
    end
end
function __pfmm_at
    __pfmm_look
    contains -- "$__pfmm_path" $argv
end
function __pfmm_word
    __pfmm_at $argv[3..-1]; or return 1
    test "$argv[1]" = "$__pfmm_count"; and return 0
    test "$argv[2]" = more; and test $__pfmm_count -gt $argv[1]
end
function __pfmm_folder
    if test -n "$PFMM_HOME"; string replace -r '^config$' '' -- $argv[1] | string replace -r '^' "$PFMM_HOME/"
    else if test (uname) = Darwin; __pfmm_mac_folder $argv[1]
    else; __pfmm_xdg_folder $argv[1]
    end
end
function __pfmm_mac_folder
    switch $argv[1]
        case config; echo "$HOME/Library/Application Support/pfmm/"
        case log; echo "$HOME/Library/Logs/pfmm"
        case cache; echo "$HOME/Library/Caches/pfmm"
    end
end
function __pfmm_xdg_folder
    switch $argv[1]
        case config; set -l folders $XDG_CONFIG_HOME "$HOME/.config"; echo "$folders[1]/pfmm/"
        case log; set -l folders $XDG_STATE_HOME "$HOME/.local/state"; echo "$folders[1]/pfmm/log"
        case cache; set -l folders $XDG_CACHE_HOME "$HOME/.cache"; echo "$folders[1]/pfmm"
    end
end
function __pfmm_profiles
    set -l file (__pfmm_folder config)config.toml
    echo paper
    test -r "$file"; and string replace -rf '^\[profiles\.(?:"([^"]*)"|([\w-]+)).*' '$1$2' < $file | sort -u
end
function __pfmm_profile
    set -l file (__pfmm_folder config)config.toml
    set -l typed (string match -rg -- '--profile[= ]+(\S+)' (commandline -pc))
    if test -n "$typed"; echo $typed[-1]; return; end
    if test -n "$PFMM_PROFILE"; echo $PFMM_PROFILE; return; end
    test -r "$file"; and set -l active (string replace -rf '^active = "(.*)"$' '$1' < $file)
    test -n "$active"; and echo $active; or echo paper
end
function __pfmm_markets
    set -l names (__pfmm_folder cache)/markets.(__pfmm_profile)
    if test -r "$names"; string match -r '.*' < $names
    else; string split ' ' -- $__pfmm_packaged
    end
end
function __pfmm_runs
    for file in (__pfmm_folder log)/*.log; string replace -r '.*/(.*)\.log$' '$1' -- $file; end
    string split ' ' -- $__pfmm_strategies
end
set -g __pfmm_known 'quote' 'ladder' 'grid' 'funding' 'book' 'inventory' 'flatten' 'resume' 'events' 'logs' 'report' 'backtest' 'paper' 'record' 'profile' 'markets' 'doctor' 'help' 'completions' 'quote show' 'quote start' 'quote status' 'quote stop' 'ladder show' 'ladder start' 'ladder status' 'ladder stop' 'grid plan' 'grid start' 'grid status' 'grid stop' 'backtest run' 'backtest sweep' 'backtest data' 'paper status' 'paper reset' 'paper clock' 'paper deposit' 'paper account' 'paper serve' 'paper feed' 'profile list' 'profile show' 'profile create' 'profile use' 'profile set' 'profile unset' 'profile path' 'profile delete' 'paper feed synthetic' 'paper feed replay' 'paper feed live'
set -g __pfmm_valued --account --assert --at --break-even --category --convert --csv --cycles --data --depth --export --faults --fees --folds --for --format --from --funding --gamma --growth --half-spread-bps --history --horizon --html --interval --inventory --jobs --kappa --key-env --key-file --latency-ms --levels --limit --lines --lower --maker-bps --market --max-inventory --max-loss --max-slippage-bps --min-bps --mode --model --network --on-breakout --on-exit --on-restart --out --port --position --price-step --profile --queue --random --range-pct --results --rotate --run --scheduler --search --seed --sessions --set --sigma --since --size --size-step --skew-at-limit --skip-bad --sort --spacing --spacing-bps --speed --strategy --taker-bps --threshold-bps --timeout --to --upper --url --venue --write
set -g __pfmm_settings 'venue account network market_lists stream base_url secret.env secret.file secret.command secret.keyring run.interval_s run.on_exit run.on_restart run.position run.sessions run.holidays run.max_inventory_usd run.max_loss_usd run.max_total_usd run.max_margin_pct run.max_drawdown_pct run.max_daily_loss_usd run.dead_man_s run.watchdog run.stale_after_s run.exit_timeout_s funding.min_bps funding.tilt_max volatility.window volatility.default_annual_pct command.timeout_s flatten.max_slippage_bps flatten.timeout_s paper.seed quote.model quote.skew_at_limit quote.gamma quote.kappa_per_bp quote.sigma_annual_pct quote.horizon_s quote.half_spread_bps quote.size_usd quote.intensity_per_s quote.min_spread_bps quote.fair quote.tolerance_bps quote.size_tolerance quote.drift_bps quote.min_order_age_s quote.on_limit quote.calibrate ladder.levels ladder.spacing_bps ladder.size_usd ladder.growth ladder.threshold_bps grid.lower grid.upper grid.range_pct grid.levels grid.size_usd grid.spacing grid.on_breakout'
set -g __pfmm_assignments 'venue= account= network= market_lists= stream= base_url= secret.env= secret.file= secret.command= secret.keyring= run.interval_s= run.on_exit= run.on_restart= run.position= run.sessions= run.holidays= run.max_inventory_usd= run.max_loss_usd= run.max_total_usd= run.max_margin_pct= run.max_drawdown_pct= run.max_daily_loss_usd= run.dead_man_s= run.watchdog= run.stale_after_s= run.exit_timeout_s= funding.min_bps= funding.tilt_max= volatility.window= volatility.default_annual_pct= command.timeout_s= flatten.max_slippage_bps= flatten.timeout_s= paper.seed= quote.model= quote.skew_at_limit= quote.gamma= quote.kappa_per_bp= quote.sigma_annual_pct= quote.horizon_s= quote.half_spread_bps= quote.size_usd= quote.intensity_per_s= quote.min_spread_bps= quote.fair= quote.tolerance_bps= quote.size_tolerance= quote.drift_bps= quote.min_order_age_s= quote.on_limit= quote.calibrate= ladder.levels= ladder.spacing_bps= ladder.size_usd= ladder.growth= ladder.threshold_bps= grid.lower= grid.upper= grid.range_pct= grid.levels= grid.size_usd= grid.spacing= grid.on_breakout='
set -g __pfmm_topics 'agents config data design exit-codes formulas json measured paper-fills safety venues quote ladder grid funding book inventory flatten resume events logs report backtest paper record profile markets doctor help completions'
set -g __pfmm_strategies 'quote ladder grid'
set -g __pfmm_packaged 'BTC-PERP ETH-PERP ATOM-PERP DYDX-PERP SOL-PERP AVAX-PERP BNB-PERP APE-PERP OP-PERP LTC-PERP ARB-PERP DOGE-PERP INJ-PERP SUI-PERP kPEPE-PERP CRV-PERP LDO-PERP LINK-PERP STX-PERP CFX-PERP GMX-PERP SNX-PERP XRP-PERP BCH-PERP APT-PERP AAVE-PERP COMP-PERP WLD-PERP YGG-PERP TRX-PERP kSHIB-PERP UNI-PERP SEI-PERP RUNE-PERP ZRO-PERP DOT-PERP BANANA-PERP TRB-PERP FTT-PERP ARK-PERP BIGTIME-PERP KAS-PERP BLUR-PERP TIA-PERP BSV-PERP ADA-PERP TON-PERP MINA-PERP POLYX-PERP GAS-PERP PENDLE-PERP FET-PERP NEAR-PERP MEME-PERP ORDI-PERP NEO-PERP ZEN-PERP FIL-PERP PYTH-PERP SUSHI-PERP IMX-PERP kBONK-PERP GMT-PERP SUPER-PERP USTC-PERP JUP-PERP kLUNC-PERP RSR-PERP GALA-PERP JTO-PERP ACE-PERP MAV-PERP WIF-PERP CAKE-PERP PEOPLE-PERP ENS-PERP ETC-PERP XAI-PERP MANTA-PERP UMA-PERP ONDO-PERP ALT-PERP ZETA-PERP DYM-PERP MAVIA-PERP W-PERP STRK-PERP TAO-PERP AR-PERP kFLOKI-PERP BOME-PERP ETHFI-PERP ENA-PERP MNT-PERP TNSR-PERP SAGA-PERP MERL-PERP HBAR-PERP POPCAT-PERP EIGEN-PERP REZ-PERP NOT-PERP TURBO-PERP BRETT-PERP IO-PERP ZK-PERP BLAST-PERP MEW-PERP RENDER-PERP POL-PERP CELO-PERP HMSTR-PERP SCR-PERP kNEIRO-PERP GOAT-PERP MOODENG-PERP GRASS-PERP PURR-PERP PNUT-PERP XLM-PERP CHILLGUY-PERP SAND-PERP IOTA-PERP ALGO-PERP HYPE-PERP ME-PERP MOVE-PERP VIRTUAL-PERP PENGU-PERP USUAL-PERP FARTCOIN-PERP AIXBT-PERP ZEREBRO-PERP BIO-PERP GRIFFAIN-PERP SPX6900-PERP S-PERP MORPHO-PERP TRUMP-PERP MELANIA-PERP ANIME-PERP VINE-PERP VVV-PERP BERA-PERP TST-PERP LAYER-PERP IP-PERP KAITO-PERP NIL-PERP PAXG-PERP PROMPT-PERP BABY-PERP WCT-PERP HYPER-PERP ZORA-PERP INIT-PERP DOOD-PERP NXPC-PERP SOPH-PERP RESOLV-PERP SYRUP-PERP PUMP-PERP PROVE-PERP YZY-PERP XPL-PERP WLFI-PERP LINEA-PERP SKY-PERP ASTER-PERP AVNT-PERP STBL-PERP 0G-PERP HEMI-PERP APEX-PERP 2Z-PERP ZEC-PERP MON-PERP MET-PERP MEGA-PERP CC-PERP ICP-PERP AERO-PERP STABLE-PERP FOGO-PERP LIT-PERP XMR-PERP AXS-PERP DASH-PERP SKR-PERP AZTEC-PERP AAPL-PERP MSFT-PERP NVDA-PERP GOOGL-PERP AMZN-PERP META-PERP TSLA-PERP AVGO-PERP AMD-PERP INTC-PERP NFLX-PERP ORCL-PERP CRM-PERP ADBE-PERP QCOM-PERP MU-PERP TSM-PERP ASML-PERP ARM-PERP PLTR-PERP COIN-PERP HOOD-PERP MSTR-PERP CRCL-PERP GME-PERP SHOP-PERP UBER-PERP ABNB-PERP DIS-PERP NKE-PERP KO-PERP PEP-PERP MCD-PERP WMT-PERP COST-PERP JPM-PERP BAC-PERP GS-PERP MS-PERP V-PERP MA-PERP PYPL-PERP BRKB-PERP JNJ-PERP PFE-PERP LLY-PERP UNH-PERP XOM-PERP CVX-PERP BA-PERP CAT-PERP GE-PERP F-PERP GM-PERP RIVN-PERP BABA-PERP SMCI-PERP DELL-PERP SNOW-PERP RBLX-PERP GOLD-PERP SILVER-PERP PLATINUM-PERP PALLADIUM-PERP COPPER-PERP ALUMINIUM-PERP NICKEL-PERP WTI-PERP BRENT-PERP NATGAS-PERP WHEAT-PERP CORN-PERP SOYBEAN-PERP COFFEE-PERP COCOA-PERP SUGAR-PERP COTTON-PERP URANIUM-PERP SPX-PERP NDX-PERP DJI-PERP RUT-PERP NIKKEI-PERP DAX-PERP FTSE-PERP HSI-PERP STOXX-PERP KOSPI-PERP VIX-PERP DXY-PERP SEMI-PERP EURUSD-PERP GBPUSD-PERP USDJPY-PERP AUDUSD-PERP USDCAD-PERP USDCHF-PERP NZDUSD-PERP EURGBP-PERP EURJPY-PERP GBPJPY-PERP USDCNH-PERP USDMXN-PERP USDBRL-PERP USDSGD-PERP USDKRW-PERP USDINR-PERP USDTRY-PERP USDZAR-PERP'
complete -c pfmm -n "__pfmm_at ''" -f -a quote -d 'Quote both sides: show one computation, start, status, stop.'
complete -c pfmm -n "__pfmm_at ''" -f -a ladder -d 'Quote several levels a side: show, start, status, stop.'
complete -c pfmm -n "__pfmm_at ''" -f -a grid -d 'Trade a grid of orders: plan, start, status, stop.'
complete -c pfmm -n "__pfmm_at ''" -f -a funding -d 'Check funding: rate, 8 h equivalent, a year\'s worth, next payment,...'
complete -c pfmm -n "__pfmm_at ''" -f -a book -d 'Show the depth of a market with your own orders marked, its spread...'
complete -c pfmm -n "__pfmm_at ''" -f -a inventory -d 'Show positions against their limits, profit and its parts, what...'
complete -c pfmm -n "__pfmm_at ''" -f -a flatten -d 'Halt the account\'s runners, cancel all orders, close the positions...'
complete -c pfmm -n "__pfmm_at ''" -f -a resume -d 'Lift the HALT of the account, so that start works again; shows who...'
complete -c pfmm -n "__pfmm_at ''" -f -a events -d 'Show what happened, from the journal: a line an event, each with...'
complete -c pfmm -n "__pfmm_at ''" -f -a logs -d 'Show the log of a run in the background: its events and what it...'
complete -c pfmm -n "__pfmm_at ''" -f -a report -d 'Measure performance against target ranges, and split the profit...'
complete -c pfmm -n "__pfmm_at ''" -f -a backtest -d 'Run a strategy on recorded data, or sweep its settings.'
complete -c pfmm -n "__pfmm_at ''" -f -a paper -d 'The embedded exchange: paper money, real rules.'
complete -c pfmm -n "__pfmm_at ''" -f -a record -d 'Record public market data until Ctrl-C, --for or --cycles.'
complete -c pfmm -n "__pfmm_at ''" -f -a profile -d 'The config store: profiles and their settings (see `pfmm help...'
complete -c pfmm -n "__pfmm_at ''" -f -a markets -d 'List the venue\'s instruments: price step, size step, smallest...'
complete -c pfmm -n "__pfmm_at ''" -f -a doctor -d 'Check configuration, key, venue, clock, budget, locks, HALT,...'
complete -c pfmm -n "__pfmm_at ''" -f -a help -d 'Show a reference page (`pfmm help` lists them), or the help of a...'
complete -c pfmm -n "__pfmm_at ''" -f -a completions -d 'Print the completion script of a shell (the files in completions/...'
complete -c pfmm -n "__pfmm_at 'quote'" -f -a show -d 'Compute one quote and show what it is made of, to the last basis...'
complete -c pfmm -n "__pfmm_at 'quote'" -f -a start -d 'Run the market maker: a bid and an ask on each market, kept where...'
complete -c pfmm -n "__pfmm_at 'quote'" -f -a status -d 'Show every market maker of this account: state, resting orders,...'
complete -c pfmm -n "__pfmm_at 'quote'" -f -a stop -d 'Stop the market maker, cancel its orders and prove that none is...'
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a show -d 'Compute the ladder that would rest now, level by level.'
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a start -d 'Run a ladder on MARKET: levels of growing size on both sides, moved...'
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a status -d 'Show every ladder of this account: state, resting orders, fills, P&L.'
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a stop -d 'Stop the ladder, cancel its orders and prove that none is left;...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a plan -d 'Show the grid that would start now: lines, orders, profit a round...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a start -d 'Run a grid on MARKET: buys below the price, sells above it, each...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a status -d 'Show every grid of this account: state, resting orders, fills, P&L.'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a stop -d 'Stop the grid, cancel its orders and prove that none is left; works...'
complete -c pfmm -n "__pfmm_at 'backtest'" -f -a run -d 'Run a strategy over recorded data: the same code that trades, with...'
complete -c pfmm -n "__pfmm_at 'backtest'" -f -a sweep -d 'Run many settings over many slices of data, on this machine or a...'
complete -c pfmm -n "__pfmm_at 'backtest'" -f -a data -d 'Describe data files: span, counts, gaps, crossed quotes, duplicates.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a status -d 'Show market, clock, equity, positions and orders.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a reset -d 'Drop every paper account and start the market\'s clock anew.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a clock -d 'Show paper time beside this machine\'s clock, and set it right after...'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a deposit -d 'Add paper money to the account.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a account -d 'Show the address of a paper account for clients that speak...'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a serve -d 'Serve the exchange over HTTP; prints the URL.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a feed -d 'Show or switch the market that the exchange trades in.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a list -d 'List the profiles; the active one is marked.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a show -d 'Show every setting of a profile as a command would see it, and...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a create -d 'Create a profile.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a use -d 'Make a profile the active one: commands without --profile use it.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a set -d 'Set a setting of the active profile (or of --profile NAME):...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a unset -d 'Remove a setting of the active profile (or of --profile NAME), back...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a path -d 'Show where the config file, the state and the logs are.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a delete -d 'Delete a profile; neither the active nor the built-in one.'
complete -c pfmm -n "__pfmm_at 'help'" -f -a agents -d 'Agents: run pfmm from a program, from plan to report'
complete -c pfmm -n "__pfmm_at 'help'" -f -a config -d 'Configuration: profiles, precedence, keys'
complete -c pfmm -n "__pfmm_at 'help'" -f -a data -d 'Data files: what `pfmm record` writes, and what replay and backtest read'
complete -c pfmm -n "__pfmm_at 'help'" -f -a design -d 'Design: how pfmm is built, and where it departs from the article'
complete -c pfmm -n "__pfmm_at 'help'" -f -a exit-codes -d 'Exit codes: what a script learns from `$?`'
complete -c pfmm -n "__pfmm_at 'help'" -f -a formulas -d 'Formulas: the maths behind the quotes, with units'
complete -c pfmm -n "__pfmm_at 'help'" -f -a json -d 'JSON: the contract of --json'
complete -c pfmm -n "__pfmm_at 'help'" -f -a measured -d 'Measured: what the strategies earned on recorded data, and how fast pfmm is'
complete -c pfmm -n "__pfmm_at 'help'" -f -a paper-fills -d 'Paper fills: when a resting order fills, and what that is worth'
complete -c pfmm -n "__pfmm_at 'help'" -f -a safety -d 'Safety: what protects an account, and from what'
complete -c pfmm -n "__pfmm_at 'help'" -f -a venues -d 'Venues: where orders can go'
complete -c pfmm -n "__pfmm_at 'paper feed'" -f -a synthetic -d 'Trade in a made-up market: endless, the same for the same seed.'
complete -c pfmm -n "__pfmm_at 'paper feed'" -f -a replay -d 'Trade in recorded data.'
complete -c pfmm -n "__pfmm_at 'paper feed'" -f -a live -d 'Trade with paper money on a real venue\'s public data.'
complete -c pfmm -l profile -r -f -a '(__pfmm_profiles)'
complete -c pfmm -l json
complete -c pfmm -l quiet
complete -c pfmm -l verbose
complete -c pfmm -l version
complete -c pfmm -l help
complete -c pfmm -n "__pfmm_at 'funding' 'flatten'" -l all
complete -c pfmm -n "__pfmm_at 'funding'" -l sort -r -f -a 'rate apr market'
complete -c pfmm -n "__pfmm_at 'funding'" -l limit -r -f
complete -c pfmm -n "__pfmm_at 'funding'" -l history -r -f
complete -c pfmm -n "__pfmm_at 'funding' 'book' 'inventory'" -l watch
complete -c pfmm -n "__pfmm_at 'funding' 'inventory'" -l assert -r -f
complete -c pfmm -n "__pfmm_at 'funding'" -l min-bps -r -f
complete -c pfmm -n "__pfmm_at 'funding' 'book' 'inventory' 'record' 'quote start' 'ladder start' 'grid start' 'backtest run' 'backtest sweep'" -l interval -r -f
complete -c pfmm -n "__pfmm_at 'book' 'ladder show' 'ladder start' 'grid plan' 'grid start'" -l levels -r -f
complete -c pfmm -n "__pfmm_at 'flatten'" -l half
complete -c pfmm -n "__pfmm_at 'flatten'" -l cancel-only
complete -c pfmm -n "__pfmm_at 'flatten' 'quote start' 'ladder start' 'grid start'" -l dry-run
complete -c pfmm -n "__pfmm_at 'flatten' 'quote start' 'quote stop' 'ladder start' 'ladder stop' 'grid start' 'grid stop' 'paper reset' 'profile delete'" -l yes
complete -c pfmm -n "__pfmm_at 'flatten'" -l max-slippage-bps -r -f
complete -c pfmm -n "__pfmm_at 'flatten'" -l timeout -r -f
complete -c pfmm -n "__pfmm_at 'events'" -l run -r -f -a '(__pfmm_runs)'
complete -c pfmm -n "__pfmm_at 'events' 'report'" -l since -r -f
complete -c pfmm -n "__pfmm_at 'events' 'logs'" -l follow
complete -c pfmm -n "__pfmm_at 'logs'" -l lines -r -f
complete -c pfmm -n "__pfmm_at 'report' 'backtest data' 'profile show' 'profile set' 'profile unset' 'paper feed replay'" -l market -r -f -a '(__pfmm_markets)'
complete -c pfmm -n "__pfmm_at 'report'" -l strategy -r -f -a "(string split ' ' -- $__pfmm_strategies)"
complete -c pfmm -n "__pfmm_at 'report' 'backtest run'" -l html -r
complete -c pfmm -n "__pfmm_at 'report' 'backtest sweep'" -l csv -r
complete -c pfmm -n "__pfmm_at 'report'" -l export -r
complete -c pfmm -n "__pfmm_at 'record'" -l out -r
complete -c pfmm -n "__pfmm_at 'record'" -l for -r -f
complete -c pfmm -n "__pfmm_at 'record' 'quote start' 'ladder start' 'grid start'" -l cycles -r -f
complete -c pfmm -n "__pfmm_at 'record'" -l depth -r -f
complete -c pfmm -n "__pfmm_at 'record'" -l force
complete -c pfmm -n "__pfmm_at 'record'" -l resume
complete -c pfmm -n "__pfmm_at 'record'" -l rotate -r -f
complete -c pfmm -n "__pfmm_at 'record' 'paper feed live'" -l socket
complete -c pfmm -n "__pfmm_at 'record'" -l break-even -r -f
complete -c pfmm -n "__pfmm_at 'record' 'profile create' 'paper feed live'" -l venue -r -f -a 'paper purpleflea hyperliquid'
complete -c pfmm -n "__pfmm_at 'record'" -l network -r -f -a 'mainnet testnet'
complete -c pfmm -n "__pfmm_at 'markets'" -l category -r -f
complete -c pfmm -n "__pfmm_at 'markets'" -l search -r -f
complete -c pfmm -n "__pfmm_at 'markets'" -l volume
complete -c pfmm -n "__pfmm_at 'doctor'" -l deep
complete -c pfmm -n "__pfmm_at 'help'" -l write -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'ladder show'" -l inventory -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'ladder show'" -l explain
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start'" -l model -r -f -a 'glft as fixed'
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start'" -l skew-at-limit -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start'" -l gamma -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start'" -l kappa -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start'" -l sigma -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start'" -l horizon -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start'" -l half-spread-bps -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start' 'grid plan' 'grid start'" -l size -r -f
complete -c pfmm -n "__pfmm_at 'quote show' 'quote start' 'ladder show' 'ladder start' 'grid start'" -l max-inventory -r -f
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l once
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l detach
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l exit-code
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l yes-unprotected
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l on-exit -r -f -a 'cancel keep flatten'
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l on-restart -r -f -a 'adopt cancel abort'
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l position -r -f -a 'ask base adopt'
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l sessions -r -f
complete -c pfmm -n "__pfmm_at 'quote start' 'ladder start' 'grid start'" -l max-loss -r -f
complete -c pfmm -n "__pfmm_at 'quote stop' 'ladder stop' 'grid stop'" -l flatten
complete -c pfmm -n "__pfmm_at 'quote stop' 'ladder stop' 'grid stop'" -l unknown-orders
complete -c pfmm -n "__pfmm_at 'ladder show' 'ladder start'" -l spacing-bps -r -f
complete -c pfmm -n "__pfmm_at 'ladder show' 'ladder start'" -l growth -r -f
complete -c pfmm -n "__pfmm_at 'ladder show' 'ladder start'" -l threshold-bps -r -f
complete -c pfmm -n "__pfmm_at 'grid plan' 'grid start'" -l lower -r -f
complete -c pfmm -n "__pfmm_at 'grid plan' 'grid start'" -l upper -r -f
complete -c pfmm -n "__pfmm_at 'grid plan' 'grid start'" -l range-pct -r -f
complete -c pfmm -n "__pfmm_at 'grid plan' 'grid start'" -l spacing -r -f -a 'arithmetic geometric'
complete -c pfmm -n "__pfmm_at 'grid plan' 'grid start'" -l on-breakout -r -f -a 'hold flatten trail'
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l data -r
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l from -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l to -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l set -r -f -a "(string split ' ' -- $__pfmm_assignments)"
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep' 'paper serve'" -l latency-ms -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l funding -r
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l queue -r -f -a 'pessimistic optimistic both'
complete -c pfmm -n "__pfmm_at 'backtest run'" -l mode -r -f -a 'lazy events'
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep' 'backtest data' 'paper feed replay'" -l format -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep' 'backtest data' 'paper feed replay'" -l skip-bad -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l price-step -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep'" -l size-step -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep' 'backtest data'" -l no-cache
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep' 'paper feed synthetic' 'paper feed replay' 'paper feed live'" -l fees -r -f -a 'article hyperliquid binance bybit okx'
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep' 'paper feed synthetic' 'paper feed replay' 'paper feed live'" -l maker-bps -r -f
complete -c pfmm -n "__pfmm_at 'backtest run' 'backtest sweep' 'paper feed synthetic' 'paper feed replay' 'paper feed live'" -l taker-bps -r -f
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l random -r -f
complete -c pfmm -n "__pfmm_at 'backtest sweep' 'paper feed synthetic'" -l seed -r -f
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l folds -r -f
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l jobs -r -f
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l scheduler -r -f
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l results -r
complete -c pfmm -n "__pfmm_at 'backtest data' 'profile create'" -l check
complete -c pfmm -n "__pfmm_at 'backtest data'" -l convert -r
complete -c pfmm -n "__pfmm_at 'paper clock'" -l keep
complete -c pfmm -n "__pfmm_at 'paper clock'" -l catch-up
complete -c pfmm -n "__pfmm_at 'paper account' 'profile create'" -l key-file -r
complete -c pfmm -n "__pfmm_at 'paper account'" -l show-key
complete -c pfmm -n "__pfmm_at 'paper serve'" -l port -r -f
complete -c pfmm -n "__pfmm_at 'paper serve'" -l faults -r -f
complete -c pfmm -n "__pfmm_at 'paper serve'" -l rate-limit
complete -c pfmm -n "__pfmm_at 'profile create'" -l account -r -f
complete -c pfmm -n "__pfmm_at 'profile create'" -l from -r -f -a '(__pfmm_profiles)'
complete -c pfmm -n "__pfmm_at 'profile create'" -l network -r -f
complete -c pfmm -n "__pfmm_at 'profile create'" -l key-env -r -f
complete -c pfmm -n "__pfmm_at 'profile create' 'paper feed live'" -l url -r -f
complete -c pfmm -n "__pfmm_at 'profile create'" -l no-check
complete -c pfmm -n "__pfmm_at 'paper feed synthetic' 'paper feed replay'" -l speed -r -f
complete -c pfmm -n "__pfmm_at 'paper feed synthetic' 'paper feed replay'" -l at -r -f
complete -c pfmm -n "__pfmm_at 'paper feed synthetic' 'paper feed replay' 'paper feed live'" -l reset
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l idle-pause
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l no-idle-pause
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l testnet
complete -c pfmm -n "__pfmm_at '' 'quote' 'ladder' 'grid' 'funding' 'book' 'inventory' 'flatten' 'resume' 'events' 'logs' 'report' 'backtest' 'paper' 'record' 'profile' 'markets' 'doctor' 'help' 'completions' 'quote show' 'quote start' 'quote status' 'quote stop' 'ladder show' 'ladder start' 'ladder status' 'ladder stop' 'grid plan' 'grid start' 'grid status' 'grid stop' 'backtest run' 'backtest sweep' 'paper status' 'paper reset' 'paper clock' 'paper deposit' 'paper account' 'paper serve' 'paper feed' 'profile list' 'profile show' 'profile create' 'profile use' 'profile set' 'profile unset' 'profile path' 'profile delete' 'paper feed synthetic' 'paper feed live'" -f
complete -c pfmm -n "__pfmm_word 0 more 'funding' 'inventory' 'flatten' 'record' 'markets' 'quote start'" -f -a '(__pfmm_markets)'
complete -c pfmm -n "__pfmm_word 0 one 'book' 'quote show' 'quote status' 'quote stop' 'ladder show' 'ladder start' 'ladder status' 'ladder stop' 'grid plan' 'grid start' 'grid status' 'grid stop'" -f -a '(__pfmm_markets)'
complete -c pfmm -n "__pfmm_word 0 one 'logs'" -f -a '(__pfmm_runs)'
complete -c pfmm -n "__pfmm_word 0 one 'completions'" -f -a 'bash zsh fish'
complete -c pfmm -n "__pfmm_word 0 one 'backtest run' 'backtest sweep'" -f -a "(string split ' ' -- $__pfmm_strategies)"
complete -c pfmm -n "__pfmm_word 1 one 'backtest run' 'backtest sweep'" -f -a '(__pfmm_markets)'
complete -c pfmm -n "__pfmm_word 0 one 'paper deposit' 'profile create'" -f
complete -c pfmm -n "__pfmm_word 0 one 'paper account' 'profile show' 'profile use' 'profile delete'" -f -a '(__pfmm_profiles)'
complete -c pfmm -n "__pfmm_word 0 one 'profile set' 'profile unset'" -f -a "(string split ' ' -- $__pfmm_settings)"
complete -c pfmm -n "__pfmm_word 1 one 'profile set'" -f
