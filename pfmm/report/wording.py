"""What people read of an edge and of a profit: words and amounts that add up as printed. Pure: text only.

The report, a backtest, a sweep, the live screen and the page all say it in these words. Layer: report.
"""

from __future__ import annotations

from decimal import Decimal

from pfmm.accounting.attribution import Attribution
from pfmm.accounting.edge import BreakEven, Edge
from pfmm.model.text import adding_up

PNL_PARTS = ("spread capture", "adverse selection", "inventory", "fees", "funding")
REMAINDER = PNL_PARTS.index("inventory")  # what is left over of the total takes the rounding too
NO_EDGE = "n/a: no maker fill has a mid before and 5 s after it"
BARS_TELL_NONE = "n/a: candles do not tell what happened inside a bar"
CAPTION = "break-even maker fee"
NOW_S = 0.05  # a mid that is younger was that of the very moment


def bps_words(one: BreakEven) -> str:
    """Write a break-even fee with its error: "-1.23 ± 0.20".

    Of one block only it is "-1.23 ± n/a", without fills "n/a".
    """
    if one.bps is None:
        return "n/a"
    return f"{one.bps:+.2f} ± " + ("n/a" if one.se_bps is None else f"{one.se_bps:.2f}")


def break_even_line(edge: Edge, *, split: bool = True) -> str:
    """Write the first figure: "break-even maker fee: 5s -1.23 ± 0.20, 30s -1.10 ± 0.40, 300s n/a bps".

    `split` is False of a run on bars, which split no profit and have no edge.
    """
    if edge.headline.bps is None:
        return f"{CAPTION}: {NO_EDGE if split else BARS_TELL_NONE}"
    found = ", ".join(f"{one.horizon_s}s {bps_words(one)}" for one in edge.break_even)
    return f"{CAPTION}: {found} bps"


def net_line(edge: Edge) -> str | None:
    """Say what is left of it after the fee that was paid, in bps: the edge; None where no edge is known."""
    if edge.headline.bps is None or edge.net_bps is None or edge.paid_maker_bps is None:
        return None
    paid = edge.paid_maker_bps
    words = f"paid {paid:+.2f}{' (a rebate)' if paid < 0 else ''}, so the edge is {edge.net_bps:+.2f} bps"
    if edge.exits:
        after = edge.net_after_exits_bps
        known = "n/a" if after is None else f"{after:+.2f}"
        words += f", after {_count(edge.exits, 'taker fill')} {known}"
    if edge.headline.bps <= 0 < edge.net_bps:
        words += ": only the rebate earns"
    return words


def sample_line(edge: Edge) -> str | None:
    """Say what the first figure stands on.

    For example "126 maker fills of 73 orders in 40 minutes, one session, mids 0.2 s old".
    """
    one = edge.headline
    if one.bps is None:
        return None
    words = f"{_count(one.n_fills, 'maker fill')} of {_count(one.n_orders, 'order')} in "
    words += _count(one.n_blocks, "minute") + ", "
    words += "one session" if one.n_sessions == 1 else f"{one.n_sessions} sessions"
    words += " (the error is by these)" if one.error_by == "session" else ""
    age_s = (edge.mid_age_ms or 0.0) / 1_000
    return words if age_s < NOW_S else f"{words}, mids {age_s:.1f} s old"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def gross_line(pnl: Attribution) -> str:
    """Show the profit gross of rebates beside net.

    For example "P&L, USD: gross of rebates -1.2345, rebates +2.0000, net +0.7655".
    """
    gross, rebates, net = gross_words(pnl)
    return f"P&L, USD: gross of rebates {gross}, rebates {rebates}, net {net}"


def gross_words(pnl: Attribution) -> tuple[str, ...]:
    """Return the profit gross of rebates, these, and net, as text that adds up."""
    return adding_up(pnl.total, (pnl.gross, pnl.rebates), 0)


def pnl_words(pnl: Attribution) -> tuple[str, ...]:
    """Write PNL_PARTS and the total after them, as text that adds up.

    A rebate is a plus, and n/a what is not known.
    """
    found = adding_up(pnl.total, pnl_amounts(pnl), REMAINDER)
    return found if pnl.split else ("n/a",) * REMAINDER + found[REMAINDER:]


def pnl_amounts(pnl: Attribution) -> tuple[Decimal, ...]:
    """Return the amounts of PNL_PARTS, USD: fees as their effect, so that all of them add up to the total."""
    return (pnl.spread_capture, pnl.adverse_selection, pnl.inventory, -pnl.fees, pnl.funding)
