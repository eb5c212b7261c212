"""A setting that is empty is shown as unset, in help as in `profile show`."""

from __future__ import annotations

import pytest

from pfmm.cli import app


def test_no_default_is_shown_as_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["grid", "start", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "default )" not in shown
    assert "or 24x7 (text; default unset)." in shown
