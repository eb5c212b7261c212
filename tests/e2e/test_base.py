"""A position that no run holds is a base: shown, counted in the limit, and neither skewed against nor traded away."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.report import Limits, RunSpec, limit_beside
from pfmm.model.order import Batch, NewOrder, Side, TimeInForce
from pfmm.model.plan import Tolerance
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from tests.e2e.driver import run
from tests.e2e.engine_rig import FIXED, MARKET, Rig, ScriptedFeed, Step, make_engine, rig
from tests.e2e.homes import served, still_home

D = Decimal
STILL = [Step(9999, 10001)] * 60
LIMITS = Limits(D(500), tolerance=Tolerance(D(2), D("0.2"), 0))


def trade(r: Rig, side: Side, size: str, name: str = "site-1") -> None:
    price = D(1001) if side is Side.LONG else D(999)
    new = NewOrder(name, MARKET, side, D(size), price, post_only=False, time_in_force=TimeInForce.IOC)
    r.venue.inner.submit(Batch(place=(new,)))


@pytest.mark.parametrize(("base", "left"), [("0", "500"), ("-2", "300"), ("5", "0"), ("6", "0")])
def test_what_a_base_leaves_of_a_limit_of_500_at_100(base: str, left: str) -> None:
    assert limit_beside(D(500), D(base), D(100)) == D(left)


@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
def test_a_run_quotes_beside_a_base_as_if_there_were_none(tmp_path: Path, side: Side) -> None:
    """A hedge of 200 USD: the same prices and sizes on both sides as without it."""
    with rig(tmp_path / "with", ScriptedFeed(STILL)) as r, rig(tmp_path / "without", ScriptedFeed(STILL)) as bare:
        trade(r, side, "0.2")
        report, plain = r.cycle(), bare.cycle()
        (row,) = report.runs
        assert (row.base, row.position, row.ledger.size) == (side.sign * D("0.2"), side.sign * D("0.2"), D(0))
        wanted = [(o.slot, o.price, o.size, o.reduce_only) for o in row.orders]
        assert wanted == [(o.slot, o.price, o.size, o.reduce_only) for o in plain.runs[0].orders] != []


def test_a_base_is_counted_in_the_limit_on_both_sides_and_never_reduced(tmp_path: Path) -> None:
    """A base of +400 of 500 USD leaves 100: the run sells at most that below its own zero, whatever fills."""
    falling_on_us = [Step(9999, 10001), *[Step(9999, 10001, 11_000, 500)] * 40]
    with rig(tmp_path, ScriptedFeed(falling_on_us)) as r:
        trade(r, Side.LONG, "0.4")
        reports = [r.cycle(), *(r.step() for _ in range(35))]
        held = [report.runs[0].ledger.size for report in reports]
        assert min(held) < 0
        assert min(held) * 1000 >= -101
        assert reports[-1].runs[0].position == D("0.4") + held[-1] >= D("0.29")
        assert {report.runs[0].base for report in reports} == {D("0.4")}


def test_a_base_that_takes_up_the_whole_limit_leaves_nothing_to_quote(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        trade(r, Side.LONG, "0.6")
        (row,) = r.cycle().runs
        assert row.problem == f"base: 0.60 {MARKET} that no run holds takes up the whole limit of 500 USD"
        assert (row.orders, r.venue.batches) == ((), [])


def test_one_cycle_beside_a_base_that_takes_up_the_limit_is_refused_for_risk_not_for_data(tmp_path: Path) -> None:
    from pfmm.app.embedded import open_exchange
    from pfmm.paper.messages import PlaceRequest

    still_home(tmp_path)
    opened = open_exchange(tmp_path / "state")
    opened.place("default", PlaceRequest("BTC-PERP", "long", "market", size_usd=D(600)))
    opened.close()
    done = run("quote", "start", "BTC", "--once", "--json", home=tmp_path)
    assert (done.code, done.error["code"]) == (7, "risk_refused"), done.out
    assert "that no run holds takes up the whole limit of 500 USD" in done.error["message"]


def test_what_another_run_holds_is_no_base(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001), Step(9999, 10001, 9000, 500), *STILL])) as r:
        spec = RunSpec(LadderStrategy(MARKET, FIXED, LadderConfig(levels=1)), {}, LIMITS)
        beside = make_engine(r.venue, r.journal, [spec], r.instruments)
        r.cycle()
        for _ in range(4):
            r.step()
            (row,) = beside.cycle().runs
        assert row.position > 0
        assert row.position == r.journal.book(MARKET, r.engine.run_ids[0]).ledger.size + row.ledger.size
        assert row.base == 0


def test_an_own_position_beside_a_larger_base_the_other_way_is_still_closed(tmp_path: Path) -> None:
    """Own long 0.4 beside a base of -0.45: what closes it adds to the account's short, so it cannot be reduce-only."""
    fills = [Step(9999, 10001), *[Step(9999, 10001, 9000, 500)] * 12, *STILL]
    limits = replace(LIMITS, max_inventory_usd=D(900))
    with rig(tmp_path, ScriptedFeed(fills), limits=limits) as r:
        trade(r, Side.SHORT, "0.45")
        reports = [r.cycle(), *(r.step() for _ in range(20))]
        (row,) = reports[-1].runs
        assert (row.base, row.ledger.size > 0) == (D("-0.45"), True)
        assert not [event for report in reports for event in report.events if event.name == "refused"]
        assert all(not order.reduce_only for order in row.orders)


SOLD_TO_US = [Step(9999, 10001), *[Step(9999, 10001, 9000, 500)] * 4, *STILL]


def ended_with_inventory(r: Rig) -> Decimal:
    """A first run that bought and was ended, as `stop` ends one; what it left."""
    r.cycle()
    for _ in range(4):
        r.step()
    r.venue.inner.cancel_all()
    r.step()
    r.engine.leave(r.now_ms, status="stopped", reason="stop")
    return r.journal.left_by_ended(MARKET)


def test_a_new_run_takes_over_what_an_earlier_one_left_and_counts_from_the_mark(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(SOLD_TO_US)) as r:
        left = ended_with_inventory(r)
        assert left > 0
        first = r.engine.run_ids[0]
        r.engine = make_engine(r.venue, r.journal, r.specs, r.instruments)
        report = r.step()
        (row,), (told,) = report.runs, [one for one in report.events if one.name == "position_adopted"]
        assert (row.base, row.position, row.ledger.size, row.ledger.cost_basis) == (0, left, left, left * 1000)
        assert (told.data["size"], told.data["price"], told.data["foreign"]) == (left, D(1000), False)
        assert r.journal.book(MARKET, first).ledger.size == 0
        asks = [order for order in row.orders if order.side is Side.SHORT]
        bids = [order for order in row.orders if order.side is Side.LONG]
        assert asks[0].price - 1000 < 1000 - bids[0].price, "skewed against, as what it bought itself"
        again = r.step()
        assert not [one for one in again.events if one.name == "position_adopted"]
        assert again.runs[0].ledger == row.ledger


def test_a_dry_run_shows_what_would_be_taken_over_and_takes_nothing(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(SOLD_TO_US)) as r:
        left = ended_with_inventory(r)
        r.engine = make_engine(r.venue, r.journal, r.specs, r.instruments)
        (row,) = r.cycle(send=False).runs
        assert (row.ledger.size, row.base) == (left, 0)
        assert r.journal.left_by_ended(MARKET) == left


def test_what_no_run_ever_held_is_taken_over_only_where_that_is_asked_for(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        trade(r, Side.LONG, "0.3")
        adopting = [replace(spec, adopts=True) for spec in r.specs]
        r.engine = make_engine(r.venue, r.journal, adopting, r.instruments)
        (row,) = r.cycle().runs
        assert (row.base, row.ledger.size, row.ledger.realized) == (0, D("0.3"), 0)
        r.restart()
        (row,) = r.step().runs
        assert (row.base, row.ledger.size, row.problem) == (0, D("0.3"), None)


def test_what_was_held_before_the_first_fill_that_is_known_is_taken_over_too(tmp_path: Path) -> None:
    """Another journal of the account, to which no fill tells where the position came from; a run beside agrees."""
    with rig(tmp_path, ScriptedFeed(STILL)) as r:
        trade(r, Side.SHORT, "0.3")
        hide = lambda seen: replace(seen, fills=())  # noqa: E731 - as where the venue keeps no fills of before
        r.venue.doctor = hide
        beside = RunSpec(LadderStrategy(MARKET, FIXED, LadderConfig(levels=1)), {}, LIMITS)
        other = make_engine(r.venue, r.journal, [beside], r.instruments)
        assert other.cycle().runs[0].base == D("-0.3")
        r.engine = make_engine(r.venue, r.journal, [replace(spec, adopts=True) for spec in r.specs], r.instruments)
        (row,) = r.step().runs
        assert (row.base, row.ledger.size, row.position) == (0, D("-0.3"), D("-0.3"))
        r.venue.inner.advance(r.now_ms + 3000)
        (seen,) = other.cycle().runs
        assert (seen.base, seen.problem) == (0, None)


def test_the_report_gives_each_strategy_what_it_held_while_it_held_it(tmp_path: Path) -> None:
    """By minutes and by fills alike, and both add up to the account's."""
    from pfmm.accounting.ledger import net_profit
    from pfmm.report.data import report_data
    from pfmm.report.inputs import MidSeries, OrderCounts, row_of

    with rig(tmp_path, ScriptedFeed([*SOLD_TO_US[:5], *[Step(10099, 10101)] * 30])) as r:
        ended_with_inventory(r)
        ladder = RunSpec(LadderStrategy(MARKET, FIXED, LadderConfig(levels=1)), {}, LIMITS)
        r.engine = make_engine(r.venue, r.journal, [ladder], r.instruments)
        r.step()
        mark = D(1010)
        kinds = {run.run_id: run.kind for run in r.journal.runs()}
        by_fills = report_data(
            start_ms=0, end_ms=r.now_ms + 1, fills=[row_of(i.fill, i.run_id or "") for i in r.journal.fills()],
            funding=(), mids={MARKET: MidSeries.of(r.journal.mids(MARKET))}, equity=(), orders=OrderCounts(),
            marks={MARKET: mark}, strategies=kinds, moves=r.journal.adoptions_by_market(None),
        )  # fmt: skip
        books = {book.owner: net_profit(book.ledger, mark) for book in r.journal.books(MARKET)}
        assert {part.name: part.pnl.total for part in by_fills.strategies} == {
            kinds[owner]: profit for owner, profit in books.items() if owner in kinds
        }
        assert by_fills.pnl.total == books["*"] == sum(books[owner] for owner in kinds)
        from pfmm.app.report_minutes import of_minutes

        by_minutes = of_minutes(r.journal, (0, r.now_ms + 1), None, {MARKET: mark}, ())
        assert {p.name: p.pnl.total for p in by_minutes.strategies} == {
            p.name: p.pnl.total for p in by_fills.strategies
        }


def test_a_live_start_beside_a_base_wants_to_be_told(tmp_path: Path) -> None:
    exchange, home = tmp_path / "exchange", tmp_path / "home"
    still_home(exchange)
    with served(exchange) as url:
        env = {"PFMM_VENUE": "purpleflea", **url, "PURPLE_FLEA_KEY": "paper-default"}
        from pfmm.app.embedded import open_exchange
        from pfmm.paper.messages import PlaceRequest

        opened = open_exchange(exchange / "state")
        opened.place("default", PlaceRequest("BTC-PERP", "long", "market", size_usd=D(100)))
        opened.close()
        line = ("quote", "start", "BTC", "--once", "--yes", "--yes-unprotected", "--json")
        refused = run(*line, home=home, env=env)
        assert (refused.code, refused.error["code"]) == (7, "risk_refused"), refused.out
        assert "BTC-PERP that no run of pfmm ever held; nothing was sent" in refused.error["message"]
        assert refused.error["hint"].startswith("--position base keeps it apart")
        taken = run(*line, "--position", "base", home=home, env=env)
        assert (taken.code, taken.data["runs"][0]["resting"]) == (0, 2), taken.out
        assert "note: base: the account holds" in taken.err
        again = run(*line, home=home, env=env)
        assert again.code == 0, "an open run has been told once"
        assert run("quote", "stop", "BTC", "--json", home=home, env=env).code == 0
        adopted = run(*line, "--position", "adopt", home=home, env=env)
        assert (adopted.code, adopted.data["runs"][0]["inventory"]) == (0, "0.00141"), adopted.out
        assert "note: adopt: 0.00141 BTC-PERP that no run ever held is the new run's" in adopted.err
        assert run("quote", "stop", "BTC", "--json", home=home, env=env).code == 0
        carried = run(*line, home=home, env=env)
        assert (carried.code, carried.data["runs"][0]["inventory"]) == (0, "0.00141"), carried.out
        assert "note: adopt: 0.00141 BTC-PERP that an earlier run left" in carried.err
