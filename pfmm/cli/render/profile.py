"""Profiles as tables. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.app.profiles import displayed
from pfmm.cli.render.tables import table

if TYPE_CHECKING:
    from pfmm.app.profile_setup import ProfileSetUp
    from pfmm.app.profiles import ProfileEdited, ProfileList, ProfilePaths, ProfileShown


UNSET = "unset"


def render_list(result: ProfileList, width: int | None) -> str:
    """List the profiles, one a line; the active one is marked."""
    cells = [("*" if row.active else " ", row.name, row.venue, row.account) for row in result.profiles]
    return table((" ", "profile", "venue", "account"), cells, width=width)


def render_shown(result: ProfileShown, width: int | None) -> str:
    """Show every setting with its value and where that comes from."""
    rows = [(key, displayed(value) or UNSET, result.sources[key]) for key, value in result.settings.items()]
    key = "not needed on paper" if result.venue == "paper" and result.secret == UNSET else result.secret
    head = f"profile {result.name}   {_money(result)}   key {key}"
    return f"{head}\n\n{table(('setting', 'value', 'from'), rows, width=width)}"


def _money(result: ProfileShown) -> str:
    """Say which money orders of this profile would move."""
    if result.venue == "paper":
        return "paper money"
    return f"{'REAL' if result.settings.get('network') == 'mainnet' else 'play'} money: {result.venue}"


def render_edited(result: ProfileEdited, width: int | None) -> str:  # noqa: ARG001 - what was done is talk
    """Print nothing: what was done is said on stderr."""
    return ""


def render_set_up(result: ProfileSetUp, width: int | None) -> str:  # noqa: ARG001 - a line a fact
    """Tell what was made, with which money, and what the account is like."""
    money = "REAL money" if result.money == "real" else "play money"
    lines = [
        f"profile {result.profile}: {result.venue}, {money}, account {result.account}",
        f"key {result.secret}   saved in {result.path}",
    ]
    if result.equity is not None and result.free_margin is not None:
        lines.append(
            f"equity {result.equity:.2f} USD   free {result.free_margin:.2f}   positions {result.positions}   "
            f"open orders {result.open_orders}"
        )
    lines += [result.limits] if result.limits else []
    return "\n".join([*lines, *result.notes, f"`pfmm --profile {result.profile} …` uses it"])


def render_paths(result: ProfilePaths, width: int | None) -> str:
    """List the three places: config, state and log."""
    rows = [("config", result.config), ("state", result.state), ("log", result.log)]
    return table(("what", "path"), rows, width=width)
