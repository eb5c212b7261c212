"""Every mechanism that the design names has one home: a library in one place, a function of one name in one module."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.test_architecture import imports, modules

# what the design says to do in one way, by the library that does it
LIBRARIES = {
    "locks between processes": ("fcntl", {"pfmm.store.flock"}),
    "the config file": ("tomllib", {"pfmm.config.file"}),
    "writing it": ("tomli_w", {"pfmm.config.file"}),
    "the OS keyring": ("keyring", {"pfmm.config.secrets"}),
    "a command typed as one line": ("shlex", {"pfmm.model.setting"}),
    "keys of a terminal": ("termios", {"pfmm.runner.keyboard"}),
    "a socket under a deadline": (
        "socket",
        {"pfmm.venue.sockets", "pfmm.paper.server.serve"},
    ),
    "runs over a cluster": ("distributed", {"pfmm.backtest.sweep"}),
}

# and by the function that is its home: no other module defines one of that name
FUNCTIONS = {
    "snap_price": "pfmm.strategy.ticks",
    "snap_size": "pfmm.strategy.ticks",
    "reconcile": "pfmm.engine.reconcile",
    "wind_down": "pfmm.engine.cancel",
    "carry_out": "pfmm.runner.leaving",
    "run_to_the_end": "pfmm.runner.leaving",
    "replace_file": "pfmm.store.files",
    "try_lock": "pfmm.store.flock",
    "jsonable": "pfmm.model.encoding",
    "plain": "pfmm.model.text",
    "moment_ms": "pfmm.model.units",
    "span_ms": "pfmm.model.units",
    "parse_seconds": "pfmm.model.units",
    "parse_decimal": "pfmm.model.numbers",
    "parse_integer": "pfmm.model.numbers",
    "spelled": "pfmm.model.spelling",
    "market_name": "pfmm.model.spelling",
    "near": "pfmm.model.spelling",
    "kind_of": "pfmm.strategy.base",
    "setting_of": "pfmm.config.tables",
    "load_settings": "pfmm.config.resolve",
    "emergency_settings": "pfmm.config.resolve",
    "open_exchange": "pfmm.app.embedded",
    "run_spec": "pfmm.app.runs",
    "at_start": "pfmm.app.runs",
    "read_assertion": "pfmm.app.asserting",
    "watch": "pfmm.app.watching",
    "root_command": "pfmm.cli.typer_seam",
    "emit_failure": "pfmm.cli.output",
    "exit_code_table": "pfmm.app.reference",
    "settings_table": "pfmm.app.reference",
    # the cycle: what is wanted, what may be sent, what is sent
    "observe": "pfmm.engine.observe",
    "settle": "pfmm.engine.order_status",
    "data_problem": "pfmm.engine.risk",
    "loss_problem": "pfmm.engine.risk",
    "lag_problem": "pfmm.engine.risk",
    "only_reducing": "pfmm.engine.guards",
    "deviation_bps": "pfmm.engine.guards",
    "desired_stop": "pfmm.engine.protection",
    "keep_in_step": "pfmm.engine.protection",
    "loss_of_account": "pfmm.engine.account_limits",
    "room_of_total": "pfmm.engine.account_limits",
    "moves_of": "pfmm.accounting.adopting",
    "watch_over": "pfmm.app.watchdog",
    "refuse_unprotected": "pfmm.app.protection",
    "hold_crossing": "pfmm.engine.self_trade",
    "close_before": "pfmm.engine.self_trade",
    "intents_of": "pfmm.engine.submit",
    "approve": "pfmm.engine.approval",
    "within_limit": "pfmm.engine.approval",
    "refuse_second": "pfmm.engine.unknown_orders",
    "later_fills": "pfmm.engine.position_check",
    "config_differences": "pfmm.engine.adoption",
    "cancel_remembered": "pfmm.engine.remembered",
    "end_runs": "pfmm.app.ending",
    "run_watched": "pfmm.app.loop",
    "hangup_ignored": "pfmm.runner.signals",
    # what a strategy is built on
    "measured_now": "pfmm.app.runs",
    "recent_trades": "pfmm.venue.recent",
    "calibrate": "pfmm.strategy.calibration",
    "compute_quote": "pfmm.strategy.quote.quoting",
    "plan_grid": "pfmm.strategy.grid.plan",
    "ladder_levels": "pfmm.strategy.ladder.strategy",
    "inventory_state": "pfmm.strategy.inventory",
    "ticker_tilt_ratio": "pfmm.strategy.funding",
    # settings, spellings and what leaves the process
    "from_text": "pfmm.model.setting",
    "place_of": "pfmm.venue.registry",
    "evaluate": "pfmm.assertions",
    "visible": "pfmm.model.text",
    "question_text": "pfmm.cli.prompt",
    "replacing": "pfmm.store.files",
    "transaction": "pfmm.store.database",
    # money
    "entry_tier": "pfmm.model.fees",
    "fees_text": "pfmm.model.fees",
    "next_peak": "pfmm.model.peak",
    "max_drawdown": "pfmm.accounting.metrics",
    "fold_fill": "pfmm.accounting.books",
    "fold_move": "pfmm.accounting.books",
    "net_profit": "pfmm.accounting.ledger",
    "break_even": "pfmm.accounting.edge",
    "charged": "pfmm.paper.feeds.feed",
    # venues and time
    "valid_until_ms": "pfmm.model.expiry",
    "in_process": "pfmm.venue.http",
    "touches": "pfmm.paper.feeds.feed",
    "watched": "pfmm.paper.feeds.feed",
    "open_tape": "pfmm.paper.feeds.replay_tape",
    "share_journals": "pfmm.journal.sharing",
    "assemble": "pfmm.venue.assemble",
    "require_secret": "pfmm.config.secrets",
    "simulate": "pfmm.backtest.simulation",
}

# by the class that is its home
CLASSES = {
    "Session": "pfmm.app.session",
    "Engine": "pfmm.engine.engine",
    "Sender": "pfmm.engine.submit",
    "FillFolder": "pfmm.engine.folding",
    "RunSaver": "pfmm.engine.saving",
    "PositionCheck": "pfmm.engine.position_check",
    "Loop": "pfmm.runner.loop",
    "Inbox": "pfmm.runner.inbox",
    "Keyboard": "pfmm.runner.keyboard",
    "Signals": "pfmm.runner.signals",
    "Listeners": "pfmm.runner.listeners",
    "DeadMan": "pfmm.runner.dead_man",
    "AccountLocks": "pfmm.runner.locks",
    "RunLock": "pfmm.runner.locks",
    "Heartbeat": "pfmm.runner.locks",
    "AccountGuard": "pfmm.engine.account_guard",
    "Teller": "pfmm.runner.telling",
    "FileWatch": "pfmm.journal.watch",
    "BookKeeper": "pfmm.journal.keeper",
    "RunRecords": "pfmm.journal.run_records",
    "EventLog": "pfmm.journal.events",
    "SqlBooks": "pfmm.journal.books",
    "UseLock": "pfmm.store.use_lock",
    "Question": "pfmm.app.contract",
    "RefusalReason": "pfmm.model.refusal",
    "FeeChoice": "pfmm.model.fees",
    "SocketTransport": "pfmm.venue.http",
    "Bearer": "pfmm.venue.http",
    "NonceFile": "pfmm.venue.hyperliquid.nonces",
    "WeightBudget": "pfmm.venue.weights",
    "MarketBook": "pfmm.paper.matching",
    "SyntheticFeed": "pfmm.paper.feeds.synthetic",
    "Channel": "pfmm.runner.listeners",
    "Deadline": "pfmm.model.deadline",
    "Setting": "pfmm.model.setting",
    "Exchange": "pfmm.paper.exchange",
    "HttpClient": "pfmm.venue.client",
    "RateBudget": "pfmm.venue.ratelimit",
    "Recorder": "pfmm.tape.recorder",
    "Kind": "pfmm.strategy.base",
    "EventStream": "pfmm.cli.output",
    "Root": "pfmm.cli.typer_seam",
}
# functions of the same name that are another thing: a parser of options, one backtest's own run, a file's kind, the
# numbers of a dialect, which shares no code with its client, a look at a price, money that changes hands
NAMESAKES = {
    "observe": {"pfmm.strategy.volatility"},
    "settle": {"pfmm.accounting.books"},
    "moment_ms": {"pfmm.cli.times"},
    "span_ms": {"pfmm.cli.times"},
    "kind_of": {"pfmm.backtest.loading"},
    "plain": {"pfmm.paper.wire.purpleflea_json"},
    "fold_fill": {"pfmm.strategy.grid.cells"},
}

# and by what the text of the one module says
TEXTS = {
    "an engine is built for a start, and for a backtest": (
        r"\bEngine\($",
        {"pfmm.app.starting", "pfmm.backtest.simulation"},
    ),
    "the envelope": (r'"pfmm/1"', {"pfmm.cli.output", "pfmm.cli.main", "pfmm.app.schemas"}),
    "one transaction for risk check and intents": (r"BEGIN IMMEDIATE", {"pfmm.journal.journal"}),
    "a signal's way into a wait": (r"set_wakeup_fd", {"pfmm.runner.signals", "pfmm.paper.server.serve"}),
    "a signal to another process": (r"\bos\.kill\((?!os\.getpid|0,)", {"pfmm.runner.locks"}),
    "the latch of an account": (r"HALT\.json", {"pfmm.runner.locks"}),
    "the exchange in this process": (r"\bWSGITransport\b", {"pfmm.venue.http"}),
    "a socket's wait": (r"\bselect\.poll\(", {"pfmm.venue.sockets"}),
    "the resolution of names": (r"\bgetaddrinfo\b", {"pfmm.venue.sockets"}),
    "what outlasts a crash": (r"\bos\.fsync\(", {"pfmm.store.files"}),
    "the version of a file": (r"\buser_version\b", {"pfmm.store.database"}),
    "the table of events": (r"INSERT INTO events", {"pfmm.journal.events"}),
    "a process in the background": (r"start_new_session=True", {"pfmm.app.detaching"}),
    "a page's escapes": (r"^from html import|^import html$", {"pfmm.report.escaping"}),
    "a table for spreadsheets": (r"\bcsv\.writer\(", {"pfmm.report.csv_rows", "pfmm.app.backtest_sweep"}),
    "the server": (r"\bThreadingHTTPServer\b", {"pfmm.paper.server.serve"}),
    "an end in spite of a writer that hangs": (
        r"\bos\._exit\(",
        {"pfmm.app.loop", "pfmm.cli.main", "pfmm.runner.listeners"},
    ),
}


@cache
def definitions(kind: str = "(?:async )?def") -> dict[str, set[str]]:
    """The modules that define a function (or a `class`) at their top level, by its name."""
    found: dict[str, set[str]] = {}
    for module, file in modules().items():
        for name in re.findall(rf"^{kind} (\w+)", file.read_text("utf-8"), re.MULTILINE):
            found.setdefault(name, set()).add(module)
    return found


@pytest.mark.parametrize("what", sorted(LIBRARIES))
def test_a_library_stands_behind_one_module(what: str) -> None:
    library, homes = LIBRARIES[what]
    assert {module for module in modules() if library in imports(module)} == homes


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_mechanism_is_written_once(name: str) -> None:
    assert definitions()[name] - NAMESAKES.get(name, set()) == {FUNCTIONS[name]}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_part_is_one_class(name: str) -> None:
    assert definitions("class")[name] == {CLASSES[name]}


@pytest.mark.parametrize("what", sorted(TEXTS))
def test_what_must_be_done_in_one_way_stands_in_its_home(what: str) -> None:
    pattern, homes = TEXTS[what]
    found = re.compile(pattern, re.MULTILINE)
    users = {module for module, file in modules().items() if found.search(file.read_text("utf-8"))}
    assert users <= homes
    assert users
