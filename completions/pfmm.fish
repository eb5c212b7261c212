# fish completion of pfmm; made by `pfmm completions fish`
function __pfmm_at
    set -l at ""
    set -l known 'quote' 'ladder' 'grid' 'funding' 'book' 'inventory' 'flatten' 'resume' 'events' 'logs' 'report' 'backtest' 'paper' 'record' 'profile' 'markets' 'doctor' 'help' 'completions' 'quote show' 'quote start' 'quote status' 'quote stop' 'ladder show' 'ladder start' 'ladder status' 'ladder stop' 'grid plan' 'grid start' 'grid status' 'grid stop' 'backtest run' 'backtest sweep' 'backtest data' 'paper status' 'paper reset' 'paper deposit' 'paper serve' 'paper feed' 'profile list' 'profile show' 'profile create' 'profile use' 'profile set' 'profile unset' 'profile path' 'profile delete' 'paper feed synthetic' 'paper feed replay' 'paper feed live'
    set -l valued --account --assert --at --category --convert --csv --cycles --data --depth --export --faults --fees --folds --for --format --from --funding --gamma --growth --half-spread-bps --history --horizon --html --interval --inventory --jobs --kappa --latency-ms --levels --limit --lines --lower --maker-bps --market --max-inventory --max-loss --max-slippage-bps --min-bps --mode --model --network --on-breakout --on-exit --on-restart --out --port --price-step --profile --queue --random --range-pct --results --rotate --run --scheduler --search --seed --set --sigma --since --size --size-step --skew-at-limit --skip-bad --sort --spacing --spacing-bps --speed --strategy --taker-bps --threshold-bps --timeout --to --upper --url --venue
    set -l before ''
    for word in (commandline -opc)[2..-1]
        if contains -- $before $valued
            set before ''
            continue
        end
        set before $word
        set -l try (string trim -- "$at $word")
        contains -- $try $known; and set at $try
    end
    test "$at" = "$argv[1]"
end
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
complete -c pfmm -n "__pfmm_at ''" -f -a help -d 'Show a reference page: exit-codes, json, config, venues, formulas,...'
complete -c pfmm -n "__pfmm_at ''" -f -a completions -d 'Print the completion script of a shell (the files in completions/...'
complete -c pfmm -n "__pfmm_at ''" -l profile -r
complete -c pfmm -n "__pfmm_at ''" -l json
complete -c pfmm -n "__pfmm_at ''" -l quiet
complete -c pfmm -n "__pfmm_at ''" -l verbose
complete -c pfmm -n "__pfmm_at ''" -l version
complete -c pfmm -n "__pfmm_at ''" -l help
complete -c pfmm -n "__pfmm_at 'quote'" -f -a show -d 'Compute one quote and show what it is made of, to the last basis...'
complete -c pfmm -n "__pfmm_at 'quote'" -f -a start -d 'Run the market maker: a bid and an ask on each market, kept where...'
complete -c pfmm -n "__pfmm_at 'quote'" -f -a status -d 'Show every market maker of this account: state, resting orders,...'
complete -c pfmm -n "__pfmm_at 'quote'" -f -a stop -d 'Stop the market maker, cancel its orders and prove that none is...'
complete -c pfmm -n "__pfmm_at 'quote'" -l profile -r
complete -c pfmm -n "__pfmm_at 'quote'" -l json
complete -c pfmm -n "__pfmm_at 'quote'" -l quiet
complete -c pfmm -n "__pfmm_at 'quote'" -l verbose
complete -c pfmm -n "__pfmm_at 'quote'" -l version
complete -c pfmm -n "__pfmm_at 'quote'" -l help
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a show -d 'Compute the ladder that would rest now, level by level.'
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a start -d 'Run a ladder on MARKET: levels of growing size on both sides, moved...'
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a status -d 'Show every ladder of this account: state, resting orders, fills, P&L.'
complete -c pfmm -n "__pfmm_at 'ladder'" -f -a stop -d 'Stop the ladder, cancel its orders and prove that none is left;...'
complete -c pfmm -n "__pfmm_at 'ladder'" -l profile -r
complete -c pfmm -n "__pfmm_at 'ladder'" -l json
complete -c pfmm -n "__pfmm_at 'ladder'" -l quiet
complete -c pfmm -n "__pfmm_at 'ladder'" -l verbose
complete -c pfmm -n "__pfmm_at 'ladder'" -l version
complete -c pfmm -n "__pfmm_at 'ladder'" -l help
complete -c pfmm -n "__pfmm_at 'grid'" -f -a plan -d 'Show the grid that would start now: lines, orders, profit a round...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a start -d 'Run a grid on MARKET: buys below the price, sells above it, each...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a status -d 'Show every grid of this account: state, resting orders, fills, P&L.'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a stop -d 'Stop the grid, cancel its orders and prove that none is left; works...'
complete -c pfmm -n "__pfmm_at 'grid'" -l profile -r
complete -c pfmm -n "__pfmm_at 'grid'" -l json
complete -c pfmm -n "__pfmm_at 'grid'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid'" -l version
complete -c pfmm -n "__pfmm_at 'grid'" -l help
complete -c pfmm -n "__pfmm_at 'funding'" -l all
complete -c pfmm -n "__pfmm_at 'funding'" -l sort -r
complete -c pfmm -n "__pfmm_at 'funding'" -l limit -r
complete -c pfmm -n "__pfmm_at 'funding'" -l history -r
complete -c pfmm -n "__pfmm_at 'funding'" -l watch
complete -c pfmm -n "__pfmm_at 'funding'" -l assert -r
complete -c pfmm -n "__pfmm_at 'funding'" -l min-bps -r
complete -c pfmm -n "__pfmm_at 'funding'" -l interval -r
complete -c pfmm -n "__pfmm_at 'funding'" -l profile -r
complete -c pfmm -n "__pfmm_at 'funding'" -l json
complete -c pfmm -n "__pfmm_at 'funding'" -l quiet
complete -c pfmm -n "__pfmm_at 'funding'" -l verbose
complete -c pfmm -n "__pfmm_at 'funding'" -l version
complete -c pfmm -n "__pfmm_at 'funding'" -l help
complete -c pfmm -n "__pfmm_at 'book'" -l levels -r
complete -c pfmm -n "__pfmm_at 'book'" -l watch
complete -c pfmm -n "__pfmm_at 'book'" -l interval -r
complete -c pfmm -n "__pfmm_at 'book'" -l profile -r
complete -c pfmm -n "__pfmm_at 'book'" -l json
complete -c pfmm -n "__pfmm_at 'book'" -l quiet
complete -c pfmm -n "__pfmm_at 'book'" -l verbose
complete -c pfmm -n "__pfmm_at 'book'" -l version
complete -c pfmm -n "__pfmm_at 'book'" -l help
complete -c pfmm -n "__pfmm_at 'inventory'" -l watch
complete -c pfmm -n "__pfmm_at 'inventory'" -l assert -r
complete -c pfmm -n "__pfmm_at 'inventory'" -l interval -r
complete -c pfmm -n "__pfmm_at 'inventory'" -l profile -r
complete -c pfmm -n "__pfmm_at 'inventory'" -l json
complete -c pfmm -n "__pfmm_at 'inventory'" -l quiet
complete -c pfmm -n "__pfmm_at 'inventory'" -l verbose
complete -c pfmm -n "__pfmm_at 'inventory'" -l version
complete -c pfmm -n "__pfmm_at 'inventory'" -l help
complete -c pfmm -n "__pfmm_at 'flatten'" -l all
complete -c pfmm -n "__pfmm_at 'flatten'" -l half
complete -c pfmm -n "__pfmm_at 'flatten'" -l cancel-only
complete -c pfmm -n "__pfmm_at 'flatten'" -l dry-run
complete -c pfmm -n "__pfmm_at 'flatten'" -l yes
complete -c pfmm -n "__pfmm_at 'flatten'" -l max-slippage-bps -r
complete -c pfmm -n "__pfmm_at 'flatten'" -l timeout -r
complete -c pfmm -n "__pfmm_at 'flatten'" -l profile -r
complete -c pfmm -n "__pfmm_at 'flatten'" -l json
complete -c pfmm -n "__pfmm_at 'flatten'" -l quiet
complete -c pfmm -n "__pfmm_at 'flatten'" -l verbose
complete -c pfmm -n "__pfmm_at 'flatten'" -l version
complete -c pfmm -n "__pfmm_at 'flatten'" -l help
complete -c pfmm -n "__pfmm_at 'resume'" -l profile -r
complete -c pfmm -n "__pfmm_at 'resume'" -l json
complete -c pfmm -n "__pfmm_at 'resume'" -l quiet
complete -c pfmm -n "__pfmm_at 'resume'" -l verbose
complete -c pfmm -n "__pfmm_at 'resume'" -l version
complete -c pfmm -n "__pfmm_at 'resume'" -l help
complete -c pfmm -n "__pfmm_at 'events'" -l run -r
complete -c pfmm -n "__pfmm_at 'events'" -l since -r
complete -c pfmm -n "__pfmm_at 'events'" -l follow
complete -c pfmm -n "__pfmm_at 'events'" -l profile -r
complete -c pfmm -n "__pfmm_at 'events'" -l json
complete -c pfmm -n "__pfmm_at 'events'" -l quiet
complete -c pfmm -n "__pfmm_at 'events'" -l verbose
complete -c pfmm -n "__pfmm_at 'events'" -l version
complete -c pfmm -n "__pfmm_at 'events'" -l help
complete -c pfmm -n "__pfmm_at 'logs'" -l lines -r
complete -c pfmm -n "__pfmm_at 'logs'" -l follow
complete -c pfmm -n "__pfmm_at 'logs'" -l profile -r
complete -c pfmm -n "__pfmm_at 'logs'" -l json
complete -c pfmm -n "__pfmm_at 'logs'" -l quiet
complete -c pfmm -n "__pfmm_at 'logs'" -l verbose
complete -c pfmm -n "__pfmm_at 'logs'" -l version
complete -c pfmm -n "__pfmm_at 'logs'" -l help
complete -c pfmm -n "__pfmm_at 'report'" -l since -r
complete -c pfmm -n "__pfmm_at 'report'" -l market -r
complete -c pfmm -n "__pfmm_at 'report'" -l strategy -r
complete -c pfmm -n "__pfmm_at 'report'" -l html -r
complete -c pfmm -n "__pfmm_at 'report'" -l csv -r
complete -c pfmm -n "__pfmm_at 'report'" -l export -r
complete -c pfmm -n "__pfmm_at 'report'" -l profile -r
complete -c pfmm -n "__pfmm_at 'report'" -l json
complete -c pfmm -n "__pfmm_at 'report'" -l quiet
complete -c pfmm -n "__pfmm_at 'report'" -l verbose
complete -c pfmm -n "__pfmm_at 'report'" -l version
complete -c pfmm -n "__pfmm_at 'report'" -l help
complete -c pfmm -n "__pfmm_at 'backtest'" -f -a run -d 'Run a strategy over recorded data: the same code that trades, with...'
complete -c pfmm -n "__pfmm_at 'backtest'" -f -a sweep -d 'Run many settings over many slices of data, on this machine or a...'
complete -c pfmm -n "__pfmm_at 'backtest'" -f -a data -d 'Describe data files: span, counts, gaps, crossed quotes, duplicates.'
complete -c pfmm -n "__pfmm_at 'backtest'" -l profile -r
complete -c pfmm -n "__pfmm_at 'backtest'" -l json
complete -c pfmm -n "__pfmm_at 'backtest'" -l quiet
complete -c pfmm -n "__pfmm_at 'backtest'" -l verbose
complete -c pfmm -n "__pfmm_at 'backtest'" -l version
complete -c pfmm -n "__pfmm_at 'backtest'" -l help
complete -c pfmm -n "__pfmm_at 'paper'" -f -a status -d 'Show market, clock, equity, positions and orders.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a reset -d 'Drop every paper account and start the market\'s clock anew.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a deposit -d 'Add paper money to the account.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a serve -d 'Serve the exchange over HTTP; prints the URL.'
complete -c pfmm -n "__pfmm_at 'paper'" -f -a feed -d 'Show or switch the market that the exchange trades in.'
complete -c pfmm -n "__pfmm_at 'paper'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper'" -l json
complete -c pfmm -n "__pfmm_at 'paper'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper'" -l version
complete -c pfmm -n "__pfmm_at 'paper'" -l help
complete -c pfmm -n "__pfmm_at 'record'" -l out -r
complete -c pfmm -n "__pfmm_at 'record'" -l for -r
complete -c pfmm -n "__pfmm_at 'record'" -l cycles -r
complete -c pfmm -n "__pfmm_at 'record'" -l interval -r
complete -c pfmm -n "__pfmm_at 'record'" -l depth -r
complete -c pfmm -n "__pfmm_at 'record'" -l force
complete -c pfmm -n "__pfmm_at 'record'" -l resume
complete -c pfmm -n "__pfmm_at 'record'" -l rotate -r
complete -c pfmm -n "__pfmm_at 'record'" -l venue -r
complete -c pfmm -n "__pfmm_at 'record'" -l network -r
complete -c pfmm -n "__pfmm_at 'record'" -l profile -r
complete -c pfmm -n "__pfmm_at 'record'" -l json
complete -c pfmm -n "__pfmm_at 'record'" -l quiet
complete -c pfmm -n "__pfmm_at 'record'" -l verbose
complete -c pfmm -n "__pfmm_at 'record'" -l version
complete -c pfmm -n "__pfmm_at 'record'" -l help
complete -c pfmm -n "__pfmm_at 'profile'" -f -a list -d 'List the profiles; the active one is marked.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a show -d 'Show every setting of a profile as a command would see it, and...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a create -d 'Create a profile.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a use -d 'Make a profile the active one: commands without --profile use it.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a set -d 'Set a setting of the active profile (or of --profile NAME):...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a unset -d 'Remove a setting of the active profile (or of --profile NAME), back...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a path -d 'Show where the config file, the state and the logs are.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a delete -d 'Delete a profile; neither the active nor the built-in one.'
complete -c pfmm -n "__pfmm_at 'profile'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile'" -l json
complete -c pfmm -n "__pfmm_at 'profile'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile'" -l version
complete -c pfmm -n "__pfmm_at 'profile'" -l help
complete -c pfmm -n "__pfmm_at 'markets'" -l category -r
complete -c pfmm -n "__pfmm_at 'markets'" -l search -r
complete -c pfmm -n "__pfmm_at 'markets'" -l volume
complete -c pfmm -n "__pfmm_at 'markets'" -l profile -r
complete -c pfmm -n "__pfmm_at 'markets'" -l json
complete -c pfmm -n "__pfmm_at 'markets'" -l quiet
complete -c pfmm -n "__pfmm_at 'markets'" -l verbose
complete -c pfmm -n "__pfmm_at 'markets'" -l version
complete -c pfmm -n "__pfmm_at 'markets'" -l help
complete -c pfmm -n "__pfmm_at 'doctor'" -l deep
complete -c pfmm -n "__pfmm_at 'doctor'" -l profile -r
complete -c pfmm -n "__pfmm_at 'doctor'" -l json
complete -c pfmm -n "__pfmm_at 'doctor'" -l quiet
complete -c pfmm -n "__pfmm_at 'doctor'" -l verbose
complete -c pfmm -n "__pfmm_at 'doctor'" -l version
complete -c pfmm -n "__pfmm_at 'doctor'" -l help
complete -c pfmm -n "__pfmm_at 'help'" -f -a config -d 'Configuration: profiles, precedence, keys'
complete -c pfmm -n "__pfmm_at 'help'" -f -a data -d 'Data files: what `pfmm record` writes, and what replay and backtest read'
complete -c pfmm -n "__pfmm_at 'help'" -f -a exit-codes -d 'Exit codes: what a script learns from `$?`'
complete -c pfmm -n "__pfmm_at 'help'" -f -a formulas -d 'Formulas: the maths behind the quotes, with units'
complete -c pfmm -n "__pfmm_at 'help'" -f -a json -d 'JSON: the contract of --json'
complete -c pfmm -n "__pfmm_at 'help'" -f -a paper-fills -d 'Paper fills: when a resting order fills, and what that is worth'
complete -c pfmm -n "__pfmm_at 'help'" -f -a venues -d 'Venues: where orders can go'
complete -c pfmm -n "__pfmm_at 'help'" -l profile -r
complete -c pfmm -n "__pfmm_at 'help'" -l json
complete -c pfmm -n "__pfmm_at 'help'" -l quiet
complete -c pfmm -n "__pfmm_at 'help'" -l verbose
complete -c pfmm -n "__pfmm_at 'help'" -l version
complete -c pfmm -n "__pfmm_at 'help'" -l help
complete -c pfmm -n "__pfmm_at 'completions'" -f -a bash -d 'The script for bash.'
complete -c pfmm -n "__pfmm_at 'completions'" -f -a zsh -d 'The script for zsh.'
complete -c pfmm -n "__pfmm_at 'completions'" -f -a fish -d 'The script for fish.'
complete -c pfmm -n "__pfmm_at 'completions'" -l profile -r
complete -c pfmm -n "__pfmm_at 'completions'" -l json
complete -c pfmm -n "__pfmm_at 'completions'" -l quiet
complete -c pfmm -n "__pfmm_at 'completions'" -l verbose
complete -c pfmm -n "__pfmm_at 'completions'" -l version
complete -c pfmm -n "__pfmm_at 'completions'" -l help
complete -c pfmm -n "__pfmm_at 'quote show'" -l inventory -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l explain
complete -c pfmm -n "__pfmm_at 'quote show'" -l model -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l skew-at-limit -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l gamma -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l kappa -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l sigma -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l horizon -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l half-spread-bps -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l size -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l max-inventory -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l profile -r
complete -c pfmm -n "__pfmm_at 'quote show'" -l json
complete -c pfmm -n "__pfmm_at 'quote show'" -l quiet
complete -c pfmm -n "__pfmm_at 'quote show'" -l verbose
complete -c pfmm -n "__pfmm_at 'quote show'" -l version
complete -c pfmm -n "__pfmm_at 'quote show'" -l help
complete -c pfmm -n "__pfmm_at 'quote start'" -l cycles -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l once
complete -c pfmm -n "__pfmm_at 'quote start'" -l detach
complete -c pfmm -n "__pfmm_at 'quote start'" -l dry-run
complete -c pfmm -n "__pfmm_at 'quote start'" -l exit-code
complete -c pfmm -n "__pfmm_at 'quote start'" -l yes
complete -c pfmm -n "__pfmm_at 'quote start'" -l model -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l skew-at-limit -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l gamma -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l kappa -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l sigma -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l horizon -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l half-spread-bps -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l size -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l interval -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l on-exit -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l on-restart -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l max-inventory -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l max-loss -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l profile -r
complete -c pfmm -n "__pfmm_at 'quote start'" -l json
complete -c pfmm -n "__pfmm_at 'quote start'" -l quiet
complete -c pfmm -n "__pfmm_at 'quote start'" -l verbose
complete -c pfmm -n "__pfmm_at 'quote start'" -l version
complete -c pfmm -n "__pfmm_at 'quote start'" -l help
complete -c pfmm -n "__pfmm_at 'quote status'" -l profile -r
complete -c pfmm -n "__pfmm_at 'quote status'" -l json
complete -c pfmm -n "__pfmm_at 'quote status'" -l quiet
complete -c pfmm -n "__pfmm_at 'quote status'" -l verbose
complete -c pfmm -n "__pfmm_at 'quote status'" -l version
complete -c pfmm -n "__pfmm_at 'quote status'" -l help
complete -c pfmm -n "__pfmm_at 'quote stop'" -l flatten
complete -c pfmm -n "__pfmm_at 'quote stop'" -l yes
complete -c pfmm -n "__pfmm_at 'quote stop'" -l profile -r
complete -c pfmm -n "__pfmm_at 'quote stop'" -l json
complete -c pfmm -n "__pfmm_at 'quote stop'" -l quiet
complete -c pfmm -n "__pfmm_at 'quote stop'" -l verbose
complete -c pfmm -n "__pfmm_at 'quote stop'" -l version
complete -c pfmm -n "__pfmm_at 'quote stop'" -l help
complete -c pfmm -n "__pfmm_at 'ladder show'" -l inventory -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l explain
complete -c pfmm -n "__pfmm_at 'ladder show'" -l levels -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l spacing-bps -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l size -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l growth -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l threshold-bps -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l model -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l skew-at-limit -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l gamma -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l kappa -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l sigma -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l horizon -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l half-spread-bps -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l max-inventory -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l profile -r
complete -c pfmm -n "__pfmm_at 'ladder show'" -l json
complete -c pfmm -n "__pfmm_at 'ladder show'" -l quiet
complete -c pfmm -n "__pfmm_at 'ladder show'" -l verbose
complete -c pfmm -n "__pfmm_at 'ladder show'" -l version
complete -c pfmm -n "__pfmm_at 'ladder show'" -l help
complete -c pfmm -n "__pfmm_at 'ladder start'" -l cycles -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l once
complete -c pfmm -n "__pfmm_at 'ladder start'" -l detach
complete -c pfmm -n "__pfmm_at 'ladder start'" -l dry-run
complete -c pfmm -n "__pfmm_at 'ladder start'" -l exit-code
complete -c pfmm -n "__pfmm_at 'ladder start'" -l yes
complete -c pfmm -n "__pfmm_at 'ladder start'" -l levels -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l spacing-bps -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l size -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l growth -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l threshold-bps -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l model -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l skew-at-limit -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l gamma -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l kappa -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l sigma -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l horizon -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l half-spread-bps -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l interval -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l on-exit -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l on-restart -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l max-inventory -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l max-loss -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l profile -r
complete -c pfmm -n "__pfmm_at 'ladder start'" -l json
complete -c pfmm -n "__pfmm_at 'ladder start'" -l quiet
complete -c pfmm -n "__pfmm_at 'ladder start'" -l verbose
complete -c pfmm -n "__pfmm_at 'ladder start'" -l version
complete -c pfmm -n "__pfmm_at 'ladder start'" -l help
complete -c pfmm -n "__pfmm_at 'ladder status'" -l profile -r
complete -c pfmm -n "__pfmm_at 'ladder status'" -l json
complete -c pfmm -n "__pfmm_at 'ladder status'" -l quiet
complete -c pfmm -n "__pfmm_at 'ladder status'" -l verbose
complete -c pfmm -n "__pfmm_at 'ladder status'" -l version
complete -c pfmm -n "__pfmm_at 'ladder status'" -l help
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l flatten
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l yes
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l profile -r
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l json
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l quiet
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l verbose
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l version
complete -c pfmm -n "__pfmm_at 'ladder stop'" -l help
complete -c pfmm -n "__pfmm_at 'grid plan'" -l lower -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l upper -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l range-pct -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l levels -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l size -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l spacing -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l on-breakout -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l profile -r
complete -c pfmm -n "__pfmm_at 'grid plan'" -l json
complete -c pfmm -n "__pfmm_at 'grid plan'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid plan'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid plan'" -l version
complete -c pfmm -n "__pfmm_at 'grid plan'" -l help
complete -c pfmm -n "__pfmm_at 'grid start'" -l cycles -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l once
complete -c pfmm -n "__pfmm_at 'grid start'" -l detach
complete -c pfmm -n "__pfmm_at 'grid start'" -l dry-run
complete -c pfmm -n "__pfmm_at 'grid start'" -l exit-code
complete -c pfmm -n "__pfmm_at 'grid start'" -l yes
complete -c pfmm -n "__pfmm_at 'grid start'" -l lower -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l upper -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l range-pct -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l levels -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l size -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l spacing -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l on-breakout -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l interval -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l on-exit -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l on-restart -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l max-inventory -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l max-loss -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l profile -r
complete -c pfmm -n "__pfmm_at 'grid start'" -l json
complete -c pfmm -n "__pfmm_at 'grid start'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid start'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid start'" -l version
complete -c pfmm -n "__pfmm_at 'grid start'" -l help
complete -c pfmm -n "__pfmm_at 'grid status'" -l profile -r
complete -c pfmm -n "__pfmm_at 'grid status'" -l json
complete -c pfmm -n "__pfmm_at 'grid status'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid status'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid status'" -l version
complete -c pfmm -n "__pfmm_at 'grid status'" -l help
complete -c pfmm -n "__pfmm_at 'grid stop'" -l flatten
complete -c pfmm -n "__pfmm_at 'grid stop'" -l yes
complete -c pfmm -n "__pfmm_at 'grid stop'" -l profile -r
complete -c pfmm -n "__pfmm_at 'grid stop'" -l json
complete -c pfmm -n "__pfmm_at 'grid stop'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid stop'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid stop'" -l version
complete -c pfmm -n "__pfmm_at 'grid stop'" -l help
complete -c pfmm -n "__pfmm_at 'backtest run'" -l data -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l from -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l to -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l set -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l interval -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l latency-ms -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l funding -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l queue -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l mode -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l format -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l skip-bad -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l price-step -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l size-step -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l no-cache
complete -c pfmm -n "__pfmm_at 'backtest run'" -l fees -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l maker-bps -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l taker-bps -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l html -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l profile -r
complete -c pfmm -n "__pfmm_at 'backtest run'" -l json
complete -c pfmm -n "__pfmm_at 'backtest run'" -l quiet
complete -c pfmm -n "__pfmm_at 'backtest run'" -l verbose
complete -c pfmm -n "__pfmm_at 'backtest run'" -l version
complete -c pfmm -n "__pfmm_at 'backtest run'" -l help
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l data -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l set -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l random -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l seed -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l folds -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l jobs -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l scheduler -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l results -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l csv -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l from -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l to -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l interval -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l latency-ms -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l funding -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l queue -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l format -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l skip-bad -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l price-step -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l size-step -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l no-cache
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l fees -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l maker-bps -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l taker-bps -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l profile -r
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l json
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l quiet
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l verbose
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l version
complete -c pfmm -n "__pfmm_at 'backtest sweep'" -l help
complete -c pfmm -n "__pfmm_at 'backtest data'" -l format -r
complete -c pfmm -n "__pfmm_at 'backtest data'" -l skip-bad -r
complete -c pfmm -n "__pfmm_at 'backtest data'" -l check
complete -c pfmm -n "__pfmm_at 'backtest data'" -l convert -r
complete -c pfmm -n "__pfmm_at 'backtest data'" -l market -r
complete -c pfmm -n "__pfmm_at 'backtest data'" -l no-cache
complete -c pfmm -n "__pfmm_at 'backtest data'" -l profile -r
complete -c pfmm -n "__pfmm_at 'backtest data'" -l json
complete -c pfmm -n "__pfmm_at 'backtest data'" -l quiet
complete -c pfmm -n "__pfmm_at 'backtest data'" -l verbose
complete -c pfmm -n "__pfmm_at 'backtest data'" -l version
complete -c pfmm -n "__pfmm_at 'backtest data'" -l help
complete -c pfmm -n "__pfmm_at 'paper status'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper status'" -l json
complete -c pfmm -n "__pfmm_at 'paper status'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper status'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper status'" -l version
complete -c pfmm -n "__pfmm_at 'paper status'" -l help
complete -c pfmm -n "__pfmm_at 'paper reset'" -l yes
complete -c pfmm -n "__pfmm_at 'paper reset'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper reset'" -l json
complete -c pfmm -n "__pfmm_at 'paper reset'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper reset'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper reset'" -l version
complete -c pfmm -n "__pfmm_at 'paper reset'" -l help
complete -c pfmm -n "__pfmm_at 'paper deposit'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper deposit'" -l json
complete -c pfmm -n "__pfmm_at 'paper deposit'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper deposit'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper deposit'" -l version
complete -c pfmm -n "__pfmm_at 'paper deposit'" -l help
complete -c pfmm -n "__pfmm_at 'paper serve'" -l port -r
complete -c pfmm -n "__pfmm_at 'paper serve'" -l faults -r
complete -c pfmm -n "__pfmm_at 'paper serve'" -l latency-ms -r
complete -c pfmm -n "__pfmm_at 'paper serve'" -l rate-limit
complete -c pfmm -n "__pfmm_at 'paper serve'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper serve'" -l json
complete -c pfmm -n "__pfmm_at 'paper serve'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper serve'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper serve'" -l version
complete -c pfmm -n "__pfmm_at 'paper serve'" -l help
complete -c pfmm -n "__pfmm_at 'paper feed'" -f -a synthetic -d 'Trade in a made-up market: endless, the same for the same seed.'
complete -c pfmm -n "__pfmm_at 'paper feed'" -f -a replay -d 'Trade in recorded data.'
complete -c pfmm -n "__pfmm_at 'paper feed'" -f -a live -d 'Trade with paper money on a real venue\'s public data.'
complete -c pfmm -n "__pfmm_at 'paper feed'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper feed'" -l json
complete -c pfmm -n "__pfmm_at 'paper feed'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper feed'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper feed'" -l version
complete -c pfmm -n "__pfmm_at 'paper feed'" -l help
complete -c pfmm -n "__pfmm_at 'profile list'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile list'" -l json
complete -c pfmm -n "__pfmm_at 'profile list'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile list'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile list'" -l version
complete -c pfmm -n "__pfmm_at 'profile list'" -l help
complete -c pfmm -n "__pfmm_at 'profile show'" -l market -r
complete -c pfmm -n "__pfmm_at 'profile show'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile show'" -l json
complete -c pfmm -n "__pfmm_at 'profile show'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile show'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile show'" -l version
complete -c pfmm -n "__pfmm_at 'profile show'" -l help
complete -c pfmm -n "__pfmm_at 'profile create'" -l venue -r
complete -c pfmm -n "__pfmm_at 'profile create'" -l account -r
complete -c pfmm -n "__pfmm_at 'profile create'" -l from -r
complete -c pfmm -n "__pfmm_at 'profile create'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile create'" -l json
complete -c pfmm -n "__pfmm_at 'profile create'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile create'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile create'" -l version
complete -c pfmm -n "__pfmm_at 'profile create'" -l help
complete -c pfmm -n "__pfmm_at 'profile use'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile use'" -l json
complete -c pfmm -n "__pfmm_at 'profile use'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile use'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile use'" -l version
complete -c pfmm -n "__pfmm_at 'profile use'" -l help
complete -c pfmm -n "__pfmm_at 'profile set'" -l market -r
complete -c pfmm -n "__pfmm_at 'profile set'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile set'" -l json
complete -c pfmm -n "__pfmm_at 'profile set'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile set'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile set'" -l version
complete -c pfmm -n "__pfmm_at 'profile set'" -l help
complete -c pfmm -n "__pfmm_at 'profile unset'" -l market -r
complete -c pfmm -n "__pfmm_at 'profile unset'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile unset'" -l json
complete -c pfmm -n "__pfmm_at 'profile unset'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile unset'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile unset'" -l version
complete -c pfmm -n "__pfmm_at 'profile unset'" -l help
complete -c pfmm -n "__pfmm_at 'profile path'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile path'" -l json
complete -c pfmm -n "__pfmm_at 'profile path'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile path'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile path'" -l version
complete -c pfmm -n "__pfmm_at 'profile path'" -l help
complete -c pfmm -n "__pfmm_at 'profile delete'" -l yes
complete -c pfmm -n "__pfmm_at 'profile delete'" -l profile -r
complete -c pfmm -n "__pfmm_at 'profile delete'" -l json
complete -c pfmm -n "__pfmm_at 'profile delete'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile delete'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile delete'" -l version
complete -c pfmm -n "__pfmm_at 'profile delete'" -l help
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l seed -r
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l speed -r
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l at -r
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l fees -r
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l maker-bps -r
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l taker-bps -r
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l reset
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l json
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l version
complete -c pfmm -n "__pfmm_at 'paper feed synthetic'" -l help
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l speed -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l at -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l fees -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l maker-bps -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l taker-bps -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l reset
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l idle-pause
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l no-idle-pause
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l market -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l format -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l skip-bad -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l json
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l version
complete -c pfmm -n "__pfmm_at 'paper feed replay'" -l help
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l venue -r
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l testnet
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l url -r
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l fees -r
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l maker-bps -r
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l taker-bps -r
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l reset
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l profile -r
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l json
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l quiet
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l verbose
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l version
complete -c pfmm -n "__pfmm_at 'paper feed live'" -l help
