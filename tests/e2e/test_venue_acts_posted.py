"""What Hyperliquid or another hand does to a run's position, as its adapter tells it: told, booked, with a consequence.

The exchange is the paper one in that dialect. What it does not do by itself (a deleveraging, a liquidation in parts or
of another market alone) is a trade of no order of pfmm's, told with the fields that the venue documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.engine import Engine
from pfmm.engine.report import Limits, RunSpec
from pfmm.engine.strategy_run import REFUSED_RUNNING
from pfmm.journal.journal import Journal
from pfmm.model.cycle import CycleReport
from pfmm.model.event import Event
from pfmm.model.ledger import ACCOUNT as NET
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import USD, MarketSpec, Quote
from pfmm.paper.messages import PlaceRequest
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.dialects import need_signing
from tests.e2e.driver import Completed, run
from tests.e2e.engine_rig import ScriptedFeed, Step
from tests.e2e.served_exchange import wall_ms
from tests.faults.lagging import ACCOUNT, START_MS, Lag, Lagging, PushedFeed, lagging

D = Decimal
MARKET, OTHER = "TEST-PERP", "OTHER-PERP"
BIG = QuoteConfig(model="fixed", half_spread_bps=20, sigma_annual=0.3, tilt_max=0, size_usd=D(500))
HUGE = QuoteConfig(model="fixed", half_spread_bps=20, sigma_annual=0.3, tilt_max=0, size_usd=D(9_000))
STILL = [Step(9999, 10001)] * 400
CRASH = [Step(9999, 10001)] * 8 + [Step(round(10_000 * 0.97**n) - 1, round(10_000 * 0.97**n) + 1) for n in range(1, 60)]
LIQUIDATED = {"dir": "Close Long", "liquidation": {"liquidatedUser": "", "markPx": "999.0", "method": "market"}}
DELEVERAGED = {"dir": "Auto-Deleveraging"}


class Two(ScriptedFeed):
    """Two markets alike, whose tick of 0.1 follows from five decimals of sizes."""

    def specs(self) -> Sequence[MarketSpec]:
        return tuple(
            MarketSpec(name, "crypto", 1, 5, 1, None, 10 * USD, 50, -20_000, 50_000, 8) for name in (MARKET, OTHER)
        )

    def rate_at(self, market: str, settle_ms: int) -> int:
        return 10_000

    def quote(self, market: str, time_ms: int) -> Quote:
        found = super().quote(market, time_ms)
        return Quote(found.time_ms, found.bid, found.bid_size * 10_000, found.ask, found.ask_size * 10_000)


class World:
    """A quote on one market, its journal, and the exchange that it trades on."""

    def __init__(self, lagged: Lagging, journal: Journal, config: QuoteConfig, limit_usd: int) -> None:
        self.served, self.journal, self.exchange = lagged, journal, lagged.exchange
        self.venue = lagged.venue()
        self._specs = [RunSpec(QuoteStrategy(MARKET, config), {}, Limits(D(limit_usd)))]
        self.engine = self._made()

    def _made(self) -> Engine:
        instruments = {one.market: one for one in self.venue.markets()}
        return Engine(self.venue, self.journal, self._specs, instruments, wall_ms=lambda: START_MS, pid=1)

    def go_on_in_another_process(self) -> None:
        """One that knows nothing but the journal."""
        self.venue = self.served.venue()
        self.engine = self._made()
        self.engine.adopt()

    def cycle(self) -> CycleReport:
        """Three seconds later."""
        self.served.step(3_000)
        return self.engine.cycle()

    def bought(self) -> Decimal:
        """The run's bid fills; what it holds."""
        self.cycle()
        (bid,) = [order for order in self.exchange.orders(ACCOUNT) if order.side == "long"]
        self.served.fill(bid)
        (run,) = self.cycle().runs
        assert run.ledger.size > 0
        return run.ledger.size

    def traded(self, side: str, size: Decimal | str, market: str = MARKET, **told: Any) -> None:
        """A trade of no order of pfmm's, with what the venue tells of it."""
        self.exchange.place(ACCOUNT, PlaceRequest(market, side, "market", size_base=D(size)))
        known = {fill.sequence for fill in self.exchange.fills(ACCOUNT).fills}
        newest = max(known)
        before = self.served.told_fill
        self.served.told_fill = lambda row: {**before(row), **told} if row["tid"] == newest else before(row)

    def kept(self, name: str) -> list[Event]:
        """The events of that name in the journal."""
        return [told.event for told in self.journal.events() if told.event.name == name]


@contextmanager
def world(
    folder: Path, steps: Sequence[Step] = STILL, config: QuoteConfig = BIG, limit_usd: int = 2_000
) -> Iterator[World]:
    with lagging(folder, Two(steps), Lag(), 3, markets=2) as lagged:
        path = folder / "j.sqlite3"
        with closing(Journal.open(path, venue="hyperliquid-local", account=ACCOUNT, nonce="abcdef")) as journal:
            yield World(lagged, journal, config, limit_usd)


@pytest.fixture
def still(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as w:
        yield w


def told(report: CycleReport, name: str) -> Event:
    """The one event of that name."""
    (event,) = [event for event in report.events if event.name == name]
    return event


def test_a_liquidation_ends_and_empties_the_run_and_nothing_rests(tmp_path: Path) -> None:
    """The exchange does it by itself: the market falls until the account's margin is gone."""
    with world(tmp_path, CRASH, HUGE, 60_000) as w:
        w.cycle()
        report = w.cycle()
        for _ in range(60):
            for bid in [order for order in w.exchange.orders(ACCOUNT) if order.side == "long"]:
                w.served.fill(bid)
            report = w.cycle()
            if report.runs[0].tripped is not None:
                break
        (run,) = report.runs
        event = told(report, "liquidated")
        assert (run.ledger.size, run.orders, run.tripped) == (0, (), event.data["reason"])
        assert run.ended_by is not None
        assert run.ended_by.startswith("liquidated: the venue sold ")
        assert event.data["taken"] == -event.data["size"]
        assert w.exchange.orders(ACCOUNT) == ()
        assert {book.ledger.size for book in w.journal.books(MARKET)} == {D(0)}
        assert run.ledger.realized == w.journal.book(MARKET, NET).ledger.realized < 0


def test_a_liquidation_in_parts_is_taken_from_the_run_part_by_part(still: World) -> None:
    """20 % first; the run stops at the first part and its book follows the second one too."""
    held = still.bought()
    part = (held / 5).quantize(D("0.00001"))
    still.traded("short", part, **liquidated(still))
    report = still.cycle()
    (run,) = report.runs
    event = told(report, "liquidated")
    assert (event.data["taken"], run.ledger.size, run.tripped) == (-part, held - part, event.data["reason"])
    assert run.plan.place == run.plan.amend == ()
    still.traded("short", part, **liquidated(still))
    report = still.cycle()
    assert told(report, "liquidated").data["taken"] == -part
    assert report.runs[0].ledger.size == held - 2 * part == still.journal.book(MARKET, NET).ledger.size


def liquidated(w: World) -> dict[str, Any]:
    """What a fill says by which this account is liquidated."""
    return {**LIQUIDATED, "liquidation": {**LIQUIDATED["liquidation"], "liquidatedUser": w.venue.account}}  # type: ignore[dict-item]


@pytest.mark.parametrize("named", [True, False])
def test_a_liquidation_of_another_market_ends_the_run_that_shares_its_margin(still: World, named: bool) -> None:
    """What the run still holds is the next to go. Answers may leave out who was liquidated."""
    held = still.bought()
    still.traded("long", "0.3", OTHER)
    assert still.cycle().runs[0].tripped is None
    said = liquidated(still) if named else {"liquidation": {"markPx": "999.0", "method": "backstop"}}
    still.traded("short", "0.3", OTHER, **said)
    report = still.cycle()
    event = told(report, "liquidated")
    assert (event.market, event.data["traded"], event.data["taken"]) == (MARKET, OTHER, 0)
    assert (report.runs[0].tripped, report.runs[0].ledger.size) == (event.data["reason"], held)
    assert "sold 0.3 OTHER-PERP" in event.data["reason"]


def test_somebody_else_s_liquidation_that_a_hand_trades_with_is_none_of_this_account(still: World) -> None:
    """The other side of such a fill carries the same field, with the address of who was liquidated."""
    held = still.bought()
    other = {**LIQUIDATED["liquidation"], "liquidatedUser": "0x" + "9" * 40}  # type: ignore[dict-item]
    still.traded("long", "0.3", liquidation=other)
    report = still.cycle()
    assert told(report, "base_changed").data["size"] == D("0.3")
    assert (report.runs[0].tripped, report.runs[0].ledger.size) == (None, held)


def test_a_hedge_that_is_deleveraged_changes_the_base_and_the_run_goes_on(still: World) -> None:
    still.traded("long", "0.6")
    held = still.bought()
    assert still.cycle().runs[0].base == D("0.6")
    still.traded("short", "0.6", **DELEVERAGED)
    report = still.cycle()
    event = told(report, "base_changed")
    assert (event.data["taken"], event.data["size"]) == (0, D("0.6"))
    assert (report.runs[0].base, report.runs[0].ledger.size, report.runs[0].tripped) == (0, held, None)


def test_what_of_a_deleveraging_reaches_the_run_ends_it(still: World) -> None:
    still.traded("long", "0.1")
    held = still.bought()
    still.traded("short", "0.2", **DELEVERAGED)
    report = still.cycle()
    event = told(report, "closed_outside")
    assert event.data["taken"] == D("-0.1")
    assert (report.runs[0].ledger.size, report.runs[0].tripped) == (held - D("0.1"), event.data["reason"])


def test_what_is_closed_at_the_venue_s_own_site_is_taken_from_the_run_which_ends(still: World) -> None:
    held = still.bought()
    still.traded("short", held)
    report = still.cycle()
    event = told(report, "closed_outside")
    assert (event.data["taken"], report.runs[0].ledger.size) == (-held, 0)
    assert report.runs[0].tripped == event.data["reason"]
    assert still.journal.book(MARKET, NET).ledger.size == 0


def test_funding_that_settles_is_told_and_is_the_run_s(still: World) -> None:
    held = still.bought()
    still.served.step(26_000_000)  # over 16:00
    report = still.cycle()
    (paid,) = still.exchange.funding_payments(ACCOUNT).payments
    event = told(report, "funding")
    assert (event.data["amount"], event.data["position"]) == (paid.amount, held)
    assert report.runs[0].ledger.funding == paid.amount != 0
    assert "funding" not in [one.name for one in still.cycle().events], "once"


def test_an_order_that_is_refused_again_and_again_stops_its_slot(tmp_path: Path) -> None:
    """90,000 USD on a side want more margin than the account has."""
    large = replace(HUGE, size_usd=D(90_000))
    with world(tmp_path, config=large, limit_usd=1_000_000) as w:
        reports = [w.cycle() for _ in range(8)]
        events = [event for report in reports for event in report.events]
        refused = [event.data["code"] for event in events if event.name == "refused"]
        assert refused == ["insufficient_balance"] * 2 * REFUSED_RUNNING
        stopped = {event.data["slot"]: event.data["reason"] for event in events if event.name == "slot_stopped"}
        assert set(stopped) == {"bid", "ask"}
        assert "refused 5 times running, last: Insufficient margin" in stopped["bid"]
        assert reports[-1].runs[0].refused is not None, "which ends the loop with 6"


def test_what_the_venue_cancels_is_told_with_its_word_and_placed_again(still: World) -> None:
    still.cycle()
    still.exchange.cancel_all(ACCOUNT, MARKET)
    report = still.cycle()
    gone = {event.data["slot"]: event.data for event in report.events if event.name == "cancelled"}
    assert set(gone) == {"bid", "ask"}
    assert {one["by"] for one in gone.values()} == {"venue"}
    assert all(one["reason"] for one in gone.values())
    assert {order.slot for order in report.runs[0].orders} == {"bid", "ask"}


def test_an_order_that_another_takes_the_place_of_is_not_told_as_the_venue_s_doing(tmp_path: Path) -> None:
    """Not by the process that replaced it, nor by one that goes on after it."""
    with world(tmp_path, [Step(9999 + 20 * n, 10001 + 20 * n) for n in range(40)]) as w:
        events = [event for _ in range(6) for event in w.cycle().events]
        names = [event.name for event in events]
        assert names.count("amended") >= 4
        assert "cancelled" not in names
        w.go_on_in_another_process()
        assert [event.name for event in w.cycle().events if event.name == "cancelled"] == []


def test_the_events_of_a_cycle_are_those_of_the_journal(still: World) -> None:
    still.bought()
    still.traded("short", "0.1", **liquidated(still))
    report = still.cycle()
    still.journal.record_events(report.events, still.engine.run_names)
    (kept,) = still.kept("liquidated")
    assert kept.data["fill_id"] == told(report, "liquidated").data["fill_id"]


# -- the commands, on the same exchange at an address


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    from pfmm.paper.wire import hyperliquid_keys as keys

    need_signing()
    feed = PushedFeed(Two([Step(9999, 10001)]), 2)
    stored = {"kind": "scripted", "speed": 0, "at_ms": wall_ms()}
    with closing(Exchange.open(tmp_path / "x.sqlite3", lambda _: feed, wall_ms, first_feed=stored)) as exchange:
        exchange.open_account("desk")
        app = make_app(exchange)

        def answer(environ: Any, start: Any) -> Any:
            exchange.advance_clock(exchange.time().time_ms + 250)  # each request takes a while
            return app(environ, start)

        with PaperServer(answer, "127.0.0.1", 0).running() as server:
            env = {
                "PFMM_VENUE": "hyperliquid", "PFMM_BASE_URL": server.url, "PFMM_ACCOUNT": keys.address("desk"),
                "PFMM_API_KEY": keys.test_key("desk"),
            }  # fmt: skip
            yield Desk(exchange, feed, tmp_path / "home", env)


class Desk:
    """An account that cron trades, and the market that the test moves."""

    def __init__(self, exchange: Exchange, feed: PushedFeed, home: Path, env: dict[str, str]) -> None:
        self.exchange, self.feed, self._home, self._env = exchange, feed, home, env

    def pfmm(self, *words: object) -> Completed:
        return run(*words, "--json", home=self._home, env=self._env)

    def minute(self, mid: int) -> None:
        """A minute later the market is at `mid`, in tenths of a USD, and has gone through every bid."""
        now_ms = self.exchange.time().time_ms
        self.feed.steps[:] = [Step(mid - 1, mid + 1)]
        for order in self.exchange.orders("desk"):
            if order.side == "long" and order.price is not None:
                self.feed.push(MARKET, now_ms + 1, int(order.price * 10) - 1, -1)
        self.exchange.advance_clock(now_ms + 60_000)

    def once(self) -> Completed:
        """A line of cron."""
        size = ("--size", 9_000, "--max-inventory", 60_000, "--model", "fixed", "--half-spread-bps", 20)
        return self.pfmm("quote", "start", "TEST", *size, "--sigma", 30, "--once", "--yes", "--yes-unprotected")


def test_status_inventory_report_and_doctor_agree_after_a_liquidation(desk: Desk) -> None:
    for minute in range(60):
        desk.minute(round(10_000 * 0.97**minute))
        done = desk.once()
        if done.code:
            break
    assert (done.code, done.error["code"]) == (75, "halted")
    assert "liquidated: the venue sold" in done.error["message"]
    assert [e["event"] for e in done.envelope["data"]["events"]][:1] == ["liquidated"]
    (row,) = desk.pfmm("quote", "status").data["runs"]
    inventory = desk.pfmm("inventory")
    equity = D(inventory.data["account"]["equity"])
    lost = D(row["realized_pnl"]) - D(row["fees"]) + D(row["funding"])
    assert (row["state"], row["inventory"], row["orders"]) == ("halted", "0", [])
    (position,) = inventory.data["positions"]
    assert (position["side"], position["realized_pnl"]) == ("flat", row["realized_pnl"])
    assert inventory.envelope["warnings"] == []
    assert equity - 10_000 == lost < 0
    assert [D(one["pnl"]["total"]) for one in desk.pfmm("report").data["by_strategy"]] == [lost]
    checks = {one["name"]: one["verdict"] for one in desk.pfmm("doctor", "--deep").envelope["data"]["checks"]}
    assert (checks["account"], checks["orders"]) == ("ok", "ok"), checks
    assert {verdict for name, verdict in checks.items() if name.startswith("journal")} == {"ok"}, checks
    assert desk.once().code == 75, "until `pfmm resume`"


def test_what_a_hand_closes_at_the_site_ends_cron_s_run_with_75_and_all_agree(desk: Desk) -> None:
    desk.minute(10_000)
    assert desk.once().code == 0
    desk.minute(9_960)
    assert desk.once().code == 0
    (held,) = desk.exchange.positions("desk")
    desk.exchange.place("desk", PlaceRequest(MARKET, "short", "market", size_base=held.size_base))
    done = desk.once()
    assert done.code == 75
    assert "closed from outside" in done.error["message"]
    (row,) = desk.pfmm("quote", "status").data["runs"]
    assert (row["state"], row["inventory"]) == ("halted", "0")
    assert [one["side"] for one in desk.pfmm("inventory").data["positions"]] == ["flat"]
