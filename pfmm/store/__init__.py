"""What every file of state shares: locks, atomic writes, SQLite with write-ahead logging."""
