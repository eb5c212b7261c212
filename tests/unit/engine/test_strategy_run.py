"""One run between cycles: what it takes up, what it believes of a ticker, and the order that closes what it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pfmm.engine.report import Limits, MarketSnapshot, RunSpec
from pfmm.engine.strategy_run import StrategyRun
from pfmm.model.account import Account, Cursors, Position, Snapshot, VenueTime
from pfmm.model.ledger import LedgerState, OwnerBook
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import Side
from pfmm.model.run import Run
from tests.toy_strategy import Toy
from tests.unit.scripted_venue import MARKET, T0, D, ticker

INSTRUMENT = Instrument(MARKET, "crypto", PriceRule(D("0.1")), D("0.01"), D(10), 50, D(-2), D(5), 8)
BEGUN = Run("n-r1", 1, "toy", MARKET, {}, "running", T0, T0, None, None, 1, None, 0, None, None)


def toy_run(size: str = "0", basis: str = "0") -> StrategyRun:
    """A run that holds so much, bought or sold for `basis` USD."""
    active = StrategyRun(RunSpec(Toy(MARKET, 20.0, D(50)), {}, Limits(D(500))), INSTRUMENT)
    active.book = OwnerBook(MARKET, BEGUN.run_id, LedgerState(D(size), D(basis)))
    return active


def seen(*tickers: Ticker, position: str = "0", base: str = "0") -> MarketSnapshot:
    account = Account("main", D(1000), D(1000), D(0), D(1000))
    held = Position(MARKET, D(position), abs(D(position)) * 100, D(100), D(0))
    found = MarketSnapshot(Snapshot(VenueTime(T0), account, (held,), (), (), (), tickers, Cursors()))
    found.bases[MARKET] = D(base)
    return found


@pytest.mark.parametrize(
    ("size", "position", "base", "told", "order"),
    [
        # sold at 0.5 % below the bid of 100, bought at 0.5 % above the ask of 101: 101.505 down to the tick
        ("2", "2", "0", ticker(), (Side.SHORT, "99.5", "2")),
        ("-2", "-2", "0", ticker(), (Side.LONG, "101.5", "2")),
        ("2", "1.5", "0", ticker(), (Side.SHORT, "99.5", "1.5")),  # no more than the account holds
        ("2.009", "3", "0", ticker(), (Side.SHORT, "99.5", "2")),  # whole lots
        ("2", "2", "0", None, None),
        ("0", "2", "0", ticker(), None),
        ("2", "-1", "0", ticker(), None),  # others lie the other way round
        ("2", "5", "5", ticker(), None),  # all of the position is a base
        ("2", "2", "0", replace(ticker(), bid=None), None),
        ("-2", "-2", "0", replace(ticker(), ask=None), None),
        ("2", "2", "0", replace(ticker(), ask=None), (Side.SHORT, "99.5", "2")),
        ("0.009", "2", "0", ticker(), None),  # less than a lot
    ],
)
def test_what_closes_a_run(
    size: str, position: str, base: str, told: Ticker | None, order: tuple[Side, str, str] | None
) -> None:
    shown = seen(*([] if told is None else [told]), position=position, base=base)
    closes, words = toy_run(size, "200").closing_order(shown, [])
    assert words is None
    if order is None or closes is None:
        assert (closes, order) == (None, None)
        return
    side, price, closed = order
    assert (closes.side, closes.price, closes.size) == (side, D(price), D(closed))
    assert (closes.reduce_only, closes.post_only) == (True, False)


def test_a_run_that_was_recorded_and_never_saved_begins_from_nothing() -> None:
    active = toy_run()
    active.resume(BEGUN, OwnerBook(MARKET, BEGUN.run_id, fills=3), 7)
    assert (active.run_id, active.fills, active.seen_through, active.behind) == ("n-r1", 3, 7, True)
    assert (active.state, active.folded_through, active.memory()) == (None, 0, None)
    active.resume(replace(BEGUN, memory={"fills": 2, "_round_trips": 1}, folded_through=5), active.book, 7)
    assert (active.state, active.folded_through, active.round_trips) == (2, 5, 1)
