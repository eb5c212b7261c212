"""The loop around the cycle: clock, signals, locks and the dead-man switch."""
