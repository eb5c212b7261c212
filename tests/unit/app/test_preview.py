"""What a strategy would want now, as a function: grid plan, quote show, ladder show."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.app.preview import PreviewRequest, preview
from pfmm.app.session import Session
from pfmm.cli.render.preview import preview_data, preview_text
from pfmm.config.resolve import load_settings
from pfmm.errors import UnknownMarket
from pfmm.model.encoding import jsonable


def with_flags(session: Session, **flags: object) -> Session:
    """The session with these flags: grid_levels is grid.levels."""
    named = {name.replace("_", ".", 1): value for name, value in flags.items()}
    home = {"PFMM_HOME": str(session.settings.paths.config_file.parent)}
    session.settings = load_settings(home, overrides=named)
    return session


def test_a_plan_needs_no_journal_and_says_why_start_would_refuse(session: Session) -> None:
    found = preview(PreviewRequest("grid", "btc"), session=session)
    assert (found.market, found.layout, found.refusal) == ("BTC-PERP", "lines", None)
    assert found.shown.explanation.levels == 10
    assert not session.has_journal
    large = preview(PreviewRequest("grid", "btc"), session=with_flags(session, grid_levels=100))
    assert large.refusal is not None
    assert large.refusal.startswith("start would refuse: one side of this grid")


def test_a_shown_quote_adds_up_to_its_prices(session: Session) -> None:
    found = preview(PreviewRequest("quote", "BTC-PERP"), session=session)
    data = jsonable(preview_data(found, explain=True))
    for side in ("bid", "ask"):
        whole = sum(part[f"{side}_bps"] for part in data["components"])
        away = (Decimal(data[side]) - Decimal(data["mid"])) / Decimal(data["mid"]) * 10_000
        assert whole == pytest.approx(float(away), abs=1e-6)
    assert {"inputs", "fit", "formula"} <= set(data)
    assert not {"inputs", "fit", "formula"} & set(preview_data(found, explain=False))


def test_a_supposed_inventory_skews_the_quote_and_the_ladder(session: Session) -> None:
    for name in ("quote", "ladder"):
        flat = preview_data(preview(PreviewRequest(name, "btc", Decimal(0)), session=session), explain=False)
        full = preview_data(preview(PreviewRequest(name, "btc", Decimal(400)), session=session), explain=False)
        assert full["reservation_price"] < flat["reservation_price"]
        assert full["inventory_ratio"] == pytest.approx(0.8, abs=0.01)


def test_a_ladder_has_its_levels_and_a_text_at_every_width(session: Session) -> None:
    found = preview(PreviewRequest("ladder", "btc"), session=with_flags(session, ladder_levels=3))
    assert len(found.shown.orders) == 6
    drawn = preview_text(found, explain=False).splitlines()
    assert sum(line.lstrip().startswith(("3  buy", "3  sell")) for line in drawn) == 2


def test_a_market_that_is_none_has_no_preview(session: Session) -> None:
    with pytest.raises(UnknownMarket):
        preview(PreviewRequest("quote", "nothing"), session=session)
