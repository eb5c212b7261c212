"""What a backtest runs is what `start` would trade: the same settings, defaults, limits and strategy."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.app.backtest_jobs import run_spec
from pfmm.app.runs import Runs
from pfmm.app.session import Session
from pfmm.app.strategies import names
from pfmm.config.values import Settings
from pfmm.strategy.base import kind_of

# no numbers that a start measures on the venue: those come from the data in a backtest
UNMEASURED = {"quote.calibrate": False, "grid.range_pct": Decimal(1)}


@pytest.mark.parametrize("kind", names())
def test_a_backtest_builds_the_run_that_a_start_would(kind: str, session: Session) -> None:
    settings = Settings(profile="paper", paths=session.settings.paths, flags=UNMEASURED, environment={}, stored={})
    opened = Session(settings)
    try:
        instrument = opened.market("BTC")
        started, _ = Runs(kind_of(kind)).spec(opened, instrument, None)
    finally:
        opened.close()
    simulated = run_spec(settings, instrument, kind)
    assert simulated.limits == started.limits
    assert simulated.config == started.config
    assert simulated.defaults == started.defaults
    assert simulated.strategy.kind == started.strategy.kind
    assert simulated.strategy.config == started.strategy.config  # type: ignore[attr-defined]
