"""The topics of the reference and their generated parts: exit codes from the error tree, settings from their table.

Help topics and the README show what these functions return, so that neither can drift from the code. Layer: app.
"""

from __future__ import annotations

from pathlib import Path

from pfmm import errors
from pfmm.config.tables import every
from pfmm.model.setting import describe_range

_SIGNALS = (
    (errors.EXIT_HANGUP, "hang-up"),
    (errors.EXIT_INTERRUPT, "interrupt (also: declined at a prompt)"),
    (errors.EXIT_TERMINATE, "terminate"),
)


def topics() -> dict[str, Path]:
    """Return the topics of `pfmm help` by name, each with its file."""
    folder = Path(__file__).resolve().parents[1] / "help"
    return {file.stem: file for file in sorted(folder.glob("*.md"))}


def title(file: Path) -> str:
    """Return what a topic is about: its first line."""
    return file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")


def exit_codes() -> list[tuple[int, str]]:
    """Return every exit code with its meaning, ascending."""
    found = {errors.EXIT_DONE: "done", **dict(_SIGNALS)}
    for kind in _tree():
        found.setdefault(kind.exit_code, kind.meaning)
    return sorted(found.items())


def error_codes() -> list[tuple[str, int, str]]:
    """Return every `error.code` of the JSON envelope: code, exit code, and the first paragraph of its docstring."""
    named = [kind for kind in _tree() if kind is not errors.PfmmError]
    return sorted(
        (kind.code, kind.exit_code, " ".join((kind.__doc__ or "").split("\n\n")[0].split())) for kind in named
    )


def _tree() -> list[type[errors.PfmmError]]:
    """Return the classes of errors.py, each after its base; one that another module derives has its base's code."""
    kinds = [errors.PfmmError]
    for kind in kinds:
        kinds.extend(child for child in kind.__subclasses__() if child.__module__ == errors.__name__)
    return kinds


def exit_code_table() -> str:
    """Write the exit codes as a Markdown table."""
    rows = [f"| {code} | {meaning} |" for code, meaning in exit_codes()]
    return "\n".join(["| code | meaning |", "|---:|---|", *rows])


def error_code_table() -> str:
    """Write the error codes of the JSON envelope as a Markdown table."""
    rows = [f"| `{code}` | {exit_code} | {text} |" for code, exit_code, text in error_codes()]
    return "\n".join(["| error.code | exit code | when |", "|---|---:|---|", *rows])


def settings_table() -> str:
    """Write every setting with its default, its range and its variable, as a Markdown table."""
    rows = [
        f"| `{setting.name}` | {_shown(setting.default)} | {describe_range(setting).replace('|', 'or')} "
        f"| {setting.meaning} | `{setting.variable}` |"
        for setting in every().values()
    ]
    return "\n".join(["| setting | default | accepts | meaning | variable |", "|---|---|---|---|---|", *rows])


def _shown(default: object) -> str:
    if default is None or default == "":
        return "unset"
    return str(default).lower() if isinstance(default, bool) else str(default)
