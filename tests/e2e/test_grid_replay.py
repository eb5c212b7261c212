"""A grid over the recorded Binance market: every fill is one that the recording could really have given."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driver import run, run_here
from tests.e2e.homes import own_session

FILES = ("btcusdt_20240718.gz", "btcusdt_20240719.gz")
TIMES = re.compile(r"\"T\":(\d+)")


@dataclass
class Recording:
    """The raw capture, read here on its own: trades and best quotes by exchange time, of the times that matter."""

    trades: dict[int, list[tuple[Decimal, Decimal]]] = field(default_factory=dict)
    quotes: dict[int, list[tuple[Decimal, Decimal, Decimal, Decimal]]] = field(default_factory=dict)

    @classmethod
    def read(cls, files: Sequence[Path], times: Set[str]) -> Recording:
        recording = cls()
        for file in files:
            with gzip.open(file, "rt") as lines:
                for line in lines:
                    if times.isdisjoint(TIMES.findall(line)):
                        continue
                    recording._add(json.loads(line.split(" ", 1)[1]))
        return recording

    def _add(self, message: dict[str, Any]) -> None:
        data = message.get("data", {})
        if data.get("e") == "trade":
            self.trades.setdefault(data["T"], []).append((Decimal(data["p"]), Decimal(data["q"])))
        elif data.get("e") == "bookTicker":
            row = (Decimal(data["b"]), Decimal(data["B"]), Decimal(data["a"]), Decimal(data["A"]))
            self.quotes.setdefault(data["T"], []).append(row)


@pytest.mark.parametrize("names", [FILES[1:], pytest.param(FILES, marks=pytest.mark.slow)], ids=len)
def test_every_fill_is_one_that_the_recorded_market_allows(
    tmp_path: Path, shared_data: Path, names: Sequence[str]
) -> None:
    files = [shared_data / "binance-usdm-ticks" / name for name in names]
    fed = run("paper", "feed", "replay", *files, "--fees", "article", "--speed", "0", "--json", home=tmp_path)
    assert fed.code == 0, fed.out
    # geometric steps of about 2 bps around the recorded price, so that some minutes bring round trips
    grid = ("grid", "start", "BTC-PERP", "--on-exit", "keep", "--range-pct", "0.1", "--levels", "10", "--size", "65")
    done = run_here(*grid, home=tmp_path)
    assert done.code == 0, done.err
    assert done.events[-1]["reason"] == "the recorded data ended"

    with own_session(tmp_path) as session:
        fills = [item.fill for item in session.journal.fills()]
        account = session.venue.account_state()
        journal_trips = [e for e in done.events if e["event"] == "round_trip"]
    assert len(fills) >= 10
    assert journal_trips
    _allowed(fills, Recording.read(files, {str(fill.time_ms) for fill in fills}))
    _identity(done.events, account)
    _counted_once(journal_trips, fills)


def _allowed(fills: list[Any], recording: Recording) -> None:
    """At the fill's own millisecond something traded at or through its price, or quoted at or through it; and the
    fills of that millisecond together take no more than what was there."""
    by_moment: dict[tuple[int, str], list[Any]] = {}
    for fill in fills:
        by_moment.setdefault((fill.time_ms, str(fill.side)), []).append(fill)
    for (time_ms, side), group in by_moment.items():
        worst = min(f.price for f in group) if side == "long" else max(f.price for f in group)
        trades = recording.trades.get(time_ms, [])
        quotes = recording.quotes.get(time_ms, [])
        if side == "long":
            traded = sum((q for p, q in trades if p <= worst), Decimal(0))
            offered = sum((size for _, _, ask, size in quotes if ask <= worst), Decimal(0))
        else:
            traded = sum((q for p, q in trades if p >= worst), Decimal(0))
            offered = sum((size for bid, size, _, _ in quotes if bid >= worst), Decimal(0))
        filled = sum((f.size for f in group), Decimal(0))
        assert traded + offered > 0, f"nothing traded or quoted at {worst} at {time_ms}"
        assert filled <= traded + offered


def _identity(events: list[dict[str, Any]], account: Any) -> None:
    """Δequity = realised + Δunrealised − fees + funding, to the last digit, on the screen and at the venue."""
    last = [e for e in events if e["event"] == "cycle"][-1]
    parts = {k: Decimal(last[k]) for k in ("realized_pnl", "unrealized_pnl", "fees", "funding")}
    ours = parts["realized_pnl"] + parts["unrealized_pnl"] - parts["fees"] + parts["funding"]
    assert Decimal(last["equity"]) - Decimal(10_000) == ours
    theirs = account.realized_pnl + account.unrealized_pnl - account.fees + account.funding
    assert account.equity - account.deposits == theirs == ours


def _counted_once(trips: list[dict[str, Any]], fills: list[Any]) -> None:
    """The round trips' quantity never exceeds what was bought and what was sold, and each has its own exit fill."""
    bought = sum((f.size for f in fills if f.side == "long"), Decimal(0))
    sold = sum((f.size for f in fills if f.side == "short"), Decimal(0))
    assert sum(Decimal(t["size"]) for t in trips) <= min(bought, sold)
    exits = sorted((t["time"], t["slot"]) for t in trips)
    assert len(exits) == len(set(exits))


def test_a_damaged_recording_is_refused_with_its_line(tmp_path: Path, shared_data: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes((shared_data / "binance-usdm-ticks" / FILES[0]).read_bytes()[:200_000])
    refused = run("paper", "feed", "replay", cut, "--json", home=tmp_path / "home")
    assert (refused.code, refused.error["code"]) == (13, "data_file")
    assert cut.name in refused.error["message"]
