"""Recording, describing, running and sweeping as functions, without a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.app import backtest_results
from pfmm.app.backtest_files import FilesRequest, describe_files
from pfmm.app.backtest_jobs import Job
from pfmm.app.backtest_sweep import SweepRequest, sweep
from pfmm.app.record import RecordRequest, record
from pfmm.app.session import Session
from pfmm.cli.render.backtest import encode_run, render_files, render_run, render_sweep
from pfmm.errors import DataFileError, UsageError

HEADER = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size"
START_MS = 1_700_000_000_000
LIMITS = (("grid.levels", "4"), ("grid.lower", "900"), ("grid.upper", "1100"))


@pytest.fixture
def swing(pfmm_home: Path, tmp_path: Path) -> Path:
    """A market that falls from 1,000 to 940 and comes back, one quote a second."""
    mids = [*[1_000] * 5, *range(1_000, 939, -5), *range(940, 1_001, 5)]
    rows = [f"{START_MS + second * 1000},quote,,,,{mid - 1},5.001,{mid + 1},5.001" for second, mid in enumerate(mids)]
    path = tmp_path / "swing.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


class Counts:
    """A recording's progress, kept."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def started(self, time_ms: int) -> None:
        self.told.append(f"started {time_ms > 0}")

    def polled(self, time_ms: int, counts: Mapping[str, int]) -> None:
        self.told.append(f"polled {time_ms > 0} {counts['quotes'] > 0}")

    def warning(self, time_ms: int, message: str) -> None:
        self.told.append(f"warning {time_ms} {message}")

    def stopped(self, time_ms: int, counts: Mapping[str, int], reason: str) -> None:
        self.told.append(f"stopped {time_ms > 0} {counts['bytes'] > 0} {reason}")


def test_a_recording_is_a_file_that_can_be_described(session: Session, tmp_path: Path) -> None:
    counts, out = Counts(), tmp_path / "tape.ndjson"
    request = RecordRequest(("btc",), out, cycles=2)
    assert record(request, session=session, progress=lambda _: counts) is None
    polled = "polled True True"
    assert counts.told == ["started True", polled, polled, "stopped True True 2 polls done"]
    (one,) = describe_files(FilesRequest((out,))).files
    assert one.usable
    assert [market.market for market in one.markets] == ["BTC-PERP"]
    with pytest.raises(UsageError, match="exists already"):
        record(request, session=session, progress=lambda _: counts)
    with pytest.raises(UsageError, match="--depth must be at most 20"):
        record(replace(request, depth=21), session=session, progress=lambda _: counts)


def test_a_bad_file_leaves_the_descriptions_of_the_others(swing: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("nothing\n")
    with pytest.raises(DataFileError) as caught:
        describe_files(FilesRequest((swing, bad)))
    described = caught.value.result
    assert [one.usable for one in described.files] == [True, False]  # type: ignore[attr-defined]
    assert "UNUSABLE" in render_files(described, 80)  # type: ignore[arg-type]


def test_a_run_has_both_queue_models_and_a_page_where_one_is_wanted(swing: Path) -> None:
    result = backtest_results.run(Job("grid", "X-PERP", (str(swing),), LIMITS))
    data = encode_run(result)
    assert set(data["scenarios"]) == {"pessimistic", "optimistic"}
    assert data["fills"] > 0
    assert "pessimistic" in render_run(result, 80)


def test_a_sweep_keeps_the_order_of_its_plan_and_finds_the_best(swing: Path, tmp_path: Path) -> None:
    steps: list[int] = []

    @contextmanager
    def progress(total: int) -> Iterator[Callable[[], None]]:
        steps.append(total)
        yield lambda: steps.append(1)

    base = Job("grid", "X-PERP", (), LIMITS[1:])
    request = SweepRequest(base, {"grid.levels": ["4", "8"]}, (str(swing),), csv=tmp_path / "rows.csv")
    result = sweep(request, progress=progress)
    assert [row.settings["grid.levels"] for row in result.rows] == ["4", "8"]
    assert result.best in result.rows
    assert steps == [2, 1, 1]
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 3
    assert "2 runs, 2 computed now" in render_sweep(result, None)
    with pytest.raises(UsageError, match="exclude each other"):
        sweep(replace(request, jobs=2, scheduler="tcp://x:1"), progress=progress)
