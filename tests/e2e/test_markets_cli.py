"""`pfmm markets` as a real process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.driver import run
from tests.e2e.homes import stepped_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    stepped_home(home, seed=7)
    return home


def test_the_whole_list_has_what_a_maker_needs(home: Path) -> None:
    data = run("markets", "--json", home=home).data
    assert data["venue"] == "paper"
    names = [row["market"] for row in data["markets"]]
    assert len(names) == len(set(names)) > 200
    bitcoin = next(row for row in data["markets"] if row["market"] == "BTC-PERP")
    assert bitcoin == {
        "market": "BTC-PERP",
        "category": "crypto",
        "price_rule": {"unit": "0.1", "significant_figures": 5},
        "size_step": "0.00001",
        "min_notional": "10",
        "max_leverage": 40,
        "maker_bps": -2,
        "taker_bps": 5,
        "funding_interval_hours": 8,
    }


def test_a_category_and_a_search_narrow_it(home: Path) -> None:
    metals = run("markets", "--category", "Commodity", "--search", "old", "--json", home=home).data["markets"]
    assert [(row["market"], row["category"]) for row in metals] == [("GOLD-PERP", "commodity")]
    assert run("markets", "--search", "no such thing", "--json", home=home).data["markets"] == []
    wrong = run("markets", "--category", "metal", "--json", home=home)
    assert (wrong.code, wrong.error["hint"]) == (2, "it has commodity, crypto, forex, index, stock")


def test_the_table_says_the_same(home: Path) -> None:
    lines = run("markets", "--search", "btc-", "--volume", home=home).out.splitlines()
    assert lines[0].split() == [
        *("market", "category", "price", "step", "size", "step", "min", "USD", "leverage", "maker", "taker"),
        *("funding", "24", "h", "USD"),
    ]
    assert lines[1].split() == [
        *("BTC-PERP", "crypto", "0.1", "(5", "figures)", "0.00001", "10", "40x", "-2", "+5", "8", "h", "n/a")
    ]
