"""Pictures that replace each other on a terminal, each cut to its height so that what must be read stays.

Rich alone would cut off the end, which is where problems are told. Layer: cli.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleDimensions, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment

from pfmm.cli.output import as_written, columns, fitted

Lines = list[list[Segment]]


@dataclass(frozen=True, slots=True)
class Screenful:
    """`top`, `sums`, `spare` and `foot` below each other in at most `height` lines (None: as many as it takes).

    `sums` and `foot` are always whole. `spare` has the lines that are left, and what `top` has too many of is counted.
    `panel` stands beside all of them, from column `panel_at` on; the others leave it that room.
    """

    top: Sequence[RenderableType]
    sums: Sequence[RenderableType]
    spare: Sequence[RenderableType]
    foot: Sequence[RenderableType]
    height: int | None
    panel: Sequence[RenderableType] = ()
    panel_at: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        top, sums, spare, foot = (
            console.render_lines(Group(*part), options, pad=False)
            for part in (self.top, self.sums, self.spare, self.foot)
        )
        if self.height is not None:
            room = max(self.height - len(sums) - len(foot), 1)
            top = _cut(top, room)
            spare = spare[: max(room - len(top), 0)]
        lines = [*top, *sums, *spare, *foot]
        panel = console.render_lines(Group(*self.panel), options, pad=False) if self.panel else []
        for line in _beside(lines, panel[: self.height], self.panel_at):
            yield from line
            yield Segment.line()


def _beside(lines: Lines, panel: Lines, at: int) -> Iterator[list[Segment]]:
    for number in range(max(len(lines), len(panel))):
        left, right = (part[number] if number < len(part) else [] for part in (lines, panel))
        gap = [Segment(" " * (at - Segment.get_line_length(left)))] if right else []
        yield [*left, *gap, *right]


def _cut(lines: Lines, room: int) -> Lines:
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], [Segment(f"... {len(lines) - room + 1} more lines")]]


class Terminal:
    """Shows a picture in the place of the one before; where TERM is dumb and the cursor cannot go back, below it."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if self.console.is_dumb_terminal:
            self.console.size = ConsoleDimensions(columns(), self.console.height)  # rich takes 80 columns for granted
        # stdout and stderr stay as they are: the main thread must never wait for a picture that is being drawn
        self._live = Live(
            console=self.console, auto_refresh=False, transient=False, redirect_stdout=False, redirect_stderr=False
        )

    @property
    def dumb(self) -> bool:
        """Tell whether the cursor cannot go back."""
        return self.console.is_dumb_terminal

    def line(self, text: str) -> None:
        """Print a text below what stands there, whole: as many lines as it takes."""
        self.console.print(fitted(self.written(text), self.console.width), markup=False, soft_wrap=True)

    def written(self, value: Any) -> Any:
        """Return a text as this terminal will be written to, which may be longer; anything else as it is."""
        return as_written(value, self.console.file) if isinstance(value, str) else value  # type: ignore[arg-type]

    @property
    def height(self) -> int | None:
        """Return the lines that a picture may have; None where the pictures stand below each other."""
        return None if self.console.is_dumb_terminal else self.console.height

    def show(self, picture: RenderableType) -> None:
        """Draw the next picture."""
        if self.console.is_dumb_terminal:
            self.console.print(picture)
        else:
            self._live.update(picture, refresh=True)

    def start(self) -> None:
        """Begin to redraw."""
        if not self.console.is_dumb_terminal:
            self._live.start()
            self.console.show_cursor(True)  # a process that is stopped or killed leaves the shell a cursor

    def stop(self) -> None:
        """Leave the last picture standing; what is printed next comes below it."""
        self._live.stop()
