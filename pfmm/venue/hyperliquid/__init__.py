"""The Hyperliquid dialect: numbers, ids, signatures and JSON forms of its perpetual markets."""
