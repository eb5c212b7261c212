"""`pfmm inventory`: the account, and of each market the position, how full its limit is, and what it earned.

The position and what is unrealised are the venue's word; realised profit, fees and funding are the fold of the
journal, which is brought up to the venue first. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pfmm.app import asserting
from pfmm.cli.assertion_check import Assert
from pfmm.cli.live import watch as watching
from pfmm.cli.options import flags_of, globals_of, takes_settings
from pfmm.cli.output import Result, iso, plain, table
from pfmm.errors import ConfigError

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.assertions import Assertion
    from pfmm.cli.live.watch import Look
    from pfmm.journal.journal import Journal
    from pfmm.model.account import Position, Snapshot
    from pfmm.model.ledger import LedgerState
    from pfmm.model.order import Order

ZERO = Decimal(0)
PERCENT_STEP = Decimal("0.000001")
PRICE_STEP = Decimal("0.00000001")  # an average is rounded for display: the cost basis is what is exact
ACCOUNT_FIELDS = (
    "account_id", "equity", "cash", "margin_used", "free_margin", "peak_equity", "drawdown_pct", "deposits",
)  # fmt: skip
POSITION_FIELDS = (
    "market", "side", "size", "notional", "entry_price", "mark_price", "ratio", "state", "unrealized_pnl",
    "realized_pnl", "fees", "funding", "open_bids", "open_asks", "liquidation_price", "liquidation_distance_pct",
    "pnl_source", "limit_usd",
)  # fmt: skip

app = typer.Typer()


@app.command()
@takes_settings("run.interval_s")
def inventory(
    context: typer.Context,
    markets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MARKET]...", help="Markets: BTC-PERP, btc-perp, BTC or btc. Without: all with any."),
    ] = None,
    watch: watching.Watch = False,
    assertion: Assert = None,
) -> None:
    """Show positions against their limits, profit and its parts, what rests, and the account.

    --assert sees the fields of each position together with the account's; without a position, the account's and
    those of a flat one.
    """
    from pfmm.cli.opening import session

    options = globals_of(context)
    check = asserting.read_assertion(assertion, (*ACCOUNT_FIELDS, *POSITION_FIELDS))
    with session(options, flags_of(context)) as opened:
        names = list(dict.fromkeys(opened.known_market(spelling) for spelling in markets or ()))
        every_s = opened.settings.general.run.interval_s if watch else None
        watching.show_looks(options, opened, "inventory", lambda: _look(opened, names, check), every_s=every_s)


def _look(opened: Session, asked: Sequence[str], check: Assertion | None) -> Look:
    snapshot, ledgers, warnings = _read(opened, asked)
    account = _account_row(opened, snapshot, have_journal=ledgers is not None)
    markets = asked or _markets_with_any(snapshot, ledgers or {})
    rows = [_position_row(opened, snapshot, market, ledgers) for market in markets]
    head = {"venue": opened.venue_name, "time": iso(snapshot.time.time_ms), "account": account}
    tested = [{**account, **row} for row in rows] or [{**account, **_nothing(known=ledgers is not None)}]
    places = asserting.offending(check, tested)
    broken = None
    if check is not None and places:
        wrong = [rows[place] for place in places if rows]
        failure = asserting.is_false(check, [tested[place] for place in places], len(tested))
        broken = (failure, _result({**head, "positions": wrong}, warnings))
    return watching.Look(snapshot.time.time_ms, _result({**head, "positions": rows}, warnings), broken)


def _result(data: dict[str, Any], warnings: Sequence[str]) -> Result:
    return Result(data, lambda: _text(data), tuple(warnings))


def _read(opened: Session, asked: Sequence[str]) -> tuple[Snapshot, Mapping[str, LedgerState] | None, tuple[str, ...]]:
    """One snapshot of the venue, and the journal's ledger of each market brought up to it. A journal that cannot be
    used takes only its own part of the answer with it."""
    from pfmm.app.halting import left_over
    from pfmm.app.session import unlisted
    from pfmm.engine.observe import observe_listed

    try:
        snapshot, gone = observe_listed(opened.venue, opened.journal, asked, ())
        ledgers = _ledgers(opened.journal)
    except ConfigError as error:
        snapshot = opened.venue.state(asked)  # raises again what is not the journal's fault
        return snapshot, None, (f"{error.message}; realised profit, fees, funding and the peak are not known",)
    positions = [one for one in snapshot.positions if not asked or one.market in asked]
    warnings = (*unlisted(gone), *_doubts(snapshot, ledgers, asked), *left_over(opened.journal, positions))
    return snapshot, ledgers, warnings


def _doubts(snapshot: Snapshot, ledgers: Mapping[str, LedgerState], asked: Sequence[str]) -> tuple[str, ...]:
    """Markets whose position the recorded fills do not explain: the venue no longer tells the older ones."""
    held = {position.market: position.size for position in snapshot.positions}
    recorded = {market: ledger.size for market, ledger in ledgers.items()}
    return tuple(
        f"{market}: the fills in the journal add up to {plain(recorded.get(market, ZERO))}, the venue holds "
        f"{plain(held.get(market, ZERO))}; its realised profit is incomplete"
        for market in asked or sorted(held | recorded)
        if recorded.get(market, ZERO) != held.get(market, ZERO)
    )


def _ledgers(journal: Journal) -> dict[str, LedgerState]:
    """Each market's book of every fill and funding payment of the account, whoever traded: netted as the venue nets,
    so that with the venue's unrealised profit it makes up the venue's equity."""
    from pfmm.model.ledger import ACCOUNT

    return {book.market: book.ledger for book in journal.books(owner=ACCOUNT)}


def _markets_with_any(snapshot: Snapshot, ledgers: Mapping[str, LedgerState]) -> list[str]:
    """Markets with a position, an order or a past."""
    positions = {position.market for position in snapshot.positions}
    return sorted(positions | {order.market for order in snapshot.orders} | set(ledgers))


def _account_row(opened: Session, snapshot: Snapshot, *, have_journal: bool) -> dict[str, Any]:
    account = snapshot.account
    peak = opened.journal.peak_equity() if have_journal else None
    return {
        "account_id": account.account_id,
        "equity": account.equity,
        "cash": account.cash,
        "margin_used": account.margin_used,
        "free_margin": account.free_margin,
        "peak_equity": peak,
        "drawdown_pct": None if peak is None else drawdown_pct(peak, account.equity),
        "deposits": account.deposits,
    }


def drawdown_pct(peak: Decimal, equity: Decimal) -> Decimal:
    """The fall from the highest equity recorded, in percent of it: from 200 to 190 is 5. Zero without a peak to fall
    from."""
    return max((peak - equity) / peak * 100, ZERO).quantize(PERCENT_STEP) if peak > 0 else ZERO


def _position_row(
    opened: Session, snapshot: Snapshot, market: str, ledgers: Mapping[str, LedgerState] | None
) -> dict[str, Any]:
    from pfmm.strategy.inventory import inventory_state, raw_ratio

    settings = opened.settings.for_market(market)
    limit = settings.run.max_inventory_usd
    row = _nothing(known=ledgers is not None)
    row |= {"market": market, "limit_usd": limit, "mark_price": _mark(snapshot, market)}
    position = next((one for one in snapshot.positions if one.market == market), None)
    if position is not None and position.size:
        ratio = raw_ratio(float(position.size), float(position.mark_price), float(limit))
        row |= _held(position)
        row |= {"ratio": ratio, "state": inventory_state(ratio, opened.settings.value("quote.on_limit", market))}
    if ledgers is not None and market in ledgers:
        ledger = ledgers[market]
        row |= {"realized_pnl": ledger.realized, "fees": ledger.fees, "funding": ledger.funding}
    return row | _resting([order for order in snapshot.orders if order.market == market])


def _nothing(*, known: bool) -> dict[str, Any]:
    """The fields of a market without position, order or past; unless the past is `known`, nothing is said of it."""
    zeros = ("size", "notional", "unrealized_pnl", "realized_pnl", "fees", "funding", "open_bids", "open_asks")
    unset = dict.fromkeys(POSITION_FIELDS)
    flat = {**unset, **dict.fromkeys(zeros, ZERO), "side": "flat", "ratio": 0.0, "state": "ok"}
    if known:
        return {**flat, "pnl_source": "journal"}
    return {**flat, "realized_pnl": None, "fees": None, "funding": None, "pnl_source": "venue"}


def _mark(snapshot: Snapshot, market: str) -> Decimal | None:
    marks = {position.market: position.mark_price for position in snapshot.positions}
    marks |= {ticker.market: ticker.mark for ticker in snapshot.tickers}
    return marks.get(market)


def _held(position: Position) -> dict[str, Any]:
    """What the venue says of a position that is not flat."""
    entry, liquidation = position.entry_price, position.liquidation_price
    distance = None  # below zero once the mark is past it: the size alone would make that look safe
    if liquidation is not None:
        away = position.mark_price - liquidation if position.size > 0 else liquidation - position.mark_price
        distance = away / position.mark_price * 100
    return {
        "side": "long" if position.size > 0 else "short",
        "size": position.size,
        "notional": position.notional,
        "entry_price": None if entry is None else entry.quantize(PRICE_STEP),
        "mark_price": position.mark_price,
        "unrealized_pnl": position.unrealized_pnl,
        "liquidation_price": liquidation,
        "liquidation_distance_pct": None if distance is None else distance.quantize(PERCENT_STEP),
    }


def _resting(orders: Sequence[Order]) -> dict[str, Decimal]:
    """What open orders could still buy and sell, USD at their own prices."""
    open_usd = {1: ZERO, -1: ZERO}
    for order in orders:
        open_usd[order.side.sign] += order.remaining * (order.price or ZERO)
    return {"open_bids": open_usd[1], "open_asks": open_usd[-1]}


def _text(data: Mapping[str, Any]) -> str:
    account, rows = data["account"], data["positions"]
    peak = account["peak_equity"]
    fallen = "" if peak is None else f"   peak {peak:.4f} (drawdown {account['drawdown_pct']:.2f} %)"
    lines = [
        f"{data['venue']}/{account['account_id']}   {data['time'][:19]}Z",
        f"equity {account['equity']:.4f} USD{fallen}",
        f"cash {account['cash']:.4f}   margin used {account['margin_used']:.4f}   free {account['free_margin']:.4f}",
        "",
    ]
    if not rows:
        return "\n".join([*lines, "No position, no order, no past trade."])
    headers = ("market", "side", "size", "USD", "of limit", "state", "entry", "mark", "liquidation", "bids", "asks")
    profits = ("market", "total", "unrealised", "realised", "fees paid", "funding")
    return "\n".join(
        [
            *lines,
            table(headers, [_cells(row) for row in rows], right=(2, 3, 4, 6, 7, 8, 9, 10), spare=(7, 1, 6)),
            "",
            table(profits, [_profit_cells(row) for row in rows], right=range(1, 6)),
        ]
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    distance = row["liquidation_distance_pct"]
    return (
        row["market"],
        row["side"],
        plain(abs(row["size"])),
        f"{row['notional']:+.2f}",
        f"{row['ratio']:+.0%}",
        row["state"],
        _price(row["entry_price"]),
        _price(row["mark_price"]),
        "-" if distance is None else f"{distance:.1f} % off" if distance >= 0 else f"{-distance:.1f} % past",
        f"{row['open_bids']:.2f}",
        f"{row['open_asks']:.2f}",
    )


def _price(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.7g}"


def _profit_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    parts = tuple(row[name] for name in ("unrealized_pnl", "realized_pnl", "fees", "funding"))
    total = None if None in parts else parts[0] + parts[1] - parts[2] + parts[3]
    return (row["market"], *("n/a" if part is None else f"{part:+.4f}" for part in (total, *parts)))
