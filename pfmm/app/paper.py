"""The embedded exchange of this PFMM_HOME: its state, its money, its market, and serving it. Layer: app.

Whatever the profile's venue, these use cases mean paper money. Where the profile names a served paper exchange,
`status` asks that one; what changes an exchange acts on the embedded one alone and says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pfmm.app import paper_admin
from pfmm.app.clock_steps import words_of
from pfmm.app.contract import Question
from pfmm.config.resolve import load_settings
from pfmm.errors import ConfigError, UsageError
from pfmm.model.encoding import ABSENT
from pfmm.model.fees import ARTICLE, PRESETS, FeeChoice, entry_tier
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.paper_admin import Fresh
    from pfmm.app.session import Session
    from pfmm.config.values import Settings
    from pfmm.model.account import Snapshot, VenueTime
    from pfmm.model.order import Side


class At(NamedTuple):
    """A venue time in ms since 1970, and how it was written, for a message about it."""

    ms: int
    text: str


@dataclass(frozen=True, slots=True)
class PaperPosition:
    """One position: base units and USD."""

    market: str
    side: str
    size: Decimal
    notional: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    liquidation_price: Decimal | None


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """One open order: base units and USD."""

    market: str
    side: Side
    price: Decimal | None
    size: Decimal
    filled: Decimal
    order_id: str
    client_order_id: str | None


@dataclass(frozen=True, slots=True)
class PaperStatus:
    """Market, clock, equity, positions and orders of one account; `url` is None for the embedded exchange."""

    account: str
    url: str | None
    exchange_id: str | None
    feed: Mapping[str, Any]
    state: str
    time: str
    speed: float
    equity: Decimal
    cash: Decimal
    margin_used: Decimal
    free_margin: Decimal
    deposits: Decimal | None
    positions: tuple[PaperPosition, ...]
    open_orders: tuple[PaperOrder, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deposited:
    """What was added to an account, and what it holds since; USDC."""

    account: str
    amount: Decimal
    deposits: Decimal
    equity: Decimal


@dataclass(frozen=True, slots=True)
class FeedShown:
    """The market that the exchange trades in. `dropped_accounts` and `journals` (old and new place) are ABSENT unless
    accounts were dropped."""

    feed: Mapping[str, Any]
    state: str
    time: str
    speed: float
    dropped_accounts: tuple[str, ...] = ABSENT
    journals: tuple[Mapping[str, str], ...] = ABSENT
    warnings: tuple[str, ...] = ()


@contextmanager
def paper_session(profile: str | None, *, changes: bool = False) -> Iterator[Session]:
    """Open the paper side of a profile. With `changes`, raises ConfigError where the profile means another exchange
    than the embedded one."""
    from pfmm.app.session import session

    with session(paper_settings(profile)) as opened:
        if changes:
            _refuse_served(opened)
        yield opened


def paper_settings(profile: str | None) -> Settings:
    """Load the settings of a profile on the paper exchange, whatever its venue."""
    flags: dict[str, object] = {"venue": "paper"}
    if load_settings(os.environ, profile=profile).venue != "paper":
        flags["base_url"] = ""  # PFMM_BASE_URL is then the address of the live venue
    return load_settings(os.environ, profile=profile, overrides=flags)


def _refuse_served(session: Session) -> None:
    if session.in_process:
        return
    profile = session.settings.profile
    named = session.settings.source("base_url") == "environment"
    way = "without PFMM_BASE_URL" if named else f"after `pfmm profile unset base_url --profile {profile}`"
    raise ConfigError(
        f"profile {profile} trades on the paper exchange at {session.settings.base_url}; "
        "this command works on the embedded exchange alone",
        hint=f"run it where that exchange is served, {way}",
    )


def status(*, session: Session) -> PaperStatus:
    """Read market, clock, equity, positions and orders."""
    config = session.exchange.feed_config() if session.in_process else {"kind": "served"}
    snapshot = session.venue.state(())
    account = snapshot.account
    return PaperStatus(
        account=session.account,
        url=None if session.in_process else session.settings.base_url,
        exchange_id=snapshot.exchange_id,
        **_clock(config, snapshot.time),
        equity=account.equity,
        cash=account.cash,
        margin_used=account.margin_used,
        free_margin=account.free_margin,
        deposits=account.deposits,
        positions=_positions(snapshot),
        open_orders=_orders(snapshot),
        warnings=(*_out_of_sight(session), *words_of(session.exchange)) if session.in_process else (),
    )


def reset(*, session: Session, confirm: Confirm) -> FeedShown | None:
    """Drop every paper account and start the market's clock anew; None where that was declined.

    Journals are kept aside; order ids go on. Raises AlreadyRunning while a runner works.
    """
    paper_admin.refuse_while_running(session.state_dir)
    asked = Question("paper", session.account, f"Drop every paper account under {session.state_dir}?")
    if not confirm(asked):
        return None
    return _shown(session, paper_admin.reset(session.state_dir))


def deposit(amount: Decimal, *, session: Session) -> Deposited:
    """Add paper money, USDC, to the account. Raises UsageError for an amount that the exchange does not take."""
    with paper_admin.refusals():
        record = session.exchange.deposit(session.account, amount)
    return Deposited(session.account, amount, record.deposits, record.equity)


def feed(*, session: Session) -> FeedShown:
    """Show the market that the exchange trades in."""
    return _shown(session, None)


def synthetic_feed(
    *, seed: int | None, speed: float, at: At | None, afresh: bool, charge: FeeChoice, session: Session
) -> FeedShown:
    """Trade in a made-up market, the same for the same seed; `speed` is venue seconds a second.

    Without a seed it is that of the setting `paper.seed`, or one by chance. The fees are the article's unless chosen.
    """
    from pfmm.app.embedded import new_seed
    from pfmm.paper.clock import FIRST_MS, LAST_MS
    from pfmm.paper.feed_config import synthetic

    if at is not None and not FIRST_MS <= at.ms <= LAST_MS:
        raise UsageError(f"--at must lie between 2000 and 2100, not {at.text}")
    told = session.settings.general.paper.seed if seed is None else seed
    fees = charge.among(PRESETS[ARTICLE])
    config = {**synthetic(new_seed() if told is None else told, fees), "speed": _number(speed)}
    return _switch(session, config if at is None else {**config, "at_ms": at.ms}, afresh=afresh)


def replay_feed(
    files: Sequence[Path],
    *,
    speed: float,
    at: At | None,
    idle_pause: bool,
    afresh: bool,
    charge: FeeChoice,
    session: Session,
    market: str | None = None,
    data_format: str | None = None,
    skip_bad: int = 0,
    watch: Callable[[int], None] | None = None,
) -> FeedShown:
    """Trade in recorded data. It is read once and kept beside the exchange; the files are not needed later.

    The fees are the entry tier of the data's venue, where that is known, else the article's, unless chosen.

    `market` names what the files do not name; see ReadOptions for `data_format` and `skip_bad`. `watch` is
    told how many bytes were read.
    """
    from pfmm.backtest.replaying import replay_tape
    from pfmm.model.spelling import market_name
    from pfmm.paper.feeds.replay_tape import tape_venue
    from pfmm.tape.options import UNNAMED, ReadOptions

    name = UNNAMED if market is None else market_name(market)
    tape = replay_tape(files, session.state_dir / "paper" / "tapes", ReadOptions(name, data_format, skip_bad), watch)
    names = [str(path.absolute()) for path in files]
    config: dict[str, Any] = {"kind": "replay", "tape": str(tape), "files": names, "speed": _number(speed)}
    config["idle_pause"] = idle_pause
    config["fees"] = charge.among(entry_tier(tape_venue(tape)) or PRESETS[ARTICLE]).kept()
    if at is not None:
        _refuse_outside(config, at)
        config = {**config, "at_ms": at.ms}
    return _switch(session, config, afresh=afresh)


def live_feed(
    *, venue: str, testnet: bool, url: str | None, socket: bool, afresh: bool, charge: FeeChoice, session: Session
) -> FeedShown:
    """Trade with paper money on the public data of a real venue, of its test network with `testnet`, or at `url`; by
    polls, or through its WebSocket with `socket`.

    No account is needed there. The fees are the venue's entry tier unless chosen. Raises VenueUnreachable where the
    venue does not answer: the market of before stays.
    """
    from pfmm.app.live_market import keep_markets, open_public
    from pfmm.venue.registry import MAINNET, TESTNET

    network = TESTNET if testnet else MAINNET
    public = open_public(venue, network, url, folder=session.state_dir / "venues", read_attempts=3, socket=socket)
    try:
        instruments, now_ms = public.markets(), public.time_ms()
    finally:
        public.close()
    path = session.state_dir / "paper" / "live" / f"{venue}-{network}.json"
    keep_markets(instruments, path)
    config: dict[str, Any] = {"kind": "live", "venue": venue, "network": network, "markets_file": str(path)}
    config |= ({} if url is None else {"url": url}) | ({"socket": True} if socket else {})
    config["fees"] = charge.among(entry_tier(venue) or PRESETS[ARTICLE]).kept()
    return _switch(session, {**config, "at_ms": now_ms}, afresh=afresh)


def check_faults(spec: str | None) -> None:
    """Raise UsageError for a plan of faults that cannot be read."""
    from pfmm.paper.server.faults import parse_faults

    if spec is not None:
        parse_faults(spec)


def serve(
    *,
    port: int,
    faults: str | None,
    latency_ms: int,
    rate_limit: bool,
    session: Session,
    ready: Callable[[str, int], None],
) -> int:
    """Serve the exchange over HTTP until a signal; `ready` is told the URL and the venue's time (ms).

    Returns the number of the signal, 0 without one.
    """
    from pfmm.paper.server.faults import parse_faults
    from pfmm.paper.server.serve import serve as serve_until_signal
    from pfmm.paper.server.throttle import Throttle
    from pfmm.paper.wire.wsgi import make_app

    exchange = session.exchange
    stopped_by = serve_until_signal(
        lambda: make_app(exchange, throttle=Throttle() if rate_limit else None),
        port=port,
        faults=None if faults is None else parse_faults(faults),
        latency_ms=latency_ms,
        on_ready=lambda url: ready(url, exchange.time().time_ms),
    )
    return int(stopped_by or 0)


def _refuse_outside(config: Mapping[str, Any], at: At) -> None:
    from pfmm.app.embedded import feed_of

    first_ms, last_ms = feed_of(config).span()
    if not first_ms <= at.ms <= last_ms:
        raise ConfigError(
            f"--at {at.text} lies outside the recording, {iso(first_ms)} to {iso(last_ms)}",
            hint="`pfmm backtest data FILE` shows the span of each file",
        )


def _switch(session: Session, config: Mapping[str, Any], *, afresh: bool) -> FeedShown:
    return _shown(session, paper_admin.switch_feed(session.state_dir, config, afresh=afresh))


def _shown(session: Session, fresh: Fresh | None) -> FeedShown:
    clock = _clock(session.exchange.feed_config(), session.exchange.time())
    if fresh is None:
        return FeedShown(**clock, warnings=_out_of_sight(session))
    warnings = (
        ["the exchange's file could not be used: it was set aside and a new one started"] if fresh.damaged else []
    )
    warnings += [f"account {name} is still halted: `pfmm resume` lifts that" for name in fresh.halted]
    return FeedShown(
        **clock,
        dropped_accounts=fresh.accounts,
        journals=tuple({"from": str(old), "to": str(new)} for old, new in fresh.journals),
        warnings=tuple(warnings),
    )


def _out_of_sight(session: Session) -> tuple[str, ...]:
    problem = session.exchange.market_problem()
    return () if problem is None else (f"the live market is out of sight, and nothing fills: {problem}",)


def _clock(config: Mapping[str, Any], clock: VenueTime | Any) -> dict[str, Any]:
    from pfmm.paper.feed_config import fees_of

    shown = {("at" if key == "at_ms" else key): iso(v) if key == "at_ms" else v for key, v in config.items()}
    if config["kind"] != "served":
        shown["fees"] = fees_of(config).data()
    return {"feed": shown, "state": clock.state, "time": iso(clock.time_ms), "speed": _number(clock.speed)}


def _positions(snapshot: Snapshot) -> tuple[PaperPosition, ...]:
    return tuple(
        PaperPosition(
            one.market, "long" if one.size > 0 else "short", one.size, one.notional, one.mark_price,
            one.unrealized_pnl, one.liquidation_price,
        )
        for one in snapshot.positions
        if one.size
    )  # fmt: skip


def _orders(snapshot: Snapshot) -> tuple[PaperOrder, ...]:
    return tuple(
        PaperOrder(one.market, one.side, one.price, one.size, one.filled, one.order_id, one.client_order_id)
        for one in snapshot.orders
    )


def _number(value: float) -> float | int:
    """Return a whole float as an int: 1.0 → 1, what people typed."""
    return int(value) if value == int(value) else value
