"""What protects a run when this machine is gone: the venue's dead-man switch, a stop that waits there, or nothing.

Nothing is taken live only by a word of its own. Layer: app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.errors import OutcomeUnknown, RateLimited, RiskRefused, VenueRefused, VenueUnreachable

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.app.starting import Start
    from pfmm.runner.dead_man import DeadMan

OFF, STOP, UNPROTECTED = "off", "stop", "unprotected"


def refuse_unprotected(begun: Start, dead_man: DeadMan) -> None:
    """Ask the venue for its dead-man switch before anything is sent. Raise RiskRefused where it grants none, or where
    the settings leave it off, no stop can stand for it on every market, and `--yes-unprotected` does not take that.

    A venue that does not answer now may answer in the first cycle, as ever.
    """
    session = begun.session
    if not session.live or begun.request.yes_unprotected:
        return
    why = "the dead-man switch is off (run.dead_man_s is 0, or the orders are to be kept at the end)"
    if dead_man.state != UNPROTECTED:
        why = f"{session.venue_name} grants this account no dead-man switch"
        try:
            time = session.venue.time()
            dead_man.feed(time.time_ms, time.speed)
        except (VenueUnreachable, VenueRefused, OutcomeUnknown, RateLimited):
            return
    without = [market for market in begun.markets if not can_stop(session, market)]
    if dead_man.state == UNPROTECTED and without:
        raise RiskRefused(
            f"{why}, and no stop can wait there on {', '.join(without)}: if this machine goes, orders rest and "
            "positions stay; nothing was sent",
            hint=_hint(session),
        )


def refuse_unattended(begun: Start) -> None:
    """Raise RiskRefused where a live cycle of cron would leave orders with nothing that watches them until the next.

    Nobody feeds a dead-man switch between two cycles, so only a stop at the venue, or `--yes-unprotected`, lets them
    rest.
    """
    session = begun.session
    without = [market for market in begun.markets if not can_stop(session, market)]
    if session.live and without and not begun.request.yes_unprotected:
        raise RiskRefused(
            f"between two cycles nothing watches what rests at {session.venue_name}, and no stop can wait there on "
            f"{', '.join(without)}: if the next one does not come, orders rest and positions stay; nothing was sent",
            hint=_hint(session),
        )


def can_stop(session: Session, market: str) -> bool:
    """Tell whether a stop at the venue can close what a run of the market holds: one needs to know at which loss."""
    run = session.settings.for_market(market).run
    return session.venue.capabilities.trigger_orders and run.max_loss_usd is not None


def shown(session: Session, state: str, markets: tuple[str, ...]) -> str:
    """Name the protection for a screen, from the switch's `state`: armed, shared, stop or unprotected."""
    return STOP if state == UNPROTECTED and all(can_stop(session, market) for market in markets) else state


def _hint(session: Session) -> str:
    stop = "--max-loss N lets a stop wait there instead; " if session.venue.capabilities.trigger_orders else ""
    return f"{stop}--yes-unprotected starts all the same"
