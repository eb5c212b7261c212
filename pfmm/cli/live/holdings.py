"""What a run holds, what the account holds, and the room to the limit: three things, each by its name. Rendering only.

The limit binds the account's position, the run's own may be smaller, or lie on the other side. Layer: cli.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from pfmm.cli.live.colours import BAD, GOOD
from pfmm.cli.live.fitting import flow
from pfmm.model.text import adding_up, plain

if TYPE_CHECKING:
    from pfmm.model.cycle import CycleReport, RunReport

BAR_WIDTH = 21
WIDE = 90


def profit_lines(
    total: Decimal, realised: Decimal, unrealised: Decimal, fees: Decimal, funding: Decimal, width: int
) -> list[Text]:
    """Tell the profit with its parts, `total +1.2 USD = realised …`: they add up as printed, a rebate is a plus."""
    *words, whole = adding_up(total, (realised, unrealised, -fees, funding), remainder=1)
    names = ("realised", "unrealised", "fees", "funding") if width >= WIDE else ("real.", "unreal.", "fees", "fund.")
    parts = [f"{name} {word}" for name, word in zip(names, words, strict=True)]
    lines = flow([f"total {whole} USD = {parts[0]}", *parts[1:]], width)
    style = GOOD if total > 0 else BAD if total < 0 else ""
    lines[0].stylize(style, 0, len(f"total {whole} USD"))
    return lines


def held(size: Decimal, mark: Decimal) -> str:
    """Say a position in words: "long 0.5 (+50.00 USD)", "nothing"."""
    if not size:
        return "nothing"
    return f"{'long' if size > 0 else 'short'} {plain(abs(size))} ({size * mark:+.2f} USD)"


def holdings(run: RunReport, limit_usd: Decimal | None, width: int, *, trips: bool) -> list[Text]:
    """Tell what the run holds, what the account holds with its base, and the room to the limit of one market."""
    if run.ticker is None:
        return []
    mark = run.ticker.mark
    parts = [f"this run holds {held(run.ledger.size, mark)}", f"account holds {held(run.position, mark)}"]
    if run.base:
        parts.append(f"base {held(run.base, mark)}: counted in the limit, never traded")
    parts += [f"fills {run.fills}", *([f"round trips {run.round_trips}"] if trips else [])]
    lines = flow(parts, width)
    if limit_usd is not None:
        lines += flow(room(run.position * mark, limit_usd), width)
    return lines


def room(position_usd: Decimal, limit_usd: Decimal) -> list[str]:
    """Tell what may still be bought and sold before the limit, without counting open orders: of 400 held and a limit of
    500 USD, 100 to buy and 900 to sell."""
    buy, sell = _room(position_usd, limit_usd)
    share = float(position_usd / limit_usd) if limit_usd else 0.0
    return [f"limit {plain(limit_usd)} USD {bar(share)} {share:+z.0%}", f"room {buy:.2f} to buy, {sell:.2f} to sell"]


def _room(position_usd: Decimal, limit_usd: Decimal) -> tuple[Decimal, Decimal]:
    return max(limit_usd - position_usd, Decimal(0)), max(limit_usd + position_usd, Decimal(0))


def bar(ratio: float) -> str:
    """Draw a bar of fixed width around its middle: 0.5 → `[----------|#####-----]`."""
    half = BAR_WIDTH // 2
    filled = min(half, round(abs(ratio) * half))
    left = "-" * half if ratio >= 0 else "-" * (half - filled) + "#" * filled
    right = "-" * half if ratio <= 0 else "#" * filled + "-" * (half - filled)
    return f"[{left}|{right}]"


def others(report: CycleReport, limits: Mapping[str, Decimal], width: int) -> list[Text]:
    """Tell those of many markets where the account holds something else than the run, with the room that this
    leaves."""
    lines: list[Text] = []
    for run in report.runs:
        if run.ticker is None or run.position == run.ledger.size:
            continue
        mark = run.ticker.mark
        parts = [f"{run.market.removesuffix('-PERP')}: account {run.position * mark:+.2f} USD"]
        parts += [f"base {run.base * mark:+.2f} USD"] if run.base else []
        if run.market in limits:
            buy, sell = _room(run.position * mark, limits[run.market])
            parts.append(f"room {buy:.2f} to buy, {sell:.2f} to sell")
        lines += flow(parts, width, style="dim")
    if any(run.base for run in report.runs):
        lines += flow(["a base is held by no run: counted in the limit, never traded"], width, style="dim")
    return lines
