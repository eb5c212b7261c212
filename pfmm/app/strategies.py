"""The strategies as a front end asks for them: which there are, and what each is. Layer: app."""

from __future__ import annotations

from pfmm.strategy.registry import STRATEGIES

TYPE_CHECKING = False
if TYPE_CHECKING:  # spelled so, since `typing` alone would double the time of --help, which asks for the names
    from pfmm.model.setting import Setting

    # for the front ends, which import no strategy
    from pfmm.strategy.base import Column as Column
    from pfmm.strategy.base import Kind as Kind
    from pfmm.strategy.explained import GridExplained as GridExplained
    from pfmm.strategy.explained import GridLine as GridLine
    from pfmm.strategy.explained import Level as Level
    from pfmm.strategy.explained import Parameters as Parameters
    from pfmm.strategy.explained import QuoteExplained as QuoteExplained
    from pfmm.strategy.explained import SkewAtLimit as SkewAtLimit


def lines() -> dict[str, str]:
    """Return the line of each strategy in the root help, by name. Imports no strategy."""
    return {name: line for name, (_, line) in STRATEGIES.items()}


def names() -> tuple[str, ...]:
    """Return the strategies' names, in the order of the root help."""
    return tuple(STRATEGIES)


def kind(name: str) -> Kind:
    """Return the strategy of that name. Raises KeyError for another name."""
    from pfmm.strategy.base import kind_of

    return kind_of(name)


def flagged(name: str) -> tuple[Setting, ...]:
    """Return the settings that a strategy's commands have flags for: its own, then those of the tables it shares."""
    from pfmm.config.tables import table

    one = kind(name)
    shared = [setting for section in one.flags_of for setting in table(section).values()]
    return tuple(each for each in (*one.settings, *shared) if each.flags and each.name not in one.unused)
