"""The log of a run in the background, its end first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pfmm.app.logs import BLOCK, LogsRequest, _Tail, logs
from pfmm.cli.render.logs import log_line, render
from pfmm.config.resolve import load_settings
from pfmm.config.values import Settings
from pfmm.errors import UsageError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings({"PFMM_HOME": str(tmp_path)})
    found.paths.log_dir.mkdir(parents=True)
    return found


def write(settings: Settings, name: str, text: str, *, age_s: int = 0) -> Path:
    path = settings.paths.log_dir / f"{name}.log"
    path.write_text(text, "utf-8")
    os.utime(path, (1_000_000 - age_s,) * 2)
    return path


def test_the_last_lines_of_the_log_that_is_meant(settings: Settings) -> None:
    write(settings, "grid-BTC-PERP", "one\ntwo\nthree\n", age_s=9)
    write(settings, "quote-ETH-PERP", "four\n")
    assert logs(LogsRequest(None), settings=settings).lines == ("four",)
    for name in ("grid", "BTC", "btcusdt", "grid-BTC-PERP", "grid-btc"):
        assert logs(LogsRequest(name, 2), settings=settings).lines == ("two", "three"), name
    with pytest.raises(UsageError, match="there is no log of 'ladder'") as caught:
        logs(LogsRequest("ladder"), settings=settings)
    assert "grid-BTC-PERP" in str(caught.value.hint)


def test_without_a_log_the_way_to_one_is_named(settings: Settings) -> None:
    with pytest.raises(UsageError) as caught:
        logs(LogsRequest(), settings=settings)
    assert "--detach" in str(caught.value.hint)


def test_a_long_log_is_read_from_its_end(settings: Settings) -> None:
    write(settings, "grid-BTC-PERP", "".join(f"{n:08d}\n" for n in range(BLOCK // 3)))
    assert logs(LogsRequest(None, 2), settings=settings).lines == tuple(
        f"{n:08d}" for n in (BLOCK // 3 - 2, BLOCK // 3 - 1)
    )
    write(settings, "grid-BTC-PERP", "x" * (3 * BLOCK) + "\nlast\n")
    assert logs(LogsRequest(None, 1), settings=settings).lines == ("last",)


def test_control_characters_do_not_reach_the_terminal(settings: Settings) -> None:
    write(settings, "grid-BTC-PERP", "a\x1b[31mb\tc\r\n")
    assert logs(LogsRequest(), settings=settings).lines == ("a\ufffd[31mb\tc",)


def test_a_log_is_followed_line_by_whole_line_and_through_a_new_file(settings: Settings) -> None:
    path = write(settings, "grid-BTC-PERP", "one\ntwo\n")
    tail = _Tail(path)
    try:
        assert tail.begin(1) == ("two",)
        with path.open("a") as file:
            file.write("thr")
        assert tail.more() == []
        with path.open("a") as file:
            file.write("ee\nfour\n")
        assert tail.more() == ["three", "four"]
        path.write_text("new\n", "utf-8")  # made shorter
        assert tail.more() == ["new"]
        path.rename(path.with_suffix(".1"))
        assert tail.more() == []
        path.write_text("newer\n", "utf-8")
        assert tail.more() == ["newer"]
    finally:
        tail.close()


def test_events_are_told_in_words_on_a_terminal_only(settings: Settings) -> None:
    event = '{"event":"refused","time":"2026-01-01T11:28:54.000Z","market":"BTC-PERP","strategy":"grid","reason":"no"}'
    later = event.replace("01-01T11", "01-02T10")
    write(settings, "grid-BTC-PERP", f"{event}\nhello\n{event}\n{later}\n")
    found = logs(LogsRequest(), settings=settings)
    assert render(found, None).splitlines() == [event, "hello", event, later]
    said = "11:28:54  BTC-PERP grid  refused: no"  # a time alone does not tell the day
    days = ["2026-01-01 (UTC)", said, "hello", said, "2026-01-02 (UTC)", said.replace("11", "10", 1)]
    assert render(found, 80).splitlines() == days
    assert log_line('{"event":"fil') == '{"event":"fil'


def test_a_flatten_is_told_as_its_verdict(settings: Settings) -> None:
    market = {"market": "BTC-PERP", "before": "0.5", "after": "0", "closed_size": "0.5", "attempts": 1, "reason": None}
    answer = {
        "exit_code": 8, "venue": "paper", "account": "default", "time": "2026-12-01T14:12:36.000Z", "state": "unknown",
        "reason": "nothing could be read", "cancelled": 1, "orders_left": None, "markets": [market],
    }  # fmt: skip
    write(settings, "flatten", f"{json.dumps(answer)}\n{json.dumps({'exit_code': 1})}\n")
    assert render(logs(LogsRequest(), settings=settings), 80).splitlines() == [
        "2026-12-01 (UTC)",
        "14:12:36  flatten paper/default: UNKNOWN, 1 order cancelled, an unknown number left; BTC-PERP 0.5 → 0; "
        "nothing could be read",
        '{"exit_code": 1}',
    ]
