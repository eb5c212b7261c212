"""Settings: their table, the config file, where each value came from, and secrets."""
