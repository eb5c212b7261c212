"""The embedded exchange of a state folder, opened or made, and the market that it trades in. Layer: app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm.app.wall_clock import wall_ms
from pfmm.errors import ConfigError
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.paper.exchange import Exchange

REPLAY_KIND = "replay"
SEEDS = 1_000_000


def new_seed() -> int:
    """Draw a seed by chance, short enough to type again."""
    from secrets import randbelow

    return randbelow(SEEDS)


def refuse_wrong_clock() -> None:
    """Raise ConfigError where a paper market would begin at a time that no client takes: a machine that boots without a
    clock says 1970 or 1979."""
    from pfmm.paper.clock import FIRST_MS, LAST_MS

    if not FIRST_MS <= wall_ms() <= LAST_MS:
        raise ConfigError(
            f"this machine's clock says {iso(wall_ms())}: no paper market can begin then, and nothing was changed",
            hint="set the machine's clock (chrony, systemd-timesyncd)",
        )


def open_exchange(state_dir: Path, seed: int | None = None, on_new: Callable[[int], None] | None = None) -> Exchange:
    """Open the embedded exchange under `state_dir`, or create it in a synthetic market of `seed` (None: by chance);
    `on_new` is told a seed that chance chose."""
    from pfmm.paper.exchange import DEFAULT_FEED, Exchange
    from pfmm.paper.feed_config import synthetic
    from pfmm.store.uptime import uptime_clock

    path = state_dir / "paper" / "exchange.sqlite3"
    new = not path.exists()
    first = synthetic(new_seed() if seed is None else seed) if new else DEFAULT_FEED
    if new:
        refuse_wrong_clock()
    exchange = Exchange.open(path, feed_of, wall_ms, first_feed=first, uptime=uptime_clock())
    if new and seed is None and on_new is not None:
        on_new(int(exchange.feed_config()["seed"]))
    return exchange


def feed_of(config: Mapping[str, Any]) -> Any:
    """Build the feed that a stored feed configuration asks for. Raises ConfigError for one that cannot be opened."""
    from pfmm.paper.feed_config import LIVE, SYNTHETIC, fees_of, generator_of

    kind = config.get("kind")
    if kind == SYNTHETIC:
        from pfmm.paper.feeds.synthetic import SyntheticFeed

        return SyntheticFeed(int(config["seed"]), generator_of(config), fees_of(config))
    if kind == REPLAY_KIND:
        from pfmm.paper.feeds.replay import ReplayFeed

        return ReplayFeed(Path(config["tape"]), fees_of(config))
    if kind == LIVE:
        from pfmm.app.live_market import live_feed

        return live_feed(config, fees_of(config))
    raise ConfigError(f"the paper exchange's feed {kind!r} is unknown", hint="`pfmm paper reset` starts afresh")
