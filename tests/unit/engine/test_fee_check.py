"""The fee of own fills is the fact: what differs from it by more than 0.05 bp is said once, and gives way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.engine.fee_check import as_charged, charged_bps, differs, warning
from pfmm.model.order import Fill, Liquidity, Side
from tests.e2e.homes import instrument

D = Decimal
STATED = instrument("BTC-PERP", maker_bps=D("1.5"))  # taker 5
MADE = Fill("f", "o", None, "BTC-PERP", Side.LONG, D(50_000), D("0.002"), D("0.015"), Liquidity.MAKER, 0)  # 100 USD


def fee(amount: str, liquidity: Liquidity = Liquidity.MAKER) -> Fill:
    return replace(MADE, fee=D(amount), liquidity=liquidity)


@pytest.mark.parametrize(
    ("fill", "bps", "other"),
    [
        (fee("0.015"), "1.5", False),  # 1.5 bps of 100 USD
        (fee("0.0155"), "1.55", False),  # 0.05 bp is no more than 0.05
        (fee("0.01551"), "1.551", True),
        (fee("-0.002"), "-0.2", True),
        (fee("0.05", Liquidity.TAKER), "5", False),
        (fee("0.045", Liquidity.TAKER), "4.5", True),
        (replace(fee("1"), liquidation=True), "100", False),
        # of 0.5 USD the 1e-6 that an amount is rounded to would be 0.02 bp, and a dust fill's far more
        (replace(fee("0.0002"), size=D("0.00001")), "4", False),
    ],
)
def test_a_fill_is_charged_as_stated_or_not(fill: Fill, bps: str, *, other: bool) -> None:
    assert charged_bps(fill) == D(bps)
    assert differs(STATED, fill) is other


def test_a_difference_is_said_once_a_market_and_kind() -> None:
    told: set[tuple[str, Liquidity]] = set()
    assert warning(STATED, fee("0.015"), told) is None
    assert warning(STATED, fee("0.02"), told) == (
        "maker fills are charged 2 bps where BTC-PERP states 1.5: figures and forecasts go by the fills"
    )
    assert warning(STATED, fee("0.02"), told) is None
    assert "taker fills are charged 4.5 bps" in (warning(STATED, fee("0.045", Liquidity.TAKER), told) or "")


def test_a_market_is_as_its_newest_fills_say() -> None:
    newest_first = [fee("0.02"), fee("0.05", Liquidity.TAKER), fee("0.015"), fee("0.09", Liquidity.TAKER)]
    found = as_charged(STATED, newest_first)
    assert (found.maker_bps, found.taker_bps) == (2, 5)
    assert as_charged(STATED, []) == STATED
