"""A stream is complete: whenever a signal comes, each fill of the journal is told once, and before `stopped`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.session import Session
from pfmm.app.starting import StartRequest
from pfmm.config.resolve import load_settings
from tests.e2e.homes import START_MS, stepped_home
from tests.unit.app.test_starting import Recorder, loop

D = Decimal
QUOTE = StartRequest("quote", ("btc",))


class Interrupting:
    """A venue whose market moves with every request, also on the way out; before the request of one number the process
    gets a signal."""

    def __init__(self, session: Session, at: int, number: signal.Signals) -> None:
        self._session, self._inner = session, session.venue
        self._at, self._number, self.requests = at, number, 0
        self._now_ms = START_MS

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in ("snapshot", "submit", "order"):
            return found

        def asked(*args: Any, **named: Any) -> Any:
            self.requests += 1
            if self.requests == self._at:
                os.kill(os.getpid(), self._number)
            self._now_ms = max(self._now_ms, self._inner.time().time_ms) + 700
            self._session.exchange.advance_clock(self._now_ms)
            return found(*args, **named)

        return asked


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Session]:
    """A tight quote on a stepped market: something fills every few cycles."""
    stepped_home(tmp_path, seed=3)
    overrides = {"quote.model": "fixed", "quote.half_spread_bps": 1.0, "run.interval_s": 2.0}
    opened = Session(load_settings({"PFMM_HOME": str(tmp_path)}, overrides=overrides))
    yield opened
    opened.close()


POLICIES = ("cancel", "keep", "flatten")
BY_DEFAULT = ((1, "cancel"), (29, "keep"), (57, "flatten"))
CASES = [
    pytest.param(at, policy, marks=() if (at, policy) in BY_DEFAULT else pytest.mark.slow)
    for at, policy in product(range(1, 60, 7), POLICIES)
]


@pytest.mark.parametrize(("at", "policy"), CASES)
def test_a_stream_has_the_journal_s_fills(busy: Session, at: int, policy: str) -> None:
    number = signal.SIGINT if at % 2 else signal.SIGTERM
    busy.__dict__["venue"] = venue = Interrupting(busy, at, number)
    seen = Recorder()
    code = loop(busy, replace(QUOTE, on_exit=policy), seen)
    assert code == 128 + number, seen.words
    assert venue.requests >= at
    journalled = list(busy.journal.fills())
    told = [event for event in seen.events if event.name == "fill"]
    assert [event.data["fill_id"] for event in told] == [item.fill.fill_id for item in journalled]
    assert [event.data["client_order_id"] for event in told] == [item.fill.client_order_id for item in journalled]
    last = seen.events[-1]
    assert last.name == "stopped"
    runs = busy.journal.runs()
    left = busy.journal.book("BTC-PERP", runs[0].run_id).ledger if runs else None
    assert last.data["fills"] == sum(item.run_id is not None for item in journalled)
    assert last.data["inventory"] == (left.size if left else None)
    held = sum((one.size for one in busy.venue.positions()), D(0))
    if left is not None and policy != "keep":
        assert held == left.size
        assert [row["close"] for row in last.data["left"]] == ["pfmm flatten BTC-PERP" if held else None]
    if policy == "flatten":
        assert held == 0
