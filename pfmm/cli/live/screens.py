"""Where a running loop shows itself on a terminal: a live table, or a line an event where the cursor cannot go back.

Rendering only: these are listeners, each on a thread of its own, which may block or fail without the loop noticing.
They are told events, and never touch the venue or the journal. Layer: cli.
"""

from __future__ import annotations

import re
import time
from collections import deque
from math import inf
from typing import TYPE_CHECKING

from pfmm.app.watched import NOTICE, VIEW
from pfmm.cli.output import drop_stdout
from pfmm.cli.render.left import Left, left_lines
from pfmm.model.cycle import CycleEvent
from pfmm.model.event import Event
from pfmm.model.text import counted

if TYPE_CHECKING:
    from pfmm.app.watched import Shown
    from pfmm.model.cycle import CycleReport

RECENT = 40
NOTICE_S = 10.0  # long enough to be read; cycles may be a fraction of a second apart
ENDINGS = ("stopping", "halted", "stopped")
ROUTINE = ("started", "placed", "amended", "cancelled")  # what the table shows already
CLOSING = "flatten "  # how the reason of a HALT begins where a flatten closes what is held
OUTSIDE = ("liquidated", "closed_outside", "base_changed", "position_adopted", "slot_stopped")


class LiveScreen:
    """A listener with a live display, redrawn once a cycle; where the cursor cannot go back, one line an event."""

    def __init__(self, shown: Shown, *, keys: bool) -> None:
        from pfmm.app.live_series import LiveSeries
        from pfmm.cli.live.terminal import Terminal

        self._terminal = Terminal()
        self._shown = shown
        self._keys = keys
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._series = LiveSeries()
        self._warning: str | None = None
        self._notice: str | None = None
        self._notice_until_s = 0.0
        self._view: str | None = None
        self._opened = False
        self._last: CycleEvent | None = None
        self._cycles = 0
        self._answered = True  # False while the venue does not answer: what is shown is of before
        self._flattened = False  # whether a flatten halted the run, and closes what it leaves
        self._reasons: list[str] = []  # as a dumb terminal was told them last

    def write(self, event: Event) -> None:
        """Take one event into the picture; a cycle and a notice draw it anew."""
        try:
            self._take(event)
        except OSError:
            drop_stdout()  # or the interpreter would fail at it once more as it ends
            raise

    def _take(self, event: Event) -> None:
        if isinstance(event, CycleEvent):
            self._cycle(event)
        elif event.name == NOTICE:
            self._note(str(event.data["text"]), asks=bool(event.data.get("asks")))
        elif event.name == VIEW:
            self._view = None if self._view == event.data["name"] else str(event.data["name"])
            self._draw()
        elif event.name == "stopping":
            self._stopping(event)
        elif event.name == "stopped":
            self._stopped(event)
        else:
            self._happened(event)

    def _happened(self, event: Event) -> None:
        from pfmm.cli.live.recent import TROUBLE, trouble

        self._flattened |= event.name == "halted" and str(event.data.get("reason")).startswith(CLOSING)
        if event.name in TROUBLE:
            about = f"{event.market.removesuffix('-PERP')}: " if event.market and len(self._shown.markets) > 1 else ""
            self._warning = about + trouble(event)
        elif event.name in OUTSIDE:
            self._warning = f"{event.name.replace('_', ' ')}: {event.data.get('reason', '')}"
        elif event.name in ("resumed", "placed"):
            self._warning = None
        if self._terminal.dumb:
            from pfmm.cli.live.recent import event_words

            self._open()
            self._terminal.line(event_words(event))
            return
        if event.name not in ROUTINE:
            self._recent.appendleft(event)
        if event.name == "warning" and "in_a_row" in event.data:
            self._answered = False
            self._draw()

    def _cycle(self, event: CycleEvent) -> None:
        adopted = event.data.get("adopted_orders")
        if event.report is not None:
            self._series.add(event.report)
        if self._last is None:
            self._terminal.start()
            if adopted:
                self._note(f"took over {adopted} resting orders of the earlier run")
        elif not self._answered:
            self._answered, self._warning = True, None
        if time.monotonic() >= self._notice_until_s:
            self._notice = None
        self._last = event
        self._cycles += 1
        self._draw()

    def _open(self) -> None:
        """Print the line before all others, on a dumb terminal."""
        from pfmm.cli.live.one_line import opening_line

        if not self._opened:
            self._opened = True
            self._terminal.line(opening_line(self._shown))

    def _note(self, text: str, *, asks: bool = False) -> None:
        """Show a text for a while; a question until it is answered, which says the next one."""
        if self._terminal.dumb:
            self._open()
            self._terminal.line(text)
            return
        self._notice, self._notice_until_s = text, inf if asks else time.monotonic() + NOTICE_S
        self._draw()

    def _draw(self) -> None:
        if self._last is None or self._last.report is None:
            return
        if self._terminal.dumb:
            self._draw_dumb(self._last.report)
            return
        from pfmm.cli.live.tables import body_width, frame

        report = self._last.report
        width, height = self._terminal.console.width, self._terminal.height
        health = {
            "venue": self._shown.venue,
            "account": self._shown.account,
            "money": self._shown.money,
            "limits": self._shown.limits,
            "cycles": self._cycles,
            "warning": self._warning,
            "answered": self._answered,
            "notice": self._notice,
            "on_exit": self._shown.on_exit,
            "keys": self._keys,
            "view": self._view,
            **{name: self._terminal.written(said) for name, said in self._last.data.items()},
        }
        # a block is one column in every encoding
        health["series"] = self._series.lines(body_width(width, height, len(report.runs)))
        self._terminal.show(frame(self._shown.kind, report, tuple(self._recent), health, width, height))

    def _draw_dumb(self, report: CycleReport) -> None:
        from pfmm.cli.live.one_line import cycle_line, reason_lines
        from pfmm.cli.live.reasons import reasons

        self._open()
        found = [re.sub(r"[\d.]+", "", reason) for reason in reasons(report)]  # amounts change with every price
        if found != self._reasons:
            self._reasons = found
            for line in reason_lines(report):
                self._terminal.line(line)
        self._terminal.line(cycle_line(report))

    def _stopping(self, event: Event) -> None:
        from pfmm.cli.live.reasons import reason_words

        self._terminal.stop()
        policy = event.data["policy"]
        if policy != "keep":
            now = "cancelling" if policy == "cancel" else "cancelling and closing"
            why = reason_words(event.data["reason"])
            self._terminal.line(f"Stopping ({why}): {now}, until it is proven. Ctrl-C again gives the proof up.")

    def _stopped(self, event: Event) -> None:
        from pfmm.cli.live.reasons import reason_words

        if self._warning is not None:
            self._terminal.line(self._warning)
        left = event.data["orders_left"]
        rests = f"{left} of this run still rest" if left else "none of this run rests"
        why, cancelled = reason_words(event.data["reason"]), counted(event.data["cancelled"], "order")
        self._terminal.line(f"Stopped: {why}. {cancelled} cancelled; {rests}.")
        left = [Left(*(run[name] for name in Left._fields)) for run in event.data.get("left", ())]
        for line in left_lines(left, being_closed=self._flattened):
            self._terminal.line(line)

    def close(self) -> None:
        """Leave the last picture standing, with the cursor below it."""
        self._terminal.stop()
