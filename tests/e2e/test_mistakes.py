"""What newcomers type, and that each answer names the next step. In this process, on one home, nothing is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.driver import run_here

# the line as it is typed, and what its answer says to do
MISTAKES = (
    # a word that is no command and whose meaning is plain
    ("status", "`pfmm grid status`"),
    ("stop", "`pfmm grid stop`"),
    ("stop BTC", "`pfmm grid stop`"),
    ("balance", "`pfmm inventory`"),
    ("positions", "`pfmm inventory`"),
    ("orders", "`pfmm grid status`"),
    ("cancel", "`pfmm flatten BTC-PERP --cancel-only`"),
    ("cancel ETH", "`pfmm flatten ETH --cancel-only`"),
    ("close", "`pfmm flatten BTC-PERP`"),
    ("close sol", "`pfmm flatten sol`"),
    ("buy", "`pfmm grid start BTC-PERP`"),
    ("sell BTC 0.1", "`pfmm flatten BTC`"),
    ("start", "`pfmm grid start BTC-PERP`"),
    ("start ETH-PERP", "`pfmm grid start ETH-PERP`"),
    ("run BTC", "`pfmm grid start BTC`"),
    ("config", "`pfmm profile show`"),
    ("settings", "`pfmm profile show`"),
    ("init", "`pfmm profile create live --venue VENUE`"),
    ("login", "`pfmm profile create live --venue VENUE`"),
    ("set grid.levels 20", "`pfmm profile set grid.levels 20`"),
    ("price BTC", "`pfmm quote show BTC`"),
    ("depth BTC", "`pfmm book BTC`"),
    ("orderbook", "`pfmm book BTC-PERP`"),
    ("symbols", "`pfmm markets`"),
    ("list", "`pfmm markets`"),
    ("venues", "`pfmm help venues`"),
    ("pnl", "`pfmm report`"),
    ("history", "`pfmm report`"),
    ("trades", "`pfmm events`"),
    ("tail", "`pfmm logs --follow`"),
    ("watch", "`pfmm events --follow`"),
    ("check", "`pfmm doctor`"),
    ("simulate", "`pfmm backtest run grid BTC-PERP --data FILE`"),
    ("optimize BTC", "`pfmm backtest sweep grid BTC --data FILE"),
    ("download BTC", "`pfmm record BTC --out FILE`"),
    ("rates", "`pfmm funding --all`"),
    ("unhalt", "`pfmm resume`"),
    ("version", "`pfmm --version`"),
    ("man", "`pfmm help`"),
    ("panic", "`pfmm flatten --all`"),
    ("kill", "`pfmm grid stop`"),
    ("live", "`pfmm profile create live --venue VENUE`"),
    ("real", "`pfmm profile create live --venue VENUE`"),
    ("as BTC", "`pfmm quote show BTC`"),
    ("quit", "`pfmm grid stop`"),
    ("agents", "`pfmm help agents`"),
    # slips of the pen
    ("gird start BTC", "`pfmm grid start BTC`"),
    ("grdi", "`pfmm grid`"),
    ("quotes show BTC", "`pfmm quote show BTC`"),
    ("fundng BTC", "`pfmm funding BTC`"),
    ("invetory", "`pfmm inventory`"),
    ("flaten --all", "`pfmm flatten --all`"),
    ("backtets run grid BTC", "`pfmm backtest run grid BTC`"),
    ("profil show", "`pfmm profile show`"),
    ("market", "`pfmm markets`"),
    ("docter", "`pfmm doctor`"),
    ("GRID start BTC", "`pfmm grid start BTC`"),
    ("Inventory", "`pfmm inventory`"),
    ("grid strat BTC", "`pfmm grid start BTC`"),
    ("grid START BTC", "`pfmm grid start BTC`"),
    ("quote sho BTC", "`pfmm quote show BTC`"),
    ("paper statsu", "`pfmm paper status`"),
    ("profile craete live", "`pfmm profile create live`"),
    ("pfmm grid start BTC", "`pfmm grid start BTC`"),
    # the right words in another order
    ("start grid BTC", "`pfmm grid start BTC`"),
    ("start grid BTC --levels 5", "`pfmm grid start BTC --levels 5`"),
    ("show quote BTC", "`pfmm quote show BTC`"),
    ("BTC grid start", "`pfmm grid start BTC`"),
    ("BTC-PERP start grid", "`pfmm grid start BTC-PERP`"),
    ("stop the grid", "`pfmm grid stop`"),
    ("status grid", "`pfmm grid status`"),
    ("run backtest grid BTC", "`pfmm backtest run grid BTC`"),
    ("create profile live", "`pfmm profile create live`"),
    ("BTC", "`pfmm quote show BTC`"),
    ("BTC-PERP", "`pfmm grid start BTC-PERP`"),
    ("grid BTC-PERP", "`pfmm grid start BTC-PERP`"),
    ("grid btc", "`pfmm grid plan btc`"),
    ("quote ETH", "`pfmm quote show ETH`"),
    ("ladder SOL --levels 3", "`pfmm ladder start SOL --levels 3`"),
    ("grid BTC start", "`pfmm grid start BTC`"),
    ("grid --levels 5 start BTC", "`pfmm grid start BTC --levels 5`"),
    ("quote --gamma 0.1 show BTC", "`pfmm quote show BTC --gamma 0.1`"),
    ("deposit 1000", "`pfmm paper deposit 1000`"),
    ("reset", "`pfmm paper reset`"),
    ("serve --port 80", "`pfmm paper serve --port 80`"),
    ("feed synthetic", "`pfmm paper feed synthetic`"),
    ("sweep grid BTC", "`pfmm backtest sweep grid BTC`"),
    ("use live", "`pfmm profile use live`"),
    ("paper replay a.gz", "`pfmm paper feed replay a.gz`"),
    ("paper start", "`pfmm paper serve`"),
    ("paper balance", "`pfmm paper status`"),
    ("backtest grid BTC --data a.gz", "`pfmm backtest run grid BTC --data a.gz`"),
    ("backtest optimize grid BTC", "`pfmm backtest sweep grid BTC`"),
    ("profile paper", "`pfmm profile use paper`"),
    ("profile add live", "`pfmm profile create live`"),
    ("profile switch live", "`pfmm profile use live`"),
    ("profile rm live", "`pfmm profile delete live`"),
    ("grid run BTC", "`pfmm grid start BTC`"),
    ("grid cancel BTC", "`pfmm grid stop BTC`"),
    ("grid show BTC", "`pfmm grid plan BTC`"),
    ("quote plan BTC", "`pfmm quote show BTC`"),
    ("grid list", "`pfmm grid status`"),
    ("grid help", "`pfmm help grid`"),
    # all
    ("flatten all", "`pfmm flatten --all`"),
    ("flatten everything --yes", "`pfmm flatten --all`"),
    ("flatten", "--all for the whole account"),
    ("funding all", "`pfmm funding --all`"),
    ("funding", "--all for every market"),
    ("inventory all", "`pfmm inventory`"),
    ("grid stop all", "leave it out"),
    ("grid status all", "leave it out"),
    ("quote start all", "`pfmm quote start BTC ETH`"),
    ("markets all", "`pfmm markets`"),
    # options
    ("grid start BTC --level 5", "`pfmm grid start BTC --levels 5`"),
    ("grid start BTC --lvels=5", "`pfmm grid start BTC --levels 5`"),
    ("grid start BTC -levels 5", "`pfmm grid start BTC --levels 5`"),
    ("grid start BTC --amount 50", "`pfmm grid start BTC --size 50`"),
    ("grid start BTC --low 1 --upper 2", "`pfmm grid start BTC --lower 1 --upper 2`"),
    ("grid start BTC --max_inventory 100", "`pfmm grid start BTC --max-inventory 100`"),
    ("grid start BTC --stop-loss 50", "`pfmm grid start BTC --max-loss 50`"),
    ("grid start BTC --background", "`pfmm grid start BTC --detach`"),
    ("grid start BTC -d", "`pfmm grid start BTC --detach`"),
    ("grid start BTC --dryrun", "`pfmm grid start BTC --dry-run`"),
    ("grid start BTC --force", "`pfmm grid start BTC --yes`"),
    ("grid start BTC --every 5", "`pfmm grid start BTC --interval 5`"),
    ("grid start BTC --live", "`pfmm profile create live --venue VENUE`"),
    ("grid start BTC --api-key sk_live_abc", "set PFMM_API_KEY"),
    ("grid start --market BTC", "`pfmm grid start BTC`"),
    ("grid start --symbol=BTCUSDT", "`pfmm grid start BTCUSDT`"),
    ("quote show -m BTC", "`pfmm quote show BTC`"),
    ("ladder show BTC --step 5", "`pfmm ladder show BTC --spacing-bps 5`"),
    ("quote show BTC --spread 5", "`pfmm quote show BTC --half-spread-bps 5`"),
    ("funding --all --top 5", "`pfmm funding --all --limit 5`"),
    ("funding BTC --live", "`pfmm profile create live --venue VENUE`"),
    ("funding BTC --follow", "`pfmm funding BTC --watch`"),
    ("inventory --every 5", "`pfmm inventory --interval 5`"),
    ("report --last 24h", "`pfmm report --since 24h`"),
    ("report --from 24h", "`pfmm report --since 24h`"),
    ("backtest run grid BTC --file a.gz", "`pfmm backtest run grid BTC --data a.gz`"),
    ("backtest run grid BTC --data a.gz --levels 5", "`pfmm backtest run grid BTC --data a.gz --set grid.levels=5`"),
    ("backtest run grid BTC --data a.gz --start 2025-01-01", "--data a.gz --from 2025-01-01`"),
    ("backtest sweep grid BTC --data a.gz --workers 4", "`pfmm backtest sweep grid BTC --data a.gz --jobs 4`"),
    ("flatten BTC --slippage 10", "`pfmm flatten BTC --max-slippage-bps 10`"),
    ("flatten --everything", "`pfmm flatten --all`"),
    ("record BTC --output a.gz", "`pfmm record BTC --out a.gz`"),
    ("doctor --debug", "`pfmm doctor --verbose`"),
    ("inventory --as-json", "`pfmm inventory --json`"),
    ("markets --filter BTC", "`pfmm markets --search BTC`"),
    ("profile create live --exchange hyperliquid", "`pfmm profile create live --venue hyperliquid`"),
    ("funding BTC --levels 5", "--levels belongs to"),
    ("grid start BTC --levels", "`pfmm grid start BTC --levels 10`"),
    ("grid start BTC --on-exit", "`pfmm grid start BTC --on-exit cancel`"),
    ("flatten --all=true", "`pfmm flatten --all`"),
    # values
    ("grid start BTC --levels 1", "must be 2 to 500, not 1"),
    ("grid start BTC --levels ten", "must be a whole number, not 'ten'"),
    ("grid start BTC --size 0", "must be above 0"),
    ("grid start BTC --size $20", "write 20 alone"),
    ("grid start BTC --size 20USD", "write 20 alone"),
    ("grid start BTC --size 1,000", "write 1000 or 1_000"),
    ("grid start BTC --size 0,5", "the decimal sign is a point, 0.5"),
    ("grid start BTC --lower 60m", "a million is 60M"),
    ("grid start BTC --range-pct 5%", "write 5 alone"),
    ("grid start BTC --interval 5min", "write 5m"),
    ("grid start BTC --interval 1M", "1m are minutes"),
    ("grid start BTC --on-exit close", "cancel | keep | flatten"),
    ("grid start BTC --on-exit flaten", "did you mean flatten?"),
    ("grid start BTC --spacing geom", "did you mean geometric?"),
    ("grid start BTC --cycles 0", "must be above 0"),
    ("grid start BTC --max-inventory -5", "must be above 0"),
    ("grid plan BTC --lower 2 --upper 1", "lower"),
    ("quote show BTC --model avellaneda", "glft | as | fixed"),
    ("funding BTC --sort best", "rate | apr | market"),
    ("funding BTC --history 1M", "30d"),
    ("report --since 1M", "1m are minutes, and a month is written in days, such as 30d"),
    ("report --since yesterday", "write 2d"),
    ("report --since 2d ago", "`pfmm report --since 2d`"),
    ("report --since 29.11.2026", "2026-11-29"),
    ("inventory --assert ratio<0.5%", "column"),
    ("inventory --assert equity=5", "=="),
    ("paper deposit -5", "a negative value goes behind two dashes"),
    ("paper deposit ten", "must be a number, not 'ten'"),
    ("paper feed synthetic --seed abc", "must be a whole number"),
    ("paper feed synthetic --fees kraken", "hyperliquid"),
    ("backtest run gird BTC --data a.gz", "did you mean grid?"),
    ("backtest run BTC grid --data a.gz", "`pfmm backtest run grid BTC --data a.gz`"),
    ("backtest run grid BTC --data no-such-file.gz", "no-such-file.gz"),
    ("backtest run grid BTC --data a.gz --set levels=20", "grid.levels"),
    ("backtest run grid BTC --data a.gz --set grid.levels", "key=value"),
    ("backtest run grid BTC --data a.gz --queue fair", "pessimistic"),
    # markets
    ("grid plan BTC-PREP", "did you mean BTC-PERP?"),
    ("grid plan XBT", "did you mean BTC-PERP"),
    ("grid plan bitcoin", "did you mean BTC-PERP"),
    ("quote show BTC-31DEC25", "did you mean BTC-PERP"),
    ("funding ETHH", "did you mean ETH-PERP"),
    ("funding rate BTC", "`pfmm funding BTC`"),
    ("funding rates", "`pfmm funding --all`"),
    ("funding of btc", "`pfmm funding btc`"),
    ("funding xyzzy", "`pfmm markets` lists them"),
    ("inventory for ETH", "`pfmm inventory ETH`"),
    ("markets BTC-PREP", "did you mean BTC-PERP?"),
    ("grid start BTC,ETH", "write BTC, then the same with ETH"),
    ("grid start BTC ETH", "`pfmm grid start BTC`, then `pfmm grid start ETH`"),
    # profiles, settings, topics
    ("--profile liev grid status", "`pfmm profile create liev --venue VENUE`"),
    ("--profile papr inventory", "did you mean paper?"),
    ("profile use live", "`pfmm profile create live --venue VENUE`"),
    ("profile create", "`pfmm profile create NAME`"),
    ("profile create live --venue binance", "paper | purpleflea | hyperliquid"),
    ("profile set grid.levls 20", "did you mean grid.levels?"),
    ("profile set levels 20", "grid.levels"),
    ("profile set grid.levels", "`pfmm profile set grid.levels VALUE`"),
    ("profile set", "`pfmm profile set grid.levels 20`"),
    ("profile set secret.value abc", "PFMM_API_KEY"),
    ("profile delete paper", "`pfmm paper reset`"),
    ("help gird", "did you mean `pfmm help grid`?"),
    ("help setings", "`pfmm help` lists the topics"),
    ("grid start", "`pfmm grid start BTC-PERP`"),
    ("quote show --json", "`pfmm quote show BTC-PERP --json`"),
    ("backtest run grid", "`pfmm backtest run grid BTC-PERP`"),
    ("backtest run", "`pfmm backtest run grid`"),
    ("record BTC", "`pfmm record BTC --out FILE`"),
    ("completions", "`pfmm completions bash`"),
    ("completions powershell", "`pfmm completions bash`"),
    ("resume BTC", "`pfmm resume`"),
    ("doctor deep", "`pfmm doctor --deep`"),
    ("report BTC", "`pfmm report --market BTC`"),
    ("report 24h", "`pfmm report --since 24h`"),
    ("grid start BTC --once --detach", "leave one of --once and --detach out"),
    ("grid start BTC --exit-code", "add --dry-run"),
    # units, quotes, other people's commas
    ("grid plan BTC --size 1.000,50", "write 1000.50"),
    ("grid plan BTC --lower −5", "write -5"),
    ("grid plan BTC --size ２０", "write 20"),
    ("grid plan BTC --lower 60k$", "write 60k alone"),
    ("grid plan BTC --levels ten", "whole number"),
    ("grid start BTC --interval 3sec --once", "write 3s"),
    ("grid plan BTC --max-inventory 500usd", "`pfmm quote show`"),
    ("inventory --assert ratio<50%", "write the number alone"),
    # words for what pfmm has elsewhere, or nowhere
    ("grid stop --all", "`pfmm grid stop`"),
    ("markets --all", "`pfmm markets`"),
    ("grid start BTC --leverage 10", "--max-inventory"),
    ("grid start BTC --take-profit 5", "--max-loss"),
    ("quote start BTC --demo", "play money"),
    ("funding BTC --format json", "`pfmm funding BTC --json`"),
    ("funding BTC -o json", "`pfmm funding BTC --json`"),
    ("funding BTC --output=json", "`pfmm funding BTC --json`"),
    ("pause", "`pfmm grid stop BTC-PERP`"),
    ("backtest run grid BTC --data x.gz --set grid.levels 5", "--set grid.levels=5`"),
    ("backtest run grid BTC --data no-file.csv", "`pfmm help data`"),
    ("profile create my profile", "`pfmm profile create my-profile`"),
    ("flatten BTC --half --cancel-only", "leave one of the two out"),
    ("grid stop BTC-PERP --flaten", "`pfmm grid stop BTC-PERP --flatten`"),
    ("bananas", "`pfmm --help` lists the commands"),
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mistakes")


def test_there_are_two_hundred_and_no_line_twice() -> None:
    assert len({line for line, _ in MISTAKES}) == len(MISTAKES) >= 200


@pytest.mark.parametrize(("line", "step"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_the_answer_names_the_next_step(home: Path, line: str, step: str) -> None:
    done = run_here(*line.split(), home=home)
    assert done.code not in (0, 1)
    said = done.out + done.err
    assert step in said
    assert "Traceback" not in said
    assert "sk_live" not in said


def test_every_line_that_is_suggested_is_one_of_pfmm() -> None:
    """The words of the tables name real commands and options: a suggestion must not lead to the next mistake."""
    from pfmm.cli import app, plain_words
    from pfmm.cli.typer_seam import tree

    nodes = {node.path: node for node in tree(app.build())}
    options = {name for node in nodes.values() for option in node.options for name in option.names}
    for templates in plain_words.COMMANDS.values():
        for line in templates:
            words = line.split()
            path = next((" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in nodes), "")
            assert path or words[0] == "--version", line
            known = {name for option in nodes[path].options for name in option.names}
            assert {word for word in words if word.startswith("--")} <= known, line
    assert {name for names in plain_words.OPTIONS.values() for name in names} <= options
    for group, table in plain_words.GROUPS.items():
        meant = {one.format(word=word).split()[0] for word, names in table.items() for one in names}
        assert meant <= set(nodes[group].children), group
