"""The same seed and stepped clock give the same bytes, in process and over a socket, in one run or in pieces."""

from __future__ import annotations

import json
from pathlib import Path

from pfmm.journal.export import canonical
from tests.e2e.driver import run
from tests.e2e.homes import own_session, served, stepped_home

GRID = ("grid", "start", "BTC-PERP", "--levels", 20, "--range-pct", "0.2", "--cycles", 60)  # close steps: fills soon


def test_socket_and_in_process_give_identical_exports(tmp_path: Path) -> None:
    inside, client, server = tmp_path / "inside", tmp_path / "client", tmp_path / "server"
    stepped_home(inside, seed=11)
    assert run(*GRID, home=inside).code == 0

    stepped_home(server, seed=11)
    with served(server) as env:
        assert run(*GRID, home=client, env=env).code == 0

    exported = export(inside)
    assert exported.count(b'"record": "fill"') > 5, "a run without fills proves little"
    assert exported == export(client)


def export(home: Path) -> bytes:
    """The journal's canonical export."""
    with own_session(home) as session:
        lines = [json.dumps(row, default=str) for row in canonical(session.journal)]
    return "\n".join(lines).encode()
