"""Which market a trader's spelling means."""

from __future__ import annotations

import pytest

from pfmm.model.spelling import spelled


@pytest.mark.parametrize(
    ("spelling", "names", "found"),
    [
        ("BTC-PERP", ["BTC-PERP"], "BTC-PERP"),
        (" btc-perp ", ["BTC-PERP"], "BTC-PERP"),
        ("BTC", ["BTC-PERP"], "BTC-PERP"),
        ("btc", ["BTC-PERP"], "BTC-PERP"),
        ("kpepe", ["kPEPE-PERP"], "kPEPE-PERP"),
        ("xyz:tsla", ["xyz:TSLA"], "xyz:TSLA"),
        ("BTC", ["BTC-PERP", "BTC"], "BTC"),
        ("kBTC", ["kBTC", "KBTC"], "kBTC"),
        ("KBTC", ["KBTC", "kBTC"], "KBTC"),
        ("KBTC", ["kBTC"], "kBTC"),
        ("ETH", ["BTC-PERP"], None),
        ("", ["BTC-PERP"], None),
    ],
)
def test_a_spelling_means_one_market(spelling: str, names: list[str], found: str | None) -> None:
    assert spelled(spelling, names) == found
