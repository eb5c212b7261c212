"""Formats of rows and columns are declared in a few words."""

from __future__ import annotations

from pfmm.tape.layout import named


def test_a_role_is_called_as_it_is_or_by_the_names_that_follow_it() -> None:
    assert named("time=ts|timestamp price") == {"time": ("ts", "timestamp"), "price": ("price",)}
