"""A full disk and a read-only state folder, as a plain user meets them: what the venue allows is done, and said.

The exchange is another process, whose own files can be written. A full disk is a limit on the size of any file. Root
gives up its right to write everywhere, so that the folder's mode binds it as everybody.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.paper.messages import PlaceRequest
from tests.e2e.driver import PATIENCE_S, Running, environment, run
from tests.e2e.homes import still_home
from tests.held import answer_of

PFMM = [sys.executable, "-m", "pfmm"]


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A venue of its own with a grid of ours on it and 100 USD held."""
    still_home(tmp_path / "exchange")
    with Running("paper", "serve", "--port", "0", home=tmp_path / "exchange") as server:
        live = {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": server.wait_for("http://").strip(),
                "PURPLE_FLEA_KEY": "paper-default"}  # fmt: skip
        assert (
            run(
                "grid",
                "start",
                "BTC",
                "--once",
                "--yes",
                "--yes-unprotected",
                "--json",
                home=tmp_path / "home",
                env=live,
            ).code
            == 0
        )
        bought = PlaceRequest("BTC-PERP", "long", "market", Decimal(100))
        with_exchange(tmp_path, lambda one: one.place("default", bought))
        yield live
        server.process.terminate()
        server.end()


def with_exchange(folder: Path, what: Any) -> Any:
    exchange = open_exchange(folder / "exchange" / "state")
    try:
        return what(exchange)
    finally:
        exchange.close()


def resting(folder: Path) -> int:
    return with_exchange(folder, lambda one: len(one.orders("default")))  # type: ignore[no-any-return]


def full_disk(home: Path) -> list[str]:
    assert home.is_dir()
    return ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]


def read_only(home: Path) -> list[str]:
    for folder in [home, *(path for path in home.rglob("*") if path.is_dir())]:
        folder.chmod(0o555)
    for file in (path for path in home.rglob("*") if path.is_file()):
        file.chmod(0o444)
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root writes everywhere, and there is no setpriv to give that up")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def command(prefix: list[str], *words: str, home: Path, env: dict[str, str]) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [*prefix, *PFMM, *words, "--json"], env=environment(home, env), capture_output=True, text=True,
        timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, answer_of(done.stdout), done.stderr


@pytest.mark.waits
@pytest.mark.parametrize(
    "failing",
    [pytest.param(full_disk, id="full disk", marks=pytest.mark.slow), pytest.param(read_only, id="read only")],
)
def test_what_rests_is_cancelled_and_what_is_held_is_closed_all_the_same(
    tmp_path: Path, env: dict[str, str], failing: Any
) -> None:
    home = tmp_path / "home"
    prefix = failing(home)
    try:
        code, shown, _ = command(prefix, "grid", "status", "BTC", home=home, env=env)
        assert code in (0, 3), shown
        assert "BTC-PERP" in json.dumps(shown)
        code, stopped, _ = command(prefix, "grid", "stop", "BTC", "--unknown-orders", "--yes", home=home, env=env)
        assert (code, resting(tmp_path)) == (3, 0), stopped
        code, flat, _ = command(prefix, "flatten", "BTC", "--yes", home=home, env=env)
        assert Decimal(flat["data"]["markets"][0]["after"]) == 0, flat
        assert code in (0, 8), flat
        held = with_exchange(tmp_path, lambda one: [p.size_base for p in one.positions("default") if p.size_base])
        assert held == []
    finally:
        for path in [home, *home.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
