"""The searches of a tape by blocks and chunks against the plain reading of every event."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.columns import Columns
from pfmm.paper.feeds.feed import QUOTE, TRADE, MarketSpec
from pfmm.paper.feeds.replay_tape import NO_ASK, MarketTape, extremes_of, open_tape, write_tape
from tests.examples import examples

T, COUNT = 1_700_000_000_000, 3_000  # two dozen blocks of the tape
SPEC = MarketSpec("X-PERP", "crypto", 1, 3, 1, None, 1_000_000_000, 20, -20_000, 50_000, 8)


def events(seed: int) -> list[tuple[int, ...]]:
    """A mid that wanders around 10,000; one quote in fifty has a side that is absent or shows no size."""
    random = Random(seed)
    time_ms, mid = T, 10_000
    rows: list[tuple[int, ...]] = []
    for _ in range(COUNT):
        time_ms += random.randint(0, 3)
        mid += random.choice((0, 0, 0, 0, 1, -1, 3, -3))
        side = random.choice((1, -1))
        bid, bid_size, ask, ask_size = mid - 1, 5, mid + 1, 5
        if random.random() < 0.02:
            bid, bid_size, ask, ask_size = random.choice(
                ((0, 0, ask, 5), (bid, 5, 0, 0), (bid, 0, ask, 5), (bid, 5, ask, 0))
            )
        trade = random.random() < 0.2
        rows.append(
            (time_ms, TRADE, mid + side, 5, side, 0) if trade else (time_ms, QUOTE, bid, bid_size, ask, ask_size)
        )
    return rows


ROWS = {seed: events(seed) for seed in range(3)}


def columns_of(rows: list[tuple[int, ...]]) -> Columns:
    empty = memoryview(array("q"))
    return Columns(MarketTape(SPEC, memoryview(array("q", [n for row in rows for n in row])), empty, empty, empty))


def touched(row: tuple[int, ...], best_bid: int, best_ask: int) -> bool:
    high = row[2] if row[1] == TRADE else row[4] or NO_ASK
    return (best_bid > 0 and row[2] <= best_bid) or 0 < best_ask <= high


def beyond(row: tuple[int, ...], band: tuple[int, int, int, int]) -> bool:
    _, kind, bid, bid_size, ask, ask_size = row
    inside = bid and bid_size and ask and ask_size and band[0] < bid < band[1] and band[2] < ask < band[3]
    return kind == QUOTE and not inside


@examples(100, 300)
@given(
    seed=st.sampled_from(list(ROWS)),
    start=st.integers(0, COUNT),
    length=st.integers(0, COUNT),
    bid_off=st.sampled_from([None, 2, 10, 40, 100]),
    ask_off=st.sampled_from([None, 2, 10, 40, 100]),
)
def test_a_search_finds_what_reading_everything_finds(
    seed: int, start: int, length: int, bid_off: int | None, ask_off: int | None
) -> None:
    rows = ROWS[seed]
    columns = columns_of(rows)
    end = min(start + length, COUNT)
    middle = rows[min(start, COUNT - 1)][2] or 10_000
    best_bid, best_ask = 0 if bid_off is None else middle - bid_off, 0 if ask_off is None else middle + ask_off
    hits = [index for index in range(start, end) if touched(rows[index], best_bid, best_ask)]
    assert list(columns.touches(start, end, best_bid, best_ask)) == [(index, list(rows[index])) for index in hits]

    after_ms, to_ms = rows[min(start, COUNT - 1)][0], rows[min(end, COUNT - 1)][0]
    span = [row for row in rows if after_ms < row[0] <= to_ms]
    first = next((row[0] for row in span if touched(row, best_bid, best_ask)), to_ms)
    assert columns.first_touch(after_ms, to_ms, best_bid, best_ask) == first
    band = (best_bid, best_ask or NO_ASK, best_bid, best_ask or NO_ASK)
    assert columns.first_quote_beyond(after_ms, to_ms, band) == next((r[0] for r in span if beyond(r, band)), to_ms)


@examples(100, 300)
@given(
    seed=st.sampled_from(list(ROWS)),
    times=st.lists(st.integers(T - 5, T + 2 * COUNT), max_size=40),
)
def test_where_times_lie_is_found_in_any_order_and_all_at_once(seed: int, times: list[int]) -> None:
    rows = ROWS[seed]
    stamps = [row[0] for row in rows]
    columns = columns_of(rows)
    assert [columns.after(time_ms) for time_ms in times] == [bisect_right(stamps, time_ms) for time_ms in times]

    times.sort()
    assert columns.all_after(times) == [bisect_right(stamps, time_ms) for time_ms in times]
    mids = list(columns.mids_at(times))
    for before, time_ms, mid in zip([T - 6, *times], times, mids, strict=False):
        both = [row for row in rows if row[1] == QUOTE and all(row[2:]) and before < row[0] <= time_ms]
        assert mid == ((both[-1][2] + both[-1][4]) // 2 if both else None)


def test_the_extremes_that_a_tape_brings_are_those_of_its_events(tmp_path: Path) -> None:
    rows = ROWS[0]
    flat = array("q", [number for row in rows for number in row])
    made, empty = columns_of(rows), array("q")
    sections = {"events": flat, "blocks": extremes_of(flat), "depth": empty, "funding": empty}
    write_tape(tmp_path / "x.tape", [(SPEC, sections)])
    opened = Columns(open_tape(tmp_path / "x.tape")["X-PERP"])
    for best_bid, best_ask in ((9_990, 10_010), (0, 10_005), (9_950, 0), (0, 0)):
        found, same = (list(one.touches(0, COUNT, best_bid, best_ask)) for one in (made, opened))
        assert found == same
