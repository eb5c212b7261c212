"""Why a run does nothing, in plain words."""

from __future__ import annotations

import pytest

from pfmm.cli.live.fitting import cut, flow
from pfmm.cli.live.reasons import absences, places, reason_words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            "limit: with every open long order filled the position could reach 535.00 USD, max_inventory is 500 USD",
            "all longs filled would make 535.00 USD, limit 500",
        ),
        ("order pf-1-2 is sending, not yet proven", "the order was sent and is not answered yet"),
        ("amendment of pf-1-2 not yet acknowledged", "its change is sent and not answered yet"),
        ("younger than 1500 ms", "moved less than 1.5 s ago"),
        ("flatten was given no market", "flatten was given no market"),  # a message of its own
        ("stopped: halve BTC", "stopped: asked to halve BTC"),
        ("stopped: loss limit", "stopped: loss limit"),
        ("the bid would be less than one tick", "the bid would be less than one tick"),
    ],
)
def test_a_reason_in_plain_words(reason: str, words: str) -> None:
    assert reason_words(reason) == words


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        (["bid"], "bid"),
        (["bid", "ask"], "bid, ask"),
        (["bid:4", "bid:5", "bid:6", "ask:0"], "bids 5 to 7, ask 1"),
        (["cell:6:ask"], "ask of line 7"),  # the upper line of the cell
        (["cell:1:bid", "cell:3:bid"], "bids of lines 1, 3"),
        (["bid:0", "bid:1", "bid:2", "bid:4", "bid:7", "bid:6"], "bids 1 to 3, 5, 7, 8"),
        (["grid"], "grid"),
    ],
)
def test_a_place_without_the_name_of_a_slot(slots: list[str], words: str) -> None:
    assert places(slots) == words


def test_slots_that_are_empty_for_one_reason_share_a_line() -> None:
    absent = {"bid:1": "too far", "bid:0": "too far", "ask:0": "the limit", "bid:2": "too far"}
    assert absences(absent) == ["no bids 1 to 3: too far", "no ask 1: the limit"]


def test_what_the_limit_leaves_to_several_slots_is_told_once() -> None:
    words = "the limit leaves {} USD, less than the smallest order"
    left = {f"bid:{at}": words.format(usd) for at, usd in enumerate((9, 11, 10))}
    assert absences(left) == ["no bids 1 to 3: the limit leaves 11 USD at most, less than the smallest order"]
    assert absences(left | {"ask:0": "too far"})[1:] == ["no ask 1: too far"]
    (alone,) = absences({"bid:0": left["bid:0"]})
    assert alone == "no bid 1: the limit leaves 9 USD, less than the smallest order"


def test_a_text_is_cut_at_the_end_of_a_word_and_a_part_stays_in_one_line() -> None:
    assert cut("all longs filled would make", 20) == "all longs filled ..."
    assert cut("all longs", 9) == "all longs"
    assert [line.plain for line in flow(["equity 1", "cycle 2", "armed"], 18)] == ["equity 1  cycle 2", "armed"]
