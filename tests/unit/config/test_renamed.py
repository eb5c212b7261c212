"""Settings of older releases: read under their new names and in their new units."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pfmm.config import file as configfile
from pfmm.config.resolve import checked_name, load_settings
from pfmm.errors import ConfigError

OLD = """\
schema = 1
active = "mine"

[profiles.mine.volatility]
default = 0.7
window = 30

[profiles.mine.markets.ETH.volatility]
default = 1
"""


def home(tmp_path: Path, text: str = OLD) -> dict[str, str]:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "config.toml").write_text(text)
    return {"PFMM_HOME": str(tmp_path)}


def test_a_fraction_of_an_older_profile_is_percent_now(tmp_path: Path) -> None:
    settings = load_settings(home(tmp_path))
    assert settings.value("volatility.default_annual_pct") == 70.0
    assert settings.value("volatility.default_annual_pct", "ETH-PERP") == 100.0
    assert settings.value("volatility.window") == 30


def test_the_next_write_keeps_it_under_its_new_name(tmp_path: Path) -> None:
    env = home(tmp_path)
    path = load_settings(env).paths.config_file
    configfile.edit(path, lambda document: document["profiles"]["mine"].update(account="other"))
    stored = tomllib.loads(path.read_text())["profiles"]["mine"]
    assert stored["volatility"] == {"default_annual_pct": 70, "window": 30}
    assert stored["markets"]["ETH"]["volatility"] == {"default_annual_pct": 100}


def test_an_older_variable_still_counts_and_the_new_one_wins(tmp_path: Path) -> None:
    env = {"PFMM_HOME": str(tmp_path), "PFMM_VOLATILITY_DEFAULT": "0.4"}
    assert load_settings(env).value("volatility.default_annual_pct") == 40.0
    both = {**env, "PFMM_VOLATILITY_DEFAULT_ANNUAL_PCT": "65"}
    assert load_settings(both).value("volatility.default_annual_pct") == 65.0
    with pytest.raises(ConfigError, match="PFMM_VOLATILITY_DEFAULT: must be a number"):
        load_settings({**env, "PFMM_VOLATILITY_DEFAULT": "half"})


@pytest.mark.parametrize("value", ["-1", '"half"', "true"])
def test_a_value_that_never_was_right_is_refused_as_before(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"volatility\.default_annual_pct must be"):
        load_settings(home(tmp_path, OLD.replace("0.7", value)))


def test_what_is_typed_by_hand_is_told_the_new_name() -> None:
    with pytest.raises(ConfigError) as caught:
        checked_name("volatility.default")
    assert caught.value.hint == "it is now volatility.default_annual_pct: 100 times the number"
