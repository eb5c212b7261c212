"""The output contract: envelopes, plain decimals, times, streams, and readers that go away."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import typer

from pfmm.app.contract import Question
from pfmm.cli import app, options, output, typer_seam
from pfmm.cli.output import EventStream, Failed, Failure, Globals, Result, as_written, emit, emit_failure, fitted
from pfmm.cli.prompt import agreed, ask, own_line
from pfmm.cli.render.tables import table
from pfmm.cli.typer_seam import globals_of
from pfmm.errors import NotFlat, UsageError
from pfmm.model.encoding import jsonable
from pfmm.model.text import iso

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def _answers_hold_to_their_schemas(_wrong_answers: list[str]) -> Iterator[None]:
    """What is printed here is made up."""
    yield
    _wrong_answers.clear()


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Row:
    price: Decimal
    colour: Colour


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1E+2"), "100"),
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("-1.50"), "-1.50"),
        (Decimal("1E-8"), "0.00000001"),
        (0.5, 0.5),
        (True, True),
        (None, None),
        (7, 7),
        ("x", "x"),
        (Row(Decimal(3), Colour.RED), {"price": "3", "colour": "red"}),
        ({"a": (Decimal(1), [Colour.RED])}, {"a": ["1", ["red"]]}),
    ],
)
def test_values_have_one_json_form(value: Any, expected: Any) -> None:
    assert jsonable(value) == expected
    assert type(jsonable(value)) is type(expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_not_finite_has_no_json_form(value: Any) -> None:
    with pytest.raises(ValueError, match="no JSON form"):
        jsonable({"x": [value]})


@pytest.mark.parametrize("value", [object(), {1, 2}, Row, b"x"])
def test_unknown_types_have_no_json_form(value: Any) -> None:
    with pytest.raises(TypeError, match="no JSON form"):
        jsonable(value)


def test_times_are_utc_with_milliseconds() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(1735689600123) == "2025-01-01T00:00:00.123Z"
    with pytest.raises(ValueError, match="out of range"):
        iso(10**18)


def test_envelope_or_text(capsys: pytest.CaptureFixture[str]) -> None:
    result = Result({"size": Decimal("0.10")}, lambda: "size 0.10", ("careful",))
    output.emit(Globals("grid plan", json=True), result)
    out, err = capsys.readouterr()
    assert out == (
        '{"schema":"pfmm/1","command":"grid plan","ok":true,"data":{"size":"0.10"},"warnings":["careful"]}\n'
    )
    assert err == ""
    output.emit(Globals("grid plan", quiet=True), result)
    assert capsys.readouterr() == ("size 0.10\n", "warning: careful\n")


def test_failures_go_to_stderr_or_into_the_envelope(capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure.of(NotFlat("0.1 BTC is left", hint="again"))
    output.emit_failure("flatten", failure, as_json=False)
    assert capsys.readouterr() == ("", "pfmm: 0.1 BTC is left\n      again\n")
    output.emit_failure("flatten", failure, as_json=True, result=Result({"left": Decimal("0.1")}, str))
    assert json.loads(capsys.readouterr().out) == {
        "schema": "pfmm/1",
        "command": "flatten",
        "ok": False,
        "error": {"code": "not_flat", "message": "0.1 BTC is left", "hint": "again", "exit_code": 9},
        "data": {"left": "0.1"},
        "warnings": [],
    }


def test_talk_is_silenced_by_quiet_and_details_need_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    for given in (Globals("x"), Globals("x", quiet=True), Globals("x", verbose=True)):
        output.say(given, "said")
        output.detail(given, "detail")
    assert capsys.readouterr() == ("", "said\nsaid\ndetail\n")


def test_events_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    EventStream().write("fill", 1000, market="BTC-PERP", price=Decimal("1.0"), note="a\nb")
    assert capsys.readouterr().out == (
        '{"event":"fill","time":"1970-01-01T00:00:01.000Z","market":"BTC-PERP","price":"1.0","note":"a\\nb"}\n'
    )


def test_a_table_is_aligned() -> None:
    text = table(("market", "size"), [("BTC", "1.5"), ("DOGE-PERP", "10")], right=(1,))
    assert text == "market     size\nBTC         1.5\nDOGE-PERP    10"


def test_a_table_of_nothing_is_its_header() -> None:
    assert table(("a", "bb"), []) == "a  bb"


def run_with(command: Any, *arguments: str) -> int:
    """Runs one command function under the real root and its boundary."""
    root = app.build()
    single = typer.Typer(add_completion=False)
    single.command("try")(command)
    root.commands["try"] = typer_seam.command_from(single, "try")
    with pytest.raises(SystemExit) as end:
        root.main(["try", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((), (), Globals("try")),
        (("--json", "-q"), (), Globals("try", json=True, quiet=True)),
        ((), ("--json", "-v", "--profile", "live"), Globals("try", profile="live", json=True, verbose=True)),
        (("--profile", "a"), ("--profile=b",), Globals("try", profile="b")),
    ],
)
def test_global_options_work_on_both_sides(before: tuple[str, ...], after: tuple[str, ...], expected: Globals) -> None:
    seen = []

    def command(context: typer.Context) -> None:
        seen.append(globals_of(context))

    root = app.build()
    single = typer.Typer(add_completion=False)
    single.command("try")(command)
    root.commands["try"] = typer_seam.command_from(single, "try")
    with pytest.raises(SystemExit):
        root.main([*before, "try", *after])
    assert seen == [expected]


def test_the_boundary_turns_failures_into_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def raises(error: BaseException) -> Any:
        def command() -> None:
            raise error

        return command

    answer = Failed(NotFlat("left"), Result({"n": 1}, lambda: "one left"))
    table: list[tuple[BaseException, int, str]] = [
        (NotFlat("left"), 9, "not_flat"),
        (UsageError("no"), 2, "usage"),
        (answer, 9, "not_flat"),
        (typer.Abort(), 130, "interrupted"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (EOFError(), 130, "interrupted"),
        (ZeroDivisionError("x"), 1, "bug"),
    ]
    for error, code, name in table:
        assert run_with(raises(error)) == code
        assert capsys.readouterr().out == ("one left\n" if error is answer else "")
        assert run_with(raises(error), "--json") == code
        out, err = capsys.readouterr()
        envelope = json.loads(out)
        assert (envelope["ok"], envelope["command"], envelope["error"]["code"]) == (False, "try", name)
        assert envelope["error"]["exit_code"] == code
        assert ("Traceback" in err) == (name == "bug")
    assert run_with(raises(typer.Exit(12))) == 12


def test_usage_errors_have_an_envelope_too(capsys: pytest.CaptureFixture[str]) -> None:
    table = [
        (["profile", "set", "--json"], "profile set", "Missing argument 'SETTING'"),
        (["--json", "profile", "sho"], "profile", "No such command 'sho'"),
        (["--json", "nothing"], "", "there is no command 'nothing'"),
        (["profile", "show", "--json", "--wat"], "profile show", "No such option: --wat"),
        (["--json", "profile", "show", "--profile"], "profile show", "requires an argument"),
        (["--json", "profile"], "profile", "which command?"),
    ]
    for arguments, command, message in table:
        assert app.run(arguments) == 2
        envelope = json.loads(capsys.readouterr().out)
        assert (envelope["command"], envelope["error"]["code"]) == (command, "usage")
        assert message in envelope["error"]["message"]
    assert app.run(["profile", "show", "--", "--json"]) != 0
    assert not capsys.readouterr().out  # after -- it is no option


PARSERS = [
    (options.positive_decimal, ["1", "0.5", "1e3"], ["0", "-1", "nan", "inf", "1e999", "x", ""]),
    (options.any_decimal, ["-1", "0"], ["nan", "-inf"]),
    (options.positive_float, ["0.1"], ["0", "nan", "infinity", "1e999"]),
    (options.non_negative_float, ["0"], ["-1", "nan"]),
    (options.positive_integer, ["1", "10"], ["0", "1.5", "1e3", "nan"]),
    (options.non_negative_integer, ["0"], ["-1", ""]),
]


@pytest.mark.parametrize(("parser", "good", "bad"), PARSERS)
def test_number_options_refuse_what_is_no_number(parser: Any, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert Decimal(str(parser(text))) == Decimal(text)
    for text in bad:
        with pytest.raises(typer.BadParameter, match="must be"):
            parser(text)


def test_a_flag_of_a_setting_has_the_checks_of_the_config(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[dict[str, Any]] = []

    @options.takes_settings("grid.levels", "run.max_loss_usd")
    def command(context: typer.Context) -> None:
        seen.append(dict(globals_of(context).flags))

    assert run_with(command, "--levels", "12", "--max-loss", "2.5") == 0
    assert seen == [{"grid.levels": 12, "run.max_loss_usd": Decimal("2.5")}]
    for text in ("1", "nan", "501", "ten"):
        assert run_with(command, "--levels", text) == 2
        assert "must be" in capsys.readouterr().err
    assert run_with(command, "--help") == 0
    assert "2 to 500; default 10" in " ".join(capsys.readouterr().out.split())


SURE = Question("paper", "default", "Sure?", lambda: pytest.fail("nobody is asked, so nothing is read"))


def test_confirmation_is_never_waited_for_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert ask(SURE, yes=True)
    with pytest.raises(UsageError, match="no terminal") as caught:
        ask(SURE, yes=False)
    assert caught.value.hint == "add --yes"
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="no terminal"):
        ask(SURE, yes=False)


def test_what_was_declined_ends_as_an_interrupt_does_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert agreed("done") == "done"
    assert run_with(lambda: agreed(None)) == 130
    assert capsys.readouterr().err == "pfmm: declined: nothing was sent or changed\n"


@pytest.mark.parametrize("end", [typer.Abort(), KeyboardInterrupt()])
def test_what_is_said_after_a_question_begins_a_line(end: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(type(end)), own_line():
        raise end
    assert capsys.readouterr().err == "\n"


@pytest.mark.parametrize("name", ["grid", "profile"])
def test_a_loaded_command_winds_up_after_ctrl_c(name: str) -> None:
    """Until then one ends the process at once: nothing has been read or sent."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        assert app.run([name, "--help"]) == 0
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["help", "config"], ["profile", "show", "--json"], ["profile", "--help"]]
)
def test_a_reader_that_goes_away_is_no_failure(pfmm_home: Path, arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = f"import sys; sys.argv = ['pfmm', *{arguments!r}]; from pfmm.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, env=env, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("line", [["--json", "--version"], ["--version", "--json"], ["profile", "--version", "--json"]])
def test_the_version_has_an_envelope_too(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from pfmm import __version__

    assert app.run(line) == 0
    answer = json.loads(capsys.readouterr().out)
    command = "profile" if "profile" in line else ""
    assert answer == {
        "schema": "pfmm/1", "command": command, "ok": True, "data": {"version": __version__}, "warnings": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fits", "fits"),
        ("one two three four five", "one two three\n  four five"),
        ("  one two three four", "  one two\n    three four"),  # further in than its line
        ("a-long-path/that-is-never-cut x", "a-long-path/that-is-never-cut\n  x"),
        ("\u2581" * 20, "\u2581" * 20),
        ("keep  two  spaces", "keep  two\n  spaces"),
        ("first\n\nlast", "first\n\nlast"),
    ],
)
def test_lines_are_broken_between_words_where_a_terminal_is_narrow(text: str, told: str) -> None:
    assert fitted(text, 14) == told


@pytest.mark.parametrize(
    ("as_it_is", "printed"), [(True, "one two three four five\n"), (False, "one two\n  three\n  four\n  five\n")]
)
def test_only_what_may_be_broken_is_broken_on_a_terminal(
    as_it_is: bool, printed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "8")
    emit(Globals("x"), Result({}, lambda: "one two three four five", as_it_is=as_it_is))
    assert capsys.readouterr().out == printed


def test_a_message_goes_on_below_its_first_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    emit_failure("x", Failure("usage", "there is no such thing", "say something else then", 2), as_json=False)
    assert capsys.readouterr().err.splitlines() == [
        "pfmm: there is no",
        "      such thing",
        "      say something",
        "      else then",
    ]


def test_what_stands_for_a_character_is_counted_where_a_line_is_broken() -> None:
    from pfmm.cli.plain_characters import HANDLER, register

    register()
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors=HANDLER)
    assert fitted(as_written("fee 1.5 ± 0.25", plain), 15) == "fee 1.5 +/-\n  0.25"
    assert (
        fitted(as_written("fee 1.5 ± 0.25", io.TextIOWrapper(io.BytesIO(), encoding="utf-8")), 15) == "fee 1.5 ± 0.25"
    )
