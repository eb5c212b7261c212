"""Requoting over the engine and the real exchange: what is sent, and above all what is not.

The market's price unit is 0.1 USD, so a step of 10,000 units is 1,000 USD; 20 bps of it are 2 USD. Steps are 3 s.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.report import Limits
from pfmm.model.cycle import CycleReport
from pfmm.model.order import BatchAnswer, Refusal, Side
from pfmm.model.plan import Tolerance
from pfmm.strategy.quote.config import QuoteConfig
from tests.e2e.engine_rig import FIXED, LIMITS, MARKET, Rig, ScriptedFeed, Step, rig, with_ticker

D = Decimal


def resting(report: CycleReport) -> dict[str, Decimal]:
    return {order.slot: order.price for order in report.runs[0].orders}


def actions(of: Rig) -> list[tuple[int, int, int]]:
    """(cancels, amends, places) of each batch."""
    return [(len(b.cancel), len(b.amend), len(b.place)) for b in of.venue.batches]


def test_a_quote_rests_and_is_left_alone_until_the_price_has_drifted(tmp_path: Path) -> None:
    # mid 1000.0, then 1000.4 (4 bps: under the drift of 5), then 1000.9 (9 bps)
    steps = [Step(9999, 10001), Step(10003, 10005), Step(10008, 10010)]
    with rig(tmp_path, ScriptedFeed(steps)) as r:
        assert resting(r.cycle()) == {"bid": D("998.0"), "ask": D("1002.0")}
        assert resting(r.step()) == {"bid": D("998.0"), "ask": D("1002.0")}
        assert actions(r) == [(0, 0, 2)]
        # 20 bps around 1000.9: 998.8982 down to 998.8 and 1002.9018 up to 1003.0; both in ONE batch of amendments
        assert resting(r.step()) == {"bid": D("998.8"), "ask": D("1003.0")}
        assert actions(r) == [(0, 0, 2), (0, 2, 0)]


def test_after_a_fill_only_the_filled_side_is_sent_while_the_other_is_right(tmp_path: Path) -> None:
    # a print of 5 units through our bid at 998.0 fills it whole; the mid stays
    steps = [Step(9999, 10001, 9975, 500), Step(9999, 10001)]
    with rig(tmp_path, ScriptedFeed(steps)) as r:
        r.cycle()
        report = r.step()
        assert report.runs[0].fills == 1
        assert report.runs[0].ledger.size > 0
        assert [event.name for event in report.events] == ["fill", "placed"]
        assert actions(r)[-1] == (0, 0, 1)
        # 10 % of the limit: a shift of 1 bp, less than the tolerance of 2, leaves the ask where it is
        assert set(resting(report)) == {"bid", "ask"}


def test_a_partly_filled_order_is_left_within_the_size_tolerance(tmp_path: Path) -> None:
    # 50 USD at 998 is 0.05; a print of 0.01 through the price takes a fifth of it: 20 %, the tolerance
    steps = [Step(9999, 10001, 9979, 1), Step(9999, 10001)]
    with rig(tmp_path, ScriptedFeed(steps)) as r:
        r.cycle()
        report = r.step()
        assert report.runs[0].fills == 1
        assert actions(r) == [(0, 0, 2)]


def test_a_post_only_refusal_moves_one_tick_away_and_is_not_repeated(tmp_path: Path) -> None:
    refused = Refusal("post_only_would_cross", "the order would meet the market at once as a taker", 422)
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)])) as r:
        r.venue.before = lambda batch, snapshot: BatchAnswer(place=(refused,) * len(batch.place))
        wanted = []
        for _ in range(3):
            r.step()
            wanted.append({order.side: order.price for order in r.venue.batches[-1].place})
        r.venue.before = lambda batch, snapshot: None
        report = r.step()
    assert [prices[Side.LONG] for prices in wanted] == [D("998.0"), D("997.9"), D("997.8")]
    assert [prices[Side.SHORT] for prices in wanted] == [D("1002.0"), D("1002.1"), D("1002.2")]
    assert resting(report) == {"bid": D("997.7"), "ask": D("1002.3")}


def test_own_orders_never_meet_when_the_market_leaps_over_them(tmp_path: Path) -> None:
    # +100 bps at once: the new bid (about 1008) would be above the resting ask (1002), if that still rested
    steps = [Step(9999, 10001), Step(10099, 10101)]
    with rig(tmp_path, ScriptedFeed(steps)) as r:
        r.cycle()
        report = r.step()
        assert report.runs[0].fills == 1  # the ask was run over, and filled at its own price
        report = r.step()
        prices = resting(report)
        assert prices["bid"] < prices["ask"]
        assert report.runs[0].problem is None


def test_a_young_order_waits(tmp_path: Path) -> None:
    limits = replace(LIMITS, tolerance=Tolerance(D(2), D("0.2"), 4_000))
    steps = [Step(9999, 10001), Step(10008, 10010)]
    with rig(tmp_path, ScriptedFeed(steps), limits=limits) as r:
        r.cycle()
        first = r.step()  # 3 s old
        assert resting(first) == {"bid": D("998.0"), "ask": D("1002.0")}
        assert {held.slot for held in first.runs[0].plan.held} == {"bid", "ask"}
        assert resting(r.step()) == {"bid": D("998.8"), "ask": D("1003.0")}


BAD_DATA: list[tuple[str, dict[str, Any], str]] = [
    ("crossed", {"bid": D("1001"), "ask": D("1000")}, "crossed"),
    ("locked", {"bid": D("1000"), "ask": D("1000")}, "crossed"),
    ("empty", {"bid": None, "ask": None, "bid_size": None, "ask_size": None}, "empty"),
    ("no bid", {"bid": None, "bid_size": None}, "one-sided"),
    ("no ask", {"ask": None, "ask_size": None}, "one-sided"),
    ("no size", {"bid_size": D(0)}, "one-sided"),
    ("stale", {"time_ms": 1_759_999_900_000}, "stale"),
    ("jump up", {"bid": D("1199.9"), "ask": D("1200.1"), "mark": D(1200)}, "jump"),
    ("jump down", {"bid": D("799.9"), "ask": D("800.1"), "mark": D(800)}, "jump"),
]


@pytest.mark.parametrize(("name", "changes", "word"), BAD_DATA, ids=[case[0] for case in BAD_DATA])
def test_bad_data_pulls_the_quotes_and_says_why(tmp_path: Path, name: str, changes: dict[str, Any], word: str) -> None:
    from pfmm.cli.live.running import cycle_row

    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)])) as r:
        assert len(r.cycle().runs[0].orders) == 2
        r.venue.doctor = with_ticker(**changes)
        report = r.step()
        run = report.runs[0]
        assert run.problem is not None
        assert word in run.problem
        assert run.orders == ()
        assert actions(r)[-1] == (2, 0, 0)
        assert not report.fresh  # the dead-man switch is not fed either
        paused = [event for event in report.events if event.name == "paused"]
        assert [event.data["reason"] for event in paused] == [run.problem]
        assert cycle_row(run, report)["problem"] == run.problem
        sent = len(r.venue.batches)
        if word != "jump":  # a jump is believed when the next look confirms it
            r.step()
            assert len(r.venue.batches) == sent
            r.venue.doctor = lambda snapshot: snapshot
        else:
            run = r.step().runs[0]
            assert run.orders == ()
            assert run.decision is not None
            assert "not yet confirmed" in run.decision.absent["bid"]
            decision = r.step().runs[0].decision
            assert decision is not None
            assert len(decision.orders) == 2
            return
        held = r.step().runs[0]
        assert (held.orders, (held.problem or "").split(",")[0]) == ((), "calm: good for 3 s")
        report = r.step()
        assert len(report.runs[0].orders) == 2
        assert "resumed" in [event.name for event in report.events]


NO_QUOTE: list[tuple[str, QuoteConfig, str]] = [
    ("one sample", replace(FIXED, sigma_annual=None), "volatility unknown: 1 of at least 2 samples seen"),
    ("zero sigma", replace(FIXED, sigma_annual=0.0), "zero volatility"),
]


@pytest.mark.parametrize(("name", "config", "reason"), NO_QUOTE, ids=[case[0] for case in NO_QUOTE])
def test_without_a_volatility_nothing_is_posted(tmp_path: Path, name: str, config: QuoteConfig, reason: str) -> None:
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)]), config) as r:
        report = r.cycle()
        assert r.venue.batches == []
        decision = report.runs[0].decision
        assert decision is not None
        assert all(reason in decision.absent[side] for side in ("bid", "ask"))


def test_a_mid_that_never_moves_is_quoted_with_the_volatility_of_one_tick(tmp_path: Path) -> None:
    config = replace(FIXED, sigma_annual=None, volatility_window=5)
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)]), config) as r:
        counts = [len(r.step().runs[0].orders) for _ in range(6)]
        decision = r.step().runs[0].decision
    # one sample: nothing; 2 to 4 of 5: the default volatility, shown as such; 5 equal mids: one tick in them
    assert counts == [0, 2, 2, 2, 2, 2]
    assert decision is not None
    assert decision.explain.parameters.sigma_source == "floor of one tick in 5 samples"


def test_a_market_without_a_tick_is_not_quoted(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)])) as r:
        listed = r.instruments[MARKET]
        r.instruments[MARKET] = replace(listed, price_rule=replace(listed.price_rule, unit=D(0)))
        r.restart()
        report = r.cycle()
        assert r.venue.batches == []
        decision = report.runs[0].decision
        assert decision is not None
        assert "lists no tick" in decision.absent["bid"]
        assert "lists no tick" in decision.absent["ask"]


def test_at_the_limit_only_the_reducing_side_is_quoted(tmp_path: Path) -> None:
    # limit 100 USD, 50 USD a side: two fills of the bid reach 90 % and more
    limits = Limits(D(100), tolerance=LIMITS.tolerance)
    steps = [Step(9999, 10001, 9970, 500), Step(9999, 10001, 9970, 500), Step(9999, 10001)]
    with rig(tmp_path, ScriptedFeed(steps), limits=limits) as r:
        r.cycle()
        r.step()
        first = r.step()
        assert first.runs[0].ratio >= 0.9
        # the ask becomes reduce-only: the old one goes first, the new one is placed once its cancel has been seen
        assert resting(first) == {}
        report = r.step()
        assert [(order.slot, order.reduce_only) for order in report.runs[0].orders] == [("ask", True)]
        decision = report.runs[0].decision
        assert decision is not None
        assert "only the reducing side" in decision.absent["bid"]


def test_a_restart_goes_on_with_the_same_orders_and_the_same_volatility(tmp_path: Path) -> None:
    config = replace(FIXED, sigma_annual=None, volatility_window=4)
    steps = [Step(9999 + n % 2, 10001 + n % 2) for n in range(8)]
    with rig(tmp_path, ScriptedFeed(steps), config) as r:
        for _ in range(5):
            before = r.step()
        sent = len(r.venue.batches)
        r.restart()
        after = r.step()
        assert resting(after) == resting(before)
        assert len(r.venue.batches) == sent
        decision = after.runs[0].decision
        assert decision is not None
        assert decision.explain.parameters.sigma_source == "estimated (4 samples)"
