"""The JSON `data` of commands against the fields that scripts rely on: names and types, in one table.

A type is a class, "decimal" (a string that reads back as a plain Decimal), "time" (ISO-8601 UTC with Z), a tuple of
allowed words, `maybe(…)` for what may be null, a list for rows of one shape, a dict for an object. More fields may
come; none of these may go, change its name or its type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driver import run
from tests.e2e.homes import stepped_home, still_home
from tests.e2e.json_topic import TOPIC, names_in, words_of


@dataclass(frozen=True)
class Maybe:
    """Null, or what `shape` says."""

    shape: Any


def maybe(shape: Any) -> Maybe:
    return Maybe(shape)


D, TIME, NUMBER = "decimal", "time", (int, float)
STATES = ("running", "between_runs", "stopped", "stale", "absent", "halted")

ORDER = {"slot": str, "side": ("long", "short"), "price": D, "size": D}
QUOTE = {
    "market": str, "mid": D, "reservation_price": NUMBER, "bid": D, "ask": D, "bid_size": D, "ask_size": D,
    "half_spread_bps": NUMBER, "spread_bps": NUMBER, "model": ("as", "glft", "fixed"),
    "parameters": {"gamma": NUMBER, "kappa": NUMBER, "sigma_annual": NUMBER, "source": str},
    "components": [{"name": str, "bid_bps": NUMBER, "ask_bps": NUMBER}],
    "absent": {}, "regime": str, "funding_tilt": NUMBER, "inventory_ratio": NUMBER,
}  # fmt: skip
PLAN = {
    "market": str, "mid": D, "lower": D, "upper": D, "levels": int, "step": D, "step_bps": NUMBER,
    "profit_per_round_trip": D, "fees_per_round_trip": D, "capital_required": D,
    "orders": [{"side": ("long", "short"), "price": D, "size": D, "notional": D, "line": int}],
    "worst_case": {"at_lower": D, "at_upper": D},
}  # fmt: skip
STATUS = {
    "runs": [
        {
            "market": str, "strategy": str, "state": STATES, "pid": maybe(int), "started_at": TIME, "orders": [ORDER],
            "fills": int, "round_trips": int, "realized_pnl": D, "unrealized_pnl": D, "fees": D,
            "fees_effect": D, "funding": D, "inventory": D, "last_cycle_at": TIME,
        }
    ]
}  # fmt: skip
STOP = {"runs": [{"market": str, "strategy": str, "cancelled": int, "orders_left": int, "state": STATES}]}
MARKETS = {
    "markets": [
        {
            "market": str, "category": str, "price_rule": {"unit": D, "significant_figures": maybe(int)},
            "size_step": D, "min_notional": D, "max_leverage": int, "maker_bps": NUMBER, "taker_bps": NUMBER,
            "funding_interval_hours": int,
        }
    ]
}  # fmt: skip
DOCTOR = {"checks": [{"name": str, "verdict": ("ok", "warn", "fail"), "detail": str, "fix": maybe(str)}]}
PROFILE = {"name": str, "path": str, "venue": str, "account": str, "settings": {"grid.levels": int},
           "secret": ("set", "unset")}  # fmt: skip
PAPER = {
    "feed": {"kind": str}, "state": ("open", "paused", "ended"), "time": TIME, "speed": NUMBER, "equity": D,
    "positions": [], "open_orders": [{"market": str, "side": ("long", "short"), "price": D}],
}  # fmt: skip
RESUME = {"account": str, "halted_by": maybe(str), "reason": maybe(str), "since": maybe(TIME)}

# below these stand names that are data themselves: settings, slots, and what a kind of feed is made of
FREE = frozenset({"settings", "sources", "absent", "feed"})

CONTRACT = [
    ("quote show BTC", QUOTE),
    ("quote show BTC --model as", QUOTE),
    ("quote show BTC --model fixed --explain", QUOTE),
    ("ladder show BTC", QUOTE),
    ("grid plan BTC", PLAN),
    ("grid plan BTC --spacing geometric", PLAN),
    ("grid status", STATUS),
    ("quote status BTC", STATUS),
    ("ladder status", STATUS),
    ("paper status", PAPER),
    ("doctor", DOCTOR),
    ("markets", MARKETS),
    ("profile show", PROFILE),
    ("grid stop BTC", STOP),
    ("quote stop", STOP),
    ("ladder stop", STOP),
    ("resume", RESUME),
]


def differences(value: Any, shape: Any, where: str) -> list[str]:
    """Every place where `value` is not of `shape`."""
    if isinstance(shape, Maybe):
        return [] if value is None else differences(value, shape.shape, where)
    if isinstance(shape, dict):
        return _of_object(value, shape, where)
    if isinstance(shape, list):
        return _of_rows(value, shape, where)
    return [] if _is(value, shape) else [f"{where} is not {shape}: {value!r}"]


def _of_object(value: Any, shape: dict[str, Any], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is no object: {value!r}"]
    missing = [f"{where}.{name} is missing" for name in shape if name not in value]
    here = [name for name in shape if name in value]
    return missing + [text for name in here for text in differences(value[name], shape[name], f"{where}.{name}")]


def _of_rows(value: Any, shape: list[Any], where: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{where} is no list: {value!r}"]
    if shape and not value:
        return [f"{where} has no row to look at"]
    return [text for row in value for text in differences(row, shape[0], f"{where}[]")] if shape else []


def _is(value: Any, shape: Any) -> bool:
    if shape == D:
        return (
            isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) is not None and Decimal(value).is_finite()
        )
    if shape == TIME:
        return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None
    if isinstance(shape, tuple) and all(isinstance(word, str) for word in shape):
        return value in shape
    return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every line of the contract answers, in its order, on an account where each strategy has orders resting."""
    home = tmp_path_factory.mktemp("contract")
    still_home(home)
    for kind in ("grid", "quote", "ladder"):
        stated = (
            ("--range-pct", "0.35") if kind == "grid" else ("--kappa", "1.5", "--sigma", "40")
        )  # nothing to measure
        assert run(kind, "start", "BTC", "--once", "--max-inventory", 5000, *stated, home=home).code == 0
    found = {}
    for line, _ in CONTRACT:
        done = run(*line.split(), "--json", home=home)
        assert (done.code, done.envelope["command"]) == (0, " ".join(line.split()[: _depth(line)]))
        assert done.envelope.keys() == {"schema", "command", "ok", "data", "warnings"}
        found[line] = done.data
    return found


def _depth(line: str) -> int:
    return 1 if line.split(maxsplit=1)[0] in ("doctor", "markets", "resume") else 2


@pytest.mark.parametrize(("line", "shape"), CONTRACT, ids=[line for line, _ in CONTRACT])
def test_the_fields_that_scripts_rely_on(answers: dict[str, Any], line: str, shape: dict[str, Any]) -> None:
    assert differences(answers[line], shape, line) == []


@pytest.mark.parametrize("line", [line for line, _ in CONTRACT])
def test_help_json_names_every_field(answers: dict[str, Any], line: str) -> None:
    command = " ".join(line.split()[: _depth(line)])
    name = "stop" if command.endswith(" stop") else command
    assert set(names_in(answers[line], FREE)) - words_of(name, heading="command") == set()


@pytest.mark.parametrize(
    "line", ["grid start BTC --levels 20 --range-pct 0.2 --cycles 60", "quote start BTC --cycles 20 --size 200"]
)
def test_help_json_names_every_field_of_a_loops_events(tmp_path: Path, line: str) -> None:
    stepped_home(tmp_path, seed=5)
    events = run(*line.split(), "--json", home=tmp_path).events
    assert {"started", "cycle", "placed", "fill", "stopped"} <= {event["event"] for event in events}
    everywhere = {"event", "time", "market", "strategy"}
    for event in events:
        words = words_of(event["event"], heading="event")
        assert set(names_in(event, FREE)) - everywhere - words == set()


def test_help_json_names_every_field_of_a_recordings_events(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=5)
    line = ("record", "BTC", "--out", tmp_path / "a.tape", "--cycles", 3, "--json")
    said = (TOPIC.read_text("utf-8").split("events of `record`")[1]).split("| command |")[0]
    for event in run(*line, home=tmp_path).events:
        assert all(name in said for name in event), event


def test_the_table_tells_a_difference() -> None:
    shape = {"a": D, "b": maybe(int), "c": [{"d": ("x", "y")}], "t": TIME}
    good = {"a": "-1.50", "b": None, "c": [{"d": "x"}], "t": "2025-01-31T08:00:00.000Z", "more": 1}
    assert differences(good, shape, "it") == []
    bad: list[dict[str, Any]] = [
        {"a": 1.5}, {"a": "1E+2"}, {"a": "NaN"}, {"b": "1"}, {"b": True}, {"c": []}, {"c": [{"d": "z"}]}, {"c": [{}]},
        {"t": "2025-01-31"},
    ]  # fmt: skip
    for change in bad:
        assert len(differences(good | change, shape, "it")) == 1, change
    assert differences({}, shape, "it") == [f"it.{name} is missing" for name in shape]


def test_a_failure_has_its_four_fields(tmp_path: Path) -> None:
    done = run("grid", "plan", "BTX", "--json", home=tmp_path)
    shape = {"code": str, "message": str, "hint": maybe(str), "exit_code": int}
    assert differences(done.error, shape, "error") == []
    assert done.error.keys() == shape.keys()
    assert done.error["exit_code"] == done.code == 6
