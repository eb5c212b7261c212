"""What a start says of liquidation and of collateral, against a venue written down answer by answer."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.liquidation_check import liquidation_lines
from pfmm.app.session import Session
from pfmm.config.resolve import load_settings
from pfmm.errors import RiskRefused
from tests.unit.venue.hyperliquid.test_lists_and_modes import ACCOUNT, TSLA, Venue, adapter

D = Decimal


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[Session]]:
    found: list[Session] = []
    yield found
    for session in found:
        session.close()


def lines(opened: list[Session], home: Path, limit_usd: int, venue: Venue, **flags: Any) -> list[str]:
    """What a start on the builder's market says; the account holds 1 of it, worth 300."""
    env = {"PFMM_HOME": str(home), "PFMM_VENUE": "hyperliquid", "PFMM_ACCOUNT": ACCOUNT}
    session = Session(load_settings(env, overrides=flags))
    opened.append(session)
    session.venue = adapter(venue, "xyz")
    look = session.venue.state([TSLA])
    return liquidation_lines(session, [session.instruments[TSLA]], {TSLA: D(limit_usd)}, look)


def test_an_isolated_position_is_backed_by_what_opens_it(opened: list[Session], tmp_path: Path) -> None:
    """3x of 10x: a third of it backs it, 0.05 is its maintenance; 300 x (1 - 1/3) / 0.95 is where a long ends."""
    assert lines(opened, tmp_path, 600, Venue()) == [
        "xyz:TSLA-PERP: isolated margin at 3x, which pfmm never changes; 600.00 USD long is liquidated at 210.52, "
        "short at 380.96",
        "a price 10 % against a full inventory leaves 107.00 USD before liquidation",  # 200 - 60 - 660 x 0.05
    ]


def test_what_is_held_already_counts_where_it_is_more(opened: list[Session], tmp_path: Path) -> None:
    assert " 300.00 USD long " in lines(opened, tmp_path, 100, Venue())[0]


def test_collateral_that_must_lie_elsewhere_is_asked_for_by_its_amount(opened: list[Session], tmp_path: Path) -> None:
    told = lines(opened, tmp_path, 600, Venue(equity="150"))
    assert told[1] == (
        "xyz:TSLA-PERP: 600.00 USD at 3x want 200.00 USD of collateral on its own list of markets, where 150.00 lie: "
        "move 50.00 there at the venue"
    )
    assert told[2].endswith("leaves 57.00 USD before liquidation")
    with pytest.raises(RiskRefused, match=r"leaves -73\.00 USD before liquidation; nothing was sent") as refused:
        lines(opened, tmp_path, 600, Venue(equity="20"))
    assert "move 180.00 there at the venue; a smaller --max-inventory" in (refused.value.hint or "")


def test_what_is_left_must_be_more_than_twice_the_largest_loss(opened: list[Session], tmp_path: Path) -> None:
    lines(opened, tmp_path, 600, Venue(), **{"run.max_loss_usd": D("53.49")})
    with pytest.raises(RiskRefused, match=r"more than 107\.00 is wanted, twice the largest loss"):
        lines(opened, tmp_path, 600, Venue(), **{"run.max_loss_usd": D("53.5")})


def test_all_markets_together_hold_no_more_than_their_limit(opened: list[Session], tmp_path: Path) -> None:
    """Cross margin, 2,000 of equity on both lists: the move and the maintenance of 10,000 cost 1,550."""
    assert lines(opened, tmp_path, 10_000, Venue(margin="cross"))[-1].endswith("leaves 450.00 USD before liquidation")
    told = lines(opened, tmp_path, 10_000, Venue(margin="cross"), **{"run.max_total_usd": D(5_000)})
    assert told[-1].endswith("leaves 1225.00 USD before liquidation")
