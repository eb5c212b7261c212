"""A real loop whose machine's clock is set while it runs: it goes on, and paper time invents nothing."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.driver import Running, run
from tests.e2e.homes import own_session

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
pytestmark = pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed")

HOUR, DAY = 3_600, 86_400
STEPS = (HOUR, -HOUR, DAY, -DAY, None, 0)


def set_clock(file: Path, offset_s: int | None) -> None:
    """Moves the clock of the process that reads `file` by so many seconds; None sets it to 2 January 1979."""
    if offset_s is None:
        offset_s = int(283_996_800 + DAY - time.time())
    file.write_text(f"{offset_s:+d}\n", encoding="utf-8")


def time_ms(event: dict[str, str]) -> int:
    """The venue's time in a line of the stream."""
    return int(datetime.fromisoformat(event["time"]).timestamp() * 1_000)


@pytest.mark.slow
def test_a_loop_goes_on_and_time_is_not_invented(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    set_clock(clock, 0)
    faked = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    begun_s = time.monotonic()
    begin = ("grid", "start", "BTC-PERP", "--interval", "0.3", "--on-exit", "cancel", "--json")
    venue_ms: list[int] = []
    with Running(*begin, home=tmp_path, env=faked) as loop:
        for offset_s in STEPS:
            venue_ms += [time_ms(loop.wait_for_event("cycle")) for _ in range(2)]
            set_clock(clock, offset_s)
        venue_ms += [time_ms(loop.wait_for_event("cycle")) for _ in range(3)]
        passed_ms = (time.monotonic() - begun_s) * 1_000
        loop.process.send_signal(signal.SIGINT)
        assert loop.end() == 130, loop.errors
    assert venue_ms == sorted(venue_ms)
    assert venue_ms[-1] - venue_ms[0] <= passed_ms, "no hour came from the clock"
    with own_session(tmp_path) as session:
        assert session.journal.live_orders() == ()
    assert run("doctor", "--json", home=tmp_path).code in {0, 10}
