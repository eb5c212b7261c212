"""pfmm's ids and cloids are a bijection; every other text is refused or is a stranger's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import RiskRefused
from pfmm.venue.hyperliquid.client_ids import from_cloid, to_cloid

HEX = "0123456789abcdef"


def test_ids_and_cloids_by_example() -> None:
    assert to_cloid("a1b2c3-26") == "0x70f0a1b2c3000000000000000000001a"
    assert to_cloid("flatten-0123456789-3") == "0x70f10123456789000000000000000003"


@given(st.text(HEX, min_size=6, max_size=6), st.integers(0, 16**22 - 1))
def test_ids_of_runs_come_back(nonce: str, number: int) -> None:
    cloid = to_cloid(f"{nonce}-{number}")
    assert len(cloid) == 34
    assert from_cloid(cloid) == f"{nonce}-{number}"


@given(st.text(HEX, min_size=10, max_size=10), st.integers(0, 16**18 - 1))
def test_ids_of_flattens_come_back(nonce: str, number: int) -> None:
    assert from_cloid(to_cloid(f"flatten-{nonce}-{number}")) == f"flatten-{nonce}-{number}"


@given(st.text(HEX, min_size=32, max_size=32))
def test_a_cloid_is_a_strangers_or_gives_back_itself(digits: str) -> None:
    client_order_id = from_cloid(f"0x{digits}")
    assert client_order_id is None or to_cloid(client_order_id) == f"0x{digits}"


@pytest.mark.parametrize(
    "client_order_id",
    [
        "",
        "A1B2C3-1",
        "a1b2c3-01",
        "a1b2c3--1",
        "a1b2c-1",
        f"a1b2c3-{16**22}",
        "flatten-0123-1",
        "a1b2c3-1\n",
        "a1b2c3-１",
    ],
)
def test_ids_without_a_cloid_are_refused_before_sending(client_order_id: str) -> None:
    with pytest.raises(RiskRefused, match="nothing was sent"):
        to_cloid(client_order_id)


@pytest.mark.parametrize("cloid", ["", "0x", "70f0a1b2c3000000000000000000001a", "0x70f0" + "A" * 28, "0x" + "0" * 33])
def test_malformed_cloids_are_nobodys(cloid: str) -> None:
    assert from_cloid(cloid) is None
