"""The exception tree of pfmm: every failure that a user can meet, with its code, exit code and hint.

    PfmmError                    1
    ├── UsageError               2   the command line is wrong
    │   ├── AssertionSyntaxError 2   an --assert expression is wrong, with the column
    │   ├── UnitsError           2   a model's settings cannot be in the units that it needs
    │   └── SettingsDiffer       2   an open run's orders stand for other settings than a start of now
    ├── ConfigError              3   a setting, a profile or the state folder is unusable
    │   ├── SecretError          3
    │   ├── NoJournal            3   nothing has run on this account yet
    │   ├── JournalLocked        3
    │   ├── JournalUnusable      3   the journal's file is corrupt, full or cannot be written
    │   ├── OtherExchange        3   the journal is that of another paper exchange
    │   ├── PortInUse            3
    │   └── OutputLost           3
    ├── AuthenticationError      4
    ├── VenueUnreachable         5   nothing reached the venue, or a read got no answer
    ├── VenueRefused             6   the venue said no
    │   ├── RateLimited          6
    │   ├── UnknownMarket        6
    │   ├── CannotDoThis         6   the venue lacks what the command needs
    │   └── BadVenueData         6   the answer breaks the wire rules
    ├── RiskRefused              7
    ├── StateUnknown             8   orders or position could not be proven
    │   └── OutcomeUnknown       8   a request may or may not have acted
    ├── NotFlat                  9
    ├── AssertionFalse          10
    ├── AlreadyRunning          11
    ├── CutShort                     a signal ended the command before it was done, with the signal's exit code
    ├── StartFailed                  a process of --detach ended early, with an exit code of its own
    ├── ChangesPending          12
    ├── DataFileError           13
    └── StoppedForSafety        75   stale data, kill switch, HALT
        ├── StaleData           75
        └── Halted              75

    Interrupted                      a KeyboardInterrupt, no PfmmError: a signal asked to stop while a read waited
    Terminated                       a SystemExit, no PfmmError: SIGTERM or SIGHUP ends a command at once

This module must not import anything of the project, and only the CLI boundary may turn an error into an exit code.
Layer: errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

EXIT_DONE = 0
EXIT_BUG = 1
EXIT_HANGUP = 129
EXIT_INTERRUPT = 130
EXIT_TERMINATE = 143


class PfmmError(Exception):
    """Base of every expected failure. `message` says what happened, `hint` what to do next.

    `code` is the stable snake_case name in JSON, `exit_code` the process exit code. `result` is the answer that the
    command has in spite of the failure: what a flatten left, the rows that break an assertion.
    """

    code = "error"
    exit_code = EXIT_BUG
    meaning = "bug"
    default_hint: str | None = None
    result: object = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint if hint is not None else self.default_hint

    def with_result(self, result: object) -> Self:
        """Carry the answer that the command has in spite of the failure; returns the error itself."""
        self.result = result
        return self


class Interrupted(KeyboardInterrupt):
    """A signal asked to stop while a read waited; nothing that acts was under way.

    No PfmmError, so that what waits out or passes over a venue's failures never passes over this.
    """


class Terminated(SystemExit):
    """A signal ends the command at once: whatever it still does is given up. `word` is the error code to tell."""

    def __init__(self, word: str = "terminated", exit_code: int = EXIT_TERMINATE) -> None:
        super().__init__(exit_code)
        self.word = word
        self.exit_code = exit_code


class UsageError(PfmmError):
    """The command line asks for something that makes no sense; nothing was read or sent."""

    code = "usage"
    exit_code = 2
    meaning = "usage (also: live without --yes off a terminal, bare flatten)"


class AssertionSyntaxError(UsageError):
    """An --assert expression cannot be parsed; `column` counts from 1."""

    code = "assertion_syntax"

    def __init__(self, message: str, *, column: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.column = column


class UnitsError(UsageError):
    """A quoting model's inputs cannot be in the units it needs: its half-spread is absurd against the price."""

    code = "units"


class SettingsDiffer(UsageError):
    """An open run was begun with other settings, for which its resting orders stand; nothing was sent."""

    code = "settings_differ"


class ConfigError(PfmmError):
    """A setting, profile file or state folder is missing, corrupt, unreadable or unwritable."""

    code = "config"
    exit_code = 3
    meaning = "configuration (also: port in use)"


class SecretError(ConfigError):
    """A key could not be read, or its file is readable by others."""

    code = "secret"


class NoJournal(ConfigError):
    """The account has no journal yet: nothing has run, so that there is nothing to read."""

    code = "no_journal"


class JournalLocked(ConfigError):
    """Another process has held the account's journal for longer than we wait."""

    code = "journal_locked"


class JournalUnusable(ConfigError):
    """The account's journal cannot be read or written: a corrupt file, a full disk, a folder that became read-only."""

    code = "journal_unusable"


class OtherExchange(ConfigError):
    """The account's journal was written at another paper exchange than the one that answers."""

    code = "other_exchange"


class PortInUse(ConfigError):
    """`paper serve` could not bind its port."""

    code = "port_in_use"


class OutputLost(ConfigError):
    """The output cannot be written, as on a full disk; what the command found or left is told nowhere else."""

    code = "output_lost"
    default_hint = "free some space where the output goes, or send it elsewhere"


class AuthenticationError(PfmmError):
    """The venue does not accept the key."""

    code = "authentication"
    exit_code = 4
    meaning = "authentication"
    default_hint = "check PFMM_API_KEY (or PURPLE_FLEA_KEY), or the profile's secret setting"


class VenueUnreachable(PfmmError):
    """The venue could not be reached; for a request that acts, it certainly never left."""

    code = "venue_unreachable"
    exit_code = 5
    meaning = "venue unreachable"


class VenueRefused(PfmmError):
    """The venue answered no. `venue_code` is its own snake_case error code, `status` the HTTP status."""

    code = "venue_refused"
    exit_code = 6
    meaning = "venue refused, or cannot do it"

    def __init__(self, message: str, *, hint: str | None = None, venue_code: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.venue_code = venue_code
        self.status = status


class RateLimited(VenueRefused):
    """The request budget is spent; `retry_after_s` is what the venue asks for."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, venue_code="rate_limited", status=429)
        self.retry_after_s = retry_after_s


class UnknownMarket(VenueRefused):
    """The venue does not list the market; the hint names the nearest ones. `markets` are those of several that it does
    not list, where that is known."""

    code = "unknown_market"
    markets: tuple[str, ...] = ()

    def naming(self, *markets: str) -> Self:
        """Say which markets it is about; returns the error itself."""
        self.markets = markets
        return self


class CannotDoThis(VenueRefused):
    """The venue lacks a capability that the command needs."""

    code = "cannot_do_this"


class BadVenueData(VenueRefused):
    """An answer of the venue breaks the wire rules; the message names the field and its value."""

    code = "bad_venue_data"


class RiskRefused(PfmmError):
    """Our own limits refuse the order or the plan; nothing was sent."""

    code = "risk_refused"
    exit_code = 7
    meaning = "risk refused"


class StateUnknown(PfmmError):
    """Orders or the position could not be proven. Treat both as existing."""

    code = "state_unknown"
    exit_code = 8
    meaning = "state unknown (orders or position could not be proven)"
    default_hint = "look at the venue itself, then run `pfmm flatten` or the command again"


class OutcomeUnknown(StateUnknown):
    """A request that acts got no usable answer: it may or may not have acted."""

    code = "outcome_unknown"


class NotFlat(PfmmError):
    """A position is left."""

    code = "not_flat"
    exit_code = 9
    meaning = "not flat (residual left)"


class AssertionFalse(PfmmError):
    """An --assert expression is false for at least one row."""

    code = "assertion_false"
    exit_code = 10
    meaning = "assertion false"


class AlreadyRunning(PfmmError):
    """Another process holds the lock of this run."""

    code = "already_running"
    exit_code = 11
    meaning = "already running"


class CutShort(PfmmError):
    """A signal ended the command before it was done; the message says what is not done, the exit code is 128 and the
    number of the signal."""

    code = "interrupted"
    exit_code = 130  # of the usual signal, SIGINT

    def __init__(self, message: str, *, exit_code: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class StartFailed(PfmmError):
    """The process that `start --detach` began ended before its first cycle; the exit code is that process's own."""

    code = "start_failed"

    def __init__(self, message: str, *, exit_code: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class ChangesPending(PfmmError):
    """`--dry-run --exit-code` found something to change."""

    code = "changes_pending"
    exit_code = 12
    meaning = "changes pending (--dry-run --exit-code)"


class DataFileError(PfmmError):
    """A recorded data file is unusable; the message names the file and the line."""

    code = "data_file"
    exit_code = 13
    meaning = "data file unusable"


class StoppedForSafety(PfmmError):
    """Refused or stopped because going on would be unsafe."""

    code = "stopped_for_safety"
    exit_code = 75
    meaning = "stopped or refused for safety (stale data, kill switch, HALT)"


class StaleData(StoppedForSafety):
    """Market data is too old, crossed, empty or jumped too far to act on."""

    code = "stale_data"


class Halted(StoppedForSafety):
    """The account carries a HALT latch."""

    code = "halted"
    default_hint = "`pfmm resume` lifts it, after showing why it was set"
