"""`pfmm markets`: the venue's instruments, read in one request (two with --volume)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pfmm.cli.options import globals_of
from pfmm.cli.output import Result, emit, plain, table

if TYPE_CHECKING:
    from pfmm.model.market import Instrument

app = typer.Typer()


@app.command()
def markets(
    context: typer.Context,
    category: Annotated[
        str | None, typer.Option("--category", metavar="X", help="Only this category, as in the table.")
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only names with TEXT in them.")
    ] = None,
    volume: Annotated[bool, typer.Option("--volume", help="Add the 24 h volume (one more request).")] = False,
) -> None:
    """List the venue's instruments: price step, size step, smallest order, leverage, fees, funding interval."""
    from pfmm.cli.opening import session

    options = globals_of(context)
    with session(options) as opened:
        listed = opened.venue.markets()
        _check_category(category, listed)
        found = [one for one in listed if _wanted(one, category, search)]
        volumes: dict[str, Decimal | None] | None = None
        if volume:
            volumes = {ticker.market: ticker.volume_24h_usd for ticker in opened.venue.tickers()}
        rows = [_row(one, volumes) for one in found]
        emit(options, Result({"venue": opened.venue_name, "markets": rows}, lambda: _text(rows)))


def _check_category(category: str | None, listed: Sequence[Instrument]) -> None:
    from pfmm.errors import UsageError

    known = sorted({one.category for one in listed})
    if category is not None and category.lower() not in [name.lower() for name in known]:
        raise UsageError(f"the venue has no category {category!r}", hint=f"it has {', '.join(known)}")


def _wanted(one: Instrument, category: str | None, search: str | None) -> bool:
    in_category = category is None or one.category.lower() == category.lower()
    return in_category and (search is None or search.strip().upper() in one.market.upper())


def _row(one: Instrument, volumes: dict[str, Decimal | None] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "market": one.market,
        "category": one.category,
        "price_rule": {"unit": one.price_rule.unit, "significant_figures": one.price_rule.significant_figures},
        "size_step": one.size_step,
        "min_notional": one.min_notional,
        "max_leverage": one.max_leverage,
        "maker_bps": one.maker_bps,
        "taker_bps": one.taker_bps,
        "funding_interval_hours": one.funding_interval_hours,
    }
    return row if volumes is None else {**row, "volume_24h_usd": volumes.get(one.market)}


def _text(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "No market matches."
    with_volume = "volume_24h_usd" in rows[0]
    headers = ("market", "category", "price step", "size step", "min USD", "leverage", "maker", "taker", "funding")
    body = [_cells(row) + ((_volume(row["volume_24h_usd"]),) if with_volume else ()) for row in rows]
    shown = headers + (("24 h USD",) if with_volume else ())
    return "\n".join([
        table(shown, body, right=range(2, 10), spare=(1, 8, 5)),
        "",
        "fees in bps of notional, negative = rebate",
        "a price step with figures holds that many significant digits",
    ])  # fmt: skip


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    rule = row["price_rule"]
    figures = f" ({rule['significant_figures']} figures)" if rule["significant_figures"] is not None else ""
    return (
        row["market"],
        row["category"],
        plain(rule["unit"]) + figures,
        plain(row["size_step"]),
        plain(row["min_notional"]),
        f"{row['max_leverage']}x",
        f"{row['maker_bps']:+f}",
        f"{row['taker_bps']:+f}",
        f"{row['funding_interval_hours']} h",
    )


def _volume(value: Decimal | None) -> str:
    return "n/a" if value is None else f"{value:,.0f}"
