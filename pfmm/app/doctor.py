"""Look at everything that can keep pfmm from working, and name the fix. Changes nothing. Layer: app.

Works with an unreadable config file and with damaged journals: it reports them and goes on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pfmm.app import local_checks, venue_checks
from pfmm.app.local_checks import FAIL, OK, WARN, Check, failure
from pfmm.app.session import Session
from pfmm.app.wall_clock import wall_ms
from pfmm.config.paths import Paths
from pfmm.config.resolve import load_settings
from pfmm.errors import ConfigError

if TYPE_CHECKING:
    from pfmm.config.values import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `fix` says what to do about a warning or a failure."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    detail: str
    fix: str | None


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """Every finding, in the order of the checks."""

    checks: tuple[Finding, ...]


def doctor(profile: str | None, *, deep: bool = False) -> DoctorResult:
    """Check configuration, key, venue, clock, budget, locks, HALT, journals and disk; `deep` folds every journal anew
    and compares its books, which takes as long as the journals are large.

    Raises the error of the first check that failed, with the result in it.
    """
    found = list(_checks(profile, deep=deep))
    result = DoctorResult(tuple(Finding(one.name, one.verdict, one.detail, one.fix) for one in found))
    error = next((check.error for check in found if check.error is not None), None)
    if error is not None:
        raise error.with_result(result)
    return result


def _checks(profile: str | None, *, deep: bool) -> Iterator[Check]:
    paths = Paths.from_env(os.environ)
    yield local_checks.python()
    settings = None
    try:
        settings = load_settings(os.environ, profile=profile)
    except ConfigError as error:
        yield failure("configuration", error)
    else:
        yield _configuration(settings)
    try:
        yield local_checks.state_folder(paths.state_dir)
        yield local_checks.disk(paths.state_dir)
        yield from local_checks.journals(paths.state_dir, deep=deep)
        yield venue_checks.paper_exchange(paths.state_dir)
        yield from local_checks.locks(paths.state_dir, wall_ms())
    except OSError as error:
        hint = "make it readable, or set PFMM_HOME"
        yield failure("state folder", ConfigError(f"{error.filename}: {error.strerror}", hint=hint))
    if settings is None:
        yield Check(
            "venue", WARN, "not checked: without a configuration it is not known", "mend the configuration first"
        )
        return
    yield from _of_venue(settings)


def _of_venue(settings: Settings) -> Iterator[Check]:
    key = venue_checks.key(settings)
    yield key
    if key.verdict == FAIL:
        yield Check("venue", WARN, "not checked: there is no key to ask with", "mend the key first")
        return
    session = Session(settings)
    try:
        yield from venue_checks.venue(session)
    finally:
        session.close()


def _configuration(settings: Settings) -> Check:
    file = settings.paths.config_file
    detail = f"profile {settings.profile}, venue {settings.venue}, account {settings.account}"
    if not file.exists():
        return Check("configuration", OK, f"{detail}; no config file, all defaults")
    if _writable_by_others(file):
        fix = f"chmod 600 {file}"
        return Check("configuration", WARN, f"{detail}; others can write {file}, and with it choose the venue", fix)
    return Check("configuration", OK, f"{detail}; {file}")


def _writable_by_others(file: Path) -> bool:
    return bool(file.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))
