"""One module a command: parsing and calls."""
