"""Whatever a venue's answers take, and wherever they fail, a recording holds every print once, in readable order."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import BadVenueData, VenueUnreachable
from pfmm.model.market import Book, FundingRate, Instrument, Level, PriceRule, Ticker, Trade
from pfmm.ports import TRADES_PAGE
from pfmm.tape import TapeEvent, TapeQuote, read
from pfmm.tape.recorder import Recorder
from tests.examples import examples

START_MS = 1_735_718_400_000
HOUR_MS = 3_600_000
MARKET = "X-PERP"
INSTRUMENT = Instrument(
    MARKET, "crypto", PriceRule(Decimal("0.1")), Decimal("0.01"), Decimal(10), 10, Decimal(-2), Decimal(5), 8
)


class SlowVenue:
    """The public data of one market whose clock moves with every request, by `delays_ms` in turn; the requests whose
    numbers are in `failing` get no answer. Prints come out `lag_ms` after their time; `inclusive` is how `since`
    counts."""

    name = "paper"

    def __init__(
        self,
        prints: Sequence[Trade],
        delays_ms: Sequence[int] = (0,),
        *,
        failing: frozenset[int] = frozenset(),
        lag_ms: int = 0,
        inclusive: bool = False,
    ) -> None:
        self.now_ms = START_MS
        self._prints = sorted(prints, key=lambda trade: trade.time_ms)
        self._delays_ms = delays_ms
        self._failing = failing
        self._lag_ms = lag_ms
        self._inclusive = inclusive
        self._requests = 0

    def publish(self, trade: Trade) -> None:
        """One more print, which nobody could have seen before."""
        self._prints.append(trade)

    def _answer(self) -> None:
        self._requests += 1
        self.now_ms += self._delays_ms[self._requests % len(self._delays_ms)]
        if self._requests in self._failing:
            raise VenueUnreachable("no answer")

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:
        self._answer()
        bid = Decimal(100 + self.now_ms % 7)
        interval_ms = 8 * HOUR_MS
        following_ms = (self.now_ms // interval_ms + 1) * interval_ms
        return (
            Ticker(
                MARKET, self.now_ms, bid, Decimal(1), bid + 1, Decimal(2), bid,
                funding_rate=Decimal("0.0001"), next_funding_ms=following_ms,
            ),
        )  # fmt: skip

    def trades(self, market: str, since_ms: int) -> tuple[Trade, ...]:
        self._answer()
        first_ms = since_ms if self._inclusive else since_ms + 1
        out = [t for t in self._prints if first_ms <= t.time_ms <= self.now_ms - self._lag_ms]
        return tuple(out[:TRADES_PAGE])

    def book(self, market: str, depth: int) -> Book:
        self._answer()
        return Book(market, self.now_ms, (Level(Decimal(100), Decimal(1)),), (Level(Decimal(110), Decimal(1)),))

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        self._answer()
        interval_ms = 8 * HOUR_MS
        times = range((since_ms // interval_ms + 1) * interval_ms, self.now_ms + 1, interval_ms)
        return tuple(FundingRate(market, time_ms, Decimal("0.0002"), 8) for time_ms in times)


def recorded(venue: SlowVenue, polls: int, pause_ms: int, *, depth: int = 5) -> tuple[list[TapeEvent], Recorder]:
    """What the tape reader finds after `polls` polls, every one `pause_ms` after the last."""
    recorder = Recorder(venue, [INSTRUMENT], depth=depth)  # type: ignore[arg-type]  # public data is all it needs
    text = recorder.header()
    for _ in range(polls):
        try:
            text += recorder.poll()[1]
        except VenueUnreachable:
            assert venue._failing
        venue.now_ms += pause_ms
    text += recorder.rest()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.tape"
        path.write_text(text)
        return [entry.event for entry in read([path])], recorder


def a_print(after_ms: int, price: int = 100) -> Trade:
    return Trade(MARKET, START_MS + after_ms, Decimal(price), Decimal("0.5"), 1)


PRINTS = st.lists(st.builds(a_print, st.integers(5_000, 25_000), st.integers(100, 102)), max_size=40)


@given(
    prints=PRINTS,
    delays_ms=st.lists(st.integers(0, 3_000), min_size=1, max_size=7),
    failing=st.frozensets(st.integers(4, 40), max_size=10),
    lag_ms=st.integers(0, 250),
    inclusive=st.booleans(),
)
@examples(50, 150)
def test_every_print_is_there_once_and_in_order(
    prints: list[Trade], delays_ms: list[int], failing: frozenset[int], lag_ms: int, inclusive: bool
) -> None:
    venue = SlowVenue(prints, delays_ms, failing=failing, lag_ms=lag_ms, inclusive=inclusive)
    events, recorder = recorded(venue, polls=45, pause_ms=1_000)
    found = [event for event in events if isinstance(event, Trade)]
    started_ms = next(event.time_ms for event in events if isinstance(event, TapeQuote))
    expected = [trade for trade in prints if trade.time_ms >= started_ms]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert [trade.time_ms for trade in found] == sorted(trade.time_ms for trade in found)
    assert (recorder.counts.late, recorder.counts.trades) == (0, len(found))


@pytest.mark.parametrize("inclusive", [True, False])
def test_prints_of_one_ms_that_come_out_one_by_one(inclusive: bool) -> None:
    venue = SlowVenue([], inclusive=inclusive)
    recorder = Recorder(venue, [INSTRUMENT], depth=0)  # type: ignore[arg-type]
    for price in (None, 100, 100, 101, None):
        if price is not None:
            venue.publish(a_print(60, price))
        venue.now_ms += 50
        recorder.poll()
    assert (recorder.counts.trades, recorder.counts.late) == (3, 0)


def test_a_burst_is_read_page_by_page() -> None:
    burst = [a_print(500 + number // 50) for number in range(2 * TRADES_PAGE + 500)]  # 50 equal prints in each ms
    events, _ = recorded(SlowVenue(burst), polls=2, pause_ms=1_000)
    assert sum(isinstance(event, Trade) for event in events) == 2_500


@pytest.mark.parametrize("failing", [{6}, {7}, {6, 7, 10}])
def test_what_a_page_brought_is_kept_when_the_next_one_is_not_answered(failing: set[int]) -> None:
    # requests of the second poll: tickers 4, pages 5 to 7
    burst = [a_print(500 + number // 50) for number in range(2 * TRADES_PAGE + 500)]
    events, _ = recorded(SlowVenue(burst, failing=frozenset(failing)), polls=5, pause_ms=1_000)
    assert sum(isinstance(event, Trade) for event in events) == 2_500


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_ms_that_no_page_holds_does_not_end_the_prints(inclusive: bool) -> None:
    many = [a_print(500)] * (TRADES_PAGE + 100)
    later = [a_print(1_700 + number) for number in range(50)]
    events, _ = recorded(SlowVenue([*many, *later], inclusive=inclusive), polls=5, pause_ms=1_000)
    times = [event.time_ms - START_MS for event in events if isinstance(event, Trade)]
    assert times == [500] * TRADES_PAGE + list(range(1_700, 1_750))


def test_a_print_behind_its_time_takes_its_place_when_it_is_learned() -> None:
    # polls at whole seconds: the print of 3,000 is out at 4,300 and read at 5 s, when the quote of 4,000 is written;
    # that of 4,600 is read at 6 s, 400 ms behind the quote of 5,000; that of 5,500 at 7 s, 500 ms behind
    venue = SlowVenue([a_print(3_000), a_print(4_600), a_print(5_500)], lag_ms=1_300)
    events, recorder = recorded(venue, polls=9, pause_ms=1_000)
    times = [event.time_ms - START_MS for event in events if isinstance(event, Trade)]
    assert (times, recorder.counts.late) == ([4_000, 5_000, 6_000], 3)
    assert recorder.counts.quotes == 9


def test_settled_funding_replaces_what_was_indicated() -> None:
    events, _ = recorded(SlowVenue([]), polls=3, pause_ms=5 * HOUR_MS, depth=0)
    rates = [(event.time_ms - START_MS, event.rate) for event in events if isinstance(event, FundingRate)]
    indicated, settled = Decimal("0.0001"), Decimal("0.0002")
    # polls at 0, 5 and 10 h; settlements at 8 and 16 h
    assert rates == [(8 * HOUR_MS, indicated), (8 * HOUR_MS, settled), (16 * HOUR_MS, indicated)]


def test_a_clock_that_goes_back_ends_the_recording() -> None:
    venue = SlowVenue([])
    recorder = Recorder(venue, [INSTRUMENT], depth=0)  # type: ignore[arg-type]
    recorder.poll()
    venue.now_ms -= 60_001
    with pytest.raises(BadVenueData, match=f"went back from {START_MS} to {START_MS - 60_001}"):
        recorder.poll()
