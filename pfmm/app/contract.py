"""What a use case is handed and hands back beside its own request and result. Layer: app.

A use case is `run(request, *, session, confirm, emit) -> Result`: frozen values in and out. It prints nothing and
never decides whether there is a terminal; a failure that still has an answer carries it as `error.result`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pfmm.model.event import Event


class Question(NamedTuple):
    """What is to be confirmed before it is done: where, what, and the amounts or places that it is about.

    `amounts` is called only where somebody is really asked: reading them may cost requests, or wait for the venue.
    """

    venue: str
    account: str
    action: str
    amounts: Callable[[], tuple[str, ...]] = tuple
    real_money: bool = False
    play_money: bool = False  # that of a test network, which is asked about all the same


Confirm = Callable[[Question], bool]
if TYPE_CHECKING:
    Emit = Callable[[Event], None]
