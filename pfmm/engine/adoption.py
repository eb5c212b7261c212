"""Whether an open run may go on under the settings of now. Pure: saved values in, words out. Layer: engine.

Only what an open run's resting orders stand for can stand in the way. A setting that a release has added is taken at
its default, which is how the release before behaved; a setting that moves no order (`free`) may change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pfmm.engine.report import RunSpec
from pfmm.errors import ConfigError

CONFIG_VERSION = 1  # of the saved settings; a run without the number is of version 1
_VERSION = "_version"


def config_to_save(spec: RunSpec) -> dict[str, Any]:
    """Give the settings of a run as the journal keeps them, with their version."""
    return {_VERSION: CONFIG_VERSION, **spec.config}


def config_differences(saved: Mapping[str, Any], spec: RunSpec) -> list[str]:
    """Name each setting on which an open run's resting orders and a start of now disagree: ["levels 10 → 20"].

    Empty: the run may be adopted. A setting that only the saved run knows counts as well, unless it was unset: the
    orders may stand for it, and this pfmm could not go on with it. Raises ConfigError for settings saved by a newer
    pfmm.
    """
    version = saved.get(_VERSION, 1)
    if not isinstance(version, int) or version > CONFIG_VERSION:
        raise ConfigError(
            f"the settings of the open {spec.strategy.kind} on {spec.strategy.market} have version {version!r}, this "
            f"pfmm reads {CONFIG_VERSION}",
            hint=f"upgrade this pfmm, or end the run: `pfmm {spec.strategy.kind} stop {spec.strategy.market}`",
        )
    known = {**spec.defaults, **{name: value for name, value in saved.items() if name != _VERSION}}
    older = {name for name, newer in spec.replaced.items() if newer not in saved}
    names = sorted({*known, *spec.config} - spec.free - older)
    return [
        f"{name} {_word(known.get(name))} → {_word(spec.config.get(name))}"
        for name in names
        if not _equal(known.get(name), spec.config.get(name))
    ]


def _equal(before: Any, now: Any) -> bool:
    """Compare numbers as numbers: a release may write 5.0 where the one before wrote 5."""
    if before == now or before is None or now is None:
        return bool(before == now)
    try:
        return Decimal(str(before)) == Decimal(str(now))
    except InvalidOperation:
        return False


def _word(value: Any) -> Any:
    return "unset" if value is None else value
