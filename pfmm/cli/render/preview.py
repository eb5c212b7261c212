"""The preview of a strategy as text and as JSON: a grid's lines, a quote's components, or plain orders. Layer: cli.

The strategy's room names the layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.cli.output import folded
from pfmm.cli.render.tables import table
from pfmm.model.text import plain

if TYPE_CHECKING:
    from pfmm.app.preview import PreviewResult

EXTRAS = ("inputs", "fit", "formula")
ALWAYS_SHOWN = ("half_spread", "inventory", "rounding")


def preview_data(result: PreviewResult, *, explain: bool) -> Any:
    """The `data` of a preview; without `explain` a quote's inputs, fit and formula are left out."""
    shown = result.shown
    if result.layout == "lines":
        return plan_data(shown.explanation)
    if result.layout in {"components", "levels"}:
        data = {**shown.explanation, "notes": list(shown.notes)}
        return data if explain else without_extras(data)
    orders = [
        {"slot": one.slot, "side": one.side, "price": one.price, "size": one.size, "notional": one.price * one.size}
        for one in shown.orders
    ]
    absent, notes = dict(shown.absent), list(shown.notes)
    head = {"market": result.market, "strategy": result.strategy, "mid": result.mid}
    return {**head, "orders": orders, "absent": absent, "notes": notes, "explanation": shown.explanation}


def preview_text(result: PreviewResult, *, explain: bool) -> str:
    """The preview for people, drawn as its layout asks."""
    if result.layout == "lines":
        return "\n".join([plan_text(result.shown.explanation), *(f"note: {note}" for note in result.shown.notes)])
    if result.layout in {"components", "levels"}:
        data = {**result.shown.explanation, "notes": list(result.shown.notes)}
        return show_text(data, ladder=result.layout == "levels", explain=explain)
    return _orders_text(result)


def _orders_text(result: PreviewResult) -> str:
    """The orders as in a book, then what the strategy says of them."""
    shown = result.shown
    rows = [
        (one.slot, "buy" if one.side.sign > 0 else "sell", plain(one.price), plain(one.size))
        for one in sorted(shown.orders, key=lambda one: one.price, reverse=True)
    ]
    mid = "n/a" if result.mid is None else plain(result.mid)
    lines = [f"{result.market}  {result.strategy}  mid {mid}", ""]
    lines += [table(("slot", "side", "price", "size"), rows, right=(2, 3))] if rows else []
    lines += [f"no {slots}: {reason}" for slots, reason in folded(shown.absent)]
    lines += [f"note: {note}" for note in shown.notes]
    said = shown.explanation
    lines += [f"{name} {value}" for name, value in said.items()] if isinstance(said, Mapping) else []
    return "\n".join(lines)


def plan_data(planned: Any) -> dict[str, Any]:
    """The `data` of `grid plan`."""
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
    """The plan as a ladder of lines, highest first, with what it could earn and lose."""
    by_line = {order.line: order for order in planned.orders}
    rows = []
    for index in reversed(range(len(planned.lines))):
        order = by_line.get(index)
        what = ("sell" if order.side.sign < 0 else "buy") if order is not None else "empty"
        size = plain(order.size) if order is not None else ""
        notional = f"{order.notional:.2f}" if order is not None else ""
        rows.append((str(index), what, plain(planned.lines[index]), size, notional))
    head = [
        f"{planned.market}  mid {planned.mid:f}  {planned.levels} {planned.spacing} steps of {planned.step:f} "
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
    """A round trip's profit with its parts, which add up as printed: a rebate is a plus."""
    effect = -planned.fees_per_round_trip
    gross = planned.profit_per_round_trip - effect
    named = "rebates" if effect > 0 else "fees"
    return (
        f"profit a round trip  {planned.profit_per_round_trip:+.6f} USD = step {gross:+.6f}  {named} {effect:+.6f} "
        f"(maker {planned.maker_bps:f} bps)"
    )


def _worst_cases(planned: Any) -> str:
    """What the first orders lose when the price runs straight one way: at the edge, further out, at liquidation."""
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
    return table(("worst case", "price falls to", "USD", "price rises to", "USD"), rows, right=(1, 2, 3, 4))


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
    if data["at_limits"]:
        lines += ["", _at_limits(data)]
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
        from pfmm.app.preview import SIZE_MULTIPLIER

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
    kappa = f"kappa {p['kappa']:.4g} {p['kappa_unit']}"
    used = {
        "glft": f"{kappa}  A {p['intensity_per_s']:.4g}/s",
        "as": f"{kappa}  horizon {p['horizon_s']:g} s",
        "fixed": f"half-spread {p['half_spread_bps']:g} bps",
    }[data["model"]]
    lines = [f"{used}  ({p['source']})"]
    if p["gamma"] is not None and p["gamma_source"] != "none":
        why = "set" if p["gamma_source"] == "set" else f"skew_at_limit {p['skew_at_limit']:g}"
        lines.append(f"gamma {p['gamma']:.4g}/USD  ({why})")
    return "\n".join([*lines, f"sigma {sigma}  ({p['sigma_source']})"])


def _at_limits(data: Mapping[str, Any]) -> str:
    """The best prices at the limits of inventory and without any, and how far the quotes shift on the way."""
    rows = [
        (f"{Decimal(row['inventory_usd']):+.0f} USD" if Decimal(row["inventory_usd"]) else "none",
         row["bid"] or "none", row["ask"] or "none", _bps(row["reservation_bps"]))
        for row in data["at_limits"]
    ]  # fmt: skip
    skew = data["skew_at_limit"]
    return "\n".join(
        [
            table(("at inventory", "bid", "ask", "shift, bps"), rows, right=(1, 2, 3)),
            f"skew at the limit {skew['bps']:.2f} bps = {skew['half_spreads']:.2f} half-spreads",
        ]
    )


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
