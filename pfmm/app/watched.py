"""What a front end brings to a running loop, and what it is told of it. Layer: app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from pfmm.model.fees import Fees
from pfmm.runner.listeners import Listener

NOTICE = "notice"  # a text for the one at the keyboard, which may be a question; no event of the stream
VIEW = "view"  # the one at the keyboard asks for another picture; no event of the stream


@dataclass(frozen=True, slots=True)
class Shown:
    """What a screen says of the run as a whole."""

    kind: str
    markets: tuple[str, ...]
    venue: str
    account: str
    on_exit: str
    real_money: bool = False
    fees: Mapping[str, Fees] = field(default_factory=dict)  # of each market
    limits: Mapping[str, Decimal] = field(default_factory=dict)  # the most that may be held of each market, USD
    money: str = ""  # whose exchange, and whether its money is real


class Display(Protocol):
    """What a front end brings: a screen, a keyboard where it has one, and the words at the end."""

    @property
    def keyboard_fd(self) -> int | None:
        """The terminal whose keys are commands; None without one. Stdin that is no terminal is never read."""
        ...

    @property
    def depth_levels(self) -> int:
        """How many levels a side of a market's book it shows; 0 for none."""
        ...

    def screen(self, shown: Shown) -> Listener:
        """Return the listener that shows the run; it may block and it may raise."""
        ...

    def drop_output(self) -> None:
        """Let what is written from now on go nowhere: nobody reads any more."""
        ...

    def last_words(self, failure: BaseException | None, lost: list[BaseException], *, drained: bool) -> None:
        """Say that the screen failed, if so, and why the loop did. `drained` is False where a hanging writer has the
        screen's stream, so that nothing more may be written there."""
        ...
