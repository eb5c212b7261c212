"""Describe what is in data files, or at which line they are unusable. Reads, never repairs. Layer: app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pfmm.errors import DataFileError
from pfmm.model.quick import quick

if TYPE_CHECKING:
    from pfmm.backtest.describing import Description
    from pfmm.tape.sources import Watcher


@quick(frozen=True, slots=True)
class FilesRequest:
    """Which files to describe, how to read them (as `ReadOptions`), and what else to do.

    `check` compares their content with what a kept tape was built from, `convert` is the binary tape to write of all
    of them.
    """

    files: tuple[Path, ...]
    market: str | None = None
    format: str | None = None
    skip_bad: int = 0
    check: bool = False
    convert: Path | None = None
    cache: bool = True
    profile: str | None = None


@quick(frozen=True, slots=True)
class Unusable:
    """A file in which no run could begin, and what is wrong with it."""

    file: str
    usable: Literal[False]
    problem: str


@quick(frozen=True, slots=True)
class Described:
    """One description a file or folder: format, markets and counts, or the problem; and the tape that was written."""

    files: tuple[Description | Unusable, ...]
    converted: str | None = None


def describe_files(request: FilesRequest, *, watch: Watcher | None = None) -> Described:
    """Describe data files. Raises the error of the first that is unusable, with every description in it; then no tape
    is written. `watch` is told how many bytes were read."""
    from pfmm.app.backtest_jobs import cache_of
    from pfmm.backtest.columns import numpy
    from pfmm.backtest.describing import convert, describe
    from pfmm.tape.options import UNNAMED, ReadOptions

    numpy()
    read = ReadOptions(request.market or UNNAMED, request.format, request.skip_bad)
    cache = cache_of(request.profile, keep=request.cache)
    described: list[Description | Unusable] = []
    errors: list[DataFileError] = []
    for path in request.files:
        try:
            described.append(describe(path, read, cache, check=request.check, watch=watch))
        except DataFileError as error:
            described.append(Unusable(str(path), usable=False, problem=error.message))
            errors.append(error)
    result = Described(tuple(described))
    if request.convert is not None and not _unusable_together(errors, request):
        convert(request.files, request.convert, read, watch)
        return Described(result.files, str(request.convert))
    if errors:
        raise errors[0].with_result(result)
    return result


def _unusable_together(errors: Sequence[DataFileError], request: FilesRequest) -> bool:
    """Tell whether no tape of all files can be expected: one of them is bad, and is not what another completes."""
    return bool(errors) and len(request.files) == 1


def bytes_of(files: Sequence[Path]) -> int:
    """Count the bytes that there are to read; 0 for files that cannot be looked at: the reader says what is wrong."""
    from pfmm.tape.sources import expand

    try:
        return sum(path.stat().st_size for path in {source.path for source in expand(files)})
    except (DataFileError, OSError):
        return 0
