"""Frozen values of the domain, split by what needs them. Knows nothing of venues, files or time."""
