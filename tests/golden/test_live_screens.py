"""The screens of running loops at 60, 80, 100 and 140 columns: looked at, kept, and never wider than the terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from pfmm.app.watched import Shown
from pfmm.cli.live.one_line import cycle_line, opening_line, reason_lines
from pfmm.cli.live.order_tables import grid_table, nearest_rows
from pfmm.cli.live.tables import frame
from pfmm.model.account import Account, VenueTime
from pfmm.model.cycle import CycleReport, RunReport
from pfmm.model.event import Event
from pfmm.model.ledger import LedgerState
from pfmm.model.market import Book, Level, Ticker
from pfmm.model.order import Side
from pfmm.model.plan import Decision, Held, OwnOrder, OwnStatus, Plan
from pfmm.strategy.explained import GridExplained, GridLine
from tests.golden.screens import FOLDER, WIDTHS, assert_drawn_as_kept

# printed once, by commands that show no screen: some of their lines are as long as their sentences
PRINTED = (
    "data-files", "flatten", "flatten-plan", "funding-history", "grid-plan", "ladder-show", "markets", "markets-volume",
    "once", "paper-deposit", "paper-feed", "paper-status", "quote-show", "resume", "status-none", "stop", "sweep",
)  # fmt: skip
D = Decimal
NOW = 1_735_689_600_000
HEIGHTS = {60: 24, 80: 24, 100: 30, 140: 40}
LIMIT = "limit: with every open long order filled the position could reach 535.00 USD, max_inventory is 500 USD"
HEALTH: dict[str, Any] = {
    "venue": "paper", "account": "default", "money": "paper money: the embedded exchange", "dead_man": "armed",
    "cycles": 40, "warning": None, "notice": None, "on_exit": "cancel", "keys": True, "budget": "requests unlimited",
    "limits": {"BTC-PERP": D(500), "ETH-PERP": D(500), "SOL-PERP": D(500)},
    "edge": "break-even maker fee: n/a: no maker fill has a mid before and 5 s after it", "net": None,
    "fees": "fees maker -2, taker 5 bps (paper)",
    "series": ("equity    ▁▂▄▆  9998.10 to 10001.20 USD over 40 cycles",),
}  # fmt: skip
EVENTS = (
    Event("fill", NOW - 4_000, "BTC-PERP", "grid",
          {"side": "long", "size": D("0.00028"), "price": D("70414"), "fee": D("-0.003943")}),
    Event("refused", NOW - 9_000, "BTC-PERP", "grid", {"slot": "cell:5:ask", "reason": LIMIT}),
)  # fmt: skip


def order(market: str, slot: str, side: Side, price: str, size: str, age_s: int) -> OwnOrder:
    return OwnOrder(
        f"id-{slot}", "run", market, slot, side, D(price), D(size), D(0), OwnStatus.OPEN, False,
        NOW - age_s * 1000, NOW - age_s * 1000,
    )  # fmt: skip


def ticker(market: str, bid: str, ask: str) -> Ticker:
    mark = (D(bid) + D(ask)) / 2
    return Ticker(market, NOW, D(bid), D("1.5"), D(ask), D("2.25"), mark, funding_rate=D("0.000074"),
                  next_funding_ms=NOW + 5 * 3_600_000)  # fmt: skip


def run(market: str, strategy: str, seen: Ticker, orders: tuple[OwnOrder, ...], decision: Decision, **more: Any) -> Any:
    given = {
        "market": market, "strategy": strategy, "run_id": "run", "ticker": seen, "decision": decision, "plan": Plan(),
        "close": None, "orders": orders, "ledger": LedgerState(), "unrealized": D(0), "ratio": 0.0, "fills": 1,
        "round_trips": 0, "problem": None, "tripped": None,
    }  # fmt: skip
    return RunReport(**{**given, **more})


def report(*runs: RunReport) -> CycleReport:
    account = Account("default", D("10000.0125"), D(10_000), D(20), D("9980.0125"))
    return CycleReport(VenueTime(NOW), account, runs, (), True)


def grid() -> CycleReport:
    """A run that holds nothing beside a base of 20 USD: 4 % of the limit of the account, none of it the run's."""
    prices = [70_330 + 28 * n for n in range(11)]
    lines = tuple(
        GridLine(n, D(price), D("0.00028") if n < 5 else None, D("0.00028") if n > 5 else None,
                 f"cell:{n}:bid", f"cell:{n - 1}:ask")
        for n, price in enumerate(prices)
    )  # fmt: skip
    orders = tuple(
        order("BTC-PERP", f"cell:{n}:bid" if n < 5 else f"cell:{n - 1}:ask", Side.LONG if n < 5 else Side.SHORT,
              str(price), "0.00028", 70 * n + 5)
        for n, price in enumerate(prices) if n not in (5, 7)
    )  # fmt: skip
    said = GridExplained(
        D(70_330), D(70_610), 10, "arithmetic", D("70473.5"), lines, (), (), D(0), 0, D(0), D(0), D(0), D(0), None,
        None, None,
    )  # fmt: skip
    decision = Decision((), explaining=lambda: said)
    plan = Plan(held=(Held("cell:6:ask", LIMIT.replace("long", "short")),))
    seen = ticker("BTC-PERP", "70473", "70474")
    return report(
        run("BTC-PERP", "grid", seen, orders, decision, plan=plan, position=D("0.00028"), base=D("0.00028"), fills=0)
    )


def ladder() -> CycleReport:
    """Five levels a side but one, which the limit holds back."""
    levels = [(n, D("0.0246") * (2 + n) / 2) for n in range(5)]
    asks = [order("ETH-PERP", f"ask:{n}", Side.SHORT, f"{2031.6 + 2.03 * n:.2f}", str(s), 5 + 9 * n) for n, s in levels]
    bids = [order("ETH-PERP", f"bid:{n}", Side.LONG, f"{2031.3 - 2.03 * n:.2f}", str(s), 3_700) for n, s in levels[:4]]
    decision = Decision((), absent={})
    plan = Plan(held=(Held("bid:4", LIMIT),))
    seen = ticker("ETH-PERP", "2031.4", "2031.5")
    return report(run("ETH-PERP", "ladder", seen, (*asks, *bids), decision, plan=plan))


def quotes() -> CycleReport:
    """Two markets, one of which has no bid."""
    pair = (
        order("BTC-PERP", "bid", Side.LONG, "70460", "0.0007", 12),
        order("BTC-PERP", "ask", Side.SHORT, "70487", "0.0007", 12),
    )
    said = Decision((), absent={"bid": "paused: inventory at 104% of the limit (on_limit pause)"}, explaining=_nothing)
    only = (order("SOL-PERP", "ask", Side.SHORT, "77.397", "0.64", 65),)
    return report(
        run("BTC-PERP", "quote", ticker("BTC-PERP", "70473", "70474"), pair, Decision((), explaining=_nothing)),
        run("SOL-PERP", "quote", ticker("SOL-PERP", "77.388", "77.39"), only, said, position=D("6.7"), ratio=1.0),
    )


class _Nothing:
    inputs = regime = funding_tilt = None


def _nothing() -> _Nothing:
    return _Nothing()


SCREENS = {"grid": grid, "ladder": ladder, "quote": quotes}


def drawn(kind: str, seen: CycleReport, width: int, *, height: int | None = None, **more: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, color_system=None)
    console.print(frame(kind, seen, EVENTS, {**HEALTH, **more}, width, height or HEIGHTS[width]))
    return out.getvalue().rstrip("\n")


@pytest.mark.parametrize("kind", SCREENS)
@pytest.mark.parametrize("view", [None, "depth", "events"])
def test_a_loop_is_drawn_as_it_was_looked_at(kind: str, view: str | None) -> None:
    name = f"live-{kind}" + (f"-{view}" if view else "")
    assert_drawn_as_kept(name, lambda width: drawn(kind, SCREENS[kind](), width, view=view))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", SCREENS)
def test_a_screen_is_no_higher_than_the_terminal_and_tells_how_to_leave(kind: str, width: int) -> None:
    lines = drawn(kind, SCREENS[kind](), width, warning="refused: " + LIMIT).splitlines()
    assert len(lines) <= HEIGHTS[width]
    assert lines[-1].startswith("Ctrl-C stops and cancels")
    assert lines[-2].startswith("! refused")


def deep() -> CycleReport:
    """A grid in a book: ours at two of its prices, between them and beyond them."""
    bids = tuple(Level(D(70_473) - 14 * n, D("0.5") + n) for n in range(6))
    asks = tuple(Level(D(70_474) + 12 * n, D("0.25") + n) for n in range(6))
    return replace(grid(), runs=(replace(grid().runs[0], book=Book("BTC-PERP", NOW, bids, asks)),))


@pytest.mark.parametrize("view", [None, "depth"])
def test_the_depth_that_the_cycle_read_is_drawn_with_our_orders_in_it(view: str | None) -> None:
    name = "live-grid-book" + (f"-{view}" if view else "")
    assert_drawn_as_kept(name, lambda width: drawn("grid", deep(), width, view=view))


@pytest.mark.parametrize(
    ("above", "below", "room", "shown"),
    [
        (5, 5, None, (5, 5)),
        (5, 5, 10, (5, 5)),
        (5, 5, 7, (3, 3)),  # one line counts the others
        (9, 1, 7, (5, 1)),  # what one side does not need the other has
        (1, 9, 7, (1, 5)),
        (5, 5, 0, (1, 1)),
    ],
)
def test_on_few_lines_both_sides_are_shown(above: int, below: int, room: int | None, shown: tuple[int, int]) -> None:
    assert nearest_rows(above, below, room) == shown


def test_an_order_stands_at_its_own_price_and_not_on_its_line() -> None:
    """The ask of line 6, at 70498, would have crossed when it was placed: it rests at 70530, beyond line 7."""
    (whole,) = grid().runs
    moved = tuple(replace(one, price=D(70_530)) if one.slot == "cell:5:ask" else one for one in whole.orders)
    assert whole.decision is not None
    table = grid_table(whole.decision.explain, replace(whole, orders=moved), NOW, 80, 20)
    shown = [line.plain.split()[:3] for line in table[4:9]]
    assert shown == [
        ["6", "70530", "sell"],
        ["7", "70526", "sell"],
        [">", "70473.5", "mid"],
        ["5", "70470", "empty"],
        ["4", "70442", "buy"],
    ]


def test_no_line_of_any_kept_screen_is_wider_than_its_columns() -> None:
    wide = []
    for file in sorted(FOLDER.glob("*.txt")):
        width = 0
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("=== "):
                width = int(line.split()[1])
            elif len(line) > width and file.stem not in PRINTED:
                wide.append((file.name, width, line))
    assert wide == []


def test_what_a_run_holds_is_told_apart_from_what_the_account_holds() -> None:
    text = drawn("grid", grid(), 100)
    assert "this run holds nothing" in text
    assert "account holds long 0.00028 (+19.73 USD)" in text
    assert "base long 0.00028 (+19.73 USD): counted in the limit, never traded" in text
    assert "+4%  room 480.27 to buy, 519.73 to sell" in text
    assert "flat" not in text


@pytest.mark.parametrize("kind", SCREENS)
def test_no_name_of_a_slot_is_on_a_screen(kind: str) -> None:
    for view in (None, "depth", "events"):
        text = drawn(kind, SCREENS[kind](), 140, view=view)
        assert re.search(r"cell:|(bid|ask):\d|max_inventory", text) is None


def test_a_dumb_terminal_gets_one_line_a_cycle() -> None:
    line = "00:00:00  mid 70473.5  pos 0.00028  9 orders  P&L +0.0000  sell 0.03 % away"
    assert cycle_line(grid()) == line
    assert reason_lines(grid()) == ["00:00:00  ask of line 7 held: all shorts filled would make 535.00 USD, limit 500"]
    shown = Shown("grid", ("BTC-PERP",), "paper", "default", "cancel", money="paper money")
    assert opening_line(shown) == "Ctrl-C stops and cancels; grid on BTC-PERP at paper/default (paper money)"


def test_why_nothing_may_add_risk_is_on_the_screen() -> None:
    words = "no new risk: the venue was out for 42 s; quoted again 60 s after that"
    seen = grid()
    held = replace(seen, runs=tuple(replace(run, no_new_risk=words) for run in seen.runs))
    for width in (100, 140):
        assert f"! {words}" in " ".join(drawn("grid", held, width).split())
        assert "no new risk" not in drawn("grid", seen, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_venue_that_does_not_answer_is_told_in_the_head_and_at_the_foot(width: int) -> None:
    text = drawn("grid", grid(), width, answered=False, warning="warning: GET /api/state got no answer (ConnectError)")
    assert "no answer" in " ".join(text.splitlines()[:2])
    assert "! no answer, figures of 00:00:00Z: GET /api/state" in text
    assert "OK, " not in text
    assert "open" not in text.splitlines()[0]


@pytest.mark.parametrize(
    ("height", "whole", "named"), [(40, 2, ""), (23, 1, "SOL-PERP"), (18, 0, "BTC-PERP, SOL-PERP")]
)
def test_a_table_of_orders_is_drawn_whole_or_named(height: int, whole: int, named: str) -> None:
    text = drawn("quote", quotes(), 60, height=height)
    lines = text.splitlines()
    assert len(lines) <= height
    assert sum(line.split()[:2] == ["side", "price"] for line in lines) == whole
    assert (f"orders of {named} not shown: d shows them" in lines) == bool(named)
    if whole:
        at = lines.index("BTC-PERP")
        assert [line.split()[0] for line in lines[at + 2 : at + 5]] == ["sell", "mid", "buy"]


def test_a_profit_that_rounds_to_nothing_has_no_sign() -> None:
    seen = quotes()
    runs = tuple(replace(run, unrealized=D("-0.003"), ratio=-0.001) for run in seen.runs)
    for width in (60, 100):
        text = drawn("quote", replace(seen, runs=runs), width)
        assert "-0.00 " not in text + " "
        assert " -0%" not in text
