"""What a loop's screen says last: who ended it, what is left, and what to type about it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pfmm.app.watched import Shown
from pfmm.cli.live.screens import LiveScreen
from pfmm.cli.render.left import Left, left_lines
from pfmm.model.event import Event

NAMES = ("BTC-PERP", "ETH-PERP", "SOL-PERP")


def left(market: str, inventory: str = "0.5") -> Left:
    close = f"pfmm flatten {market}" if Decimal(inventory) else None
    return Left(market, "quote", Decimal(inventory), Decimal("1.5"), close)


def said_last(capsys: pytest.CaptureFixture[str], reason: str, *, halted: str | None, runs: list[Left]) -> str:
    """What a screen says from the end of its loop on, without line breaks."""
    screen = LiveScreen(Shown("quote", NAMES, "paper", "default", "cancel"), keys=False)
    data: dict[str, Any] = {"reason": reason, "policy": "cancel"}
    screen.write(Event("stopping", 0, "", "quote", data))
    if halted is not None:
        screen.write(Event("halted", 0, "", "quote", {"reason": halted}))
    ended = {"reason": reason, "cancelled": 2, "orders_left": 0, "left": [run._asdict() for run in runs]}
    screen.write(Event("stopped", 0, "", "quote", ended))
    screen.close()
    return " ".join(capsys.readouterr().out.split())


def test_what_a_flatten_closes_now_is_not_to_be_flattened_again(capsys: pytest.CaptureFixture[str]) -> None:
    text = said_last(capsys, "halted", halted="flatten the whole account", runs=[left("BTC-PERP")])
    assert "halted: asked to flatten the whole account" in text
    assert text.endswith("BTC-PERP quote: leaves 0.5 to the flatten; P&L +1.5000 USD.")


@pytest.mark.parametrize("halted", ["loss limit: 20 USD", "halve BTC-PERP", "cancel the orders of the whole account"])
def test_what_nobody_closes_gets_the_command_that_does(capsys: pytest.CaptureFixture[str], halted: str) -> None:
    text = said_last(capsys, "halted", halted=halted, runs=[left("BTC-PERP")])
    assert text.endswith("leaves 0.5; P&L +1.5000 USD. `pfmm flatten BTC-PERP` closes all that is held there.")


def test_ctrl_c_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    text = said_last(capsys, "signal SIGINT", halted=None, runs=[])
    assert "Stopping (Ctrl-C): cancelling" in text
    assert "Stopped: Ctrl-C. 2 orders cancelled; none of this run rests." in text


def test_many_runs_are_told_once_how_they_are_closed() -> None:
    assert left_lines([left(market) for market in NAMES] + [left("XRP-PERP", "0")]) == [
        "BTC-PERP quote: leaves 0.5; P&L +1.5000 USD.",
        "ETH-PERP quote: leaves 0.5; P&L +1.5000 USD.",
        "SOL-PERP quote: leaves 0.5; P&L +1.5000 USD.",
        "XRP-PERP quote: holds nothing; P&L +1.5000 USD.",
        "`pfmm flatten BTC-PERP` closes all that is held there; the others likewise.",
        "`pfmm flatten --all` closes all that the account holds.",
    ]
    assert sum("pfmm flatten" in line for line in left_lines([left(market) for market in NAMES[:2]])) == 2
