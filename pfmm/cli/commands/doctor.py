"""`pfmm doctor`: looks at everything that can keep pfmm from working, and names the fix. Changes nothing.

Works with an unreadable config file and with damaged journals: it reports them and goes on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pfmm.cli.local_checks import FAIL, OK, WARN, Check, failure
from pfmm.cli.options import globals_of
from pfmm.cli.output import Failed, Globals, Result, emit

if TYPE_CHECKING:
    from pfmm.config.resolve import Settings

WIDEST = 100  # columns

app = typer.Typer()


@app.command()
def doctor(context: typer.Context) -> None:
    """Check configuration, key, venue, clock, budget, locks, HALT, journals, disk; each finding with its fix.

    Exit 0 when nothing fails, warnings or not. Else the code of the first failure: 3 configuration, key, state folder,
    journal, paper exchange, disk or clock; 4 the venue refuses the key; 5 it cannot be reached; 6 it refuses;
    13 the tape that the paper exchange replays is unusable.
    """
    options = globals_of(context)
    found = list(_checks(options))
    rows = [{"name": c.name, "verdict": c.verdict, "detail": c.detail, "fix": c.fix} for c in found]
    result = Result({"checks": rows}, lambda: _text(found))
    error = next((check.error for check in found if check.error is not None), None)
    if error is not None:
        raise Failed(error, result)
    emit(options, result)


def _checks(options: Globals) -> Iterator[Check]:
    from pfmm.app.session import Session, wall_ms
    from pfmm.cli import local_checks, venue_checks
    from pfmm.config.paths import Paths
    from pfmm.config.resolve import load_settings
    from pfmm.errors import ConfigError

    paths = Paths.from_env(os.environ)
    yield local_checks.python()
    settings = None
    try:
        settings = load_settings(os.environ, profile=options.profile)
    except ConfigError as error:
        yield failure("configuration", error)
    else:
        yield _configuration(settings)
    try:
        yield local_checks.state_folder(paths.state_dir)
        yield local_checks.disk(paths.state_dir)
        yield from local_checks.journals(paths.state_dir)
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


def _text(found: Sequence[Check]) -> str:
    from shutil import get_terminal_size
    from textwrap import wrap

    columns = min(get_terminal_size((WIDEST, 0)).columns, WIDEST)
    width = max(len(check.name) for check in found)
    margin = " " * (width + 8)
    room = max(columns - len(margin), 1)
    lines = []
    for check in found:
        # a path is never broken: it has to be copied whole
        detail = wrap(check.detail, room, break_long_words=False, break_on_hyphens=False)
        lines.append(f"{check.verdict:<4}  {check.name:<{width}}  {detail[0] if detail else ''}".rstrip())
        lines += [margin + line for line in detail[1:]]
        if check.fix and check.verdict != OK:
            fix = wrap(f"→ {check.fix}", room, break_long_words=False, break_on_hyphens=False)
            lines += [margin + line for line in fix]
    bad = sum(check.verdict == FAIL for check in found)
    doubtful = sum(check.verdict == WARN for check in found)
    return "\n".join([*lines, "", f"{len(found)} checks: {bad} failed, {doubtful} warned"])
