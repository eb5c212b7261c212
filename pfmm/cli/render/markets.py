"""The venue's instruments as a table. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.cli.render.tables import table
from pfmm.model.encoding import ABSENT
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.markets import MarketRow, MarketsResult


def render(result: MarketsResult, width: int | None) -> str:
    """Draw one line an instrument; narrow terminals lose category, funding and leverage first."""
    rows = result.markets
    if not rows:
        return "No market matches."
    with_volume = rows[0].volume_24h_usd is not ABSENT
    headers = ("market", "category", "price step", "size step", "min USD", "leverage", "maker", "taker", "funding")
    body = [_cells(row) + ((_volume(row.volume_24h_usd),) if with_volume else ()) for row in rows]
    shown = headers + (("24 h USD",) if with_volume else ())
    return "\n".join([
        table(shown, body, right=range(2, 10), spare=(1, 8, 5, 3), width=width),
        "",
        "fees in bps of notional, negative = rebate",
        "a price step with figures holds that many significant digits",
    ])  # fmt: skip


def _cells(row: MarketRow) -> tuple[str, ...]:
    rule = row.price_rule
    figures = f" ({rule.significant_figures} figures)" if rule.significant_figures is not None else ""
    return (
        row.market,
        row.category,
        plain(rule.unit) + figures,
        plain(row.size_step),
        plain(row.min_notional),
        f"{row.max_leverage}x",
        f"{row.maker_bps:+f}",
        f"{row.taker_bps:+f}",
        f"{row.funding_interval_hours} h",
    )


def _volume(value: Decimal | None) -> str:
    return "n/a" if value is None else f"{value:,.0f}"
