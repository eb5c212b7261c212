"""The grid strategy."""
