"""Makes a profile for a venue where real or test money moves, after a look at the account with its key. Layer: app.

Nothing is saved before venue, network, account and key were found to fit together; the key itself is kept in a file of
mode 0600, or stays where it is, and the profile only names the place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from pfmm.app.profiles import create_profile
from pfmm.app.session import Session, session
from pfmm.config.paths import Paths
from pfmm.config.resolve import load_settings
from pfmm.config.secrets import keep_key, key_path, require_secret, secret_state
from pfmm.config.values import Settings
from pfmm.errors import UsageError
from pfmm.venue.registry import MAINNET, TESTNET, VENUES


class SetupRequest(NamedTuple):
    """What the options say; None where they do not. `key` is one that somebody typed: it is written to a file."""

    name: str
    venue: str
    network: str | None = None
    account: str | None = None
    base_url: str | None = None
    key_file: Path | None = None
    key_env: str | None = None
    key: str | None = None
    check: bool = True


@dataclass(frozen=True, slots=True)
class ProfileSetUp:
    """What was made, and what the account was found to be. Money is `real` or `play`; amounts in USD."""

    profile: str
    path: str
    venue: str
    network: str
    money: str
    account: str
    secret: str
    checked: bool
    equity: Decimal | None
    free_margin: Decimal | None
    positions: int | None
    open_orders: int | None
    limits: str | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def network_for(venue: str, network: str | None) -> str:
    """Return the network that is meant: the one that is named, else the test network where there is one."""
    return network or (TESTNET if VENUES[venue].testnet else MAINNET)


def set_up(request: SetupRequest, *, tell: Callable[[str], None] = lambda _: None) -> ProfileSetUp:
    """Check the account, then save the profile.

    Raises UsageError for a profile without an account where the venue wants an address, AuthenticationError for a key
    that may not act for it, and what the venue's reads raise: then nothing is saved.
    """
    values = _values(request)
    with _key_kept(request, values):
        settings = load_settings(os.environ, overrides=values)
        secret = _secret(request, settings)
        with session(settings) as opened:
            found = _looked_at(opened, with_key=secret == "set", tell=tell) if request.check else {}  # noqa: S105 - a state, no secret
            venue, account = opened.venue_name, opened.account if VENUES[request.venue].account == "address" else ""
            money = "real" if opened.real_money else "play"
        edited = create_profile(
            request.name,
            venue=request.venue,
            account=request.account,
            base=None,
            more={name: str(value) for name, value in values.items() if name not in ("venue", "account")},
        )
    return ProfileSetUp(
        profile=request.name,
        path=edited.path,
        venue=venue,
        network=settings.network,
        money=money,
        account=account,
        secret=secret,
        checked=request.check,
        equity=found.get("equity"),
        free_margin=found.get("free_margin"),
        positions=found.get("positions"),
        open_orders=found.get("open_orders"),
        limits=found.get("limits"),
        notes=found.get("notes", ()),
        warnings=(*edited.warnings, *_warnings(request, secret)),
    )


@contextmanager
def _key_kept(request: SetupRequest, values: dict[str, Any]) -> Iterator[None]:
    """Write a key that was typed to a file that `values` then names; the file goes where the block fails."""
    if request.key is None:
        yield
        return
    typed = Paths.from_env(os.environ).config_file.parent / "keys" / f"{request.name}.key"
    keep_key(typed, request.key)
    values["secret.file"] = str(typed)
    try:
        yield
    except BaseException:
        typed.unlink(missing_ok=True)
        raise


def _secret(request: SetupRequest, settings: Settings) -> str:
    """Say whether a key is set. Raises SecretError where one was named and cannot be read."""
    if (request.key, request.key_file, request.key_env) == (None, None, None):
        return secret_state(settings.secret, settings.venue, os.environ)
    require_secret(settings.secret, settings.venue, os.environ)
    return "set"


def _warnings(request: SetupRequest, secret: str) -> list[str]:
    """Tell what the new profile cannot do yet."""
    warnings = []
    if secret != "set":  # noqa: S105 - a state, no secret
        warnings.append("no key is set: it reads, and cannot trade (`pfmm profile set secret.file PATH`)")
    if not request.check:
        warnings.append("nothing was checked: `pfmm doctor` does that")
    return warnings


def _values(request: SetupRequest) -> dict[str, Any]:
    line = VENUES[request.venue]
    if line.account == "address" and request.account is None:
        raise UsageError(
            f"which account on {request.venue}? It is an address", hint="add --account 0x…: not that of an agent's key"
        )
    if sum(one is not None for one in (request.key, request.key_file, request.key_env)) > 1:
        raise UsageError("the key comes from one place", hint="give --key-file or --key-env, not both")
    given = {
        "venue": request.venue,
        "network": network_for(request.venue, request.network) if line.testnet else None,
        "account": request.account,
        "base_url": request.base_url,
        "secret.file": None if request.key_file is None else str(key_path(str(request.key_file)).absolute()),
        "secret.env": request.key_env,
    }
    return {name: value for name, value in given.items() if value is not None}


def _looked_at(opened: Session, *, with_key: bool, tell: Callable[[str], None]) -> dict[str, Any]:
    """Read balance, mode and limits of the account, and prove that the key may act for it."""
    tell(f"asking {opened.venue_name} about account {opened.account}")
    notes = opened.venue.probe(()) if with_key else ()
    state = opened.venue.state(())
    return {
        "equity": state.account.equity,
        "free_margin": state.account.free_margin,
        "positions": len([one for one in state.positions if one.size]),
        "open_orders": len(state.orders),
        "limits": opened.venue.budget_text(),
        "notes": notes,
    }
