"""Words that people type where pfmm has another one. Data only. Layer: cli.

`{market}` stands for the market that was named, else BTC-PERP; `{rest}` for the other words, `{word}` for the word
itself, `{preview}` for what a strategy calls its preview.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(*rows: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Map each word of a row's first text to the rest of the row."""
    return {word: tuple(meant) for words, *meant in rows for word in words.split()}


def _words(text: str) -> list[str]:
    return text.split()


# a word that is no command, and the commands that do what it asks for
COMMANDS = _table(
    ("status state info ps top runs running", "grid status", "quote status", "inventory"),
    ("stop kill end quit exit halt shutdown", "grid stop", "quote stop", "flatten --all"),
    ("balance balances account equity wallet margin portfolio holdings exposure", "inventory"),
    ("positions position pos", "inventory"),
    ("orders order open-orders", "grid status", "book {market}"),
    ("cancel cancel-all cancelall", "flatten {market} --cancel-only", "grid stop {market}"),
    ("close close-all closeall unwind liquidate panic emergency", "flatten {market}", "flatten --all"),
    ("buy sell long short trade place limit hedge", "grid start {market}", "flatten {market}"),
    ("start run go begin launch up bot mm demo", "grid start {market}", "quote start {market}"),
    ("config configure settings setting env conf", "profile show", "profile set grid.levels 20"),
    ("init setup login auth connect signup", "profile create live --venue VENUE"),
    ("set", "profile set {rest}"),
    ("get", "profile show"),
    ("price ticker mid spread", "quote show {market}", "book {market}"),
    ("depth orderbook order-book l2 ob", "book {market}"),
    ("symbols instruments pairs tickers coins list ls", "markets"),
    ("venues exchanges exchange venue", "help venues", "profile create live --venue VENUE"),
    ("pnl profit stats performance metrics summary history results", "report"),
    ("fills trades", "events", "report --csv fills.csv"),
    ("log tail", "logs --follow", "events --follow"),
    ("event watch follow monitor stream", "events --follow", "inventory --watch"),
    ("check health ping diagnose debug selftest update upgrade install", "doctor"),
    ("simulate sim test replay", "backtest run grid {market} --data FILE", "paper status"),
    ("optimize optimise tune hyperopt", "backtest sweep grid {market} --data FILE --set grid.levels=5,10"),
    ("download capture collect", "record {market} --out FILE"),
    ("rates rate apr carry", "funding --all"),
    ("pause freeze suspend", "grid stop {market}", "flatten {market} --cancel-only"),
    ("unhalt unlock restart continue recover", "resume"),
    ("version ver", "--version"),
    ("docs man manual topics usage", "help"),
    ("completion autocomplete complete", "completions bash"),
    ("avellaneda stoikov as glft quotes quoting quoter", "quote show {market}", "quote start {market}"),
    ("grids gridbot", "grid plan {market}", "grid start {market}"),
    ("fund topup faucet withdraw", "paper deposit 1000"),
    ("schema", "help schema"),
    ("agent agents", "help agents"),
)

# words behind a group: what they stand for there
STRATEGY = _table(
    ("run begin launch go on open trade up restart", "start"),
    ("cancel kill end off quit halt close down exit", "stop"),
    ("state info list ls orders ps watch pnl fills check", "status"),
    ("show plan preview draw print calc explain", "{preview}"),
)
GROUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "profile": _table(
        ("add new make init", "create"),
        ("switch select activate choose default", "use"),
        ("get view cat print current info", "show"),
        ("ls all", "list"),
        ("rm remove del", "delete"),
        ("edit change update", "set"),
        ("reset clear", "unset"),
        ("where dir file", "path"),
    ),
    "backtest": _table(
        ("start test simulate", "run"),
        ("optimize optimise tune grid-search compare", "sweep"),
        ("describe info file files inspect", "data"),
    ),
    "paper": _table(
        ("replay synthetic", "feed {word}"),
        ("balance show info account positions", "status"),
        ("fund topup add credit", "deposit"),
        ("restart clear wipe", "reset"),
        ("server start listen http run", "serve"),
        ("market seed source", "feed"),
    ),
}

# options that people guess, and the ones of pfmm that may be meant: the first that the command has
OPTIONS = _table(
    ("amount qty quantity usd notional order-size", "--size"),
    ("low min bottom lower-price", "--lower"),
    ("high top upper-price", "--upper", "--limit"),
    ("max", "--upper", "--max-inventory"),
    ("count n num lines steps grids orders", "--levels", "--limit", "--cycles"),
    ("range width pct percent", "--range-pct"),
    ("step gap distance space spacing", "--spacing-bps", "--spacing"),
    ("geo geometric", "--spacing"),
    ("spread half-spread bps", "--half-spread-bps", "--min-bps"),
    ("dryrun simulate sim preview noop what-if check paper", "--dry-run"),
    ("background daemon bg d fork", "--detach"),
    ("force f confirm no-confirm no-prompt assume-yes", "--yes", "--force"),
    ("refresh every period sleep delay poll i", "--interval", "--since"),
    ("follow w loop monitor tail", "--watch", "--follow"),
    ("max-position inventory-limit max-exposure position-limit", "--max-inventory"),
    ("limit", "--max-inventory"),
    ("stop-loss stoploss sl max-drawdown", "--max-loss"),
    ("file input path csv tape", "--data", "--out"),
    ("output o save", "--out", "--results", "--csv"),
    ("start begin start-date since from from-date", "--from", "--since"),
    ("end until end-date to-date", "--to"),
    ("last days hours", "--since", "--history"),
    ("fee fee-preset maker commission", "--fees", "--maker-bps"),
    ("latency lag", "--latency-ms"),
    ("param parameter config", "--set"),
    ("exit at-exit when-done", "--on-exit"),
    ("restart resume", "--on-restart"),
    ("slippage max-slippage", "--max-slippage-bps"),
    ("everything a whole", "--all"),
    ("cancel orders-only only-cancel", "--cancel-only"),
    ("first", "--limit"),
    ("order-by by", "--sort"),
    ("filter find grep name", "--search"),
    ("workers processes parallel j cores", "--jobs"),
    ("rounds iterations loops times", "--cycles"),
    ("single cron one", "--once"),
    ("vol", "--sigma", "--volume"),
    ("as-json output-json", "--json"),
    ("silent s", "--quiet"),
    ("debug trace vv", "--verbose"),
    ("account user p", "--profile"),
    ("exchange broker", "--venue"),
)
# options that no command has, and why
NOWHERE = _table(
    ("leverage lev", "leverage is the account's, at the venue; --max-inventory USD bounds a position"),
    ("take-profit tp", "a grid takes its profit at each line; --max-loss USD ends a run"),
    ("demo fake play-money dummy", "the profile `paper` is play money, and the one that is used: leave the option out"),
)
AS_JSON = frozenset(_words("format output o out as print fmt"))
MARKET_OPTIONS = frozenset(_words("market m symbol pair coin ticker instrument asset markets symbols"))
KEY_OPTIONS = frozenset(_words("key api-key apikey secret token password private-key api-secret passphrase"))
EVERYTHING = frozenset(_words("all everything every * any"))
# words of a sentence beside markets, as they are typed; a market in capitals may be called so
BESIDE_MARKETS = frozenset(_words("rate rates of for the show check"))
FILLERS = frozenset(_words("please now the a my me on for in with at market markets perp"))  # add nothing
REAL_MONEY = frozenset(_words("live mainnet real prod production real-money"))
