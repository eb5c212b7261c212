"""Pure folds from fills to positions, P&L, attribution and metrics."""
