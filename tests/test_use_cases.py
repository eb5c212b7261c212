"""Each use case that a command calls is called by a test of this process, too: without Typer and without a shell."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.test_architecture import ROOT, modules, within

Use = tuple[str, str]  # a module of `app`, and a function in it
# whose commands have no session, and what in them is no use case but a part of reading a command line
WITHOUT_SESSION = {"backtest_files", "backtest_jobs", "backtest_sweep", "doctor", "help", "logs", "profiles"}
PARTS = {
    ("backtest_files", "bytes_of"),
    ("backtest_jobs", "overrides_of"),
    ("backtest_sweep", "axes_of"),
    ("profiles", "displayed"),
    ("profiles", "set_up_venues"),
}


@cache
def use_cases() -> frozenset[Use]:
    """The functions of `app` that take a session, or stand in a module whose commands have none."""
    found = set()
    for name, file in modules().items():
        if not within(name, "pfmm.app") or name == "pfmm.app.session":
            continue
        module = name.rpartition(".")[2]
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                takes = {one.arg for one in node.args.kwonlyargs}
                if "session" in takes or module in WITHOUT_SESSION:
                    found.add((module, node.name))
    return frozenset(found)


def uses(tree: ast.Module) -> Iterator[Use]:
    """The functions of `app` that a file imports, or calls by their module."""
    imported = set()
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "pfmm.app":
            imported |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pfmm.app."):
            yield from (((node.module or "").rpartition(".")[2], alias.name) for alias in node.names)
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            yield node.value.id, node.attr


def commanded() -> list[Use]:
    """What the commands call."""
    files = [file for name, file in modules().items() if within(name, "pfmm.cli")]
    return sorted({use for tree in trees(files) for use in uses(tree)} & (use_cases() - PARTS))


def trees(files: Iterable[Path]) -> Iterator[ast.Module]:
    """The files that speak of `app` at all, parsed."""
    for file in files:
        text = file.read_text("utf-8")
        if "pfmm.app" in text:
            yield ast.parse(text)


@cache
def used_by_tests() -> frozenset[Use]:
    """What tests of this process call: neither Typer nor a command line is in their files."""
    files = [*(ROOT / "tests" / "unit").rglob("*.py"), *(ROOT / "tests" / "faults").rglob("*.py")]
    about = (file for file in files if b"pfmm.app" in file.read_bytes())  # to parse them all takes a while
    bare = (tree for tree in trees(about) if not {"typer", "tests.e2e.driver"} & set(_imports(tree)))
    return frozenset(use for tree in bare for use in uses(tree))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_use_cases_are_found() -> None:
    wanted = {("once", "once"), ("stop", "stop"), ("paper", "reset"), ("profiles", "use_profile"), ("loop", "start")}
    assert wanted <= set(commanded())


def test_every_use_case_is_tested_without_a_command_line() -> None:
    assert [".".join(use) for use in commanded() if use not in used_by_tests()] == []
