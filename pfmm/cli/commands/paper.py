"""`pfmm paper`: the embedded exchange of this PFMM_HOME: its state, its money, its market, and serving it.

Whatever the profile's venue, these commands mean paper money. Where the profile names a served paper exchange,
`status` asks that one; what changes an exchange acts on the embedded one alone and says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pfmm.cli.options import globals_of, non_negative_float, non_negative_integer, positive_decimal
from pfmm.cli.output import Globals, Result, emit, iso, plain, say, table
from pfmm.cli.times import Moment, moment

if TYPE_CHECKING:
    from pfmm.app.paper_admin import Fresh
    from pfmm.app.session import Session
    from pfmm.model.account import Snapshot, VenueTime

DEFAULT_PORT = 8787

app = typer.Typer(help="The embedded exchange: paper money, real rules. See `pfmm help paper-fills`.")
feed_app = typer.Typer(help="Show or switch the market that the exchange trades in.", invoke_without_command=True)
app.add_typer(feed_app, name="feed")

Speed = Annotated[
    float,
    typer.Option(
        "--speed", parser=non_negative_float, metavar="X",
        help="Venue seconds a second, up to 1000000; 0 = time moves only when a client steps it.",
    ),
]  # fmt: skip
At = Annotated[
    Moment | None,
    typer.Option(
        "--at", parser=moment, metavar="TIME", help="Venue time to start at (ISO-8601 UTC, or ms since 1970).",
        show_default=False,
    ),
]  # fmt: skip
Reset = Annotated[bool, typer.Option("--reset", help="Drop every paper account first (orders, positions, history).")]


@app.command()
def status(context: typer.Context) -> None:
    """Show market, clock, equity, positions and orders."""
    options = globals_of(context)
    with _paper(options) as opened:
        config = opened.exchange.feed_config() if opened.in_process else {"kind": "served"}
        snapshot = opened.venue.state(())
        url = None if opened.in_process else opened.settings.base_url
        data = {
            "account": opened.account,
            "url": url,
            "exchange_id": snapshot.exchange_id,
            **_clock(config, snapshot.time),
            **_holdings(snapshot),
        }
        emit(options, Result(data, lambda: _status_text(data)))


@app.command()
def reset(
    context: typer.Context, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Drop every paper account and start the market's clock anew. Journals are kept aside; order ids go on."""
    from pfmm.app import paper_admin
    from pfmm.cli.prompt import confirm

    options = globals_of(context)
    with _paper(options, changes=True) as opened:
        paper_admin.refuse_while_running(opened.state_dir)
        confirm(f"Drop every paper account under {opened.state_dir}?", yes=yes)
        fresh = paper_admin.reset(opened.state_dir)
        _answer_feed(options, opened, fresh)


@app.command()
def deposit(
    context: typer.Context,
    amount: Annotated[Decimal, typer.Argument(parser=positive_decimal, metavar="AMOUNT", help="USDC, up to 1e9.")],
) -> None:
    """Add paper money to the account."""
    from pfmm.app.paper_admin import refusals

    options = globals_of(context)
    with _paper(options, changes=True) as opened:
        with refusals():
            record = opened.exchange.deposit(opened.account, amount)
        data = {"account": opened.account, "amount": amount, "deposits": record.deposits, "equity": record.equity}
        text = f"{plain(amount)} USDC deposited on paper account {opened.account}: equity {record.equity:.4f} USDC"
        emit(options, Result(data, lambda: text))


@feed_app.callback()
def feed(context: typer.Context) -> None:
    """Show the market that the exchange trades in, or switch it."""
    if context.invoked_subcommand is None:
        options = globals_of(context)
        with _paper(options, changes=True) as opened:
            _answer_feed(options, opened, None)


@feed_app.command()
def synthetic(
    context: typer.Context,
    seed: Annotated[
        int, typer.Option("--seed", parser=non_negative_integer, metavar="N", help="The same seed, the same market.")
    ] = 1,
    speed: Speed = 1.0,
    at: At = None,
    reset: Reset = False,
) -> None:
    """Trade in a made-up market: endless, the same for the same seed. Starts now unless --at."""
    from pfmm.errors import UsageError
    from pfmm.paper.clock import FIRST_MS, LAST_MS

    if at is not None and not FIRST_MS <= at.ms <= LAST_MS:
        raise UsageError(f"--at must lie between 2000 and 2100, not {at.text}")
    config: dict[str, Any] = {"kind": "synthetic", "seed": seed, "speed": _number(speed)}
    _switch(globals_of(context), lambda _: config if at is None else {**config, "at_ms": at.ms}, afresh=reset)


@feed_app.command()
def replay(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Recorded data, in time order.")],
    speed: Speed = 1.0,
    at: At = None,
    reset: Reset = False,
    idle_pause: Annotated[
        bool, typer.Option("--idle-pause/--no-idle-pause", help="Stop the clock after 60 s without any use.")
    ] = True,
) -> None:
    """Trade in recorded data. It is read once and kept beside the exchange; the files are not needed later."""

    def configured(opened: Session) -> dict[str, Any]:
        from pfmm.paper.feeds.replay_tape import build_tape

        tape = build_tape(files, opened.state_dir / "paper" / "tapes")
        names = [str(path.absolute()) for path in files]
        config = {"kind": "replay", "tape": str(tape), "files": names, "speed": _number(speed)}
        config["idle_pause"] = idle_pause
        if at is None:
            return config
        _refuse_outside(config, at)
        return {**config, "at_ms": at.ms}

    _switch(globals_of(context), configured, afresh=reset)


def _refuse_outside(config: Mapping[str, Any], at: Moment) -> None:
    from pfmm.app.session import feed_of
    from pfmm.errors import ConfigError

    first_ms, last_ms = feed_of(config).span()
    if not first_ms <= at.ms <= last_ms:
        raise ConfigError(
            f"--at {at.text} lies outside the recording, {iso(first_ms)} to {iso(last_ms)}",
            hint="`pfmm backtest data FILE` shows the span of each file",
        )


@app.command()
def serve(
    context: typer.Context,
    port: Annotated[
        int, typer.Option("--port", parser=non_negative_integer, metavar="P", help="Port; 0 takes a free one.")
    ] = DEFAULT_PORT,
    faults: Annotated[
        str | None,
        typer.Option("--faults", metavar="SPEC", help="Go wrong on demand, e.g. seed=7,rate=0.3,kinds=timeout+reset."),
    ] = None,
    latency_ms: Annotated[
        int, typer.Option("--latency-ms", parser=non_negative_integer, metavar="N", help="Delay every answer.")
    ] = 0,
    rate_limit: Annotated[bool, typer.Option("--rate-limit", help="Enforce the documented request limits.")] = False,
) -> None:
    """Serve the exchange over HTTP; prints the URL. This machine only, until Ctrl-C; keys are paper-ACCOUNT."""
    from pfmm.paper.server.faults import parse_faults
    from pfmm.paper.server.serve import serve as serve_until_signal
    from pfmm.paper.server.throttle import Throttle
    from pfmm.paper.wire.wsgi import make_app

    options = globals_of(context)
    plan = parse_faults(faults) if faults is not None else None
    with _paper(options) as opened:
        exchange = opened.exchange
        stopped_by = serve_until_signal(
            lambda: make_app(exchange, throttle=Throttle() if rate_limit else None),
            port=port,
            faults=plan,
            latency_ms=latency_ms,
            on_ready=lambda url: _announce(options, url, exchange.time().time_ms),
        )
    raise typer.Exit(128 + (stopped_by or 0))


def _announce(options: Globals, url: str, time_ms: int) -> None:
    from pfmm.cli.output import event_line, write

    write(event_line("serving", time_ms, {"url": url}) if options.json else url)
    say(options, f"serving the paper exchange; PFMM_BASE_URL={url} lets commands use it, Ctrl-C stops")


@contextmanager
def _paper(options: Globals, *, changes: bool = False) -> Iterator[Session]:
    """The paper side of the profile. `changes`: refuse where the profile means another exchange than the embedded."""
    from pfmm.cli.opening import session
    from pfmm.config.resolve import load_settings
    from pfmm.errors import ConfigError

    overrides: dict[str, object] = {"venue": "paper"}
    if load_settings(os.environ, profile=options.profile).venue != "paper":
        overrides["base_url"] = ""  # PFMM_BASE_URL is then the address of the live venue
    with session(options, overrides) as opened:
        if changes and not opened.in_process:
            profile = opened.settings.profile
            named = opened.settings.source("base_url") == "environment"
            way = "without PFMM_BASE_URL" if named else f"after `pfmm profile unset base_url --profile {profile}`"
            raise ConfigError(
                f"profile {profile} trades on the paper exchange at {opened.settings.base_url}; "
                "this command works on the embedded exchange alone",
                hint=f"run it where that exchange is served, {way}",
            )
        yield opened


def _switch(options: Globals, configured: Any, *, afresh: bool) -> None:
    from pfmm.app import paper_admin

    with _paper(options, changes=True) as opened:
        fresh = paper_admin.switch_feed(opened.state_dir, configured(opened), afresh=afresh)
        _answer_feed(options, opened, fresh)


def _answer_feed(options: Globals, opened: Session, fresh: Fresh | None) -> None:
    clock = opened.exchange.time()
    data = _clock(opened.exchange.feed_config(), clock)
    warnings: list[str] = []
    if fresh is not None:
        data |= {
            "dropped_accounts": list(fresh.accounts),
            "journals": [{"from": str(old), "to": str(new)} for old, new in fresh.journals],
        }
        if fresh.damaged:
            warnings.append("the exchange's file could not be used: it was set aside and a new one started")
        warnings += [f"account {name} is still halted: `pfmm resume` lifts that" for name in fresh.halted]
    emit(options, Result(data, lambda: _feed_text(data, fresh), tuple(warnings)))


def _clock(config: Mapping[str, Any], clock: VenueTime | Any) -> dict[str, Any]:
    shown = {("at" if key == "at_ms" else key): iso(v) if key == "at_ms" else v for key, v in config.items()}
    return {"feed": shown, "state": clock.state, "time": iso(clock.time_ms), "speed": _number(clock.speed)}


def _holdings(snapshot: Snapshot) -> dict[str, Any]:
    account = snapshot.account
    return {
        "equity": account.equity,
        "cash": account.cash,
        "margin_used": account.margin_used,
        "free_margin": account.free_margin,
        "deposits": account.deposits,
        "positions": [
            {
                "market": position.market,
                "side": "long" if position.size > 0 else "short",
                "size": position.size,
                "notional": position.notional,
                "mark_price": position.mark_price,
                "unrealized_pnl": position.unrealized_pnl,
                "liquidation_price": position.liquidation_price,
            }
            for position in snapshot.positions
            if position.size
        ],
        "open_orders": [
            {
                "market": order.market,
                "side": order.side,
                "price": order.price,
                "size": order.size,
                "filled": order.filled,
                "order_id": order.order_id,
                "client_order_id": order.client_order_id,
            }
            for order in snapshot.orders
        ],
    }


def _status_text(data: Mapping[str, Any]) -> str:
    where = data["url"] or "embedded"
    lines = [
        f"paper account {data['account']} ({where})",
        _clock_text(data),
        f"equity {data['equity']:.4f} USDC   cash {data['cash']:.4f}   margin used {data['margin_used']:.4f}   "
        f"free {data['free_margin']:.4f}",
    ]
    if data["positions"]:
        rows = [
            (p["market"], p["side"], plain(p["size"]), f"{p['notional']:.2f}", f"{p['unrealized_pnl']:+.4f}")
            for p in data["positions"]
        ]
        lines += ["", table(("position", "side", "size", "USD", "unreal."), rows, right=(2, 3, 4))]
    if data["open_orders"]:
        rows = [
            (o["market"], str(o["side"]), plain(o["price"]), plain(o["size"]), plain(o["filled"]))
            for o in data["open_orders"]
        ]
        lines += ["", table(("order", "side", "price", "size", "filled"), rows, right=(2, 3, 4))]
    return "\n".join(lines)


def _feed_text(data: Mapping[str, Any], fresh: Fresh | None) -> str:
    lines = [_clock_text(data)]
    if fresh is not None:
        lines.append(f"dropped {len(fresh.accounts)} paper accounts" + "".join(f" {name}" for name in fresh.accounts))
        lines += [f"journal kept as {new}" for _, new in fresh.journals]
    return "\n".join(lines)


def _clock_text(data: Mapping[str, Any]) -> str:
    config = data["feed"]
    what = config["kind"]
    if what == "synthetic":
        what += f" seed {config['seed']}"
    elif what == "replay":
        what += f" {', '.join(config['files'])}"
    pace = "stepped by its clients" if not data["speed"] else f"speed {data['speed']:g}"
    return f"market {what}   {data['time']}   {pace}   {data['state']}"


def _number(value: float) -> float | int:
    """1.0 → 1: what people typed."""
    return int(value) if value == int(value) else value
