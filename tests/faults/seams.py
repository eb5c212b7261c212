"""What may stand between the engine and its venue or journal: death at the n-th call, old answers, interruptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pfmm.model.account import Cursors, Snapshot


class Killed(BaseException):
    """kill -9: nothing may catch it."""


class Dying:
    """Everything as `inner` has it, but the `number`-th call of one of `calls` dies before or after it acted."""

    def __init__(
        self, inner: Any, calls: set[str], number: int, moment: str, error: BaseException | None = None
    ) -> None:
        self._inner, self._calls, self._left, self._moment = inner, calls, number, moment
        self._error = error or Killed()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._deadly(found) if name in self._calls else found

    def _deadly(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._moment == "before":
                raise self._error
            try:
                return call(*args, **options)
            finally:
                if self._left == 0:
                    raise self._error

        return called


class Replaying:
    """A venue whose snapshots can be replaced by an old one: `again` is served instead, `first` was the first."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.first: Snapshot | None = None
        self.again: Snapshot | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        found: Snapshot = self.again or self._inner.snapshot(markets, cursors)
        self.first = self.first or found
        return found


class Interrupted:
    """A venue after whose snapshots something else happens first."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.after_snapshot: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        found: Snapshot = self._inner.snapshot(markets, cursors)
        self.after_snapshot()
        return found
