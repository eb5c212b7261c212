"""Opens the session of one command from its global options and its flags, and says what it is about. Layer: cli."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pfmm.cli.output import Globals, detail, say, warn

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.config.values import Settings

NEW_MARKET = "a new paper market was made: synthetic, seed {seed} (`pfmm help paper-fills` tells of it)"


@contextmanager
def session(options: Globals) -> Iterator[Session]:
    """Open the session of one command, with the settings that its flags gave."""
    from pfmm.app.session import session as opened
    from pfmm.config.resolve import load_settings

    settings = load_settings(os.environ, profile=options.profile, overrides=options.flags)
    _tell(options, settings)
    with opened(settings) as one:
        one.on_new_market, one.on_clock_step = _new_market(options), warn
        if _on_screen(options):
            from pfmm.app.money import money_text

            say(options, money_text(one))
        yield one


def _on_screen(options: Globals) -> bool:
    """Tell whether somebody looks: every screen begins with the money that it is about."""
    return not options.json and sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def paper_session(options: Globals, *, changes: bool = False) -> Iterator[Session]:
    """Open the session of the paper side of the profile; `changes` for what acts on the embedded exchange alone."""
    from pfmm.app.paper import paper_session as opened

    with opened(options.profile, changes=changes) as one:
        one.on_new_market = _new_market(options)  # `paper status` and `paper clock` say what they saw of the clock
        _tell(options, one.settings)
        yield one


def _new_market(options: Globals) -> Callable[[int], None]:
    return lambda seed: say(options, NEW_MARKET.format(seed=seed))


def _tell(options: Globals, settings: Settings) -> None:
    if not options.verbose:
        return
    where = settings.base_url or "in this process"
    detail(options, f"profile {settings.profile}: venue {settings.venue} ({where}), account {settings.account}")
    detail(options, f"configuration {settings.paths.config_file}, state {settings.paths.state_dir}")


@contextmanager
def emergency_session(options: Globals) -> Iterator[Session]:
    """Open a session for `flatten`: an unreadable config file does not stop it where the environment names the venue,
    and no single request holds it up."""
    from pfmm.app.session import session as opened
    from pfmm.config.resolve import emergency_settings

    settings = emergency_settings(os.environ, profile=options.profile, overrides=options.flags)
    with opened(settings, hurried=True) as one:
        yield one
