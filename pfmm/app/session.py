"""The composition root: the only place, with `embedded`, that builds adapters and joins them to the pure parts.

A command opens one Session (one account on one venue) and closes it. Everything is opened when first needed, so that
a command pays for nothing that it does not use. Layer: app.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm.app.market_names import remember
from pfmm.config.values import Settings
from pfmm.errors import CannotDoThis, ConfigError, PfmmError, UnknownMarket, VenueRefused
from pfmm.model.market import Instrument
from pfmm.model.spelling import near, spelled
from pfmm.venue.registry import MAINNET, PAPER, VENUES

if TYPE_CHECKING:
    from pfmm.app.contract import Question
    from pfmm.journal.journal import Journal
    from pfmm.model.deadline import Deadline
    from pfmm.paper.exchange import Exchange
    from pfmm.ports import Venue
    from pfmm.runner.clock import VenueClock
    from pfmm.runner.locks import AccountLocks
    from pfmm.venue.client import HttpClient
    from pfmm.venue.ratelimit import Budget
    from pfmm.venue.sockets import Wakeup

HURRIED_TIMEOUT_S = 3.0
NOT_SERVED = (404, 405, 501)
USUAL_MARKET = "BTC-PERP"  # to ask for where none is known


class Session:
    """One account on one venue, for the life of one command."""

    on_new_market: Callable[[int], None] | None = None  # told the seed that chance chose for a new paper exchange
    on_clock_step: Callable[[str], None] | None = None  # told that this machine's clock was set, and what paper did

    def __init__(self, settings: Settings, *, hurried: bool = False) -> None:
        self.settings = settings
        self._waits: Mapping[str, Any] = _hurried(settings) if hurried else {}
        self.state_dir = settings.paths.state_dir
        self.venue_name = settings.place.name  # on screens and in files
        self.live = settings.venue != PAPER  # somebody else's exchange, be it a test network's
        self.real_money = self.live and settings.network == MAINNET
        self.in_process = not self.live and not settings.base_url
        self._closers: list[Callable[[], None]] = []
        self._deadline: Deadline | None = None
        self._wakeup: Wakeup | None = None

    def question(self, action: str, amounts: Callable[[], tuple[str, ...]] = tuple) -> Question:
        """Build the question that is asked before `action` is done on this account, a live one."""
        from pfmm.app.contract import Question

        real = self.real_money
        return Question(self.venue_name, self.account, action, amounts, real_money=real, play_money=not real)

    @cached_property
    def account(self) -> str:
        """The account's name for files, locks and messages: what the venue calls it. Where a key alone names it, its
        fingerprint does, so that two profiles with one key are one account. Raises ConfigError for what is no address
        where the venue wants one: it would answer for an empty account."""
        named_by = VENUES[self.settings.venue].account
        if named_by == "name":
            return self.settings.account
        if named_by == "address":
            from pfmm.venue.accounts import address

            return address(self.settings.account, self.settings.venue)
        from hashlib import sha256

        return "key-" + sha256(self.key().encode()).hexdigest()[:12]

    def _account_if_known(self) -> str:
        """Return the account; empty without a usable key or address: public data needs none, and what does says what is
        wrong with it."""
        try:
            return self.account
        except ConfigError:
            return ""

    def key(self) -> str:
        """Read the API key in clear; the paper exchange's key is the account's name."""
        if not self.live:
            return f"paper-{self.settings.account}"
        from pfmm.config.secrets import require_secret

        return require_secret(self.settings.secret, self.settings.venue, os.environ).reveal()

    def _key_at_hand(self) -> str:
        """Read the key where that asks nobody, else "": to be kept out of answers that repeat it."""
        from pfmm.config.secrets import secret_at_hand

        settings = self.settings
        return secret_at_hand(settings.secret, settings.venue, os.environ) if self.live else ""

    @cached_property
    def exchange(self) -> Exchange:
        """The embedded exchange of this PFMM_HOME."""
        from pfmm.app.embedded import open_exchange

        exchange = open_exchange(self.state_dir, self.settings.general.paper.seed, self.on_new_market)
        if self.on_clock_step is not None:
            from pfmm.app.clock_steps import words_of

            for words in words_of(exchange):
                self.on_clock_step(words)
        return exchange

    @cached_property
    def venue(self) -> Venue:
        """The adapter over one client; in-process unless the profile names an address."""
        from importlib import import_module

        from pfmm.venue.opening import Opening

        module, opener = VENUES[self.settings.venue].opener.split(":")
        opening = Opening(
            name=self.venue_name,
            network=self.settings.network,
            account=self._account_if_known(),
            key=self.key,
            client=self._client,
            folder=self.state_dir / "venues",
            limited=self.live,
            urgent=bool(self._waits),
            more_lists=self.settings.market_lists,
            url=self.settings.base_url,
            stream=self.settings.stream,
        )
        venue: Venue = getattr(import_module(module), opener)(opening)
        return venue

    def _client(self, budget: Budget | None) -> HttpClient:
        from pfmm.venue.client import IN_PROCESS_URL, HttpClient
        from pfmm.venue.http import in_process

        if self.in_process:
            from pfmm.paper.wire.wsgi import make_app

            # which answers always: what else the command computes meanwhile must not use up a deadline for it
            transport = in_process(make_app(self.exchange))
            return HttpClient(IN_PROCESS_URL, key=self.key, transport=transport, wakeup=lambda: self._wakeup)
        return HttpClient(
            self.settings.base_url,
            key=self.key,
            key_at_hand=self._key_at_hand,
            budget=budget,
            deadline=self._now_due,
            wakeup=lambda: self._wakeup,
            **self._waits,
        )

    def _now_due(self) -> Deadline:
        """Return by when what is asked now must be answered: of a command that bounds nothing itself,
        `command.timeout_s` after its first request."""
        if self._deadline is None:
            from pfmm.model.deadline import Deadline

            self._deadline = Deadline.after(self.settings.general.command.timeout_s, time.monotonic)
        return self._deadline

    @contextmanager
    def bounded(self, seconds: float | None = None, *, wakeup: Wakeup | None = None) -> Iterator[Deadline]:
        """Bound the block: all requests and the waits of clocks together take at most `seconds`, without a limit (None)
        each its own time, and `wakeup` tells of signals that end a read. Takes the place of what bounded them
        before."""
        from pfmm.model.deadline import Deadline

        before = self._deadline, self._wakeup
        deadline = Deadline(inf if seconds is None else time.monotonic() + seconds, time.monotonic)
        self._deadline, self._wakeup = deadline, wakeup
        try:
            yield deadline
        finally:
            self._deadline, self._wakeup = before

    @contextmanager
    def heeding(self, wakeup: Wakeup) -> Iterator[None]:
        """Let signals that `wakeup` tells of end reads within the block; the time for requests stays as it was."""
        before, self._wakeup = self._wakeup, wakeup
        try:
            yield
        finally:
            self._wakeup = before

    def leaving(self) -> AbstractContextManager[Deadline]:
        """Bound all requests and waits of the block together by `run.exit_timeout_s`: to cancel and prove."""
        return self.bounded(self.settings.general.run.exit_timeout_s)

    def renew(self) -> None:
        """Begin the command's time again with its next request: meanwhile a person has answered a question."""
        self._deadline = None

    @property
    def journal_path(self) -> Path:
        """The file of the account's journal."""
        return self.state_dir / "journals" / f"{self.venue_name}-{self.account}.sqlite3"

    @property
    def has_journal(self) -> bool:
        """True where the account has a journal already: a command that only shows something makes none."""
        return self.journal_path.exists()

    @cached_property
    def journal(self) -> Journal:
        """The account's journal; created on first use. A paper journal stays where it is as long as this session has
        it open: a reset of the exchange, which moves it aside, waits or is refused."""
        from pfmm.journal.journal import Journal

        return Journal.open(
            self.journal_path,
            venue=self.venue_name,
            account=self.account,
            nonce=os.urandom(3).hex(),
            resets_of=None if self.live else self.state_dir,
        )

    @cached_property
    def locks(self) -> AccountLocks:
        """The account's locks and its HALT latch."""
        from pfmm.runner.locks import AccountLocks

        return AccountLocks(self.state_dir, self.venue_name, self.account)

    def locks_to_trade(self) -> AccountLocks:
        """Return the account's locks, for what will send orders. Raises Halted."""
        self.locks.refuse_if_halted()
        return self.locks

    def clock(self, wait_s: Callable[[float], bool]) -> VenueClock:
        """Build a clock that follows the venue; waits end through `wait_s`, and with a `bounded` block's deadline."""
        from pfmm.runner.clock import VenueClock

        def bounded_wait_s(seconds: float) -> bool:
            return wait_s(seconds if self._deadline is None else min(seconds, self._deadline.left_s()))

        return VenueClock(time.monotonic, bounded_wait_s, getattr(self.venue, "advance", None))

    def whole_refusal(self, error: VenueRefused) -> VenueRefused:
        """Make the refusal that names every read the venue lacks, and what works without them; `error` itself where it
        lacks none."""
        if error.status in NOT_SERVED:
            try:
                self.venue.probe((USUAL_MARKET,))
            except CannotDoThis as whole:
                return whole
            except PfmmError:
                pass  # it says less than what is known already
        return error

    @cached_property
    def instruments(self) -> Mapping[str, Instrument]:
        """Every market of the venue by name; completions are told the names when the session ends."""
        try:
            listed = self.venue.markets()
        except VenueRefused as error:
            if self._waits:
                raise
            raise self.whole_refusal(error) from error
        return {instrument.market: instrument for instrument in listed}

    def market(self, spelling: str) -> Instrument:
        """Find the instrument that `spelling` (BTC-PERP, btc, BTCUSDT, the venue's own name) means; see
        `model.spelling`.

        Raises UnknownMarket with the nearest names.
        """
        found = spelled(spelling, self.instruments)
        if found is None:
            raise UnknownMarket(
                f"{self.venue_name} lists no market {spelling!r}", hint=near_markets(spelling, self.instruments)
            )
        return self.instruments[found]

    def as_charged(self, spelling: str) -> Instrument:
        """Return the market with the fees of its newest own fills, on a venue that is not ours: these are the fact, and
        what it lists a claim. The embedded exchange charges what it states from one moment to the next."""
        instrument = self.market(spelling)
        if not self.live or not self.has_journal:
            return instrument
        from pfmm.engine.fee_check import NEWEST_FILLS, as_charged

        newest = self.journal.newest_fills(instrument.market, NEWEST_FILLS)
        return as_charged(instrument, (item.fill for item in newest))

    def known_market(self, spelling: str) -> str:
        """Find the name that `spelling` means, also of a market that the venue took off its list, while the account
        holds or remembers something there. Raises UnknownMarket."""
        try:
            return self.market(spelling).market
        except UnknownMarket:
            snapshot = self.venue.state(())
            held = {one.market for one in snapshot.positions} | {one.market for one in snapshot.orders}
            found = spelled(spelling, held) or self.remembered_market(spelling)
            if found is None:
                raise
            return found

    def remembered_market(self, spelling: str) -> str | None:
        """Find the name that `spelling` means among the markets of the locks and of the journal, if that can be used;
        the venue is not asked."""
        names = {holder.market for holder in self.locks.holders()}
        with suppress(ConfigError):
            if self.has_journal:
                names |= {run.market for run in self.journal.runs()} | set(self.journal.markets_traded())
        return spelled(spelling, names)

    def on_close(self, close: Callable[[], None]) -> None:
        """Have `close` called when the session ends."""
        self._closers.append(close)

    def close(self) -> None:
        """Close what was opened."""
        for close in self._closers:
            close()
        opened = vars(self)
        for name in ("venue", "journal", "exchange"):
            if name in opened:
                opened[name].close()
        if "instruments" in opened and not self._waits:  # an emergency keeps nothing for later
            remember(self.settings.paths.cache_dir, self.settings.profile, self.instruments)


def _hurried(settings: Settings) -> Mapping[str, Any]:
    """Return the limits of an emergency's requests: it repeats by itself, with a fresh look between, so that one
    request must not hold it up."""
    return {"timeout_s": min(HURRIED_TIMEOUT_S, settings.general.flatten.timeout_s), "read_attempts": 1}


@contextmanager
def session(settings: Settings, *, hurried: bool = False) -> Iterator[Session]:
    """Open the session of one command, and close it after the block. `hurried` is for an emergency: no single request
    holds it up."""
    opened = Session(settings, hurried=hurried)
    try:
        yield opened
    finally:
        opened.close()


def near_markets(spelling: str, names: Collection[str]) -> str:
    """Name the nearest of the listed markets, for the hint of a message."""
    close = near(spelling, names)
    return f"did you mean {' or '.join(close)}?" if close else "`pfmm markets` lists them"


def unlisted(markets: Sequence[str]) -> list[str]:
    """Warn of markets that the venue took off its list; no warning without any."""
    return [f"the venue lists {', '.join(markets)} no more"] if markets else []
