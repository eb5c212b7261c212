"""A venue that tells another fill under the id of one that is recorded: the journal goes no further, flatten does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors
from tests.e2e.driver import run
from tests.e2e.scripted_venue import ScriptedVenue
from tests.e2e.test_delisted_market import LISTED, NOW_MS, ORDER, account_with, state
from tests.unit.scripted_venue import fill

TOLD = {
    "fill_id": "f1", "order_id": "1", "client_order_id": None, "market": LISTED, "side": "long", "price": 100,
    "size_base": 3, "fee": 0, "liquidity": "maker", "time": NOW_MS,
}  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with a run, and with the fill f1 as one of 2 at 100."""
    path = tmp_path / "state" / "journals" / "paper-default.sqlite3"
    path.parent.mkdir(parents=True)
    with closing(Journal.open(path, venue="paper", account="default", nonce="abc")) as made:
        made.start_run("grid", LISTED, {}, time_ms=NOW_MS, wall_ms=NOW_MS, pid=1)
        made.absorb(fills=[fill(fill_id="f1", market=LISTED)], funding=[], cursors=Cursors("0", "0"))
    return path


@pytest.fixture
def venue() -> Iterator[dict[str, str]]:
    """The environment of a venue that tells f1 as one of 3, and has an order resting."""
    orders = [{**ORDER, "market": LISTED}]

    def shown(query: str) -> dict[str, Any] | None:
        found = state(query)
        return found and {
            **found,
            "speed": 0,
            "orders": list(orders),
            "fills": [] if "limit=0" in query else [TOLD],
        }

    with ScriptedVenue(account_with(shown, orders)).serving() as served:
        yield {"PFMM_BASE_URL": served.url}


@pytest.mark.waits
def test_every_command_names_the_fill_and_the_file_and_flatten_works(
    tmp_path: Path, journal: Path, venue: dict[str, str]
) -> None:
    what = f"fill f1 is told as {LISTED} long 3 at 100, and is recorded as {LISTED} long 2 at 100 in the journal"
    for command, code in ((("inventory",), 6), (("grid", "status"), 6), (("grid", "stop"), 8)):
        refused = run(*command, "--json", home=tmp_path, env=venue)
        assert refused.code == code
        assert f"{what} {journal}" in refused.error["message"]
        assert "`pfmm flatten --all`, which needs no journal, then move that file away" in refused.error["hint"]
    flat = run("flatten", "--all", "--json", home=tmp_path, env=venue)
    assert (flat.code, flat.data["state"], flat.data["cancelled"]) == (0, "flat", 1)
    assert f"{what} {journal}" in flat.envelope["warnings"][0]


def test_once_the_file_is_moved_away_the_account_goes_on(tmp_path: Path, journal: Path, venue: dict[str, str]) -> None:
    run("flatten", "--all", "--json", home=tmp_path, env=venue)
    stuck = run("resume", "--json", home=tmp_path, env=venue)
    assert (stuck.code, str(journal) in stuck.error["message"]) == (8, True)
    for part in journal.parent.glob(f"{journal.name}*"):
        part.rename(tmp_path / part.name)
    assert run("resume", "--json", home=tmp_path, env=venue).data["halted_by"] == "flatten"
    shown = run("inventory", LISTED, "--json", home=tmp_path, env=venue)
    assert [row["market"] for row in shown.data["positions"]] == [LISTED]
