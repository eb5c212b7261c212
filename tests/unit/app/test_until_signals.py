"""What goes on until a signal, as functions: a served exchange, a watched answer, a followed log; and other feeds."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pfmm.app import paper, profiles
from pfmm.app.logs import LogsRequest, follow
from pfmm.app.paper_accounts import paper_account
from pfmm.app.session import Session
from pfmm.app.watching import Show, watch
from pfmm.errors import PfmmError, VenueUnreachable
from pfmm.model.fees import FeeChoice
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app

HEADER = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size"
START_MS = 1_700_000_000_000


def test_a_served_exchange_ends_on_a_signal(session: Session) -> None:
    told: list[str] = []

    def ready(url: str, _: int) -> None:
        told.append(url)
        signal.raise_signal(signal.SIGTERM)

    ended_by = paper.serve(port=0, faults=None, latency_ms=0, rate_limit=True, session=session, ready=ready)
    assert ended_by == signal.SIGTERM
    assert told[0].startswith("http://127.0.0.1:")


def test_a_watch_shows_the_last_good_look_beside_a_passing_failure(session: Session) -> None:
    looks: Iterator[int | PfmmError] = iter((1, VenueUnreachable("no answer"), 2))
    shown: list[tuple[int, str | None]] = []

    def look() -> int:
        found = next(looks)
        if isinstance(found, PfmmError):
            raise found
        return found

    @contextmanager
    def screen() -> Iterator[Show[int]]:
        def show(last: int, error: PfmmError | None) -> None:
            shown.append((last, None if error is None else error.message))
            if last == 2:
                signal.raise_signal(signal.SIGINT)

        yield show

    assert watch(look, screen, session=session, every_s=0.01) == signal.SIGINT
    assert shown == [(1, None), (1, "no answer"), (2, None)]


def test_a_followed_log_tells_its_last_line_and_ends_on_a_signal(session: Session) -> None:
    folder = session.settings.paths.log_dir
    folder.mkdir(parents=True)
    (folder / "grid-BTC-PERP.log").write_text("one\ntwo\n")
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        signal.raise_signal(signal.SIGTERM)

    assert follow(LogsRequest(None, 1), settings=session.settings, tell=tell) == 143
    assert told == ["two"]


def test_a_paper_account_has_an_address_and_shows_its_key_only_where_asked(session: Session) -> None:
    pytest.importorskip("coincurve", reason="addresses need the extra `hyperliquid`")
    shown = paper_account("desk", show_key=True, key_file=None, session=session)
    hidden = paper_account("desk", show_key=False, key_file=None, session=session)
    assert (shown.address, hidden.key) == (hidden.address, None)
    assert shown.key is not None
    assert "desk" in session.exchange.accounts()


def test_a_recording_becomes_the_market_of_the_exchange(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "still.csv"
    rows = [f"{START_MS + second * 1000},quote,,,,999,5.001,1001,5.001" for second in range(9)]
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    found = paper.replay_feed(
        [file], speed=0, at=None, idle_pause=True, afresh=True, charge=FeeChoice("binance"), session=session,
        market="X-PERP",
    )  # fmt: skip
    assert (found.feed["kind"], found.dropped_accounts) == ("replay", ())
    assert session.exchange.time().time_ms == START_MS


def test_another_exchange_becomes_the_live_market_of_this_one(session: Session) -> None:
    with PaperServer(make_app(session.exchange), "127.0.0.1", 0).running() as server:
        found = paper.live_feed(
            venue="hyperliquid", testnet=True, url=server.url, socket=False, afresh=True, charge=FeeChoice(),
            session=session,
        )  # fmt: skip
    assert (found.feed["kind"], found.feed["venue"]) == ("live", "hyperliquid")


def test_a_setting_that_is_unset_has_its_default_again(pfmm_home: Path) -> None:
    profiles.set_setting(None, "grid.levels", "20", None)
    assert profiles.show_profile(None, None).settings["grid.levels"] == 20
    profiles.unset_setting(None, "grid.levels", None)
    assert profiles.show_profile(None, None).settings["grid.levels"] == 10
    assert (pfmm_home / "config.toml").exists()
