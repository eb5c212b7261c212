"""Asks Hyperliquid's read endpoint: what a question weighs, whose account it is about, and long histories in pages.

Layer: venue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pfmm.errors import BadVenueData, ConfigError
from pfmm.model.account import FundingPayment
from pfmm.model.order import Fill
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid import reads
from pfmm.venue.ratelimit import Lane
from pfmm.venue.wire import Record

PATH: Final = "/info"
LATE_MS: Final = 60_000  # what arrives late is not older than this
MAX_PAGES: Final = 100
FILLS_PAGE: Final = 2_000
PAYMENTS_PAGE: Final = 500
USUAL_WEIGHT: Final = 20
_WEIGHTS: Final = {
    "exchangeStatus": 2,
    "l2Book": 2,
    "clearinghouseState": 2,
    "spotClearinghouseState": 2,
    "orderStatus": 2,
    "userRole": 60,
}
_ROWS_A_WEIGHT: Final = {"userFillsByTime": 20, "userFunding": 20, "fundingHistory": 20, "candleSnapshot": 60}

Row = TypeVar("Row", Fill, FundingPayment)


def weight_of(kind: str) -> int:
    """Tell what a question weighs before it is known how many rows the answer has."""
    return _WEIGHTS.get(kind, USUAL_WEIGHT)


@dataclass(frozen=True, slots=True)
class Role:
    """What an address is: user, agent, subAccount, vault or missing; `owner` is the account that an agent acts for or
    that a sub-account belongs to."""

    word: str
    owner: str | None


class Info:
    """The questions of one account; `account` is its address, empty for public data alone."""

    def __init__(self, http: HttpClient, name: str, account: str) -> None:
        self._http = http
        self._name = name
        self.account = account
        self.roles: dict[str, Role] = {}  # by address: heavy questions, whose answer stays

    def ask(self, asked: Mapping[str, object]) -> object:
        """Ask one question and return the answer. A long one costs a weight for so many rows beside its question's."""
        kind = str(asked["type"])
        answer = self._http.ask(PATH, asked, weight=weight_of(kind))
        rows = _ROWS_A_WEIGHT.get(kind)
        if rows is not None and isinstance(answer, list) and len(answer) >= rows:
            self._http.spent(Lane.READ, len(answer) // rows)
        return answer

    def record(self, asked: Mapping[str, object]) -> Record:
        """Ask a question that is answered with an object."""
        return Record(self.ask(asked), str(asked["type"]))

    def rows(self, asked: Mapping[str, object]) -> list[Record]:
        """Ask a question that is answered with a list of objects."""
        answer = self.ask(asked)
        if not isinstance(answer, list) or len(answer) > reads.MAX_ROWS:
            raise BadVenueData(f"{asked['type']}: must be a list of at most {reads.MAX_ROWS} rows")
        return [Record(row, f"{asked['type']}[{place}]") for place, row in enumerate(answer)]

    def mine(self, kind: str, **fields: object) -> dict[str, object]:
        """Write a question about the account. Raises ConfigError without one: the venue's answer would be empty."""
        if not self.account:
            raise ConfigError(
                f"{kind} is about an account, and none is set: {self._name} accounts are addresses",
                hint="`pfmm profile set account 0x…`: the account's own address, not that of an agent's key",
            )
        return {"type": kind, "user": self.account, **fields}

    def fills_from(self, start_ms: int) -> tuple[Fill, ...]:
        """Read every fill from a venue time on, oldest first, each once."""

        def page(since_ms: int) -> tuple[Fill, ...]:
            asked = self.mine("userFillsByTime", startTime=since_ms, aggregateByTime=False)
            return reads.fills(self.rows(asked), self.account)

        return _paged("userFillsByTime", page, lambda one: one.fill_id, start_ms, FILLS_PAGE)

    def payments_from(self, start_ms: int) -> tuple[FundingPayment, ...]:
        """Read every funding payment from a venue time on, oldest first, each once."""

        def page(since_ms: int) -> tuple[FundingPayment, ...]:
            rows = map(reads.funding_payment, self.rows(self.mine("userFunding", startTime=since_ms)))
            return tuple(sorted(rows, key=lambda one: one.time_ms))

        return _paged("userFunding", page, lambda one: one.payment_id, start_ms, PAYMENTS_PAGE)


def _paged(
    kind: str, read: Callable[[int], tuple[Row, ...]], id_of: Callable[[Row], str], start_ms: int, most: int
) -> tuple[Row, ...]:
    """Read all pages. The next goes on at the last time INCLUSIVE, since neighbours share a millisecond."""
    found: dict[str, Row] = {}
    newest_ms = start_ms
    for _ in range(MAX_PAGES):
        page = read(newest_ms)
        before = len(found)
        found |= {id_of(one): one for one in page}
        if page:
            newest_ms = max(newest_ms, page[-1].time_ms)
        if len(page) < most:
            return tuple(sorted(found.values(), key=lambda one: one.time_ms))
        if len(found) == before:
            raise BadVenueData(f"{kind}: more than {most} rows in the millisecond {newest_ms}")
    raise BadVenueData(f"{kind}: still more after {MAX_PAGES} pages")
