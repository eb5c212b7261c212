"""A second process judges the same fills to the same figures, and when it is killed nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.app import parallel_markouts as judging
from pfmm.app.parallel_markouts import Part, judge_part, judged_elsewhere, mids_of, rows_of, shared_out
from pfmm.errors import ConfigError
from pfmm.journal.journal import Journal
from pfmm.report.data import report_data
from pfmm.report.inputs import MidSeries, OrderCounts, OutOfOrder
from pfmm.report.markouts import Judgement
from tests.unit.journal.old_journal import INSERT_FILL

FILLS, STEP_MS = 40, 1_000
PERIOD = (5 * STEP_MS, FILLS * STEP_MS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two markets traded in turn, one fill a second, each bought at 0.1 below a mid that rises by 0.01 a second."""
    file = tmp_path / "j.sqlite3"
    with Journal.open(file, venue="paper", account="x", nonce="n"):
        pass
    with sqlite3.connect(file) as db:
        for n in range(FILLS):
            market, time_ms, mid = "AB"[n % 2], n * STEP_MS, 100 + n / 100
            fill = (
                n + 1,
                f"f{n}",
                "v",
                None,
                market,
                "long",
                f"{mid - 0.1:.2f}",
                "2",
                "-0.02",
                "maker",
                time_ms,
                0,
                None,
                None,
            )
            db.execute(INSERT_FILL, fill)
            db.executemany("INSERT INTO mids VALUES (?, ?, ?)", [(one, time_ms, f"{mid:.2f}") for one in "AB"])
    db.close()
    return file


def part_of(path: Path, after_seq: int = 0) -> Part:
    return Part(path, None, after_seq, FILLS, PERIOD, None, {})


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open_readonly(path) as found:
        yield found


def comparable(found: Mapping[str, Judgement]) -> dict[str, Judgement]:
    assert all(judgement.judged for judgement in found.values())
    return dict(found)


def test_another_process_judges_alike(path: Path, journal: Journal) -> None:
    part = part_of(path, after_seq=10)
    with judged_elsewhere(journal, part) as (judgements, mids):
        found = comparable(judgements())
    assert mids == mids_of(journal, None, PERIOD[0])
    assert found == comparable(judge_part(part, mids))
    # 15 fills of 2 each in each market from the 11th fill on, 0.1 below the mid of their own ms, which is 0.01 above
    # the one before: 15 * 2 * 0.09
    assert [str(found[market].capture[""]) for market in "AB"] == ["2.70", "2.70"]
    assert not multiprocessing.active_children()


class Deadly(dict[str, MidSeries]):
    """Mids in this process only: another one that is handed them is killed by it."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return signal.raise_signal, (signal.SIGKILL,)


def test_a_killed_process_costs_time_only(path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "mids_of", lambda *asked: Deadly(mids_of(*asked)))
    part = part_of(path)
    with judged_elsewhere(journal, part) as (judgements, mids):
        assert comparable(judgements()) == comparable(judge_part(part, mids))


def test_a_process_killed_before_it_has_the_mids_costs_time_only(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is gone when they are read, so that nobody takes them."""

    def read(*asked: Any) -> dict[str, MidSeries]:
        (child,) = multiprocessing.active_children()
        child.kill()
        child.join()
        return mids_of(*asked)

    monkeypatch.setattr(judging, "mids_of", read)
    with judged_elsewhere(journal, part_of(path)) as (judgements, mids):
        assert comparable(judgements()) == comparable(judge_part(part_of(path), mids))


def test_another_process_judges_by_the_mids_of_the_reading(path: Path) -> None:
    """A mid of 30 s after the last fill, recorded once the reading has begun, says nothing of that fill."""
    with Journal.open(path, venue="paper", account="x", nonce="n") as journal, journal.one_reading():
        with Journal.open(path, venue="paper", account="x", nonce="n") as beside:
            beside.record_mids([("A", 68_000, Decimal(200))])
        with judged_elsewhere(journal, part_of(path)) as (judgements, _):
            found = judgements()
        assert found == judge_part(part_of(path), mids_of(journal, None, PERIOD[0]))
    with Journal.open_readonly(path) as later:
        assert found != judge_part(part_of(path), mids_of(later, None, PERIOD[0]))


def test_what_is_wrong_with_the_journal_is_said_by_the_one_that_waits(
    tmp_path: Path, journal: Journal, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        judged_elsewhere(journal, part_of(tmp_path / "none.sqlite3")) as (judgements, _),
        pytest.raises(ConfigError, match="no journal"),
    ):
        judgements()
    assert capfd.readouterr().err == ""


def test_fills_out_of_order_are_refused_by_the_one_that_waits(
    path: Path, journal: Journal, capfd: pytest.CaptureFixture[str]
) -> None:
    """The 11th fill is told as if it were the newest: each process finds what follows it too old."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE fills SET time_ms = ? WHERE seq = 11", (FILLS * STEP_MS,))
    db.close()
    with (
        judged_elsewhere(journal, part_of(path)) as (judgements, _),
        pytest.raises(OutOfOrder, match="12000 ms follows one at 40000"),
    ):
        judgements()
    assert capfd.readouterr().err == ""


def test_nobody_waits_for_a_process_whose_answer_is_not_wanted(path: Path, journal: Journal) -> None:
    with pytest.raises(KeyboardInterrupt), judged_elsewhere(journal, part_of(path)):
        raise KeyboardInterrupt
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("many", [FILLS, FILLS + 1])
def test_the_figures_are_the_same_whoever_judges(path: Path, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(judging, "MANY_FILLS", many)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with Journal.open(path, venue="paper", account="x", nonce="n") as journal:
        with shared_out(journal, part_of(path)) as (fills, later, _):
            assert (later is not None) == (many == FILLS)
            found = report_of(journal, fills, later)
        assert found == report_of(journal, rows_of(journal, part_of(path)), None)


def report_of(journal: Journal, fills: object, later: object) -> object:
    mids = mids_of(journal, None, PERIOD[0])
    return report_data(
        start_ms=PERIOD[0], end_ms=PERIOD[1], fills=fills, later=later, funding=(), mids=mids, equity=(),
        orders=OrderCounts(),
    )  # type: ignore[arg-type]  # fmt: skip
