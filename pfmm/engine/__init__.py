"""The cycle: read, absorb, settle, decide, reconcile, check risk, submit, record."""
