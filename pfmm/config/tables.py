"""The tables of settings composed: the process's own, and a strategy's when something names one. Layer: config.

A command pays for the tables that it needs: a strategy's is read when a flag, a variable or a key of the config file
lies in its section.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pfmm.config.settings import OWN
from pfmm.model.setting import Setting
from pfmm.strategy.registry import STRATEGIES

OWN_TABLES: Final[dict[str, dict[str, Setting]]] = {}  # by section; the top level is ""
for _setting in OWN:
    OWN_TABLES.setdefault(_setting.section, {})[_setting.name] = _setting
_OF_VARIABLE: Final = {setting.variable: setting for setting in OWN}


def sections() -> tuple[str, ...]:
    """List the sections that a profile may have, strategies' last."""
    return (*(section for section in OWN_TABLES if section), *STRATEGIES)


def table(section: str) -> Mapping[str, Setting]:
    """Return the settings of one section by full name; empty for a section that there is not."""
    if section in STRATEGIES:
        from pfmm.strategy.base import kind_of

        return {setting.name: setting for setting in kind_of(section).settings}
    return OWN_TABLES.get(section, {})


def of_sections(names: tuple[str, ...]) -> tuple[Setting, ...]:
    """List the settings of these sections, in their order."""
    return tuple(setting for name in names for setting in table(name).values())


def find(name: str) -> Setting | None:
    """Return the setting of that full name, or None."""
    return table(name.rpartition(".")[0]).get(name)


def setting_of(name: str) -> Setting:
    """Return the setting of that full name. Raises KeyError for a name that pfmm itself must not ask for."""
    found = find(name)
    if found is None:
        raise KeyError(name)
    return found


def every() -> dict[str, Setting]:
    """Return every setting of pfmm and of all its strategies, by full name: for help, completions and near misses."""
    return {name: setting for section in ("", *sections()) for name, setting in table(section).items()}


def of_variable(variable: str) -> Setting | None:
    """Find the setting that an environment variable stands for: PFMM_GRID_LEVELS is grid.levels.

    None for another one.
    """
    if variable in _OF_VARIABLE:
        return _OF_VARIABLE[variable]
    near = (section for section in STRATEGIES if variable.startswith(f"PFMM_{section.upper()}_"))
    return next((one for section in near for one in table(section).values() if one.variable == variable), None)
