"""Adapters that speak to a venue; the only place that may import httpx."""
