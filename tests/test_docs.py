"""The documents say what the code does: exit codes, commands, topics and completions."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from pathlib import Path

import jsonschema
import pytest

import pfmm
from pfmm import errors
from pfmm.app import help as pages
from pfmm.app import reference, schemas
from pfmm.app.event_lines import OF_A_LOOP
from pfmm.backtest.loading import format_of, load
from pfmm.backtest.rates import read_funding
from pfmm.cli import app, registry
from pfmm.cli.typer_seam import tree
from pfmm.config.tables import every
from pfmm.model.encoding import jsonable
from pfmm.model.event import EVENT_NAMES
from pfmm.paper.feeds.tape_cache import TapeCache
from tests.held import hold_against_schema, hold_text

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
NEW_YEAR = 1_735_689_600_000  # of 2025, UTC


def test_readme_shows_the_exit_codes_of_the_error_tree() -> None:
    assert reference.exit_code_table() in README


def test_readme_shows_the_measured_figures() -> None:
    """Its table is made of rows of the topic's, which the bench holds to what it measures."""
    rows = [line.strip("| ").split(" | ") for line in pages.text_of(reference.topics()["measured"]).splitlines()]
    measured = {tuple(row[:3]): row[3:] for row in rows if len(row) == 13}
    for kind in ("article's", "grid", "ladder", "quote"):
        btc, eth = (measured[coin, "0", kind] for coin in ("BTC", "ETH"))
        net = [[measured[coin, fee, kind][8] for coin in ("BTC", "ETH")] for fee in ("−2", "0", "+1.5")]
        pairs = [*zip(btc[:7], eth[:7], strict=True), *net, (btc[9], eth[9])]
        assert f"| {kind} | {' | '.join(' / '.join(pair) for pair in pairs)} |" in README.splitlines()


def test_every_error_class_has_a_unique_code_and_a_documented_exit_code() -> None:
    codes = [code for code, _, _ in reference.error_codes()]
    assert len(codes) == len(set(codes))
    documented = dict(reference.exit_codes())
    assert {exit_code for _, exit_code, _ in reference.error_codes()} <= set(documented)
    assert documented[errors.NotFlat.exit_code] == "not flat (residual left)"
    drawn = set(re.findall(r"[A-Z]\w+", (errors.__doc__ or "").split("This module")[0]))
    classes = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert classes <= drawn


def test_no_error_code_is_missing_from_the_reference() -> None:
    for module in pkgutil.walk_packages(pfmm.__path__, "pfmm."):
        if module.name != "pfmm.__main__":
            importlib.import_module(module.name)
    kinds = [errors.PfmmError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    documented = {code for code, _, _ in reference.error_codes()}
    undocumented = {kind.__name__: kind.code for kind in kinds[1:] if kind.code not in documented}
    assert not undocumented


def test_topics_are_the_promised_ones_and_their_tables_are_filled() -> None:
    files = reference.topics()
    assert set(files) == {
        "agents", "config", "data", "design", "exit-codes", "formulas", "json", "measured", "paper-fills", "safety",
        "venues",
    }  # fmt: skip
    for file in files.values():
        assert "{{" not in pages.text_of(file).replace("{{…", "")
    assert reference.exit_code_table() in pages.text_of(files["exit-codes"])
    config = pages.text_of(files["config"])
    assert all(f"`{name}`" in config and f"`{one.variable}`" in config for name, one in every().items())


@pytest.mark.parametrize(
    ("kind", "begins"), [("recording", 1), ("table", NEW_YEAR), ("candles", NEW_YEAR), ("funding rates", 0)]
)
def test_the_examples_of_data_files_are_read(kind: str, begins: int, tmp_path: Path) -> None:
    text = pages.text_of(reference.topics()["data"])
    (section,) = re.findall(rf"^## {kind.capitalize()}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "example"
    path.write_text("".join(f"{line}\n" for line in re.findall(r"^    (.*)$", section, re.MULTILINE)))
    if kind == "funding rates":
        assert read_funding(path) == [(NEW_YEAR, 10_000, 8)]
        return
    assert format_of(path) == kind
    assert load([path], "SOL-PERP", TapeCache(tmp_path / "cache")).columns.first_two_sided() == begins


def test_root_help_lists_the_real_commands_and_every_one_of_them_loads() -> None:
    root = app.build()
    text = registry.root_help()
    for name, line in registry.commands().items():
        command = root.get_command(None, name)
        assert command is not None
        assert command.help, f"{name} needs a help text"
        assert re.search(rf"^  {name} +{re.escape(line)}$", text, re.MULTILINE)
    assert all(len(line) <= 100 for line in text.splitlines())


def test_every_command_and_option_has_help() -> None:
    missing = []
    for node in tree(app.build())[1:]:
        if not node.help:
            missing.append(node.path)
        missing += [f"{node.path} {one.names[0]}" for one in node.options if not one.help and not one.hidden]
    assert not missing


def test_readme_and_help_json_name_every_command() -> None:
    json_topic = (ROOT / "pfmm" / "help" / "json.md").read_text("utf-8")
    for name in registry.commands():
        assert f"pfmm {name}" in README, f"README does not show pfmm {name}"
        assert f"`{name}" in json_topic or name == "record", f"help json does not describe {name}"


@pytest.mark.parametrize(("shell", "file"), [("bash", "pfmm.bash"), ("zsh", "_pfmm"), ("fish", "pfmm.fish")])
def test_completions_are_the_output_of_the_command(shell: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["completions", shell]) == 0
    assert (ROOT / "completions" / file).read_text("utf-8") == capsys.readouterr().out, (
        f"run: pfmm completions {shell} > completions/{file}"
    )


def test_the_script_of_the_checks_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    (command,) = re.findall(r"^    (python3 .*pytest.*)$", README, re.MULTILINE)
    assert command in script.read_text("utf-8")
    assert script.stat().st_mode & 0o111


def test_no_document_or_module_names_a_place_of_one_machine() -> None:
    files = [*ROOT.glob("*.md"), *(ROOT / "pfmm").rglob("*.*"), *(ROOT / "completions").iterdir()]
    for file in files:
        if "__pycache__" not in file.parts:  # other processes compile into it, under names that come and go
            assert not re.search(r"(?<![\w.])/(work|opt|root|home)/", file.read_text("utf-8")), file


def test_settings_have_json_forms() -> None:
    assert jsonable({name: setting.default for name, setting in every().items()})


def test_the_schemas_are_what_the_result_types_make() -> None:
    kept = {file.name: file.read_text("utf-8") for file in schemas.folder().glob("*.json")}
    made = {schemas.file_name(one): schemas.made(one) for one in schemas.commands()}
    assert kept.keys() == made.keys()
    assert [name for name, text in made.items() if kept[name] != text] == [], (
        "run: pfmm help schema --write pfmm/help/schema"
    )


def test_a_changed_field_without_a_changed_schema_fails() -> None:
    row = {"name": "a", "verdict": "ok", "detail": "", "fix": None}
    answer = {"schema": "pfmm/1", "command": "doctor", "ok": True, "warnings": [], "data": {"checks": [row]}}
    hold_against_schema(answer)
    lacking = {name: value for name, value in row.items() if name != "fix"}
    for changed in ({**row, "new": 1}, lacking, {**row, "verdict": "fine"}, {**row, "detail": 1}):
        with pytest.raises(AssertionError, match="pfmm help schema --write"):
            hold_against_schema({**answer, "data": {"checks": [changed]}})


def test_a_changed_field_of_an_event_without_a_changed_schema_fails() -> None:
    line = {
        "event": "fill", "time": "2025-05-04T15:33:00.123Z", "market": "BTC-PERP", "strategy": "grid",
        "fill_id": "f1", "client_order_id": None, "slot": "cell:1:bid", "side": "long",
        "price": "65000", "size": "0.001", "fee": "-0.01",
    }  # fmt: skip

    def hold(told: dict[str, object]) -> None:
        hold_text(json.dumps(told, separators=(",", ":")))

    hold(line)
    hold({**line, "cursor": 7, "run": "a1-r1"})  # as `pfmm events` tells it
    lacking = {name: value for name, value in line.items() if name != "fill_id"}
    for changed in ({"new": 1}, {"price": 65000}, {"time": "now"}, {"side": "buy"}, {"event": "filled"}):
        with pytest.raises(AssertionError, match="pfmm help schema --write"):
            hold({**line, **changed})
    with pytest.raises(AssertionError, match="pfmm help schema --write"):
        hold(lacking)


def test_every_event_of_a_loop_has_a_schema() -> None:
    assert set(OF_A_LOOP) == set(EVENT_NAMES)


def test_every_command_that_answers_has_a_schema() -> None:
    nodes = {node.path for node in tree(app.build()) if node.path and not node.children}
    assert nodes <= set(schemas.commands())


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("grid", ["grid plan", "grid start", "grid status", "grid stop"]),
        ("gird plan", ["grid plan"]),
        ("paper feed", []),
    ],
)
def test_a_schema_that_is_not_there_is_met_with_those_that_are(typed: str, named: list[str]) -> None:
    if not named:
        assert schemas.text_of(typed)
        return
    with pytest.raises(errors.UsageError) as refused:
        schemas.text_of(typed)
    assert re.findall("`pfmm help schema (.*?)`", refused.value.hint or "") == named


def test_the_files_are_written_anew_where_they_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["help", "schema", "--write", str(tmp_path / "made"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["commands"] == list(schemas.commands())
    assert {file.name for file in (tmp_path / "made").iterdir()} == set(map(schemas.file_name, schemas.commands()))
    (tmp_path / "file").touch()
    assert app.run(["help", "schema", "--write", str(tmp_path / "file" / "made"), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "config"


def test_every_schema_is_one() -> None:
    for one in schemas.commands():
        jsonschema.Draft202012Validator.check_schema(json.loads(schemas.text_of(one)))


@pytest.mark.parametrize(
    "told",
    [
        {"schema": "pfmm/1", "command": "", "ok": True, "data": {"version": "1", "new": 1}, "warnings": []},
        {"schema": "pfmm/1", "command": "grid", "ok": True, "data": {}, "warnings": []},
        {"schema": "pfmm/1", "command": "no such", "ok": False, "error": {"code": "usage", "message": ""}},
        {"schema": "pfmm/2", "command": "doctor", "ok": True, "data": {"checks": []}, "warnings": []},
        {"event": "serving", "time": "2025-05-04T15:33:00.123Z", "port": 1},
        {"cursor": 1, "event": "made up", "time": "2025-05-04T15:33:00.123Z", "market": "", "strategy": ""},
    ],
)
def test_no_answer_gets_by_without_a_schema(told: dict[str, object]) -> None:
    with pytest.raises(AssertionError, match="pfmm help schema --write"):
        hold_text(json.dumps(told))
