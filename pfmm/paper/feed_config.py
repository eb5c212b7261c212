"""What an exchange file keeps about its market: the kind of feed, its seed and generator, its fees. Pure.

A configuration that lacks something was written before there was a choice, and means what there was then: generator 1,
and the article's fees. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pfmm.errors import ConfigError
from pfmm.model.fees import ARTICLE, PRESETS, Fees, stored

SYNTHETIC = "synthetic"
LIVE = "live"
FIRST_GENERATOR = 1
GENERATOR = 2  # of a new synthetic market


def synthetic(seed: int, fees: Fees = PRESETS[ARTICLE]) -> dict[str, Any]:
    """Make the configuration of a new synthetic market."""
    return {"kind": SYNTHETIC, "seed": seed, "generator": GENERATOR, "fees": fees.kept()}


def generator_of(config: Mapping[str, Any]) -> int:
    """Read the generator that a synthetic market was begun with."""
    return int(config.get("generator", FIRST_GENERATOR))


def fees_of(config: Mapping[str, Any]) -> Fees:
    """Read what the market charges. Raises ConfigError for fees that are none."""
    try:
        return stored(config.get("fees")) or PRESETS[ARTICLE]
    except ValueError as error:
        raise ConfigError(f"the paper exchange's feed: {error}", hint="`pfmm paper reset` starts afresh") from error


def renewed(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the same market for an exchange that starts afresh: a synthetic one takes the newest generator."""
    return {**config, "generator": GENERATOR} if config.get("kind") == SYNTHETIC else config
