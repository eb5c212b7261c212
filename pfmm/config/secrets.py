"""Reads the venue's key from where the settings say it is, and keeps it out of every other place.

Knows nothing of venues beyond the name; the key leaves a `Secret` only through `reveal()`. Layer: config.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from pfmm.config.values import SecretSource
from pfmm.errors import SecretError, UsageError
from pfmm.venue.registry import VENUES

COMMAND_TIMEOUT_S: Final = 20.0
MAX_LENGTH: Final = 4096
_MASK: Final = "Secret(***)"


class Secret:
    """A key whose text, repr, format and pickle never show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return _MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return _MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")


def find_secret(source: SecretSource, venue: str, env: Mapping[str, str]) -> Secret | None:
    """Find the key; None where nothing is set.

    PFMM_API_KEY comes first, on purpleflea then PURPLE_FLEA_KEY, then what the profile names. Raises SecretError when
    the named place exists in the settings but gives no usable key.
    """
    for variable in _variables(venue):
        if env.get(variable):
            return _checked(env[variable], variable)
    if source.env is not None:
        if not env.get(source.env):
            raise SecretError(
                f"the profile takes its key from {source.env}, which is not set", hint=f"export {source.env}=…"
            )
        return _checked(env[source.env], source.env)
    if source.file is not None:
        return _from_file(key_path(source.file))
    if source.command is not None:
        return _from_command(source.command)
    if source.keyring is not None:
        return _from_keyring(source.keyring)
    return None


def secret_at_hand(source: SecretSource, venue: str, env: Mapping[str, str]) -> str:
    """Return the key in clear where an environment variable or a file holds it, else "".

    Callers need it to keep it out of what is shown. Asks no command and no keyring, and raises nothing: what only reads
    must not need a key.
    """
    if source.env is None and source.file is None and not any(env.get(one) for one in _variables(venue)):
        return ""
    try:
        found = find_secret(source, venue, env)
    except SecretError:
        return ""
    return "" if found is None else found.reveal()


def require_secret(source: SecretSource, venue: str, env: Mapping[str, str]) -> Secret:
    """Find the key as `find_secret` does. Raises SecretError with the ways to give a key where nothing is set."""
    secret = find_secret(source, venue, env)
    if secret is None:
        names = " or ".join(_variables(venue))
        raise SecretError(
            f"no key for {venue}",
            hint=f"export {names}, or `pfmm profile set secret.file PATH --profile NAME` (see `pfmm help config`)",
        )
    return secret


def secret_state(source: SecretSource, venue: str, env: Mapping[str, str]) -> str:
    """Return "set" where a key is to be expected, else "unset"; open no file and run no command."""
    if any(env.get(variable) for variable in _variables(venue)):
        return "set"
    if source.env is not None:
        return "set" if env.get(source.env) else "unset"
    if source.file is not None:
        return "set" if key_path(source.file).is_file() else "unset"
    return "set" if source.command is not None or source.keyring is not None else "unset"


def keep_key(path: Path, key: str) -> None:
    """Write a key to a new file that nobody else may read (mode 0600).

    Raises UsageError for one that is there, SecretError where it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise UsageError(f"the key file {path} exists already", hint="name another one, or move it away") from None
    except OSError as error:
        raise SecretError(f"cannot write the key file {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(key + "\n")


def key_path(text: str) -> Path:
    """Return the file that `secret.file` names.

    A ~ of no known user stays, and reading the file says that there is none.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _variables(venue: str) -> tuple[str, ...]:
    return VENUES[venue].key_variables


def _checked(text: str, where: str) -> Secret:
    """Return the key. Raises SecretError unless it is one line of visible ASCII.

    It travels in an HTTP header, and could else carry another header with it.
    """
    if not text:
        raise SecretError(f"the key from {where} is empty")
    if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise SecretError(f"the key from {where} is not one line of visible ASCII characters")
    return Secret(text)


def _from_file(path: Path) -> Secret:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        hint = f"write the key there, alone on its line, then `chmod 600 {path}`" if absent else None
        raise SecretError(f"cannot read the key file {path}: {error.strerror}", hint=hint) from None
    try:
        status = os.fstat(descriptor)  # of the file that was opened: a swap in between changes nothing
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"the key file {path} is not a regular file")
        if status.st_mode & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise SecretError(f"the key file {path} is open to others (mode {mode:04o})", hint=f"chmod 600 {path}")
        raw = os.read(descriptor, MAX_LENGTH + 3)
    finally:
        os.close(descriptor)
    return _checked(_stripped(raw, str(path)), str(path))


def _from_command(command: tuple[str, ...]) -> Secret:
    import subprocess

    name = command[0]
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, as a list, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:  # its text may hold the output: do not chain it
        raise SecretError(f"the key command {name} took longer than {COMMAND_TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise SecretError(f"cannot run the key command {name}: {error.strerror}") from None
    except ValueError as error:  # a NUL character, which no argument can hold
        raise SecretError(f"cannot run the key command: {error}") from None
    if done.returncode != 0:
        raise SecretError(f"the key command {name} failed with exit code {done.returncode}")
    return _checked(_stripped(done.stdout, f"the command {name}"), f"the command {name}")


def _from_keyring(service: str) -> Secret:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise SecretError("secret.keyring needs the keyring extra", hint="pip install 'pfmm[keyring]'") from None
    try:
        value = keyring.get_password(service, "pfmm")
    except keyring.errors.KeyringError as error:
        raise SecretError(f"the keyring refused {service}: {type(error).__name__}") from None
    if value is None:
        raise SecretError(f"the keyring has no key for {service}", hint=f"keyring set {service} pfmm")
    return _checked(value, f"the keyring entry {service}")


def _stripped(raw: bytes, where: str) -> str:
    try:
        return raw.decode("ascii").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"the key from {where} is not one line of visible ASCII characters") from None
