"""Resting orders in the synthetic market fill the same whether somebody looks once or a thousand times."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.matching import MarketBook, Resting
from tests.examples import examples

MARKET = "ETH-PERP"
SPAN = 2 * 3_600_000


@examples(8, 25)
@given(
    st.integers(0, 50),
    st.integers(1_700_000_000_000, 1_900_000_000_000),
    st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 60), st.integers(20, 30_000)), min_size=1, max_size=8),
    st.lists(st.integers(0, SPAN), max_size=40),
)
def test_fills_do_not_depend_on_when_somebody_looks(
    seed: int, start: int, orders: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    def fills(edges: list[int]) -> list[object]:
        feed, book = SyntheticFeed(seed), MarketBook()
        quote, mark = feed.quote(MARKET, start), feed.mark(MARKET, start)
        for number, (side, bps, usd) in enumerate(orders):
            price = (
                min(int(mark * (1 - bps * 1e-4)), quote.bid)
                if side > 0
                else max(mark + mark * bps // 10_000, quote.ask)
            )
            book.join(Resting(number, side, price, usd * 10**6 // price + 1), quote)
        return [
            outcome
            for after, to in pairwise(edges)
            for event in feed.events(MARKET, after, to, book)
            for outcome in book.on_event(event)
        ]

    whole = fills([start, start + SPAN])
    assert fills([start, *sorted(start + cut for cut in cuts), start + SPAN]) == whole
