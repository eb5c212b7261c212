"""Which settings an open run's resting orders stand for, and what that means for a start of now."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pfmm.engine.adoption import config_differences, config_to_save
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import ConfigError
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy

DEFAULTS = {"levels": "10", "lower": None, "new": "1", "patience": "5"}


def spec(**changes: Any) -> RunSpec:
    """A start under the defaults, but for `changes`; `patience` moves no order."""
    limits = Limits(Decimal(500))
    return RunSpec(
        QuoteStrategy("BTC-PERP", QuoteConfig()), {**DEFAULTS, **changes}, limits, DEFAULTS, frozenset({"patience"})
    )


@pytest.mark.parametrize(
    ("saved", "changes", "differences"),
    [
        (DEFAULTS, {}, []),
        ({"levels": "10", "lower": None}, {}, []),  # of before `new` and `patience` existed
        ({}, {}, []),
        ({"levels": "10.0"}, {}, []),  # the same number, written another way
        ({"levels": "12"}, {"levels": "12"}, []),
        (DEFAULTS, {"patience": "9"}, []),
        ({"patience": "9"}, {}, []),
        ({**DEFAULTS, "gone": None}, {}, []),  # a setting that this release has no more, never set
        (DEFAULTS, {"levels": "20"}, ["levels 10 → 20"]),
        ({"levels": "10"}, {"new": "2"}, ["new 1 → 2"]),  # set since: the orders stand for its default
        (DEFAULTS, {"lower": "60000"}, ["lower unset → 60000"]),
        ({**DEFAULTS, "lower": "60000", "levels": "20"}, {}, ["levels 20 → 10", "lower 60000 → unset"]),
        ({**DEFAULTS, "gone": "3"}, {}, ["gone 3 → unset"]),
        ({"levels": "many"}, {}, ["levels many → 10"]),
    ],
)
def test_only_what_resting_orders_stand_for_is_in_the_way(
    saved: dict[str, Any], changes: dict[str, Any], differences: list[str]
) -> None:
    assert config_differences(saved, spec(**changes)) == differences


def test_a_setting_whose_place_a_newer_one_took_is_not_compared_with_a_run_that_knew_only_it() -> None:
    """Its old default stands in every run of before, and nobody had set it."""
    now = replace(spec(), replaced={"levels": "new"})
    assert config_differences({"levels": "12", "lower": None}, now) == []
    assert config_differences({"levels": "12", "lower": None, "new": "1"}, now) == ["levels 12 → 10"]


def test_what_is_saved_has_a_version_and_is_adoptable() -> None:
    saved = config_to_save(spec(levels="12"))
    assert saved == {"_version": 1, **DEFAULTS, "levels": "12"}
    assert config_differences(saved, spec(levels="12")) == []


@pytest.mark.parametrize("version", [2, "1", None])
def test_settings_of_a_newer_pfmm_are_refused_with_the_way_out(version: object) -> None:
    with pytest.raises(ConfigError, match="the open quote on BTC-PERP") as caught:
        config_differences({**DEFAULTS, "_version": version}, spec())
    assert "pfmm quote stop BTC-PERP" in (caught.value.hint or "")
