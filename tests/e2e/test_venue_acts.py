"""What the venue or another hand does to a run's position: told, booked, and the end of the run. Never passed over."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.cancel import wind_down
from pfmm.engine.engine import Engine
from pfmm.engine.report import Limits, RunSpec
from pfmm.engine.strategy_run import REFUSED_RUNNING
from pfmm.errors import UnknownMarket
from pfmm.model.account import Snapshot
from pfmm.model.ledger import ACCOUNT
from pfmm.model.order import Batch, BatchAnswer, Fill, Liquidity, NewOrder, Refusal, Side, TimeInForce
from pfmm.model.plan import Decision, MarketView
from pfmm.paper.messages import PlaceRequest
from pfmm.store import flock
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteState, QuoteStrategy
from tests.e2e.driver import Completed, run
from tests.e2e.engine_rig import MARKET, Rig, RigClock, ScriptedFeed, Step, make_engine, rig
from tests.e2e.homes import own_session

D = Decimal
START_MS = 1_735_689_600_000
STARTS: dict[str, tuple[object, ...]] = {
    "grid": ("--lower", 20, "--upper", 180, "--levels", 40, "--size", 480),
    "quote": ("--size", 1500),
    "ladder": ("--size", 1500),
}


def runaway(folder: Path, growth: str = "1.02") -> Path:
    """A market that stands at 100 for 10 quotes and then rises by 2 % every 15 s: whoever sells is liquidated."""
    head = {
        "format": "pfmm-tape", "version": 1, "units": {"time": "ms", "price": "USD", "size": "base"},
        "markets": {"RUN-PERP": {"price_unit": "0.01", "size_step": "0.01"}},
    }  # fmt: skip
    lines = [json.dumps(head)]
    for number in range(100):
        mid = D(100) * D(growth) ** max(number - 10, 0)
        bid, ask = (format((mid + one).quantize(D("0.01")), "f") for one in (D("-0.01"), D("0.01")))
        size = str(500 + number % 3)
        row = {"kind": "quote", "market": "RUN-PERP", "time": START_MS + number * 15_000}
        lines.append(json.dumps({**row, "bid": bid, "bid_size": size, "ask": ask, "ask_size": size}))
    path = folder / "runaway.ndjson"
    path.write_text("\n".join(lines) + "\n")
    return path


def fed(tmp_path: Path, growth: str = "1.02") -> Path:
    home = tmp_path / "home"
    assert run("paper", "feed", "replay", runaway(tmp_path, growth), "--speed", 0, "--json", home=home).code == 0
    return home


def started(home: Path, kind: str, *more: object) -> Completed:
    return run(
        kind, "start", "RUN", *STARTS[kind], "--max-inventory", 20_000, "--interval", 15, *more, "--json", home=home
    )


def agree(home: Path, kind: str) -> dict[str, Any]:
    """Status, inventory, report and doctor tell one story: nothing held, and the run's P&L is the account's."""
    (row,) = run(kind, "status", "--json", home=home).data["runs"]
    inventory = run("inventory", "--json", home=home)
    (position,) = inventory.data["positions"]
    report = run("report", "--json", home=home)
    assert (row["state"], row["inventory"], position["side"]) == ("halted", "0", "flat")
    assert row["stop_reason"].startswith("liquidated: the venue bought ")
    lost = sum(D(row[name]) * sign for name, sign in (("realized_pnl", 1), ("fees", -1), ("funding", 1)))
    assert (lost, D(row["unrealized_pnl"])) == (D(inventory.data["account"]["equity"]) - 10_000, D(0))
    assert [D(one["pnl"]["total"]) for one in report.data["by_strategy"]] == [lost]
    assert inventory.envelope["warnings"] == []
    assert run("doctor", "--deep", "--json", home=home).code == 0
    return dict(row)


@pytest.mark.parametrize("kind", ["grid", "quote", pytest.param("ladder", marks=pytest.mark.slow)])
def test_a_liquidated_loop_says_so_and_halts(tmp_path: Path, kind: str) -> None:
    home = fed(tmp_path)
    done = started(home, kind, "--cycles", 90)
    assert done.code == 75
    names = [event.get("event") for event in done.events[:-1]]
    (liquidated,) = [event for event in done.events if event.get("event") == "liquidated"]
    row = agree(home, kind)
    assert (liquidated["side"], liquidated["taken"], liquidated["reason"]) == (
        "long", liquidated["size"], row["stop_reason"],
    )  # fmt: skip
    assert names[-3:] == ["stopping", "halted", "stopped"]
    after = names[names.index("liquidated") :]
    assert {"placed", "amended", "refused"}.isdisjoint(after), "nothing is sent after it"
    with own_session(home) as session:
        kept = [told.event.name for told in session.journal.events() if told.run_id is not None]
    assert kept.count("liquidated") == 1
    again = started(home, kind, "--cycles", 1)
    assert (again.code, again.error["code"]) == (75, "halted")


def test_cron_lines_of_a_liquidated_run_end_with_75_too(tmp_path: Path) -> None:
    """Somebody's `inventory` has taken in the closing fill before the next line of cron looks."""
    home = fed(tmp_path)
    now_ms, done = START_MS, started(home, "grid", "--once")
    while done.code == 0 and now_ms < START_MS + 90 * 15_000:
        now_ms += 60_000
        with own_session(home) as session:
            session.exchange.advance_clock(now_ms)
        run("inventory", "--json", home=home)
        done = started(home, "grid", "--once")
    assert (done.code, done.error["code"]) == (75, "halted")
    assert "liquidated: the venue bought" in done.error["message"]
    assert [e["event"] for e in done.envelope["data"]["events"] if e["event"] in ("liquidated", "placed")] == [
        "liquidated"
    ]
    agree(home, "grid")


def test_a_deposit_repairs_no_drawdown_from_below_zero(tmp_path: Path) -> None:
    """The market runs so fast that the account ends below zero; the line of cron that watches it is not calmed."""
    home = fed(tmp_path, "1.12")
    assert started(home, "grid", "--cycles", 60).code == 75
    before = run("inventory", "--json", home=home).data["account"]
    assert D(before["equity"]) < 0
    assert run("paper", "deposit", 30_000, "--json", home=home).code == 0
    done = run("inventory", "--assert", "not drawdown_pct >= 10", "--json", home=home)
    after = done.envelope["data"]["account"]
    assert done.code == 10
    assert D(after["peak_equity"]) == D(before["peak_equity"]) + 30_000
    assert D(str(after["drawdown_pct"])) > 25


# -- the same on the engine alone

BIG = QuoteConfig(model="fixed", half_spread_bps=20, sigma_annual=0.3, tilt_max=0, size_usd=D(500))
RUNS = Limits(D(2_000))
STILL = [Step(9999, 10001)] * 400


def hand(r: Rig, side: Side, size: str, number: int = 1) -> None:
    """Somebody trades on the venue's own site."""
    price = D(1001) if side is Side.LONG else D(999)
    new = NewOrder(f"site-{number}", MARKET, side, D(size), price, post_only=False, time_in_force=TimeInForce.IOC)
    answer = r.venue.inner.submit(Batch(place=(new,)))
    assert not isinstance(answer.place[0], Refusal), answer


def bought(r: Rig) -> None:
    """The run buys: a print goes through its bid."""
    r.cycle()
    r.step()
    assert r.step().runs[0].ledger.size > 0


FIRST_BID_FILLS = [Step(9999, 10001), Step(9999, 10001, 9000, 500), *STILL]


@pytest.mark.parametrize("part", ["whole", "half"])
def test_what_another_hand_closes_is_taken_from_the_run_which_ends(tmp_path: Path, part: str) -> None:
    with rig(tmp_path, ScriptedFeed(FIRST_BID_FILLS), BIG, RUNS) as r:
        bought(r)
        held = r.journal.book(MARKET, r.engine.run_ids[0]).ledger.size
        size = held if part == "whole" else D("0.2")
        hand(r, Side.SHORT, str(size))
        report = r.step()
        (row,) = report.runs
        (told,) = [event for event in report.events if event.name == "closed_outside"]
        assert (row.ledger.size, told.data["taken"]) == (held - size, -size)
        assert row.tripped == row.ended_by == told.data["reason"]
        assert row.plan.place == row.plan.amend == (), "nothing new leaves"
        assert r.journal.book(MARKET, ACCOUNT).ledger.size == held - size


def test_a_hand_that_adds_changes_the_base_alone(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(FIRST_BID_FILLS), BIG, RUNS) as r:
        bought(r)
        held = r.journal.book(MARKET, r.engine.run_ids[0]).ledger.size
        hand(r, Side.LONG, "0.3")
        report = r.step()
        assert [event.data["taken"] for event in report.events if event.name == "base_changed"] == [D(0)]
        assert (report.runs[0].tripped, report.runs[0].ledger.size) == (None, held)
        assert not [event for event in r.step().events if event.name == "base_changed"], "told once"


def test_a_fill_that_came_between_two_processes_is_told_by_the_second(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(FIRST_BID_FILLS), BIG, RUNS) as r:
        bought(r)
        r.engine.leave(r.now_ms, status="between_runs", reason=None)
        hand(r, Side.SHORT, "0.2")
        snapshot = r.venue.inner.snapshot([MARKET], r.journal.cursors())
        r.journal.absorb(fills=snapshot.fills, funding=(), cursors=snapshot.cursors)
        r.restart()
        report = r.step()
        assert [event.name for event in report.events if event.name == "closed_outside"] == ["closed_outside"]
        assert report.runs[0].tripped is not None


HUGE = QuoteConfig(model="fixed", half_spread_bps=20, sigma_annual=0.3, tilt_max=0, size_usd=D(9_000))
CRASH = [Step(9999, 10001), Step(9999, 10001, 9000, 50_000), *[Step(9999, 10001)] * 3]
CRASH += [Step(round(10_000 * 0.96**n) - 1, round(10_000 * 0.96**n) + 1) for n in range(1, 40)]


def test_one_liquidation_ends_and_empties_every_run_of_the_account(tmp_path: Path) -> None:
    """A quote and a ladder share a position on one market; a quote on another market holds nothing."""
    with rig(tmp_path, ScriptedFeed(CRASH), HUGE, Limits(D(60_000))) as r:
        ladder = LadderStrategy(MARKET, HUGE, LadderConfig(levels=1))
        spec = RunSpec(ladder, {}, Limits(D(60_000)))
        beside = make_engine(r.venue, r.journal, [spec], r.instruments)
        reports = []
        for _ in range(60):
            reports = [r.step(), beside.cycle()]
            if reports[0].runs[0].tripped is not None:
                break
        for report in reports:
            (row,) = report.runs
            assert row.ended_by is not None
            assert "liquidated: the venue sold" in row.ended_by
            assert (row.ledger.size, row.orders) == (0, ())
        assert all(row.ledger.realized < 0 for report in reports for row in report.runs), "both held some"
        assert {book.ledger.size for book in r.journal.books(MARKET)} == {D(0)}
        realized = sum(row.ledger.realized for report in reports for row in report.runs)
        assert realized == r.journal.book(MARKET, ACCOUNT).ledger.realized


def test_a_liquidation_of_before_the_run_ends_no_run(tmp_path: Path) -> None:
    """A fresh journal takes in the account's whole past with its first cycle."""
    with rig(tmp_path, ScriptedFeed(CRASH), HUGE, Limits(D(60_000))) as r:
        r.venue.inner.submit(Batch(place=(NewOrder("site-1", MARKET, Side.LONG, D(30), D(998)),)))
        r.now_ms += 45 * 3_000
        r.venue.inner.advance(r.now_ms)
        assert r.step().runs[0].tripped is None
        assert [item.fill.liquidation for item in r.journal.fills()] == [False, True]
        assert r.step().runs[0].tripped is None


def deleveraged(r: Rig, side: str, size: str) -> None:
    """The venue closes a winner by itself: a fill of no order of anybody's."""
    r.exchange.place("main", PlaceRequest(MARKET, side, "market", size_base=D(size), reduce_only=True))


def test_a_hedge_that_is_deleveraged_is_a_change_of_the_base_and_the_run_goes_on(tmp_path: Path) -> None:
    """Held by hand: 0.6, more than the run's own; the venue closes all of it and nothing of the run."""
    with rig(tmp_path, ScriptedFeed(FIRST_BID_FILLS), BIG, RUNS) as r:
        hand(r, Side.LONG, "0.6")
        bought(r)
        before = r.step().runs[0]
        deleveraged(r, "short", "0.6")
        report = r.step()
        (row,) = report.runs
        (told,) = [event for event in report.events if event.name == "base_changed"]
        assert (told.data["taken"], told.data["size"], told.data["side"]) == (0, D("0.6"), Side.SHORT)
        assert (row.base, row.ledger.size, row.tripped) == (0, before.ledger.size, None)
        assert row.ledger.realized == before.ledger.realized, "and earned nothing by it"


def test_what_of_a_deleveraging_reaches_the_run_ends_it(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(FIRST_BID_FILLS), BIG, RUNS) as r:
        hand(r, Side.LONG, "0.1")
        bought(r)
        held = r.step().runs[0].ledger.size
        deleveraged(r, "short", "0.2")
        report = r.step()
        (told,) = [event for event in report.events if event.name == "closed_outside"]
        assert told.data["taken"] == D("-0.1")
        assert (report.runs[0].ledger.size, report.runs[0].base) == (held - D("0.1"), 0)
        assert report.runs[0].tripped == told.data["reason"]


def test_a_liquidation_on_another_market_of_the_account_ends_the_run(tmp_path: Path) -> None:
    """They share the margin: what this run still holds is the next to go."""
    with rig(tmp_path, ScriptedFeed(FIRST_BID_FILLS), BIG, RUNS) as r:
        bought(r)
        held = r.step().runs[0].ledger.size
        gone = Fill(
            "liq-1", "x1", None, "OTHER-PERP", Side.SHORT, D(50), D(3), D("0.1"), Liquidity.TAKER, r.now_ms + 1_000,
            liquidation=True,
        )  # fmt: skip
        r.venue.doctor = lambda seen: replace(seen, fills=(*seen.fills, gone))
        report = r.step()
        (told,) = [event for event in report.events if event.name == "liquidated"]
        assert (told.market, told.data["traded"], told.data["taken"]) == (MARKET, "OTHER-PERP", 0)
        assert (report.runs[0].tripped, report.runs[0].ledger.size) == (told.data["reason"], held)
        assert "sold 3 OTHER-PERP at 50" in told.data["reason"]


def test_a_market_that_is_taken_off_the_list_ends_the_run_and_nothing_rests(tmp_path: Path) -> None:
    """The venue has cancelled what rested, and knows the market no more; the account's state without it proves that."""
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        assert len(r.cycle().runs[0].orders) == 2

        def delisted(seen: Snapshot) -> Snapshot:
            if seen.tickers:  # it was asked for
                raise UnknownMarket(f"the venue lists no market {MARKET}")
            return seen

        r.exchange.cancel_all("main", MARKET)
        r.venue.doctor = delisted
        with pytest.raises(UnknownMarket):
            r.step()
        done = wind_down(r.venue, r.journal, RigClock(r), [MARKET], r.engine.run_ids)
        assert done.snapshot.orders == ()
        assert r.journal.live_orders() == ()


def test_a_loop_goes_on_while_the_clock_of_its_machine_is_set(tmp_path: Path) -> None:
    """By an hour, a day and decades, to and fro: venue time and the steady clock are what cycles go by."""
    steps = iter([0, 3_600_000, -3_600_000, 86_400_000, -86_400_000, -1_450_000_000_000, 0])
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        r.engine = Engine(
            r.venue, r.journal, r.specs, r.instruments, wall_ms=lambda: 1_760_000_000_000 + next(steps), pid=1
        )  # fmt: skip
        first = r.cycle().runs[0].orders
        for _ in range(5):
            report = r.step()
            assert (report.runs[0].problem, report.fresh) == (None, True)
        assert report.runs[0].orders == first, "and nothing is sent for it"
        (run_,) = r.journal.runs()
        assert run_.last_cycle_ms == r.now_ms


@pytest.mark.slow
def test_a_run_in_the_background_that_is_liquidated_is_found_halted(tmp_path: Path) -> None:
    home = fed(tmp_path)
    begun = started(home, "grid", "--detach")
    assert begun.code == 0, begun.out
    assert flock.wait_for(lambda: state_of(home) == "halted", 60)
    with own_session(home) as session:
        assert flock.wait_for(lambda: not session.locks.holders(), 60)
        kept = [told.event.name for told in session.journal.events()]
    assert (kept.count("liquidated"), kept[-1]) == (1, "stopped")
    assert Path(begun.data["log"]).read_text("utf-8").count('"event":"liquidated"') == 1


def state_of(home: Path) -> str:
    return str(run("grid", "status", "--json", home=home).data["runs"][0]["state"])


# -- an order that is refused again and again


class Refusing:
    """Refuses every new order of a slot's side with one code, and counts how many were sent."""

    def __init__(self, side: Side | None, code: str = "insufficient_margin") -> None:
        self.side, self.code, self.sent = side, code, 0

    def __call__(self, batch: Batch, _: Any) -> BatchAnswer | None:
        bad = [o for o in batch.place if self.side in (None, o.side)]
        if not bad:
            return None
        self.sent += len(bad)
        answer = self.rest(Batch(batch.cancel, batch.amend, tuple(o for o in batch.place if o not in bad)))
        good = iter(answer.place)
        refusal = Refusal(self.code, "margin is short by 5 USD", 409)
        return BatchAnswer(answer.cancel, answer.amend, tuple(refusal if o in bad else next(good) for o in batch.place))

    def rest(self, batch: Batch) -> BatchAnswer:
        return self.venue.submit(batch) if len(batch) else BatchAnswer()

    venue: Any = None


def refusing(r: Rig, side: Side | None) -> Refusing:
    before = Refusing(side)
    before.venue = r.venue.inner
    r.venue.before = before
    return before


def test_a_slot_that_is_refused_again_and_again_stops_and_says_so(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        before = refusing(r, Side.SHORT)
        reports = [r.cycle(), *(r.step() for _ in range(30))]
        assert before.sent == REFUSED_RUNNING == 5
        (told,) = [event for report in reports for event in report.events if event.name == "slot_stopped"]
        assert told.data["slot"] == "ask"
        assert told.data["reason"] == "stopped: refused 5 times running, last: margin is short by 5 USD"
        assert reports[-1].runs[0].decision is not None
        assert reports[-1].runs[0].decision.absent["ask"] == told.data["reason"]
        assert reports[-1].runs[0].refused is None, "the bid goes on"
        assert [order.slot for order in reports[-1].runs[0].orders] == ["bid"]
        r.engine.leave(r.now_ms, status="between_runs", reason=None)
        r.restart()
        r.step()
        assert before.sent == REFUSED_RUNNING, "the next process knows it"


def test_a_fill_of_the_run_gives_a_stopped_slot_one_more_try(tmp_path: Path) -> None:
    fills = [*STILL[:10], Step(9999, 10001, 9000, 500), *STILL]
    with rig(tmp_path, ScriptedFeed(fills)) as r:
        before = refusing(r, Side.SHORT)
        for _ in range(25):
            r.step()
        assert before.sent == REFUSED_RUNNING + 1


@dataclass(frozen=True, slots=True)
class Closing(QuoteStrategy):
    """Asks in each cycle that all it holds be closed."""

    def decide(self, state: QuoteState, view: MarketView) -> tuple[QuoteState, Decision]:
        if view.inventory:
            return state, Decision((), close=True)
        return QuoteStrategy.decide(self, state, view)


def test_a_run_whose_inventory_cannot_be_closed_ends_and_says_so(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed([STILL[0], Step(9999, 10001, 9000, 500), *STILL]), strategy=Closing) as r:
        r.cycle()
        r.step()
        bought = r.step().runs[0].ledger.size
        assert bought > 0
        before = refusing(r, Side.SHORT)
        reports = [r.step() for _ in range(10)]
        assert before.sent == REFUSED_RUNNING
        ended = (
            "what the run holds could not be closed: stopped: refused 5 times running, last: margin is short by 5 USD"
        )
        assert [report.runs[0].ended_by for report in reports] == [None] * 4 + [ended] * 6
        (told,) = [event for report in reports for event in report.events if event.name == "slot_stopped"]
        assert told.data["slot"] == "close"
        assert reports[-1].runs[0].ledger.size == bought


def test_a_run_of_which_everything_is_refused_says_that_nothing_is_taken_any_more(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        before = refusing(r, None)
        reports = [r.cycle(), *(r.step() for _ in range(6))]
        assert before.sent == 2 * REFUSED_RUNNING
        assert [report.runs[0].refused is None for report in reports] == [True] * 4 + [False] * 3


def test_a_loop_that_is_refused_everything_ends_with_6(tmp_path: Path) -> None:
    """200,000 USD on a side need far more margin than the account has."""
    home = fed(tmp_path)
    sizes = ("--size", 200_000, "--max-inventory", 1_000_000, "--interval", 15, "--cycles", 40)
    done = run("quote", "start", "RUN", *sizes, "--json", home=home)
    refused = [event for event in done.events if event.get("event") == "refused"]
    assert (done.code, len(refused)) == (6, 2 * REFUSED_RUNNING)
    assert [event["slot"] for event in done.events if event.get("event") == "slot_stopped"] == ["bid", "ask"]
    last = done.events[-1]
    assert last["event"] == "stopped"
    assert "nothing of this run is taken any more: stopped: refused 5 times running" in last["reason"]


def test_what_the_venue_cancels_by_itself_is_told_with_its_reason(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        (row,) = r.cycle().runs
        gone = next(order for order in row.orders if order.slot == "bid")
        r.exchange.cancel_all("main", MARKET)
        report = r.step()
        told = {event.data["slot"]: event.data for event in report.events if event.name == "cancelled"}
        assert set(told) == {"bid", "ask"}
        assert (told["bid"]["by"], told["bid"]["client_order_id"]) == ("venue", gone.client_order_id)
        assert told["bid"]["reason"]
        assert {order.slot for order in report.runs[0].orders} == {"bid", "ask"}, "and placed again"
