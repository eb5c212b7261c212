"""What a live start says of liquidation: how markets are margined, and where full inventories would end. Layer: app.

Refuses what would come too near. Leverage and margin mode are read and never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.engine.full_inventory import MOVE, Full, claim, left_after_move, liquidated_at
from pfmm.errors import RiskRefused
from pfmm.model.order import Side
from pfmm.model.text import plain
from pfmm.strategy.ticks import snap_price

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.model.account import MarginMode, Snapshot
    from pfmm.model.market import Instrument

LOSSES = 2  # so many times the largest loss of the runs must be left
UNLISTED = Decimal("0.5")  # maintenance of a position whose market nobody lists: that of a leverage of 1

_ZERO = Decimal(0)


def liquidation_lines(
    session: Session, instruments: Sequence[Instrument], limits_usd: Mapping[str, Decimal], look: Snapshot
) -> list[str]:
    """Say how each market is margined and at which prices a full inventory of it, `limits_usd`, is liquidated, by one
    `look` at the account.

    Raises RiskRefused where a move of 10 % against all of them would leave no more than twice the runs' largest loss.
    """
    equity = look.account.equity
    modes = [session.venue.margin_mode(one.market) for one in instruments]
    full = _full(instruments, modes, limits_usd, look)
    beside = _beside(session, {one.market for one in instruments}, look)
    told = []
    for instrument, mode, one in zip(instruments, modes, full, strict=True):
        others = beside + sum((claim(other) for other in full if other is not one), _ZERO)
        told.append(_market_line(instrument, mode, one, equity, others))
    most = session.settings.general.run.max_total_usd
    short = [line for mode, one in zip(modes, full, strict=True) if (line := _short(mode, one)) is not None]
    return [*told, *short, _left(session, full, left_after_move(full, equity, beside, most), short)]


def _full(
    instruments: Sequence[Instrument],
    modes: Sequence[MarginMode | None],
    limits_usd: Mapping[str, Decimal],
    look: Snapshot,
) -> list[Full]:
    """Return each market held to its limit, or as it is held where that is more."""
    marks = {ticker.market: ticker.mark for ticker in look.tickers}
    held = {position.market: abs(position.notional) for position in look.positions}
    return [
        Full(
            one.market,
            marks[one.market],
            max(limits_usd[one.market], held.get(one.market, _ZERO)),
            one.maintenance,
            mode.leverage if mode is not None and mode.isolated else None,
            None if mode is None else mode.collateral,
        )
        for one, mode in zip(instruments, modes, strict=True)
    ]


def _beside(session: Session, markets: set[str], look: Snapshot) -> Decimal:
    """Sum up the maintenance margin of the account's positions on other markets, USD."""
    listed, found = session.instruments, _ZERO
    for position in look.positions:
        if position.market not in markets:
            known = listed.get(position.market)
            found += abs(position.notional) * (UNLISTED if known is None else known.maintenance)
    return found


def _market_line(instrument: Instrument, mode: MarginMode | None, one: Full, equity: Decimal, others: Decimal) -> str:
    def ends(side: Side) -> str:
        price = liquidated_at(one, side, equity, others)
        return "no price" if price is None else plain(snap_price(price, side, instrument.price_rule))

    known = ""
    if mode is not None:
        known = f"{'isolated' if mode.isolated else 'cross'} margin at {mode.leverage}x, which pfmm never changes; "
    return (
        f"{one.market}: {known}{one.usd:.2f} USD long is liquidated at {ends(Side.LONG)}, short at {ends(Side.SHORT)}"
    )


def _short(mode: MarginMode | None, one: Full) -> str | None:
    """Say how much is to be moved to where the market's collateral must lie, where too little is there."""
    if mode is None or mode.collateral is None or mode.collateral * mode.leverage >= one.usd:
        return None
    wanted = one.usd / mode.leverage
    return (
        f"{one.market}: {one.usd:.2f} USD at {mode.leverage}x want {wanted:.2f} USD of collateral on its own list of "
        f"markets, where {mode.collateral:.2f} lie: move {wanted - mode.collateral:.2f} there at the venue"
    )


def _left(session: Session, full: Sequence[Full], left: Decimal, short: Sequence[str]) -> str:
    """Say what a move against all of it leaves. Raises RiskRefused where that is too little."""
    runs = (session.settings.for_market(one.market).run.max_loss_usd for one in full)
    losses = LOSSES * sum((loss for loss in runs if loss is not None), _ZERO)
    told = f"a price {MOVE * 100:.0f} % against a full inventory leaves {left:.2f} USD before liquidation"
    if left > losses:
        return told
    raise RiskRefused(
        f"{told}, and more than {losses:.2f} is wanted, twice the largest loss; nothing was sent"
        if losses
        else f"{told}; nothing was sent",
        hint="; ".join([*short, "a smaller --max-inventory or --max-loss, or more money in the account, leaves more"]),
    )
