"""The options of `quote` and `ladder` that stand for model settings, declared once. Types only."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from pfmm.cli.options import any_decimal, setting

Model = Annotated[str | None, setting("quote.model", "--model")]
Gamma = Annotated[float | None, setting("quote.gamma", "--gamma")]
Kappa = Annotated[float | None, setting("quote.kappa_per_bp", "--kappa")]
Sigma = Annotated[float | None, setting("quote.sigma_annual_pct", "--sigma")]
Horizon = Annotated[float | None, setting("quote.horizon_s", "--horizon")]
HalfSpread = Annotated[float | None, setting("quote.half_spread_bps", "--half-spread-bps")]
Inventory = Annotated[
    Decimal | None,
    typer.Option(
        "--inventory",
        parser=any_decimal,
        metavar="USD",
        help="Suppose this inventory instead of the real one, USD; negative is short.",
        show_default=False,
    ),
]
Explain = Annotated[bool, typer.Option("--explain", help="Add inputs, fit and formula.")]


def model_overrides(
    model: str | None,
    gamma: float | None,
    kappa: float | None,
    sigma: float | None,
    horizon: float | None,
    half_spread_bps: float | None,
) -> dict[str, object]:
    """The flags by setting name."""
    return {
        "quote.model": model,
        "quote.gamma": gamma,
        "quote.kappa_per_bp": kappa,
        "quote.sigma_annual_pct": sigma,
        "quote.horizon_s": horizon,
        "quote.half_spread_bps": half_spread_bps,
    }


def run_overrides(interval: float | None, max_inventory: Decimal | None, max_loss: Decimal | None) -> dict[str, object]:
    """The flags of every `start` that are settings, by name."""
    return {
        "run.interval_s": interval,
        "run.max_inventory_usd": max_inventory,
        "run.max_loss_usd": max_loss,
    }
