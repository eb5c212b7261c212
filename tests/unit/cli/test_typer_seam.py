"""What pfmm needs of Typer's internals: each test fails when a release of Typer no longer works that way."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import pytest
import typer
import typer.core

from pfmm.cli import app, typer_seam
from pfmm.cli.nodes import Node
from pfmm.cli.typer_seam import FlagSource, Invocation, command_from, invocation_of, takes, tree


def _width(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 9:
        raise ValueError(f"toy.width_bps must be 1 to 9, not {text!r}")
    return int(text)


WIDTH = FlagSource("toy.width_bps", ("--width", "-w"), "NUMBER", "Width (1 to 9; default 5).", _width)


def invoke(function: Any, *arguments: str) -> int:
    """Runs one command function under the real root; returns the exit code."""
    root = app.build()
    single = typer.Typer()
    single.command("try")(function)
    root.commands["try"] = command_from(single, "try")
    with pytest.raises(SystemExit) as end:
        root.main(["try", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_flags_of_settings_reach_the_invocation_and_no_parameter() -> None:
    seen: list[dict[str, Any]] = []

    @takes([WIDTH])
    def command(context: typer.Context, market: Annotated[str, typer.Argument()] = "BTC") -> None:
        seen.append({**invocation_of(context).flags, "market": market})

    assert invoke(command, "SOL", "--width", "7") == 0
    assert invoke(command, "-w", "1") == 0
    assert invoke(command) == 0
    assert seen == [{"toy.width_bps": 7, "market": "SOL"}, {"toy.width_bps": 1, "market": "BTC"}, {"market": "BTC"}]


@pytest.mark.parametrize("text", ["0", "nan", "", "10"])
def test_a_flag_that_its_setting_refuses_is_a_usage_error_naming_the_option(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @takes([WIDTH])
    def command(context: typer.Context) -> None:
        raise AssertionError(f"must not run: {invocation_of(context)}")

    assert invoke(command, "--width", text) == 2
    err = capsys.readouterr().err
    assert "--width" in err
    assert f"must be 1 to 9, not {text!r}" in err


def test_a_shared_app_without_settings_keeps_its_own_options() -> None:
    seen: list[Invocation] = []

    def command(context: typer.Context, own: Annotated[bool, typer.Option("--own", help="Own.")] = False) -> None:
        assert own
        seen.append(invocation_of(context))

    assert invoke(command, "--own", "--json", "-q", "--profile", "live") == 0
    assert seen == [Invocation(profile="live", json=True, quiet=True)]


def test_the_tree_tells_commands_options_and_which_take_a_value() -> None:
    nodes = {node.path: node for node in tree(app.build())}
    assert next(iter(nodes)) == ""
    start = nodes["grid start"]
    valued = {name for option in start.options if option.valued for name in option.names}
    flags = {name for option in start.options if not option.valued for name in option.names}
    assert {"--levels", "--interval", "--profile"} <= valued
    assert {"--once", "--yes", "-y", "--json", "--version"} <= flags
    assert {one.names[0] for one in start.options if one.hidden} == {
        "--profile", "--json", "--quiet", "--verbose", "--version",
    }  # fmt: skip
    assert nodes["grid"].children["status"].startswith("Show every grid")
    assert isinstance(nodes["flatten"], Node)
    assert not nodes["flatten"].children


def test_help_breaks_its_lines_like_those_of_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = typer_seam.help_of(typer.Context(app.build()), "grid start") or ""
    ends = {line.split()[-1] for line in text.splitlines() if line}
    assert not ends & {"most", "(above", "mon-"}  # "at most 90", "(above 0", "mon-fri": each on one line
    assert "(above 0, at most 1000000000;\n" in text
    assert max(map(len, text.splitlines())) <= 60


def test_no_command_offers_typers_own_completion_options() -> None:
    for node in tree(app.build()):
        assert not [option for option in node.options if "completion" in option.names[0]], node.path


def test_typers_seams_are_where_we_lean_on_them() -> None:
    """The methods that are overridden exist with the parameters that are passed through."""
    group = typer.core.TyperGroup
    for name in ("list_commands", "get_command", "resolve_command", "get_help", "make_context", "invoke"):
        assert callable(getattr(group, name)), name
    assert {"args", "prog_name", "complete_var", "standalone_mode", "windows_expand_args"} <= set(
        inspect.signature(group.main).parameters
    )
    assert hasattr(group, "_main_shell_completion")
    assert {"param_decls", "expose_value", "callback", "is_eager", "hidden", "metavar"} <= set(
        inspect.signature(typer.core.TyperOption.__init__).parameters
    )
    assert hasattr(typer.Typer(), "_add_completion")


def test_usage_errors_say_which_help_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["paper", "deposit", "-5"]) == 2
    assert "a negative value goes behind two dashes" in capsys.readouterr().err
    assert app.run(["profile", "show", "--wat"]) == 2
    assert "`pfmm profile show --help` shows how to use it" in capsys.readouterr().err
    assert typer_seam.path_of(app.build(), ["nothing"]) == ""
