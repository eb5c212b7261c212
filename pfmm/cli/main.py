"""The entry point. Answers `pfmm`, `pfmm --help` and `pfmm --version` before anything heavy is imported."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Runs the command line of this process and exits with its code."""
    _write_any_text()
    arguments = sys.argv[1:]
    if arguments in ([], ["-h"], ["--help"]):
        from pfmm.cli.registry import root_help

        _print(root_help())
    elif arguments == ["--version"]:
        from pfmm import __version__

        _print(f"pfmm {__version__}")
    else:
        import gc

        from pfmm.cli.app import run

        code = run(arguments)
        gc.freeze()  # else the interpreter searches all that was imported for cycles as it ends: a tenth of the time
        sys.exit(code)


def _write_any_text() -> None:
    """What stdout cannot encode (an older locale, the name of a file that is no text) is escaped, as on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _print(text: str) -> None:
    """Like `output.write`, without its imports: those would double the time of --help."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        from pfmm.cli.output import drop_stdout

        drop_stdout()
