"""How runs begin, are saved and are left in the journal. Writes the journal, knows no venue. Layer: engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pfmm.engine.adoption import config_to_save
from pfmm.engine.strategy_run import Step, StrategyRun
from pfmm.model.run import Run, RunSave
from pfmm.ports import Journal


@dataclass(frozen=True, slots=True)
class RunSaver:
    """Writes what a run remembers under the number of this process, `pid`."""

    _journal: Journal
    _wall_ms: Callable[[], int]
    _pid: int

    def begin_and_save(
        self, steps: Sequence[Step], time_ms: int, *, paused: bool, folded_through: int
    ) -> list[StrategyRun]:
        """Save what every run that decided now remembers, BEFORE anything is sent, so that a restart decides the same.

        A run begins with its first decision, once it is written, and has seen all fills up to `folded_through`. One
        write serves all of them. Returns the runs that have begun.
        """
        begun: list[tuple[StrategyRun, Run]] = []
        with self._journal.together():
            for step in steps:
                active = step.active
                run = active.run
                if step.decision is None and (run is None or not paused or active.state is None):
                    continue
                if run is None:
                    run = self._journal.start_run(
                        active.kind,
                        active.market,
                        config_to_save(active.spec),
                        time_ms=time_ms,
                        wall_ms=self._wall_ms(),
                        pid=self._pid,
                        adopts=active.adopts,
                    )
                    begun.append((active, run))
                self._save(active, run, time_ms, status="running")
        for active, run in begun:
            active.run = run
            active.seen_through = folded_through
        return [active for active, _ in begun]

    def leave(self, runs: Sequence[StrategyRun], time_ms: int, *, status: str, reason: str | None) -> None:
        """Record how this process leaves its runs.

        The status is `between_runs` (orders may rest) or a final one with its reason, after which the runs are ended.
        """
        for active in runs:
            if active.run is None:
                continue
            self._save(active, active.run, time_ms, status=status)
            if reason is not None:
                self._journal.end_run(active.run.run_id, status=status, reason=reason, time_ms=time_ms)

    def _save(self, active: StrategyRun, run: Run, time_ms: int, *, status: str) -> None:
        save = RunSave(
            status=status,
            memory=active.memory(),
            folded_through=active.folded_through,
            time_ms=time_ms,
            wall_ms=self._wall_ms(),
            pid=self._pid if status == "running" else None,
            last_mid=active.last_mid,
        )
        self._journal.save_run(run.run_id, save)
