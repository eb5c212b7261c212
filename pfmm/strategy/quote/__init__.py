"""The quoting strategy."""
