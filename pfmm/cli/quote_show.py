"""`quote show` and `ladder show`: one computation from one look at the market, explained. Sends nothing.

Uses what a running or waiting run has measured and fitted, so that it shows what that run would quote now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.cli.output import folded, table
from pfmm.cli.quote_setup import build_strategy, fit, is_old, quote_config, remembered_fit, run_limits, wants_fit

if TYPE_CHECKING:
    from pfmm.cli.context import Session
    from pfmm.model.account import Snapshot
    from pfmm.model.market import Instrument, Ticker
    from pfmm.model.plan import MarketView
    from pfmm.strategy.quote.config import QuoteConfig

EXTRAS = ("inputs", "fit", "formula")
ALWAYS_SHOWN = ("half_spread", "inventory", "rounding")


def show(session: Session, kind: str, spelling: str, inventory_usd: Decimal | None) -> dict[str, Any]:
    """The `data` of `show`, with `inputs`, `fit` and `formula`. Raises UnknownMarket, UsageError for settings that
    make no sense at this market's price, and what the venue's reads raise."""
    from pfmm.engine.risk import data_problem
    from pfmm.strategy.quote.explain import explain_problem

    instrument = session.market(spelling)
    market = instrument.market
    snapshot = session.venue.state([market])
    now_ms = snapshot.time.time_ms
    settings = session.settings.for_market(market)
    limits = run_limits(settings)
    # one look is enough to show a quote; what is posted needs the estimator to have seen more
    config = replace(_calibrated(session, kind, instrument, now_ms), min_samples=1)
    strategy = build_strategy(kind, market, config, settings)
    ticker = snapshot.tickers[0]
    problem = data_problem(ticker, now_ms=now_ms, stale_after_ms=limits.stale_after_ms, last_mid=None)
    if problem is not None:
        return dict(explain_problem(market, config, problem))
    view = _view(session, kind, instrument, snapshot, ticker, inventory_usd)
    state = strategy.initial(view)
    run = session.journal.open_run(kind, market) if session.has_journal else None
    if run is not None and run.memory is not None:
        state = strategy.load(run.memory)
    _, decision = strategy.decide(state, view)
    return {**decision.explain, "notes": list(decision.notes)}


def _calibrated(session: Session, kind: str, instrument: Instrument, now_ms: int) -> QuoteConfig:
    from pfmm.strategy.quote.config import with_calibration

    config = quote_config(session, instrument, kind)
    if not wants_fit(session, config, instrument.market):
        return config
    known = remembered_fit(session, kind, instrument.market) if session.has_journal else None
    calibration = (fit(session, instrument.market, now_ms) or known) if is_old(known, now_ms) else known
    return config if calibration is None else with_calibration(config, calibration)


def _view(
    session: Session,
    kind: str,
    instrument: Instrument,
    snapshot: Snapshot,
    ticker: Ticker,
    inventory_usd: Decimal | None,
) -> MarketView:
    """The market as the run would see it; `inventory_usd` stands in for run's share and position alike."""
    from pfmm.model.plan import MarketView

    held = next((p.size for p in snapshot.positions if p.market == instrument.market), Decimal(0))
    own = held
    if session.has_journal:
        from pfmm.accounting.ledger import LedgerState
        from pfmm.accounting.portfolio import run_ledgers

        run = session.journal.open_run(kind, instrument.market)
        if run is not None:
            own = run_ledgers(session.journal, instrument.market).get(run.run_id, LedgerState()).size
    if inventory_usd is not None:
        held = own = inventory_usd / (ticker.mid or ticker.mark)
    return MarketView(
        time_ms=snapshot.time.time_ms,
        instrument=instrument,
        ticker=ticker,
        inventory=own,
        net_position=held,
        max_inventory_usd=session.settings.for_market(instrument.market).run.max_inventory_usd,
    )


def without_extras(data: Mapping[str, Any]) -> dict[str, Any]:
    """What `show` answers without --explain."""
    return {name: value for name, value in data.items() if name not in EXTRAS}


def show_text(data: Mapping[str, Any], *, ladder: bool, explain: bool) -> str:
    """Prices first, then what each side is made of, down to the tick, then where the parameters come from."""
    lines = [_headline(data), ""]
    lines += _levels(data) if ladder else _sides(data)
    lines += [f"no {slots}: {reason}" for slots, reason in folded(data["absent"])]
    lines += [f"note: {note}" for note in data["notes"]]
    if data["bid"] is not None or data["ask"] is not None:
        lines += ["", _components(data, everything=explain)]
    lines += ["", _parameters(data)]
    if explain:
        lines += ["", *_explanation(data)]
    return "\n".join(lines)


def _headline(data: Mapping[str, Any]) -> str:
    parts = [data["market"], f"mid {data['mid'] or 'n/a'}", f"model {data['model']}"]
    if data["reservation_price"] is not None:
        parts.append(f"reservation {data['reservation_price']:.8g}")
    if data["spread_bps"] is not None:
        parts.append(f"spread {data['spread_bps']:.2f} bps")
    first = "  ".join(parts)
    parts = []
    if data["regime"] is not None:
        from pfmm.strategy.volatility import SIZE_MULTIPLIER

        factor = SIZE_MULTIPLIER[data["regime"]]
        parts.append(f"regime {data['regime']}" + (f" (sizes x{factor:g})" if factor != 1 else ""))
    if data["inventory_ratio"] is not None:
        parts.append(f"inventory {data['inventory_ratio']:+.0%} {data['inventory_state']}")
    if data["funding_tilt"]:
        parts.append(f"funding tilt {data['funding_tilt']:+.0%}")
    return f"{first}\n{'  '.join(parts)}" if parts else first


def _sides(data: Mapping[str, Any]) -> list[str]:
    rows = [
        ("buy" if level["side"] == "long" else "sell", level["price"], level["size"], _usd(level), _only(level))
        for level in data["levels"]
    ]
    return [table(("", "price", "size", "USD", ""), rows, right=(1, 2, 3))] if rows else []


def _levels(data: Mapping[str, Any]) -> list[str]:
    """Sells above, buys below, as in a book."""
    ordered = sorted(data["levels"], key=lambda level: Decimal(level["price"]), reverse=True)
    mid = Decimal(data["mid"]) if data["mid"] is not None else None
    rows = [
        (
            level["slot"],
            level["price"],
            f"{(Decimal(level['price']) - mid) / mid * 10_000:+.2f}" if mid is not None else "",
            level["size"],
            _usd(level),
            _only(level),
        )
        for level in ordered
    ]
    return [table(("slot", "price", "bps", "size", "USD", ""), rows, right=(1, 2, 3, 4))] if rows else []


def _usd(level: Mapping[str, Any]) -> str:
    return f"{Decimal(level['notional']):.2f}"


def _only(level: Mapping[str, Any]) -> str:
    return "reduce-only" if level["reduce_only"] else ""


def _components(data: Mapping[str, Any], *, everything: bool) -> str:
    """The sum is the posted price, in bps of mid from the mid."""
    rows = []
    for part in data["components"]:
        both = (part["bid_bps"], part["ask_bps"])
        if everything or part["name"] in ALWAYS_SHOWN or any(both):
            rows.append((part["name"].replace("_", " "), *(_bps(value) for value in both)))
    sums = [_sum(data, side) for side in ("bid", "ask")]
    rows.append(("= from mid", *(_bps(value) for value in sums)))
    rows.append(("price", data["bid"] or "none", data["ask"] or "none"))
    return table(("component, bps", "bid", "ask"), rows, right=(1, 2))


def _sum(data: Mapping[str, Any], side: str) -> float | None:
    values = [part[f"{side}_bps"] for part in data["components"]]
    return None if None in values else sum(values)


def _bps(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"


def _parameters(data: Mapping[str, Any]) -> str:
    p = data["parameters"]
    sigma = "n/a" if p["sigma_annual"] is None else f"{p['sigma_annual']:.1%} a year"
    used = {
        "glft": f"gamma {p['gamma']:g}/USD  kappa {p['kappa']:.4g} {p['kappa_unit']}  A {p['intensity_per_s']:.4g}/s",
        "as": f"gamma {p['gamma']:g}/USD  kappa {p['kappa']:.4g} {p['kappa_unit']}  horizon {p['horizon_s']:g} s",
        "fixed": f"half-spread {p['half_spread_bps']:g} bps",
    }[data["model"]]
    return f"{used}  ({p['source']})\nsigma {sigma}  ({p['sigma_source']})"


def _explanation(data: Mapping[str, Any]) -> list[str]:
    lines = [f"formula  {data['formula']}"]
    lines += [f"input    {name} {value:.10g}" for name, value in data["inputs"].items() if value is not None]
    fitted = data["fit"]
    if fitted is not None:
        quality = fitted["reason"] or (
            f"R² {fitted['r_squared']:.3f}, {fitted['distances']} distances, A {fitted['intensity_per_s']:.4g}/s of "
            f"both sides, kappa {fitted['kappa_per_usd']:.4g} per USD"
        )
        lines.append(f"fit      {fitted['sweeps']} sweeps in {fitted['span_s']:.0f} s: {quality}")
    return lines
