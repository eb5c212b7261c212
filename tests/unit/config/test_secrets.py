"""The key: found where the settings say, refused when it is careless, and shown nowhere."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from pfmm.config import secrets
from pfmm.config.secrets import Secret, find_secret, require_secret, secret_state
from pfmm.config.values import SecretSource
from pfmm.errors import SecretError

KEY = "sk_trade_hunter2"


def source(**given: object) -> SecretSource:
    return SecretSource({"env": None, "file": None, "command": None, "keyring": None, **given})


def key_file(folder: Path, content: bytes = KEY.encode() + b"\n", mode: int = 0o600) -> Path:
    file = folder / "key"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_secret_shows_itself_nowhere_but_in_reveal(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(KEY)
    assert secret.reveal() == KEY
    logging.getLogger("t").warning("%s %r", secret, secret)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>30}", f"{secret:x}", repr([secret]), caplog.text]
    try:
        raise RuntimeError(secret)
    except RuntimeError as error:
        shown += ["".join(traceback.format_exception(error)), repr(error)]
    assert not [text for text in shown if "hunter2" in text]
    for unsafe in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            unsafe(secret)
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    ("venue", "env", "expected"),
    [
        ("purpleflea", {"PFMM_API_KEY": "a", "PURPLE_FLEA_KEY": "b", "MINE": "c"}, "a"),
        ("purpleflea", {"PURPLE_FLEA_KEY": "b", "MINE": "c"}, "b"),
        ("purpleflea", {"MINE": "c"}, "c"),
        ("paper", {"PURPLE_FLEA_KEY": "b", "MINE": "c"}, "c"),  # a live key never goes to another venue
    ],
)
def test_the_environment_wins_over_the_profile(venue: str, env: Mapping[str, str], expected: str) -> None:
    secret = find_secret(source(env="MINE"), venue, env)
    assert secret is not None
    assert secret.reveal() == expected


def test_a_variable_that_is_not_set_is_an_error_not_nothing() -> None:
    with pytest.raises(SecretError, match="takes its key from MINE"):
        find_secret(source(env="MINE"), "purpleflea", {})


def test_nothing_set_is_none_or_an_error_with_the_way(tmp_path: Path) -> None:
    assert find_secret(source(), "purpleflea", {}) is None
    with pytest.raises(SecretError, match="no key for purpleflea") as caught:
        require_secret(source(), "purpleflea", {})
    assert "PURPLE_FLEA_KEY" in (caught.value.hint or "")
    assert "--profile NAME" in (caught.value.hint or ""), "else the key would be set for the active profile"
    assert require_secret(source(file=str(key_file(tmp_path))), "purpleflea", {}).reveal() == KEY


def test_a_file_of_mode_0600_is_read_and_its_newline_dropped(tmp_path: Path) -> None:
    for content in (KEY.encode(), KEY.encode() + b"\n", KEY.encode() + b"\r\n"):
        secret = find_secret(source(file=str(key_file(tmp_path, content))), "purpleflea", {})
        assert secret is not None
        assert secret.reveal() == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o644, 0o620])
def test_a_file_that_others_can_open_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path, mode=mode)
    with pytest.raises(SecretError, match=f"mode {mode:04o}") as caught:
        find_secret(source(file=str(file)), "purpleflea", {})
    assert caught.value.hint == f"chmod 600 {file}"
    assert "hunter2" not in caught.value.message


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path, message in (
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "no", "cannot read"),
    ):
        with pytest.raises(SecretError, match=message):
            find_secret(source(file=str(path)), "purpleflea", {})


BAD = [b"", b"\n", b"two words", b"a\nb", b"key\r\nX-Evil: 1", "clé".encode(), b"a\x00b", b"k" * 5000, b"\xff\xfe"]


@pytest.mark.parametrize("content", BAD)
def test_a_key_that_cannot_be_a_header_is_refused_unseen(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SecretError, match=r"is empty|not one line of visible ASCII") as caught:
        find_secret(source(file=str(key_file(tmp_path, content))), "purpleflea", {})
    assert "Evil" not in str(caught.value)


def test_a_command_is_run_as_a_list_and_its_newline_dropped() -> None:
    echo = (sys.executable, "-c", "import sys; print(sys.argv[1])", f"{KEY}$(id);")
    secret = find_secret(source(command=echo), "purpleflea", {})
    assert secret is not None
    assert secret.reveal() == f"{KEY}$(id);"


def test_a_command_that_fails_says_so_without_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(code: str) -> str:
        with pytest.raises(SecretError) as caught:
            find_secret(source(command=(sys.executable, "-c", code)), "purpleflea", {})
        assert caught.value.__cause__ is None  # the cause would hold the output
        assert "hunter2" not in f"{caught.value} {caught.value.hint}"
        return caught.value.message

    assert "exit code 3" in fails("print('hunter2'); raise SystemExit(3)")
    assert "is empty" in fails("pass")
    monkeypatch.setattr(secrets, "COMMAND_TIMEOUT_S", 0.5)
    assert "took longer than" in fails("import sys, time; print('hunter2', flush=True); time.sleep(30)")
    with pytest.raises(SecretError, match="cannot run the key command: embedded null byte"):
        find_secret(source(command=("echo", "a\0b")), "purpleflea", {})
    with pytest.raises(SecretError, match="cannot run the key command /no/such"):
        find_secret(source(command=("/no/such",)), "purpleflea", {})


def test_the_keyring_needs_its_extra_or_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretError, match="keyring extra") as caught:
        find_secret(source(keyring="flea"), "purpleflea", {})
    assert caught.value.hint == "pip install 'pfmm[keyring]'"

    library, faults = ModuleType("keyring"), ModuleType("keyring.errors")
    faults.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
    library.errors = faults  # type: ignore[attr-defined]
    library.get_password = lambda service, user: KEY if (service, user) == ("flea", "pfmm") else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", library)
    monkeypatch.setitem(sys.modules, "keyring.errors", faults)
    secret = find_secret(source(keyring="flea"), "purpleflea", {})
    assert secret is not None
    assert secret.reveal() == KEY
    with pytest.raises(SecretError, match="no key for other"):
        find_secret(source(keyring="other"), "purpleflea", {})


def test_state_is_set_or_unset_and_runs_nothing(tmp_path: Path) -> None:
    table = [
        (source(), {}, "unset"),
        (source(), {"PFMM_API_KEY": "x"}, "set"),
        (source(), {"PURPLE_FLEA_KEY": "x"}, "set"),
        (source(env="MINE"), {}, "unset"),
        (source(env="MINE"), {"MINE": "x"}, "set"),
        (source(file=str(tmp_path / "no")), {}, "unset"),
        (source(file=str(key_file(tmp_path))), {}, "set"),
        (source(command=("/no/such",)), {}, "set"),
        (source(keyring="flea"), {}, "set"),
    ]
    for given, env, expected in table:
        assert secret_state(given, "purpleflea", env) == expected
