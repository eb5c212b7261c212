"""A whole strategy in one module: one bid below the mid, further away while it holds anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pfmm.model.order import Side
from pfmm.model.plan import Decision, DesiredOrder, MarketView, OwnFill, RoundTrip
from pfmm.model.setting import Values, above_zero
from pfmm.strategy.base import Column, Kind, Measured
from pfmm.strategy.ticks import base_size, snap_price


@dataclass(frozen=True, slots=True)
class Toy:
    market: str
    width_bps: float
    size_usd: Decimal
    kind: str = "toy"

    def initial(self, view: MarketView) -> int:
        return 0

    def on_fill(self, state: int, fill: OwnFill) -> tuple[int, tuple[RoundTrip, ...]]:
        return state + 1, ()

    def decide(self, state: int, view: MarketView) -> tuple[int, Decision]:
        mid = view.ticker.mid or view.ticker.mark
        width = self.width_bps * (1 + state)
        price = snap_price(mid * (1 - Decimal(repr(width)) / 10_000), Side.LONG, view.instrument.price_rule)
        order = DesiredOrder("bid", Side.LONG, price, base_size(self.size_usd, price, view.instrument.size_step))
        return state, Decision((order,), explaining=lambda: {"width_bps": width, "fills": state})

    def dump(self, state: int) -> Mapping[str, Any]:
        return {"fills": state}

    def load(self, raw: Mapping[str, Any]) -> int:
        return int(raw["fills"])


class ToyKind(Kind):
    name, noun = "toy", "toy"
    settings = (
        above_zero("toy.width_bps", "number", 20.0, "1000", "bps", "distance of the bid", "--width-bps"),
        above_zero("toy.size_usd", "decimal", Decimal(50), "100000", "USD", "size of the bid", "--size"),
    )

    def build(self, market: str, values: Values, measured: Measured) -> Toy:
        return Toy(market, values["toy.width_bps"], values["toy.size_usd"])

    def columns(self) -> tuple[Column, ...]:
        return (Column("width", "bps", lambda shown: shown["width_bps"]),)


TOY = ToyKind()
