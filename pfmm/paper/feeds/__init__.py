"""The markets that the paper exchange can trade in: synthetic and replayed."""
