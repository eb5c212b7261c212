"""A machine's clock that is wrong, or is set meanwhile: paper time invents nothing, and there is a way back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.messages import FillPage, PlaceRequest
from pfmm.paper.present import MAX_GAP_MS, Noted, Uptime, caught_up, first, kept, present

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOON = 1_790_000_000_000
IN_1979 = 300_000_000_000
NOTED = first(NOON, Uptime("one", 5_000))


@pytest.mark.parametrize(
    ("wall_ms", "boot", "up_ms", "time_ms", "apart_ms", "sure"),
    [
        (NOON + 20_000, "one", 25_000, NOON + 20_000, 0, True),
        (NOON + DAY, "one", 5_000 + DAY, NOON + DAY, 0, True),  # suspended for a day: the steady clock counts it
        # the wall was set within the boot: it tells nothing
        (NOON - HOUR, "one", 25_000, NOON + 20_000, -HOUR - 20_000, True),
        (NOON + HOUR, "one", 25_000, NOON + 20_000, HOUR - 20_000, True),
        (NOON + DAY, "one", 25_000, NOON + 20_000, DAY - 20_000, True),
        (IN_1979, "one", 25_000, NOON + 20_000, IN_1979 - NOON - 20_000, True),
        (NOON + 10_000, "one", 4_000, NOON, 10_000, True),  # nor does a steady clock that went back
        # another boot: the wall is believed after what is known
        (NOON + 6 * HOUR, "two", 9_000, NOON + 6 * HOUR, 0, True),
        (NOON + 7 * DAY, "two", 9_000, NOON + 7 * DAY, 0, True),
        (NOON + MAX_GAP_MS, "two", 9_000, NOON + MAX_GAP_MS, 0, True),
        (NOON - MINUTE + 1, "two", 9_000, NOON, 0, True),  # a minute back is no step
        # and not before it, nor by years
        (NOON - MINUTE, "two", 9_000, NOON, -MINUTE, False),
        (NOON - DAY, "two", 9_000, NOON, -DAY, False),
        (IN_1979, "two", 9_000, NOON, IN_1979 - NOON, False),
        (NOON + MAX_GAP_MS + 1, "two", 9_000, NOON, MAX_GAP_MS + 1, False),
        (NOON + HOUR, "", 0, NOON + HOUR, 0, True),  # no steady clock at all
        (NOON - HOUR, "", 0, NOON, -HOUR, False),
    ],
)
def test_the_present(wall_ms: int, boot: str, up_ms: int, time_ms: int, apart_ms: int, sure: bool) -> None:
    found = present(NOTED, wall_ms, Uptime(boot, up_ms))
    assert (found.time_ms, found.apart_ms, found.noted.sure) == (time_ms, apart_ms, sure)
    assert found.stepped == (abs(apart_ms) >= MINUTE)


def test_a_boot_with_yesterdays_clock_that_is_corrected_is_in_the_present_again() -> None:
    wrong = present(NOTED, NOON - DAY, Uptime("two", 9_000))
    later = present(wrong.noted, NOON - DAY + 30_000, Uptime("two", 39_000))
    assert (later.time_ms, later.noted.sure) == (NOON + 30_000, False)  # at the steady pace meanwhile
    right = present(later.noted, NOON + 2 * HOUR, Uptime("two", 49_000))
    assert (right.time_ms, right.apart_ms, right.noted.sure) == (NOON + 2 * HOUR, 0, True)
    # and from there on the steady clock tells
    assert present(right.noted, NOON + 9 * DAY, Uptime("two", 50_000)).time_ms == NOON + 2 * HOUR + 1_000


def test_to_keep_paper_time_takes_the_wall_for_right_from_now_on() -> None:
    """The machine booted ten days ahead and was set back: paper time is ten days ahead, and stays so."""
    ahead = present(NOTED, NOON + 10 * DAY, Uptime("two", 0)).noted
    noted = kept(ahead, NOON, Uptime("two", 1_000))
    assert present(noted, NOON + 4_000, Uptime("two", 5_000)) == (
        NOON + 10 * DAY + 5_000, 0, Noted("two", 5_000, NOON + 10 * DAY + 5_000, -10 * DAY - 1_000, True),
    )  # fmt: skip
    assert present(noted, NOON + DAY, Uptime("three", 0)).time_ms == NOON + 11 * DAY + 1_000  # the next boot too


def test_to_catch_up_goes_where_the_wall_is() -> None:
    noted = caught_up(NOTED, NOON + DAY, Uptime("one", 6_000))
    assert present(noted, NOON + DAY, Uptime("one", 6_000)) == (NOON + DAY, 0, noted)
    years = caught_up(NOTED, NOON + 400 * DAY, Uptime("two", 1))
    assert present(years, NOON + 400 * DAY + 1_000, Uptime("two", 1_001)).time_ms == NOON + 400 * DAY + 1_000


Steps = st.lists(st.tuples(st.integers(0, DAY), st.integers(-400 * DAY, 400 * DAY), st.booleans()), max_size=30)


@given(Steps)
def test_within_one_boot_no_time_is_invented_and_none_goes_back(steps: list[tuple[int, int, bool]]) -> None:
    noted, up_ms = NOTED, 5_000
    for passed_ms, off_ms, is_noted in steps:
        up_ms += passed_ms
        found = present(noted, NOON + up_ms + off_ms, Uptime("one", up_ms))
        assert found.time_ms == NOON + up_ms - 5_000
        noted = found.noted if is_noted else noted


@given(Steps)
def test_over_boots_time_never_goes_back_nor_on_by_more_than_a_month(steps: list[tuple[int, int, bool]]) -> None:
    noted = NOTED
    for number, (passed_ms, off_ms, same) in enumerate(steps):
        up = Uptime(noted.boot if same else f"boot {number}", noted.up_ms + passed_ms if same else passed_ms)
        found = present(noted, NOON + off_ms, up)
        assert 0 <= found.time_ms - noted.present_ms <= max(MAX_GAP_MS + DAY, passed_ms)
        noted = found.noted


class Machine:
    """An exchange in a synthetic market on a machine whose clocks are moved by hand; account "a" rests a bid 0.5 %
    below the mid, which the market reaches within a day."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wall_ms, self.boot, self.up_ms = NOON, "one", 100_000
        self.exchange = self.open()

    def open(self) -> Exchange:
        return Exchange.open(
            self.path, lambda _: SyntheticFeed(7), lambda: self.wall_ms, uptime=lambda: (self.boot, self.up_ms)
        )

    def restart(self, boot: str) -> None:
        """The machine goes off and on again."""
        self.exchange.close()
        self.boot, self.up_ms = boot, 50_000
        self.exchange = self.open()

    def passes(self, ms: int) -> None:
        self.wall_ms += ms
        self.up_ms += ms

    def now_ms(self) -> int:
        return self.exchange.state("a", []).clock.time_ms

    def fills(self) -> FillPage:
        return self.exchange.fills("a")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "paper.sqlite")
    mid = made.exchange.ticker("BTC-PERP").mark
    for off in ("0.995", "1.005"):
        side: Any = "long" if off < "1" else "short"
        price = (mid * Decimal(off)).quantize(Decimal(1))
        made.exchange.place("a", PlaceRequest("BTC-PERP", side, "limit", price=price, size_base=Decimal("0.01")))
    made.passes(12_000)
    assert made.now_ms() == NOON + 12_000
    assert made.fills().fills == ()
    yield made
    made.exchange.close()


@pytest.mark.parametrize("off_ms", [-HOUR, HOUR, -DAY, DAY, IN_1979 - NOON, 400 * DAY])
def test_a_step_within_a_boot_invents_no_time_and_no_fills(machine: Machine, off_ms: int) -> None:
    machine.wall_ms += off_ms
    machine.passes(1_000)
    assert machine.now_ms() == NOON + 13_000
    assert machine.exchange.present().apart_ms == off_ms
    machine.wall_ms -= off_ms
    machine.passes(1_000)
    assert machine.now_ms() == NOON + 14_000
    assert machine.fills().fills == ()
    assert not machine.exchange.present().stepped


@pytest.mark.parametrize("off_ms", [-HOUR, -DAY, IN_1979 - NOON, 400 * DAY])
def test_a_boot_with_a_wrong_clock_that_is_corrected(machine: Machine, off_ms: int) -> None:
    machine.wall_ms += off_ms
    machine.restart("two")
    assert machine.now_ms() == NOON + 12_000
    assert machine.exchange.present().stepped
    machine.passes(5_000)
    assert machine.now_ms() == NOON + 17_000  # loops go on
    assert machine.fills().fills == ()
    machine.wall_ms += 60_000 - off_ms
    assert machine.now_ms() == NOON + 77_000  # the present
    assert not machine.exchange.present().stepped


def test_a_week_off_and_a_day_of_suspension_are_lived_through_without_a_question(machine: Machine) -> None:
    machine.passes(DAY)
    assert machine.now_ms() == NOON + DAY + 12_000
    machine.wall_ms += 7 * DAY
    machine.restart("two")
    assert machine.now_ms() == NOON + 8 * DAY + 12_000
    assert machine.fills().fills
    assert not machine.exchange.present().stepped


def test_a_word_sets_paper_time_right(machine: Machine) -> None:
    machine.wall_ms += DAY  # made with yesterday's clock, and corrected
    assert machine.now_ms() == NOON + 12_000
    assert machine.exchange.set_right(catch_up=True).apart_ms == 0
    assert machine.now_ms() == NOON + DAY + 12_000
    machine.wall_ms -= DAY
    assert machine.exchange.set_right(catch_up=False).apart_ms == 0
    machine.passes(1_000)
    assert machine.now_ms() == NOON + DAY + 13_000
    machine.exchange.reset()
    assert machine.exchange.time().time_ms == machine.wall_ms


def test_a_file_of_before_goes_on_at_the_present(machine: Machine) -> None:
    machine.exchange.close()
    with closing(sqlite3.connect(machine.path)) as connection:
        connection.executescript(
            "DROP TABLE present; ALTER TABLE orders DROP COLUMN trigger_price; PRAGMA user_version = 4;"
        )
    machine.wall_ms += 60 * DAY
    machine.exchange = machine.open()
    assert machine.now_ms() == NOON + 60 * DAY + 12_000
