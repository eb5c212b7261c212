"""What a signal does while a loop runs: the first is noted, another Ctrl-C raises, until nothing is left to give up."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pfmm.errors import Terminated
from pfmm.runner import signals
from pfmm.runner.signals import Signals


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_another_ctrl_c_raises_and_one_of_the_same_moment_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "SECOND_THOUGHT_S", 3600.0)
    with Signals() as box:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        assert box.received is signal.SIGINT
        monkeypatch.setattr(signals, "SECOND_THOUGHT_S", 0.0)
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert box.received is signal.SIGINT


def test_a_ctrl_c_after_the_last_one_that_means_something_does_not_hide_what_is_to_be_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signals, "SECOND_THOUGHT_S", 0.0)
    with Signals() as box:
        signal.raise_signal(signal.SIGINT)
        box.ignore_interrupts()
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


def test_a_second_sigterm_ends_a_command_at_once_and_never_a_loop() -> None:
    with Signals() as loop:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        assert (loop.received, loop.exit_code, loop.name) == (signal.SIGTERM, 143, "SIGTERM")
    with Signals(one_shot=True):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Terminated) as ended:
            signal.raise_signal(signal.SIGTERM)
        assert ended.value.code == 143


def test_a_hang_up_that_was_ignored_before_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as box:
            signal.raise_signal(signal.SIGHUP)
            assert (box.received, box.stopping(), box.exit_code) == (None, False, 0)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_waits_after_the_first_signal_are_whole_again() -> None:
    with Signals() as box:
        signal.raise_signal(signal.SIGHUP)
        assert not box.wait_s(60.0)
        assert box.wait_on_s(0.001)
