"""A venue's socket: what arrives is published once, a break is mended, silence is noticed, nonsense ends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pfmm.errors import VenueUnreachable
from pfmm.venue import stream as streams
from pfmm.venue.client import HttpClient, Timekeeper
from pfmm.venue.hyperliquid.streaming import StreamedData
from tests.scripted_hyperliquid import MARKET, START_MS, ScriptedVenue, served

PATIENCE_S = 20.0
BOOK = "l2Book:BTC"


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    made = ScriptedVenue(page=5)
    with served(made) as made.url:
        yield made


@pytest.fixture
def data(venue: ScriptedVenue) -> Iterator[StreamedData]:
    opened = StreamedData(HttpClient(venue.url, read_attempts=1), venue.url)
    yield opened
    opened.close()


def shown(data: StreamedData, venue: ScriptedVenue) -> None:
    """Waits until what the venue shows now has arrived."""
    wanted = venue.time_ms
    assert data._stream.wait_until(BOOK, lambda one: one.value.time_ms == wanted, PATIENCE_S), data._stream.problem


def ids(trades: Any) -> list[str]:
    return [one.trade_id.partition(":")[2] for one in trades]


def test_frames_become_tickers_books_and_prints(venue: ScriptedVenue, data: StreamedData) -> None:
    venue.trade(100_000, "0.3", "B")
    (ticker,) = data.tickers([MARKET])
    assert (ticker.bid, ticker.ask, ticker.mark, ticker.time_ms) == (100_000, 100_001, ticker.mid, START_MS)
    assert (ticker.funding_estimated, ticker.next_funding_ms) == (True, START_MS + 3_600_000)
    (trade,) = data.trades(MARKET, 0)
    assert (trade.price, trade.aggressor, trade.trade_id) == (100_000, 1, f"{START_MS}:1")
    venue.step()
    venue.quote(99_990, 99_995)
    venue.trade(99_990)
    venue.push()
    shown(data, venue)
    assert data.tickers([MARKET])[0].bid == 99_990
    assert len(data.book(MARKET, 2).bids) == 2
    assert ids(data.trades(MARKET, 0)) == ["2"]
    assert data.known_from(MARKET) is None  # the connection never broke
    assert data.trades(MARKET, 0) == ()


def test_a_break_is_mended_and_told(venue: ScriptedVenue, data: StreamedData) -> None:
    data.tickers([MARKET])
    data.trades(MARKET, 0)
    for _ in range(7):  # two of them are shown no more when the socket is back
        venue.step()
        venue.trade(100_000)
    venue.drop()
    shown(data, venue)
    assert ids(data.trades(MARKET, 0)) == ["3", "4", "5", "6", "7"]
    assert data.known_from(MARKET) == START_MS + 3_000
    assert venue.connections == 2


@pytest.mark.waits
def test_a_silent_socket_is_noticed(venue: ScriptedVenue) -> None:
    assert streams.SILENT_S < 10
    now_s = [0.0]
    keeper = Timekeeper(monotonic_s=lambda: now_s[0], jitter=lambda: 0.0)
    data = StreamedData(HttpClient(venue.url, read_attempts=1, timekeeper=keeper), venue.url)
    try:
        data.tickers([MARKET])
        venue.step()
        now_s[0] = streams.SILENT_S + 0.1  # and nothing came
        shown(data, venue)
        assert venue.connections == 2
        assert data.tickers([MARKET])[0].time_ms == venue.time_ms
    finally:
        data.close()


@pytest.mark.parametrize("frame", ["[]", "nonsense", '{"channel":"l2Book","data":{"coin":"BTC"}}'])
def test_a_frame_that_makes_no_sense_ends_the_connection(venue: ScriptedVenue, data: StreamedData, frame: str) -> None:
    import wsproto.events

    data.tickers([MARKET])
    venue.step()
    with venue.lock:
        socket = venue.sockets[0]
        socket._connection.sendall(socket._frames.send(wsproto.events.TextMessage(data=frame)))
    shown(data, venue)  # over a new one
    assert venue.connections == 2


def test_without_a_socket_it_says_why(venue: ScriptedVenue, data: StreamedData, monkeypatch: Any) -> None:
    monkeypatch.setattr("pfmm.venue.hyperliquid.streaming.FIRST_FRAMES_S", 0.3)
    venue.refusing = True
    with pytest.raises(VenueUnreachable, match="nothing comes through the socket of hyperliquid"):
        data.tickers([MARKET])
    venue.refusing = False
    shown(data, venue)
    assert data.tickers([MARKET])[0].bid == 100_000


def test_a_queue_that_overflows_says_so(venue: ScriptedVenue, data: StreamedData, monkeypatch: Any) -> None:
    data.tickers([MARKET])
    data.trades(MARKET, 0)
    monkeypatch.setattr(streams, "QUEUED", 3)
    venue.step()
    for _ in range(5):
        venue.trade(100_000)
    venue.step()
    venue.push()
    shown(data, venue)
    assert ids(data.trades(MARKET, 0)) == ["3", "4", "5"]
    assert data.known_from(MARKET) == START_MS + 1_000
