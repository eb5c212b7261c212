"""`pfmm inventory` in real processes: the money adds up, the limits show, and a lost journal takes only its part."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.inventory import drawdown_pct
from pfmm.journal.journal import Journal
from pfmm.model.order import Batch, NewOrder, Side
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.venue.client import IN_PROCESS_URL, HttpClient
from pfmm.venue.http import in_process
from pfmm.venue.purpleflea import PurpleFlea
from tests.e2e.driver import interrupt, run, run_until
from tests.e2e.scripted_venue import ScriptedVenue

NOW_MS = 1_750_000_000_000
ACCOUNT_FIELDS = {"equity", "cash", "margin_used", "free_margin", "peak_equity", "drawdown_pct"}
POSITION_FIELDS = {
    "market", "side", "size", "notional", "entry_price", "mark_price", "ratio", "state", "unrealized_pnl",
    "realized_pnl", "fees", "fees_effect", "funding", "open_bids", "open_asks",
}  # fmt: skip


def account(equity: int = 10_000) -> dict[str, Any]:
    return {"account_id": "a", "equity": equity, "cash": 10_000, "margin_used": 0, "free_margin": 9_000}


def position(market: str, size: float, basis: float, mark: float, **more: Any) -> dict[str, Any]:
    return {
        "market": market, "size_base": size, "cost_basis": basis, "mark_price": mark,
        "unrealized_pnl": size * mark - (basis if size > 0 else -basis), **more,
    }  # fmt: skip


def order(order_id: str, side: str, price: float, size: float, filled: float = 0) -> dict[str, Any]:
    return {
        "order_id": order_id, "client_order_id": None, "market": "BTC-PERP", "side": side, "type": "limit",
        "price": price, "size_base": size, "filled_base": filled, "status": "open", "post_only": True,
        "reduce_only": False, "created_at": NOW_MS, "updated_at": NOW_MS,
    }  # fmt: skip


def state(positions: list[dict[str, Any]], orders: list[dict[str, Any]], equity: int = 10_000) -> dict[str, Any]:
    return {
        "time_ms": NOW_MS, "account": account(equity), "positions": positions, "orders": orders, "fills": [],
        "fills_cursor": "0", "funding_payments": [], "funding_cursor": "0", "more": False, "tickers": [],
    }  # fmt: skip


def test_what_the_venue_holds_is_shown_against_the_limits(tmp_path: Path) -> None:
    held = [
        position("BTC-PERP", 4, 390, 100, liquidation_price=80, leverage=5),  # 400 of 500 USD; 20 % from liquidation
        position("ETH-PERP", -2, 500, 240),  # -480 of 500: at 96 % only what reduces is quoted
        position("SOL-PERP", 0.3, 30, 100),  # 30 of 500: 6 %, too little to skew
    ]
    resting = [order("1", "long", 90, 2, filled=1), order("2", "long", 80, 1), order("3", "short", 110, 3)]
    with ScriptedVenue({"/api/state": state(held, resting)}).serving() as served:
        env = {"PFMM_BASE_URL": served.url}
        data = run("inventory", "--json", home=tmp_path, env=env).data
        paused = run("inventory", "--json", home=tmp_path, env={**env, "PFMM_QUOTE_ON_LIMIT": "pause"}).data
        roomy = run("inventory", "--json", home=tmp_path, env={**env, "PFMM_RUN_MAX_INVENTORY_USD": "8000"}).data
        text = run("inventory", home=tmp_path, env=env)
    assert set(data["account"]) >= ACCOUNT_FIELDS
    btc, eth, sol = data["positions"]
    assert set(btc) >= POSITION_FIELDS
    assert [(row["market"], row["side"], row["state"]) for row in (btc, eth, sol)] == [
        ("BTC-PERP", "long", "skewed"),
        ("ETH-PERP", "short", "reducing"),
        ("SOL-PERP", "long", "ok"),
    ]
    assert [row["ratio"] for row in (btc, eth, sol)] == pytest.approx([0.8, -0.96, 0.06])
    assert (Decimal(btc["notional"]), Decimal(btc["entry_price"]), Decimal(btc["unrealized_pnl"])) == (
        400,
        Decimal("97.5"),  # 390 / 4
        10,
    )
    assert Decimal(str(btc["liquidation_distance_pct"])) == 20
    assert eth["liquidation_distance_pct"] is None
    assert (Decimal(btc["open_bids"]), Decimal(btc["open_asks"])) == (170, 330)  # 90·(2-1) + 80·1 and 110·3
    assert paused["positions"][1]["state"] == "paused"
    assert {row["state"] for row in roomy["positions"]} == {"ok"}
    assert "+80%" in text.out
    assert "20.0 % off" in text.out


@pytest.mark.parametrize(
    ("size", "mark", "liquidation", "distance", "shown"),
    [
        (4, 100, 80, "20", "20.0 % off"),
        (4, 80, 80, "0", "0.0 % off"),
        (4, 64, 80, "-25", "25.0 % past"),  # (64 - 80) / 64: gone through it
        (-4, 100, 120, "20", "20.0 % off"),
        (-4, 160, 120, "-25", "25.0 % past"),  # (120 - 160) / 160
    ],
)
def test_a_position_past_its_liquidation_price_is_not_as_far_off(
    tmp_path: Path, size: int, mark: int, liquidation: int, distance: str, shown: str
) -> None:
    held = [position("BTC-PERP", size, 400, mark, liquidation_price=liquidation)]
    with ScriptedVenue({"/api/state": state(held, [])}).serving() as served:
        env = {"PFMM_BASE_URL": served.url}
        (row,) = run("inventory", "--json", home=tmp_path, env=env).data["positions"]
        checked = run("inventory", "--assert", "liquidation_distance_pct >= 15", home=tmp_path, env=env)
        text = run("inventory", home=tmp_path, env=env)
    assert Decimal(str(row["liquidation_distance_pct"])) == Decimal(distance)
    assert checked.code == (0 if Decimal(distance) >= 15 else 10)
    assert shown in text.out


def test_a_market_without_a_position_is_a_flat_row_and_nothing_is_no_row(tmp_path: Path) -> None:
    assert run("inventory", "--json", home=tmp_path).data["positions"] == []  # on the very first run
    (row,) = run("inventory", "eth", "--json", home=tmp_path).data["positions"]
    assert (row["market"], row["side"], row["state"], row["ratio"]) == ("ETH-PERP", "flat", "ok", 0.0)
    zeros = ("size", "realized_pnl", "fees", "fees_effect", "funding", "open_bids")
    assert {Decimal(row[name]) for name in zeros} == {0}
    assert Decimal(row["mark_price"]) > 0
    assert row["entry_price"] is None
    unknown = run("inventory", "BTX", "--json", home=tmp_path)
    assert (unknown.code, unknown.error["code"]) == (6, "unknown_market")


def test_assertions_see_the_position_with_the_account(tmp_path: Path) -> None:
    held = [position("BTC-PERP", 4, 390, 100), position("ETH-PERP", -1, 250, 240)]
    answers = {"/api/state": state(held, [])}
    with ScriptedVenue(answers).serving() as served:

        def check(expression: str, *args: str) -> Any:
            env = {"PFMM_BASE_URL": served.url}
            return run("inventory", "--assert", expression, *args, home=tmp_path, env=env)

        assert check("abs(ratio) < 0.9 and drawdown_pct < 5 and equity == 10000").code == 0
        false = check("abs(ratio) < 0.5", "--json")
        assert (false.code, false.error["code"]) == (10, "assertion_false")
        assert "false for 1 of 2: BTC-PERP (ratio 0.8)" in false.error["message"]
        assert [row["market"] for row in false.envelope["data"]["positions"]] == ["BTC-PERP"]
        assert check("side == 'long'").code == 10
        assert check("state != 'paused'").code == 0
        unknown = check("abs(rato) < 0.5", "--json")
        assert (unknown.code, unknown.error["hint"].startswith("did you mean ratio")) == (2, True)
        assert check("ratio < 'x'").code == 2


def test_assertions_without_a_position_see_the_account_and_a_flat_one(tmp_path: Path) -> None:
    def check(expression: str) -> Any:
        return run("inventory", "--assert", expression, home=tmp_path)

    assert check("abs(ratio) < 0.5").code == 0
    assert check("drawdown_pct < 5 and equity >= 10000").code == 0
    poor = check("equity > 20000")
    assert poor.code == 10
    assert "the account (equity 10000" in poor.err


def test_drawdown_is_measured_from_the_highest_equity_ever_seen(tmp_path: Path) -> None:
    equity = [10_000]
    with ScriptedVenue({"/api/state": lambda _: state([], [], equity[0])}).serving() as served:
        env = {"PFMM_BASE_URL": served.url}

        def look() -> list[Decimal]:
            found = run("inventory", "--json", home=tmp_path, env=env).data["account"]
            return [Decimal(found["peak_equity"]), Decimal(str(found["drawdown_pct"]))]

        assert look() == [10_000, 0]
        equity[0] = 12_500
        assert look() == [12_500, 0]
        equity[0] = 12_000
        assert look() == [12_500, 4]  # 500 of 12,500
        assert run("inventory", "--assert", "drawdown_pct < 4", home=tmp_path, env=env).code == 10
        assert run("inventory", "--assert", "drawdown_pct <= 4", home=tmp_path, env=env).code == 0


def test_deposits_and_withdrawals_neither_hide_a_drawdown_nor_make_one(tmp_path: Path) -> None:
    told = {"equity": 10_000, "deposits": 10_000}
    answer = state([], [])
    with ScriptedVenue({"/api/state": lambda _: {**answer, "account": {**answer["account"], **told}}}).serving() as at:
        env = {"PFMM_BASE_URL": at.url}

        def look(equity: float, deposits: int) -> list[Decimal]:
            told.update(equity=equity, deposits=deposits)
            found = run("inventory", "--json", home=tmp_path, env=env).data["account"]
            return [Decimal(found["peak_equity"]), Decimal(str(found["drawdown_pct"]))]

        assert look(10_000, 10_000) == [10_000, 0]
        assert look(9_500, 10_000) == [10_000, 5]
        assert look(19_000, 19_500) == [20_000, 5]  # 9,500 more
        assert look(16_000, 19_500) == [20_000, 20]
        assert look(4_000, 7_500) == [5_000, 20]  # 12,000 less
        assert look(4_500, 7_500) == [5_000, 10]


@pytest.mark.parametrize(
    ("peak", "equity", "expected"),
    [("200", "190", "5"), ("200", "200", "0"), ("200", "210", "0"), ("3", "2", "33.333333"), ("0", "-1", "0")],
)
def test_drawdown(peak: str, equity: str, expected: str) -> None:
    assert drawdown_pct(Decimal(peak), Decimal(equity)) == Decimal(expected)


def test_profit_adds_up_to_the_equity_whoever_traded(tmp_path: Path) -> None:
    now = [NOW_MS]
    exchange = Exchange.open(tmp_path / "paper.sqlite3", lambda config: SyntheticFeed(7), lambda: now[0])
    http = HttpClient(IN_PROCESS_URL, key=lambda: "paper-default", transport=in_process(make_app(exchange)))
    with (
        closing(exchange),
        closing(PurpleFlea(http, name="paper", account="default")) as venue,
        PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server,
    ):
        env = {"PFMM_BASE_URL": server.url}
        for number, (market, side, size) in enumerate(
                [("BTC-PERP", Side.LONG, "0.01"), ("ETH-PERP", Side.SHORT, "0.4"), ("BTC-PERP", Side.SHORT, "0.003"),
                 ("BTC-PERP", Side.SHORT, "0.012"), ("ETH-PERP", Side.LONG, "0.4")]
            ):  # fmt: skip
            venue.submit(Batch(place=(NewOrder(f"m{number}", market, side, Decimal(size), None),)))
            now[0] += 9 * 3_600_000  # over a funding time each
        first = run("inventory", "--json", home=tmp_path / "home", env=env)
        data = first.data
        again = run("inventory", "--json", home=tmp_path / "home", env=env).data
    rows = {row["market"]: row for row in data["positions"]}
    assert (rows["BTC-PERP"]["side"], rows["ETH-PERP"]["side"]) == ("short", "flat")  # 10 - 3 - 12 = -5 thousandths
    assert Decimal(rows["BTC-PERP"]["size"]) == Decimal("-0.005")

    def part(name: str) -> Decimal:
        return sum((Decimal(row[name]) for row in rows.values()), Decimal(0))

    earned = part("realized_pnl") + part("unrealized_pnl") - part("fees") + part("funding")
    assert part("funding") != 0
    assert Decimal(data["account"]["equity"]) - Decimal(data["account"]["deposits"]) == earned  # to the last digit
    assert first.envelope["warnings"] == []  # the fills explain every position
    assert again["positions"] == data["positions"]  # looking twice counts nothing twice


@pytest.mark.parametrize("damage", ["corrupt", "foreign"])
def test_a_journal_that_cannot_be_used_takes_only_its_part(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state" / "journals" / "paper-default.sqlite3"
    run("inventory", "--json", home=tmp_path)
    (found,) = tmp_path.rglob("paper-default.sqlite3")
    assert found.name == path.name
    found.unlink()
    if damage == "corrupt":
        found.write_bytes(b"\x07" * 8192)
    else:
        Journal.open(found, venue="paper", account="another", nonce="abc").close()
    done = run("inventory", "BTC", "--json", home=tmp_path)
    assert done.code == 0
    (row,) = done.data["positions"]
    assert (row["realized_pnl"], row["fees"], row["funding"], row["pnl_source"]) == (None, None, None, "venue")
    assert done.data["account"]["peak_equity"] is None
    assert Decimal(done.data["account"]["equity"]) == 10_000
    (warning,) = done.envelope["warnings"]
    assert "paper-default" in warning
    assert run("inventory", "--assert", "drawdown_pct < 10", home=tmp_path).code == 10  # not known is not fine
    for unknown in ("realized_pnl > -100", "fees < 5", "funding > -5", "pnl_source == 'journal'"):
        assert run("inventory", "--assert", unknown, home=tmp_path).code == 10  # nor without any position
    assert run("inventory", "--assert", "not drawdown_pct >= 10", home=tmp_path).code == 0  # nor is it a drawdown


def test_fills_that_the_venue_no_longer_tells_are_said_to_be_missing(tmp_path: Path) -> None:
    with ScriptedVenue({"/api/state": state([position("BTC-PERP", 4, 390, 100)], [])}).serving() as served:
        fine = run("inventory", "--json", home=tmp_path, env={"PFMM_BASE_URL": served.url})
    assert fine.code == 0
    (warning,) = fine.envelope["warnings"]
    assert "BTC-PERP: the fills in the journal add up to 0, the venue holds 4" in warning


def test_watch_streams_looks_and_ends_on_a_signal(tmp_path: Path) -> None:
    line = ("inventory", "BTC", "--watch", "--interval", "0.05", "--json")
    watching = run_until('"event":"inventory".*"event":"inventory"', interrupt, *line, home=tmp_path)
    assert watching.code == 130
    event = watching.events[1]
    assert event["positions"][0]["market"] == "BTC-PERP"
    assert Decimal(event["account"]["equity"]) == 10_000
