"""Settings that older releases knew by another name or in another unit, brought to those of today. Pure.

A file or an environment that worked keeps working; what is typed by hand is told the new name. Layer: config.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

# the old name, the setting that took its place, and what its number is multiplied by
RENAMED: Final = {"volatility.default": ("volatility.default_annual_pct", 100)}


def setting_behind(variable: str) -> tuple[str, int] | None:
    """Find what took the place of the setting that an environment variable stood for.

    RENAMED tells it; None for others.
    """
    return next((new for old, new in RENAMED.items() if variable == "PFMM_" + old.upper().replace(".", "_")), None)


def translate_profile(profile: dict[str, Any]) -> None:
    """Rename in place what an older release wrote into a profile and its market sections.

    `volatility.default = 0.5` becomes `volatility.default_annual_pct = 50`. A value that stands under its new name
    already wins.
    """
    markets = profile.get("markets")
    holders = [profile, *(markets.values() if isinstance(markets, dict) else ())]
    for old, (new, factor) in RENAMED.items():
        (section, before), (_, after) = old.split("."), new.split(".")
        for holder in holders:
            values = holder.get(section) if isinstance(holder, dict) else None
            if isinstance(values, dict) and before in values:
                values.setdefault(after, scaled(values.pop(before), factor))


def scaled(raw: Any, factor: int) -> Any:
    """Convert the number to its new unit.

    Anything that is no number stays as it is, for the check that refuses it.
    """
    return raw if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal) else raw * factor
