"""Against a server that drops, lags, repeats and restarts: every trade once and in order, gaps marked, and a replay of
the recording gives the fills that the live market gave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pfmm.app.live_market import DEPTH, PublicVenue, open_public
from pfmm.errors import PfmmError
from pfmm.model.fees import PRESETS
from pfmm.model.market import Trade
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.replay import ReplayFeed
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.paper.messages import ExchangeError, PlaceRequest
from pfmm.tape import read
from pfmm.tape.recorder import Recorder
from tests.examples import some
from tests.scripted_hyperliquid import MARKET, START_MS, ScriptedVenue, served
from tests.unit.paper.test_live import World

D = Decimal
ACCOUNT = "desk"
STEPS = 30
SEEDS = range(5)


class Troubled:
    """A run of the scripted venue with troubles by chance: what it did, what was placed, what filled live."""

    def __init__(self, folder: Path, venue: ScriptedVenue, url: str, seed: int, *, socket: bool) -> None:
        self.folder, self.venue, self.chance = folder, venue, Random(seed)
        self.live = World(folder, url, venue, at_ms=START_MS - 1_000, socket=socket)
        self.live.exchange.deposit(ACCOUNT, D(10_000_000))
        self.public: PublicVenue = open_public("hyperliquid", "mainnet", url, socket=socket)
        self.recorder = Recorder(self.public, self.public.markets()[:1], depth=DEPTH, continuity=self.public)
        self.tape = self.recorder.header()
        self.placed: list[tuple[int, PlaceRequest]] = []
        self.socket = socket

    def run(self) -> None:
        self.look()
        for _ in range(STEPS):
            self.step()
        self.venue.down = False
        self.venue.step(20)
        self.look()
        self.tape += self.recorder.rest()

    def step(self) -> None:
        venue, chance = self.venue, self.chance
        for _ in range(chance.randint(0, 5)):
            venue.step(chance.uniform(0.1, 0.9))
            lag = chance.random() < 0.25
            venue.trade(100_000 + chance.randint(-6, 6), f"0.{chance.randint(1, 9)}", chance.choice("AB"), lag=lag)
        venue.step(2.5)
        bid = 100_000 + chance.randint(-4, 4)
        venue.quote(bid, bid + chance.randint(1, 3), f"0.{chance.randint(1, 9)}")
        trouble = chance.choice(["", "", "", "", "catch up", "catch up", "drop", "repeat", "restart"])
        venue.down = trouble == "drop"
        if trouble in ("drop", "restart"):
            venue.drop()
        if trouble == "catch up":
            venue.catch_up()
        elif trouble == "repeat" and venue.prints:
            venue.prints += venue.prints[-3:]
        elif trouble == "restart":
            venue.prints = []
        self.look()
        if not venue.down and chance.random() < 0.5:
            self.place()

    def look(self) -> None:
        """Both look at the same moments, or do not see anything."""
        exchange = self.live.exchange
        if self.socket:
            if self.venue.down:
                return  # nobody looks until the socket is back
            self.await_frames()
        before = exchange._sessions.store.live.seen(MARKET)
        exchange.ticker(MARKET)
        after = exchange._sessions.store.live.seen(MARKET)
        if self.venue.down:
            with pytest.raises(PfmmError):
                self.recorder.poll()
        elif after != before:
            self.tape += self.recorder.poll()[1]

    def await_frames(self) -> None:
        """Pushes what there is, and waits until both have it: over a new socket each, where the old one broke."""
        self.venue.push()
        source = self.live.exchange._sessions.feed._source  # type: ignore[attr-defined]
        followers = [self.public] if source is None else [self.public, source._public]
        for one in followers:
            stream: Any = one._stream  # type: ignore[attr-defined]
            if stream.slot("l2Book:BTC") is not None:
                assert stream.wait_until("l2Book:BTC", self.is_newest, 30), stream.problem

    def is_newest(self, shown: Any) -> bool:
        return bool(shown.value.time_ms == self.venue.time_ms)

    def place(self) -> None:
        side = self.chance.choice(["long", "short"])
        away = self.chance.randint(0, 5)
        price = D(self.venue.bid - away if side == "long" else self.venue.ask + away)
        request = PlaceRequest(MARKET, side, "limit", size_base=D("0.2"), price=price, post_only=True)
        exchange = self.live.exchange
        if exchange.market_problem() is not None:
            return
        before = len(self.venue.requests)
        try:
            exchange.place(ACCOUNT, request)
        except ExchangeError:
            return
        assert len(self.venue.requests) == before  # the look of before was fresh enough
        self.placed.append((exchange._sessions.store.live.through()[0], request))

    def lines(self) -> Iterator[dict[str, object]]:
        yield from map(json.loads, self.tape.splitlines()[1:])


TROUBLES = [  # by default one run of each kind
    *some([(seed, False) for seed in SEEDS], 1),
    *some([(seed, True) for seed in SEEDS[:3]], 1),
]


@pytest.fixture(scope="module", params=TROUBLES)
def troubled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    venue = ScriptedVenue(page=6)
    with served(venue) as url:
        made = Troubled(tmp_path_factory.mktemp("live"), venue, url, request.param[0], socket=request.param[1])
        made.run()
        yield made
        made.public.close()
        made.live.exchange.close()


def test_every_trade_is_there_once_and_in_order(troubled: Troubled) -> None:
    trades = [line for line in troubled.lines() if line["kind"] == "trade"]
    ids = [line["id"] for line in trades]
    assert len(ids) == len(set(ids))
    counted = [line for line in trades if not line.get("missed")]
    assert [line["time"] for line in counted] == sorted(line["time"] for line in counted)  # type: ignore[type-var]
    path = troubled.folder / "order.tape"
    path.write_text(troubled.tape)
    assert len([one for one in read([path]) if isinstance(one.event, Trade)]) == len(counted)
    # what the venue showed when it was looked at, and only that
    seen = troubled.live.exchange._sessions.store.live.newest_prints(MARKET, 0)
    assert set(ids) <= {name for name, _ in seen}
    assert counted


def test_gaps_are_marked_and_hold_whatever_is_missing(troubled: Troubled) -> None:
    gaps = [(line["time"], line["until"]) for line in troubled.lines() if line["kind"] == "gap"]
    assert gaps
    assert gaps == troubled.live.exchange._sessions.store.live.gaps(MARKET)


def test_a_replay_of_the_recording_fills_as_the_live_market_did(troubled: Troubled) -> None:
    path = troubled.folder / "replayed.tape"
    path.write_text(troubled.tape)
    tape = build_tape([path], troubled.folder / "tapes")
    fees = PRESETS["hyperliquid"]
    feed = ReplayFeed(tape, fees)
    first_ms = troubled.placed[0][0]
    config = {"kind": "replay", "speed": 0, "at_ms": first_ms, "idle_pause": False}
    with_tape = Exchange.open(troubled.folder / "replay.sqlite3", lambda _: feed, lambda: 0, first_feed=config)
    with_tape.deposit(ACCOUNT, D(10_000_000))
    for time_ms, request in troubled.placed:
        with_tape.advance_clock(time_ms)
        with_tape.place(ACCOUNT, request)
    with_tape.advance_clock(feed.span()[1])
    replayed = [(one.time, one.side, one.price, one.size_base) for one in with_tape.fills(ACCOUNT).fills]
    live = [(one.time, one.side, one.price, one.size_base) for one in troubled.live.exchange.fills(ACCOUNT).fills]
    with_tape.close()
    assert replayed == live
    assert len(live) > 5
