"""Writes a binary tape from gathered events, chunk by chunk: repeats left out, numbers in the market's own units.

The same tape as `build_markets` and `write_tape` make of the same events, in little memory. Needs NumPy. Layer: paper.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pfmm.errors import ConfigError, DataFileError
from pfmm.paper.feeds.feed import NO_ASK, QUOTE, Settlement
from pfmm.paper.feeds.replay_tape import (
    BLOCK_EVENTS,
    EVENT_WIDTH,
    MAGIC,
    VERSION,
    Steps,
    fitted_steps,
    spec_of,
)
from pfmm.paper.feeds.settlements import on_the_minute, packed
from pfmm.store.files import make_private_folder, replacing
from pfmm.tape.fixed import Unfit
from pfmm.tape.gather import GatheredMarket, Gathering

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

HEADER_BYTES = 4_096
MARKET_BYTES = 2_048
SILENCE_MS = 5_000


@dataclass(slots=True)
class Seen:
    """What a market's events showed while they were written; times in ms."""

    first_ms: int = 0
    last_ms: int = 0
    repeated: int = 0
    gaps: int = 0
    longest_silence_ms: int = 0
    begun: bool = False

    def add(self, times: Ints) -> None:
        """Look at the next events' times for silences over 5 s."""
        import numpy as np

        if not len(times):
            return
        if not self.first_ms:
            self.first_ms = self.last_ms = int(times[0])
        steps = np.diff(times, prepend=self.last_ms)
        self.gaps += int((steps > SILENCE_MS).sum())
        self.longest_silence_ms = max(self.longest_silence_ms, int(steps.max()))
        self.last_ms = int(times[-1])


def write_gathered(path: Path, gathered: Gathering, steps: Steps, facts: dict[str, Any]) -> None:
    """Write the tape of all gathered markets that have quotes to `path`, whole or not at all.

    `facts` goes into the header beside the markets. Raises DataFileError when there is no market, or its numbers fit no
    tape, ConfigError for a folder that cannot be written.
    """
    where = ", ".join(str(rows.source.place.path) for stream in gathered.streams for rows in stream.rows)
    markets = [one for one in gathered.markets.values() if one.quotes > one.crossed]
    if not markets:
        raise DataFileError(f"{where}: no quotes, so there is no market: give a file of quotes beside it")
    try:
        make_private_folder(path.parent)
        with replacing(path) as stream:
            _write(stream, gathered, markets, steps, facts)
    except Unfit as problem:
        raise DataFileError(f"{where}: {problem}") from None
    except OSError as error:
        raise ConfigError(f"{path.parent}: the tape cannot be written: {error.strerror}") from error


def _write(
    stream: IO[bytes], gathered: Gathering, markets: list[GatheredMarket], steps: Steps, facts: dict[str, Any]
) -> None:
    room = HEADER_BYTES + MARKET_BYTES * len(markets) + len(json.dumps(facts))
    room += -room % 8
    stream.write(bytes(16 + room))
    written = 0
    described = []
    for market in markets:
        found, written = _write_market(stream, market, gathered, steps, written)
        if found["begun"]:
            described.append(found)
    if not described:
        raise Unfit("no quotes, so there is no market")
    header = {
        "version": VERSION, "byteorder": sys.byteorder, "numbers": written, "markets": described, **facts,
    }  # fmt: skip
    text = json.dumps(header).encode()
    stream.seek(0)
    stream.write(MAGIC + room.to_bytes(8, "little") + text + b" " * (room - len(text)))
    stream.seek(0, 2)


def _write_market(
    stream: IO[bytes], market: GatheredMarket, gathered: Gathering, steps: Steps, at: int
) -> tuple[dict[str, Any], int]:
    price_step, size_step, tick = fitted_steps(
        market.price_gcd, market.size_gcd, gathered.units.get(market.name), steps
    )
    funding = packed(
        {
            on_the_minute(one.time_ms): Settlement(
                on_the_minute(one.time_ms), round(one.rate.scaleb(8)), one.interval_hours
            )
            for one in market.funding
        }.values()
    )
    spec = spec_of(market.name, (price_step, size_step, tick), gathered.units.get(market.name), funding)
    seen, extremes = Seen(), _Extremes()
    events = 0
    for chunk in _kept(market, seen):
        rows = chunk.copy()
        quotes = rows[:, 1] == QUOTE
        rows[:, 2] //= price_step
        rows[:, 3] //= size_step
        rows[quotes, 4] //= price_step
        rows[quotes, 5] //= size_step
        stream.write(rows.tobytes())
        extremes.add(rows)
        events += rows.size
    blocks = extremes.rest()
    depth = market.depth_rows()
    depth[:, 1::2] //= price_step
    depth[:, 2::2] //= size_step
    stream.write(blocks.tobytes())
    stream.write(depth.tobytes())
    stream.write(funding.tobytes())
    sections: dict[str, int] = {}
    for name, length in (("events", events), ("blocks", blocks.size), ("depth", depth.size), ("funding", len(funding))):
        sections[name], sections[name + "_length"] = at, length
        at += length
    found = {
        "quotes": market.quotes, "trades": market.trades, "depths": market.depths, "funding": len(market.funding),
        "crossed": market.crossed, **asdict(seen),
    }  # fmt: skip
    return {"spec": asdict(spec), "sections": sections, "seen": found, "begun": seen.begun}, at


def _kept(market: GatheredMarket, seen: Seen) -> Iterator[Ints]:
    """Yield the events without repeated quotes, and without those that show nothing before the first that shows a
    price; at the end the last quote once more where the data goes on."""
    import numpy as np

    last: Ints | None = None
    last_kept_ms = 0
    for rows in market.chunks():
        seen.add(rows[:, 0])
        at = (rows[:, 1] == QUOTE).nonzero()[0]
        quotes = rows[at, 2:6]
        keep = np.ones(len(rows), dtype=bool)
        if len(at):
            before = np.concatenate((quotes[:1] if last is None else last[None, :], quotes[:-1]))
            repeated = (quotes == before).all(axis=1)
            if last is None:
                shows = (quotes[:, 0] > 0) | (quotes[:, 2] > 0)
                first = int(shows.argmax()) if shows.any() else len(shows)
                repeated[:first] = False
                keep[at[:first]] = False
                if first < len(at):
                    repeated[first] = False
                    last = quotes[-1].copy()
            else:
                last = quotes[-1].copy()
            seen.repeated += int(repeated.sum())
            keep[at[repeated]] = False
        found = rows[keep, :EVENT_WIDTH]
        if len(found):
            last_kept_ms = int(found[-1, 0])
            yield found
    seen.begun = last is not None
    seen.last_ms = max(seen.last_ms, market.last_ms)
    if last is not None and last_kept_ms < market.last_ms:
        yield np.array([[market.last_ms, QUOTE, *last.tolist()]], dtype=np.int64)


class _Extremes:
    """Lowest and highest price that could matter in each run of 128 events; an absent ask is infinitely high."""

    def __init__(self) -> None:
        self._rest: Ints | None = None
        self._found: list[Ints] = []

    def add(self, rows: Ints) -> None:
        """Take the next events."""
        import numpy as np

        rows = rows if self._rest is None else np.concatenate((self._rest, rows))
        whole = len(rows) // BLOCK_EVENTS * BLOCK_EVENTS
        if whole:
            self._found.append(_extremes(rows[:whole]))
        self._rest = rows[whole:].copy()

    def rest(self) -> Ints:
        """Return the pairs of all runs, the last, shorter one included."""
        import numpy as np

        if self._rest is not None and len(self._rest):
            self._found.append(_extremes(self._rest))
        return np.concatenate(self._found).ravel() if self._found else np.empty(0, dtype=np.int64)


def _extremes(rows: Ints) -> Ints:
    import numpy as np

    high = np.where(rows[:, 1] == QUOTE, rows[:, 4], rows[:, 2])
    high[(rows[:, 1] == QUOTE) & (high == 0)] = NO_ASK
    starts = np.arange(0, len(rows), BLOCK_EVENTS)
    return np.column_stack((np.minimum.reduceat(rows[:, 2], starts), np.maximum.reduceat(high, starts)))
