"""What a signal does while a loop runs: the first is noted, another Ctrl-C raises, until nothing is left to give up."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

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
