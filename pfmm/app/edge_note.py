"""What a live start says of fees and of what the strategy broke even at, before anybody is asked. Layer: app.

Break-even figures are the account's own, of the last week's runs of that strategy on those markets. Nothing is refused
by them: few fills carry no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pfmm.model.fees import Fees, fees_text

if TYPE_CHECKING:
    from pfmm.app.session import Session

WEEK_MS = 7 * 86_400_000
NEWEST_RUNS = 50  # of each market: cron may have begun many


def edge_lines(session: Session, kind: str, markets: Sequence[str], fees: Mapping[str, Fees]) -> tuple[str, str]:
    """Say which fees are charged, and at which maker fee the fills of earlier runs broke even."""
    from pfmm.accounting.edge import edge_of
    from pfmm.accounting.minutes import tally_of_rows
    from pfmm.report.wording import CAPTION, break_even_line

    since_ms = session.venue.time().time_ms - WEEK_MS
    runs = [run for market in markets for run in session.journal.runs(kind=kind, market=market)[-NEWEST_RUNS:]]
    edge = edge_of([tally_of_rows(session.journal.recent_minutes(r.market, r.run_id, since_ms)) for r in runs])
    measured = f"{break_even_line(edge)}, of the last week's {kind} here"
    if edge.headline.bps is None:
        measured = (
            f"{CAPTION}: not measured here; `pfmm record {markets[0]} … --break-even {kind}` measures it, with no order"
        )
    claim = "" if session.real_money else " (play money: no claim of an edge)"
    return fees_text(fees), measured + claim
