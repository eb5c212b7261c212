"""`python -m pfmm.cli.watchdog PROFILE STRATEGY PID INTERVAL MARKET…`: the process that a loop begins beside itself.

No command for people: a start begins it, and it ends with the run. Layer: cli.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pfmm.cli.opening import session as opened_session
from pfmm.cli.output import Globals


def main(given: Sequence[str]) -> int:
    """Watch over one loop; what it did, or why it could not, goes into its log."""
    from pfmm.app.watchdog import Watch, watch_over
    from pfmm.errors import PfmmError

    profile, strategy, pid, interval_s, *markets = given
    watch = Watch(strategy, tuple(markets), int(pid), float(interval_s))

    def tell(words: str) -> None:
        print(words, file=sys.stderr, flush=True)  # noqa: T201 - its log

    try:
        with opened_session(Globals("watchdog", profile)) as session:
            done = watch_over(watch, session=session, tell=tell)
    except PfmmError as error:
        tell(f"{strategy} of process {pid}: {error.message}")
        return error.exit_code
    if done is not None:
        tell(f"{strategy} on {', '.join(markets)}: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
