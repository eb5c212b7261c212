"""`pfmm completions SHELL`: prints the completion script of a shell, made from the real commands. Layer: cli.

The files in completions/ are exactly this output.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.cli.completion_words import SHELLS
from pfmm.cli.output import Result, emit
from pfmm.cli.typer_seam import globals_of, root_of
from pfmm.errors import UsageError

app = typer.Typer()


@app.command()
def completions(
    context: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the completion script of a shell (the files in completions/ are this output)."""
    from pfmm.cli.completion_fish import fish
    from pfmm.cli.completion_scripts import bash, zsh
    from pfmm.cli.completion_words import entries, lists

    makers = {"bash": bash, "zsh": zsh, "fish": fish}
    if shell not in makers:
        raise UsageError(
            f"there are completions for {', '.join(SHELLS)}, not for {shell!r}", hint="`pfmm completions bash`"
        )
    script = makers[shell](entries(root_of(context)), lists())
    emit(globals_of(context), Result({"shell": shell, "script": script}, lambda: script, as_it_is=True))
