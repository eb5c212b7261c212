"""One small market-making history worked out by hand from fills to the report's figures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.accounting.attribution import assess
from pfmm.accounting.ledger import apply, apply_funding, funding_share, mark, net_profit
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import LedgerState
from pfmm.model.order import Fill, Liquidity, Side
from tests.plain_accounting import attribute, edge, markouts_bps, realized_spread

# each 1 ms before a fill, of which it is the mid
MIDS = [
    (-1, "65000.0"),
    (29_999, "65002.0"),
    (59_999, "64990.0"),
    (89_999, "64995.0"),
    (119_999, "65010.0"),
]


def fill(side: Side, price: str, size: str, fee: str, time_ms: int) -> Fill:
    return Fill(
        f"f{time_ms}",
        "o",
        None,
        "BTC-PERP",
        side,
        Decimal(price),
        Decimal(size),
        Decimal(fee),
        Liquidity.MAKER,
        time_ms,
    )


# maker -2 bps of the notional
FILLS = [
    fill(Side.LONG, "64990.0", "0.002", "-0.025996", 0),  # 129.98 USD
    fill(Side.SHORT, "65012.0", "0.001", "-0.0130024", 30_000),  # 65.012
    fill(Side.SHORT, "65000.0", "0.003", "-0.039", 60_000),  # 195, flips to -0.002
    fill(Side.LONG, "64985.0", "0.001", "-0.012997", 90_000),  # 64.985
]
FUNDING = FundingPayment(
    "p", "BTC-PERP", 61_000, Decimal("0.0001"), Decimal("64990.0"), Decimal("-0.002"), Decimal("0.012998")
)


def folded() -> LedgerState:
    state = LedgerState()
    for one in FILLS:
        state = apply(state, one)
    return apply_funding(state, FUNDING)


def test_the_position_and_its_profit() -> None:
    state = folded()
    assert state.size == Decimal("-0.001")
    # 0.022 (65.012 - 64.99), 0.01 (65 - 64.99), then short 0.002 with basis 130 and 0.015 (65 - 64.985)
    assert state.realized == Decimal("0.047")
    assert state.cost_basis == Decimal(65)
    assert state.fees == Decimal("-0.0909954")
    assert mark(state, Decimal("65010.0")) == Decimal("-0.01")
    # 0.047 - 0.01 + 0.0909954 + 0.012998
    assert net_profit(state, Decimal("65010.0")) == Decimal("0.1409934")


def test_where_it_came_from() -> None:
    state = folded()
    judged = list(assess(FILLS, [(time_ms, Decimal(mid)) for time_ms, mid in MIDS]))
    assert [one.capture for one in judged] == [
        Decimal("0.020"),  # (65000 - 64990) * 0.002
        Decimal("0.010"),  # (65012 - 65002) * 0.001
        Decimal("0.030"),  # (65000 - 64990) * 0.003
        Decimal("0.010"),  # (64995 - 64985) * 0.001
    ]
    assert [one.markouts[2] for one in judged] == [
        Decimal("0.004"),  # +2 * 0.002
        Decimal("0.012"),  # fell 12, sold 0.001
        Decimal("-0.015"),  # rose 5, sold 0.003
        Decimal("0.015"),  # rose 15, bought 0.001
    ]
    parts = attribute(judged, total=net_profit(state, Decimal("65010.0")), funding=state.funding)
    assert (parts.spread_capture, parts.adverse_selection) == (Decimal("0.07"), Decimal("0.016"))
    # 0.1409934 - 0.07 - 0.016 - 0.0909954 - 0.012998: what holding the rest lost
    assert parts.inventory == Decimal("-0.049")
    total = parts.spread_capture + parts.adverse_selection + parts.inventory - parts.fees + parts.funding
    assert total == parts.total == Decimal("0.1409934")


def test_inventory_is_the_position_held_beyond_the_horizon() -> None:
    """Each fill moves on from its own 30 s mid to the last: the remainder without any guess."""
    after_30s = {0: "65002.0", 30_000: "64990.0", 60_000: "64995.0", 90_000: "65010.0"}
    held = sum(
        one.signed_size * (Decimal("65010.0") - Decimal(after_30s[one.time_ms])) for one in FILLS
    )  # 0.016 - 0.020 - 0.045 + 0
    assert held == Decimal("-0.049")


def test_markouts_and_edge() -> None:
    judged = list(assess(FILLS, [(time_ms, Decimal(mid)) for time_ms, mid in MIDS]))
    found = markouts_bps(judged)
    # 0.016 USD on 130 + 65.002 + 194.97 + 64.995 = 454.967 USD
    assert found["30s"] == Decimal("0.351674")
    assert found["300s"] is None
    # capture 0.07 and 0.016 after it, on the same 454.967 USD; all of one order, in two minutes: gains of
    # 0.024 + 0.022 on 195.002 USD and of 0.015 + 0.025 on 259.965
    after_5s, after_30s, after_300s = edge(judged)
    assert (after_5s.bps, after_300s.bps) == (None, None)
    ratio = 0.086 / 454.967
    assert after_30s.bps == pytest.approx(ratio * 1e4)  # 1.8902
    error = (2 * ((0.046 - ratio * 195.002) ** 2 + (0.040 - ratio * 259.965) ** 2)) ** 0.5 / 454.967
    assert after_30s.se_bps == pytest.approx(error * 1e4)
    assert (after_30s.n_fills, after_30s.n_orders, after_30s.n_blocks) == (4, 2, 2)


def test_realized_spread_of_the_matched_quantity() -> None:
    # first 0.003 of each side: sold 65.012 + 130 = 195.012, bought 129.98 + 64.985 = 194.965
    assert realized_spread(FILLS) == Decimal("0.024104")  # 0.047 / 194.9885


def test_the_funding_of_two_runs() -> None:
    # one run short 0.003, the other long 0.001: 0.019497 and -0.006499
    assert funding_share(FUNDING, {"grid": Decimal("-0.003"), "quote": Decimal("0.001")}) == {
        "grid": Decimal("0.019497"),
        "quote": Decimal("-0.006499"),
    }
