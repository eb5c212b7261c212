"""A listener that blocks, fails or is slow: the one who puts never waits, and what was missed is told."""

from __future__ import annotations

import threading
import time

import pytest

from pfmm.model.event import Event
from pfmm.runner.listeners import Channel, Listeners, within

PATIENCE_S = 30.0


def event(number: int, *, cursor: int | None = None) -> Event:
    return Event("fill", number, "BTC-PERP", "grid", {"n": number}, cursor)


class Gated:
    """Writes only while the gate is open; tells when it has begun to write."""

    def __init__(self, *, open_: bool = True) -> None:
        self.gate, self.writing = threading.Event(), threading.Event()
        self.written: list[Event] = []
        self.closed = False
        if open_:
            self.gate.set()

    def write(self, one: Event) -> None:
        self.writing.set()
        self.gate.wait(PATIENCE_S)
        self.written.append(one)

    def close(self) -> None:
        self.closed = True


class Failing(Gated):
    """Raises at its n-th event."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__()
        self._at, self._error = at, error

    def write(self, one: Event) -> None:
        super().write(one)
        if len(self.written) == self._at:
            raise self._error


def test_what_is_put_is_written_in_order_and_closed() -> None:
    one, other = Gated(), Gated()
    listeners = Listeners([one, other], pytest.fail)
    for number in range(100):
        listeners.put(event(number))
    assert listeners.close(PATIENCE_S)
    assert one.written == other.written == [event(n) for n in range(100)]
    assert (one.closed, other.closed) == (True, True)


@pytest.mark.parametrize(("put", "dropped"), [(4, 0), (5, 1), (12, 8)])
def test_a_full_queue_drops_the_oldest_and_tells_how_many(put: int, dropped: int) -> None:
    """Event 0 is being written while `put` more come in a queue of 4: of 5, the first is dropped."""
    screen = Gated(open_=False)
    channel = Channel(screen, pytest.fail, limit=4)
    channel.put(event(0, cursor=70))
    assert screen.writing.wait(PATIENCE_S)
    for number in range(1, put + 1):
        channel.put(event(number))
    screen.gate.set()
    channel.end()
    assert channel.finished(PATIENCE_S)
    rest = [event(n) for n in range(dropped + 1, put + 1)]
    gap = [Event("gap", dropped + 1, "", "", {"dropped": dropped, "cursor": 70})] if dropped else []
    assert screen.written == [event(0, cursor=70), *gap, *rest]


def test_a_listener_that_hangs_delays_neither_the_others_nor_the_end() -> None:
    hanging, other = Gated(open_=False), Gated()
    listeners = Listeners([hanging, other], pytest.fail)
    before_s = time.monotonic()
    for number in range(20_000):
        listeners.put(event(number))
    assert not listeners.close(0.05)
    assert time.monotonic() - before_s < PATIENCE_S
    assert other.written[-1] == event(19_999)
    assert (other.closed, hanging.closed) == (True, False)
    hanging.gate.set()


@pytest.mark.parametrize("at", [1, 5])
@pytest.mark.parametrize("error", [RuntimeError("a bug"), OSError(5, "gone"), SystemExit(3)])
def test_a_listener_that_raises_is_closed_and_dropped(at: int, error: BaseException) -> None:
    lost: list[BaseException] = []
    failing, other = Failing(at, error), Gated()
    listeners = Listeners([failing, other], lost.append)
    for number in range(10):
        listeners.put(event(number))
    assert listeners.close(PATIENCE_S)
    assert lost == [error]
    assert [len(failing.written), len(other.written)] == [at, 10]
    assert failing.closed


def test_last_words_that_nobody_takes_are_given_up() -> None:
    gate = threading.Event()
    assert within(PATIENCE_S, lambda: None)
    assert within(PATIENCE_S, lambda: [].index(1))  # type: ignore[arg-type, return-value]
    assert not within(0.01, lambda: gate.wait(PATIENCE_S) and None)
    gate.set()
