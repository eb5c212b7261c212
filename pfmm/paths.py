"""Where configuration, state and logs live. Knows the environment only as the mapping it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """The three places of pfmm. `PFMM_HOME` moves all of them: config.toml, state/ and log/ inside it."""

    config_file: Path
    state_dir: Path
    log_dir: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Paths:
        """The places that `env` asks for; without PFMM_HOME the platform's own folders for user configuration."""
        home = env.get("PFMM_HOME", "")
        if home:
            base = Path(home).expanduser().absolute()
            return cls(base / "config.toml", base / "state", base / "log")
        import platformdirs

        return cls(
            platformdirs.user_config_path("pfmm") / "config.toml",
            platformdirs.user_state_path("pfmm"),
            platformdirs.user_log_path("pfmm"),
        )
