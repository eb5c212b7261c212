"""The signed actions of the Hyperliquid dialect: what `POST /exchange` does and answers. Layer: paper wire.

A refusal is an answer: `status: err` for the whole action, an error in its place for one item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from pfmm.paper.exchange import Exchange
from pfmm.paper.ledger import LEVERAGE
from pfmm.paper.messages import CancelRequest, ExchangeError, PlaceRequest
from pfmm.paper.wire import hyperliquid_json as form
from pfmm.paper.wire import hyperliquid_keys as keys
from pfmm.paper.wire.hyperliquid_names import Json, Names, object_of, time_of, unreadable

DAY_MS = 86_400_000
DEAD_MAN_SHORTEST_MS = 5_000
MAX_ITEMS = 100
DEFAULT = {"type": "default"}

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,8})?", re.ASCII)
_CLOID = re.compile(r"0x[0-9a-f]{32}", re.ASCII)
_TIFS = {"Alo": (True, "GTC"), "Gtc": (False, "GTC"), "Ioc": (False, "IOC")}


class Caller(NamedTuple):
    """Who acts: the account that is traded for, the address that signed, and until when the request may act."""

    account: str
    signer: str
    expires_after_ms: int | None


class Refused(Exception):
    """The venue's no to a whole action: `status: err` with these words."""


class Actions:
    """The actions over one exchange. `wall_ms` is the clock of nonces, which clients take from their own."""

    def __init__(self, exchange: Exchange, names: Names, wall_ms: Callable[[], int]) -> None:
        self._exchange = exchange
        self._names = names
        self._wall_ms = wall_ms

    def answer(self, request: object) -> Json:
        """Carry out one signed action and answer it; `status: err` says that nothing was done."""
        asked = object_of(request)
        action = object_of(asked.get("action"))
        try:
            caller = self._caller(asked, action)
            return {"status": "ok", "response": self._act(caller, action)}
        except Refused as refusal:
            return {"status": "err", "response": str(refusal)}

    def _caller(self, asked: Json, action: Json) -> Caller:
        """Prove who signed; raises Refused for an unknown wallet, a used nonce or an expired request."""
        nonce = time_of(asked, "nonce")
        expires_ms = None if asked.get("expiresAfter") is None else time_of(asked, "expiresAfter")
        vault_text = asked.get("vaultAddress")
        vault = None if vault_text is None else keys.plain_address(vault_text)
        if vault_text is not None and vault is None:
            raise unreadable("vaultAddress is no address")
        found = keys.signers(action, nonce, vault, expires_ms, asked.get("signature"))
        signer = next((one for one in found if self._names.account_of(one) is not None), None)
        if signer is None:
            shown = found[-1] if found else "0x" + "0" * 40
            raise Refused(f"User or API Wallet {shown} does not exist.")
        account = self._names.account_of(vault or signer)
        if account is None:
            raise Refused(f"Vault not registered: {vault}")
        if expires_ms is not None and self._exchange.time().time_ms > expires_ms:
            raise Refused("Action already expired.")
        now_ms = self._wall_ms()
        if not now_ms - 2 * DAY_MS < nonce < now_ms + DAY_MS:
            raise Refused(f"Invalid nonce: {nonce} is not within two days before and one day after {now_ms}")
        if not self._exchange.use_nonce(signer, nonce):
            raise Refused(f"Invalid nonce: duplicate nonce {nonce}, or below the smallest of the newest 100")
        return Caller(account, signer, expires_ms)

    def _act(self, caller: Caller, action: Json) -> Json:
        """Carry out one action. Raises Refused for one that the paper exchange does not know."""
        done: Mapping[str, Callable[[], Json]] = {
            "order": lambda: _answered("order", self._each(action, "orders", partial(self._place, caller))),
            "batchModify": lambda: _answered("order", self._each(action, "modifies", partial(self._modify, caller))),
            "cancel": lambda: self._cancels(caller, action, "a", "o"),
            "cancelByCloid": lambda: self._cancels(caller, action, "asset", "cloid"),
            "scheduleCancel": lambda: self._schedule_cancel(caller, action),
            "updateLeverage": lambda: self._leverage(action),
            "setReferrer": lambda: DEFAULT,
        }
        carry_out = done.get(str(action.get("type")))
        if carry_out is None:
            raise Refused(f"The paper exchange does not carry out {str(action.get('type'))[:40]}.")
        return carry_out()

    def _cancels(self, caller: Caller, action: Json, asset_field: str, id_field: str) -> Json:
        cancel = partial(self._cancel, caller, asset_field, id_field)
        return _answered("cancel", self._each(action, "cancels", cancel))

    def _each(self, action: Json, field: str, act: Callable[[Json], Any]) -> list[Any]:
        items = action.get(field)
        if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
            raise unreadable(f"{field} must be a list of 1 to {MAX_ITEMS} items")
        return [act(object_of(item)) for item in items]

    def _place(self, caller: Caller, item: Json, client_order_id: str | None = None) -> Json:
        asset = item.get("a")
        market = self._names.by_asset(asset)
        if market is None:
            return {"error": f"Order has invalid asset. asset={asset}"}
        try:
            request = _place_request(market, item, caller.expires_after_ms)
            request = request if client_order_id is None else request._replace(client_order_id=client_order_id)
            return form.placed(self._exchange.place(caller.account, request))
        except ExchangeError as error:
            return form.refusal(error, int(str(asset)), self._names.bbo(market))

    def _modify(self, caller: Caller, item: Json) -> Json:
        """Cancel the old order and place the new one under a new number, with the cloid that is given."""
        old, order = self._names.order(caller.account, item.get("oid")), object_of(item.get("order"))
        try:
            if old is None:
                raise ExchangeError(404, "order_not_found", "no such order")
            self._exchange.cancel(caller.account, CancelRequest(order_id=old.order_id))
        except ExchangeError:
            return {"error": f"Cannot modify canceled or filled order. asset={order.get('a')}"}
        cloid = order.get("c")
        again = cloid is not None and cloid == form.cloid_of(old)
        answer = self._place(caller, order, f"{cloid}{form.GENERATION}{form.oid(old.order_id)}" if again else None)
        if "error" in answer:
            return {"error": f"Error placing new order during modify: {answer['error']}"}
        return answer

    def _cancel(self, caller: Caller, asset_field: str, id_field: str, item: Json) -> Any:
        found = self._names.order(caller.account, item.get(id_field))
        gone = {"error": f"Order was never placed, already canceled, or filled. asset={item.get(asset_field)}"}
        if found is None or found.market != self._names.by_asset(item.get(asset_field)):
            return gone
        try:
            self._exchange.cancel(caller.account, CancelRequest(order_id=found.order_id))
        except ExchangeError:
            return gone
        return "success"

    def _schedule_cancel(self, caller: Caller, action: Json) -> Json:
        if action.get("time") is None:
            self._exchange.arm_dead_man(caller.account, 0)
            return DEFAULT
        away_ms = time_of(action, "time") - self._exchange.time().time_ms
        if away_ms < DEAD_MAN_SHORTEST_MS:
            raise Refused("Scheduled cancel time too early, must be at least 5 seconds from now.")
        try:
            self._exchange.arm_dead_man(caller.account, -(-away_ms // 1000))
        except ExchangeError as error:
            raise Refused(error.message) from None
        return DEFAULT

    def _leverage(self, action: Json) -> Json:
        """Grant the one leverage that the exchange gives every account; refuse any other."""
        market = self._names.by_asset(action.get("asset"))
        if market is None:
            raise Refused("Invalid asset.")
        fixed = min(LEVERAGE, self._exchange.spec(market).max_leverage)
        if action.get("isCross") is not True or action.get("leverage") != fixed:
            raise Refused(f"The paper exchange has cross margin at {fixed}x for {form.coin(market)}.")
        return DEFAULT


def _place_request(market: str, item: Json, expires_after_ms: int | None) -> PlaceRequest:
    post_only, lasts, trigger = _way(item.get("t"))
    if not isinstance(item.get("b"), bool) or not isinstance(item.get("r"), bool):
        raise ExchangeError(422, "bad_order", "Order has invalid b or r.")
    cloid = item.get("c")
    if cloid is not None and not (isinstance(cloid, str) and _CLOID.fullmatch(cloid)):
        raise ExchangeError(422, "bad_order", "Order has invalid cloid.")
    return PlaceRequest(
        market=market,
        side="long" if item["b"] else "short",
        type="limit",
        size_base=_decimal(item, "s"),
        price=_decimal(item, "p"),
        client_order_id=cloid,
        post_only=post_only,
        reduce_only=item["r"],
        time_in_force=lasts,
        valid_until_ms=expires_after_ms,
        trigger_price=trigger,
    )


def _way(kind: object) -> tuple[bool, str, Decimal | None]:
    """How an order lives: post-only, time in force, and the price that the mark must reach first."""
    if isinstance(kind, Mapping) and set(kind) == {"trigger"}:
        stop = object_of(kind["trigger"])
        if stop.get("isMarket") is not True or stop.get("tpsl") != "sl":
            raise ExchangeError(422, "bad_order", "Only stop-market orders (isMarket, tpsl sl) are carried out.")
        return False, "GTC", _decimal(stop, "triggerPx")
    limit = object_of(kind["limit"]) if isinstance(kind, Mapping) and set(kind) == {"limit"} else {}
    if limit.get("tif") not in _TIFS:
        raise ExchangeError(422, "bad_order", "Only limit orders Alo, Gtc, Ioc and stop-market orders are carried out.")
    return (*_TIFS[str(limit["tif"])], None)


def _decimal(item: Json, field: str) -> Decimal:
    """Read a number in the one form that the venue hashes: plain, without trailing zeros."""
    text = item.get(field)
    if not isinstance(text, str) or _DECIMAL.fullmatch(text) is None or ("." in text and text.endswith("0")):
        word = "size" if field == "s" else "price"
        raise ExchangeError(422, f"invalid_{word}", f"Order has invalid {word}.")
    return Decimal(text)


def _answered(kind: str, statuses: Sequence[Any]) -> Json:
    return {"type": kind, "data": {"statuses": statuses}}
