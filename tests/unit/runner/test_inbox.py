"""Commands on their way into a loop, from keys, signals and other threads, and what a key means."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.runner.inbox import Action, Command, Inbox
from pfmm.runner.keyboard import HELP, Keyboard
from pfmm.runner.signals import Signals

PATIENCE_S = 30.0
QUIT = Command(Action.QUIT, "test")


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals() as box:
        yield box


def test_a_post_from_another_thread_ends_the_wait(signals: Signals) -> None:
    inbox = Inbox(signals)
    thread = threading.Timer(0.0, inbox.post, [QUIT])
    thread.start()
    assert not inbox.wait_s(PATIENCE_S)
    thread.join()
    assert inbox.take() == (QUIT,)
    assert inbox.take() == ()
    assert inbox.wait_s(0.0), "what was taken ends no further wait"


def test_a_signal_comes_first_and_once_with_its_exit_code(signals: Signals) -> None:
    inbox = Inbox(signals)
    inbox.post(QUIT)
    signal.raise_signal(signal.SIGTERM)
    assert not inbox.wait_s(PATIENCE_S)
    assert inbox.take() == (Command(Action.QUIT, "signal SIGTERM", 143), QUIT)
    assert inbox.take() == ()


class Pipe:
    """A keyboard of which each byte is a command that names it."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        self.open = True

    def fileno(self) -> int:
        return self._read

    def read(self) -> list[Command]:
        pressed = os.read(self._read, 64)
        self.open = bool(pressed)
        return [Command(Action.PAUSE, chr(key)) for key in pressed]


def test_keys_end_the_wait_and_a_terminal_that_is_gone_is_not_asked_again(signals: Signals) -> None:
    keys = Pipe()
    inbox = Inbox(signals, keys)
    os.write(keys.write, b"ab")
    assert not inbox.wait_s(PATIENCE_S)
    assert [command.by for command in inbox.take()] == ["a", "b"]
    os.close(keys.write)
    assert inbox.wait_s(0.01)
    assert not keys.open


@pytest.mark.parametrize(
    ("pressed", "actions", "said"),
    [
        ("p", [Action.PAUSE], []),
        ("pPp", [Action.PAUSE, Action.GO_ON, Action.PAUSE], []),
        ("q", [Action.QUIT], []),
        ("?", [], [HELP]),
        ("de", [], ["depth", "events"]),
        ("\x1b[D", [], []),
        ("fy", [Action.FLATTEN], ["close? y/n"]),
        ("fnx", [], ["close? y/n", "not flattened; the run goes on"]),
        ("f\nq", [Action.QUIT], ["close? y/n", "not flattened; the run goes on"]),
        ("x1 \x1b[A", [], []),
    ],
)
def test_what_a_key_means(pressed: str, actions: list[Action], said: list[str]) -> None:
    lines: list[str] = []
    read, write = os.pipe()
    os.write(write, pressed.encode())
    keyboard = Keyboard(read, "close?", say=lines.append, ask=lines.append, view=lines.append)
    assert [command.action for command in keyboard.read()] == actions
    assert lines == said
    os.close(write)
    assert keyboard.read() == []
    os.close(read)


SHELL = """
import fcntl, os, signal, subprocess, sys, termios
def mode(): print("keys" if not termios.tcgetattr(0)[3] & termios.ICANON else "lines", flush=True)
STORY = '''
import os, signal, termios
from pfmm.runner.keyboard import Keyboard
while os.tcgetpgrp(0) != os.getpgrp(): pass
with Keyboard(0, "?", say=print, ask=print, view=print) as keyboard:
    assert keyboard.open
    os.kill(os.getpid(), signal.SIGTSTP)
    os.kill(os.getpid(), signal.SIGSTOP)
'''
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", STORY], process_group=0)
os.tcsetpgrp(0, child.pid)
for _ in range(3):
    os.waitpid(child.pid, os.WUNTRACED)
    mode()
    os.kill(child.pid, signal.SIGCONT)
"""


def test_the_terminal_has_its_own_mode_back_at_the_end_and_while_the_process_is_stopped() -> None:
    """A shell of three lines sees how the terminal is: stopped by Ctrl-Z, gone on and stopped without being asked
    (SIGSTOP), and ended."""
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        stdin=slave, capture_output=True, text=True, start_new_session=True, check=False, timeout=PATIENCE_S,
        cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    os.close(slave)
    os.close(master)
    assert done.stdout.split() == ["lines", "keys", "lines"], done.stderr


def test_keys_of_what_is_no_terminal_of_ours_are_not_asked_for() -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    with Keyboard(slave, "?", say=pytest.fail, ask=pytest.fail, view=pytest.fail) as keyboard:
        assert not keyboard.open
        assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)
