"""The reference pages of `pfmm/help`, with their generated tables filled in. Layer: app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pfmm.app import reference
from pfmm.errors import UsageError
from pfmm.model.setting import nearest


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name and what it is about."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic by name."""

    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The text of one topic, as Markdown."""

    topic: str
    text: str


def topics() -> Topics:
    """List the topics."""
    return Topics(tuple(Topic(name, reference.title(file)) for name, file in reference.topics().items()))


def is_topic(name: str) -> bool:
    """Tell whether this is a topic, which comes before a command of that name."""
    return name in reference.topics()


def page(topic: str, command_help: str | None = None, commands: Sequence[str] = ()) -> Page:
    """Read a topic; `command_help` is the help of the command of that name, where there is one among `commands`.

    Raises UsageError for a name that is neither, with the nearest.
    """
    files = reference.topics()
    if topic in files:
        return Page(topic, text_of(files[topic]))
    if command_help is not None:
        return Page(topic, command_help)
    guess = nearest(topic, (*files, *commands))
    hint = f"did you mean `pfmm help {guess}`?" if guess else "`pfmm help` lists the topics"
    raise UsageError(f"there is no topic {topic!r}", hint=hint)


def text_of(file: Path) -> str:
    """Return the text of a topic. A line {{exit-codes}}, {{error-codes}} or {{settings}} stands for its generated
    table."""
    makers = {
        "{{exit-codes}}": reference.exit_code_table,
        "{{error-codes}}": reference.error_code_table,
        "{{settings}}": reference.settings_table,
    }
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(makers[line]() if line in makers else line for line in lines)
