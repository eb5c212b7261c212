"""The half of the journal that records runs: begun, saved between cycles, ended, and what they did. Layer: journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pfmm.journal import schema
from pfmm.journal.keeper import BookKeeper
from pfmm.model.ledger import Adoption
from pfmm.model.run import Run, RunSave
from pfmm.store.database import Cursor


class RunRecords(BookKeeper):
    """Runs of the journal. Raises ValueError for a run that it does not know."""

    nonce: str

    def start_run(
        self,
        kind: str,
        market: str,
        config: Mapping[str, Any],
        *,
        time_ms: int,
        wall_ms: int,
        pid: int | None,
        adopts: Adoption | None = None,
    ) -> Run:
        """Record a new run with status running, and what it `adopts`; its id is the nonce and its number."""
        stored = schema.json_text("config", config)
        with self._transaction() as db:
            number = db.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()[0]
            db.execute(
                "INSERT INTO runs (number, run_id, kind, market, config, status, started_ms, wall_started_ms, pid) "
                "VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?)",
                (number, f"{self.nonce}-r{number}", kind, market, stored, time_ms, wall_ms, pid),
            )
            if adopts is not None:
                self._adopt(adopts, market, f"{self.nonce}-r{number}", time_ms)
            rows = self._select(schema.RUN_COLUMNS, "runs", {"number = ?": number}, "number")
        return schema.run_from(rows[0])

    def save_run(self, run_id: str, save: RunSave) -> None:
        """Record a finished cycle: the strategy's memory together with the fill number it is folded through.

        A run that was ended keeps its status, whoever saves it later.
        """
        stored = None if save.memory is None else schema.json_text("memory", save.memory)
        mid = schema.optional_text("last_mid", save.last_mid)
        values = (save.status, stored, save.folded_through, save.time_ms, save.wall_ms, save.pid, mid)
        with self._transaction() as db:
            saved = db.execute(
                "UPDATE runs SET status = CASE WHEN ended_ms IS NULL THEN ? ELSE status END, memory = ?, "
                "folded_through = ?, last_cycle_ms = ?, wall_last_cycle_ms = ?, pid = ?, "
                "last_mid = coalesce(?, last_mid) WHERE run_id = ?",
                (*values, run_id),
            )
            must_know(saved, "run", run_id)

    def end_run(self, run_id: str, *, status: str, reason: str, time_ms: int) -> None:
        """End a run (status stopped or halted). The first end stays: ending an ended run changes nothing."""
        with self._transaction() as db:
            ended = db.execute(
                "UPDATE runs SET status = CASE WHEN ended_ms IS NULL THEN ? ELSE status END, pid = NULL, "
                "stop_reason = coalesce(stop_reason, ?), ended_ms = coalesce(ended_ms, ?) WHERE run_id = ?",
                (status, reason, time_ms, run_id),
            )
            must_know(ended, "run", run_id)

    def _count(self, run_id: str, action: str) -> None:
        statement = f"UPDATE runs SET {action} = {action} + 1 WHERE run_id = ?"  # noqa: S608 - our constants
        counted = self._db.execute(statement, (run_id,))
        must_know(counted, "run", run_id)


def must_know(changed: Cursor, what: str, name: str) -> None:
    """Raise ValueError where a statement has changed nothing: the journal has no such row."""
    if not changed.rowcount:
        raise ValueError(f"the journal knows no {what} {name!r}")
