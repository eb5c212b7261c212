"""The preview of a strategy as text and as JSON: a grid's lines, a quote's components, or plain orders. Layer: cli.

The strategy's room names the layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.cli.live.reasons import absences
from pfmm.cli.render.tables import table
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.preview import PreviewResult
    from pfmm.app.strategies import Level, Parameters, QuoteExplained, SkewAtLimit

EXTRAS = ("inputs", "fit", "formula")
ALWAYS_SHOWN = ("half_spread", "inventory", "rounding")


def preview_data(result: PreviewResult, *, explain: bool) -> Any:
    """Build the `data` of a preview; without `explain` a quote's inputs, fit and formula are left out."""
    shown = result.shown
    if result.layout == "lines":
        return plan_data(shown.explanation)
    if result.layout in {"components", "levels"}:
        return show_data(shown.explanation, shown.notes, explain=explain)
    orders = [
        {"slot": one.slot, "side": one.side, "price": one.price, "size": one.size, "notional": one.price * one.size}
        for one in shown.orders
    ]
    absent, notes = dict(shown.absent), list(shown.notes)
    head = {"market": result.market, "strategy": result.strategy, "mid": result.mid}
    return {**head, "orders": orders, "absent": absent, "notes": notes, "explanation": shown.explanation}


def preview_text(result: PreviewResult, *, explain: bool) -> str:
    """Draw the preview for people, as its layout asks."""
    if result.layout == "lines":
        return "\n".join([plan_text(result.shown.explanation), *(f"note: {note}" for note in result.shown.notes)])
    if result.layout in {"components", "levels"}:
        shown = result.shown
        return show_text(shown.explanation, shown.notes, ladder=result.layout == "levels", explain=explain)
    return _orders_text(result)


def _orders_text(result: PreviewResult) -> str:
    """Draw the orders as in a book, then what the strategy says of them."""
    shown = result.shown
    rows = [
        (one.slot, "buy" if one.side.sign > 0 else "sell", plain(one.price), plain(one.size))
        for one in sorted(shown.orders, key=lambda one: one.price, reverse=True)
    ]
    mid = "n/a" if result.mid is None else plain(result.mid)
    lines = [f"{result.market}  {result.strategy}  mid {mid}", ""]
    lines += [table(("slot", "side", "price", "size"), rows, right=(2, 3))] if rows else []
    lines += absences(shown.absent)
    lines += [f"note: {note}" for note in shown.notes]
    said = shown.explanation
    lines += [f"{name} {value}" for name, value in said.items()] if isinstance(said, Mapping) else []
    return "\n".join(lines)


def plan_data(planned: Any) -> dict[str, Any]:
    """Build the `data` of `grid plan`."""
    return {
        "market": planned.market,
        "mid": planned.mid,
        "lower": planned.lower,
        "upper": planned.upper,
        "levels": planned.levels,
        "spacing": planned.spacing,
        "step": planned.step,
        "step_bps": planned.step_bps,
        "maker_bps": planned.maker_bps,
        "profit_per_round_trip": planned.profit_per_round_trip,
        "fees_per_round_trip": planned.fees_per_round_trip,
        "capital_required": planned.capital_required,
        "orders": planned.orders,
        "size_usd": planned.size_usd,
        "worst_case": planned.worst_case,
        "notes": planned.notes,
    }


def plan_text(planned: Any) -> str:
    """Draw the plan as a ladder of lines, highest first, with what it could earn and lose."""
    by_line = {order.line: order for order in planned.orders}
    rows = []
    for index in reversed(range(len(planned.lines))):
        order = by_line.get(index)
        what = ("sell" if order.side.sign < 0 else "buy") if order is not None else "empty"
        size = plain(order.size) if order is not None else ""
        notional = f"{order.notional:.2f}" if order is not None else ""
        rows.append((str(index), what, plain(planned.lines[index]), size, notional))
    head = [
        f"{planned.market}  mid {planned.mid:f}  {planned.levels} {planned.spacing} steps of {planned.step:f} USD "
        f"({planned.step_bps:.2f} bps)",
        "",
        table(("line", "side", "price", "size", "USD"), rows, right=(0, 2, 3, 4)),
        "",
        _profit_line(planned),
        f"capital required     {planned.capital_required:.2f} USD before leverage",
        "",
        _worst_cases(planned),
    ]
    return "\n".join(head)


def _profit_line(planned: Any) -> str:
    """Write a round trip's profit with its parts, which add up as printed: a rebate is a plus."""
    effect = -planned.fees_per_round_trip
    gross = planned.profit_per_round_trip - effect
    named = "rebates" if effect > 0 else "fees"
    return (
        f"profit a round trip  {planned.profit_per_round_trip:+.6f} USD = step {gross:+.6f}  {named} {effect:+.6f} "
        f"(maker {planned.maker_bps:f} bps)"
    )


def _worst_cases(planned: Any) -> str:
    """Tell what the first orders lose when the price runs straight one way: at the edge, further out, at
    liquidation."""
    worst = planned.worst_case

    def ending(end: Any) -> tuple[str, str]:
        return ("none", "") if end is None else (plain(end.price), f"{end.pnl:+.2f}")

    def away(percent: int) -> str:
        return f"{planned.mid * (100 + percent) / 100:.8g}"

    rows = [
        ("at the edge", plain(planned.lower), f"{worst.at_lower:+.4f}", plain(planned.upper), f"{worst.at_upper:+.4f}"),
        ("5 % from here", away(-5), f"{worst.minus_5_pct:+.4f}", away(5), f"{worst.plus_5_pct:+.4f}"),
        ("10 % from here", away(-10), f"{worst.minus_10_pct:+.4f}", away(10), f"{worst.plus_10_pct:+.4f}"),
        ("at liquidation", *ending(worst.liquidation_below), *ending(worst.liquidation_above)),
    ]
    return table(("worst case", "falls to", "USD", "rises to", "USD"), rows, right=(1, 2, 3, 4))


def show_data(said: QuoteExplained, notes: Sequence[str], *, explain: bool) -> dict[str, Any]:
    """Build the `data` of `show`: the fields of what was explained; without `explain` no inputs, fit and formula."""
    data = {field.name: getattr(said, field.name) for field in fields(said)} | {"notes": list(notes)}
    data["inputs"] = {} if said.inputs is None else said.inputs
    return {name: value for name, value in data.items() if explain or name not in EXTRAS}


def show_text(said: QuoteExplained, notes: Sequence[str], *, ladder: bool, explain: bool) -> str:
    """Show prices first, then what each side is made of, down to the tick, then where the parameters come from."""
    lines = [_headline(said), ""]
    lines += _levels(said) if ladder else _sides(said)
    lines += absences(said.absent)
    lines += [f"note: {note}" for note in notes]
    if said.bid is not None or said.ask is not None:
        lines += ["", _components(said, everything=explain)]
    if said.skew_at_limit is not None:
        lines += ["", _at_limits(said, said.skew_at_limit)]
    lines += ["", _parameters(said.parameters, said.model)]
    if explain:
        lines += ["", *_explanation(said)]
    return "\n".join(lines)


def _headline(said: QuoteExplained) -> str:
    parts = [said.market, f"mid {_price(said.mid, 'n/a')}", f"model {said.model}"]
    if said.reservation_price is not None:
        parts.append(f"reservation {said.reservation_price:.8g}")
    if said.spread_bps is not None:
        parts.append(f"spread {said.spread_bps:.2f} bps")
    first = "  ".join(parts)
    parts = []
    if said.regime is not None:
        from pfmm.app.preview import SIZE_MULTIPLIER

        factor = SIZE_MULTIPLIER[said.regime]
        parts.append(f"volatility {said.regime}" + (f" (sizes x{factor:g})" if factor != 1 else ""))
    if said.inventory_ratio is not None:
        parts.append(f"inventory {said.inventory_ratio:+z.0%} {said.inventory_state}")
    if said.funding_tilt:
        parts.append(f"funding tilt {said.funding_tilt:+.0%}")
    return f"{first}\n{'  '.join(parts)}" if parts else first


def _price(value: Decimal | None, instead: str = "none") -> str:
    return instead if value is None else plain(value)


def _sides(said: QuoteExplained) -> list[str]:
    rows = [
        ("buy" if level.side.sign > 0 else "sell", plain(level.price), plain(level.size), _usd(level), _only(level))
        for level in said.levels
    ]
    return [table(("", "price", "size", "USD", ""), rows, right=(1, 2, 3))] if rows else []


def _levels(said: QuoteExplained) -> list[str]:
    """Draw the levels as in a book, sells above, buys below."""
    mid = said.mid
    rows = [
        (
            _level_number(level.slot),
            "buy" if level.side.sign > 0 else "sell",
            plain(level.price),
            f"{(level.price - mid) / mid * 10_000:+.2f}" if mid is not None else "",
            plain(level.size),
            _usd(level),
            _only(level),
        )
        for level in sorted(said.levels, key=lambda level: level.price, reverse=True)
    ]
    return [table(("level", "side", "price", "bps", "size", "USD", ""), rows, right=(0, 2, 3, 4, 5))] if rows else []


def _level_number(slot: str) -> str:
    """Count a level as people do: bid:0 is 1, the one nearest the price."""
    number = slot.rpartition(":")[2]
    return str(int(number) + 1) if number.isdecimal() else ""


def _usd(level: Level) -> str:
    return f"{level.notional:.2f}"


def _only(level: Level) -> str:
    return "reduce-only" if level.reduce_only else ""


def _components(said: QuoteExplained, *, everything: bool) -> str:
    """Draw the components of each side, whose sum is the posted price, in bps of mid from the mid."""
    rows = []
    for part in said.components:
        both = (part.bid_bps, part.ask_bps)
        if everything or part.name in ALWAYS_SHOWN or any(both):
            rows.append((part.name.replace("_", " "), *(_bps(value) for value in both)))
    sums = (_sum(part.bid_bps for part in said.components), _sum(part.ask_bps for part in said.components))
    rows.append(("= from mid", *(_bps(value) for value in sums)))
    rows.append(("price", _price(said.bid), _price(said.ask)))
    return table(("component, bps", "bid", "ask"), rows, right=(1, 2))


def _sum(parts: Iterable[float | None]) -> float | None:
    """Add up the parts of a side; None for an absent side, whose parts are None."""
    values = list(parts)
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _bps(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"


def _parameters(used: Parameters, model: str) -> str:
    sigma = "n/a" if used.sigma_annual is None else f"{used.sigma_annual:.1%} a year"
    kappa = f"kappa {used.kappa:.4g} {used.kappa_unit}"
    first = {
        "glft": f"{kappa}  A {used.intensity_per_s:.4g}/s",
        "as": f"{kappa}  horizon {used.horizon_s:g} s",
        "fixed": f"half-spread {used.half_spread_bps:g} bps",
    }[model]
    lines = [f"{first}  ({used.source})"]
    if used.gamma is not None and used.gamma_source != "none":
        why = "set" if used.gamma_source == "set" else f"skew_at_limit {used.skew_at_limit:g}"
        lines.append(f"gamma {used.gamma:.4g}/USD  ({why})")
    return "\n".join([*lines, f"sigma {sigma}  ({used.sigma_source})"])


def _at_limits(said: QuoteExplained, skew: SkewAtLimit) -> str:
    """Draw the best prices at the limits of inventory and without any, and how far the quotes shift on the way."""
    rows = [
        (
            f"{row.inventory_usd:+.0f} USD" if row.inventory_usd else "flat",
            _price(row.bid),
            _price(row.ask),
            _bps(row.reservation_bps),
        )
        for row in said.at_limits
    ]
    return "\n".join(
        [
            table(("at inventory", "bid", "ask", "shift, bps"), rows, right=(1, 2, 3)),
            f"skew at the limit {skew.bps:.2f} bps = {skew.half_spreads:.2f} half-spreads",
        ]
    )


def _explanation(said: QuoteExplained) -> list[str]:
    lines = [f"formula  {said.formula}"]
    if said.inputs is not None:
        numbers = ((field.name, getattr(said.inputs, field.name)) for field in fields(said.inputs))
        lines += [f"input    {name} {value:.10g}" for name, value in numbers if value is not None]
    fitted = said.fit
    if fitted is not None:
        quality = fitted.reason or (
            f"R² {fitted.r_squared:.3f}, {fitted.distances} distances, A {fitted.intensity_per_s:.4g}/s of "
            f"both sides, kappa {fitted.kappa_per_usd:.4g} per USD"
        )
        lines.append(f"the fit  {fitted.sweeps} sweeps in {fitted.span_s:.0f} s: {quality}")
    return lines
