"""Everything of the recorded sessions that pfmm reads or sends is understood, whatever its age; nothing is left out
without being named here."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pfmm.errors import AuthenticationError
from pfmm.model.refusal import RefusalReason
from pfmm.venue.hyperliquid import fees, reads, refusals
from pfmm.venue.wire import Record

D = Decimal
# what pfmm never asks for
UNUSED = {
    "allMids", "spotMeta", "openOrders", "portfolio", "delegatorHistory", "userVaultEquities", "userTwapSliceFills",
    "userNonFundingLedgerUpdates",
}  # fmt: skip
SESSIONS = ("python-sdk-cassettes", "go-sdk-cassettes")


class Pair(NamedTuple):
    """One request and its answer, and the file that they are from."""

    file: str
    asked: Any
    answer: Any


def scalars(text: str) -> Iterator[str]:
    """The bodies of a YAML file in order: quoted texts, folded over lines."""
    single = re.compile(r"^\s+(?:body|string): '((?:[^']|'')*)'$", re.MULTILINE)
    double = re.compile(r'^\s+(?:body|string): ("(?:[^"\\]|\\.)*")$', re.MULTILINE | re.DOTALL)
    found = [(match.start(), folded(match[1]).replace("''", "'")) for match in single.finditer(text)]
    found += [(match.start(), unescaped(match[1])) for match in double.finditer(text)]
    yield from (body for _, body in sorted(found))


def folded(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines())


def unescaped(text: str) -> str:
    joined = re.sub(r"\\\n\s*", "", text)  # an escaped end of a line joins two
    joined = re.sub(r"\n\s*", " ", joined).replace("\\ ", " ")
    # a character beyond the first 65,536 has 8 digits here, and is a pair in JSON
    body: str = json.loads(re.sub(r"\\U([0-9A-F]{8})", lambda m: json.dumps(chr(int(m[1], 16)))[1:-1], joined))
    return body


def pairs(shared_data: Path) -> list[Pair]:
    found = []
    for session in SESSIONS:
        for path in sorted((shared_data / "hyperliquid-recorded" / session).glob("*.yaml")):
            bodies = list(scalars(path.read_text("utf-8")))
            assert len(bodies) % 2 == 0, path
            for asked, answer in zip(bodies[::2], bodies[1::2], strict=True):
                found.append(Pair(path.name, json.loads(asked), json.loads(answer)))
    return found


def rows(answer: Any, name: str) -> list[Record]:
    assert isinstance(answer, list)
    return [Record(row, f"{name}[{place}]") for place, row in enumerate(answer)]


def order_answer(answer: Any) -> None:
    """A signed action: refused as a whole, or a state for each item."""
    if answer["status"] == "err":
        assert isinstance(refusals.request_error(answer["response"], "order"), AuthenticationError)
        return
    for status in answer["response"]["data"]["statuses"]:
        if status == "success":
            continue
        (kind,) = status
        assert kind in ("resting", "filled", "error"), status
        if kind == "error":
            assert refusals.item_refusal(status["error"]).reason is not RefusalReason.OTHER, status


READERS: dict[str, Callable[[Any], object]] = {
    "meta": lambda answer: reads.listings(Record(answer, "meta")),
    "metaAndAssetCtxs": lambda answer: reads.contexts(answer, "contexts"),
    "perpDexs": fees.dexes,
    "l2Book": lambda answer: reads.book(Record(answer, "book"), answer["coin"]),
    "frontendOpenOrders": lambda answer: [reads.open_order(row) for row in rows(answer, "orders")],
    "historicalOrders": lambda answer: [
        reads.order_status(Record({"status": "order", "order": row}, "order")) for row in answer
    ],
    "userFills": lambda answer: reads.fills(rows(answer, "fills")),
    "userFillsByTime": lambda answer: reads.fills(rows(answer, "fills")),
    "clearinghouseState": lambda answer: reads.account([Record(answer, "state")], "0x" + "0" * 40),
    "userFunding": lambda answer: [reads.funding_payment(row) for row in rows(answer, "funding")],
    "fundingHistory": lambda answer: reads.funding_rates(rows(answer, "rates")),
    "candleSnapshot": lambda answer: reads.candles(rows(answer, "candles")),
    "userRateLimit": lambda answer: Record(answer, "limit").whole("nRequestsUsed", 0, 10**15),
    "userRole": lambda answer: Record(answer, "role").text("role"),
    "extraAgents": lambda answer: [(row.text("address"), row.millis("validUntil")) for row in rows(answer, "agents")],
}


@pytest.mark.parametrize("session", SESSIONS)
def test_every_recorded_answer_is_understood(shared_data: Path, session: str) -> None:
    folder = shared_data / "hyperliquid-recorded" / session
    seen = set()
    for pair in pairs(shared_data):
        if not (folder / pair.file).exists():
            continue
        if "action" in pair.asked:
            order_answer(pair.answer)
            seen.add("action")
            continue
        kind = pair.asked["type"]
        if kind in UNUSED:
            continue
        try:
            READERS[kind](pair.answer)
        except Exception as error:
            raise AssertionError(f"{pair.file}: {kind}: {error}") from error
        seen.add(kind)
    assert len(seen) > 5


def test_500_fills_with_249_equal_milliseconds_lose_none(shared_data: Path) -> None:
    (pair,) = [one for one in pairs(shared_data) if one.asked.get("type") == "userFills"]
    times = [row["time"] for row in pair.answer]
    assert (len(times), sum(a == b for a, b in itertools.pairwise(times))) == (500, 249)
    found = reads.fills(rows(pair.answer, "fills"))
    assert len({one.fill_id for one in found}) == 500
    assert sum(one.size for one in found) == sum(D(row["sz"]) for row in pair.answer)


def test_three_samples_are_priced_right(shared_data: Path) -> None:
    answers = [pair.answer for pair in pairs(shared_data) if pair.asked.get("type") == "userFunding"]
    priced = 0
    for row in (row for answer in answers for row in answer):
        delta = row["delta"]
        if delta.get("nSamples") != 3:
            continue
        paid = reads.funding_payment(Record(row, "funding"))
        by_hand = abs(D(delta["usdc"]) / (D(delta["szi"]) * D(delta["fundingRate"]) * 3))
        assert paid.price == by_hand
        assert paid.rate == D(delta["fundingRate"]) * 3
        priced += 1
    assert priced > 5


def test_the_cost_of_a_position_comes_from_its_value(shared_data: Path) -> None:
    answers = [pair.answer for pair in pairs(shared_data) if pair.asked.get("type") == "clearinghouseState"]
    held = [row["position"] for answer in answers for row in answer["assetPositions"]]
    found = [one for answer in answers for one in reads.positions(Record(answer, "state"))]
    assert len(held) == len(found) > 5
    for row, one in zip(held, found, strict=True):
        sign = 1 if D(row["szi"]) > 0 else -1
        assert one.cost_basis == D(row["positionValue"]) - sign * D(row["unrealizedPnl"])
        assert abs(one.cost_basis / (D(row["entryPx"]) * abs(D(row["szi"]))) - 1) < D("0.0002")
