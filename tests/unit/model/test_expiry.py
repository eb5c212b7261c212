"""How long a request may act, by one life and one skew."""

import pytest

from pfmm.model.account import VenueTime
from pfmm.model.expiry import acts_until_ms, valid_until_ms


@pytest.mark.parametrize(
    ("speed", "expiry_ms", "acts_ms"),
    [(1.0, 6_000, 8_000), (10.0, 51_000, 53_000), (0.0, 6_000, 8_000), (0.5, 6_000, 8_000)],
)
def test_a_request_lives_its_time_of_the_wall_and_acts_within_the_skew(
    speed: float, expiry_ms: int, acts_ms: int
) -> None:
    expiry = valid_until_ms(VenueTime(1_000, speed))
    assert (expiry, acts_until_ms(expiry)) == (expiry_ms, acts_ms)
