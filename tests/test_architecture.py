"""The arrows of the design, read from the imports themselves: inside functions and under TYPE_CHECKING too."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pfmm"

PURE = (
    "pfmm.strategy",
    "pfmm.accounting",
    "pfmm.assertions",
    "pfmm.engine.reconcile",
    "pfmm.engine.risk",
    "pfmm.engine.self_trade",
    "pfmm.engine.order_status",
    "pfmm.paper.matching",
    "pfmm.paper.account",
    "pfmm.report.block",
    "pfmm.report.data",
    "pfmm.report.fold",
    "pfmm.report.inputs",
    "pfmm.report.markouts",
    "pfmm.report.minutes",
)
IMPURE_LIBRARIES = {"os", "time", "random", "pathlib", "httpx", "sqlite3", "typer", "rich"}

# room → what of the project it may import, directly (itself always); only the command line, which composes
# everything, may import what it likes
CORE = ("pfmm.model", "pfmm.errors")
ARROWS = {
    "pfmm.errors": (),
    "pfmm.model": ("pfmm.errors",),
    "pfmm.ports": CORE,
    "pfmm.assertions": ("pfmm.errors",),
    "pfmm.store": ("pfmm.errors",),
    "pfmm.strategy": (*CORE, "pfmm.ports"),
    "pfmm.accounting": (*CORE, "pfmm.ports"),
    "pfmm.engine": (*CORE, "pfmm.ports", "pfmm.strategy", "pfmm.accounting"),
    "pfmm.journal": (*CORE, "pfmm.store", "pfmm.accounting"),
    "pfmm.runner": (*CORE, "pfmm.ports", "pfmm.engine", "pfmm.store"),
    # a capped price must lie on the tick
    "pfmm.flatten": (*CORE, "pfmm.ports", "pfmm.strategy.ticks"),
    # of the strategies, only which there are and their tables
    "pfmm.config": (*CORE, "pfmm.store", "pfmm.strategy.registry", "pfmm.strategy.base", "pfmm.venue.registry"),
    "pfmm.venue": (*CORE, "pfmm.ports", "pfmm.store"),
    "pfmm.tape": (*CORE, "pfmm.ports", "pfmm.store"),
    "pfmm.paper": (*CORE, "pfmm.tape", "pfmm.store"),
    "pfmm.backtest": (
        *CORE,
        "pfmm.ports",
        "pfmm.accounting",
        "pfmm.strategy",
        "pfmm.engine",
        "pfmm.journal.memory",
        "pfmm.store",
        "pfmm.tape",
        "pfmm.paper",
        "pfmm.report",
    ),
    "pfmm.report": (*CORE, "pfmm.accounting"),
}


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {module_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def imported_names(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                drop = node.level - (1 if is_package else 0)
                parent = module.split(".")[: len(module.split(".")) - drop]
                base = ".".join([*parent, base] if base else parent)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"import_module", "__import__"} and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


@cache
def imports(module: str) -> frozenset[str]:
    """What a module imports, directly: project modules by their full name, libraries by their top name."""
    file = modules()[module]
    found = set()
    names = imported_names(ast.parse(file.read_text("utf-8")), module, is_package=file.name == "__init__.py")
    for name in names:
        top = name.split(".")[0]
        if top != "pfmm":
            found.add(top)
        elif name in modules():
            found.add(name)
    return frozenset(found - {module, "pfmm"})


@cache
def reachable(module: str) -> frozenset[str]:
    """Everything that importing a module may import, by whatever way."""
    seen: set[str] = set()
    pending = [module]
    while pending:
        for name in imports(pending.pop()):
            if name not in seen:
                seen.add(name)
                if name in modules():
                    pending.append(name)
    return frozenset(seen)


def test_the_reader_sees_imports_in_functions_and_under_type_checking() -> None:
    text = (
        "import a.b\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pfmm.cli import app\n"
        "def f():\n    import sqlite3\n    from . import x\n    import importlib; importlib.import_module('httpx')\n"
    )
    names = set(imported_names(ast.parse(text), "pfmm.venue.client", is_package=False))
    assert {"a.b", "pfmm.cli.app", "sqlite3", "pfmm.venue.x", "httpx"} <= names


@pytest.mark.parametrize("package", sorted(ARROWS))
def test_arrows_point_as_written(package: str) -> None:
    allowed = (package, *ARROWS[package])
    wrong = [
        f"{module} imports {name}"
        for module in modules()
        if within(module, package)
        for name in imports(module)
        if name.startswith("pfmm") and not any(within(name, other) for other in allowed)
    ]
    assert not wrong


def test_every_module_has_an_arrow() -> None:
    without = {"pfmm", "pfmm.__main__"}
    spoken_of = (*ARROWS, "pfmm.cli", "pfmm.app")
    assert [name for name in modules() if name not in without and not any(within(name, p) for p in spoken_of)] == []
    assert [package for package in ARROWS if package not in modules()] == []


@cache
def pure_modules() -> tuple[str, ...]:
    """What must be pure, and whatever says of itself that it is."""
    return tuple(
        module
        for module, file in modules().items()
        if any(within(module, package) for package in PURE) or calls_itself_pure(file.read_text("utf-8"))
    )


def calls_itself_pure(text: str) -> bool:
    return "Pure" in text and bool(re.search(r"\bPure\b", ast.get_docstring(ast.parse(text)) or ""))


def test_pure_modules_reach_no_clock_no_chance_and_no_outside_world() -> None:
    assert {"pfmm.strategy.grid.strategy", "pfmm.paper.ledger", "pfmm.venue.reply"} <= set(pure_modules())
    wrong = {
        module: sorted(reachable(module) & IMPURE_LIBRARIES)
        for module in pure_modules()
        if reachable(module) & IMPURE_LIBRARIES
    }
    assert not wrong


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("httpx", {"pfmm.venue.http"}),
        ("httpcore", {"pfmm.venue.http"}),
        ("sqlite3", {"pfmm.journal.journal", "pfmm.store.database", "pfmm.store.wal"}),
        ("fcntl", {"pfmm.store.flock"}),
        ("tempfile", set()),
        ("click", set()),
        ("pydantic", set()),
    ],
)
def test_libraries_stay_in_their_one_place(library: str, homes: set[str]) -> None:
    users = {module for module in modules() if library in imports(module)}
    assert users <= homes


def test_typers_internals_are_leaned_on_in_one_file() -> None:
    """Only the seam imports Typer's submodules or touches what Typer keeps to itself."""
    inside = re.compile(
        r"^\s*(from|import) typer\.|typer\.(core|main|exceptions|_click)\b|\b_add_completion\b", re.MULTILINE
    )
    users = {module for module, file in modules().items() if inside.search(file.read_text("utf-8"))}
    assert users == {"pfmm.cli.typer_seam"}


def test_nothing_imports_the_command_line_but_itself() -> None:
    outside = [module for module in modules() if not within(module, "pfmm.cli") and module != "pfmm.__main__"]
    wrong = {module for module in outside if any(within(name, "pfmm.cli") for name in imports(module))}
    assert not wrong


# a front end imports the use cases and what they are told in; these modules are still to become use cases
FRONT_END = ("pfmm.cli", "pfmm.app", "pfmm.errors", "pfmm.model", "pfmm.config")


def test_the_command_line_imports_use_cases_and_values_and_nothing_below() -> None:
    below = {
        module: sorted(name for name in imports(module) if name.startswith("pfmm.") and not within_any(name, FRONT_END))
        for module in modules()
        if within(module, "pfmm.cli")
    }
    assert {module: names for module, names in below.items() if names} == {}


def within_any(module: str, packages: tuple[str, ...]) -> bool:
    return any(within(module, package) for package in packages)


def test_use_cases_know_no_terminal_and_print_nothing() -> None:
    """Neither Typer nor Rich, no front end, no print, no look at a standard stream."""
    streams = re.compile(r"\bprint\(|\bsys\.(stdin|stdout|stderr)\b|\bisatty\b")
    for module, file in modules().items():
        if not within(module, "pfmm.app"):
            continue
        assert not imports(module) & {"typer", "rich", "click"}, module
        assert not [name for name in imports(module) if within(name, "pfmm.cli")], module
        assert not streams.search(file.read_text("utf-8")), module


def test_no_two_rooms_import_each_other() -> None:
    """No cycle between the rooms, whatever way round: app is above all but the front ends, model below all."""
    rooms = {room_of(module) for module in modules() if module.count(".")}
    arrows = {
        room: {room_of(name) for module in modules() if room_of(module) == room for name in imports(module)} - {room}
        for room in rooms
    }
    done: set[str] = set()
    while free := {room for room in rooms - done if not {x for x in arrows[room] if x in rooms} - done}:
        done |= free
    assert rooms - done == set(), {room: arrows[room] - done for room in rooms - done}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and for types count. What imports only what is clear already is taken away until the
    rest, if there is any, is a circle."""
    asked = {module: imports(module) & modules().keys() for module in modules()}
    while leaves := {module for module, wanted in asked.items() if not wanted - {module}}:
        asked = {module: wanted - leaves for module, wanted in asked.items() if module not in leaves}
    circle = {module: sorted(wanted) for module, wanted in asked.items()}
    assert not circle


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("name", ["grid", "ladder", "quote"])
def test_nothing_outside_of_the_strategies_imports_one(name: str) -> None:
    """Everything else asks the registry for it by name."""
    outside = [module for module in modules() if not within(module, "pfmm.strategy")]
    wrong = {module: [one for one in imports(module) if within(one, f"pfmm.strategy.{name}")] for module in outside}
    assert not {module: names for module, names in wrong.items() if names}


def test_nothing_but_its_room_and_the_registry_names_the_ladder() -> None:
    named = re.compile(r"""["']ladder["'.]""")
    users = {module for module, file in modules().items() if named.search(file.read_text("utf-8"))}
    users = {module for module in users if not within(module, "pfmm.strategy.ladder")}
    assert users <= {"pfmm.strategy.registry"}


def test_command_files_never_import_each_other() -> None:
    sys.path.insert(0, str(ROOT))
    try:
        from pfmm.cli.registry import commands
        from pfmm.strategy.registry import STRATEGIES
    finally:
        sys.path.remove(str(ROOT))
    files = {f"pfmm.cli.commands.{name}" for name in commands() if name not in STRATEGIES}
    files.add("pfmm.cli.commands.strategies")
    assert {"pfmm.cli.commands.profile", "pfmm.cli.commands.help"} <= files
    shared = (
        {module for module in modules() if within(module, "pfmm.cli")} - files - {"pfmm.cli.app"}
    )  # which loads them
    wrong = {(a, b) for a in files for b in imports(a) & files if a != b}
    wrong |= {(a, b) for a in shared for b in imports(a) & files}
    assert not wrong


@pytest.mark.parametrize("module", ["pfmm.engine.engine", "pfmm.flatten.emergency", "pfmm.ports"])
def test_what_decides_reaches_no_adapter(module: str) -> None:
    adapters = (
        "pfmm.venue",
        "pfmm.paper",
        "pfmm.journal.journal",
        "pfmm.cli",
        "pfmm.config.resolve",
        "pfmm.config.secrets",
    )
    libraries = {"httpx", "sqlite3", "typer", "rich"}
    found = reachable(module)
    assert not [name for name in found if name in libraries or any(within(name, other) for other in adapters)]


def test_client_and_exchange_do_not_know_each_other() -> None:
    for one, other in (("pfmm.venue", "pfmm.paper"), ("pfmm.paper", "pfmm.venue")):
        wrong = {
            module
            for module in modules()
            if within(module, one) and any(within(name, other) for name in reachable(module))
        }
        assert not wrong


def test_the_top_level_holds_nothing_else() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout")
    top = {Path(name).parts[0] for name in tracked if not name.startswith(".")}
    assert top <= {"LICENSE", "pyproject.toml", "README.md", "CHANGELOG.md", "pfmm", "tests", "completions"}


def modules_loaded_by(home: Path, *arguments: str) -> set[str]:
    """The modules that one invocation really loads, in a process of its own."""
    code = (
        "import atexit, sys\n"
        "def tell(): sys.stderr.write('\\n' + ' '.join(sys.modules))\n"
        "atexit.register(tell)\n"
        f"sys.argv = ['pfmm', *{list(arguments)!r}]\n"
        "from pfmm.cli.main import main\nmain()\n"
    )
    env = {**os.environ, "PFMM_HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=home.parent, capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


# what an answer before Typer does without, what no help and no local command needs, what a read of prices does not
LIGHT = {
    "typer",
    "typing",
    "collections",
    "dataclasses",
    "enum",
    "re",
    "json",
    "decimal",
    "pathlib",
    "sqlite3",
    "httpx",
}
HEAVY = {"rich", "httpx", "httpcore", "ssl", "sqlite3", "numpy", "pydantic", "asyncio", "multiprocessing"}
NOT_FOR_A_READ = {"pfmm.engine.engine", "pfmm.journal.journal", "pfmm.strategy.base", "pfmm.flatten.emergency"}


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["--help"], LIGHT),
        (["--version"], LIGHT),
        (["grid", "start", "--help"], HEAVY | {"tomllib", "pfmm.config.resolve", "pfmm.app.session"}),
        (["funding", "--help"], HEAVY | {"tomllib", "pfmm.config.resolve", "pfmm.app.session", "pfmm.strategy.base"}),
        (["flatten", "--help"], HEAVY | {"tomllib", "pfmm.config.resolve", "pfmm.app.session", "pfmm.strategy.base"}),
        (["profile", "show"], HEAVY | {"tomllib", "tomli_w", "platformdirs", "pfmm.store.flock"}),
        (["profile", "show", "--json"], HEAVY),
        (["funding", "BTC-PERP", "--json"], HEAVY - {"httpx", "ssl", "sqlite3"} | NOT_FOR_A_READ),
        (["help", "json"], {"rich", "httpx", "sqlite3", "numpy", "pydantic"}),
    ],
)
def test_fast_commands_load_nothing_heavy(pfmm_home: Path, arguments: list[str], never: set[str]) -> None:
    assert not modules_loaded_by(pfmm_home, *arguments) & never


def test_a_command_loads_no_other_command(pfmm_home: Path) -> None:
    loaded = modules_loaded_by(pfmm_home, "profile", "show")
    assert "pfmm.cli.commands.profile" in loaded
    assert not loaded & {
        "pfmm.cli.commands.help",
        "pfmm.cli.commands.completions",
        "pfmm.app.session",
    }


WIRE_ROOMS = ("pfmm.venue", "pfmm.paper.wire")
PATH = re.compile(r"(^|[\s+`(])/(api|info|exchange|ws)\b")
ID_PREFIX = re.compile(r"^0x")


@cache
def words_of(module: str) -> list[str]:
    """The texts of a module that are no docstrings; of an f-string its fixed parts."""
    nodes = list(ast.walk(ast.parse(modules()[module].read_text("utf-8"))))
    bodies = (node for node in nodes if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)))
    docs = {id(node.body[0].value) for node in bodies if node.body and isinstance(node.body[0], ast.Expr)}
    constants = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docs)
    return [node.value for node in constants if isinstance(node.value, str)]


@cache
def wire_words() -> frozenset[str]:
    """The field names, kinds and codes of the venues' own: what the wire rooms write in one word with a capital."""
    found = {
        word for module in modules() if any(within(module, room) for room in WIRE_ROOMS) for word in words_of(module)
    }
    return frozenset(word for word in found if re.fullmatch(r"[a-z]+\d?([A-Z][a-z]+)+|Alo|Ioc|Gtc|cloid", word))


def test_the_words_of_the_wire_are_found_where_they_belong() -> None:
    assert {"clearinghouseState", "assetPositions", "reduceOnly", "Alo", "cloid"} <= wire_words()
    assert [word for word in words_of("pfmm.paper.wire.paths") if PATH.search(word)]


def test_no_word_of_a_venue_stands_outside_of_the_wire() -> None:
    """Neither its paths, nor its field names and codes, nor the prefixes of its order ids. A layout of data files is
    declared with the venue's own words: recorded files hold them."""
    outside = {name: words_of(name) for name in modules() if not any(within(name, room) for room in WIRE_ROOMS)}
    wrong = {name: [word for word in words if PATH.search(word)] for name, words in outside.items()}
    for name in (name for name in outside if not within(name, "pfmm.tape.formats")):
        wrong[name] += [word for word in outside[name] if word in wire_words() or ID_PREFIX.search(word)]
    assert {name: words for name, words in wrong.items() if words} == {}


def test_every_module_begins_with_its_job_and_its_layer() -> None:
    wrong = []
    for module, file in modules().items():
        header = " ".join((ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").split())
        room = module.split(".")[1] if "." in module else ""
        if file.name not in ("__init__.py", "__main__.py") and not re.search(rf"Layer: {room}\b", header):
            wrong.append(module)
    assert wrong == []


def test_every_rule_that_is_not_kept_says_why() -> None:
    """A line that ruff is told to pass over gives the reason, as pyproject.toml does for whole folders."""
    files = [file for room in (PACKAGE, ROOT / "tests") for file in room.rglob("*.py")]
    bare = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# noqa(: [A-Z0-9, ]+)?$", line)
    ]
    assert len(files) > 500
    assert not bare
