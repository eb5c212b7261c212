"""The live market of the paper exchange: a venue's public data, opened at the first look. Layer: app.

Joins what reads a venue (`venue`) to what keeps its looks (`tape`, `paper`), which know nothing of each other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pfmm.errors import CannotDoThis, ConfigError
from pfmm.model.fees import Fees
from pfmm.model.market import Instrument, Ticker
from pfmm.tape.recorder import Continuity, Look, Recorder, Source
from pfmm.venue.registry import LOCAL, TESTNET, VENUES, place_of

if TYPE_CHECKING:
    from pfmm.paper.feeds.live import LiveFeed

DEPTH = 20
TIMEOUT_S = 3.0


class PublicVenue(Source, Continuity, Protocol):
    """The public data of one venue."""

    def markets(self) -> tuple[Instrument, ...]: ...

    def time_ms(self) -> int: ...

    def least_interval_s(self, markets: int) -> float: ...

    def close(self) -> None: ...


def venues_shown() -> tuple[str, ...]:
    """Return the venues whose public data can be followed."""
    return tuple(name for name, line in VENUES.items() if line.public)


def open_public(
    venue: str,
    network: str,
    url: str | None,
    *,
    folder: Path | None = None,
    read_attempts: int = 1,
    socket: bool = False,
) -> PublicVenue:
    """Open the public data of a venue, at its own address of that network or at `url`, through its WebSocket with
    `socket`.

    Requests are counted with those of all processes of this machine, in `folder` (None: of this process alone).
    Raises CannotDoThis for a venue whose data cannot be followed, or that has no such network, and without the extra
    `ws` that a socket needs.
    """
    from importlib import import_module

    from pfmm.venue.client import HttpClient
    from pfmm.venue.weights import WeightBudget

    line = VENUES.get(venue)
    if line is None or not line.public:
        raise CannotDoThis(f"pfmm cannot follow {venue!r}", hint=f"it follows {', '.join(venues_shown())}")
    if network == TESTNET and not line.testnet:
        raise CannotDoThis(f"{venue} has no {network}")
    place = place_of(venue, network, url or "")
    module, opener = (line.stream if socket else line.public).split(":")
    weights = None if folder is None else folder / f"{place.name}.weight"
    budget = WeightBudget(weights) if place.network != LOCAL else None
    http = HttpClient(
        place.address, timeout_s=TIMEOUT_S, read_attempts=read_attempts, budget=budget, key_at_hand=_key_at_hand
    )
    open_it = getattr(import_module(module), opener)
    opened: PublicVenue = open_it(http, place.address) if socket else open_it(http)
    return opened


def _key_at_hand() -> str:
    """Return the key that this process was given for some venue, else "": what a public venue answers may hold it
    too."""
    names = (name for line in VENUES.values() for name in line.key_variables)
    return next((found for name in names if (found := os.environ.get(name))), "")


class Polled:
    """A venue that is asked, or whose newest frames are taken, whenever somebody looks."""

    def __init__(self, public: PublicVenue) -> None:
        self._public = public
        self._recorder = Recorder(public, (), depth=DEPTH, continuity=public)

    def look(self, markets: Sequence[str]) -> Look:
        """Ask for the markets' best quotes, books and newest prints."""
        return self._recorder.look(markets)

    def resume(self, market: str, looked_ms: int, prints: Iterable[tuple[str, int]]) -> None:
        """Go on where another process stopped."""
        self._recorder.resume(market, looked_ms, prints)

    def summaries(self) -> tuple[Ticker, ...]:
        """Read mark and indicated funding of every market."""
        return self._public.tickers(None)

    def least_interval_s(self, markets: int) -> float:
        """Return the shortest time between two looks, in seconds, that leaves room for another command."""
        return self._public.least_interval_s(markets)

    def close(self) -> None:
        """Close the connections."""
        self._public.close()


def live_feed(config: Mapping[str, Any], fees: Fees) -> LiveFeed:
    """Build the feed of a stored configuration. Asks nobody. Raises ConfigError where its list of markets is gone."""
    from pfmm.paper.feeds.feed import MarketSpec
    from pfmm.paper.feeds.live import LiveFeed

    path = Path(config["markets_file"])
    try:
        specs = [MarketSpec(**row) for row in json.loads(path.read_text("utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"the live market's list {path} cannot be used: {error}", hint="`pfmm paper feed live …` reads it anew"
        ) from error
    venue, network, url = str(config["venue"]), str(config["network"]), config.get("url")
    socket = bool(config.get("socket", False))
    folder = path.parents[2] / "venues"  # of the state folder, where the venue's other processes count too

    def opened() -> Polled:
        return Polled(open_public(venue, network, url, folder=folder, socket=socket))

    return LiveFeed(venue, specs, fees, opened)


def keep_markets(instruments: Sequence[Instrument], path: Path) -> None:
    """Keep the venue's markets beside the exchange, in the units of its matching core."""
    from pfmm.store.files import make_private_folder, replace_file

    make_private_folder(path.parent)
    replace_file(path, json.dumps([asdict(_spec(one)) for one in instruments]).encode())


def _spec(one: Instrument) -> Any:
    from pfmm.paper.feeds.feed import USD, MarketSpec

    exponent = one.price_rule.unit.normalize().as_tuple().exponent
    price_decimals = max(0, -int(exponent))
    return MarketSpec(
        market=one.market,
        category=one.category,
        price_decimals=price_decimals,
        size_decimals=max(0, -int(one.size_step.normalize().as_tuple().exponent)),
        tick=int(one.price_rule.unit.scaleb(price_decimals)),
        significant_figures=one.price_rule.significant_figures,
        min_notional=int(one.min_notional * USD),
        max_leverage=one.max_leverage,
        maker_rate=0,
        taker_rate=0,
        funding_interval_hours=one.funding_interval_hours,
    )
