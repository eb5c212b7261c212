"""Which path and method of the wire dialect is which operation of the exchange.

It is handed an account and a parsed body, and returns a JSON-ready answer. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from pfmm.paper.exchange import MAX_DEAD_MAN_S, Exchange
from pfmm.paper.market_data import MAX_MOMENTS, MAX_ROWS
from pfmm.paper.messages import CancelRequest, ExchangeError
from pfmm.paper.wire import purpleflea_json, purpleflea_requests

if TYPE_CHECKING:
    from pfmm.paper.server.throttle import Lane

MAX_DEPTH = 200
_MAX_CURSOR_DIGITS = 18


class Call(NamedTuple):
    """One request: `tail` is what the path says behind its route's prefix, `query` the raw query string."""

    exchange: Exchange
    account: str
    tail: str
    query: str
    body: Any

    def asked(self, *known: str) -> dict[str, str]:
        """Read the query's parameters. Raises ExchangeError 400 for one that is unknown or given twice: a misspelt
        market must not cancel the orders of every market."""
        found: dict[str, str] = {}
        if not self.query:
            return found
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            if name not in known or name in found:
                problem = "given twice" if name in found else "unknown here"
                raise ExchangeError(400, "bad_request", f"the query parameter {name[:80]!r} is {problem}")
            found[name] = value
        return found


class Route(NamedTuple):
    """An operation: what answers it, and what the application must check first. No `lane` means no limit."""

    answer: Callable[[Call], dict[str, Any]]
    lane: Lane | None = "data"
    needs_key: bool = True
    has_body: bool = False


Methods = Mapping[str, Route]


def find_routes(path: str) -> tuple[Methods | None, str]:
    """Find the methods of a path, and what the path names behind the route's prefix; None for an unknown path.

    "/api/ticker/BTC-PERP" gives the ticker's methods and "BTC-PERP".
    """
    fixed = _FIXED.get(path)
    if fixed is not None:
        return fixed, ""
    for prefix, methods in _PREFIXED.items():
        if path.startswith(prefix) and len(path) > len(prefix):
            return methods, path[len(prefix) :]
    return None, ""


def _time(call: Call) -> dict[str, Any]:
    call.asked()
    return purpleflea_json.clock_json(call.exchange.time())


def _markets(call: Call) -> dict[str, Any]:
    call.asked()
    return {"markets": [purpleflea_json.spec_json(spec) for spec in call.exchange.specs()]}


def _tickers(call: Call) -> dict[str, Any]:
    markets = _names(call.asked("markets").get("markets"))
    return {"tickers": [purpleflea_json.ticker_json(ticker) for ticker in call.exchange.tickers(markets or None)]}


def _ticker(call: Call) -> dict[str, Any]:
    call.asked()
    return purpleflea_json.ticker_json(call.exchange.ticker(call.tail))


def _orderbook(call: Call) -> dict[str, Any]:
    return purpleflea_json.book_json(call.exchange.depth(call.tail, _depth(call.asked("depth")) or 20))


def _trades(call: Call) -> dict[str, Any]:
    trades = call.exchange.trades(call.tail, _whole(call.asked("since"), "since"))
    return {"market": call.tail, "trades": [purpleflea_json.trade_json(trade) for trade in trades]}


def _mids(call: Call) -> dict[str, Any]:
    mids = call.exchange.mids(call.tail, _moments(call.asked("at")))
    return {"market": call.tail, "mids": [purpleflea_json.mid_json(mid) for mid in mids]}


def _funding(call: Call) -> dict[str, Any]:
    rates = call.exchange.funding_rates(call.tail, _whole(call.asked("since"), "since"))
    interval_h = call.exchange.spec(call.tail).funding_interval_hours
    return {
        "market": call.tail,
        "funding_interval_h": interval_h,
        "rates": [purpleflea_json.rate_json(rate) for rate in rates],
    }


def _place(call: Call) -> dict[str, Any]:
    return purpleflea_json.order_json(call.exchange.place(call.account, purpleflea_requests.place_request(call.body)))


def _orders(call: Call) -> dict[str, Any]:
    asked = call.asked("status", "market")
    status = asked.get("status", "open")
    if status not in ("open", "all"):
        raise ExchangeError(400, "invalid_status", f"status: must be open or all, not {status[:80]}")
    orders = call.exchange.orders(call.account, status=status, market=_market(call, asked))
    return {"orders": purpleflea_json.orders_json(orders)}


def _cancel_all(call: Call) -> dict[str, Any]:
    cancelled = call.exchange.cancel_all(call.account, _market(call, call.asked("market")))
    return {"cancelled": len(cancelled), "orders": purpleflea_json.orders_json(cancelled)}


def _order(call: Call) -> dict[str, Any]:
    call.asked()
    return purpleflea_json.order_json(call.exchange.order(call.account, order_id=call.tail))


def _order_by_client_id(call: Call) -> dict[str, Any]:
    call.asked()
    return purpleflea_json.order_json(call.exchange.order(call.account, client_order_id=call.tail))


def _amend(call: Call) -> dict[str, Any]:
    request = purpleflea_requests.amend_request(call.body, order_id=call.tail)
    return purpleflea_json.order_json(call.exchange.amend(call.account, request))


def _amend_by_client_id(call: Call) -> dict[str, Any]:
    request = purpleflea_requests.amend_request(call.body, client_order_id=call.tail)
    return purpleflea_json.order_json(call.exchange.amend(call.account, request))


def _cancel(call: Call) -> dict[str, Any]:
    call.asked()
    return purpleflea_json.order_json(call.exchange.cancel(call.account, CancelRequest(order_id=call.tail)))


def _cancel_by_client_id(call: Call) -> dict[str, Any]:
    call.asked()
    return purpleflea_json.order_json(call.exchange.cancel(call.account, CancelRequest(client_order_id=call.tail)))


def _batch(call: Call) -> dict[str, Any]:
    items = purpleflea_requests.batch_items(call.body)
    done = call.exchange.batch(call.account, items.cancels.good, items.amends.good, items.places.good)
    return {
        "cancel": purpleflea_json.items_json(items.cancels.merged(done[0])),
        "amend": purpleflea_json.items_json(items.amends.merged(done[1])),
        "place": purpleflea_json.items_json(items.places.merged(done[2])),
    }


def _state(call: Call) -> dict[str, Any]:
    asked = call.asked("markets", "fills_since", "funding_since", "limit", "depth")
    state = call.exchange.state(
        call.account,
        _names(asked.get("markets")),
        fills_since=_cursor(asked, "fills_since"),
        funding_since=_cursor(asked, "funding_since"),
        limit=_limit(asked),
        levels=_depth(asked) or 0,
    )
    return purpleflea_json.state_json(state)


def _account(call: Call) -> dict[str, Any]:
    call.asked()
    return purpleflea_json.account_json(call.exchange.account(call.account))


def _positions(call: Call) -> dict[str, Any]:
    call.asked()
    return {"positions": purpleflea_json.positions_json(call.exchange.positions(call.account))}


def _fills(call: Call) -> dict[str, Any]:
    asked = call.asked("since", "market")
    page = call.exchange.fills(call.account, since=_cursor(asked, "since"), market=_market(call, asked))
    return {"fills": purpleflea_json.fills_json(page.fills), "cursor": str(page.cursor), "more": page.more}


def _funding_payments(call: Call) -> dict[str, Any]:
    page = call.exchange.funding_payments(call.account, since=_cursor(call.asked("since"), "since"))
    return {"payments": purpleflea_json.payments_json(page.payments), "cursor": str(page.cursor), "more": page.more}


def _dead_man(call: Call) -> dict[str, Any]:
    timeout_s = purpleflea_requests.whole_field(call.body, "timeout_s", MAX_DEAD_MAN_S)
    return call.exchange.arm_dead_man(call.account, timeout_s)._asdict()


def _advance(call: Call) -> dict[str, Any]:
    to_ms = purpleflea_requests.whole_field(call.body, "to_ms", purpleflea_requests.MAX_TIME_MS)
    return purpleflea_json.clock_json(call.exchange.advance_clock(to_ms))


def _names(text: str | None) -> list[str]:
    return [name for name in (text or "").split(",") if name]


def _market(call: Call, asked: Mapping[str, str]) -> str | None:
    """Read the market that a query limits itself to, proven to exist; None when it names none. Blank is refused: an
    unset variable in a script must not widen the request to every market."""
    market = asked.get("market")
    if market is None:
        return None
    if not market:
        raise ExchangeError(400, "invalid_market", "market: must not be blank")
    return call.exchange.spec(market).market


def _whole(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_CURSOR_DIGITS):
        raise ExchangeError(400, f"invalid_{name}", f"{name}: must be a whole number, not {text[:80]!r}")
    return int(text)


def _moments(asked: Mapping[str, str]) -> list[int]:
    """Read past times in ms, separated by commas, at most MAX_MOMENTS."""
    parts = asked.get("at", "").split(",")
    if len(parts) > MAX_MOMENTS:
        raise ExchangeError(400, "invalid_at", f"at: must be at most {MAX_MOMENTS} times, not {len(parts)}")
    return [_whole({"at": part}, "at") or 0 for part in parts]


def _limit(asked: Mapping[str, str]) -> int:
    """Read how many fills and payments a page of the state may have; 0 asks for none: one small answer."""
    limit = _whole(asked, "limit")
    if limit is not None and limit > MAX_ROWS:
        raise ExchangeError(400, "invalid_limit", f"limit: must be at most {MAX_ROWS}, not {limit}")
    return MAX_ROWS if limit is None else limit


def _depth(asked: Mapping[str, str]) -> int | None:
    """Read the levels a side of a book."""
    depth = _whole(asked, "depth")
    if depth is not None and not 1 <= depth <= MAX_DEPTH:
        raise ExchangeError(400, "invalid_depth", f"depth: must be from 1 to {MAX_DEPTH}, not {depth}")
    return depth


def _cursor(asked: Mapping[str, str], name: str) -> int:
    """Read where a read goes on; absent or blank is the beginning, as clients without a cursor write it."""
    return _whole(asked, name) or 0 if asked.get(name) else 0


def _data(answer: Callable[[Call], dict[str, Any]]) -> Methods:
    return {"GET": Route(answer, needs_key=False)}


def _own(answer: Callable[[Call], dict[str, Any]]) -> Methods:
    return {"GET": Route(answer)}


def _acting(answer: Callable[[Call], dict[str, Any]]) -> Methods:
    return {"POST": Route(answer, lane="orders", has_body=True)}


_FIXED: dict[str, Methods] = {
    "/api/time": _data(_time),
    "/api/markets": _data(_markets),
    "/api/tickers": _data(_tickers),
    "/api/state": _own(_state),
    "/api/account": _own(_account),
    "/api/positions": _own(_positions),
    "/api/fills": _own(_fills),
    "/api/funding-payments": _own(_funding_payments),
    "/api/orders": {**_own(_orders), **_acting(_place), "DELETE": Route(_cancel_all, lane="cancels")},
    "/api/orders/batch": _acting(_batch),
    "/api/dead-man": {"POST": Route(_dead_man, lane="cancels", has_body=True)},  # it must be fed when all is spent
    # the clock belongs to nobody and its steps are no requests of a market: no key, no limit
    "/api/paper/advance": {"POST": Route(_advance, lane=None, needs_key=False, has_body=True)},
}
_PREFIXED: dict[str, Methods] = {
    "/api/ticker/": _data(_ticker),
    "/api/orderbook/": _data(_orderbook),
    "/api/trades/": _data(_trades),
    "/api/mids/": _data(_mids),
    "/api/funding/": _data(_funding),
    "/api/orders/by-client-id/": {
        **_own(_order_by_client_id),
        "PATCH": Route(_amend_by_client_id, lane="orders", has_body=True),
        "DELETE": Route(_cancel_by_client_id, lane="cancels"),
    },
    "/api/orders/": {
        **_own(_order),
        "PATCH": Route(_amend, lane="orders", has_body=True),
        "DELETE": Route(_cancel, lane="cancels"),
    },
}
