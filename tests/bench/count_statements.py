"""Count the statements of a pfmm by folder: nodes of the syntax tree, without docstrings.

    python tests/bench/count_statements.py [FOLDER]

counts the package in FOLDER (by default this checkout's), a line for each of its folders and for the modules at its
top, so that two versions are counted in the same way.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path


def main() -> None:
    """Print the table."""
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "pfmm"
    statements: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).parts
        folder = parts[0] if len(parts) > 1 else "(top)"
        statements[folder] += count(ast.parse(file.read_text("utf-8")))
        files[folder] += 1
    for folder in sorted(statements):
        print(f"{folder:12} {files[folder]:4} files {statements[folder]:6} statements")
    print(f"{'all':12} {files.total():4} files {statements.total():6} statements")


def count(tree: ast.AST) -> int:
    """Count the statements of a tree; a docstring, or a text that stands alone, is none."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return sum(not _is_text(node) for node in found)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


if __name__ == "__main__":
    main()
