"""Where configuration, state and logs live. Knows the environment only as the mapping it is given. Layer: config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pfmm.errors import ConfigError


class Paths(NamedTuple):
    """The places of pfmm. `PFMM_HOME` moves all of them: config.toml, state/, log/ and cache/ inside it. What is in the
    cache may be deleted at any time."""

    config_file: Path
    state_dir: Path
    log_dir: Path
    cache_dir: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Paths:
        """Find the places that `env` asks for; without PFMM_HOME the platform's own folders for user configuration.

        Raises ConfigError where the user has no home folder, as some services, or PFMM_HOME names a user who is none.
        """
        home = env.get("PFMM_HOME", "")
        try:
            return cls._under(Path(home).expanduser().absolute()) if home else cls._of_platform()
        except RuntimeError as error:
            told = f"PFMM_HOME is {home!r}, and there is no such user" if home else "this user has no home folder"
            raise ConfigError(told, hint="export PFMM_HOME=FOLDER, a folder that pfmm may write to") from error

    @classmethod
    def _under(cls, base: Path) -> Paths:
        return cls(base / "config.toml", base / "state", base / "log", base / "cache")

    @classmethod
    def _of_platform(cls) -> Paths:
        import platformdirs

        return cls(
            platformdirs.user_config_path("pfmm") / "config.toml",
            platformdirs.user_state_path("pfmm"),
            platformdirs.user_log_path("pfmm"),
            platformdirs.user_cache_path("pfmm"),
        )
