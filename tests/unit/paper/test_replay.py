"""The replay feed over a small tape whose every answer is known, and over the recorded captures."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from pfmm.errors import ConfigError, DataFileError, UnknownMarket
from pfmm.model.market import Book, FundingRate, Level, Trade
from pfmm.paper.feeds.feed import QUOTE, Event, Quote, QuoteEvent, Settlement, TradeEvent
from pfmm.paper.feeds.replay import ReplayFeed
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.tape import TapeEvent, TapeQuote, Units, event_line, header_line

D = Decimal
M = "BTC-PERP"
HOUR = 3_600_000


@dataclass
class Watched:
    best_bid: int = 0
    best_ask: int = 0


EVERYTHING = Watched(1 << 60, 1)


def quote(time_ms: int, bid: str | None, bid_size: str, ask: str | None, ask_size: str, market: str = M) -> TapeQuote:
    return TapeQuote(market, time_ms, D(bid) if bid else None, D(bid_size), D(ask) if ask else None, D(ask_size))


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(D(price), D(size)) for price, size in pairs)


# units: finest decimals are 1 for prices and 2 for sizes, so 10.1 is 101 and 0.25 is 25
TAPE: list[TapeEvent] = [
    Trade(M, 900, D("10.1"), D("0.25"), 1),
    quote(1_000, "10", "3", "10.1", "2"),
    quote(1_500, "10", "3", "10.1", "2"),  # says nothing new: left out
    Book(M, 1_600, levels(("10", "3"), ("9.9", "5"), ("9.8", "6")), levels(("10.1", "2"), ("10.3", "7"))),
    quote(2_000, "9.9", "1", "10.1", "2"),
    Trade(M, 2_500, D("9.9"), D("0.25"), -1),
    quote(2_600, "10.2", "1", "10.1", "2"),  # crossed: left out
    quote(3_000, None, "0", "10", "2"),
    Trade(M, 3_100, D("10"), D("1"), 1),
    FundingRate(M, 8 * HOUR + 120, D("0.0001"), 8),
]


def write(path: Path, events: list[TapeEvent], units: dict[str, Units] | None = None) -> Path:
    path.write_text(header_line(units or {}) + "".join(map(event_line, events)))
    return path


@pytest.fixture
def feed(tmp_path: Path) -> ReplayFeed:
    return ReplayFeed(build_tape([write(tmp_path / "a", TAPE)], tmp_path / "tapes"))


def test_the_spec_takes_the_finest_decimals_seen(feed: ReplayFeed) -> None:
    (spec,) = feed.specs()
    assert (spec.market, spec.price_decimals, spec.size_decimals, spec.tick) == (M, 1, 2, 1)
    assert (spec.maker_rate, spec.taker_rate, spec.significant_figures) == (-20_000, 50_000, None)
    assert feed.spec(M) == spec


def test_stated_units_are_believed_where_they_are_fine_enough(tmp_path: Path) -> None:
    events: list[TapeEvent] = [quote(1_000, "10", "3", "10.5", "2")]
    units = {M: Units(D("0.05"), D("0.001"))}
    spec = ReplayFeed(build_tape([write(tmp_path / "a", events, units)], tmp_path)).spec(M)
    assert (spec.price_decimals, spec.size_decimals, spec.tick) == (2, 3, 5)
    units = {M: Units(D("1"), D("1"))}  # coarser than the data: not believed
    spec = ReplayFeed(build_tape([write(tmp_path / "b", events, units)], tmp_path)).spec(M)
    assert (spec.price_decimals, spec.size_decimals, spec.tick) == (1, 0, 1)


def test_the_figures_that_a_venue_bounds_prices_by_hold_in_its_recording(tmp_path: Path) -> None:
    events: list[TapeEvent] = [quote(1_000, "68927", "3", "68930", "2")]
    path = write(tmp_path / "a", events, {M: Units(D("0.1"), D("0.001"), 5)})
    spec = ReplayFeed(build_tape([path], tmp_path)).spec(M)
    assert (spec.price_decimals, spec.tick, spec.significant_figures) == (1, 1, 5)


def test_a_market_begins_with_its_first_price(tmp_path: Path) -> None:
    other = "ETH-PERP"
    events: list[TapeEvent] = [
        quote(1_000, None, "0", None, "0"),
        quote(1_100, None, "0", None, "0", other),  # never has a price: no market
        quote(2_000, "10", "3", "10.1", "2"),
        quote(3_000, None, "0", None, "0"),
    ]
    feed = ReplayFeed(build_tape([write(tmp_path / "a", events)], tmp_path))
    assert ([spec.market for spec in feed.specs()], feed.span()) == ([M], (2_000, 3_000))
    assert [feed.mark(M, time_ms) for time_ms in (1_500, 2_000, 3_000)] == [100, 100, 100]


@pytest.mark.parametrize(
    ("time_ms", "expected", "mark"),
    [
        (950, Quote(950, 0, 0, 0, 0), 100),  # before the first quote: (100 + 101) // 2 of the first
        (1_000, Quote(1_000, 100, 300, 101, 200), 100),
        (1_999, Quote(1_000, 100, 300, 101, 200), 100),
        (2_700, Quote(2_000, 99, 100, 101, 200), 100),
        (9_999, Quote(3_000, 0, 0, 100, 200), 100),  # no bid: the ask stands for the mid
    ],
)
def test_quote_and_mark(feed: ReplayFeed, time_ms: int, expected: Quote, mark: int) -> None:
    assert feed.quote(M, time_ms) == expected
    assert feed.mark(M, time_ms) == mark


@pytest.mark.parametrize(
    ("time_ms", "bids", "asks"),
    [
        (999, [], []),
        (1_200, [(100, 300)], [(101, 200)]),  # no book yet: the quote alone
        (1_700, [(100, 300), (99, 500), (98, 600)], [(101, 200), (103, 700)]),
        (2_200, [(99, 100), (98, 600)], [(101, 200), (103, 700)]),  # the quote has moved: it wins
        (3_000, [], [(100, 200), (101, 200), (103, 700)]),
    ],
)
def test_depth_follows_the_quote(
    feed: ReplayFeed, time_ms: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    assert feed.depth(M, time_ms, 20) == (bids, asks)
    assert feed.depth(M, time_ms, 1) == (bids[:1], asks[:1])


def test_trades_events_and_span(feed: ReplayFeed) -> None:
    prints = [TradeEvent(900, 1, 101, 25, 1), TradeEvent(2_500, 1, 99, 25, -1), TradeEvent(3_100, 1, 100, 100, 1)]
    quotes = [
        QuoteEvent(1_000, QUOTE, 100, 300, 101, 200),
        QuoteEvent(2_000, QUOTE, 99, 100, 101, 200),
        QuoteEvent(3_000, QUOTE, 0, 0, 100, 200),
    ]
    assert feed.trades(M, 0, 10_000, 100) == prints
    assert feed.trades(M, 0, 10_000, 2) == prints[:2]
    assert feed.trades(M, 900, 2_500, 100) == prints[1:2]
    assert list(feed.events(M, 0, 10_000, EVERYTHING)) == sorted([*prints, *quotes])
    assert list(feed.events(M, 1_000, 2_000, EVERYTHING)) == quotes[1:2]
    assert list(feed.events(M, 0, 10_000, Watched())) == []
    assert list(feed.events(M, 0, 10_000, Watched(best_bid=98))) == [quotes[2]]  # without a bid, a buyer is best
    assert feed.span() == (1_000, 3_100)


def test_funding_is_the_recorded_one_and_none_elsewhere(feed: ReplayFeed) -> None:
    assert feed.settlements(M, 0, 24 * HOUR) == [Settlement(8 * HOUR, 10_000, 8)]  # 0.0001 is 10,000 in 1e-8
    assert feed.settlements(M, 8 * HOUR, 24 * HOUR) == []


def test_a_ticker_shows_no_rate_that_has_not_settled_yet(feed: ReplayFeed) -> None:
    assert feed.next_settlement(M, 8 * HOUR - 1) == Settlement(8 * HOUR, 0, 8)
    assert feed.next_settlement(M, 8 * HOUR) == Settlement(16 * HOUR, 10_000, 8)


def test_each_settlement_keeps_its_own_interval_and_a_later_line_replaces_an_earlier(tmp_path: Path) -> None:
    """A recorder writes the indicated rate first; the settled one comes some ms behind the hour."""
    rates = [
        FundingRate(M, HOUR, Decimal("0.0003"), 1),
        FundingRate(M, HOUR + 12, Decimal("0.0001"), 1),
        FundingRate(M, 8 * HOUR, Decimal("0.0008"), 8),
    ]
    feed = ReplayFeed(build_tape([write(tmp_path / "a", [TAPE[1], *rates])], tmp_path))
    assert feed.settlements(M, 0, 24 * HOUR) == [Settlement(HOUR, 10_000, 1), Settlement(8 * HOUR, 80_000, 8)]
    assert feed.spec(M).funding_interval_hours == 8
    assert feed.next_settlement(M, HOUR) == Settlement(8 * HOUR, 10_000, 1)


def test_a_quiet_market_ends_where_its_data_does(tmp_path: Path) -> None:
    still = [quote(at, "10.0", "1", "10.1", "1") for at in (1_000, 2_000, 60_000)]
    feed = ReplayFeed(build_tape([write(tmp_path / "a", still)], tmp_path))
    assert feed.span() == (1_000, 60_000)
    assert [event.time_ms for event in feed.events(M, 0, 60_000, EVERYTHING)] == [1_000, 60_000]


def test_a_tape_of_an_earlier_release_opens_with_its_rates_for_the_interval_of_the_market(tmp_path: Path) -> None:
    old = array("q", (8 * HOUR + 3, 10_000, 16 * HOUR, -5_000))
    path = build_tape([write(tmp_path / "a", TAPE)], tmp_path)
    raw = path.read_bytes()
    start = 16 + int.from_bytes(raw[8:16], "little")
    header = json.loads(raw[16:start])
    numbers = array("q", raw[start:])
    (market,) = header["markets"]
    market["sections"] |= {"funding": len(numbers), "funding_length": len(old)}
    header |= {"version": 1, "numbers": len(numbers) + len(old)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(raw[:8] + len(text).to_bytes(8, "little") + text + (numbers + old).tobytes())
    assert ReplayFeed(path).settlements(M, 0, 24 * HOUR) == [(8 * HOUR, 10_000, 8), (16 * HOUR, -5_000, 8)]


def test_two_markets_in_one_tape(tmp_path: Path) -> None:
    eth = write(
        tmp_path / "eth", [quote(500, "5", "1", "6", "1", "ETH-PERP"), quote(4_000, "5", "2", "6", "1", "ETH-PERP")]
    )
    feed = ReplayFeed(build_tape([write(tmp_path / "btc", TAPE), eth], tmp_path))
    assert {spec.market for spec in feed.specs()} == {M, "ETH-PERP"}
    assert feed.span() == (1_000, 4_000)  # from when both have a quote
    assert feed.quote("ETH-PERP", 1_000) == Quote(500, 5, 1, 6, 1)
    with pytest.raises(UnknownMarket, match="SOL-PERP"):
        feed.quote("SOL-PERP", 1_000)


def test_a_tape_is_built_once_for_the_same_content(tmp_path: Path) -> None:
    path = build_tape([write(tmp_path / "a", TAPE)], tmp_path / "tapes")
    first = path.stat().st_mtime_ns
    assert build_tape([write(tmp_path / "copy", TAPE)], tmp_path / "tapes") == path
    assert path.stat().st_mtime_ns == first
    assert build_tape([write(tmp_path / "a", TAPE[:4])], tmp_path / "tapes") != path
    assert not list((tmp_path / "tapes").glob("*.part"))


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([TAPE[0]], "no quotes"),
        ([quote(1_000, "10.123456789", "1", "11", "1")], "10.123456789 has more than 8 decimals"),
        ([quote(1_000, "10.12345", "0.1234", "11", "1")], "5 price and 4 size decimals are more than 8"),
    ],
)
def test_data_that_cannot_be_replayed(tmp_path: Path, events: list[TapeEvent], words: str) -> None:
    with pytest.raises(DataFileError, match=words):
        build_tape([write(tmp_path / "a", events)], tmp_path)


@pytest.mark.parametrize("damage", [b"", b"PFMMTAPE", b"x" * 4_096])
def test_a_damaged_tape_says_how_to_repair_it(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.tape"
    path.write_bytes(damage)
    with pytest.raises(DataFileError, match=r"a\.tape") as caught:
        ReplayFeed(path)
    assert caught.value.hint is not None
    assert "delete it" in caught.value.hint


def test_a_cut_tape_is_noticed(tmp_path: Path) -> None:
    path = build_tape([write(tmp_path / "a", TAPE)], tmp_path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataFileError, match="it is cut"):
        ReplayFeed(path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        build_tape([write(tmp_path / "a", TAPE)], tmp_path / "file")


def touches(event: Event, watch: Watched) -> bool:
    low, high = (event.bid, event.ask) if event.kind == QUOTE else (event.price, event.price)
    return low <= watch.best_bid or high >= watch.best_ask


def test_recorded_data_is_the_same_however_it_is_asked_for(shared_data: Path, tmp_path: Path) -> None:
    capture = shared_data / "binance-usdm-ticks" / "btcusdt_20240718.gz"
    feed = ReplayFeed(build_tape([capture], tmp_path))
    spec = feed.spec(M)
    assert (spec.price_decimals, spec.size_decimals) == (1, 3)
    first, last = feed.span()
    every = list(feed.events(M, first - 1, last, EVERYTHING))
    assert len(feed.trades(M, 0, last, 100_000)) == 974
    middle = feed.mark(M, (first + last) // 2)
    watch = Watched(middle - 100, middle + 100)
    near = [event for event in every if touches(event, watch)]
    assert 0 < len(near) < len(every)
    assert list(feed.events(M, first - 1, last, watch)) == near
    edges = range(first - 1, last + 7_000, 7_000)
    assert [e for a, b in pairwise(edges) for e in feed.events(M, a, b, watch)] == near
    for at in range(first, last, 9_973):
        quote_now = feed.quote(M, at)
        bids, asks = feed.depth(M, at, 20)
        assert bids[0] == (quote_now.bid, quote_now.bid_size)
        assert [p for p, _ in asks] == sorted({p for p, _ in asks})
        assert quote_now.bid < quote_now.ask
