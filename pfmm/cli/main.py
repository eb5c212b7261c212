"""The entry point. Answers `pfmm`, `pfmm --help` and `pfmm --version` before anything heavy is imported. Layer: cli."""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # spelled so, since `typing` alone would cost --version a fifth of its time
    from typing import NoReturn

# new containers between two searches for cycles: at the usual 700, a twentieth of a short command is spent on searching
# what was imported, which lives for ever; a loop makes so many in some minutes, and its cycles are small
GC_AFTER = 50_000
_ENVELOPE = (
    b'{"schema":"pfmm/1","command":"","ok":false,'
    b'"error":{"code":"interrupted","message":"interrupted","hint":null,"exit_code":130}}\n'
)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        _answer(sys.argv[1:])
    except KeyboardInterrupt:  # outside of any command: there is no work to wind up
        _interrupted()


def _answer(arguments: list[str]) -> None:
    write_any_text()
    if arguments in ([], ["-h"], ["--help"]):
        from pfmm.cli.registry import root_help

        _print(root_help())
    elif arguments == ["--version"]:
        from pfmm import __version__

        _print(f"pfmm {__version__}")
    else:
        import gc
        import signal

        gc.set_threshold(GC_AFTER)
        if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
            # until the command is loaded: an exception would come out of the middle of some import as a traceback
            signal.signal(signal.SIGINT, _interrupted)
        from pfmm.cli.app import end_on_signals, run

        end_on_signals()
        code = run(arguments)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said; what is left takes a moment, and no Ctrl-C
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.freeze()  # else the interpreter searches all that was imported for cycles as it ends: a tenth of the time
        sys.exit(code)


def _interrupted(*_: object) -> NoReturn:
    """End the process at once with the answer to a Ctrl-C: nothing has been read or sent."""
    try:
        if "--json" in sys.argv:
            os.write(1, _ENVELOPE)
        else:
            os.write(2, b"pfmm: interrupted\n")
    except OSError:
        pass  # nobody listens
    os._exit(130)


def write_any_text() -> None:
    """Write what stdout and stderr cannot encode in characters that they can: of an older encoding, and of a locale
    that is C by its name, where Python itself would go on in UTF-8. The name of a file that is no text is escaped."""
    from pfmm.cli.plain_characters import HANDLER, plain_locale, register

    register()
    encoding = "ascii" if plain_locale(os.environ) else None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding, errors=HANDLER)


def _print(text: str) -> None:
    """Print like `output.write`, without its imports: those would double the time of --help."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError as error:
        from pfmm.cli.output import Failure, drop_stdout, emit_failure, output_lost

        drop_stdout()
        if not isinstance(error, BrokenPipeError):
            lost = output_lost(error)
            emit_failure("", Failure.of(lost), as_json=False)
            sys.exit(lost.exit_code)
