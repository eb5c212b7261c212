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
    "charts": ("plotly", {"pfmm.report.html"}),
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
    "open_exchange": "pfmm.app.session",
    "run_spec": "pfmm.app.runs",
    "at_start": "pfmm.app.runs",
    "read_assertion": "pfmm.app.asserting",
    "watch": "pfmm.app.watching",
    "root_command": "pfmm.cli.typer_seam",
    "emit_failure": "pfmm.cli.output",
    "exit_code_table": "pfmm.app.reference",
    "settings_table": "pfmm.app.reference",
}
# functions of the same name that are another thing: a parser of options, one backtest's own run, a file's kind, the
# numbers of a dialect, which shares no code with its client
NAMESAKES = {
    "moment_ms": {"pfmm.cli.times"},
    "span_ms": {"pfmm.cli.times"},
    "run_spec": {"pfmm.app.backtest_jobs"},
    "kind_of": {"pfmm.backtest.loading"},
    "plain": {"pfmm.paper.wire.purpleflea_json"},
}

# and by what the text of the one module says
TEXTS = {
    "an engine is built for a start, and for a backtest": (
        r"\bEngine\($",
        {"pfmm.app.start", "pfmm.app.starting", "pfmm.cli.starting", "pfmm.backtest.simulation"},
    ),
    "the envelope": (r'"pfmm/1"', {"pfmm.cli.output", "pfmm.cli.main"}),
    "one transaction for risk check and intents": (r"BEGIN IMMEDIATE", {"pfmm.journal.journal"}),
    "an end in spite of a writer that hangs": (
        r"\bos\._exit\(",
        {"pfmm.app.watched", "pfmm.cli.main", "pfmm.runner.listeners"},
    ),
}


@cache
def definitions() -> dict[str, set[str]]:
    """The modules that define a function at their top level, by its name."""
    found: dict[str, set[str]] = {}
    for module, file in modules().items():
        for name in re.findall(r"^(?:async )?def (\w+)", file.read_text("utf-8"), re.MULTILINE):
            found.setdefault(name, set()).add(module)
    return found


@pytest.mark.parametrize("what", sorted(LIBRARIES))
def test_a_library_stands_behind_one_module(what: str) -> None:
    library, homes = LIBRARIES[what]
    assert {module for module in modules() if library in imports(module)} == homes


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_mechanism_is_written_once(name: str) -> None:
    assert definitions()[name] - NAMESAKES.get(name, set()) == {FUNCTIONS[name]}


@pytest.mark.parametrize("what", sorted(TEXTS))
def test_what_must_be_done_in_one_way_stands_in_its_home(what: str) -> None:
    pattern, homes = TEXTS[what]
    found = re.compile(pattern, re.MULTILINE)
    users = {module for module, file in modules().items() if found.search(file.read_text("utf-8"))}
    assert users <= homes
    assert users
