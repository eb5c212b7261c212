"""Adapters that speak to a venue; `http` alone imports httpx and httpcore."""
