"""A host with the article's two endpoints alone: what it lacks is said all at once, with what works without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.server.serve import PaperServer
from tests.e2e.driver import run_here

TICKER = {"market": "BTC-PERP", "bid": 64000.0, "ask": 64001.0, "mark": 64000.5, "funding_rate": 0.0001}
LACKING = ("/api/time", "/api/markets", "/api/orderbook", "/api/state", "/api/orders", "/api/account", "/api/positions")


def article(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Serves the ticker; every other path is none."""
    found = environ["PATH_INFO"] == "/api/ticker/BTC-PERP"
    payload = json.dumps(TICKER if found else {"error": "not_found", "message": "no such path"}).encode()
    start("200 OK" if found else "404 Not Found", [("Content-Length", str(len(payload)))])
    return [payload]


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    with PaperServer(article, "127.0.0.1", 0).running() as server:
        yield {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": server.url, "PFMM_API_KEY": "a-key"}


def test_funding_works_with_the_ticker_alone(tmp_path: Path, env: dict[str, str]) -> None:
    (row,) = run_here("funding", "BTC", "--json", home=tmp_path, env=env).data["markets"]
    assert Decimal(str(row["rate_bps"])) == 1  # 0.0001 of the notional


@pytest.mark.parametrize(
    "line",
    [
        "grid plan BTC",
        "grid start BTC --once --yes",
        "quote show BTC",
        "doctor",
        "inventory",
        "funding --all",
        "book BTC",
    ],
)
def test_the_refusal_lists_all_that_is_missing_and_what_works(tmp_path: Path, env: dict[str, str], line: str) -> None:
    done = run_here(*line.split(), "--json", home=tmp_path, env=env)
    assert done.code == 6
    assert done.error["code"] == "cannot_do_this"
    assert all(path in done.error["message"] for path in LACKING)
    assert "nothing was sent" in done.error["message"]
    assert "`pfmm funding MARKET`" in done.error["hint"]
    assert "pfmm markets" not in done.error["hint"], "which it cannot either"
