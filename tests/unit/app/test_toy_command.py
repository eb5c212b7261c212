"""A command is three files and a line of the registry: use case, renderer, parser."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.cli import app, registry
from pfmm.cli.typer_seam import tree
from tests.e2e.homes import stepped_home
from tests.toy_command import command


@pytest.fixture
def home(pfmm_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which `pfmm distance` is plugged in."""
    monkeypatch.setitem(sys.modules, "pfmm.cli.commands.distance", command)
    monkeypatch.setattr(registry, "_COMMANDS", (*registry._COMMANDS, ("distance", "Say how far a price is.")))
    stepped_home(pfmm_home, seed=5)
    return pfmm_home


def test_a_toy_command_is_three_files() -> None:
    folder = Path(__file__).parents[2] / "toy_command"
    assert sorted(file.name for file in folder.glob("*.py")) == ["command.py", "render.py", "use_case.py"]


def test_it_has_text_an_envelope_errors_help_and_completions(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["distance", "btc", "1"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("BTC-PERP is -9999.")
    assert err == "warning: a toy\n"
    assert app.run(["distance", "btc", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["command"], answer["ok"], answer["warnings"]) == ("distance", True, ["a toy"])
    assert set(answer["data"]) == {"market", "distance_bps"}
    assert Decimal(answer["data"]["distance_bps"]) < -9_999
    assert app.run(["distance", "nothing", "1", "--json"]) == 6
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "unknown_market"
    assert app.run(["distance", "btc", "0"]) == 2
    assert "must be above 0" in capsys.readouterr().err
    assert "distance" in {node.path for node in tree(app.build())}
    assert "Say how far a price is." in registry.root_help()
