"""Builders' lists of markets, unified accounts and stops, against a venue that a test writes down answer by answer."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from pfmm.errors import AuthenticationError, BadVenueData, RiskRefused, UnknownMarket, VenueUnreachable
from pfmm.model.account import Cursors, MarginMode
from pfmm.model.order import Batch, CancelOrder, NewOrder, Order, Side
from pfmm.venue.client import IN_PROCESS_URL, HttpClient
from pfmm.venue.http import in_process
from pfmm.venue.hyperliquid import actions
from pfmm.venue.hyperliquid.adapter import Hyperliquid
from pfmm.venue.hyperliquid.everywhere import Everywhere
from tests.unit.venue.hyperliquid.answering import answering

D = Decimal
ACCOUNT = "0x" + "1" * 40
NOW_MS = 1_750_000_000_000
TSLA = "xyz:TSLA-PERP"


def context(price: str) -> dict[str, Any]:
    return {"funding": "0.00001", "openInterest": "1", "oraclePx": price, "markPx": price, "dayNtlVlm": "9"}


def position(coin: str, size: str) -> dict[str, Any]:
    return {"position": {"coin": coin, "szi": size, "positionValue": "300", "unrealizedPnl": "5", "entryPx": "295",
                         "leverage": {"type": "isolated", "value": 3}, "liquidationPx": None}}  # fmt: skip


class Venue:
    """Answers of a venue with one builder's list; every question is counted."""

    def __init__(self, **changed: Any) -> None:
        self.asked: Counter[str] = Counter()
        self.actions: list[dict[str, Any]] = []
        self.mode = changed.get("mode", "disabled")
        self.role = changed.get("role", {"role": "user"})
        self.equity = changed.get("equity", "1000")
        self.margin = changed.get("margin", "isolated")
        self.late_ms = 0

    def __call__(self, asked: dict[str, Any]) -> Any:
        if "action" in asked:
            self.actions.append(asked["action"])
            return {"status": "ok", "response": {"type": "order", "data": {"statuses": [{"resting": {"oid": 77}}]}}}
        kind, dex = asked["type"], asked.get("dex", "")
        self.asked[f"{kind} {dex}".strip()] += 1
        return getattr(self, kind)(dex, asked)

    def exchangeStatus(self, *_: Any) -> Any:
        return {"time": NOW_MS}

    def perpDexs(self, *_: Any) -> Any:
        return [None, {"name": "abc"}, {"name": "xyz", "deployerFeeScale": "1.0"}]

    def meta(self, dex: str, _: Any) -> Any:
        if dex:
            row = {"name": "xyz:TSLA", "szDecimals": 3, "maxLeverage": 10, "growthMode": "enabled"}
            return {"universe": [{**row, "name": "xyz:OLD", "isDelisted": True}, row], "collateralToken": 0}
        return {"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40}]}

    def metaAndAssetCtxs(self, dex: str, asked: Any) -> Any:
        meta = self.meta(dex, asked)
        return [meta, [context("300")] * len(meta["universe"])]

    def l2Book(self, _: str, asked: Any) -> Any:
        levels = [[{"px": "299", "sz": "1", "n": 1}], [{"px": "301", "sz": "1", "n": 1}]]
        return {"coin": asked["coin"], "time": NOW_MS, "levels": levels}

    def userFees(self, *_: Any) -> Any:
        return {"userAddRate": "0.00015", "userCrossRate": "0.00045"}

    def frontendOpenOrders(self, dex: str, _: Any) -> Any:
        stop = {"coin": "xyz:TSLA", "side": "A", "limitPx": "270", "sz": "1.0", "origSz": "1.0", "oid": 5,
                "timestamp": NOW_MS, "isTrigger": True, "triggerPx": "280.5", "reduceOnly": True,
                "tif": None}  # fmt: skip
        of_position = {**stop, "oid": 6, "sz": "0.0", "origSz": "0.0", "isPositionTpsl": True}
        return [stop, of_position] if dex == "xyz" else []

    def userFillsByTime(self, *_: Any) -> Any:
        return []

    userFunding = userFillsByTime

    def clearinghouseState(self, dex: str, _: Any) -> Any:
        held = [position("xyz:TSLA", "1")] if dex == "xyz" else []
        summary = {"accountValue": "0" if dex == "abc" else self.equity, "totalMarginUsed": "100", "totalRawUsd": "700"}
        return {"marginSummary": summary, "withdrawable": "900", "assetPositions": held, "time": NOW_MS + self.late_ms}

    def activeAssetData(self, *_: Any) -> Any:
        return {"leverage": {"type": self.margin, "value": 3}}

    def userRateLimit(self, *_: Any) -> Any:
        return {"cumVlm": "0", "nRequestsUsed": 0, "nRequestsCap": 10_000}

    def userRole(self, *_: Any) -> Any:
        return self.role

    def userAbstraction(self, *_: Any) -> Any:
        return self.mode

    def spotClearinghouseState(self, *_: Any) -> Any:
        return {"balances": [{"coin": "USDC", "total": "2500.5"}, {"coin": "HYPE", "total": "3"}]}


class Key:
    """A signer that signs nothing; its address is the account's."""

    address = ACCOUNT

    def sign(self, *_: Any, **__: Any) -> Any:
        from pfmm.venue.hyperliquid.signing import Signature

        return Signature("0x1", "0x2", 27)


def adapter(venue: Venue, *dexes: str) -> Hyperliquid:
    http = HttpClient(IN_PROCESS_URL, transport=in_process(answering(venue)))
    numbers = count(1)
    return Hyperliquid(
        http, account=ACCOUNT, mainnet=False, signer=Key, nonce=lambda: next(numbers), more_dexes=dexes  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_builder_s_market_is_traded_by_its_name_at_its_own_fees() -> None:
    venue = Venue()
    made = adapter(venue, "xyz")
    markets = {one.market: one for one in made.markets()}
    assert set(markets) == {"BTC-PERP", TSLA}
    assert (markets["BTC-PERP"].maker_bps, markets["BTC-PERP"].taker_bps) == (D("1.5"), D("4.5"))
    assert (markets[TSLA].maker_bps, markets[TSLA].taker_bps) == (D("0.30"), D("0.90"))  # twice, of which a tenth
    made.submit(Batch(place=(NewOrder("a1b2c3-1", TSLA, Side.LONG, D(1), D("290")),)))
    assert venue.actions[0]["orders"][0]["a"] == 120_001  # the second builder's, delisted markets counted
    with pytest.raises(UnknownMarket, match="has no list of markets nope"):
        adapter(Venue(), "nope").markets()


def test_a_snapshot_reads_every_list_in_use_and_is_as_old_as_the_oldest() -> None:
    venue = Venue()
    made = adapter(venue, "xyz")
    snapshot = made.snapshot(["BTC-PERP", TSLA], Cursors())
    assert [one.market for one in snapshot.positions] == [TSLA]
    assert snapshot.account.equity == 2_000
    assert {one.order_id for one in snapshot.orders} == {"5", "6"}
    for kind in ("frontendOpenOrders", "clearinghouseState", "metaAndAssetCtxs"):
        assert (venue.asked[kind], venue.asked[f"{kind} xyz"]) == (1, 1)
    made.snapshot(["BTC-PERP", TSLA], snapshot.cursors)  # nothing has changed: neither orders nor prices of all markets
    assert (venue.asked["frontendOpenOrders xyz"], venue.asked["metaAndAssetCtxs xyz"]) == (1, 1)
    assert venue.asked["clearinghouseState xyz"] == 2
    made.look_anew()  # a proof is wanted
    made.snapshot(["BTC-PERP", TSLA], snapshot.cursors)
    assert venue.asked["frontendOpenOrders xyz"] == 2


def test_what_backs_a_builder_s_market_is_what_lies_on_its_list() -> None:
    """Of one list alone, and of a unified account, it is all of the account's."""
    assert adapter(Venue()).margin_mode("BTC-PERP") == MarginMode(isolated=True, leverage=3)
    for market in ("BTC-PERP", TSLA):
        assert adapter(Venue(equity="700"), "xyz").margin_mode(market).collateral == D(700)
    assert adapter(Venue(equity="0"), "xyz").margin_mode(TSLA).collateral == D(0)
    assert adapter(Venue(equity="0", mode="unifiedAccount"), "xyz").margin_mode(TSLA).collateral is None
    assert adapter(Venue(margin="cross"), "xyz").margin_mode(TSLA).collateral is None


def test_after_an_outage_the_list_and_the_numbers_of_markets_are_read_anew() -> None:
    venue = Venue()
    made = adapter(venue)
    made.http._read_attempts = 1
    cursors = made.snapshot(["BTC-PERP"], Cursors()).cursors
    made.markets()
    assert venue.asked["meta"] == 1
    venue.exchangeStatus = lambda *_: 503  # type: ignore[method-assign]
    with pytest.raises(VenueUnreachable):
        made.snapshot(["BTC-PERP"], cursors)
    venue.exchangeStatus = lambda *_: {"time": NOW_MS, "specialStatuses": ["post-only"]}  # type: ignore[method-assign]
    asked = venue.asked["frontendOpenOrders"]
    assert made.snapshot(["BTC-PERP"], cursors).notice == '["post-only"]'
    assert venue.asked["frontendOpenOrders"] == asked + 1  # all of it
    made.markets()
    assert venue.asked["meta"] == 2
    assert 'the venue says: ["post-only"]' in made.budget_text()


def urgent(venue: Venue) -> Hyperliquid:
    made = adapter(venue)
    made._everywhere = Everywhere(made._info, made._public)
    return made


def test_an_emergency_takes_in_every_list_on_which_the_account_has_something() -> None:
    venue = Venue()
    made = urgent(venue)
    assert made.state(()).unseen == ("builders' lists of markets",)  # the first look is a quick one
    assert venue.asked["perpDexs"] == 0
    first = made.state(())  # no setting names xyz
    assert [one.market for one in first.positions] == [TSLA]
    assert {one.order_id for one in first.orders} == {"5", "6"}
    assert first.unseen == ()
    assert {one.market for one in made.markets()} == {"BTC-PERP", TSLA}  # and its position can be closed
    made.cancel_all()
    assert venue.actions[-1]["cancels"] == [{"a": 120_001, "o": 5}, {"a": 120_001, "o": 6}]
    made.state(())
    assert (venue.asked["perpDexs"], venue.asked["clearinghouseState abc"]) == (1, 1)  # each is searched once
    assert [one.market for one in adapter(Venue()).state(()).positions] == []  # what a loop reads is as before


def test_a_list_that_does_not_answer_is_named_and_keeps_nothing_from_being_closed() -> None:
    venue = Venue()
    answers = Venue.clearinghouseState
    venue.clearinghouseState = lambda dex, asked: 500 if dex == "xyz" else answers(venue, dex, asked)  # type: ignore[method-assign]
    made = urgent(venue)
    made.http._read_attempts = 1
    made.state(())
    assert made.state(()).unseen == ("xyz",)
    venue.clearinghouseState = lambda dex, asked: answers(venue, dex, asked)  # type: ignore[method-assign]
    again = made.state(())
    assert (again.unseen, [one.market for one in again.positions]) == ((), [TSLA])
    venue.perpDexs = lambda *_: 500  # type: ignore[method-assign]
    other = urgent(venue)
    other.http._read_attempts = 1
    other.state(())
    assert other.state(()).unseen == ("builders' lists of markets",)


def test_a_list_in_another_coin_is_named_where_the_account_has_something_there() -> None:
    venue = Venue()
    meta = Venue.meta
    venue.meta = lambda dex, asked: {**meta(venue, dex, asked), "collateralToken": 7 if dex else 0}  # type: ignore[method-assign]
    made = urgent(venue)
    made.state(())
    (unseen,) = made.state(()).unseen
    assert unseen.startswith("xyz (not settled in USDC")


def test_rates_of_every_market_are_one_request_a_list() -> None:
    venue = Venue()
    assert {one.market for one in adapter(venue, "xyz").tickers()} >= {"BTC-PERP", TSLA}
    assert venue.asked.total() == 2


def test_stops_are_read_placed_and_cancelled() -> None:
    venue = Venue()
    made = adapter(venue, "xyz")
    stop, of_position = made.open_orders(TSLA)
    assert (stop.trigger_price, stop.reduce_only, stop.size) == (D("280.5"), True, 1)
    assert (of_position.size, of_position.remaining) == (0, 0)  # for the whole position, whatever it comes to be
    order = NewOrder(
        "a1b2c3-1", TSLA, Side.SHORT, D(1), D(250), post_only=False, reduce_only=True, trigger_price=D("280.50")
    )
    (answer,) = made.submit(Batch(place=(order,))).place
    assert isinstance(answer, Order)
    assert venue.actions[0]["orders"][0]["t"] == {"trigger": {"isMarket": True, "triggerPx": "280.5", "tpsl": "sl"}}
    made.submit(Batch(cancel=(CancelOrder(TSLA, order_id="5"),)))
    assert venue.actions[1] == {"type": "cancel", "cancels": [{"a": 120_001, "o": 5}]}
    for wrong in ({"reduce_only": False}, {"post_only": True}, {"size": D(0)}):
        from dataclasses import replace

        with pytest.raises(RiskRefused):
            made.submit(Batch(place=(replace(order, **wrong),)))  # type: ignore[arg-type]
    assert len(venue.actions) == 2


def test_a_stop_is_written_as_the_sdk_writes_it() -> None:
    signing = pytest.importorskip("hyperliquid.utils.signing", reason="the official SDK is a test extra")
    order = NewOrder("a1b2c3-1", "BTC-PERP", Side.SHORT, D("0.5"), D(90_000), post_only=False, reduce_only=True,
                     trigger_price=D("95000.0"))  # fmt: skip
    theirs = signing.order_request_to_order_wire(
        {"coin": "BTC", "is_buy": False, "sz": 0.5, "limit_px": 90_000.0, "reduce_only": True, "cloid": None,
         "order_type": {"trigger": {"isMarket": True, "triggerPx": 95_000.0, "tpsl": "sl"}}},
        3,
    )  # fmt: skip
    ours = {name: value for name, value in actions.order_json(order, {"BTC-PERP": 3}).items() if name != "c"}
    assert ours == theirs
    assert [*ours["t"]["trigger"]] == [*theirs["t"]["trigger"]]


def test_a_unified_account_s_equity_is_its_usdc_and_what_positions_gained() -> None:
    made = adapter(Venue(equity="0", mode="unifiedAccount"), "xyz")
    found = made.account_state()
    assert (found.equity, found.cash) == (D("2505.5"), D("2500.5"))
    assert adapter(Venue(equity="0")).account_state().equity == 0  # an ordinary one that is empty


def test_an_account_that_shows_nothing_is_asked_what_it_is() -> None:
    agent = {"role": "agent", "data": {"user": "0x" + "2" * 40}}
    with pytest.raises(AuthenticationError, match="agent's key"):
        adapter(Venue(equity="0", role=agent)).state([])
    with pytest.raises(AuthenticationError, match="knows no account"):
        adapter(Venue(equity="0", role={"role": "missing"})).state([])


def test_a_state_of_before_the_venue_s_time_proves_nothing() -> None:
    venue = Venue()
    venue.late_ms = -10_000
    made = adapter(venue)
    waited: list[float] = []
    made.http.rest = waited.append  # type: ignore[method-assign]
    clock = count(0, 0.05)
    made.http.time = type(made.http.time)(monotonic_s=lambda: float(next(clock)))
    with pytest.raises(BadVenueData, match=r"stays 10\.0 s behind"):
        made.state([])
    assert waited
