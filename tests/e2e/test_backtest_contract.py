"""The JSON `data` of `backtest` against its fields, as `test_contract` does for the commands that need no data files.

And against `pfmm help json`: every field that an answer has is named there.
"""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.model.market import Trade
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.tape import TapeQuote, event_line, header_line
from tests.e2e.driver import run
from tests.e2e.json_topic import names_in, words_of
from tests.e2e.test_contract import NUMBER, TIME, D, differences, maybe

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

START_MS = 1_700_000_000_000
MIDS = [1_000, *range(1_000, 939, -5), *range(940, 1_061, 5), *range(1_060, 989, -5)]

SHARES = dict.fromkeys(
    ("total", "spread_capture", "adverse_selection", "inventory", "fees", "fees_effect", "funding"), D
)
BY_HORIZON = dict.fromkeys(("5s", "30s", "300s"), maybe(NUMBER))
EDGE = {
    "horizon_s": int, "break_even_maker_bps": BY_HORIZON, "se_bps": BY_HORIZON, "error_by": ("minute", "session"),
    "paid_maker_bps": maybe(NUMBER), "net_bps": maybe(NUMBER), "net_after_exits_bps": maybe(NUMBER), "gross_usd": D,
    "rebates_usd": D, "n_fills": int, "n_orders": int, "n_blocks": int, "n_sessions": int, "n_exits": int,
    "mid_age_ms": maybe(int),
}  # fmt: skip
SCENARIO = {
    "fills": int, "pnl": D, "attribution": SHARES, "edge": EDGE, "drawdown_usd": D, "position": D, "orders": int,
    "round_trips": int, "requests": int, "stopped": maybe(str),
}  # fmt: skip
BOTH = {"pessimistic": SCENARIO, "optimistic": SCENARIO}
ROW = {"settings": {"grid.levels": str}, "data": str, "segment": int, "period": maybe({"from": TIME, "to": TIME}),
       "ok": bool}  # fmt: skip
SWEEP = {
    "market": str, "strategy": ("grid", "ladder", "quote"), "axes": {"grid.levels": list}, "rows": [ROW | BOTH],
    "best": ROW | BOTH, "walk_forward": maybe({}), "failed": [{"data": str, "problem": str}], "computed": int,
    "remembered": int,
}  # fmt: skip
FOLD = {"data": str, "fold": int, "settings": {"grid.levels": str}, "in_sample_pnl": D, "out_of_sample_pnl": maybe(D),
        "out_of_sample": {"from": TIME, "to": TIME}}  # fmt: skip
FOLDS = SWEEP | {
    "rows": [ROW | {"period": {"from": TIME, "to": TIME}, "pessimistic": SCENARIO}], "best": maybe({}), "failed": [],
    "walk_forward": {"folds": [FOLD], "out_of_sample_pnl": D},
}  # fmt: skip
HEAD = {"file": str, "usable": bool, "format": ("recording", "binary tape", "table", "candles")}
SPAN = {"market": str, "from": TIME, "to": TIME}
SILENCE = {"gaps": int, "longest_silence_s": NUMBER}
MARKET = {
    **SPAN, **SILENCE, "quotes": int, "trades": int, "depths": int, "funding": int, "crossed": int, "repeated": int,
    "price_unit": D, "size_step": D,
}  # fmt: skip
READ = {"time_unit": str, "bad_rows": int, "notes": []}
FILES = {
    "swing.csv": HEAD | READ | {"markets": [MARKET], "duplicate_trades": int, "skipped_lines": int},
    "a.tape": HEAD | READ | {"markets": [MARKET], "duplicate_trades": int, "skipped_lines": int},
    "candles.csv.gz": HEAD | READ | {"markets": [{**SPAN, **SILENCE, "bars": int}]},
    "binary": HEAD | {"markets": [{**SPAN, "quotes": int, "trades": int}]},
    "bad.csv": {"file": str, "usable": bool, "problem": str},
}
RUN = {
    "market": str, "strategy": str, "settings": {}, "events": int, "events_per_second": maybe(int), "wall_s": NUMBER,
    "decisions": int, "requests": int, "latency_ms": int, "fills": int, "pnl": SHARES, "scenarios": BOTH,
}  # fmt: skip
WITHIN_A_BAR = {"spread_capture": maybe({}), "adverse_selection": maybe({})}
CANDLES = {
    "pnl": SHARES | WITHIN_A_BAR,
    "scenarios": {"pessimistic": SCENARIO | {"attribution": SHARES | WITHIN_A_BAR}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same swing as a table of quotes, a recording and a binary tape; candles; and a file that is none of these."""
    made = tmp_path_factory.mktemp("backtest")
    rows = [f"{START_MS + 1000 * n},quote,,,,{mid - 1},5.001,{mid + 1},5.001" for n, mid in enumerate(MIDS)]
    (made / "swing.csv").write_text("time_ms,kind,price,size,side,bid,bid_size,ask,ask_size\n" + "\n".join(rows) + "\n")
    events = [
        TapeQuote("X-PERP", START_MS + 1000 * n, Decimal(mid - 1), Decimal(5), Decimal(mid + 1), Decimal(5))
        for n, mid in enumerate(MIDS)
    ]
    trade = Trade("X-PERP", START_MS + 90_000, Decimal(990), Decimal(1), 1)
    (made / "a.tape").write_text(header_line({}) + "".join(event_line(event) for event in (*events, trade)))
    build_tape([made / "a.tape"], made / "tapes").rename(made / "binary")
    bars = [f"{START_MS + minute * 60_000},1000,1060,940,1000,500" for minute in range(10)]
    packed = "\n".join(["time_ms,open,high,low,close,volume", *bars]) + "\n"
    (made / "candles.csv.gz").write_bytes(gzip.compress(packed.encode()))
    (made / "bad.csv").write_text("nonsense\n")
    return made


def backtest(folder: Path, *args: object, code: int = 0) -> Any:
    done = run("backtest", *args, "--json", home=folder / "home")
    assert done.code == code, done.out + done.err
    return done.envelope["data"]


GRID = ("--set", "grid.lower=900", "--set", "grid.upper=1100")


def documented(command: str, data: Any, *free: str) -> None:
    # an edge is shown in the row of `report`, a scenario in that of `backtest run`
    shown_apart = set(EDGE) | set(BY_HORIZON)
    if command == "backtest sweep":
        shown_apart |= set(SCENARIO) | set(SHARES)
    assert set(names_in(data, frozenset(free))) - shown_apart <= words_of(command, heading="command")


def test_sweep(folder: Path) -> None:
    data = backtest(
        folder, "sweep", "grid", "x", "--data", folder / "swing.csv", "--data", folder / "bad.csv",
        "--set", "grid.levels=4,8", *GRID,
    )  # fmt: skip
    assert differences(data, SWEEP, "sweep") == []
    assert data["walk_forward"] is None
    documented("backtest sweep", data, "settings", "axes")


def test_sweep_that_walks_forward(folder: Path) -> None:
    data = backtest(
        folder, "sweep", "grid", "x", "--data", folder / "swing.csv", "--set", "grid.levels=4,8", *GRID,
        "--folds", 2, "--queue", "pessimistic",
    )  # fmt: skip
    assert differences(data, FOLDS, "sweep") == []
    assert data["best"] is None
    assert all("optimistic" not in row for row in data["rows"])
    documented("backtest sweep", data, "settings", "axes")


def test_a_row_of_a_sweep_that_cannot_run(folder: Path) -> None:
    data = backtest(
        folder, "sweep", "grid", "y", "--data", folder / "swing.csv", "--set", "grid.size_usd=20,0.5", *GRID
    )  # fmt: skip
    good, bad = data["rows"]
    assert (good["ok"], bad["ok"]) == (True, False)
    assert differences(bad, {"ok": bool, "error": str, "message": str, "settings": {}, "data": str}, "row") == []
    documented("backtest sweep", data, "settings", "axes")


@pytest.mark.parametrize("name", FILES)
def test_data(folder: Path, name: str) -> None:
    data = backtest(folder, "data", folder / name, code=13 if name == "bad.csv" else 0)
    assert differences(data, {"files": [FILES[name]]}, "data") == []
    documented("backtest data", data)


@pytest.mark.parametrize(("name", "more"), [("swing.csv", {}), ("candles.csv.gz", CANDLES)])
def test_run(folder: Path, name: str, more: dict[str, Any]) -> None:
    data = backtest(folder, "run", "grid", "x", "--data", folder / name, "--set", "grid.levels=4", *GRID)
    assert differences(data, RUN | more, "run") == []
    report = {
        "period", "metrics", "equity_curve", "cash_flows", "markouts_bps", "edge", "by_market",
        "by_strategy",
    }  # fmt: skip
    documented("backtest run", {name: value for name, value in data.items() if name not in report}, "settings")
