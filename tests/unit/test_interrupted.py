"""KeyboardInterrupt, which another Ctrl-C raises at any moment: no transaction stays open, nothing is half done.

Python runs a signal's handler between two steps of the program. Here each of these moments has its turn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType

from pfmm.journal import Journal
from pfmm.paper.records import CancelRequest
from tests.unit.test_paper_processes import START, open_exchange, order


def at_every_moment(work: Callable[[], object]) -> Iterator[int]:
    """Runs `work` again and again, each time interrupted a call later; yields after each, until one gets through."""
    moment = 0
    while interrupted(work, moment):
        yield moment
        moment += 1
    assert moment > 10


def interrupted(work: Callable[[], object], moment: int) -> bool:
    """Whether `work` came to its `moment`th such moment, at which it was interrupted."""
    left = moment

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        # where Python looks for signals: a function begins, a C call is over. A generator may be one that is just
        # dropped, where nobody sees an exception
        left -= event == "c_return" or (event == "call" and not frame.f_code.co_flags & CO_GENERATOR)
        if left < 0:
            sys.setprofile(None)
            raise KeyboardInterrupt

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    return False


def test_an_interrupted_journal_goes_on_and_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with (
        closing(Journal.open(path, venue="paper", account="a", nonce="ab12")) as journal,
        closing(Journal.open(path, venue="paper", account="a", nonce="ab12", patience_s=0.001)) as other,
    ):
        for moment in at_every_moment(lambda: journal.record_equity(1, Decimal(1))):
            other.record_equity(moment + 2, Decimal(2))
            journal.record_equity(moment + 2, Decimal(3))
            assert other.equity_at(moment + 2) == 3


def test_an_interrupted_exchange_goes_on_and_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    with (
        closing(open_exchange(path, lambda: START)) as exchange,
        closing(open_exchange(path, lambda: START)) as other,
    ):
        names = iter(range(1_000_000))
        for _ in at_every_moment(lambda: exchange.place("a", order(f"n{next(names)}", "50"))):
            assert other.orders("a") == exchange.orders("a")
            for resting in exchange.orders("a"):
                other.cancel("a", CancelRequest(order_id=resting.order_id))
            assert exchange.account("a").equity == exchange.account("a").deposits
