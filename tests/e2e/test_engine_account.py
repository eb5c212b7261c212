"""What a run owes to the rest of the account: others' orders and strangers', and fills folded exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.report import RunSpec
from pfmm.errors import BadVenueData
from pfmm.model.account import Snapshot
from pfmm.model.order import Batch, NewOrder, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.e2e.engine_rig import FIXED, LIMITS, MARKET, START_MS, Rig, ScriptedFeed, Step, make_engine, rig

D = Decimal
CALM = [Step(9999, 10001)]  # mid 1000.0: a fixed quote of 20 bps rests at 998.0 and 1002.0
FAR = replace(FIXED, half_spread_bps=100)


def sell_of_another_run(r: Rig, price: str) -> None:
    """A request of another process, committed and not yet settled."""
    run = r.journal.start_run("grid", MARKET, {}, time_ms=START_MS, wall_ms=START_MS, pid=2)

    def decide(live: Sequence[OwnOrder], number: int) -> Intents:
        sell = OwnOrder(
            f"n-{number}", run.run_id, MARKET, "cell:1", Side.SHORT, D(price), D("0.01"), D(0), OwnStatus.SENDING,
            False, START_MS, START_MS, valid_until_ms=START_MS + 10_000,
        )  # fmt: skip
        return Intents((sell,), (), ())

    r.journal.commit_intents(decide, time_ms=START_MS)


def test_a_quote_that_would_meet_another_run_is_held_and_its_other_side_is_sent(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(CALM)) as r:
        sell_of_another_run(r, "997.5")
        report = r.cycle()
        assert [new.side for batch in r.venue.batches for new in batch.place] == [Side.SHORT]
        assert [(h.slot, h.reason) for h in report.runs[0].plan.held] == [
            ("bid", "would trade with another strategy of this account")
        ]


def test_an_order_that_nobody_here_placed_takes_its_room_under_the_limit(tmp_path: Path) -> None:
    # 0.46 at 995 is worth 460 at the mark of 1000; the bid of 50 USD would make it 510 of 500
    with rig(tmp_path, ScriptedFeed(CALM)) as r:
        r.venue.inner.submit(Batch(place=(NewOrder("stranger-1", MARKET, Side.LONG, D("0.46"), D(995)),)))
        report = r.cycle()
        assert [new.side for batch in r.venue.batches for new in batch.place] == [Side.SHORT]
        (held,) = report.runs[0].plan.held
        assert held.slot == "bid"
        assert "max_inventory is 500 USD" in held.reason


def test_own_resting_orders_count_once_and_not_again_as_a_stranger_s(tmp_path: Path) -> None:
    # both quotes of 50 USD rest; with a limit of 60 a move amends them, which counting them twice would refuse
    steps = [Step(9999, 10001), Step(10008, 10010)]
    with rig(tmp_path, ScriptedFeed(steps), limits=replace(LIMITS, max_inventory_usd=D(60))) as r:
        r.cycle()
        r.step()
        assert [(len(b.amend), len(b.place)) for b in r.venue.batches] == [(0, 2), (2, 0)]


def test_a_second_order_that_the_venue_made_of_one_request_takes_its_room(tmp_path: Path) -> None:
    # a bid of 0.05 at 998 rests; its twin of 0.42 is worth 420 at the mark of 1000, the bid 50: of 500, 30 are left,
    # too little for the larger bid that is wanted then
    with rig(tmp_path, ScriptedFeed(CALM)) as r:
        r.cycle()
        r.specs[0] = RunSpec(QuoteStrategy(MARKET, replace(FIXED, size_usd=D(100))), {}, LIMITS)
        r.engine.replace_strategy(r.specs[0].strategy)
        r.venue.doctor = with_a_twin
        report = r.step()
        assert [amend.size for amend in r.venue.batches[-1].amend] == [D("0.09")], "the ask grows, the bid does not"
        assert ["max_inventory is 500 USD" in held.reason for held in report.runs[0].plan.held] == [True]


def with_a_twin(snapshot: Snapshot) -> Snapshot:
    """Another open order of the bid's client order id."""
    bid = next(order for order in snapshot.orders if order.side is Side.LONG)
    return replace(snapshot, orders=(*snapshot.orders, replace(bid, order_id="twin", size=D("0.42"))))


def test_two_runs_of_one_process_share_the_room(tmp_path: Path) -> None:
    # in lots of 0.01 a bid is 50 USD at the mark and an ask 40: of either, 75 have room for one
    with rig(tmp_path, ScriptedFeed(CALM), limits=replace(LIMITS, max_inventory_usd=D(75))) as r:
        with_a_ladder(r)
        r.cycle()
        placed = [new for batch in r.venue.batches for new in batch.place]
        assert [(new.side, new.price) for new in placed] == [(Side.LONG, D("998.0")), (Side.SHORT, D("1002.0"))]


def test_a_restart_folds_no_fill_twice_though_another_run_of_it_is_behind(tmp_path: Path) -> None:
    # a print runs over the quote's bid of 0.05 at 998; the ladder, 100 bps away, never fills
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001, 9975, 500), Step(9999, 10001)])) as r:
        with_a_ladder(r)
        r.cycle()
        before = r.step().runs
        r.step()  # the fill is in the memory that is saved
        r.restart()
        after = r.step().runs
        assert [(run.fills, run.ledger.size) for run in before] == [(1, D("0.05")), (0, D(0))]
        assert [(run.fills, run.ledger.size) for run in after] == [(1, D("0.05")), (0, D(0))]


def test_the_same_moment_twice_from_a_clock_that_runs_is_a_cached_answer(tmp_path: Path) -> None:
    def running(snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, time=replace(snapshot.time, speed=1.0))

    with rig(tmp_path, ScriptedFeed(CALM)) as r:
        r.cycle()
        r.cycle()  # stepped: it stands still until somebody moves it
        r.venue.doctor = running
        r.step()
        with pytest.raises(BadVenueData, match="stale snapshot"):
            r.cycle()


def with_a_ladder(r: Rig) -> None:
    """The rig's quote and, in the same process on the same market, a ladder of one level 100 bps away."""
    ladder = LadderStrategy(MARKET, FAR, LadderConfig(levels=1))
    r.specs.append(RunSpec(ladder, {}, r.specs[0].limits))
    r.engine = make_engine(r.venue, r.journal, r.specs, r.instruments)
