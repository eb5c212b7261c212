"""Hyperliquid's socket: its address, and where each frame of public data belongs. Layer: venue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pfmm.errors import BadVenueData
from pfmm.venue.hyperliquid import reads
from pfmm.venue.stream import Json, Publication
from pfmm.venue.wire import Record

PATH: Final = "/ws"
PING: Final = {"method": "ping"}


def socket_url(url: str) -> str:
    """Return the address of the socket beside an API's: https://a.b is wss://a.b/ws."""
    scheme, _, rest = url.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest.rstrip('/')}{PATH}"


def market_frame(message: Json) -> Iterable[Publication]:
    """Say where a frame of public data belongs. Raises BadVenueData for one that makes no sense."""
    channel, data = message.get("channel"), message.get("data")
    if channel == "l2Book":
        record = Record(data, "l2Book")
        coin = record.text("coin")
        yield Publication(f"l2Book:{coin}", reads.book(record, coin), queued=False)
    elif channel == "activeAssetCtx":
        record = Record(data, "activeAssetCtx")
        yield Publication(f"activeAssetCtx:{record.text('coin')}", reads.context(record.record("ctx")), queued=False)
    elif channel == "trades":
        if not isinstance(data, list):
            raise BadVenueData("trades: must be a list")
        for place, row in enumerate(data):
            trade = reads.trade(Record(row, f"trades[{place}]"))
            if not trade.trade_id:
                raise BadVenueData("trades: a print without tid cannot be told from another one")
            yield Publication(f"trades:{trade.market}", trade, queued=True)
