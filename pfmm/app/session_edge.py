"""The break-even maker fee of recorded sessions, market by market: what `record` prints at its end. Layer: app.

Each session is one file of the recording. A strategy runs over it as `backtest run` does, with the pessimistic queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pfmm.errors import DataFileError, RiskRefused, UnknownMarket, UsageError
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.backtest.results import Scenario

ALL = "all sessions"


@dataclass(frozen=True, slots=True)
class SessionEdge:
    """One market in one session, or in all of them: the fee in bps at which the strategy's fills break even 5 s later,
    its standard error, the fee that was charged, what is left. None with a reason where nothing was measured;
    `readable` is False where the file holds nothing of the market."""

    market: str
    session: str
    fills: int
    break_even_maker_bps: float | None
    se_bps: float | None
    paid_maker_bps: float | None
    net_bps: float | None
    reason: str | None
    readable: bool = True

    @property
    def text(self) -> str:
        """A line for people."""
        where = f"{self.market} {self.session}"
        if self.break_even_maker_bps is None:
            return f"{where}: not measured: {self.reason}"
        error = "" if self.se_bps is None else f" ± {self.se_bps:.2f}"
        net = "" if self.net_bps is None else f", net {self.net_bps:+.2f} after {self.paid_maker_bps:g} bps paid"
        return f"{where}: break-even maker fee {self.break_even_maker_bps:+.2f}{error} bps{net} ({self.fills} fills)"


def session_edges(
    files: Sequence[Path], markets: Sequence[str], strategy: str, profile: str | None
) -> tuple[SessionEdge, ...]:
    """Work out the edge of each market in each file; with several, in all together that hold something of it, too."""
    found = []
    for market in markets:
        each = [_edge(market, [file], strategy, profile) for file in files]
        whole = [file for file, edge in zip(files, each, strict=True) if edge.readable]
        found += each
        if len(whole) > 1:
            found.append(_edge(market, whole, strategy, profile))
    return tuple(found)


def _edge(market: str, files: Sequence[Path], strategy: str, profile: str | None) -> SessionEdge:
    from pfmm.app.backtest_jobs import Job, run_job, world_of

    name = ALL if len(files) > 1 else files[0].name
    job = Job(strategy, market, tuple(map(str, files)), profile=profile, queues=("pessimistic",), cache=False)
    try:
        (scenario,) = run_job(job, world_of(job))
    except (DataFileError, UnknownMarket, RiskRefused, UsageError) as error:
        return SessionEdge(market, name, 0, None, None, None, None, error.message, readable=False)
    if len(files) == 1:
        name = f"{name} from {iso(scenario.report.start_ms)}"
    return _of(market, name, scenario)


def _of(market: str, name: str, scenario: Scenario) -> SessionEdge:
    edge, fills = scenario.report.edge, len(scenario.outcome.fills)
    first = edge.headline
    if first.bps is None:
        return SessionEdge(market, name, fills, None, None, None, None, "no fill whose next 5 s are in the recording")
    figures = (first.bps, first.se_bps, edge.paid_maker_bps, edge.net_bps)
    bps, se_bps, paid_bps, net_bps = (None if one is None else round(one, 6) for one in figures)
    return SessionEdge(market, name, fills, bps, se_bps, paid_bps, net_bps, None)
