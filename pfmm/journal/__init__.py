"""The journal: one SQLite file an account, shared by every process that trades it."""
