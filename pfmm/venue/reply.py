"""What an HTTP answer means in our errors: statuses, error bodies, Retry-After. Pure; knows no endpoint.

Layer: venue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pfmm.errors import (
    AuthenticationError,
    BadVenueData,
    OutcomeUnknown,
    PfmmError,
    RateLimited,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.venue.wire import parse

if TYPE_CHECKING:
    from datetime import datetime

_MAX_WAIT_S = 3600.0
_MAX_WORDS = 200
NO_ANSWER = "check the network and the profile's venue; `pfmm doctor` tells more"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer; header names in lower case. The body may repeat the key: it is in no repr."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


SIGNALLED, OUT_OF_TIME = "a signal asked to stop", "no time was left"  # our own reasons: they say nothing of the venue


@dataclass(frozen=True, slots=True)
class NoReply:
    """No whole answer came. `never_sent` is True only when the request certainly did not leave."""

    why: str
    never_sent: bool


@dataclass(frozen=True, slots=True)
class Judge:
    """Turns the outcome of a request to `place` into a value or an error; `redact` removes the key from texts,
    `may_repeat_key` tells which bodies are worth looking through for it."""

    place: str
    redact: Callable[[str], str]
    may_repeat_key: Callable[[bytes], bool]

    def read(self, reply: Reply, what: str) -> object:
        """Return the JSON of an answered read. Raises VenueRefused, AuthenticationError, RateLimited, BadVenueData."""
        if 200 <= reply.status < 300:
            return self._parsed(reply, what)
        if 300 <= reply.status < 400:
            raise VenueRefused(
                f"{what} at {self.place} is redirected elsewhere, where the key must not go",
                hint="set the address of the venue to where it really is",
                venue_code="redirect",
                status=reply.status,
            )
        raise self._no(reply, what)

    def acted(self, reply: Reply, what: str) -> object:
        """Return the JSON of an answered request that acts. Raises what `read` raises where the venue said no.

        A 2xx that cannot be read, a redirect, 408 and 5xx prove nothing: OutcomeUnknown.
        """
        if 400 <= reply.status < 500 and reply.status != 408:
            raise self._no(reply, what)
        if busy(reply):
            raise self._refused(reply, what)
        why = f"{what} at {self.place} was answered with status {reply.status}"
        if 200 <= reply.status < 300:
            try:
                return self._parsed(reply, what)
            except BadVenueData as error:
                why = error.message
        raise OutcomeUnknown(f"{why}: it may or may not have acted")

    def given_up(self, outcome: Reply | NoReply, what: str) -> PfmmError:
        """Build the error of a read whose last attempt ended in `outcome`."""
        if isinstance(outcome, NoReply):
            return VenueUnreachable(f"{what} at {self.place} got no answer ({outcome.why})", hint=NO_ANSWER)
        if outcome.status == 429:
            return self._no(outcome, what)
        _, words = self._words(outcome)
        return VenueUnreachable(f"{what} at {self.place} failed with status {outcome.status}: {words}")

    def unanswered(self, outcome: NoReply, what: str) -> PfmmError:
        """Build the error of a request that acts and got no answer."""
        if outcome.never_sent and outcome.why in (SIGNALLED, OUT_OF_TIME):
            return VenueUnreachable(f"{what} was never sent: {outcome.why}")
        if outcome.never_sent:
            return VenueUnreachable(f"{what} was never sent: {self.place} cannot be reached ({outcome.why})")
        return OutcomeUnknown(f"{what} at {self.place} got no answer ({outcome.why}): it may or may not have acted")

    def _no(self, reply: Reply, what: str) -> PfmmError:
        if reply.status in (401, 403):
            _, words = self._words(reply)
            return AuthenticationError(f"{self.place} does not accept the key for {what}: {words}")
        if reply.status == 429:
            wait_s = retry_after_s(reply) or 1.0
            return RateLimited(f"{self.place} limits requests: {what} refused", retry_after_s=wait_s)
        return self._refused(reply, what)

    def _refused(self, reply: Reply, what: str) -> VenueRefused:
        code, words = self._words(reply)
        return VenueRefused(f"{self.place} refused {what}: {words}", venue_code=code, status=reply.status)

    def _words(self, reply: Reply) -> tuple[str, str]:
        """Return the venue's error code, and code with message: safe to print and without the key."""
        body = _error_body(reply)
        code = self._printable(body.get("error")) or f"http_{reply.status}"
        words = self._printable(body.get("message"))
        return code, f"{code} ({words})" if words else code

    def _printable(self, value: object) -> str:
        if not isinstance(value, str):
            return ""
        return self.redact("".join(letter for letter in value if letter.isprintable()))[:_MAX_WORDS]

    def _parsed(self, reply: Reply, what: str) -> object:
        """Return the JSON of a 2xx answer without the key in any field: fields reach messages and files."""
        try:
            value = parse(reply.body, what)
        except BadVenueData as error:
            raise BadVenueData(self.redact(error.message)) from None
        return self._without_key(value) if self.may_repeat_key(reply.body) else value

    def _without_key(self, value: object) -> object:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {self.redact(name): self._without_key(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._without_key(item) for item in value]
        return value


def busy(reply: Reply) -> bool:
    """Tell whether this is the one 5xx by which the venue says that it did not act: 503 with error `busy`."""
    return reply.status == 503 and _error_body(reply).get("error") == "busy"


def retry_after_s(reply: Reply) -> float:
    """Read Retry-After in seconds, 0 where there is none: a number, or a date as seen from the answer's own Date.

    `Retry-After: 7` is 7 s; a date of 10:00:30 in an answer of 10:00:00 is 30 s. Never more than an hour.
    """
    seconds = whole_header(reply, "retry-after")
    if seconds is not None:
        return min(float(seconds), _MAX_WAIT_S)
    until_s, now_s = (_http_date_s(reply.headers.get(name, "")) for name in ("retry-after", "date"))
    if until_s is None or now_s is None:
        return 0.0
    return min(max(until_s - now_s, 0.0), _MAX_WAIT_S)


def whole_header(reply: Reply, name: str) -> int | None:
    """Read a header that is a plain whole number of at most 9 digits; None for any other."""
    text = reply.headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _error_body(reply: Reply) -> Mapping[str, object]:
    try:
        body = parse(reply.body, "error")
    except BadVenueData:
        return {}
    return body if isinstance(body, dict) else {}


def _http_date_s(text: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        moment: datetime = parsedate_to_datetime(text)
        return moment.timestamp()
    except (ValueError, OverflowError):  # of an hour or a zone with more digits than a date can count
        return None
