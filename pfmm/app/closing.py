"""What every way of flattening shares: the order from the settings, the verdict, and the failure that it deserves.

Used by `flatten`, by `stop --flatten` and by `--on-exit flatten`. Layer: app.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfmm.app.session import Session
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import AlreadyRunning, NotFlat, PfmmError, StateUnknown
from pfmm.flatten.contract import FlatState, FlattenOrder, FlattenResult, Tools
from pfmm.flatten.contract import MarketResult as MarketResult  # noqa: PLC0414 - part of the verdict that it is told in
from pfmm.model.order import FLATTEN_IDS, CancelOrder
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.model.account import VenueTime
    from pfmm.model.deadline import Deadline
    from pfmm.runner.locks import Holder
    from pfmm.runner.signals import Signals

LAST_LOOK_S = 1.0  # for what is under way when the time is up, and one more read


def order_of(
    session: Session,
    markets: tuple[str, ...] | None,
    *,
    half: bool = False,
    cancel_only: bool = False,
    proofs: int = 1,
    timeout_s: float | None = None,
) -> FlattenOrder:
    """Build the order to flatten, with slippage, time and interval from the settings."""
    settings = session.settings.general
    return FlattenOrder(
        markets=markets,
        half=half,
        cancel_only=cancel_only,
        max_slippage_bps=settings.flatten.max_slippage_bps,
        timeout_s=settings.flatten.timeout_s if timeout_s is None else timeout_s,
        proofs=proofs,
        between_proofs_s=settings.run.interval_s,
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was proven, where and when. `orders_left` is None where that could not be read; `reason` says why the state
    is no better. Without any snapshot the time is this machine's."""

    venue: str
    account: str
    time: str
    state: FlatState
    reason: str | None
    cancelled: int
    orders_left: int | None
    markets: tuple[MarketResult, ...]


def verdict_of(session: Session, result: FlattenResult) -> Verdict:
    """Say where and when a flatten came to its result."""
    return Verdict(
        venue=session.venue_name,
        account=session.account,
        time=iso(result.time_ms if result.time_ms is not None else wall_ms()),
        state=result.state,
        reason=result.reason,
        cancelled=result.cancelled,
        orders_left=result.orders_left,
        markets=result.markets,
    )


@contextmanager
def flattening(session: Session) -> Iterator[Deadline]:
    """Bound the requests of the block by the time for a flatten and a last look; yields the deadline of the flatten
    itself."""
    timeout_s = session.settings.general.flatten.timeout_s
    with session.bounded(timeout_s + LAST_LOOK_S) as whole:
        yield whole.within(timeout_s)


def new_tools(session: Session, signals: Signals | None = None) -> Tools:
    """Build the tools of a flatten: the local clock, client order ids that no other process draws, the signals that ask
    to stop, if any do, and the orders that the account's journal knows, where it can be read."""
    nonce = os.urandom(5).hex()
    numbers = iter(range(1, 1_000_000))

    def name() -> str:
        return f"{FLATTEN_IDS}{nonce}-{next(numbers)}"

    def known() -> tuple[CancelOrder, ...]:
        try:
            live = session.journal.live_orders() if session.has_journal else ()
        except PfmmError:
            return ()
        return tuple(CancelOrder(own.market, client_order_id=own.client_order_id) for own in live)

    if signals is None:
        return Tools(time.monotonic, time.sleep, name, known=known)
    return Tools(time.monotonic, signals.wait_on_s, name, signals.stopping, known)


def failure_of(session: Session, state: FlatState, reason: str | None, *, half: bool = False) -> PfmmError | None:
    """Return the error that a verdict deserves: none when it is what was asked for, exit code 9 for a residual, 8 for
    unknown. `half` when that was asked for, which is advised differently."""
    if state.done:
        return None
    where = f"{session.venue_name} account {session.account}"
    if state is FlatState.RESIDUAL and half:
        hint = "run it again; without --half it closes the whole of what cannot be halved"
        return NotFlat(f"{where} is not halved: {reason}", hint=hint)
    if state is FlatState.RESIDUAL:
        return NotFlat(f"{where} is not flat: {reason}", hint="run it again, or with a larger --max-slippage-bps")
    return StateUnknown(f"{where}: flatness could not be proven: {reason}")


class Bystanders:
    """The other runners of some markets, which nobody stops here: as long as one lives, or a request that a dead one
    left on its way can act, nothing there is proven flat. Serves as `Others` of a flatten."""

    def __init__(self, session: Session, markets: Sequence[str]) -> None:
        self._session = session
        self._markets = frozenset(markets)

    def alive(self) -> list[Holder]:
        """Return the runners that are alive now, without this process and without a `stop`, which only cancels."""
        holders = [holder for holder in self._session.locks.holders() if not holder.stopping]
        return [holder for holder in holders if holder.market in self._markets and holder.pid != os.getpid()]

    def press(self) -> None:
        """Do nothing: these runners may go on."""

    def silent_from_ms(self, now: VenueTime) -> int | None:  # noqa: ARG002 - the protocol's
        """Return the venue time from which none of their requests can act any more: see `Others`."""
        if self.alive():
            return None
        if self._session.in_process:  # no request is under way but its callers'
            return 0
        from pfmm.app.halting import unanswered_until_ms

        return unanswered_until_ms(o for o in self._session.journal.live_orders() if o.market in self._markets)


def flatten_markets(session: Session, markets: Sequence[str]) -> None:
    """Close the account's whole position on `markets`, after the runs there have ended: `--on-exit flatten`.

    Raises what `flatten_for_stop` answers as failure, and AuthenticationError.
    """
    _, failure = flatten_for_stop(session, markets)
    if failure is not None:
        raise failure


def flatten_for_stop(
    session: Session, markets: Sequence[str], signals: Signals | None = None
) -> tuple[Verdict | None, PfmmError | None]:
    """Close the account's whole position on `markets`: `stop --flatten`. Returns the verdict and the failure, if any.

    No latch is set, as only the runs that were stopped are concerned. Nothing is sent, and nothing claimed, while
    another strategy runs on one of the markets: it would quote again at once.
    """
    from pfmm.flatten.emergency import flatten

    names = tuple(dict.fromkeys(markets))
    others = Bystanders(session, names)
    alive = [f"{holder.strategy} on {holder.market} (pid {holder.pid})" for holder in others.alive()]
    if alive:
        return None, AlreadyRunning(
            f"nothing was closed: {', '.join(alive)} still runs there",
            hint="stop it first, or `pfmm flatten`, which stops every runner of the account",
        )
    with flattening(session):
        result = flatten(session.venue, order_of(session, names), new_tools(session, signals), others)
    return verdict_of(session, result), failure_of(session, result.state, result.reason)
