"""The embedded exchange as text. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.cli.render.tables import table
from pfmm.model.encoding import ABSENT
from pfmm.model.fees import stored
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.paper import Deposited, FeedShown, PaperStatus
    from pfmm.app.paper_accounts import PaperAccount
    from pfmm.app.paper_clock import PaperClock


WORDS = {"long": "buy", "short": "sell"}


def render_status(result: PaperStatus, width: int | None) -> str:
    """Show market, clock and account, then positions and orders."""
    lines = [
        f"paper account {result.account} ({result.url or 'embedded'})",
        _clock(result),
        f"equity {result.equity:.4f} USDC   cash {result.cash:.4f}   margin used {result.margin_used:.4f}   "
        f"free {result.free_margin:.4f}",
    ]
    if result.positions:
        rows = [
            (p.market, p.side, plain(abs(p.size)), f"{p.notional:.2f}", f"{p.unrealized_pnl:+.4f}")
            for p in result.positions
        ]
        lines += ["", table(("positions", "side", "size", "USD", "unreal."), rows, right=(2, 3, 4), width=width)]
    if result.open_orders:
        rows = [
            (o.market, WORDS[o.side], "market" if o.price is None else plain(o.price), plain(o.size), plain(o.filled))
            for o in sorted(result.open_orders, key=lambda o: (o.market, -(o.price or 0)))
        ]
        lines += ["", table(("orders", "side", "price", "size", "filled"), rows, right=(2, 3, 4), width=width)]
    return "\n".join(lines)


def render_clock(result: PaperClock, width: int | None) -> str:  # noqa: ARG001 - a line a fact
    """Show both clocks, and how far they are apart where one was set."""
    pace = "stepped by its clients" if not result.speed else f"speed {result.speed:g}"
    lines = [f"paper time   {result.time}   {pace}   {result.state}", f"this machine {result.machine_time}"]
    if result.changed == "keep":
        lines.append("the machine's clock is taken for right from now on; paper time goes on from where it is")
    elif result.changed == "catch_up":
        lines.append("the machine's clock is taken for right from now on; paper time has caught up with it")
    elif result.stepped:
        lines.append(f"the machine's clock is {result.apart_s:+.0f} s from what it should say; what to do:")
        lines.append("  pfmm paper clock --keep      it is right now, and paper time goes on from where it is")
        if result.apart_s > 0:
            lines.append("  pfmm paper clock --catch-up  it is right now, and paper time lives through the rest")
        lines.append("  pfmm paper reset             drop every paper account and begin at the machine's time")
        lines.append("or nothing, where the machine's clock is to be set back: paper time is in order then")
    return "\n".join(lines)


def render_deposit(result: Deposited, width: int | None) -> str:  # noqa: ARG001 - one sentence
    """Say what was added, and what there is now."""
    return f"{plain(result.amount)} USDC deposited on paper account {result.account}: equity {result.equity:.4f} USDC"


def render_account(result: PaperAccount, width: int | None) -> str:  # noqa: ARG001 - a line a fact
    """Show name and address, and the key where it was asked for."""
    lines = [f"paper account {result.account}   address {result.address}"]
    lines += [] if result.key is None else [f"key {result.key} (made from the name: paper money only)"]
    lines += [] if result.key_file is None else [f"its key is in {result.key_file}"]
    return "\n".join(lines)


def render_feed(result: FeedShown, width: int | None) -> str:  # noqa: ARG001 - a line a fact
    """Show the market and its clock, and what was dropped or kept aside for it."""
    lines = [_clock(result)]
    if result.dropped_accounts is not ABSENT:
        names = "".join(f" {name}" for name in result.dropped_accounts)
        lines.append(f"dropped {len(result.dropped_accounts)} paper accounts{names}")
        lines += [f"journal kept as {moved['to']}" for moved in result.journals]
    return "\n".join(lines)


def _clock(result: PaperStatus | FeedShown) -> str:
    config = result.feed
    what = config["kind"]
    if what == "synthetic":
        what += f" seed {config['seed']}"
    elif what == "replay":
        what += f" {', '.join(config['files'])}"
    elif what == "live":
        what += f" {config['venue']} {config['network']} (paper money on live data)"
    charged = stored(config.get("fees"))
    fees = "" if charged is None else f"   {charged.text}"
    pace = "stepped by its clients" if not result.speed else f"speed {result.speed:g}"
    return f"market {what}   {result.time}   {pace}   {result.state}{fees}"
