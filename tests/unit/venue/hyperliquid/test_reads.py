"""Recorded answers of the real venue, and made ones, become the model's values; odd ones are refused by field."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import BadVenueData
from pfmm.model.order import Liquidity, OrderStatus, Side
from pfmm.venue.hyperliquid import reads
from pfmm.venue.wire import Record

D = Decimal


def record(**values: Any) -> Record:
    return Record(values, "info")


def fill_row(**changes: Any) -> Record:
    values = {
        "coin": "SUI", "px": "1.3189", "sz": "142.7", "side": "A", "time": 1_683_245_884_863, "startPosition": "4623.5",
        "crossed": True, "fee": "-0.02", "oid": 189324432, "tid": 77, "feeToken": "USDC",
    }  # fmt: skip
    return record(**{**values, **changes})


def order_row(**changes: Any) -> dict[str, Any]:
    values = {
        "coin": "BTC", "side": "B", "limitPx": "64900", "sz": "0.003", "origSz": "0.01", "oid": 5, "tif": "Alo",
        "timestamp": 1_735_689_600_000, "reduceOnly": False, "cloid": "0x70f0a1b2c3000000000000000000001a",
    }  # fmt: skip
    return {**values, **changes}


def test_a_fill_keeps_sign_of_fee_side_and_who_crossed() -> None:
    found = reads.fill(fill_row(cloid="0x70f0a1b2c3000000000000000000001a", liquidation={"method": "market"}))
    assert found.fill_id == "1683245884863:SUI:77:189324432"
    assert (found.side, found.fee, found.liquidity) == (Side.SHORT, D("-0.02"), Liquidity.TAKER)
    assert (found.client_order_id, found.liquidation) == ("a1b2c3-26", True)


@pytest.mark.parametrize(("who", "ours"), [("0xAB12", True), ("0xab12", True), ("0xcd34", False), (None, True)])
def test_only_the_liquidation_of_this_account_is_one(who: str | None, ours: bool) -> None:
    """Whoever trades with somebody's liquidation is told of it too."""
    told = {"markPx": "1.3", "method": "market", **({} if who is None else {"liquidatedUser": who})}
    for account in ("0xab12", "0xAb12"):  # as it may stand in a profile
        assert reads.fill(fill_row(liquidation=told), account).liquidation is ours
    assert reads.fill(fill_row(liquidation=told)).liquidation, "of an account that the caller does not name"


def test_leverage_and_margin_mode_are_read() -> None:
    for word, isolated in (("isolated", True), ("cross", False)):
        found = reads.margin_mode(record(leverage={"type": word, "value": 3, "rawUsd": "0.0"}, coin="BTC"))
        assert (found.isolated, found.leverage) == (isolated, 3)
    with pytest.raises(BadVenueData, match="type"):
        reads.margin_mode(record(leverage={"type": "strange", "value": 3}))


def test_fills_of_one_order_and_millisecond_stay_apart_without_trade_numbers() -> None:
    rows = [fill_row(tid=None, startPosition="4623.5"), fill_row(tid=None, startPosition="4480.8")]
    assert len({one.fill_id for one in reads.fills(rows)}) == 2


def test_fills_come_oldest_first_and_keep_their_order_within_a_millisecond() -> None:
    newest_first = [fill_row(time=1_700_000_000_002, tid=3), fill_row(time=1_700_000_000_001, tid=2)]
    newest_first.append(fill_row(time=1_700_000_000_001, tid=1))
    assert [one.fill_id.split(":")[2] for one in reads.fills(newest_first)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"feeToken": "HYPE"}, "feeToken"),
        ({"px": "0"}, "px"),
        ({"px": 1.3}, "px"),
        ({"sz": "NaN"}, "sz"),
        ({"sz": "1e999"}, "sz"),
        ({"side": "buy"}, "side"),
        ({"crossed": "true"}, "crossed"),
        ({"time": 1_683_245_884}, "time"),
        ({"oid": -1}, "oid"),
    ],
)
def test_an_odd_fill_is_refused_by_the_name_of_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadVenueData, match=rf"info\.{field}"):
        reads.fill(fill_row(**changes))


def test_an_open_order_counts_what_is_left() -> None:
    found = reads.open_order(record(**order_row()))
    assert (found.size, found.filled, found.remaining) == (D("0.01"), D("0.007"), D("0.003"))
    assert (found.post_only, found.client_order_id, found.market) == (True, "a1b2c3-26", "BTC-PERP")


def test_an_order_of_somebody_else_has_no_client_id() -> None:
    assert reads.open_order(record(**order_row(cloid="0x" + "ab" * 16))).client_order_id is None
    assert reads.open_order(record(**order_row(cloid=None))).client_order_id is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("open", OrderStatus.OPEN),
        ("triggered", OrderStatus.OPEN),
        ("filled", OrderStatus.FILLED),
        ("canceled", OrderStatus.CANCELLED),
        ("marginCanceled", OrderStatus.CANCELLED),
        ("scheduledCancel", OrderStatus.CANCELLED),
        ("iocCancelRejected", OrderStatus.REJECTED),
    ],
)
def test_words_of_an_order_status(word: str, status: OrderStatus) -> None:
    answer = record(
        status="order", order={"order": order_row(), "status": word, "statusTimestamp": 1_735_689_600_001}
    )  # fmt: skip
    found = reads.order_status(answer)
    assert found is not None
    assert found.status is status
    assert found.filled == (D("0.01") if status is OrderStatus.FILLED else D("0.007"))


def test_an_unknown_order_is_none_and_an_unknown_word_is_refused() -> None:
    assert reads.order_status(record(status="unknownOid")) is None
    with pytest.raises(BadVenueData, match="'teleported'"):
        reads.status_of("teleported")


def test_the_price_of_a_funding_payment_counts_its_samples() -> None:
    delta = {"coin": "AVAX", "fundingRate": "0.0001", "nSamples": 3, "szi": "100.86333333", "usdc": "-0.572915"}
    found = reads.funding_payment(record(time=1_681_948_800_000, delta=delta))
    # 0.572915 / (100.86333333 × 0.0001 × 3) = 18.9337
    assert found.price.quantize(D("0.0001")) == D("18.9337")
    assert found.amount == D("-0.572915")


def test_a_position_costs_its_value_less_its_profit() -> None:
    row = {
        "coin": "ETH", "szi": "-2", "positionValue": "6000", "unrealizedPnl": "150", "entryPx": "3075.1",
        "leverage": {"type": "cross", "value": 5}, "liquidationPx": None,
    }  # fmt: skip
    state = record(
        assetPositions=[{"position": row}], withdrawable="10",
        marginSummary={"accountValue": "1000", "totalMarginUsed": "1200"},
    )  # fmt: skip
    (found,) = reads.positions(state)
    # short 2 worth 6000 with 150 of profit was sold for 6150; the mark is 6000 / 2
    assert (found.cost_basis, found.mark_price) == (D(6150), D(3000))
    assert reads.account([state], "0x").cash == D(850)


def test_a_crossed_or_shuffled_book_is_refused() -> None:
    def level(price: str) -> dict[str, Any]:
        return {"px": price, "sz": "1", "n": 1}

    good = record(coin="BTC", time=1_735_689_600_000, levels=[[level("99"), level("98")], [level("101")]])
    assert [one.price for one in reads.book(good, "BTC").bids] == [D(99), D(98)]
    for bids, asks in (([level("101")], [level("101")]), ([level("98"), level("99")], [level("101")])):
        with pytest.raises(BadVenueData, match="crossed or out of order"):
            reads.book(record(coin="BTC", time=1_735_689_600_000, levels=[bids, asks]), "BTC")
    with pytest.raises(BadVenueData, match="must be ETH"):
        reads.book(good, "ETH")


def recorded(shared_data: Path, name: str) -> Any:
    return json.loads((shared_data / "hyperliquid-recorded" / name).read_text("utf-8"))


def cassette(shared_data: Path, name: str) -> Any:
    """The last answer of a recorded session: its body is YAML's quoted text, folded over lines."""
    text = (shared_data / "hyperliquid-recorded/python-sdk-cassettes" / f"{name}.yaml").read_text("utf-8")
    body = text.rsplit("string: '", 1)[1].split("'\n", 1)[0]
    return json.loads(" ".join(line.strip() for line in body.splitlines()).replace("''", "'"))


def test_the_recorded_universe_has_229_markets_and_its_contexts(shared_data: Path) -> None:
    found = reads.contexts(recorded(shared_data, "info/hyperliquid_meta.json"), "metaAndAssetCtxs")
    assert 0 < len(found) < 229  # some are delisted, and keep their numbers
    assert found["BTC"][0].index == 0
    assert all(context.mark > 0 for _, context in found.values())


@pytest.mark.parametrize("name", ["clearinghouse_small", "clearinghouse_whale"])
def test_recorded_positions_give_the_entry_that_the_venue_shows(shared_data: Path, name: str) -> None:
    state = Record(recorded(shared_data, f"info/fixtures/{name}.json"), "clearinghouseState")
    shown = {r.record("position").text("coin"): r.record("position") for r in state.records("assetPositions")}
    for one in reads.positions(state):
        entry = shown[reads_coin(one.market)].decimal_text("entryPx")
        assert one.entry_price is not None
        assert abs(one.entry_price / entry - 1) < D("0.0002")
        assert one.cost_basis > 0


def reads_coin(market: str) -> str:
    return market.removesuffix("-PERP")


def test_recorded_books_are_in_order(shared_data: Path) -> None:
    for figures in ("nsf3", "nsf4", "nsf5", "nsf5_m5"):
        record = Record(recorded(shared_data, f"info/fixtures/l2book_btc_{figures}.json"), "l2Book")
        assert len(reads.book(record, "BTC").bids) > 5


def test_recorded_fills_lose_none(shared_data: Path) -> None:
    for name in ("test_get_user_fills", "test_get_user_fills_by_time"):
        rows = [Record(row, name) for row in cassette(shared_data, name)]
        found = reads.fills(rows)
        assert len({one.fill_id for one in found}) == len(rows) > 100
        assert [one.time_ms for one in found] == sorted(one.time_ms for one in found)


def test_recorded_funding_is_priced_by_its_samples(shared_data: Path) -> None:
    rows = [Record(row, "userFunding") for row in cassette(shared_data, "test_user_funding_history_with_end_time")]
    found = {one.market: one for one in map(reads.funding_payment, rows)}
    assert len(rows) > 10
    # on 2023-04-20 AVAX stood near 19 USD; without the samples it would be three times that
    assert D(17) < found["AVAX-PERP"].price < D(21)


def test_recorded_orders_of_the_past_all_have_a_known_state(shared_data: Path) -> None:
    rows = cassette(shared_data, "test_historical_orders")
    assert len(rows) == 5
    for row in rows:
        order = reads.order_status(Record({"status": "order", "order": row}, "orderStatus"))
        assert order is not None
