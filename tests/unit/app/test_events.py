"""Events from a cursor on: each once, in order, and what is missing is said."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.events import GAP, EventsRequest, ToldEvent, events, newest_cursor, run_meant
from pfmm.app.session import Session
from pfmm.cli.render.events import dated, event_text, what_happened
from pfmm.errors import NoJournal, UsageError
from pfmm.journal import events as kept
from pfmm.model.account import Cursors
from pfmm.model.event import Event
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents, Run


@pytest.fixture
def runs(session: Session) -> tuple[Run, Run]:
    journal = session.journal
    grid, quote = (
        journal.start_run(kind, "BTC-PERP", {}, time_ms=1_000, wall_ms=1, pid=1) for kind in ("grid", "quote")
    )
    return grid, quote


def keep(session: Session, run: Run, *names: str) -> None:
    told = [Event(name, 1_000 + at, run.market, run.kind, {"reason": f"{name} {at}"}) for at, name in enumerate(names)]
    session.journal.record_events(told, {(run.market, run.kind): run.run_id})


def read(session: Session, run: str | None = None, since: int | None = None) -> list[ToldEvent]:
    found: list[ToldEvent] = []
    assert events(EventsRequest(run, since), session=session, tell=found.append) == 0
    return found


def test_a_reader_goes_on_behind_its_cursor(session: Session, runs: tuple[Run, Run]) -> None:
    keep(session, runs[0], "paused", "resumed")
    first = read(session, since=0)
    assert [(one.event, one.cursor, one.run) for one in first] == [
        ("paused", 1, runs[0].run_id),
        ("resumed", 2, runs[0].run_id),
    ]
    assert newest_cursor(session) == 2
    assert read(session, since=2) == []
    keep(session, runs[1], "halted")
    assert [one.event for one in read(session, since=2)] == ["halted"]


def test_a_fill_is_told_with_the_strategy_of_its_run(session: Session, runs: tuple[Run, Run]) -> None:
    def place(_: object, first: int) -> Intents:
        amounts = (Decimal(100), Decimal(1), Decimal(0))
        own = (f"n-{first}", runs[1].run_id, "BTC-PERP", "bid", Side.LONG, *amounts, OwnStatus.SENDING, False, 0, 0)
        return Intents((OwnOrder(*own),))

    session.journal.commit_intents(place, time_ms=1_000)
    of_run, by_hand = (
        Fill(name, name, client, "BTC-PERP", Side.LONG, Decimal(100), Decimal(1), Decimal(0), Liquidity.MAKER, 2_000)
        for name, client in (("f1", "n-1"), ("f2", None))
    )
    session.journal.absorb(fills=[of_run, by_hand], funding=[], cursors=Cursors())
    told = [(one.run, one.strategy) for one in read(session, since=0) if one.event == "fill"]
    assert told == [(runs[1].run_id, "quote"), (None, "")]


def test_only_the_run_that_is_named(session: Session, runs: tuple[Run, Run]) -> None:
    keep(session, runs[0], "paused")
    keep(session, runs[1], "halted")
    for name in (runs[1].run_id, "quote", "BTC", "quote-BTC"):  # BTC: the newest there
        assert [one.event for one in read(session, run=name)] == ["halted"], name
    assert [one.event for one in read(session, run="grid")] == ["paused"]
    with pytest.raises(UsageError, match="there is no run 'ladder'") as caught:
        read(session, run="ladder")
    assert runs[1].run_id in str(caught.value.hint)


def test_what_was_pruned_is_said(session: Session, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT_ROWS", 3)
    keep(session, runs[0], *["paused", "resumed"] * 4)
    found = read(session, since=2)
    assert (found[0].event, found[0].cursor, found[0].data) == (GAP, 5, {"dropped": 3})  # 3, 4 and 5
    assert [one.cursor for one in found[1:]] == [6, 7, 8]
    assert [one.cursor for one in read(session)] == [6, 7, 8], "who names no cursor has missed nothing"
    assert event_text(found[0]).endswith("3 events are no longer kept")


def test_that_more_is_kept_than_is_told_is_said(
    session: Session, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pfmm.app.events.LAST", 2)

    def said(since: int | None = None) -> int:
        times: list[None] = []
        events(EventsRequest(since=since), session=session, tell=lambda _: None, left_out=lambda: times.append(None))
        return len(times)

    keep(session, runs[0], "paused", "resumed")
    assert said() == 0
    keep(session, runs[0], "paused")
    assert said() == 1
    assert said(since=0) == 0  # all of them are told


def test_a_cursor_of_another_journal_is_refused(session: Session, runs: tuple[Run, Run]) -> None:
    keep(session, runs[0], "paused")
    with pytest.raises(UsageError, match="--since 2 is past the newest event, 1"):
        read(session, since=2)


def test_before_anything_has_run(session: Session) -> None:
    with pytest.raises(NoJournal):
        read(session)
    assert newest_cursor(session) == 0


def test_without_runs_a_name_says_so() -> None:
    with pytest.raises(UsageError) as caught:
        run_meant("grid", [])
    assert caught.value.hint == "nothing has run on this account yet"


def test_an_event_in_words(tmp_path: Path) -> None:
    data = {"side": "long", "size": "0.0003", "price": "65657", "fee": "-0.0039", "fill_id": "7", "slot": "cell:1:bid"}
    told = ToldEvent("fill", 1_735_689_600_000, 12, "r1", "BTC-PERP", "grid", data)
    assert event_text(told) == "#12    00:00:00  BTC-PERP grid  bought 0.0003 at 65657 (rebate +0.003900)"


TRADE = {"side": "short", "size": "0.5", "price": "101.50", "slot": "cell:5:ask", "client_order_id": "pf-1"}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("placed", TRADE, "placed sell 0.5 at 101.50"),
        ("amended", {**TRADE, "from_price": "102.5000"}, "moved sell 0.5 from 102.5 to 101.5"),
        ("amended", {**TRADE, "price": "0.083063", "from_price": "0.083"},
         "moved sell 0.5 from 0.083000 to 0.083063"),
        ("refused", {**TRADE, "code": "post_only_would_cross", "reason": "o1 would meet BTC-PERP as a taker"},
         "refused sell 0.5 at 101.50: it would fill at once, and quotes only rest"),
        ("halted", {"reason": "flatten the whole account"}, "halted: asked to flatten the whole account"),
        ("halted", {"reason": "halve BTC, ETH-PERP"}, "halted: asked to halve BTC, ETH-PERP"),
        ("halted", {"reason": "loss limit: 20 USD"}, "halted: loss limit: 20 USD"),
        ("stopping", {"reason": "signal SIGINT", "policy": "cancel"}, "stopping: Ctrl-C (its orders: cancel)"),
        ("stopping", {"reason": "flatten by key f", "policy": "flatten"},
         "stopping: flatten by key f (its orders: flatten)"),
        ("refused", {**TRADE, "code": "post_only", "reason": "younger than 1500 ms"},
         "refused sell 0.5 at 101.50: moved less than 1.5 s ago"),
        ("refused", {"slot": "cell:5:ask", "reason": "no"}, "ask of line 6 refused: no"),
        ("fill", {**TRADE, "fee": Decimal("0.02")}, "sold 0.5 at 101.50 (fee -0.020000)"),
        ("round_trip", {"slot": "cell:5", "size": "0.5", "entry_price": "100.0", "exit_price": "101.50",
                        "gross": "0.75", "fees": "-0.01", "net": "0.76"},
         "round trip 0.5 from 100 to 101.5: +0.760000 USD"),
        ("paused", {"reason": "paused by key p"}, "paused by key p"),
        ("resumed", {"after": "paused by key p"}, "goes on (before: paused by key p)"),
        ("stopping", {"reason": "signal SIGTERM", "policy": "cancel"},
         "stopping: signal SIGTERM (its orders: cancel)"),
        ("stopped", {"reason": "1 cycles done", "cancelled": 1, "orders_left": 0, "fills": 2, "pnl": "0.00084811",
                     "inventory": "-73", "left": []},
         "stopped: 1 cycles done; 1 order cancelled, 0 left, 2 fills, holds -73, P&L +0.0008 USD"),
        ("position_adopted", {"size": "-73", "price": "0.27", "foreign": False, "reason": "an earlier run left it"},
         "took over -73 at 0.27: an earlier run left it"),
        ("funding", {"rate": "0.0001", "price": "100", "position": "2", "amount": "-0.02"},
         "funding -0.020000 USD at +1.0000 bps"),
        ("started", {"venue": "paper", "account": "default", "adopted_orders": 2, "position": "0.5", "base": "0"},
         "started on paper/default, took over 2 orders of the earlier run, the account holds 0.5"),
        ("watchdog", {"reason": "process 7 is gone", "cancelled": 3}, "watchdog  cancelled 3: process 7 is gone"),
        ("cycle", {"mid": "65400.5", "orders": 1, "inventory": "-0.00228", "equity": "10000.05123456", "problem": None,
                   "absent": {}, "held": []},
         "cycle: 1 order, mid 65400.5, holds -0.00228, equity 10000.05"),
    ],
)  # fmt: skip
def test_people_read_words_and_no_names_of_fields_or_slots(name: str, data: dict[str, object], words: str) -> None:
    assert what_happened(name, data) == words


def test_each_day_is_named_before_its_first_event() -> None:
    lines = dated()
    days = ("2026-12-01", "2026-12-01", "", "2026-12-02")
    told = [part for at, day in enumerate(days) for part in lines(day, str(at))]
    assert told == ["2026-12-01 (UTC)", "0", "1", "2", "2026-12-02 (UTC)", "3"]
