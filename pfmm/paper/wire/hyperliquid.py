"""The Hyperliquid dialect of the paper exchange: two paths over one exchange. Layer: paper wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pfmm.paper.exchange import Exchange
from pfmm.paper.wire.hyperliquid_actions import Actions
from pfmm.paper.wire.hyperliquid_info import Info
from pfmm.paper.wire.hyperliquid_names import Names
from pfmm.paper.wire.hyperliquid_streams import Streams

PATHS = ("/info", "/exchange")


class Dialect:
    """What the dialect's paths answer. `wall_ms` is the clock of nonces, which clients take from their own."""

    def __init__(self, exchange: Exchange, wall_ms: Callable[[], int]) -> None:
        self._exchange = exchange
        self._names = Names(exchange)
        self._info = Info(exchange, self._names)
        self._actions = Actions(exchange, self._names, wall_ms)

    def talk(self) -> Streams:
        """Return the talker of one WebSocket."""
        return Streams(self._exchange, self._names, self._info.answer, self._actions.answer)

    def answer(self, path: str, request: object) -> Any:
        """Answer one request. Raises ExchangeError 422 for what is no request of the dialect."""
        return self._info.answer(request) if path == "/info" else self._actions.answer(request)
