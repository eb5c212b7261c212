# fish completion of pfmm; made by `pfmm completions fish`
function __pfmm_at
    set -l at ""
    set -l known 'grid' 'profile' 'help' 'completions' 'grid plan' 'grid start' 'grid status' 'grid stop' 'profile list' 'profile show' 'profile create' 'profile use' 'profile set' 'profile unset' 'profile path' 'profile delete'
    for word in (commandline -opc)[2..-1]
        set -l try (string trim -- "$at $word")
        contains -- $try $known; and set at $try
    end
    test "$at" = "$argv[1]"
end
complete -c pfmm -n "__pfmm_at ''" -f -a grid -d 'Trade a grid of orders: plan, start, status, stop.'
complete -c pfmm -n "__pfmm_at ''" -f -a profile -d 'The config store: profiles and their settings (see `pfmm help...'
complete -c pfmm -n "__pfmm_at ''" -f -a help -d 'Show a reference page: exit-codes, json, config, venues, formulas,...'
complete -c pfmm -n "__pfmm_at ''" -f -a completions -d 'Print the completion script of a shell (the files in completions/...'
complete -c pfmm -n "__pfmm_at ''" -l profile
complete -c pfmm -n "__pfmm_at ''" -l json
complete -c pfmm -n "__pfmm_at ''" -l quiet
complete -c pfmm -n "__pfmm_at ''" -l verbose
complete -c pfmm -n "__pfmm_at ''" -l version
complete -c pfmm -n "__pfmm_at ''" -l help
complete -c pfmm -n "__pfmm_at 'grid'" -f -a plan -d 'Show the grid that would start now: lines, orders, profit a round...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a start -d 'Run a grid on MARKET: buys below the price, sells above it, each...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a status -d 'Show the grids of this account: state, resting orders, fills, round...'
complete -c pfmm -n "__pfmm_at 'grid'" -f -a stop -d 'Stop the grid, cancel its orders and prove that none is left; works...'
complete -c pfmm -n "__pfmm_at 'grid'" -l profile
complete -c pfmm -n "__pfmm_at 'grid'" -l json
complete -c pfmm -n "__pfmm_at 'grid'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid'" -l version
complete -c pfmm -n "__pfmm_at 'grid'" -l help
complete -c pfmm -n "__pfmm_at 'profile'" -f -a list -d 'List the profiles; the active one is marked.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a show -d 'Show every setting of a profile as a command would see it, and...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a create -d 'Create a profile.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a use -d 'Make a profile the active one: commands without --profile use it.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a set -d 'Set a setting of the active profile (or of --profile NAME).'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a unset -d 'Remove a setting of the active profile (or of --profile NAME), back...'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a path -d 'Show where the config file, the state and the logs are.'
complete -c pfmm -n "__pfmm_at 'profile'" -f -a delete -d 'Delete a profile; neither the active nor the built-in one.'
complete -c pfmm -n "__pfmm_at 'profile'" -l profile
complete -c pfmm -n "__pfmm_at 'profile'" -l json
complete -c pfmm -n "__pfmm_at 'profile'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile'" -l version
complete -c pfmm -n "__pfmm_at 'profile'" -l help
complete -c pfmm -n "__pfmm_at 'help'" -l profile
complete -c pfmm -n "__pfmm_at 'help'" -l json
complete -c pfmm -n "__pfmm_at 'help'" -l quiet
complete -c pfmm -n "__pfmm_at 'help'" -l verbose
complete -c pfmm -n "__pfmm_at 'help'" -l version
complete -c pfmm -n "__pfmm_at 'help'" -l help
complete -c pfmm -n "__pfmm_at 'completions'" -l profile
complete -c pfmm -n "__pfmm_at 'completions'" -l json
complete -c pfmm -n "__pfmm_at 'completions'" -l quiet
complete -c pfmm -n "__pfmm_at 'completions'" -l verbose
complete -c pfmm -n "__pfmm_at 'completions'" -l version
complete -c pfmm -n "__pfmm_at 'completions'" -l help
complete -c pfmm -n "__pfmm_at 'grid plan'" -l lower
complete -c pfmm -n "__pfmm_at 'grid plan'" -l upper
complete -c pfmm -n "__pfmm_at 'grid plan'" -l range-pct
complete -c pfmm -n "__pfmm_at 'grid plan'" -l levels
complete -c pfmm -n "__pfmm_at 'grid plan'" -l size
complete -c pfmm -n "__pfmm_at 'grid plan'" -l spacing
complete -c pfmm -n "__pfmm_at 'grid plan'" -l on-breakout
complete -c pfmm -n "__pfmm_at 'grid plan'" -l profile
complete -c pfmm -n "__pfmm_at 'grid plan'" -l json
complete -c pfmm -n "__pfmm_at 'grid plan'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid plan'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid plan'" -l version
complete -c pfmm -n "__pfmm_at 'grid plan'" -l help
complete -c pfmm -n "__pfmm_at 'grid start'" -l lower
complete -c pfmm -n "__pfmm_at 'grid start'" -l upper
complete -c pfmm -n "__pfmm_at 'grid start'" -l range-pct
complete -c pfmm -n "__pfmm_at 'grid start'" -l levels
complete -c pfmm -n "__pfmm_at 'grid start'" -l size
complete -c pfmm -n "__pfmm_at 'grid start'" -l spacing
complete -c pfmm -n "__pfmm_at 'grid start'" -l on-breakout
complete -c pfmm -n "__pfmm_at 'grid start'" -l interval
complete -c pfmm -n "__pfmm_at 'grid start'" -l cycles
complete -c pfmm -n "__pfmm_at 'grid start'" -l once
complete -c pfmm -n "__pfmm_at 'grid start'" -l detach
complete -c pfmm -n "__pfmm_at 'grid start'" -l dry-run
complete -c pfmm -n "__pfmm_at 'grid start'" -l exit-code
complete -c pfmm -n "__pfmm_at 'grid start'" -l on-exit
complete -c pfmm -n "__pfmm_at 'grid start'" -l on-restart
complete -c pfmm -n "__pfmm_at 'grid start'" -l max-inventory
complete -c pfmm -n "__pfmm_at 'grid start'" -l max-loss
complete -c pfmm -n "__pfmm_at 'grid start'" -l yes
complete -c pfmm -n "__pfmm_at 'grid start'" -l profile
complete -c pfmm -n "__pfmm_at 'grid start'" -l json
complete -c pfmm -n "__pfmm_at 'grid start'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid start'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid start'" -l version
complete -c pfmm -n "__pfmm_at 'grid start'" -l help
complete -c pfmm -n "__pfmm_at 'grid status'" -l profile
complete -c pfmm -n "__pfmm_at 'grid status'" -l json
complete -c pfmm -n "__pfmm_at 'grid status'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid status'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid status'" -l version
complete -c pfmm -n "__pfmm_at 'grid status'" -l help
complete -c pfmm -n "__pfmm_at 'grid stop'" -l flatten
complete -c pfmm -n "__pfmm_at 'grid stop'" -l profile
complete -c pfmm -n "__pfmm_at 'grid stop'" -l json
complete -c pfmm -n "__pfmm_at 'grid stop'" -l quiet
complete -c pfmm -n "__pfmm_at 'grid stop'" -l verbose
complete -c pfmm -n "__pfmm_at 'grid stop'" -l version
complete -c pfmm -n "__pfmm_at 'grid stop'" -l help
complete -c pfmm -n "__pfmm_at 'profile list'" -l profile
complete -c pfmm -n "__pfmm_at 'profile list'" -l json
complete -c pfmm -n "__pfmm_at 'profile list'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile list'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile list'" -l version
complete -c pfmm -n "__pfmm_at 'profile list'" -l help
complete -c pfmm -n "__pfmm_at 'profile show'" -l market
complete -c pfmm -n "__pfmm_at 'profile show'" -l profile
complete -c pfmm -n "__pfmm_at 'profile show'" -l json
complete -c pfmm -n "__pfmm_at 'profile show'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile show'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile show'" -l version
complete -c pfmm -n "__pfmm_at 'profile show'" -l help
complete -c pfmm -n "__pfmm_at 'profile create'" -l venue
complete -c pfmm -n "__pfmm_at 'profile create'" -l account
complete -c pfmm -n "__pfmm_at 'profile create'" -l from
complete -c pfmm -n "__pfmm_at 'profile create'" -l profile
complete -c pfmm -n "__pfmm_at 'profile create'" -l json
complete -c pfmm -n "__pfmm_at 'profile create'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile create'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile create'" -l version
complete -c pfmm -n "__pfmm_at 'profile create'" -l help
complete -c pfmm -n "__pfmm_at 'profile use'" -l profile
complete -c pfmm -n "__pfmm_at 'profile use'" -l json
complete -c pfmm -n "__pfmm_at 'profile use'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile use'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile use'" -l version
complete -c pfmm -n "__pfmm_at 'profile use'" -l help
complete -c pfmm -n "__pfmm_at 'profile set'" -l market
complete -c pfmm -n "__pfmm_at 'profile set'" -l profile
complete -c pfmm -n "__pfmm_at 'profile set'" -l json
complete -c pfmm -n "__pfmm_at 'profile set'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile set'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile set'" -l version
complete -c pfmm -n "__pfmm_at 'profile set'" -l help
complete -c pfmm -n "__pfmm_at 'profile unset'" -l market
complete -c pfmm -n "__pfmm_at 'profile unset'" -l profile
complete -c pfmm -n "__pfmm_at 'profile unset'" -l json
complete -c pfmm -n "__pfmm_at 'profile unset'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile unset'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile unset'" -l version
complete -c pfmm -n "__pfmm_at 'profile unset'" -l help
complete -c pfmm -n "__pfmm_at 'profile path'" -l profile
complete -c pfmm -n "__pfmm_at 'profile path'" -l json
complete -c pfmm -n "__pfmm_at 'profile path'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile path'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile path'" -l version
complete -c pfmm -n "__pfmm_at 'profile path'" -l help
complete -c pfmm -n "__pfmm_at 'profile delete'" -l yes
complete -c pfmm -n "__pfmm_at 'profile delete'" -l profile
complete -c pfmm -n "__pfmm_at 'profile delete'" -l json
complete -c pfmm -n "__pfmm_at 'profile delete'" -l quiet
complete -c pfmm -n "__pfmm_at 'profile delete'" -l verbose
complete -c pfmm -n "__pfmm_at 'profile delete'" -l version
complete -c pfmm -n "__pfmm_at 'profile delete'" -l help
