"""Who watches a run: each listener writes on a thread of its own, behind a bounded queue. Layer: runner.

The loop only puts events, and never waits: a writer that blocks (a pipe nobody reads, a frozen terminal) is as likely
as one that fails, and neither may keep a run from cancelling its orders.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from pfmm.model.event import Event

QUEUE_LIMIT = 10_000
DRAIN_S = 2.0

Lost = Callable[[BaseException], None]


class Listener(Protocol):
    """What a screen, an event stream or a notifier is to the loop."""

    def write(self, event: Event) -> None:
        """Show one event. Runs on the listener's own thread: it may block, and it may raise."""
        ...

    def close(self) -> None:
        """End the display, after the last event or after a `write` that raised. On the same thread."""
        ...


class Channel:
    """One listener with its queue and its thread.

    A full queue drops its oldest event. The next thing that the listener gets is a `gap` event: how many it missed
    (`dropped`), and the journal's cursor of the last event that it got before (`cursor`, None where there is none).
    """

    def __init__(self, listener: Listener, lost: Lost, *, limit: int = QUEUE_LIMIT) -> None:
        self._listener = listener
        self._lost = lost
        self._limit = limit
        # never locked by Python code, so that a signal handler that raises can leave nothing locked
        self._events: SimpleQueue[tuple[int, Event] | None] = SimpleQueue()
        self._number = 0
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="listener")
        self._thread.start()

    def put(self, event: Event) -> None:
        """Hand one event over, without waiting."""
        if self._finished.is_set():
            return
        if self._events.qsize() >= self._limit:
            with suppress(Empty):
                self._events.get_nowait()
        self._number += 1
        self._events.put((self._number, event))

    def end(self) -> None:
        """Let the listener close once it has written what it was given."""
        self._events.put(None)

    def finished(self, patience_s: float) -> bool:
        """Wait until the listener has closed; False when it still writes after that."""
        return self._finished.wait(max(patience_s, 0.0))

    def _run(self) -> None:
        # signals are the main thread's: one that is delivered here would not end a wait there
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP))
        try:
            self._write_all()
        except BaseException as error:  # noqa: BLE001 - whatever a screen raises, it ends the screen and no more
            self._lost(error)
        finally:
            with suppress(Exception):
                self._listener.close()
            self._finished.set()

    def _write_all(self) -> None:
        written, cursor = 0, None
        while (item := self._events.get()) is not None:
            number, event = item
            if number > written + 1:
                missed = {"dropped": number - written - 1, "cursor": cursor}
                self._listener.write(Event("gap", event.time_ms, "", "", missed))
            self._listener.write(event)
            written, cursor = number, event.cursor


class Listeners:
    """All listeners of one run."""

    def __init__(self, listeners: Sequence[Listener], lost: Lost) -> None:
        """Open a channel to each listener; `lost` is told, on its thread, of what it raised.

        Such a listener is dropped, and the run goes on.
        """
        self._channels = [Channel(listener, lost) for listener in listeners]

    def put(self, event: Event) -> None:
        """Tell every listener, without waiting for any."""
        for channel in self._channels:
            channel.put(event)

    def close(self, patience_s: float = DRAIN_S) -> bool:
        """Let every listener write what it was given and close, within `patience_s` altogether.

        False when one still hangs: then only `os._exit` ends the process, since the interpreter would wait for that
        writer.
        """
        for channel in self._channels:
            channel.end()
        until_s = time.monotonic() + patience_s
        return all(channel.finished(until_s - time.monotonic()) for channel in self._channels)


def within(patience_s: float, call: Callable[[], None]) -> bool:
    """Run a call that may block on a thread of its own; False when it has not returned within `patience_s`.

    What it raises is dropped: it is for last words, which nobody may be able to hear.
    """

    def quietly() -> None:
        with suppress(Exception):
            call()

    thread = threading.Thread(target=quietly, daemon=True, name="last-words")
    thread.start()
    thread.join(patience_s)
    return not thread.is_alive()
