"""The hours of a market that closes: which phase a moment is in, and what of a strategy's orders it lets rest."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pfmm.errors import UsageError
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import Side
from pfmm.model.plan import Decision, DesiredOrder, MarketView, OwnFill
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteState, QuoteStrategy
from pfmm.strategy.sessions import InSession, Phase, hours_of

D = Decimal
NEW_YORK = "mon-fri 09:30-16:00 America/New_York"
INSTRUMENT = Instrument("xyz:TSLA-PERP", "xyz", PriceRule(D("0.01")), D("0.1"), D(10), 10, D(3), D(9), 1)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("utc", "phase"),
    [
        ("2026-11-30T14:29", Phase.CLOSED),  # Monday in winter: New York is five hours behind
        ("2026-11-30T14:30", Phase.WAIT),
        ("2026-11-30T14:34", Phase.WAIT),
        ("2026-11-30T14:35", Phase.OPEN),
        ("2026-11-30T20:44", Phase.OPEN),
        ("2026-11-30T20:45", Phase.REDUCE),
        ("2026-11-30T20:58", Phase.REDUCE),
        ("2026-11-30T20:59", Phase.CLOSE),
        ("2026-11-30T21:00", Phase.CLOSED),
        ("2026-07-06T13:40", Phase.OPEN),  # in summer four hours
        ("2026-11-28T16:00", Phase.CLOSED),  # a Saturday
        ("2026-12-25T16:00", Phase.CLOSED),
    ],
)
def test_a_moment_is_in_a_phase(utc: str, phase: Phase) -> None:
    hours = hours_of(NEW_YORK, "2026-11-26, 2026-12-25")
    assert hours is not None
    assert hours.phase(ms(utc)) is phase


def test_a_market_that_never_closes_has_no_hours() -> None:
    assert hours_of("") is None
    assert hours_of("24x7") is None


@pytest.mark.parametrize(
    "text", ["nine to five", "mon-fri 9-16 UTC", "mon-fri 09:30-16:00 Nowhere/Else", "fri-mon 09:30-16:00 UTC",
             "mon 16:00-09:30 UTC", "mon 09:30-09:45 UTC", "mon 09:30-25:00 UTC"]
)  # fmt: skip
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="sessions"):
        hours_of(text)
    with pytest.raises(UsageError, match="holidays"):
        hours_of(NEW_YORK, "Christmas")


class Both:
    """Wants a bid and an ask of 2, and counts how often it was asked."""

    kind, market = "quote", "xyz:TSLA-PERP"

    def decide(self, state: int, _: MarketView) -> tuple[int, Decision]:
        orders = tuple(DesiredOrder(side.value, side, D(100), D(2)) for side in (Side.LONG, Side.SHORT))
        return state + 1, Decision(orders)


def decided(utc: str, inventory: str) -> tuple[int, Decision]:
    ticker = Ticker("xyz:TSLA-PERP", ms(utc), D(99), D(1), D(101), D(1), D(100))
    view = MarketView(ms(utc), INSTRUMENT, ticker, D(inventory), D(inventory), D(500))
    hours = hours_of(NEW_YORK)
    assert hours is not None
    inner: Any = Both()
    strategy = InSession(inner, hours)
    assert (strategy.kind, strategy.market) == ("quote", "xyz:TSLA-PERP")
    return strategy.decide(0, view)


def sizes(decision: Decision) -> dict[str, Decimal]:
    return {order.slot: order.size for order in decision.orders}


def test_in_the_session_it_is_the_strategy_s_own_decision() -> None:
    state, decision = decided("2026-11-30T16:00", "1")
    assert (state, sizes(decision), decision.notes) == (1, {"long": D(2), "short": D(2)}, ())


def test_before_the_close_it_only_reduces() -> None:
    _, decision = decided("2026-11-30T20:50", "1.5")
    assert (sizes(decision), decision.close) == ({"short": D("1.5")}, False)
    assert sizes(decided("2026-11-30T20:50", "-3")[1]) == {"long": D(2)}
    assert sizes(decided("2026-11-30T20:50", "0")[1]) == {}


def test_at_the_close_it_closes_what_is_held_and_outside_it_does_nothing() -> None:
    state, decision = decided("2026-11-30T20:59", "1.5")
    assert (sizes(decision), decision.close) == ({}, True)
    assert decided("2026-11-30T20:59", "0")[1].close is False
    state, decision = decided("2026-11-30T22:00", "1.5")
    assert (state, sizes(decision), decision.close) == (0, {}, False)  # what it saw there teaches it nothing
    assert decision.notes == ("the session is closed",)


def test_all_else_is_the_strategy_s_own() -> None:
    hours = hours_of(NEW_YORK)
    assert hours is not None
    inner = QuoteStrategy("xyz:TSLA-PERP", QuoteConfig(sigma_annual=0.3))
    strategy: Any = InSession(inner, hours)
    ticker = Ticker("xyz:TSLA-PERP", 0, D(99), D(1), D(101), D(1), D(100))
    assert strategy.initial(MarketView(0, INSTRUMENT, ticker, D(0), D(0), D(500))) == QuoteState()
    state = QuoteState(quoted_mid=100.0, quoted_fair=100.5)
    assert strategy.dump(state) == inner.dump(state)
    assert strategy.load(strategy.dump(state)) == state
    filled = OwnFill(1, "bid", Side.LONG, D(100), D(1), D(0), 7)
    assert strategy.on_fill(state, filled) == (QuoteState(), ())
    assert strategy.config is inner.config
