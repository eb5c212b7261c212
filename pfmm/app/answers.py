"""The `data` of answers that are not simply a result's fields, as types; for their JSON Schema. Layer: app."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict

from pfmm.accounting.metrics import Metric


class Period(TypedDict):
    """The span of a report."""

    start: str
    end: str
    days: float


class Pnl(TypedDict):
    """Where a profit came from, USD."""

    total: Decimal
    spread_capture: Decimal | None
    adverse_selection: Decimal | None
    inventory: Decimal
    fees: Decimal
    fees_effect: Decimal
    funding: Decimal


class Edge(TypedDict):
    """The break-even maker fee, bps, and what it stands on."""

    horizon_s: int
    break_even_maker_bps: Mapping[str, float | None]
    se_bps: Mapping[str, float | None]
    error_by: str | None
    paid_maker_bps: float | None
    net_bps: float | None
    net_after_exits_bps: float | None
    gross_usd: Decimal
    rebates_usd: Decimal
    n_fills: int
    n_orders: int
    n_blocks: int
    n_sessions: int
    n_exits: int
    mid_age_ms: int | None


class MarketPart(TypedDict):
    """What one market earned."""

    market: str
    fills: int
    pnl: Pnl


class StrategyPart(TypedDict):
    """What one strategy earned."""

    strategy: str
    fills: int
    pnl: Pnl


class Figures(TypedDict):
    """What `report` and `backtest run` have in common."""

    period: Period
    fills: int
    metrics: list[Metric]
    pnl: Pnl
    equity_curve: list[list[Any]]
    cash_flows: list[list[Any]]
    markouts_bps: Mapping[str, Decimal | None]
    edge: Edge
    by_market: list[MarketPart]
    by_strategy: list[StrategyPart]


class MarketFees(TypedDict):
    """What one market charges."""

    market: str
    maker_bps: Decimal
    taker_bps: Decimal
    source: str


class Report(Figures):
    """The `data` of `report`."""

    fees: list[MarketFees]

    venue: str
    account: str
    market: str | None
    strategy: str | None


class FeesUsed(TypedDict):
    """The fee schedule that was used."""

    maker_bps: Decimal
    taker_bps: Decimal
    source: str


class ScenarioFigures(TypedDict):
    """One queue model of a backtest."""

    fills: int
    pnl: Decimal
    attribution: Pnl
    edge: Edge
    drawdown_usd: Decimal
    position: Decimal
    orders: int
    round_trips: int
    requests: int
    stopped: str | None


class BacktestRun(Figures):
    """The `data` of `backtest run`."""

    market: str
    strategy: str
    settings: Mapping[str, str]
    events: int
    events_per_second: int | None
    wall_s: float
    decisions: int
    requests: int
    latency_ms: int
    fees: FeesUsed
    scenarios: Mapping[str, ScenarioFigures]


class OrderShown(TypedDict):
    """One order of a preview."""

    slot: str
    side: str
    price: Decimal
    size: Decimal
    notional: Decimal


class OrdersShown(TypedDict):
    """The `data` of a preview of plain orders."""

    market: str
    strategy: str
    mid: Decimal | None
    orders: list[OrderShown]
    absent: Mapping[str, str]
    notes: list[str]
    explanation: Any


class Script(TypedDict):
    """The `data` of `completions`."""

    shell: str
    script: str


class Version(TypedDict):
    """The `data` of `--version`."""

    version: str
