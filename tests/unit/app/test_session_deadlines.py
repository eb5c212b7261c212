"""What bounds a session's requests and waits: the command's time, or that of the block within which they happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.session import Session
from pfmm.config.resolve import load_settings
from pfmm.errors import VenueUnreachable
from pfmm.model.account import VenueTime
from tests.slow_server import serving


@contextmanager
def session_at(url: str, home: Path, timeout_s: float) -> Iterator[Session]:
    environment = {"PFMM_HOME": str(home), "PFMM_BASE_URL": url, "PFMM_COMMAND_TIMEOUT_S": str(timeout_s)}
    opened = Session(load_settings(environment))
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, moved by the test alone."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_commands_time_begins_with_its_first_request_and_again_after_a_question(
    tmp_path: Path, now_s: list[float]
) -> None:
    with session_at("http://127.0.0.1:9", tmp_path, 30) as session:
        now_s[0] += 100
        assert session._now_due().left_s() == 30
        now_s[0] += 25
        assert session._now_due().left_s() == 5
        session.renew()
        now_s[0] += 60  # nobody has asked anything yet
        assert session._now_due().left_s() == 30


def test_a_block_takes_the_place_of_the_commands_time_and_gives_it_back(tmp_path: Path, now_s: list[float]) -> None:
    with session_at("http://127.0.0.1:9", tmp_path, 30) as session:
        assert session._now_due().left_s() == 30
        now_s[0] += 10
        with session.bounded():
            assert session._now_due().left_s() == float("inf")
            with session.leaving() as deadline:
                assert (deadline.left_s(), session._now_due()) == (30, deadline)
            assert session._now_due().left_s() == float("inf")
        assert session._now_due().left_s() == 20


def test_the_waits_of_a_clock_end_with_the_block(tmp_path: Path, now_s: list[float]) -> None:
    waited: list[float] = []

    def wait_s(seconds: float) -> bool:
        waited.append(seconds)
        return True

    with session_at("http://127.0.0.1:9", tmp_path, 30) as session:
        clock = session.clock(wait_s)
        clock.synchronise(VenueTime(0, 1.0))
        clock.wait_until(60_000)
        with session.bounded(7):
            clock.wait_until(60_000)
            now_s[0] += 4
            clock.wait_until(5_000)
            clock.wait_until(60_000)
    assert waited == [60, 7, 1, 3]


def test_what_cannot_be_seen_can_still_be_cancelled_in_the_time_to_leave(tmp_path: Path) -> None:
    """A venue whose reads hang and whose cancels work."""

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Length", "15")])
        return [b'{"cancelled":3}']

    with (
        serving("body", app=app) as server,
        session_at(server.url, tmp_path, 30) as session,
        session.bounded(4),  # half of it is for reads; the rest is enough on a busy machine too
    ):
        with pytest.raises(VenueUnreachable):
            session.venue.state(())
        server.answered = 1_000
        assert session.venue.cancel_all() == 3
