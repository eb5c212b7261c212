"""The ladder strategy."""
