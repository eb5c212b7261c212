"""The command line: parsing, composition and rendering. Nothing imports it."""
