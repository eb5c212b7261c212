"""Pure strategy maths: from state to desired orders. No I/O, no clock, no randomness."""
