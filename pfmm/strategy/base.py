"""What pfmm knows of a strategy besides its decisions: settings, how it is built, what is shown of it. Pure.

Everything that differs between strategies and is no decision stands in a subclass of `Kind`, in the strategy's own
room; the rest of pfmm asks that and names no strategy. Layer: strategy.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from pfmm.model.quick import quick
from pfmm.model.setting import Setting, Values
from pfmm.strategy.registry import STRATEGIES

if TYPE_CHECKING:
    from pfmm.errors import PfmmError
    from pfmm.model.plan import DesiredOrder, MarketView, Tolerance
    from pfmm.ports import Strategy
    from pfmm.strategy.calibration import Calibration


class Measured(NamedTuple):
    """What was measured on the venue before a strategy is built; None where it was not.

    `sigma_annual` is a fraction a year (0.5 = 50 %). `one_look` is True for a computation that is only shown, from
    one look at the market.
    """

    sigma_annual: float | None = None
    calibration: Calibration | None = None
    one_look: bool = False


class Needs(NamedTuple):
    """What `build` wants measured on the venue first: the market's volatility, numbers fitted to its trades."""

    volatility: bool = False
    fit: bool = False


class Built(NamedTuple):
    """A strategy on one market, with what the engine must know of it.

    `config` are the settings that its resting orders stand for, `defaults` their values where nobody has set them, and
    `tolerance` says how wrong a resting order may be before it is moved.
    """

    strategy: Strategy[Any]
    config: Mapping[str, str | None]
    defaults: Mapping[str, str | None]
    tolerance: Tolerance


class Follows(NamedTuple):
    """How orders follow the price: so many are moved whenever it has left a band of so many bps on either side."""

    orders: int
    band_bps: float


class AtStart(NamedTuple):
    """What stands in the way of a new run, and what it would do other than its settings say."""

    refusal: PfmmError | None = None
    notes: tuple[str, ...] = ()


@quick(frozen=True, slots=True)
class Column:
    """One column of a running strategy's screen: `value_of` reads it out of the decision's explanation.

    `unit` is "USD" for a price, which stands before bid and ask, "share" for a fraction of the limit, "" for a word,
    and else what a number counts. A value of None is shown as "-".
    """

    name: str
    unit: str
    value_of: Callable[[Any], Any]


@quick(frozen=True, slots=True)
class Preview:
    """What one computation shows: the strategy's own values, the orders that would rest, why others would not."""

    explanation: Any
    orders: tuple[DesiredOrder, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Kind:
    """One strategy: `name` in commands and journals, `noun` for one of its runs, and its table of settings.

    `sections` are the further tables that it reads, `flags_of` those of them whose flags its commands have, and
    `unused` names settings of its tables that it does not use. `preview` is the name of the command that shows it
    without orders, `layout` the screen and the preview that it is drawn with.
    """

    name: str
    noun: str
    settings: tuple[Setting, ...] = ()
    sections: tuple[str, ...] = ()
    flags_of: tuple[str, ...] = ()
    unused: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()  # of what `kept` names, the settings that move no resting order
    replaced: Mapping[str, str] = {}  # of what `kept` names, older settings by which newer one took their place
    preview: str = "plan"
    preview_help: str = "Show the orders that would rest now. Sends nothing."
    start_help: str = "Run it on MARKET."
    layout: str = "orders"
    many_markets: bool = False
    keep_on_bad_data: bool = False
    checks_start: bool = False  # True where `at_start` looks, which costs a start two requests
    reads_account: bool = True  # False where the preview needs no account, and so no key

    def build(self, market: str, values: Values, measured: Measured) -> Strategy[Any]:
        """Build the strategy on one market. Raises UsageError for settings that contradict each other."""
        raise NotImplementedError

    def needs(self, values: Values) -> Needs:  # noqa: ARG002 - what a strategy answers that needs nothing
        """Say what `build` wants measured on the venue first."""
        return Needs()

    def assembled(self, market: str, values: Values, measured: Measured) -> Built:
        """Build the strategy with what the engine must know of it. Raises UsageError as `build` does."""
        strategy = self.build(market, values, measured)
        return Built(strategy, self.kept(values), self.kept(values.usual()), self.tolerance(values))

    def tolerance(self, values: Values) -> Tolerance:  # noqa: ARG002 - none: every order lies where it is wanted
        """Tell how wrong a resting order may be before it is moved."""
        from pfmm.model.plan import Tolerance

        return Tolerance()

    def follows(self, values: Values) -> Follows | None:  # noqa: ARG002 - of one whose orders stay where they are
        """Tell how its orders follow the price, for a forecast of what it sends.

        None where they stay where they are.
        """
        return None

    def kept(self, values: Values) -> Mapping[str, str | None]:
        """Return the settings that a run's resting orders stand for, as the journal keeps them.

        A restart compares them.
        """
        return {name: values.text(name) for name in values if name not in self.unused}

    def at_start(
        self,
        strategy: Strategy[Any],  # noqa: ARG002 - what a strategy that starts small answers
        view: MarketView,  # noqa: ARG002 - likewise
        equity: Decimal | None,  # noqa: ARG002 - likewise
    ) -> AtStart:
        """Say why a new run could never work within its limits, if so, and what its starter must know; `equity`, USD,
        is None where no account was asked."""
        return AtStart()

    def columns(self) -> tuple[Column, ...]:
        """Return what its screen shows beside prices, inventory and profit."""
        return ()

    def preview_of(
        self,
        strategy: Strategy[Any],
        view: MarketView,
        memory: Mapping[str, Any] | None,
        equity: Decimal | None,  # noqa: ARG002 - of use where a strategy can say when an account would be liquidated
    ) -> Preview:
        """Work out what a start would want now; the strategy decides once.

        `memory` is what an open run remembers, `equity` the account's in USD where it is known.
        """
        state = strategy.initial(view)
        if memory is not None:
            state = strategy.load(memory)
        _, decision = strategy.decide(state, view)
        return Preview(decision.explain, decision.orders, decision.absent, decision.notes)

    def preview_problem(self, strategy: Strategy[Any], problem: str) -> Preview:  # noqa: ARG002 - nothing was computed
        """Return the preview of a market whose data must not be acted on."""
        return Preview(None, absent={"quotes": problem})


def kind_of(name: str) -> Kind:
    """Import the strategy of that name. Raises KeyError for a name that the registry does not have."""
    module, _, attribute = STRATEGIES[name][0].partition(":")
    found: Kind = getattr(importlib.import_module(module), attribute)
    return found
