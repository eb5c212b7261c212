"""Count the calls between modules from `start`'s command function to the first engine cycle.

    python tests/bench/count_calls.py [grid] [quote] [ladder] [--list]

runs `pfmm STRATEGY start BTC-PERP --cycles 1 --json` on a new paper exchange, with the pfmm of the interpreter that
runs this file, so that two versions are counted in the same way. With --list every counted call is printed, in order
of execution.

The rule: a call counts where the function that is entered and the nearest function of pfmm that led to it stand in
two different modules of pfmm. Counting begins with the entry of the command function of `start` and ends with the
entry of `Engine.cycle`. A call into one of the ROOMS counts; what goes on inside it does not, even where it calls
back. What no reader follows does not count either: a module's body on its import, a generator's second entry, the
`__init__` that a dataclass generates. A first process makes the exchange (seed 7), so that the counted one finds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType

ROOMS = ("venue", "paper", "journal", "store", "strategy", "accounting", "model")
FLAT = {"wal": "store", "portfolio": "accounting"}  # of the version in which these rooms were single files
MARK = "--counted--\n"
COMMANDS = ("start", "start_one", "start_many")


def main() -> None:
    """Count for each strategy that is named, each in a process of its own."""
    named = [word for word in sys.argv[1:] if not word.startswith("--")] or ["grid", "quote", "ladder"]
    for strategy in named:
        with tempfile.TemporaryDirectory() as home:
            # nothing of the caller's settings: a profile or a strategy's values would make another start
            kept = {name: value for name, value in os.environ.items() if not name.startswith("PFMM_")}
            environment = {**kept, "PFMM_HOME": home, "COUNT_CALLS": "1"}
            # in a folder without a pfmm of its own: the one that is installed is counted
            run = partial(subprocess.run, env=environment, cwd=home, check=True, capture_output=True, text=True)
            run([sys.executable, "-m", "pfmm", "markets"], env={**environment, "PFMM_PAPER_SEED": "7"})
            counted = run([sys.executable, Path(__file__).resolve(), strategy])
            calls = counted.stderr.split(MARK)[1].splitlines()
            print(f"{strategy}: {len(calls)} calls")
            if "--list" in sys.argv:
                print(*(f"{number:4d} {call}" for number, call in enumerate(calls, 1)), sep="\n")


def count(strategy: str) -> None:
    """Run one start and print its calls on stderr when the first cycle begins; ends the process there."""
    counter = Counter()
    sys.argv = ["pfmm", strategy, "start", "BTC-PERP", "--cycles", "1", "--json"]
    from pfmm.cli.main import main as pfmm

    sys.setprofile(counter.look)
    pfmm()


class Counter:
    """A profile function that keeps the calls which count."""

    def __init__(self) -> None:
        self._started: FrameType | None = None
        self._calls: list[str] = []
        self._generators: set[FrameType] = set()

    def look(self, frame: FrameType, event: str, _: object) -> None:
        """Called by the interpreter for every call and return."""
        if event != "call":
            return
        module, name = _module(frame), frame.f_code.co_name
        if self._started is None:
            if module.startswith("cli.") and name in COMMANDS:
                self._started = frame
            return
        if not module or _is_no_step(frame) or self._goes_on(frame):
            return
        if (name, module) in (("cycle", "engine.engine"), ("cycle", "engine")):
            self._end()
        caller = self._caller(frame)
        if caller is not None and caller != module:
            self._calls.append(f"{caller} -> {module}.{frame.f_code.co_qualname}")

    def _caller(self, frame: FrameType) -> str | None:
        """The module that called; None for what is done inside a room or on an import."""
        nearest, above = None, frame.f_back
        while above is not None:
            module = _module(above)
            if module and (above.f_code.co_name == "<module>" or _room(module) in ROOMS):
                return None
            nearest = nearest or module or None
            if above is self._started:
                return nearest
            above = above.f_back
        return None  # on the way out of the command, or in another thread

    def _goes_on(self, frame: FrameType) -> bool:
        """True where a generator goes on after a `yield`."""
        if not frame.f_code.co_flags & CO_GENERATOR:
            return False
        before = frame in self._generators
        self._generators.add(frame)
        return before

    def _end(self) -> None:
        sys.setprofile(None)
        sys.stderr.write(MARK + "".join(f"{call}\n" for call in self._calls))
        sys.stderr.flush()
        os._exit(0)


def _module(frame: FrameType) -> str:
    """The module below pfmm in which the function stands; empty for any other."""
    name = str(frame.f_globals.get("__name__", ""))
    return name.removeprefix("pfmm.") if name.startswith("pfmm.") else ""


def _is_no_step(frame: FrameType) -> bool:
    """True for a module's body, and for an `__init__` that no file holds (`quick` is what makes them in pfmm)."""
    return frame.f_code.co_name in ("<module>", "first_made", "first_init") or frame.f_code.co_filename == "<string>"


def _room(module: str) -> str:
    first = module.split(".", 1)[0]
    return FLAT.get(first, first.split("_", 1)[0] if first.startswith("journal_") else first)


if __name__ == "__main__":
    if os.environ.get("COUNT_CALLS"):
        count(sys.argv[1])
    else:
        main()
